"""What can happen to the floor: phones and rooms from the telephone, agents' and supervisors' doings, the disk's word.

A phone's call (an agent's, a supervisor's, a consulted third party's) is named by its leg. See app.events.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from app.agents import AgentStint, CallbackPlan, PauseReason, Seat, SpyMode
from app.units import AgentId, AttemptId, CampaignId, ContactId, LegId, Number, RoomId

# --- phones and rooms ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneRinging:
    """The phone rings."""

    leg_id: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneAnswered:
    """The phone was picked up and its call is in our hands (and in no room yet)."""

    leg_id: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneEnded:
    """The phone's call is over, or never came about. The last event of a leg. reason: in words, for people."""

    leg_id: LegId
    reason: str
    was_refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneFailed:
    """Something asked of a phone's call or of a room could not be done. command: its class name."""

    leg_id: LegId
    command: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneKeyPressed:
    """A key on the phone: supervisors switch listen, whisper, barge with 4, 5, 6."""

    leg_id: LegId
    digit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneReachable:
    """The phone registered, or went away. is_silent: it has not signed off, it does not answer OPTIONS any more."""

    endpoint: str
    is_reachable: bool
    is_silent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonJoined:
    """The person of an attempt is in the room: they and the agent hear each other."""

    attempt_id: AttemptId
    room_id: RoomId


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneJoined:
    """The phone is in the room."""

    leg_id: LegId
    room_id: RoomId


# --- queues of the PBX's own -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueAgentConnected:
    """A member of a queue and the person hear each other. member: as queues.conf names them, or their interface.

    waited_ms: in the queue, in whole seconds as Asterisk counts.
    """

    attempt_id: AttemptId
    queue: str
    member: str
    waited_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueAgentLeft:
    """The conversation is over. waited_ms, talk_ms: in whole seconds. ended_by: in words, for people."""

    attempt_id: AttemptId
    queue: str
    member: str
    waited_ms: int
    talk_ms: int
    ended_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueReturned:
    """The queue gave a person back who is still on the line: they are in our hands.

    has_talked: the agent hung up; otherwise nobody came in time. reason: Asterisk's QUEUESTATUS.
    """

    attempt_id: AttemptId
    has_talked: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueUnseen:
    """A call ended in a queue while it could not be followed: whether anybody talked with them is not known."""

    attempt_id: AttemptId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSeen:
    """A watched queue as it is now. members: signed in; available: who could take a call; waiting: people in it.

    trouble: why it cannot be seen, in words; then the rest is 0.
    """

    queue: str
    members: int = 0
    available: int = 0
    waiting: int = 0
    trouble: str = ""


# --- agents ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSignedIn:
    """An agent begins to work (or their session goes on after a restart: is_resumed). They begin paused.

    campaigns: the ones they serve. before: what a resumed agent did when the dialer ended; it ends now. pause_next,
    signs_out_next: what they had asked for to come after the call they were in.
    """

    seat: Seat
    campaigns: tuple[CampaignId, ...]
    is_resumed: bool = False
    before: AgentStint | None = None
    pause_next: PauseReason | None = None
    signs_out_next: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSignedOut:
    """An agent stops working, now or after the call they are in. by: who said so when not the agent."""

    agent_id: AgentId
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentWentReady:
    """The agent takes calls. From wrap-up it ends the wrap-up, saving what disposition there is."""

    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPaused:
    """The agent takes no more calls: now, or after the call they are in. by: who said so when not the agent."""

    agent_id: AgentId
    reason: PauseReason
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentJoined:
    """The agent serves these campaigns from now on, and no others."""

    agent_id: AgentId
    campaigns: tuple[CampaignId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneAsked:
    """Ring the agent's (nailed-up) phone again."""

    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewAccepted:
    """Dial the person on the card. number: one of the contact's phones; empty: the one on the card."""

    agent_id: AgentId
    attempt_id: AttemptId
    number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewRefused:
    """Do not dial: later (outcome 18), or with is_closed never again (outcome 19). reason: the agent's words."""

    agent_id: AgentId
    attempt_id: AttemptId
    is_closed: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualDialAsked:
    """Dial by hand, under the same rules and limits: a contact of the campaign, or a typed number."""

    agent_id: AgentId
    campaign_id: CampaignId
    number: Number
    contact_id: ContactId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUpAsked:
    """End the call with the person (or take back a call that is on its way). by: who said so when not the agent."""

    agent_id: AgentId
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldAsked:
    """Music for the person (is_on), or back to them."""

    agent_id: AgentId
    is_on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MuteAsked:
    """The person does not hear the agent (is_on), or does again."""

    agent_id: AgentId
    is_on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysAsked:
    """Send keypad tones to the person: up to 32 of `0`–`9`, `*`, `#`."""

    agent_id: AgentId
    digits: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAsked:
    """Begin or end recording the conversation (policy: on demand)."""

    agent_id: AgentId
    is_on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferAsked:
    """Give the person away, together with the card. Exactly one of the three targets is set.

    is_attended: talk with the target first (the person hears music), then TransferFinished or TransferCancelled;
    otherwise at once. A campaign's queue takes no attended transfer.
    """

    agent_id: AgentId
    to_agent_id: AgentId | None = None
    to_campaign_id: CampaignId | None = None
    to_number: Number | None = None
    is_attended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferFinished:
    """The person and the consulted party talk on without the agent (is_conference: with them)."""

    agent_id: AgentId
    is_conference: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferCancelled:
    """The consulted party is let go; the agent is back with the person."""

    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class DispositionSet:
    """The result of the conversation, while it goes on or in wrap-up. code: one of the campaign's dispositions.

    is_done: the card is finished: wrap-up ends, and a call still up is ended first.
    """

    agent_id: AgentId
    attempt_id: AttemptId
    code: str
    note: str = ""
    callback: CallbackPlan | None = None
    is_done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapUpExtended:
    """More time for wrap-up."""

    agent_id: AgentId


class DeskWord(enum.Enum):
    """What an agent's desk tells of how far a conversation is."""

    CLOSING = "closing"
    """The agent pressed the key that says: nearly done."""
    STEP = "step"
    """They turned to a step of the script."""
    RESULT = "result"
    """They opened the results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskTold:
    """The desk tells how far the conversation is, for whoever counts on the agent. step: of the script, from 1."""

    agent_id: AgentId
    attempt_id: AttemptId
    word: DeskWord
    step: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserLost:
    """The agent's page has no connection (is_lost), or has one again: no new reservations until then."""

    agent_id: AgentId
    is_lost: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisionAsked:
    """A supervisor listens, whispers or barges in: their phone is rung once, later asks only switch the mode."""

    supervisor_id: AgentId
    supervisor_name: str
    agent_id: AgentId
    endpoint: str
    mode: SpyMode
    leg_id: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisionEnded:
    """The supervisor leaves."""

    supervisor_id: AgentId


# --- the disk --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSaved:
    """An agent's state is on disk."""

    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationSaved:
    """That a person talks with an agent is on disk."""

    attempt_id: AttemptId


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisionSaved:
    """That a supervisor hears an agent no more is in the audit trail."""

    supervisor_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualRefused:
    """What an agent wanted to dial by hand may not be dialed. reason: for people."""

    agent_id: AgentId
    campaign_id: CampaignId
    reason: str


PhoneEvent = PhoneRinging | PhoneAnswered | PhoneEnded | PhoneFailed | PhoneKeyPressed | PhoneJoined
"""What belongs to one leg."""
QueueEvent = QueueAgentConnected | QueueAgentLeft | QueueReturned | QueueUnseen
"""What belongs to the person of one attempt, in a queue of the PBX's own; between CallLeft and CallEnded."""
AgentRequest = (
    AgentSignedOut
    | AgentWentReady
    | AgentPaused
    | AgentJoined
    | PhoneAsked
    | PreviewAccepted
    | PreviewRefused
    | ManualDialAsked
    | HangUpAsked
    | HoldAsked
    | MuteAsked
    | KeysAsked
    | RecordAsked
    | TransferAsked
    | TransferFinished
    | TransferCancelled
    | DispositionSet
    | WrapUpExtended
    | DeskTold
    | BrowserLost
)
"""What a signed-in agent (or a supervisor in their name) asks for. Whether it may be is told by `Dialer.refusal`."""
FloorEvent = (
    PhoneEvent
    | PhoneReachable
    | PersonJoined
    | QueueEvent
    | QueueSeen
    | AgentSignedIn
    | AgentRequest
    | SupervisionAsked
    | SupervisionEnded
    | AgentSaved
    | ConversationSaved
    | SupervisionSaved
    | ManualRefused
)
