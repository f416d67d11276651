"""The nouns of the floor: agents, their phones and states, the campaign's plan for them, what a conversation leaves."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from app.pacing.language import Guard
from app.units import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    SECOND_MS,
    AgentId,
    AttemptId,
    CampaignId,
    ContactId,
    LegId,
    RoomId,
    SessionId,
)


class DialingMode(enum.Enum):
    """How a campaign dials."""

    BROADCAST = "broadcast"
    """No agents: the flow is all there is (it may still send people to the campaign's agents)."""
    PREVIEW = "preview"
    """The agent sees the card first; the call starts when they accept."""
    PROGRESSIVE = "progressive"
    """An agent is reserved first, then a call (or a few) is placed for them."""
    PREDICTIVE = "predictive"
    """Calls are placed ahead of agents coming free, as many as the abandonment target allows (app.pacing)."""
    MANUAL = "manual"
    """Nothing is dialed by itself: agents dial from a card or a typed number."""


class AgentState(enum.Enum):
    """What an agent is doing. The table of steps is in app.dialing.agent."""

    SIGNED_OUT = "signed out"
    AVAILABLE = "available"
    RESERVED = "reserved"
    """A card is before them (preview), or contacts are being taken from the list for them."""
    RINGING = "ringing"
    """A call for them is on its way: the contact's phone rings, or their own."""
    TALKING = "talking"
    ON_HOLD = "on hold"
    """The person hears music."""
    WRAP_UP = "wrap-up"
    PAUSED = "paused"


class PhoneMode(enum.Enum):
    """How an agent's phone takes part."""

    NAILED_UP = "nailed up"
    """Called once at sign-in, and connected between calls."""
    PER_CALL = "per call"
    """Rung for each person."""


class SpyMode(enum.Enum):
    """How a supervisor takes part in an agent's call."""

    LISTEN = "listen"
    WHISPER = "whisper"
    """The agent alone hears the supervisor."""
    BARGE = "barge"
    """Everybody hears everybody."""


class RecordingPolicy(enum.Enum):
    """When conversations are recorded."""

    NEVER = "never"
    ON_DEMAND = "on demand"
    ALWAYS = "always"


class DispositionEffect(enum.Enum):
    """What a disposition does to the contact."""

    CLOSE = "close"
    HOT_LEAD = "hot lead"
    """Closed, and somebody else goes on with it: webhooks are told at once."""
    OTHER_CAMPAIGN = "another campaign"
    """Closed here, and waiting in the line of another campaign."""
    RETRY = "retry"
    CALLBACK = "callback"
    DO_NOT_CALL = "do-not-call"
    WRONG_NUMBER = "wrong number"
    INVALID_NUMBER = "invalid number"
    """Not called on it again, and somebody is to find out the right one: a fix-it task (app.store.fixing)."""
    WRONG_PERSON = "wrong person"
    ANSWERING_MACHINE = "answering machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Disposition:
    """What an agent records of a conversation. code: kept with the attempt; label: for people; both never empty.

    retry_ms: with RETRY, from the end of the attempt to the next; 0: the campaign's own delay.
    opens: with OTHER_CAMPAIGN, which; 0: none.
    """

    code: str
    label: str
    effect: DispositionEffect = DispositionEffect.CLOSE
    retry_ms: int = 0
    is_success: bool = False
    opens: int = 0


NOT_SET: Final = "not-set"
"""The code of a conversation whose wrap-up ran out without a disposition."""

DEFAULT_DISPOSITIONS: Final = (
    Disposition(code="success", label="Success", is_success=True),
    Disposition(code="not-interested", label="Not interested"),
    Disposition(code="callback", label="Call back", effect=DispositionEffect.CALLBACK),
    Disposition(code="no-decision", label="No decision yet", effect=DispositionEffect.RETRY),
    Disposition(code="answering-machine", label="Answering machine", effect=DispositionEffect.ANSWERING_MACHINE),
    Disposition(code="wrong-person", label="Wrong person", effect=DispositionEffect.WRONG_PERSON),
    Disposition(code="wrong-number", label="Wrong number", effect=DispositionEffect.WRONG_NUMBER),
    Disposition(code="do-not-call", label="Do not call again", effect=DispositionEffect.DO_NOT_CALL),
    Disposition(code="other", label="Other"),
)
"""What a new campaign begins with; the panel shows the first nine on the keys 1 to 9."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseReason:
    """Why an agent takes no calls. limit_ms: how long it may last before the wallboard says so; 0: no limit."""

    code: str
    label: str
    is_paid: bool = True
    limit_ms: int = 0


class PreviewDefault(enum.Enum):
    """What becomes of a preview nobody answered in time. It never becomes a call."""

    SKIP = "skip"
    """Outcome 33, tried again later; the agent gets the next card."""
    PAUSE = "pause"
    """Outcome 33, and the agent is paused: they seem to be away."""


class PacingSignal(enum.Enum):
    """Something single calls and agents tell about themselves, that the predictive mode may learn from."""

    LINE = "line"
    """Ringing, early media or silence before an answer."""
    PHONE = "phone"
    """The kind of phone: mobile, fixed line, …"""
    TRUNK = "trunk"
    HOUR = "hour"
    """Of the day, by the kind of phone; off by default: what the hour does to a whole list is learned anyway."""
    HISTORY = "history"
    """The contact's own: how often it was tried, whether a person ever answered, what came of it last."""
    SCRIPT = "script"
    """The step of the script the agent has reached."""
    RESULT = "result"
    """That the agent has opened or set the result."""
    LENGTHS = "lengths"
    """Each agent's own talks and wrap-ups, against everybody's."""
    CLOSING = "closing"
    """The agent pressed the key that says: nearly done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PacingPlan:
    """How far ahead of its agents a predictive campaign may dial; see app.pacing.PacingPolicy.

    abandonment_target: people abandoned of people who answered, 0 to 0.03; window_ms: over what stretch that is counted
    (a day by UK practice, thirty in 47 CFR 64.1200(a)(7)). guard: how sure it must be never to pass the target.
    fixed_ratio: calls for each idle agent, whatever comes of them; 0: learned from what happens.
    min_ring_ms: calls that have rung this long may be taken back when too many are in flight; 0: none ever is.
    calls_per_agent: calls in flight for each signed-in agent, at most.
    cool_down_ms: who was abandoned is not called again before that.
    machine_error: of the calls that a flow's detection takes for machines, 0 to 0.2, how many are people after all:
    they count as abandoned (a reasoned estimate, as UK practice asks for). signals: what it learns from besides.
    """

    abandonment_target: float = 0.01
    window_ms: int = DAY_MS
    guard: Guard = Guard.STRICT
    fixed_ratio: float = 0.0
    min_ring_ms: int = 15 * SECOND_MS
    calls_per_agent: float = 10.0
    cool_down_ms: int = 3 * DAY_MS
    machine_error: float = 0.01
    signals: tuple[PacingSignal, ...] = tuple(one for one in PacingSignal if one is not PacingSignal.HOUR)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPlan:
    """How a campaign uses its agents.

    lines_per_agent: calls placed for one reserved agent (progressive). connect_within_ms: a person not with an agent
    by then counts as abandoned (47 CFR 64.1200(a)(7): 2 s). hold_ms: how long such a person hears music before the
    safe-harbor message; safe_harbor: its text, `{seller}` and the contact's fields may stand in it.
    wrap_up_ms: time after a call; extended by wrap_up_extension_ms up to max_extensions times.
    preview_ms: time to answer a preview. whispers_name: the campaign's name is said to the agent before each person.
    priority: which campaign an agent in several serves first (higher first).
    queue: the name of one of the admin's own app_queue queues that takes the people instead of our agents; "" for ours.
    target_per_hour: people an agent is to talk with in an hour signed in, beside the figure on the wallboard; 0: none.
    script: what the agent may say, in steps: a line that begins with `# ` names the next step; `{name}` stands for the
    contact's field; empty: the desk shows the card instead. is_one_key: at the desk, a disposition's key also ends the
    call, saves and makes available. redials_typed: numbers typed by hand are tried again by the campaign itself.
    """

    lines_per_agent: int = 1
    connect_within_ms: int = 2 * SECOND_MS
    hold_ms: int = 10 * SECOND_MS
    safe_harbor: str = ""
    wrap_up_ms: int = 30 * SECOND_MS
    wrap_up_extension_ms: int = 30 * SECOND_MS
    max_extensions: int = 10
    preview_ms: int = 30 * SECOND_MS
    preview_default: PreviewDefault = PreviewDefault.SKIP
    whispers_name: bool = False
    recording: RecordingPolicy = RecordingPolicy.NEVER
    consent_notice: str = ""
    dispositions: tuple[Disposition, ...] = DEFAULT_DISPOSITIONS
    priority: int = 0
    queue: str = ""
    target_per_hour: int = 0
    script: str = ""
    is_one_key: bool = False
    redials_typed: bool = False
    pacing: PacingPlan = field(default_factory=PacingPlan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A signed-in agent: who, on which phone, in which campaigns. It does not change while the session lasts.

    endpoint: the phone's PJSIP endpoint. skill: higher is served first where a campaign routes by skill.
    """

    agent_id: AgentId
    session_id: SessionId
    name: str
    endpoint: str
    phone_mode: PhoneMode = PhoneMode.NAILED_UP
    skill: int = 0
    has_auto_answer: bool = True
    language: str = "en"

    @property
    def room_id(self) -> RoomId:
        """The bridge that is the agent's for the length of the session."""
        return RoomId(f"{self.session_id}-room")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStint:
    """A stretch of time in one state: what reports are folded from. until_ms None: it goes on."""

    agent_id: AgentId
    session_id: SessionId
    state: AgentState
    from_ms: int
    until_ms: int | None = None
    reason: str = ""
    is_paid: bool = True
    campaign_id: CampaignId | None = None
    attempt_id: AttemptId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What talking with an agent left, as it is written with the attempt. waited_ms: from the answer to the bridge.
    recording: of recordings the one that runs, while they talk.

    agent_id None: a member of a queue of the PBX's own, queue_member, of whom we know no more.
    disposition: a code of the campaign's, or NOT_SET. transfers: what became of the call on the way, in words.
    """

    agent_id: AgentId | None
    session_id: SessionId
    connected_at_ms: int
    waited_ms: int
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_up_ms: int = 0
    disposition: str = NOT_SET
    note: str = ""
    recordings: tuple[str, ...] = ()
    transfers: tuple[str, ...] = ()
    queue_member: str = ""
    recording: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackPlan:
    """When to call again, and who: agent_id None is anyone. Missed by until_ms, a personal one is anyone's."""

    at_ms: int
    agent_id: AgentId | None = None
    until_ms: int = 0


CALLBACK_WINDOW_MS: Final = 30 * MINUTE_MS
"""How long a personal callback waits for its own agent."""
PHONE_LEASE_MS: Final = HOUR_MS
"""How long an agent's phone stays connected without the dialer."""
TALK_LEASE_MS: Final = 4 * HOUR_MS
"""How long a conversation may last without the dialer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The person before the agent: what the desk shows.

    is_preview: shown before any call. answered_at_ms, connected_at_ms, ended_at_ms: None where not yet.
    keys: pressed in the flow before. mode: how the call came about.
    """

    attempt_id: AttemptId
    campaign_id: CampaignId
    contact_id: ContactId
    number: str
    fields: Mapping[str, str]
    language: str
    mode: DialingMode
    is_preview: bool = False
    is_callback: bool = False
    keys: str = ""
    answered_at_ms: int | None = None
    connected_at_ms: int | None = None
    ended_at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePhone:
    """A phone's channel of ours, found alive when we came back. room_id: the room it is in, if any."""

    leg_id: LegId
    is_up: bool
    room_id: RoomId | None = None
