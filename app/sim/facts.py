"""What an observer on the wire sees: facts about calls, whatever the dialer was told of them and believes."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from app.agents import AgentState
from app.commands import PlaceCall
from app.units import AgentId, AttemptId, CampaignId, LegId, Number, RoomId, SessionId, TrunkId


class Sound(enum.Enum):
    """What a person whose call is in our hands hears."""

    SILENCE = "silence"
    """Nothing; or they are alone in a room."""
    PROMPT = "prompt"
    MUSIC = "music"
    COMPANY = "company"
    """They are in a room with somebody on a phone, muted or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The dialer asked for a call, whether or not it was then placed."""

    at_ms: int
    call: PlaceCall


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A call is on the wire: the INVITE left, or would have."""

    at_ms: int
    call: PlaceCall


@dataclass(frozen=True, slots=True, kw_only=True)
class Rang:
    """The phone at the far end rings."""

    at_ms: int
    attempt_id: AttemptId


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The far end picked up."""

    at_ms: int
    attempt_id: AttemptId


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundBegan:
    """The person hears something from us: a prompt, or the dialplan's own message."""

    at_ms: int
    attempt_id: AttemptId


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRenewed:
    """The call may live until `until_ms`."""

    at_ms: int
    attempt_id: AttemptId
    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """The call was given to the admin's dialplan: what it hears and how long it lives is not ours any more."""

    at_ms: int
    attempt_id: AttemptId


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The call is off the wire. sip_code and cause as in `app.events.CallEnded`."""

    at_ms: int
    attempt_id: AttemptId
    sip_code: int | None
    cause: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfReach:
    """From now on the dialer can do nothing: the connection to Asterisk is gone."""

    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WithinReach:
    """The dialer can act again."""

    at_ms: int


# --- phones and rooms ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Hears:
    """From now on the person hears this."""

    at_ms: int
    attempt_id: AttemptId
    sound: Sound


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """The dialer asked for the end of the call; the wire follows in a moment."""

    at_ms: int
    attempt_id: AttemptId


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneRung:
    """A phone's call began. trunk_id and number: of a third party; otherwise the phone is behind `endpoint`."""

    at_ms: int
    leg_id: LegId
    endpoint: str
    trunk_id: TrunkId | None = None
    number: Number | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneTaken:
    """Somebody picked the phone up."""

    at_ms: int
    leg_id: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneGone:
    """The phone's call is off the wire."""

    at_ms: int
    leg_id: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """Somebody is in a room from now on: a person (attempt_id) or a phone (leg_id), one of the two."""

    at_ms: int
    room_id: RoomId
    attempt_id: AttemptId | None = None
    leg_id: LegId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited:
    """Somebody is in the room no more. Fields as in Entered."""

    at_ms: int
    room_id: RoomId
    attempt_id: AttemptId | None = None
    leg_id: LegId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """From now on what is said in the room is kept."""

    at_ms: int
    attempt_id: AttemptId
    room_id: RoomId
    name: str


# --- beside the wire: what agents do, and what the dialer says of them -----------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeBegan:
    """The dialer begins, perhaps after a life before this one: calls of that one are on their way to nobody."""

    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyBegan:
    """The agent asked to take calls."""

    at_ms: int
    session_id: SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyEnded:
    """The agent asked to take no more calls, now or after the one they are in."""

    at_ms: int
    session_id: SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class DialWished:
    """The agent wants a call: they accepted a preview (attempt_id), or dial by hand (number)."""

    at_ms: int
    agent_id: AgentId
    attempt_id: AttemptId | None = None
    number: Number | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingWished:
    """The agent of this room wants the conversation recorded, or no longer."""

    at_ms: int
    room_id: RoomId
    is_on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStepped:
    """The dialer says that an agent is in this state now; state None: they signed out."""

    at_ms: int
    agent_id: AgentId
    session_id: SessionId
    state: AgentState | None
    campaign_id: CampaignId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The attempt's outcome is on disk."""

    at_ms: int
    attempt_id: AttemptId


CallFact = Asked | Placed | Rang | Answered | SoundBegan | LeaseRenewed | HandedOver | Ended
FloorFact = Hears | TakenBack | PhoneRung | PhoneTaken | PhoneGone | Entered | Exited | Recorded
DeskFact = LifeBegan | DutyBegan | DutyEnded | DialWished | RecordingWished | AgentStepped | Settled
WireFact = CallFact | FloorFact | DeskFact | OutOfReach | WithinReach
Observer = Callable[[WireFact], None]
