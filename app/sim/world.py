"""A whole world in virtual time: the dialer, a database, the simulated network and prompts, run without waiting.

It does what `app.runtime.Runtime` does, one turn after the other, with time and chance in its hands: what is told to
the dialer and what it commands is the same as over a real Asterisk.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection, select

from app.agent_commands import LogAgent, LogSupervision, OpenManual, SaveConversation
from app.agent_events import AgentSignedIn
from app.agents import DialingMode, Seat
from app.commands import (
    AddDnc,
    ClaimContacts,
    CloseAttempt,
    Command,
    ConfirmAttempt,
    RenderPrompts,
    SavePacing,
    SetCampaignStatus,
    StoreCommand,
)
from app.dialing.dialer import Dialer
from app.events import AttemptClosed, CampaignStarted, DncAdded, Event, PromptsRendered, TrunkSet
from app.model import Audio, CampaignStatus, Prompt
from app.sim.facts import AgentStepped, Settled, WireFact
from app.sim.faults import NO_FAULTS, Faults
from app.sim.network import SimNetwork
from app.sim.plan import START_MS, WorldPlan, write_down
from app.sim.rules import AttemptClaim
from app.sim.shift import Shift
from app.sim.trace import Trace
from app.sim.wire import WireChecker
from app.store import agents
from app.store.agents import open_agent_sessions
from app.store.door import SyncStore
from app.store.errors import InUse, NotFound
from app.store.pacing import pacing_memory
from app.store.schema import attempts
from app.units import DAY_MS, AttemptId, CampaignId, Number, SessionId

COMMIT_MS: Final = (1, 8)
"""How long a commit takes, at least and at most."""
GATHER_MS: Final = 20
"""How long ends of attempts gather when nobody waits for the commit."""
LONGEST_MS: Final = 60 * DAY_MS
"""A world that is not done by then has something that never ends."""
SPEECH_MS: Final = 60
"""A letter of text, spoken."""
MOST_TURNS: Final = 1_000
"""Turns in one millisecond before time is taken to stand still."""


_MAY_WAIT: Final = (CloseAttempt, LogAgent, LogSupervision, SaveConversation)
"""Nobody waits for these to be on disk."""


class TimeStandsStill(Exception):
    """The dialer asks to be woken again and again at the same moment."""


class World:
    """One run. `run` plays it to its end; then `checker.violations`, `claims` and `trace` tell of it."""

    def __init__(
        self,
        plan: WorldPlan,
        *,
        seed: int,
        faults: Faults = NO_FAULTS,
        database: str = "sqlite://",
        trace: Trace | None = None,
    ) -> None:
        self.trace = trace or Trace()
        self._make_pacer = plan.make_pacer
        self.now_ms = START_MS
        self.finished: set[CampaignId] = set()
        self._rng = random.Random(f"world {seed}")
        self._ids = _ids(seed)
        self.store = SyncStore.open(database, new_attempt_id=lambda now_ms: next(self._ids))
        started = self.store.write(write_down, plan, START_MS)
        self.campaigns = [campaign for campaign, _ in started]
        ids = {campaign.caller_id: campaign.id for campaign in self.campaigns}
        limits = {shown: replace(each, campaign_id=ids[shown]) for shown, each in plan.campaign_limits.items()}
        self.checker = WireChecker(
            trunks=plan.trunk_limits, campaigns=limits, statutes=plan.statutes, zone_of=plan.zone_of
        )
        self.network = SimNetwork(
            seed=seed,
            start_ms=START_MS,
            trunks=plan.kinds,
            length_of=self._length_of,
            faults=faults,
            on_wire=self._see,
            behaviour=plan.behaviour,
            phones=None if plan.shift is None else plan.shift.phones,
        )
        self.shift: Shift | None = None
        if plan.shift is not None:
            self.shift = Shift(
                plan.shift,
                seed=seed,
                campaigns=self.campaigns,
                desk=self,
                legs=self.network.phones,
                on_wire=self._see,
            )
        self._lengths_ms: dict[str, int] = {}
        self._inbox: list[Event] = []
        self._to_write: list[StoreCommand] = []
        self._commit_at_ms: int | None = None
        self._later: list[tuple[int, Event | StoreCommand | Mishap]] = []
        self._turns_now = 0
        self._first: list[Event] = [TrunkSet(trunk=trunk) for trunk in plan.trunks]
        self._started = started
        self._come()

    def _come(self) -> None:
        """A dialer begins, as the program does: what it must know, what is open on disk, and then Asterisk."""
        self.dialer = Dialer(self._make_pacer)
        running = [
            CampaignStarted(campaign=campaign, flow=flow, pacing=self.store.read(pacing_memory, campaign, self.now_ms))
            for campaign, flow in self._started
        ]
        self._inbox += [*self._first, *running, self.store.recover()]
        if self.shift is not None:
            self._inbox += [
                AgentSignedIn(
                    seat=one.seat,
                    campaigns=one.campaigns,
                    is_resumed=True,
                    before=one.present,
                    pause_next=one.pause_next,
                    signs_out_next=one.signs_out_next,
                )
                for one in self.store.read(open_agent_sessions)
            ]
            self.shift.look_again(self.now_ms)
        self.network.connect()

    @property
    def campaign_ids(self) -> list[CampaignId]:
        """The campaigns, in the order of the plan."""
        return [campaign.id for campaign in self.campaigns]

    # --- from outside ------------------------------------------------------------------------------------------------

    def plan_at(self, at_ms: int, what: Event | StoreCommand | Mishap) -> None:
        """Let something happen then: an event for the dialer, a write (an opt-out from the API), or a mishap."""
        self._later.append((at_ms, what))
        self._later.sort(key=lambda item: item[0])

    def kill_dialer(self) -> None:
        """The dialer dies, with all it knows and has not written, and begins anew."""
        self.network.disconnect()
        self._inbox, self._to_write, self._commit_at_ms = [], [], None
        self._come()

    def run(self, longest_ms: int = LONGEST_MS, *, is_whole: bool = True) -> bool:
        """Play until all campaigns have finished and every end is on disk; False when the time ran out before.

        is_whole: it is to come to its end: what has none then is a breach. Otherwise it is looked at as it stands.

        Raises TimeStandsStill when the dialer spins, and whatever the dialer raises.
        """
        end_ms = self.now_ms + longest_ms
        while not self.is_done:
            next_ms = self._next_ms()
            if next_ms is None or next_ms > end_ms:
                break
            self._advance(next_ms)
        if is_whole:
            self.checker.verify(self.claims(), self.now_ms)
        return self.is_done

    @property
    def is_done(self) -> bool:
        """Whether nothing more is to be done: the campaigns are finished, nobody is in a call, the floor is empty."""
        return (
            self._has_no_more_calls
            and not (self._inbox or self._to_write or self._later or self.network.live)
            and (self.shift is None or (self.shift.is_gone and not self.network.live_phones))
        )

    @property
    def _has_no_more_calls(self) -> bool:
        """Whether the campaigns are finished; one that is dialed by hand is when no number is left."""
        dialed = {campaign.id for campaign in self.campaigns if campaign.mode is not DialingMode.MANUAL}
        is_by_hand = len(dialed) < len(self.campaigns)
        is_dialed_by_hand = is_by_hand and self.shift is not None and self.shift.has_numbers
        return self.finished.issuperset(dialed) and self.dialer.is_at_rest and not is_dialed_by_hand

    def claims(self) -> list[AttemptClaim]:
        """What the database says of every attempt."""
        return self.store.read(attempt_claims)

    # --- time --------------------------------------------------------------------------------------------------------

    def _next_ms(self) -> int | None:
        if self._inbox:
            return self.now_ms
        moments = [self.network.next_event_ms(), self.dialer.next_deadline_ms(), self._commit_at_ms]
        moments += [at_ms for at_ms, _ in self._later[:1]]
        if self.shift is not None:
            moments.append(self.shift.next_ms())
        known = [moment for moment in moments if moment is not None]
        return max(self.now_ms, min(known)) if known else None

    def _advance(self, to_ms: int) -> None:
        self._turns_now = self._turns_now + 1 if to_ms == self.now_ms else 0
        if self._turns_now > MOST_TURNS:
            raise TimeStandsStill(f"{MOST_TURNS} turns at {to_ms}: next deadline {self.dialer.next_deadline_ms()}")
        self.now_ms = to_ms
        self._inbox += self.network.advance_to(to_ms)
        while self._later and self._later[0][0] <= to_ms:
            self._act(self._later.pop(0)[1])
        if self._commit_at_ms is not None and self._commit_at_ms <= to_ms:
            self._commit()
        if self.shift is not None:
            self._inbox += self.shift.due(to_ms, lambda request: self.dialer.refusal(request))
            if self._has_no_more_calls and not self._inbox:
                self.shift.close()
        deadline_ms = self.dialer.next_deadline_ms()
        if self._inbox or (deadline_ms is not None and deadline_ms <= to_ms):
            self._turn()

    def _turn(self) -> None:
        events, self._inbox = self._inbox, []
        for event in events:
            self.trace.heard(self.now_ms, event)
        for command in self.dialer.turn(events, self.now_ms):
            self.trace.given(self.now_ms, command)
            self._perform(command)
        if self.shift is not None:
            changed = self.dialer.take_changed_agents()
            self.shift.see(changed, lambda agent_id: self.dialer.agent_picture(agent_id, self.now_ms), self.now_ms)

    # --- what the panel does -----------------------------------------------------------------------------------------

    def sign_in(self, seat: Seat, campaigns: Sequence[CampaignId]) -> bool:
        """Begin an agent's session on disk; False where the agent or the phone has one that goes on."""
        try:
            self.store.write(agents.sign_in, seat, campaigns, now_ms=self.now_ms)
        except InUse:
            return False
        return True

    def serve(self, session_id: SessionId, campaigns: Sequence[CampaignId]) -> None:
        """An agent serves these campaigns from now on; nothing happens where the session is over."""
        with contextlib.suppress(NotFound):
            self.store.write(agents.set_session_campaigns, session_id, campaigns)

    # --- what the shell does -----------------------------------------------------------------------------------------

    def _act(self, what: Event | StoreCommand | Mishap) -> None:
        if isinstance(what, StoreCommand):
            self._write(what)
        elif isinstance(what, Event):
            self._inbox.append(what)
        else:
            what(self)

    def _perform(self, command: Command) -> None:
        match command:
            case ClaimContacts() | CloseAttempt() | AddDnc() | ConfirmAttempt() | SetCampaignStatus():
                self._write(command)
            case LogAgent() | LogSupervision() | SaveConversation() | OpenManual() | SavePacing():
                self._write(command)
            case RenderPrompts():
                self._inbox.append(self._render(command))
            case _:
                self.network.perform(command)

    def _write(self, command: StoreCommand) -> None:
        if isinstance(command, LogAgent):
            self._see_step(command)
        self._to_write.append(command)
        wait_ms = self._rng.randint(*COMMIT_MS) + (GATHER_MS if isinstance(command, _MAY_WAIT) else 0)
        at_ms = self.now_ms + wait_ms
        self._commit_at_ms = at_ms if self._commit_at_ms is None else min(self._commit_at_ms, at_ms)

    def _commit(self) -> None:
        batch, self._to_write = self._to_write, []
        self._commit_at_ms = None
        for command, event in zip(batch, self.store.commit(batch, self.now_ms), strict=True):
            if isinstance(event, DncAdded):
                self.checker.add_dnc(Number(event.number))
            if isinstance(event, AttemptClosed):
                self._see(Settled(at_ms=self.now_ms, attempt_id=event.attempt_id))
            if isinstance(command, SetCampaignStatus) and command.status is CampaignStatus.FINISHED:
                self.finished.add(command.campaign_id)
            self._inbox.append(event)

    def _render(self, command: RenderPrompts) -> PromptsRendered:
        audio = {prompt: self._audio(prompt) for prompt in command.prompts}
        return PromptsRendered(attempt_id=command.attempt_id, audio=audio, failed={})

    def _audio(self, prompt: Prompt) -> Audio:
        media = f"sound:{prompt.language}/{prompt.text or prompt.sound}"
        length_ms = self._lengths_ms.setdefault(media, 300 + SPEECH_MS * len(media))
        return Audio(media=media, length_ms=length_ms)

    def _length_of(self, media: str) -> int | None:
        return self._lengths_ms.get(media)

    def _see_step(self, command: LogAgent) -> None:
        now = command.now
        self._see(
            AgentStepped(
                at_ms=self.now_ms,
                agent_id=command.agent_id,
                session_id=command.session_id,
                state=None if now is None else now.state,
                campaign_id=None if now is None else now.campaign_id,
            )
        )

    def _see(self, fact: WireFact) -> None:
        self.checker.see(fact)


def _ids(seed: int) -> Iterator[AttemptId]:
    """Ids that are never the same twice and sort by time."""
    for place in range(1, 10**10):
        yield AttemptId(f"s{seed % 10**6:06d}a{place:010d}")


def attempt_claims(conn: Connection) -> list[AttemptClaim]:
    """What a database says of every attempt in it."""
    columns = attempts.c
    found = select(
        columns.id, columns.number, columns.opened_at_ms, columns.outcome, columns.answered_at_ms, columns.is_charged
    )
    return [
        AttemptClaim(
            attempt_id=AttemptId(row.id),
            number=Number(row.number),
            opened_at_ms=row.opened_at_ms,
            outcome=row.outcome,
            answered_at_ms=row.answered_at_ms,
            is_charged=bool(row.is_charged),
        )
        for row in conn.execute(found)
    ]


Mishap = Callable[[World], None]
"""What befalls a world: `World.kill_dialer`, `lambda world: world.network.restart_asterisk(4_000)`."""
