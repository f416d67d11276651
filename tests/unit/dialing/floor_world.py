"""The world with a floor: agents' phones, rooms and agents' time, kept in books of their own.

What agents, phones and people do is the test's choice. Everything asked for is checked against the books when it is
asked: who is in which room, who is on which phone, for whom a call is placed, and that no time of an agent is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from app.agent_commands import (
    CloseRoom,
    Connect,
    ConnectPhone,
    DialParty,
    HangUpPhone,
    LogAgent,
    LogSupervision,
    Music,
    MutePhone,
    OpenManual,
    OpenRoom,
    Part,
    PartPhone,
    PlayToPhone,
    RecordRoom,
    RenewPhoneLease,
    RingPhone,
    SaveConversation,
    SendKeys,
    Spy,
    StopSpying,
)
from app.agent_events import (
    AgentRequest,
    AgentSaved,
    AgentSignedIn,
    AgentWentReady,
    ConversationSaved,
    DispositionSet,
    ManualRefused,
    PersonJoined,
    PhoneAnswered,
    PhoneEnded,
    PhoneFailed,
    PhoneJoined,
    PhoneRinging,
    SupervisionSaved,
)
from app.agents import AgentState, AgentStint, Conversation, DialingMode, LivePhone, PauseReason, PhoneMode, Seat
from app.commands import (
    AddDnc,
    ClaimContacts,
    CloseAttempt,
    Command,
    ConfirmAttempt,
    PlaceCall,
    Play,
    SavePacing,
    SetCampaignStatus,
    StopRecording,
)
from app.dialing.snapshot import AgentPicture
from app.events import (
    AttemptsOpened,
    CallAnswered,
    CommandFailed,
    LiveCall,
    PacingSaved,
    PlaybackEnded,
    RecordingEnded,
    StoreEvent,
    TelephonyUp,
)
from app.ivr.builtin import CONNECT_SOURCE
from app.ivr.flow import Flow
from app.ivr.load import load_flow
from app.model import OpenedAttempt
from app.units import AgentId, AttemptId, CampaignId, ContactId, LegId, Number, RoomId, SessionId
from tests.unit.dialing.world import Row, Wire, World

CONNECT: Final = load_flow(CONNECT_SOURCE)
BEFORE_TALK: Final = (AgentState.RESERVED, AgentState.RINGING)
ONE: Final = CampaignId(1)


def seat(place: int = 1, **changes: Any) -> Seat:
    """Agent `place` on their own phone."""
    facts: dict[str, Any] = {
        "agent_id": AgentId(place),
        "session_id": SessionId(f"session{place:04d}"),
        "name": f"Agent {place}",
        "endpoint": f"agent-{place}",
        "phone_mode": PhoneMode.NAILED_UP,
    }
    return Seat(**(facts | changes))


@dataclass(kw_only=True)
class Leg:
    """A phone's call as the network knows it."""

    endpoint: str
    lease_until_ms: int
    is_up: bool = False
    exists: bool = True
    room_id: RoomId | None = None
    is_muted: bool = False
    spies_on: LegId | None = None


@dataclass(kw_only=True)
class Room:
    """A room: who is in it."""

    legs: set[LegId] = field(default_factory=set)
    people: set[AttemptId] = field(default_factory=set)


class FloorWorld(World):
    """The world, and the floor in it."""

    def __init__(self, flow: Flow = CONNECT) -> None:
        super().__init__(flow)
        self.legs: dict[LegId, Leg] = {}
        self.rooms: dict[RoomId, Room] = {}
        self.where: dict[AttemptId, RoomId] = {}
        self.sent_to: dict[AttemptId, RoomId] = {}
        self.music: set[AttemptId] = set()
        self.recordings: dict[str, RoomId] = {}
        self.recorded: list[str] = []
        self.heard: list[tuple[AttemptId | LegId, str]] = []
        self.stints: dict[SessionId, list[AgentStint]] = {}
        self.latches: dict[SessionId, tuple[PauseReason | None, bool]] = {}
        """What each session had asked for to come after its call, as it was last written down."""
        self.talked: dict[AttemptId, int] = {}
        self.saved: dict[AttemptId, SaveConversation] = {}
        self.learned: dict[CampaignId, Mapping[str, Any]] = {}
        """What pacers had written down."""
        self.supervised: list[LogSupervision] = []
        """Ends of supervisions, as they were written down."""
        self.served: dict[AgentId, tuple[CampaignId, ...]] = {}
        self.seats: dict[AgentId, Seat] = {}
        self.states: dict[AgentId, AgentState] = {}
        self.may_dial_by_hand = True
        self.phones_answer = True
        self.rooms_that_fail: set[RoomId] = set()
        self.owners: dict[Number, AgentId] = {}
        self.numbers_by_choice: set[Number] = set()
        self.of_before: set[AttemptId] = set()
        self.rendered = 0
        self.playbacks_end = True

    def render(self, *, fails: bool = False) -> None:
        self.rendered += 1
        super().render(fails=fails)

    # --- agents ------------------------------------------------------------------------------------------------------

    def sign_in(self, place: int = 1, *campaigns: int, is_resumed: bool = False, **changes: Any) -> Seat:
        """Agent `place` begins to work in these campaigns (campaign 1 if none is named)."""
        chair = seat(place, **changes)
        served = tuple(CampaignId(one) for one in campaigns or (1,))
        self.seats[chair.agent_id], self.served[chair.agent_id] = chair, served
        self.inbox.append(AgentSignedIn(seat=chair, campaigns=served, is_resumed=is_resumed))
        self.settle()
        return chair

    def begin(self, place: int = 1, *campaigns: int, **changes: Any) -> Seat:
        """Agent `place` signs in, picks up the phone and goes ready."""
        chair = self.sign_in(place, *campaigns, **changes)
        self.ask(AgentWentReady(agent_id=chair.agent_id))
        return chair

    def ask(self, request: AgentRequest) -> None:
        """An agent asks for something that is possible."""
        refusal = self.dialer.refusal(request)
        assert refusal is None, refusal
        self.inbox.append(request)
        self.settle()

    def shown(self, place: int = 1) -> AgentPicture:
        """An agent as their desk shows them."""
        picture = self.dialer.agent_picture(AgentId(place), self.now)
        assert picture is not None, f"agent {place} is not signed in"
        return picture

    def state(self, place: int = 1) -> AgentState:
        """An agent's state."""
        return self.shown(place).state

    def dispose(self, place: int = 1, code: str = "success", **changes: Any) -> None:
        """The agent finishes the card before them."""
        card = self.shown(place).card
        assert card is not None, f"agent {place} has no card"
        facts: dict[str, Any] = {"is_done": True} | changes
        self.ask(DispositionSet(agent_id=AgentId(place), attempt_id=card.attempt_id, code=code, **facts))

    # --- people ------------------------------------------------------------------------------------------------------

    def up(self) -> list[AttemptId]:
        """Calls that exist, oldest first."""
        return [attempt_id for attempt_id, wire in self.calls.items() if wire.exists]

    def answer(self, attempt_id: AttemptId) -> None:
        """The person picks up."""
        wire = self.calls[attempt_id]
        wire.exists = wire.is_up = wire.is_in_hand = wire.is_told_in_hand = True
        self.tell(CallAnswered(attempt_id=attempt_id))
        self.settle()

    def hang_up(self, attempt_id: AttemptId) -> None:
        """The person hangs up."""
        self.end(attempt_id)
        self.settle()

    def end(self, attempt_id: AttemptId, *, sip_code: int | None = None, cause: int = 16) -> None:
        self._leave_room(attempt_id)
        self.music.discard(attempt_id)
        super().end(attempt_id, sip_code=sip_code, cause=cause)

    def _leave_room(self, attempt_id: AttemptId) -> None:
        if (room_id := self.where.pop(attempt_id, None)) is not None:
            self.rooms[room_id].people.discard(attempt_id)

    # --- phones ------------------------------------------------------------------------------------------------------

    def leg_of(self, place: int = 1) -> LegId:
        """The live leg of an agent's phone."""
        [leg_id] = [one for one, leg in self.legs.items() if leg.exists and leg.endpoint == f"agent-{place}"]
        return leg_id

    def pick_up(self, leg_id: LegId) -> None:
        """A phone is picked up."""
        self.legs[leg_id].is_up = True
        self.tell(PhoneAnswered(leg_id=leg_id))
        self.settle()

    def put_down(self, leg_id: LegId, reason: str = "hung up") -> None:
        """A phone's call ends."""
        self._end_leg(leg_id, reason)
        self.settle()

    def _end_leg(self, leg_id: LegId, reason: str) -> None:
        leg = self.legs[leg_id]
        leg.exists = leg.is_up = False
        if leg.room_id is not None:
            self.rooms[leg.room_id].legs.discard(leg_id)
            leg.room_id = None
        self.tell(PhoneEnded(leg_id=leg_id, reason=reason))

    # --- the network -------------------------------------------------------------------------------------------------

    def connect(self, *, is_new_life: bool = False) -> None:
        if is_new_life:
            for leg in self.legs.values():
                leg.exists = leg.is_up = False
                leg.room_id = None
            self.rooms, self.where, self.recordings, self.music = {}, {}, {}, set()
        super().connect(is_new_life=is_new_life)
        up = self.inbox.pop()
        assert isinstance(up, TelephonyUp)
        phones = tuple(
            LivePhone(leg_id=leg_id, is_up=leg.is_up, room_id=leg.room_id)
            for leg_id, leg in self.legs.items()
            if leg.exists
        )
        self.inbox.append(TelephonyUp(is_new_life=is_new_life, live=up.live, phones=phones))

    def _live(self, attempt_id: AttemptId, wire: Wire) -> LiveCall:
        found = super()._live(attempt_id, wire)
        return LiveCall(
            attempt_id=found.attempt_id,
            is_in_hand=found.is_in_hand,
            is_up=found.is_up,
            endpoint=found.endpoint,
            room_id=self.where.get(attempt_id),
        )

    def crash(self) -> None:
        """The dialer is killed: sessions go on, with what was last written of each."""
        self.sent_to = dict(self.where)
        self.of_before.update(self.calls)
        before = {agent_id: self.stints[seat.session_id][-1] for agent_id, seat in self._at_work().items()}
        latches = {seat.session_id: self.latches[seat.session_id] for seat in self._at_work().values()}
        saved = {one: self._talk_on_disk(one) for one in self.disk.open if one in self.talked}
        for attempt_id, conversation in saved.items():
            self.disk.open[attempt_id] = _changed(self.disk.open[attempt_id], conversation=conversation)
        super().crash()
        at_work = {seat.room_id for seat in self._at_work().values()}
        for room_id in [one for one, room in self.rooms.items() if not (room.legs or room.people)]:
            if room_id not in at_work:  # whoever starts sweeps out empty rooms
                del self.rooms[room_id]
        for agent_id, chair in self._at_work().items():
            self.inbox.append(
                AgentSignedIn(
                    seat=chair,
                    campaigns=self.served[agent_id],
                    is_resumed=True,
                    before=before.get(agent_id),
                    pause_next=latches[chair.session_id][0],
                    signs_out_next=latches[chair.session_id][1],
                )
            )
        self.settle()

    def _at_work(self) -> dict[AgentId, Seat]:
        return {agent_id: seat for agent_id, seat in self.seats.items() if agent_id in self.states}

    def _talk_on_disk(self, attempt_id: AttemptId) -> Conversation:
        saved = self.saved[attempt_id]
        return Conversation(
            agent_id=saved.agent_id,
            session_id=saved.session_id,
            connected_at_ms=saved.connected_at_ms,
            waited_ms=saved.connected_at_ms - saved.answered_at_ms,
            recordings=saved.recordings,
            recording=saved.recording,
        )

    # --- commands ----------------------------------------------------------------------------------------------------

    def _perform(self, command: Command) -> None:
        match command:
            case LogAgent() | LogSupervision() | SaveConversation() | OpenManual() | SavePacing():
                self.writes.append(command)
            case OpenRoom():
                self.rooms.setdefault(command.room_id, Room())
            case CloseRoom() if not self.is_connected:
                pass
            case CloseRoom():
                closed = self.rooms.get(command.room_id, Room())
                for attempt_id in list(closed.people):
                    self._leave_room(attempt_id)
                for leg_id in closed.legs:
                    self.legs[leg_id].room_id = None
                for name in [one for one, room_id in self.recordings.items() if room_id == command.room_id]:
                    del self.recordings[name]
                self.rooms.pop(command.room_id, None)
            case RingPhone() | DialParty():
                self._ring(command)
            case (
                HangUpPhone() | RenewPhoneLease() | PlayToPhone() | MutePhone() | ConnectPhone() | PartPhone() | Spy()
                | StopSpying()
            ):  # fmt: skip
                self._obey_phone(command)
            case Connect() | Part() | Music() | SendKeys() | RecordRoom():
                self._obey_room(command)
            case StopRecording() if command.name in self.recordings:
                del self.recordings[command.name]
                self.tell(RecordingEnded(attempt_id=command.attempt_id, name=command.name, length_ms=1_000))
            case StopRecording() if command.name.startswith(f"{command.attempt_id}-talk"):
                pass
            case StopRecording() | Play() if not self._is_there(command.attempt_id):
                self._fail(command.attempt_id, command)
            case Play():
                super()._perform(command)
                self.heard.append((command.attempt_id, command.playback_id))
                if self.playbacks_end:
                    self.tell(PlaybackEnded(attempt_id=command.attempt_id, playback_id=command.playback_id))
            case _:
                super()._perform(command)

    def _ring(self, command: RingPhone | DialParty) -> None:
        if not self.is_connected:
            self.inbox.append(PhoneEnded(leg_id=command.leg_id, reason="Asterisk is away", was_refused=True))
            return
        known = self.legs.get(command.leg_id)
        assert known is None or not known.exists, f"{command.leg_id} is rung twice"
        endpoint = command.endpoint if isinstance(command, RingPhone) else command.number
        busy = [one for one, leg in self.legs.items() if leg.exists and leg.endpoint == endpoint]
        assert not busy or isinstance(command, DialParty), f"{endpoint} is rung while it is up as {busy}"
        leg = self.legs[command.leg_id] = Leg(endpoint=endpoint, lease_until_ms=self.now + command.lease_ms)
        self.tell(PhoneRinging(leg_id=command.leg_id))
        if self.phones_answer:
            leg.is_up = True
            self.tell(PhoneAnswered(leg_id=command.leg_id))

    def _obey_phone(self, command: Any) -> None:
        leg = self.legs.get(command.leg_id)
        if leg is None or not leg.exists or not self.is_connected:
            if not isinstance(command, HangUpPhone | StopSpying):
                name = type(command).__name__
                self.inbox.append(PhoneFailed(leg_id=command.leg_id, command=name, reason="there is no such channel"))
            return
        match command:
            case HangUpPhone():
                self._end_leg(command.leg_id, "hung up by the dialer")
            case RenewPhoneLease():
                leg.lease_until_ms = self.now + command.lease_ms
            case MutePhone():
                leg.is_muted = command.is_on
            case ConnectPhone():
                assert leg.is_up, f"{command.leg_id} is put into a room before it is up"
                assert leg.room_id is None, f"{command.leg_id} is in {leg.room_id} already"
                assert leg.spies_on is None, f"{command.leg_id} spies, and is put into a room"
                room = self.rooms.get(command.room_id)
                if room is None or command.room_id in self.rooms_that_fail:
                    self.tell(PhoneFailed(leg_id=command.leg_id, command="ConnectPhone", reason="no such bridge"))
                    return
                room.legs.add(command.leg_id)
                leg.room_id = command.room_id
                self.tell(PhoneJoined(leg_id=command.leg_id, room_id=command.room_id))
            case PartPhone():
                assert leg.room_id == command.room_id, f"{command.leg_id} is in {leg.room_id}, not {command.room_id}"
                self.rooms[command.room_id].legs.discard(command.leg_id)
                leg.room_id = None
            case PlayToPhone():
                self.heard += [(command.leg_id, media) for media in command.media]
            case Spy():
                assert leg.is_up, "a phone spies before it is up"
                assert leg.room_id is None, "a phone spies from within a room"
                assert self.legs[command.target].exists, "spying on nobody"
                leg.spies_on = command.target
            case StopSpying():
                leg.spies_on = None

    def _is_there(self, attempt_id: AttemptId) -> bool:
        wire = self.calls.get(attempt_id)
        return self.is_connected and wire is not None and wire.exists is True and wire.is_in_hand

    def _fail(self, attempt_id: AttemptId, command: object) -> None:
        self.inbox.append(
            CommandFailed(attempt_id=attempt_id, command=type(command).__name__, reason="there is no such channel")
        )

    def _obey_room(self, command: Connect | Part | Music | SendKeys | RecordRoom) -> None:
        attempt_id = command.attempt_id
        if not self._is_there(attempt_id):
            self._fail(attempt_id, command)
            return
        match command:
            case Connect():
                self._enter(command)
            case Part():
                assert self.sent_to.get(attempt_id) == command.room_id, f"{attempt_id} is not in {command.room_id}"
                self._leave_room(attempt_id)
            case Music(is_on=True):
                assert attempt_id not in self.where, f"music for {attempt_id}, who is in a room"
                self.music.add(attempt_id)
            case Music():
                self.music.discard(attempt_id)
            case RecordRoom():
                assert command.name.startswith(f"{attempt_id}-talk")
                assert command.name not in self.recorded, "a recording over another"
                assert self.where.get(attempt_id) == command.room_id, "a room is recorded without its person"
                self.recordings[command.name] = command.room_id
                self.recorded.append(command.name)
            case SendKeys():
                self.heard.append((attempt_id, command.digits))

    def _enter(self, command: Connect) -> None:
        self.sent_to[command.attempt_id] = command.room_id
        room = self.rooms.get(command.room_id)
        if room is None or command.room_id in self.rooms_that_fail:
            self._fail(command.attempt_id, command)
            return
        self.music.discard(command.attempt_id)
        self._leave_room(command.attempt_id)
        assert not room.people, f"{command.attempt_id} enters {command.room_id}, where {room.people} are"
        room.people.add(command.attempt_id)
        self.where[command.attempt_id] = command.room_id
        self.tell(PersonJoined(attempt_id=command.attempt_id, room_id=command.room_id))

    # --- the disk ----------------------------------------------------------------------------------------------------

    def _written(self, command: Any) -> StoreEvent:
        match command:
            case LogAgent():
                return AgentSaved(agent_id=command.agent_id)
            case LogSupervision():
                self.supervised.append(command)
                return SupervisionSaved(supervisor_id=command.supervisor_id)
            case SaveConversation():
                return ConversationSaved(attempt_id=command.attempt_id)
            case SavePacing():
                self.learned[command.campaign_id] = command.learned
                return PacingSaved(campaign_id=command.campaign_id)
            case OpenManual():
                return self._open_manual(command)
            case ClaimContacts():
                return self._claim(command)
            case CloseAttempt() | AddDnc() | ConfirmAttempt() | SetCampaignStatus():
                return super()._written(command)
            case _:
                raise AssertionError(command)

    def _claim(self, command: ClaimContacts) -> StoreEvent:
        """Contacts of an agent who is not asked for are passed over for a while."""
        for row in self.disk.contacts[command.campaign_id].values():
            owner = self.owners.get(row.number)
            if owner is not None and owner not in command.agents and row.due_at_ms is not None:
                row.due_at_ms = max(row.due_at_ms, self.now + 10_000)
        opened = super()._written(command)
        assert isinstance(opened, AttemptsOpened)
        mine = tuple(_changed(one, agent_id=self.owners.get(one.number)) for one in opened.attempts)
        self.disk.open.update((one.attempt_id, one) for one in mine)
        return replace(opened, attempts=mine)

    def _open_manual(self, command: OpenManual) -> StoreEvent:
        rows = self.disk.contacts[command.campaign_id]
        is_barred = command.number in self.disk.dnc
        is_busy = any(one.number == command.number for one in self.disk.open.values())
        if is_barred or is_busy or not self.may_dial_by_hand:
            return ManualRefused(agent_id=command.agent_id, campaign_id=command.campaign_id, reason="it may not be")
        contact_id = next((one for one, row in rows.items() if row.number == command.number), None)
        if contact_id is None:
            contact_id = ContactId(len(rows) + 1)
            rows[contact_id] = Row(number=command.number, due_at_ms=None)
        opened = self.disk._open(command.campaign_id, contact_id, rows[contact_id])
        opened = _changed(opened, agent_id=command.agent_id, is_manual=True)
        self.disk.open[opened.attempt_id] = opened
        return AttemptsOpened(campaign_id=command.campaign_id, wanted=1, attempts=(opened,), next_due_at_ms=None)

    # --- the books ---------------------------------------------------------------------------------------------------

    def _check(self, command: Command) -> None:
        match command:
            case LogAgent():
                self._check_stint(command)
            case PlaceCall():
                super()._check(command)
                self._check_reserved(command)
            case SaveConversation():
                before = self.saved.get(command.attempt_id)
                is_about_recordings = before is not None and before.session_id == command.session_id
                assert is_about_recordings or command.attempt_id in self.where, "a conversation in no room"
                self.talked[command.attempt_id] = self.talked.get(command.attempt_id, 0) + (not is_about_recordings)
                self.saved[command.attempt_id] = command
            case CloseAttempt(result=result):
                super()._check(command)
                has_talked = result.attempt_id in self.talked
                assert (result.conversation is not None) is has_talked, "a conversation is lost, or invented"
                assert result.attempt_id not in self.where, f"{result.attempt_id} ends in a room"
            case _:
                super()._check(command)

    def _may_choose(self, number: Number) -> bool:
        return number in self.numbers_by_choice

    def _check_stint(self, command: LogAgent) -> None:
        """An agent's time has no gap and no overlap, and one stint at a time."""
        stints = self.stints.setdefault(command.session_id, [])
        self.latches[command.session_id] = (command.pause_next, command.signs_out_next)
        if command.ended is None and stints and stints[-1] == command.now:
            return  # only what comes after this call changed
        if not stints:
            assert command.ended is None
        elif command.ended is not None:
            last = stints[-1]
            assert last.until_ms is None, "a stint ends twice"
            assert (command.ended.state, command.ended.from_ms) == (last.state, last.from_ms), "another stint ends"
            assert command.ended.until_ms == self.now
            stints[-1] = command.ended
        else:
            assert stints[-1].until_ms is not None, "a stint begins within another"
        if command.now is None:
            self.states.pop(command.agent_id, None)
        else:
            assert command.now.from_ms == self.now
            stints.append(command.now)
            self.states[command.agent_id] = command.now.state

    def _check_reserved(self, command: PlaceCall) -> None:
        campaign = self._told[self.disk.open[command.attempt_id].campaign_id]
        if not self._is_for_an_agent(command.attempt_id):
            return
        stints = [self.stints[seat.session_id][-1] for seat in self._at_work().values()]
        is_anyones = self.disk.open[command.attempt_id].agent_id is None
        if campaign.mode is DialingMode.PREDICTIVE and is_anyones:
            assert any(stint.state is not AgentState.PAUSED for stint in stints), "a call while nobody takes calls"
            return
        ready = sum(stint.state in BEFORE_TALK and stint.campaign_id == campaign.id for stint in stints)
        lines = campaign.agents.lines_per_agent if campaign.mode is DialingMode.PROGRESSIVE else 1
        ringing = [
            attempt_id
            for attempt_id, wire in self.calls.items()
            if wire.may_exist
            and not wire.is_up
            and not wire.is_hung_up
            and self._is_for_an_agent(attempt_id)
            and wire.campaign_id == campaign.id
        ]
        assert len(ringing) < ready * lines, "a call that no agent waits for"

    def _is_for_an_agent(self, attempt_id: AttemptId) -> bool:
        opened = self.disk.open.get(attempt_id)
        if opened is None or attempt_id in self.of_before:
            return False
        if self._told[opened.campaign_id].mode is DialingMode.PREDICTIVE:
            return opened.agent_id is not None
        return opened.is_manual or self._told[opened.campaign_id].mode is not DialingMode.BROADCAST


def _changed(opened: OpenedAttempt, **changes: Any) -> OpenedAttempt:
    return replace(opened, **changes)


def typed(place: int) -> Number:
    """A number somebody types."""
    return Number(f"+4477008{place:05d}")
