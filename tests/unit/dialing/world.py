"""A world for the dialer: a disk, a telephone network and a clock, as small as can be, that keep their own books.

Everything the dialer asks for is checked against the books when it is asked; what the world then does with it is the
test's choice. Nothing here looks into the dialer.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Final

from app.commands import (
    AddDnc,
    CallCommand,
    ClaimContacts,
    CloseAttempt,
    Command,
    ConfirmAttempt,
    HangUp,
    PlaceCall,
    Play,
    RenderPrompts,
    RenewLease,
    SendToExtension,
    SetCampaignStatus,
    StopPlayback,
    StoreCommand,
)
from app.dialing.dialer import Dialer
from app.events import (
    AttemptClosed,
    AttemptConfirmed,
    AttemptsOpened,
    AttemptsRecovered,
    CallEnded,
    CallPlaced,
    CallRefused,
    CallUnknown,
    CampaignPaused,
    CampaignStarted,
    CampaignStatusSaved,
    CampaignStopped,
    CommandFailed,
    ContactsAdded,
    DncAdded,
    Event,
    LiveCall,
    PlaybackEnded,
    PromptsRendered,
    ShutdownAsked,
    StoreBack,
    StoreEvent,
    StoreFailed,
    TelephonyDown,
    TelephonyUp,
    TrunkRemoved,
    TrunkSet,
)
from app.ivr.flow import Flow
from app.model import AttemptResult, Campaign, CampaignStatus, OpenedAttempt, PacingMemory, Trunk
from app.outcomes import ContactStatus
from app.units import DAY_MS, AttemptId, CampaignId, ContactId, Number, TrunkId
from tests.unit.dialing.build import FLOW, T0, audio_of

PATIENCE_MS: Final = 10_000
"""How long the shell waits for Asterisk's reply before it tells that the call's fate is unknown."""
TURNS_AT_ONCE: Final = 8
"""Turns the dialer may ask for without time passing or anything happening."""


@dataclass(kw_only=True)
class Row:
    """A contact in a campaign, on disk."""

    number: Number
    status: ContactStatus = ContactStatus.PENDING
    due_at_ms: int | None = T0
    attempts: int = 0
    faults: int = 0


@dataclass(kw_only=True)
class Wire:
    """A call as the network knows it. exists None: the request is still under way, and nobody knows yet."""

    place: PlaceCall
    campaign_id: CampaignId
    placed_at_ms: int
    lease_until_ms: int
    exists: bool | None = None
    is_replied: bool = False
    is_up: bool = False
    is_in_hand: bool = False
    is_told_in_hand: bool = False
    is_hung_up: bool = False
    asked_away: bool = False
    playback: str = ""

    @property
    def may_exist(self) -> bool:
        return self.exists is not False


@dataclass(kw_only=True)
class Disk:
    """What a real disk would hold."""

    contacts: dict[CampaignId, dict[ContactId, Row]] = field(default_factory=dict)
    open: dict[AttemptId, OpenedAttempt] = field(default_factory=dict)
    closed: dict[AttemptId, AttemptResult] = field(default_factory=dict)
    dnc: set[Number] = field(default_factory=set)
    status: dict[CampaignId, CampaignStatus] = field(default_factory=dict)
    finished: Counter[CampaignId] = field(default_factory=Counter)
    """How often each campaign was written down as finished."""
    ids: int = 0
    hours_end_ms: int | None = None
    """Until when anybody may be called; who is claimed later waits for tomorrow."""

    def claim(self, command: ClaimContacts, now_ms: int) -> AttemptsOpened:
        """Like the real one: due, not on the do-not-call list, and the number in no open attempt."""
        rows = self.contacts[command.campaign_id]
        busy = {attempt.number for attempt in self.open.values()}
        taken: list[OpenedAttempt] = []
        for contact_id, row in rows.items():
            if row.status is not ContactStatus.PENDING or row.due_at_ms is None or row.due_at_ms > now_ms:
                continue
            if row.number in self.dnc:
                row.status, row.due_at_ms = ContactStatus.DO_NOT_CALL, None
            elif self.hours_end_ms is not None and now_ms >= self.hours_end_ms:
                row.due_at_ms = self.hours_end_ms + DAY_MS
            elif row.number in busy:
                row.due_at_ms = now_ms + 60_000
            elif row.number.startswith(command.shut_prefixes) and not row.number.startswith(command.open_prefixes):
                row.due_at_ms = command.shut_until_ms
            elif len(taken) < command.count:
                taken.append(self._open(command.campaign_id, contact_id, row))
                busy.add(row.number)
        waiting = [row.due_at_ms for row in rows.values() if row.status is ContactStatus.PENDING]
        return AttemptsOpened(
            campaign_id=command.campaign_id,
            wanted=command.count,
            attempts=tuple(taken),
            next_due_at_ms=min((due for due in waiting if due is not None), default=None),
        )

    def _open(self, campaign_id: CampaignId, contact_id: ContactId, row: Row) -> OpenedAttempt:
        self.ids += 1
        row.status = ContactStatus.IN_PROGRESS
        opened = OpenedAttempt(
            attempt_id=AttemptId(f"attempt{self.ids:05d}"),
            campaign_id=campaign_id,
            contact_id=contact_id,
            number=row.number,
            language="",
            fields={"name": f"Person {contact_id}"},
            attempts=row.attempts,
            faults=row.faults,
            allowed_until_ms=self.hours_end_ms,
        )
        self.open[opened.attempt_id] = opened
        return opened

    def close(self, result: AttemptResult) -> None:
        opened = self.open.pop(result.attempt_id, None)
        if opened is None:  # by a life before this one
            return
        self.closed[result.attempt_id] = result
        row = self.contacts[result.campaign_id][result.contact_id]
        assert row.status is ContactStatus.IN_PROGRESS
        row.status, row.due_at_ms = result.next.status, result.next.due_at_ms
        assert row.attempts + result.is_charged == result.next.attempts
        row.attempts, row.faults = result.next.attempts, result.next.faults
        if row.number in self.dnc and row.status is ContactStatus.PENDING:
            row.status, row.due_at_ms = ContactStatus.DO_NOT_CALL, None


class World:
    """One dialer with its disk, network and clock."""

    def __init__(self, flow: Flow = FLOW) -> None:
        self.now = T0
        self.flow = flow
        self.disk = Disk()
        self.dialer = Dialer()
        self.inbox: list[Event] = []
        self.writes: list[StoreCommand] = []
        self.renders: list[RenderPrompts] = []
        self.calls: dict[AttemptId, Wire] = {}
        self.campaigns: dict[CampaignId, Campaign] = {}
        self.trunks: dict[TrunkId, Trunk] = {}
        self.is_connected = False
        self.is_ending = False
        self.is_disk_awake = True
        self.is_voice_awake = True
        self.answers_at_once = True
        self.turns = 0
        # what the dialer has been told, or has asked for, in this life
        self._untold: list[StoreEvent] = []
        self._is_up = False
        self._told: dict[CampaignId, Campaign] = {}
        self._running: set[CampaignId] = set()
        self._barred: set[Number] = set()
        self._opened: set[AttemptId] = set()
        self._ended: set[AttemptId] = set()
        self._claiming: set[CampaignId] = set()
        self._is_refused = False  # the disk refused, and has not taken anything since
        self._is_full = False  # and the dialer knows
        self._placed_ever: set[AttemptId] = set()

    # --- operators ---------------------------------------------------------------------------------------------------

    def set_trunk(self, trunk: Trunk) -> None:
        self.trunks[trunk.id] = trunk
        self.inbox.append(TrunkSet(trunk=trunk))

    def remove_trunk(self, trunk_id: TrunkId) -> None:
        del self.trunks[trunk_id]
        self.inbox.append(TrunkRemoved(trunk_id=trunk_id))

    def add_contacts(self, campaign_id: CampaignId, *numbers: Number) -> None:
        rows = self.disk.contacts.setdefault(campaign_id, {})
        for number in numbers:
            rows[ContactId(len(rows) + 1)] = Row(number=number, due_at_ms=self.now)
        self.inbox.append(ContactsAdded(campaign_id=campaign_id))

    def start(self, campaign: Campaign, pacing: PacingMemory | None = None) -> None:
        self.campaigns[campaign.id] = campaign
        self.disk.contacts.setdefault(campaign.id, {})
        self.inbox.append(CampaignStarted(campaign=campaign, flow=self.flow, pacing=pacing))

    def pause(self, campaign_id: CampaignId) -> None:
        self.inbox.append(CampaignPaused(campaign_id=campaign_id))

    def stop(self, campaign_id: CampaignId) -> None:
        self.inbox.append(CampaignStopped(campaign_id=campaign_id))

    def shut_down(self) -> None:
        self.inbox.append(ShutdownAsked())

    def bar(self, number: Number) -> None:
        """An opt-out that comes by the API."""
        self.writes.append(AddDnc(number=number, source="api"))

    # --- the disk ----------------------------------------------------------------------------------------------------

    def commit(self, *, is_told_later: bool = False) -> None:
        """All that is to be written, in one transaction: numbers first, then ends, then the rest in order.

        is_told_later: the answer is still on its way when the next things happen.
        """
        batch, self.writes = self.writes, []
        self.disk.dnc.update(Number(command.number) for command in batch if isinstance(command, AddDnc))
        for command in batch:
            if isinstance(command, CloseAttempt):
                self.disk.close(command.result)
        self._untold += [self._written(command) for command in batch]
        if self._is_refused:
            self._untold.append(StoreBack())
            self._is_refused = False
        if not is_told_later:
            self.inbox += self._untold
            self._untold = []

    def _written(self, command: StoreCommand) -> StoreEvent:
        match command:
            case ClaimContacts():
                return self.disk.claim(command, self.now)
            case CloseAttempt(result=result):
                return AttemptClosed(
                    attempt_id=result.attempt_id, campaign_id=result.campaign_id, outcome=result.outcome
                )
            case AddDnc():
                return DncAdded(number=command.number, attempt_id=command.attempt_id)
            case ConfirmAttempt():
                reason = "on the do-not-call list" if command.number in self.disk.dnc else ""
                return AttemptConfirmed(
                    attempt_id=command.attempt_id, number=command.number, checked_at_ms=self.now, reason=reason
                )
            case SetCampaignStatus():
                self.disk.status[command.campaign_id] = command.status
                if command.status is CampaignStatus.FINISHED:
                    self.disk.finished[command.campaign_id] += 1
                return CampaignStatusSaved(campaign_id=command.campaign_id)
            case _:
                raise AssertionError(f"no disk for {command}")

    def refuse_commit(self) -> None:
        """The database refuses: claims are given up, the rest is kept, as the shell does it."""
        claims = [command for command in self.writes if isinstance(command, ClaimContacts)]
        self.writes = [command for command in self.writes if not isinstance(command, ClaimContacts)]
        self._is_refused = True
        self.inbox.append(StoreFailed(reason="disk full", campaign_ids=tuple(c.campaign_id for c in claims)))

    def render(self, *, fails: bool = False) -> None:
        """Make the prompts that were asked for longest."""
        command = self.renders.pop(0)
        audio = {} if fails else audio_of(command.prompts)
        failed = dict.fromkeys(command.prompts, "no voice") if fails else {}
        self.inbox.append(PromptsRendered(attempt_id=command.attempt_id, audio=audio, failed=failed))

    # --- the telephone network ---------------------------------------------------------------------------------------

    def connect(self, *, is_new_life: bool = False) -> None:
        if is_new_life:
            for wire in self.calls.values():
                wire.exists = False if wire.exists else wire.exists
        self.is_connected = True
        live = []
        for attempt_id, wire in self.calls.items():
            if wire.exists:
                wire.is_told_in_hand = wire.is_told_in_hand or wire.is_in_hand
                live.append(self._live(attempt_id, wire))
        self.inbox.append(TelephonyUp(is_new_life=is_new_life, live=tuple(live)))

    def _live(self, attempt_id: AttemptId, wire: Wire) -> LiveCall:
        return LiveCall(
            attempt_id=attempt_id,
            is_in_hand=wire.is_in_hand,
            is_up=wire.is_up,
            endpoint=wire.place.trunk.endpoint,
        )

    def disconnect(self) -> None:
        self.is_connected = False
        self.inbox.append(TelephonyDown(reason="closed"))

    def tell(self, event: Event) -> None:
        """What the network says of a call: unheard while the line to it is broken."""
        if self.is_connected:
            self.inbox.append(event)

    def reply(
        self, attempt_id: AttemptId, *, placed: bool = True, known: bool = True, trunk_fault: bool = False
    ) -> None:
        """The answer to PlaceCall. Once the channel was seen it is there; before, the answer decides."""
        wire = self.calls[attempt_id]
        wire.is_replied = True
        if wire.exists is None:
            wire.exists = placed
        if not known:
            self.inbox.append(CallUnknown(attempt_id=attempt_id, reason="no answer in 5 s"))
        elif wire.exists or wire.is_up:
            self.inbox.append(CallPlaced(attempt_id=attempt_id))
        else:
            self.inbox.append(CallRefused(attempt_id=attempt_id, reason="refused", is_trunk_fault=trunk_fault))

    def end(self, attempt_id: AttemptId, *, sip_code: int | None = None, cause: int = 16) -> None:
        """The channel ends; the last that is said of it."""
        self.calls[attempt_id].exists = False
        self.tell(CallEnded(attempt_id=attempt_id, sip_code=sip_code, cause=cause))

    # --- time --------------------------------------------------------------------------------------------------------

    def turn(self) -> list[Command]:
        """One turn at the present moment, every command checked and then carried out."""
        events, self.inbox = self.inbox, []
        for event in events:
            self._note(event)
        self.turns += 1
        commands = self.dialer.turn(events, self.now)
        for command in commands:
            self._check(command)
            self._perform(command)
        return commands

    def settle(self) -> None:
        """Turns at the present moment until nothing is left to do; never endlessly.

        Whoever is awake does at once what is asked of them: the disk writes, the voice renders, Asterisk replies.
        """
        unasked = 0
        for _ in range(200):
            self.turn()
            self._work()
            deadline = self.dialer.next_deadline_ms()
            if self.inbox:
                continue
            if deadline is None or deadline > self.now:
                return
            unasked += 1
            assert unasked <= TURNS_AT_ONCE, f"the dialer keeps turning: next at {deadline}, now {self.now}"
        raise AssertionError("the dialer and the world keep each other busy without time passing")

    def _work(self) -> None:
        while self.is_voice_awake and self.renders:
            self.render()
        if self.answers_at_once:
            for attempt_id, wire in self.calls.items():
                if not wire.is_replied:
                    self.reply(attempt_id)
        if self.is_disk_awake and (self.writes or self._untold or self._is_refused):
            self.commit()

    def advance(self, length_ms: int) -> None:
        """Let time pass, turning whenever the dialer wants to."""
        until = self.now + length_ms
        self.settle()
        while (next_at := self._next_at()) is not None and next_at <= until:
            self.now = max(self.now, next_at)
            self._expire()
            self.settle()
        self.now = until
        self._expire()
        self.settle()

    def _next_at(self) -> int | None:
        times = [wire.lease_until_ms + 1 for wire in self.calls.values() if wire.exists]
        times += [wire.placed_at_ms + PATIENCE_MS for wire in self.calls.values() if not wire.is_replied]
        deadline = self.dialer.next_deadline_ms()
        if deadline is not None:
            times.append(deadline)
        return min(times, default=None)

    def _expire(self) -> None:
        for attempt_id, wire in self.calls.items():
            if not wire.is_replied and self.now >= wire.placed_at_ms + PATIENCE_MS:
                self.reply(attempt_id, known=False)
            if wire.exists and self.now > wire.lease_until_ms:
                is_ours = wire.is_told_in_hand and wire.is_in_hand and self._is_up and not wire.is_hung_up
                assert not is_ours or wire.asked_away, f"{attempt_id}: the lease ran out on somebody in hand"
                self.end(attempt_id)

    # --- after a crash -----------------------------------------------------------------------------------------------

    def crash(self) -> None:
        """The dialer is killed: all that was neither on disk nor in the network is gone. A new one is told what is."""
        for wire in self.calls.values():
            wire.is_replied = True
            wire.is_told_in_hand = False
            wire.asked_away = wire.is_hung_up = False
            if wire.exists is None:
                wire.exists = True  # the request went out
        self.dialer = Dialer()
        self.inbox, self.writes, self.renders, self._untold = [], [], [], []
        self.is_connected = self._is_up = self.is_ending = False
        self._running, self._claiming = set(), set()
        self._is_full = False
        self._opened, self._ended = set(), set()
        recovered = tuple(self.disk.open.values())
        for trunk in self.trunks.values():
            self.inbox.append(TrunkSet(trunk=trunk))
        with_calls = {attempt.campaign_id for attempt in recovered}
        for campaign_id, campaign in self.campaigns.items():
            status = self.disk.status.get(campaign_id, CampaignStatus.DRAFT)
            if status is CampaignStatus.RUNNING or campaign_id in with_calls:
                self.inbox.append(CampaignStarted(campaign=campaign, flow=self.flow))
                if status is CampaignStatus.PAUSED:
                    self.inbox.append(CampaignPaused(campaign_id=campaign_id))
                elif status is not CampaignStatus.RUNNING:
                    self.inbox.append(CampaignStopped(campaign_id=campaign_id))
        self.inbox.append(AttemptsRecovered(attempts=recovered))
        self._opened.update(attempt.attempt_id for attempt in recovered)
        self.settle()

    # --- the books ---------------------------------------------------------------------------------------------------

    def _note(self, event: Event) -> None:
        """What the dialer knows from this turn on."""
        match event:
            case AttemptsOpened():
                self._claiming.discard(event.campaign_id)
                self._opened.update(attempt.attempt_id for attempt in event.attempts)
            case StoreBack():
                self._is_full = False
            case StoreFailed():
                self._is_full = True
                self._claiming -= set(event.campaign_ids)
            case DncAdded():
                self._barred.add(Number(event.number))
            case TelephonyUp() | TelephonyDown():
                self._is_up = isinstance(event, TelephonyUp)
            case CampaignStarted():
                self._running.add(event.campaign.id)
                self._told[event.campaign.id] = event.campaign
            case CampaignPaused() | CampaignStopped():
                self._running.discard(event.campaign_id)
            case ShutdownAsked():
                self.is_ending = True
            case _:
                pass

    def _check(self, command: Command) -> None:
        """Whether it may ask for this at all."""
        match command:
            case PlaceCall():
                assert not self._is_full, "a call while the disk takes nothing"
                self._check_placing(command)
            case ClaimContacts():
                assert command.count > 0
                assert command.campaign_id not in self._claiming, "one claim at a time"
                assert command.campaign_id in self._running, "a claim for a campaign that does not run"
                assert self._is_up, "a claim while no call can be placed"
                assert not self.is_ending
                live = [one for one in self._open_in(command.campaign_id) if one not in self._ended]
                live = [one for one in live if one not in self.calls or self.calls[one].may_exist]
                assert command.count + len(live) <= self._told[command.campaign_id].lines, "more than it could dial"
                self._claiming.add(command.campaign_id)
            case CloseAttempt(result=result):
                assert result.attempt_id in self._opened, "an end of what was never opened"
                assert result.attempt_id not in self._ended, f"{result.attempt_id} ends twice"
                self._ended.add(result.attempt_id)
            case SetCampaignStatus(status=CampaignStatus.FINISHED):
                rows = self.disk.contacts[command.campaign_id].values()
                assert not self._open_in(command.campaign_id), "finished with open attempts"
                assert all(row.status is not ContactStatus.PENDING for row in rows), "finished with people waiting"
                self._running.discard(command.campaign_id)
            case _:
                pass

    def _check_placing(self, command: PlaceCall) -> None:
        attempt_id, trunk = command.attempt_id, command.trunk
        opened = self.disk.open.get(attempt_id)
        assert opened is not None, "a call for an attempt that is not open on disk"
        assert attempt_id in self._opened, "a call for an attempt the dialer was not told of"
        assert attempt_id not in self._placed_ever, "a second call for one attempt"
        assert command.number == opened.number or self._may_choose(command.number)
        assert command.number not in self._barred, "a call to somebody who wants none"
        assert opened.campaign_id in self._running, "a call of a campaign that does not run"
        assert self._is_up, "a call while Asterisk is away"
        assert not self.is_ending, "a call while shutting down"
        assert self.trunks[trunk.id] == trunk, "a trunk of the past"
        campaign = self._told[opened.campaign_id]
        assert trunk.id in campaign.trunks
        assert trunk.is_enabled
        assert opened.number.startswith(trunk.prefixes)
        wires = [wire for wire in self.calls.values() if wire.may_exist]
        assert sum(wire.campaign_id == campaign.id for wire in wires) < campaign.lines, "more calls than lines"
        assert sum(wire.place.trunk.id == trunk.id for wire in wires) < trunk.lines, "more calls than the trunk's lines"
        self._placed_ever.add(attempt_id)

    def _may_choose(self, number: Number) -> bool:
        """Whether another number than the claimed one may be dialed."""
        return False

    def _open_in(self, campaign_id: CampaignId) -> list[AttemptId]:
        return [attempt_id for attempt_id, opened in self.disk.open.items() if opened.campaign_id == campaign_id]

    def _perform(self, command: Command) -> None:
        match command:
            case PlaceCall():
                self.calls[command.attempt_id] = Wire(
                    place=command,
                    campaign_id=self.disk.open[command.attempt_id].campaign_id,
                    placed_at_ms=self.now,
                    lease_until_ms=self.now + command.lease_ms,
                )
            case ClaimContacts() | CloseAttempt() | AddDnc() | ConfirmAttempt() | SetCampaignStatus():
                self.writes.append(command)
            case RenderPrompts():
                self.renders.append(command)
            case _:
                assert isinstance(command, CallCommand), f"no world for {command}"
                wire = self.calls[command.attempt_id]
                if not self.is_connected or wire.exists is False:
                    if self.is_connected and isinstance(command, HangUp | StopPlayback):
                        return
                    name = type(command).__name__
                    self.inbox.append(CommandFailed(attempt_id=command.attempt_id, command=name, reason="away"))
                    return
                self._obey(command, wire)

    def _obey(self, command: Command, wire: Wire) -> None:
        match command:
            case RenewLease():
                wire.lease_until_ms = self.now + command.lease_ms
            case HangUp():
                wire.is_hung_up = True
            case SendToExtension():
                wire.asked_away = True
            case Play():
                wire.playback = command.playback_id
            case StopPlayback():
                self.tell(PlaybackEnded(attempt_id=command.attempt_id, playback_id=command.playback_id))
            case _:
                pass

    # --- drain -------------------------------------------------------------------------------------------------------

    def heal(self) -> None:
        """Connect, answer everything that was asked, and end every call, until nobody is on the line."""
        self.is_disk_awake = self.is_voice_awake = self.answers_at_once = True
        if not self.is_connected:
            self.connect()
        for _ in range(4):
            self._answer_everything()

    def _answer_everything(self) -> None:
        self.settle()
        for attempt_id, wire in list(self.calls.items()):
            if wire.exists:
                self.end(attempt_id, sip_code=None if wire.is_up else 486, cause=16 if wire.is_up else 17)
        self.settle()

    def run_to_the_end(self, patience: int = 400) -> None:
        """Every campaign that may goes on until it is finished or stopped, and nothing stays open."""
        self.heal()
        for campaign_id, campaign in self.campaigns.items():
            if self.disk.status.get(campaign_id) is CampaignStatus.PAUSED:
                self.start(campaign)
        self.settle()
        for _ in range(patience):
            self._answer_everything()
            if not self.disk.open and not self._running and not self.writes:
                return
            deadline = self.dialer.next_deadline_ms()
            self.advance(60_000 if deadline is None else max(1, deadline - self.now))
        reasons = [(picture.status.value, picture.waiting_for) for picture in self.dialer.snapshot(self.now).campaigns]
        raise AssertionError(f"it never ends: open {list(self.disk.open)}, {reasons}")


def status_of(world: World, campaign_id: int = 1) -> CampaignStatus:
    """A campaign's status on disk."""
    return world.disk.status[CampaignId(campaign_id)]


def changed(campaign: Campaign, **changes: object) -> Campaign:
    """The same campaign with other settings."""
    return replace(campaign, **changes)  # type: ignore[arg-type]
