"""A whole house in virtual time: dialers that are killed, frozen and relieved, one database, one simulated network.

Each dialer is the production program from duty to journal (`app.sim.process`) on a loop of its own; in half of the
houses a second one stands by. Chance strikes until the house heals; then the campaigns must come to their end.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import structlog
from sqlalchemy import Connection, func, select, update

from app.commands import AddDnc, PlaceCall, RenderPrompts, TelephonyCommand
from app.compliance.library import Lawbook
from app.events import (
    AttemptClosed,
    CampaignPaused,
    CampaignStarted,
    CampaignStatusSaved,
    ContactRemoved,
    ContactsAdded,
    DncAdded,
    Event,
    PromptsRendered,
    TrunkSet,
)
from app.journal import Journal
from app.model import Audio, CampaignStatus, Prompt
from app.outcomes import Outcome
from app.sim.conservation import Books, books
from app.sim.disk import Disk, Ill
from app.sim.facts import Ended, OutOfReach, Placed, WireFact, WithinReach
from app.sim.faults import NO_FAULTS, Faults
from app.sim.network import SimNetwork
from app.sim.plan import PLACE, START_MS, CampaignPlan, WorldPlan, write_down
from app.sim.process import JOURNAL_ROOM, MOST_ROUNDS, Process
from app.sim.rules import AttemptClaim, Rule, Violation
from app.sim.trace import Trace
from app.sim.trunks import TrunkKind
from app.sim.wire import WireChecker
from app.sim.world import SPEECH_MS, TimeStandsStill, attempt_claims
from app.store.attaching import attach_new_contacts
from app.store.campaigns import list_campaigns
from app.store.dnc import add_dnc, is_dnc
from app.store.door import SyncStore
from app.store.errors import NotFound, StoreError
from app.store.lists import grow_list
from app.store.pacing import pacing_memory
from app.store.removing import remove_contact
from app.store.schema import campaign_contacts, campaign_lists, campaigns, contacts
from app.store.webhooks import WebhookPlan, create_webhook
from app.units import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, AttemptId, CampaignId, ContactId, ListId, Number

LONGEST_MS: Final = 60 * DAY_MS
"""A house that is not done by then has something that never ends."""
ELSEWHERE_MS: Final = 13 * SECOND_MS
"""Another process acknowledges an opt-out when no claim from before it is good any more (OTHERS_MS in app.barring)."""
TURN_S: Final = 0.05
"""In so long a dialer that runs has taken a turn."""
LOOK_MS: Final = 10 * SECOND_MS
"""So often somebody looks whether attempts are left open."""
RECOVERY_MS: Final = 2 * MINUTE_MS
"""So long after everything is well again no attempt without a call may be open any more."""
HEALS_MS: Final = (8 * MINUTE_MS, 30 * MINUTE_MS)
"""When faults end, at the earliest and the latest."""
STANDBY_SHARE: Final = 0.5
DEAD_RECEIVER_SHARE: Final = 0.3
"""Houses with a webhook that nobody listens to."""
MOST_STEPS: Final = 6
"""A dialer that is to die does so within so many commits or words to Asterisk."""


class House:
    """One run. `run` plays it to its end; then `checker.violations`, `claims` and `trace` tell of it."""

    def __init__(self, plan: WorldPlan, *, seed: int, faults: Faults = NO_FAULTS, trace: Trace | None = None) -> None:
        self.trace = trace or Trace()
        self.lawbook = Lawbook()
        self.now_ms = START_MS
        self.faults = faults
        self._rng = random.Random(f"house {seed}")
        self._ids = (AttemptId(f"s{seed % 10**6:06d}a{place:010d}") for place in itertools.count(1))
        self.store = SyncStore.open("sqlite://", new_attempt_id=lambda now_ms: next(self._ids), lawbook=self.lawbook)
        self._started = self.store.write(write_down, plan, START_MS)
        self.campaigns = [campaign for campaign, _ in self._started]
        for campaign, _ in self._started:
            self.store.write(_set_running, campaign.id)
        if self._rng.random() < DEAD_RECEIVER_SHARE:
            hook = WebhookPlan(url="http://127.0.0.1:9/dead")
            self.store.write(create_webhook, hook, secret="-", now_ms=START_MS)
        self.disk = Disk(self.store.engine, random.Random(f"disk {seed}"), faults, lambda: self.now_ms)
        ids = {campaign.caller_id: campaign.id for campaign in self.campaigns}
        limits = {shown: replace(each, campaign_id=ids[shown]) for shown, each in plan.campaign_limits.items()}
        self.checker = WireChecker(
            trunks=plan.trunk_limits, campaigns=limits, statutes=plan.statutes, zone_of=plan.zone_of
        )
        self._kinds = dict(plan.kinds)
        self.network = SimNetwork(
            seed=seed,
            start_ms=START_MS,
            trunks=self._kinds,
            length_of=self._length_of,
            faults=faults,
            on_wire=self._see,
            behaviour=plan.behaviour,
        )
        self._plan = plan
        self._lengths_ms: dict[str, int] = {}
        self._live: set[AttemptId] = set()
        self._faulty: set[AttemptId] = set()
        self._asked: set[AttemptId] = set()
        self._open_since_ms: dict[str, int] = {}
        self._well_since_ms: int | None = None
        self._acknowledged: dict[str, None] = {}
        self._apart: dict[str, None] = {}
        self._settled: dict[AttemptId, Outcome] = {}
        self._added = 0
        self._gone: set[ContactId] = set()
        self._has_stepped = False
        self._is_lost = self._is_frozen = False
        self._is_finished = False
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._planned = itertools.count()
        self._connected: Process | None = None
        self._folders = TemporaryDirectory(prefix="outring-house-")
        self._processes: list[Process] = []
        self._places = 2 if self._rng.random() < STANDBY_SHARE else 1
        for place in range(self._places):
            self._at(START_MS + 500 * place, lambda place=place: self._begin(place))  # type: ignore[misc]
        self._at(START_MS + LOOK_MS, self._look)
        self._plan_mishaps()

    # --- running -----------------------------------------------------------------------------------------------------

    def run(self, longest_ms: int = LONGEST_MS) -> bool:
        """Play until all campaigns have finished and every end is on disk; False when the time ran out before.

        Raises TimeStandsStill, and whatever a dialer dies of.
        """
        end_ms = self.now_ms + longest_ms
        try:
            with _without_logs():
                while not self.is_done and (next_ms := self._next_ms()) is not None and next_ms <= end_ms:
                    self._advance(next_ms)
                self._verify()
                for process in self._processes:
                    process.bury()
        finally:
            self._folders.cleanup()
        return self.is_done

    @property
    def is_done(self) -> bool:
        """Whether the faults are over, all campaigns finished, and nobody is in a call."""
        return self._is_finished and self.faults is NO_FAULTS and not self._live and not self.network.live

    def claims(self) -> list[AttemptClaim]:
        """What the database says of every attempt."""
        return self.store.read(attempt_claims)

    def _next_ms(self) -> int | None:
        moments = [self.network.next_event_ms(), self._agenda[0][0] if self._agenda else None]
        moments += [process.next_ms() for process in self._processes]
        known = [moment for moment in moments if moment is not None]
        return max(self.now_ms, min(known)) if known else None

    def _advance(self, to_ms: int) -> None:
        self.now_ms = to_ms
        for _ in range(MOST_ROUNDS):
            self._deliver()
            while self._agenda and self._agenda[0][0] <= to_ms:
                heapq.heappop(self._agenda)[2]()
            has_run = False
            for process in list(self._processes):
                if process.run_due(to_ms):
                    has_run = True
                    self._tell_reach()
            if not has_run:
                return
        raise TimeStandsStill(f"{MOST_ROUNDS} rounds at {to_ms}")

    def _deliver(self) -> None:
        for event in self.network.advance_to(self.now_ms):
            if self._connected is not None:
                self._connected.tell(event)

    def _at(self, at_ms: int, action: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (at_ms, next(self._planned), action))

    # --- processes ---------------------------------------------------------------------------------------------------

    def _begin(self, place: int) -> None:
        folder = Path(self._folders.name) / f"{place}"
        folder.mkdir(exist_ok=True)
        process = Process(self, folder, lambda now_ms: next(self._ids))
        self._processes.append(process)
        self._watch(process, place)

    def _watch(self, process: Process, place: int) -> None:
        """Who died is begun anew, as an init system does."""

        def look() -> None:
            if not process.is_dead:
                self._at(self.now_ms + SECOND_MS, look)
                return
            process.bury()
            self._processes.remove(process)
            gap_ms = self._rng.randint(1, self.faults.kill_gap_ms) if self.faults is not NO_FAULTS else SECOND_MS
            self._at(self.now_ms + gap_ms, lambda: self._begin(place))

        self._at(self.now_ms + SECOND_MS, look)

    def connect(self, process: Process) -> None:
        """See Surroundings."""
        if self._connected is not None and self._connected is not process:
            self._connected.replace()
        self._connected = process
        self._set_apart(process)
        self._tell_reach()
        self.network.connect()

    def disconnect(self, process: Process) -> None:
        """See Surroundings."""
        if self._connected is process:
            self._connected = None
            self._tell_reach()
            self.network.disconnect()

    def act(self, process: Process, command: TelephonyCommand) -> None:
        """See Surroundings."""
        is_late = isinstance(command, PlaceCall) or self._connected is not process
        if is_late and not self._is_on_duty(process):
            self._violate(Rule.NOT_ON_DUTY, f"{type(command).__name__} in epoch {process.epoch}")
        if isinstance(command, PlaceCall):
            self._asked.add(command.attempt_id)
            found = "SELECT number, closed_at_ms, contact_id FROM attempts WHERE id = ?"
            row = self.disk.raw.execute(found, (command.attempt_id,)).fetchone()
            if row is None or row[:2] != (command.number, None):
                self._violate(Rule.NOT_ON_DISK, f"{command.attempt_id} to {command.number}: {row}")
            elif row[2] in self._gone:
                self._violate(Rule.REMOVED_CALLED, f"{command.attempt_id} to contact {row[2]}")
        self.network.perform(command)

    def turned(self, process: Process) -> None:
        """See Surroundings."""
        if not self._is_on_duty(process):
            self._violate(Rule.NOT_ON_DUTY, f"a turn was written in epoch {process.epoch}")

    def heard(self, process: Process, event: Event) -> None:
        """See Surroundings."""
        match event:
            case AttemptClosed():
                self._settled.setdefault(event.attempt_id, event.outcome)
            case DncAdded() if event.attempt_id is not None and self._is_on_duty(process):
                for number in (event.number, *event.numbers):
                    self._acknowledge(number)
            case CampaignStatusSaved():
                self._is_finished = self.store.read(_are_finished)
            case _:
                pass

    def _acknowledge(self, number: str) -> None:
        self._acknowledged.setdefault(number)
        self.checker.add_dnc(Number(number))

    def _set_apart(self, process: Process) -> None:
        """What a dialer elsewhere kept beside a database that was away, and could not bring since, it alone knows.

        From its return on it counts again.
        """
        own = {command.number for command in Journal(process.folder, room=JOURNAL_ROOM).kept}
        for number in self._acknowledged:
            if number not in own and not self.store.read(is_dnc, number):
                self._apart[number] = None
                self.checker.drop_dnc(Number(number))

    def _is_on_duty(self, process: Process) -> bool:
        (epoch,) = self.disk.raw.execute("SELECT epoch FROM duty WHERE id = 1").fetchone()
        return bool(process.epoch == epoch)

    def render(self, command: RenderPrompts) -> PromptsRendered:
        """See Surroundings."""
        audio = {prompt: self._audio(prompt) for prompt in command.prompts}
        return PromptsRendered(attempt_id=command.attempt_id, audio=audio, failed={})

    def _audio(self, prompt: Prompt) -> Audio:
        media = f"sound:{prompt.language}/{prompt.text or prompt.sound}"
        return Audio(media=media, length_ms=self._lengths_ms.setdefault(media, 300 + SPEECH_MS * len(media)))

    def _length_of(self, media: str) -> int | None:
        return self._lengths_ms.get(media)

    def first_events(self) -> Iterable[Event]:
        """See Surroundings."""
        yield from (TrunkSet(trunk=trunk) for trunk in self._plan.trunks)
        entries = {entry.campaign.id: entry for entry in self.store.read(list_campaigns)}
        open_ones = {attempt.campaign_id for attempt in self.store.recover().attempts}
        for campaign, flow in self._started:
            status = entries[campaign.id].status
            if status is not CampaignStatus.RUNNING and campaign.id not in open_ones:
                continue
            memory = self.store.read(pacing_memory, campaign, self.now_ms)
            yield CampaignStarted(campaign=campaign, flow=flow, pacing=memory)
            if status is CampaignStatus.PAUSED:
                yield CampaignPaused(campaign_id=campaign.id)

    # --- mishaps -----------------------------------------------------------------------------------------------------

    def _plan_mishaps(self) -> None:
        faults = self.faults
        if faults is NO_FAULTS:
            return
        for per_hour, mishap in (
            (faults.kills_per_hour, self._kill),
            (faults.freezes_per_hour, self._freeze),
            (faults.disk_full_per_hour, lambda: self._sicken(Ill.FULL)),
            (faults.database_gone_per_hour, lambda: self._sicken(Ill.GONE)),
            (faults.database_stalled_per_hour, lambda: self._sicken(Ill.STALLED)),
            (faults.clock_steps_per_hour, self._step_clock),
            (faults.trunk_flaps_per_hour, self._flap),
            (faults.opt_outs_per_hour, self._opt_out),
            (faults.opt_outs_elsewhere_per_hour, self._opt_out_elsewhere),
            (faults.edits_per_hour, self._edit),
        ):
            self._again(per_hour, mishap)
        self._at(START_MS + self._rng.randint(*HEALS_MS), self._heal)

    def _again(self, per_hour: float, mishap: Callable[[], None]) -> None:
        if per_hour <= 0:
            return

        def strike() -> None:
            if self.faults is not NO_FAULTS:
                mishap()
                self._again(per_hour, mishap)

        self._at(self.now_ms + 1 + int(self._rng.expovariate(per_hour / HOUR_MS)), strike)

    def _heal(self) -> None:
        self.faults = self.disk.faults = NO_FAULTS
        self.network.heal()
        if self.disk.offset_ms:  # the clock is set right, and who lived by the wrong one begins anew
            self.disk.offset_ms = 0
            for process in self._processes:
                process.die()
        self._kinds.update(self._plan.kinds)

    def _some_process(self) -> Process | None:
        alive = [process for process in self._processes if not process.is_dead]
        return self._rng.choice(alive) if alive else None

    def _working(self) -> Process | None:
        """Who serves operators now."""
        for process in self._processes:
            if process.is_working and not process.is_dead and process.frozen_until_ms <= self.now_ms:
                return process
        return None

    def _kill(self) -> None:
        if (process := self._some_process()) is not None:
            process.die_soon(self._rng.randrange(MOST_STEPS))

    def _freeze(self) -> None:
        if (process := self._some_process()) is not None:
            process.freeze(self.now_ms + self._rng.randint(1, self.faults.freeze_ms))
            self._tell_reach()
            self._at(process.frozen_until_ms, self._tell_reach)

    def _sicken(self, ill: Ill) -> None:
        self.disk.fall_ill(ill, self.now_ms + self._rng.randint(1, self.faults.database_ill_ms))

    def _step_clock(self) -> None:
        self._has_stepped = True
        self.disk.offset_ms += self._rng.choice((HOUR_MS, -HOUR_MS, self._rng.randint(-DAY_MS, DAY_MS)))

    def _flap(self) -> None:
        good = sorted(name for name, kind in self._plan.kinds.items() if kind is TrunkKind.GOOD)
        name = self._rng.choice(good)
        self._kinds[name] = self._rng.choice((TrunkKind.REJECTING, TrunkKind.SILENT))

        def recover() -> None:
            self._kinds[name] = TrunkKind.GOOD

        self._at(self.now_ms + self._rng.randint(1, self.faults.trunk_flap_ms), recover)

    def _opt_out(self) -> None:
        number = self._rng.choice(self._rng.choice(self._plan.campaigns).numbers)
        if (process := self._working()) is not None:
            process.spawn(process.bar(AddDnc(number=number, source="api"), lambda: self._told(process, number)))

    def _opt_out_elsewhere(self) -> None:
        """As `app.barring` in another process does: written, and acknowledged when no claim from before is good."""
        if self.disk.health() is not None:
            return
        number = self._rng.choice(self._rng.choice(self._plan.campaigns).numbers)
        self.store.write(add_dnc, [AddDnc(number=number, source="api")], self.now_ms)
        self._at(self.now_ms + ELSEWHERE_MS, lambda: self._acknowledge(number))

    def _told(self, process: Process, number: Number) -> None:
        if self._is_on_duty(process):
            self._acknowledge(number)

    def _edit(self) -> None:
        if (process := self._working()) is None:
            return
        if self._rng.random() < 0.5:
            process.spawn(self._remove_somebody(process, self._rng.random()))
        else:
            process.spawn(self._add_somebody(process, self._rng.choice(self._started)[0].id))

    async def _remove_somebody(self, process: Process, place: float) -> None:
        assert process.store is not None, "only who works edits lists"
        assert process.runtime is not None, "only who works edits lists"
        with suppress(StoreError):
            contact_id = await process.store.read(_somebody, place)
            await process.store.write(remove_contact, contact_id, by="api", now_ms=process.now_ms())
            process.runtime.post(ContactRemoved(contact_id=contact_id))
            await asyncio.sleep(TURN_S)
            if not process.is_dead and self._is_on_duty(process):
                self._gone.add(contact_id)

    async def _add_somebody(self, process: Process, campaign_id: CampaignId) -> None:
        assert process.store is not None, "only who works edits lists"
        assert process.runtime is not None, "only who works edits lists"
        self._added += 1
        number = Number(f"+9997{self._added:07d}{self._rng.choice(('00', '10', '12', '40'))}")
        with suppress(StoreError):
            for grown in await process.store.write(_grow, campaign_id, number, process.now_ms()):
                process.runtime.post(ContactsAdded(campaign_id=grown))

    # --- what is watched beside the wire -----------------------------------------------------------------------------

    def _tell_reach(self) -> None:
        """Whom Asterisk tells everything may stand still: then nobody can do anything before its leases run out."""
        connected = self._connected
        is_frozen = connected is not None and not connected.is_dead and connected.is_still
        was_out, self._is_frozen = self._is_lost or self._is_frozen, is_frozen
        is_out = self._is_lost or is_frozen
        if is_out != was_out:
            self.checker.see(OutOfReach(at_ms=self.now_ms) if is_out else WithinReach(at_ms=self.now_ms))

    def _see(self, fact: WireFact) -> None:
        if isinstance(fact, OutOfReach | WithinReach):
            was_out, self._is_lost = self._is_lost or self._is_frozen, isinstance(fact, OutOfReach)
            self._faulty -= self._live  # nobody may have seen how they fared
            if (self._is_lost or self._is_frozen) == was_out:
                return
        match fact:
            case Placed():
                self._live.add(fact.call.attempt_id)
                if self._kinds.get(fact.call.trunk.endpoint) is not TrunkKind.GOOD:
                    self._faulty.add(fact.call.attempt_id)
            case Ended():
                self._live.discard(fact.attempt_id)
            case _:
                pass
        self.checker.see(fact)

    def _look(self) -> None:
        """Somebody works, reaches Asterisk and the disk: after a while nothing may be left open."""
        is_well = self._working() is not None and self.disk.health() is None and self.network.is_within_reach
        if not is_well:
            self._well_since_ms = None
        elif self._well_since_ms is None:
            self._well_since_ms = self.now_ms
        for number in [number for number in self._apart if self.store.read(is_dnc, number)]:
            del self._apart[number]
            self.checker.add_dnc(Number(number))
        rows = self.disk.raw.execute("SELECT id FROM attempts WHERE closed_at_ms IS NULL").fetchall()
        lying = {row[0] for row in rows} - self._live
        self._open_since_ms = {one: self._open_since_ms.get(one, self.now_ms) for one in sorted(lying)}
        if self._well_since_ms is not None:
            for attempt_id, since_ms in self._open_since_ms.items():
                if self.now_ms - max(since_ms, self._well_since_ms) > RECOVERY_MS:
                    self._violate(Rule.LEFT_OPEN, attempt_id)
                    self._open_since_ms[attempt_id] = self.now_ms
        self._at(self.now_ms + LOOK_MS, self._look)

    def _verify(self) -> None:
        claims = self.claims()
        self.checker.verify(claims, self.now_ms, has_stepped=self._has_stepped)
        by_id = {claim.attempt_id: claim for claim in claims}
        for attempt_id, outcome in self._settled.items():
            claim = by_id.get(attempt_id)
            if claim is None or claim.outcome is None:
                self._violate(Rule.FORGOTTEN, f"{attempt_id} ended {outcome.label}")
            elif claim.outcome != outcome.value:
                self._violate(Rule.FORGOTTEN, f"{attempt_id} ended {outcome.label}, on disk {claim.outcome}")
        for number in self._acknowledged:
            if not self.store.read(is_dnc, number):
                self._violate(Rule.FORGOTTEN, f"{number} was put on the do-not-call list")
        unsure = {Outcome.CONTROLLER_LOST.value}
        for claim in claims:
            is_ours = claim.attempt_id not in self._asked or claim.attempt_id in self._faulty
            if claim.is_charged and is_ours and claim.outcome not in unsure:
                self._violate(Rule.CHARGED, f"{claim.attempt_id} outcome {claim.outcome}")
        self._check_books(self.store.read(books))

    def _check_books(self, found: Books) -> None:
        most = {campaign.id: campaign.retry.max_attempts for campaign in self.campaigns}
        for place in found.places:
            if place.attempts != place.charged:
                self._violate(Rule.MISCOUNTED, f"contact {place.contact_id}: {place.attempts}, not {place.charged}")
            if place.charged > most[place.campaign_id]:
                self._violate(Rule.TOO_OFTEN, f"contact {place.contact_id}: {place.charged} times")

    def _violate(self, rule: Rule, detail: str) -> None:
        self.checker.violations.append(Violation(rule=rule, at_ms=self.now_ms, detail=detail))


def in_haste(plan: WorldPlan, seed: int) -> WorldPlan:
    """The same, with retries after minutes: what happens between two calls is what costs time here."""
    rng = random.Random(f"haste {seed}")

    def sooner(one: CampaignPlan) -> CampaignPlan:
        retry = replace(one.campaign.retry, retry_ms=rng.randint(1, 4) * MINUTE_MS, max_faults=5)
        return replace(one, campaign=replace(one.campaign, retry=retry))

    return replace(plan, campaigns=tuple(sooner(one) for one in plan.campaigns))


@contextmanager
def _without_logs() -> Iterator[None]:
    """What thousands of dialers would log is told by the trace."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


def _set_running(conn: Connection, campaign_id: CampaignId) -> None:
    conn.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(status=CampaignStatus.RUNNING.value))


def _are_finished(conn: Connection) -> bool:
    return all(entry.status is CampaignStatus.FINISHED for entry in list_campaigns(conn))


def _somebody(conn: Connection, place: float) -> ContactId:
    """A contact of a campaign, by chance. Raises NotFound when none is left."""
    of = campaign_contacts.c
    count = conn.execute(select(func.count()).select_from(campaign_contacts)).scalar_one()
    chosen = select(of.contact_id).order_by(of.contact_id).offset(int(place * count)).limit(1)
    row = conn.execute(chosen).first()
    if row is None:
        raise NotFound("contact", place)
    return ContactId(row.contact_id)


def _grow(conn: Connection, campaign_id: CampaignId, number: Number, now_ms: int) -> dict[CampaignId, int]:
    """A contact more in the list of a campaign that runs. Raises NotFound when it does not."""
    is_running = select(campaigns.c.id).where(campaigns.c.status == CampaignStatus.RUNNING.value)
    found = select(campaign_lists.c.list_id).where(
        campaign_lists.c.campaign_id == campaign_id, campaign_lists.c.campaign_id.in_(is_running)
    )
    row = conn.execute(found.order_by(campaign_lists.c.list_id)).first()
    if row is None:
        raise NotFound("running campaign", campaign_id)
    list_id = ListId(row.list_id)
    values = {
        "list_id": list_id, "key": number, "name": "Late", "phone1": number, "time_zone": PLACE, "fields": {},
        "source_line": 0, "created_at_ms": now_ms, "updated_at_ms": now_ms,
    }  # fmt: skip
    contact_id = conn.execute(contacts.insert().values(values).returning(contacts.c.id)).scalar_one()
    grow_list(conn, list_id, 1)
    return attach_new_contacts(conn, list_id, contact_id, contact_id)
