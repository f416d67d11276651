"""The nouns: campaign, trunk, contact as the dialer sees it, attempt, prompt. Data without behaviour."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.agents import AgentPlan, CallbackPlan, Conversation, DialingMode
from app.calling_order import OrderPlan
from app.compliance.plan import CompliancePlan
from app.outcomes import ContactStatus, Outcome
from app.ownership import OwnershipPlan
from app.strategy.rows import CallStrategy, Phones, Try
from app.units import HOUR_MS, MINUTE_MS, AgentId, AttemptId, CampaignId, ContactId, FlowId, Number, TrunkId


class CampaignStatus(enum.Enum):
    """The life of a campaign: draft → running ⇄ paused → stopped or finished."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """Something a person hears: a text to be spoken, or the name of a sound.

    Exactly one of `text` and `sound` is set. Two equal prompts are one file.
    """

    text: str = ""
    sound: str = ""
    language: str = "en"

    def __post_init__(self) -> None:
        if bool(self.text) == bool(self.sound):
            raise ValueError("a prompt is either a text or a sound")


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio:
    """A rendered prompt: what Asterisk plays (`sound:/path/without/extension`) and how long it is."""

    media: str
    length_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberFormat:
    """How a trunk wants numbers: the `+` kept or not, a country code made a national prefix, a prefix before all.

    `+447700900123` with keep_plus=False is 447700900123; with country_code="44", national_prefix="0" it is 07700900123;
    prefix="9" puts 9 before the result.
    """

    keep_plus: bool = True
    country_code: str = ""
    national_prefix: str = ""
    prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """A way out: one PJSIP endpoint of the admin's Asterisk, with its limits and what it may be dialed for.

    lines: calls at once. calls_per_second: new calls. prefixes: the numbers it carries, as E.164 beginnings with their
    plus (`("+44", "+7916")`); empty carries none, so that a new trunk reaches nobody by mistake; `("+",)` carries all.
    """

    id: TrunkId
    endpoint: str
    lines: int = 2
    calls_per_second: float = 1.0
    prefixes: tuple[str, ...] = ()
    number_format: NumberFormat = field(default_factory=NumberFormat)
    caller_id: str = ""
    is_enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often one contact is tried, and how long apart.

    max_attempts: charged tries in all (1 = once). retry_ms: from the end of a charged try to the next.
    max_faults: uncharged tries (trunk or local faults) in all before the contact is given up as not connected.
    fault_retry_ms: from the first uncharged try to the next; doubled each time, up to an hour.
    """

    max_attempts: int = 3
    retry_ms: int = 4 * HOUR_MS
    max_faults: int = 10
    fault_retry_ms: int = MINUTE_MS


class CallerIdChoice(enum.Enum):
    """How the number that is shown is chosen."""

    FIXED = "fixed"
    """The campaign's, or the trunk's own."""
    LOCAL = "local"
    """Of the numbers the one whose area is nearest to the callee's; where none is near, the campaign's, or any."""
    ROTATION = "rotation"
    """All in turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerIdPlan:
    """Which of the admin's numbers a campaign shows. numbers: among these; empty: among all."""

    choice: CallerIdChoice = CallerIdChoice.FIXED
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedNumber:
    """A number that is the admin's to show, as it is sent: 3 to 15 digits, with a plus or not.

    trunks: over which it may be shown; empty: all. areas: beginnings of the numbers it is local to (`+44`, `+4420`).
    per_hour, per_day: calls in an hour of the clock, and in 24; 0: any. After rest_after calls it rests for rest_ms;
    0: it needs none. is_resting: taken out until the admin says otherwise.
    """

    number: str
    label: str = ""
    trunks: tuple[TrunkId, ...] = ()
    areas: tuple[str, ...] = ()
    per_hour: int = 0
    per_day: int = 0
    rest_after: int = 0
    rest_ms: int = 0
    is_resting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A campaign as the dialer runs it.

    lines: calls at once; calls_per_second: new calls; ring_timeout_ms: ring for; trunks: in order, with overflow.
    caller_id: the number shown (the trunk's own when empty), unless caller_ids chooses among several. mode: how it
    dials; agents: how it uses its agents.
    pause_at: after so many attempts in its life it pauses by itself ("the first 50, then pause"); 0: it does not.
    rehearses: the campaign whose test calls these are; such a one is kept out of lists and figures. 0: none.
    strategy: who is tried again when, in place of `retry`'s tries and delay; None: by these.
    compliance: the laws its calls come under. ownership: whose its contacts are. order: who of those due is next.
    """

    id: CampaignId
    name: str
    flow_id: FlowId
    trunks: tuple[TrunkId, ...]
    lines: int = 2
    calls_per_second: float = 1.0
    ring_timeout_ms: int = 25_000
    caller_id: str = ""
    caller_ids: CallerIdPlan = field(default_factory=CallerIdPlan)
    language: str = "en"
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    mode: DialingMode = DialingMode.BROADCAST
    agents: AgentPlan = field(default_factory=AgentPlan)
    pause_at: int = 0
    rehearses: int = 0
    strategy: CallStrategy | None = None
    compliance: CompliancePlan = field(default_factory=CompliancePlan)
    ownership: OwnershipPlan = field(default_factory=OwnershipPlan)
    order: OrderPlan = field(default_factory=OrderPlan)


@dataclass(frozen=True, slots=True, kw_only=True)
class PacingMemory:
    """What is known of a predictive campaign from before this process.

    learned: what its pacer wrote down (app.pacing.Pacer.as_json), {} where nothing. counted: the window, in pieces of
    time: (at_ms, people answered, people abandoned, calls taken for machines').
    """

    learned: Mapping[str, Any] = field(default_factory=dict)
    counted: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPast:
    """What pacing may learn from of a contact: earlier calls in any campaign, and what their phone is.

    tries: charged ones; answers: those of them that a person answered; last: how the latest ended. phone_kind: as the
    list says, empty where it does not.
    """

    tries: int = 0
    answers: int = 0
    last: Outcome | None = None
    phone_kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedAttempt:
    """An attempt that is on disk and may be dialed: the contact's facts as claimed.

    attempts, faults: charged and uncharged tries before this one. fields: the contact's columns, for the flow.
    agent_id: the only agent it is for (dialed by hand, a personal callback, an owned contact); None: anyone's.
    is_typed: the contact is no more than a number somebody typed. is_manual: an agent dialed it by hand.
    conversation: how far a life before this one had come with an agent.
    phones: all of the contact's; tries: what came of those before this one, in this campaign, oldest first.
    past: where it was asked for.
    allowed_until_ms: by law it may be dialed before then; None: nobody asked (a claim always does).
    """

    attempt_id: AttemptId
    campaign_id: CampaignId
    contact_id: ContactId
    number: Number
    language: str
    fields: Mapping[str, str]
    attempts: int = 0
    faults: int = 0
    agent_id: AgentId | None = None
    is_manual: bool = False
    is_typed: bool = False
    is_callback: bool = False
    conversation: Conversation | None = None
    phones: Phones = field(default_factory=Phones)
    tries: tuple[Try, ...] = ()
    past: ContactPast | None = None
    allowed_until_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFacts:
    """What the network told of one call. Times are None where it never came so far; `*_at_ms` since the epoch.

    caller_id: the number shown. sip_code: the final SIP response where there was one. cause: Q.850 (ITU-T Q.850
    §2.2.5), 0 where none was given.
    """

    trunk_id: TrunkId | None = None
    caller_id: str = ""
    placed_at_ms: int | None = None
    ringing_at_ms: int | None = None
    progress_at_ms: int | None = None
    answered_at_ms: int | None = None
    ended_at_ms: int | None = None
    sip_code: int | None = None
    cause: int | None = None
    cause_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactNext:
    """What becomes of the contact after an attempt: its status, and when it may be dialed again (None: no more).

    attempts, faults: its charged and uncharged tries from now on. callback: it was promised, and to be called then.
    phone: the place of the number that is called next, 1 to 5; None: as before. keeper: the agent who talked with them,
    whose they are from now on where they are nobody's; None: nobody. opens: the other campaign that is to call them.
    """

    status: ContactStatus
    due_at_ms: int | None = None
    attempts: int = 0
    faults: int = 0
    callback: CallbackPlan | None = None
    phone: int | None = None
    keeper: AgentId | None = None
    opens: CampaignId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptResult:
    """The end of an attempt, as it is written: outcome, whether it is charged, facts, the flow's results, what is next.

    flow: JSON-able: keys pressed, how far each prompt was heard, answers, recordings (see app.ivr.session.FlowResult).
    conversation: what talking with an agent left; None when no agent did. learns_hour: the campaign learns from it at
    which hour people answer.
    """

    attempt_id: AttemptId
    campaign_id: CampaignId
    contact_id: ContactId
    outcome: Outcome
    is_charged: bool
    facts: CallFacts
    next: ContactNext
    flow: Mapping[str, Any] = field(default_factory=dict)
    conversation: Conversation | None = None
    learns_hour: bool = False
