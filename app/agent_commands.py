"""What the floor asks of the world: phones and rooms of the telephone, and the disk. See app.commands.

A room is a mixing bridge, one for each agent's session: the agent's phone stays in it, people come and go.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.agents import AgentStint, PauseReason, SpyMode
from app.model import Trunk
from app.units import AgentId, AttemptId, CampaignId, ContactId, LegId, Number, RoomId, SessionId

# --- phones ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RingPhone:
    """Ring a phone of the PBX. → PhoneRinging, PhoneAnswered, and PhoneEnded at last, whatever happens.

    shown_name, shown_number: what the phone displays. has_auto_answer: ask the phone to answer by itself.
    """

    leg_id: LegId
    endpoint: str
    shown_name: str
    shown_number: str
    ring_timeout_ms: int
    lease_ms: int
    has_auto_answer: bool
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class DialParty:
    """Dial a third party over a trunk, for a transfer or conference. → as RingPhone."""

    leg_id: LegId
    trunk: Trunk
    number: Number
    caller_id: str
    ring_timeout_ms: int
    lease_ms: int
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUpPhone:
    """End a phone's call. → PhoneEnded."""

    leg_id: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewPhoneLease:
    """Let the phone's channel live `lease_ms` from now. Only a failure comes back (PhoneFailed)."""

    leg_id: LegId
    lease_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayToPhone:
    """Play media to a phone alone, though it may be in a room (a beep, the campaign's name). Only a failure comes back.

    media: `tone:beep` (the short beep before a person) or `sound:/path` URIs.
    """

    leg_id: LegId
    media: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MutePhone:
    """Nobody hears the phone (is_on), or they do again. Only a failure comes back."""

    leg_id: LegId
    is_on: bool


# --- rooms -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRoom:
    """Make a room; harmless when it exists. A room is silent for whoever is alone in it, or plays music if is_musical.

    Only a failure comes back, as PhoneFailed of the leg that is to use it.
    """

    room_id: RoomId
    leg_id: LegId
    is_musical: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseRoom:
    """Take a room down; whoever is in it stays up, alone. Harmless when there is none."""

    room_id: RoomId


@dataclass(frozen=True, slots=True, kw_only=True)
class Connect:
    """Put the person of an attempt into a room, ending music, and at once. → PersonJoined, or CommandFailed."""

    attempt_id: AttemptId
    room_id: RoomId


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Take the person out of a room; they hear nothing until told otherwise. Only a failure comes back."""

    attempt_id: AttemptId
    room_id: RoomId


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectPhone:
    """Put a phone into a room. → PhoneJoined, or PhoneFailed."""

    leg_id: LegId
    room_id: RoomId


@dataclass(frozen=True, slots=True, kw_only=True)
class PartPhone:
    """Take a phone out of a room. Only a failure comes back."""

    leg_id: LegId
    room_id: RoomId


@dataclass(frozen=True, slots=True, kw_only=True)
class Music:
    """Music for the person, or its end. Only a failure comes back (CommandFailed)."""

    attempt_id: AttemptId
    is_on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SendKeys:
    """Keypad tones to the person. Only a failure comes back (CommandFailed)."""

    attempt_id: AttemptId
    digits: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRoom:
    """Record all that is said in a room, both sides. name begins with the attempt's id. → RecordingEnded at its end."""

    attempt_id: AttemptId
    room_id: RoomId
    name: str
    max_length_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spy:
    """Let a supervisor's phone (up, in no room) hear an agent's, and with WHISPER be heard by it alone.

    Asked again with another mode, it changes. Only a failure comes back (PhoneFailed). Barging in is ConnectPhone.
    """

    leg_id: LegId
    target: LegId
    mode: SpyMode


@dataclass(frozen=True, slots=True, kw_only=True)
class StopSpying:
    """The supervisor's phone hears nothing any more, and stays up. Harmless when it did not spy."""

    leg_id: LegId


# --- queues of the PBX's own -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SendToQueue:
    """Hand the person to a queue of the admin's own, for `wait_ms` at the most. → CallLeft, or CommandFailed; then
    QueueAgentConnected and QueueAgentLeft if somebody takes them, and QueueReturned, unless the call ends there.
    """

    attempt_id: AttemptId
    queue: str
    wait_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchQueue:
    """Tell how many of a queue's members could take a call, whenever that changes, or stop. → QueueSeen."""

    queue: str
    is_on: bool


PhoneCommand = (
    RingPhone | DialParty | HangUpPhone | RenewPhoneLease | PlayToPhone | MutePhone | OpenRoom | ConnectPhone
    | PartPhone | Spy | StopSpying
)  # fmt: skip
"""What belongs to one leg; done in order for each."""
PersonCommand = Connect | Part | Music | SendKeys | RecordRoom
"""What belongs to the person of one attempt; done in order with the other commands of that attempt."""
RoomCommand = PhoneCommand | PersonCommand | CloseRoom
QueueCommand = SendToQueue | WatchQueue

# --- the disk --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LogAgent:
    """Write down that an agent's state changed: the stretch that ended, and the one that began. → AgentSaved.

    now None: they signed out. ended None: nothing did; they began, or asked for something that comes later.
    pause_next, signs_out_next: what they go on to after this call, for whoever comes after a crash.
    """

    agent_id: AgentId
    session_id: SessionId
    ended: AgentStint | None
    now: AgentStint | None
    pause_next: PauseReason | None = None
    signs_out_next: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveConversation:
    """Write down that a person is with an agent now, for whoever comes after a crash. → ConversationSaved.

    waited_ms: for the agent, which is less than from the answer on where their flow spoke first.
    recordings: made of it so far, in their order. recording: the one that runs; empty: none does.
    """

    attempt_id: AttemptId
    agent_id: AgentId
    session_id: SessionId
    answered_at_ms: int
    connected_at_ms: int
    waited_ms: int
    recordings: tuple[str, ...] = ()
    recording: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenManual:
    """Open an attempt for a number an agent wants to dial, under the rules of claiming. → AttemptsOpened with one
    attempt for that agent, or ManualRefused.

    contact_id None: a contact is made in the campaign's list of typed numbers (or the one with that number is used).
    """

    agent_id: AgentId
    campaign_id: CampaignId
    number: Number
    contact_id: ContactId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSupervision:
    """Write into the audit trail that a supervisor hears an agent no more. → SupervisionSaved.

    heard_ms: how long in each mode, of those they used; empty: their phone was never picked up.
    """

    supervisor_id: AgentId
    supervisor_name: str
    agent_id: AgentId
    heard_ms: tuple[tuple[SpyMode, int], ...]
    ended_at_ms: int


FloorStoreCommand = LogAgent | LogSupervision | SaveConversation | OpenManual

# --- between a flow and the floor: these never reach the shell -------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SeekAgent:
    """The person of the attempt wants an agent of the campaign; the flow waits. → FloorAnswer.

    has_way_on: the flow has a way of its own for who gets no agent: it is answered so, at once when hold_ms is over.
    Without one the safe-harbor message is the floor's to play, and the call its to end.
    """

    attempt_id: AttemptId
    has_way_on: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorAnswer:
    """What the floor tells a flow that waits: with an agent now, done talking, or (neither) that there is no agent.

    is_released: the agent let go of a person who is still on the line: the flow has them again, in no room.
    """

    attempt_id: AttemptId
    is_connected: bool = False
    is_released: bool = False
