"""What goes in and out of the REST interface about campaigns and attempts; see app.panel.shapes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.agents import (
    DEFAULT_DISPOSITIONS,
    AgentPlan,
    Conversation,
    DialingMode,
    Disposition,
    DispositionEffect,
    PreviewDefault,
    RecordingPolicy,
)
from app.dialing.snapshot import CampaignPicture, Snapshot
from app.model import CallerIdChoice, CallerIdPlan, Campaign, RetryPolicy
from app.panel.compliance_shapes import STEERED_COMPLIANCE, ComplianceBody, SteerComplianceBody, steered
from app.panel.order_shapes import OrderBody, SteerOrderBody
from app.panel.ownership_shapes import OwnershipBody, SteerOwnershipBody
from app.panel.pacing_shapes import STEERED_PACING, PacingAnswer, PacingBody, SteerPacingBody
from app.panel.problems import pattern
from app.panel.shapes import TEXT, CallerId, Id, In, Name, ShortName, Word, left_out, plain
from app.store.attempts import AttemptEntry, AttemptsPage
from app.store.campaigns import CampaignEntry
from app.store.progress import Progress
from app.strategy.rows import CallStrategy
from app.units import CampaignId, FlowId, TrunkId

_LANGUAGE: Final = pattern(r"^[a-z]{2}(-[A-Z]{2})?$", "a language such as en, ru or en-GB")
_CODE: Final = pattern(r"^[a-z0-9][a-z0-9-]{0,39}$", "1 to 40 small letters, digits and hyphens")
_QUEUE: Final = pattern(r"^[A-Za-z0-9_.-]{0,64}$", "the name of a queue in queues.conf, or nothing")
_MODES = Literal["broadcast", "preview", "progressive", "predictive", "manual"]
_ATTEMPT: Final = pattern(r"^[a-z0-9]{8,40}$", "an attempt's id, as next_before of the page before gave it")


class RetryBody(In):
    """How often a contact is tried, and how long apart."""

    max_attempts: int = Field(default=3, ge=1, le=50, description="give up after")
    retry_ms: int = Field(default=14_400_000, ge=1_000, le=31_536_000_000, description="try again after")
    max_faults: int = Field(default=10, ge=1, le=50, description="tries lost to faults of trunk or dialer, not charged")
    fault_retry_ms: int = Field(default=60_000, ge=1_000, le=3_600_000)


class DispositionBody(In):
    """A result agents choose. effect: what it does to the contact; retry_ms: with retry; 0: the campaign's delay."""

    code: str = Field(pattern=_CODE)
    label: ShortName
    effect: Literal[
        "close",
        "hot lead",
        "another campaign",
        "retry",
        "callback",
        "do-not-call",
        "wrong number",
        "invalid number",
        "wrong person",
        "answering machine",
    ] = "close"
    retry_ms: int = Field(default=0, ge=0, le=31_536_000_000)
    is_success: bool = False
    opens: int = Field(
        default=0, ge=0, le=2**53, description="with another campaign: the id of the campaign that is to call them"
    )

    def disposition(self) -> Disposition:
        """As the dialer has it."""
        return Disposition(**self.model_dump(exclude={"effect"}), effect=DispositionEffect(self.effect))

    @classmethod
    def of(cls, found: Disposition) -> DispositionBody:
        """For the wire."""
        return cls.model_validate(plain(found) | {"effect": found.effect.value})


class AgentPlanBody(In):
    """How the campaign uses its agents."""

    lines_per_agent: int = Field(default=1, ge=1, le=10, description="progressive: calls placed for one agent")
    connect_within_ms: int = Field(
        default=2_000, ge=500, le=60_000, description="later counts as abandoned; at most 2,000 in the predictive mode"
    )
    hold_ms: int = Field(default=10_000, ge=0, le=600_000, description="music, then the safe-harbor message")
    safe_harbor: str = Field(default="", max_length=2_000, pattern=TEXT)
    wrap_up_ms: int = Field(default=30_000, ge=0, le=3_600_000)
    wrap_up_extension_ms: int = Field(default=30_000, ge=1_000, le=3_600_000)
    max_extensions: int = Field(default=10, ge=0, le=100)
    preview_ms: int = Field(default=30_000, ge=3_000, le=3_600_000)
    preview_default: Literal["skip", "pause"] = "skip"
    whispers_name: bool = Field(default=False, description="say the campaign's name to the agent first")
    recording: Literal["never", "on demand", "always"] = "never"
    consent_notice: str = Field(
        default="", max_length=2_000, pattern=TEXT, description="needed where anything is recorded"
    )
    dispositions: list[DispositionBody] = Field(
        default_factory=lambda: [DispositionBody.of(one) for one in DEFAULT_DISPOSITIONS], min_length=1, max_length=50
    )
    priority: int = Field(default=0, ge=-100, le=100, description="agents in several campaigns serve higher first")
    queue: str = Field(
        default="", pattern=_QUEUE,
        description="a queue of your Asterisk, instead of our agents; not in the predictive mode",
    )  # fmt: skip
    target_per_hour: int = Field(default=0, ge=0, le=1_000)
    script: str = Field(default="", max_length=20_000, pattern=TEXT)
    is_one_key: bool = False
    redials_typed: bool = Field(
        default=False, description="numbers typed by hand are tried again by the campaign itself"
    )
    pacing: PacingBody = Field(default_factory=PacingBody, description="of the predictive mode")

    def plan(self) -> AgentPlan:
        """As the dialer has it."""
        values = self.model_dump(exclude={"dispositions", "preview_default", "recording", "pacing"})
        return AgentPlan(
            **values,
            dispositions=tuple(one.disposition() for one in self.dispositions),
            preview_default=PreviewDefault(self.preview_default),
            recording=RecordingPolicy(self.recording),
            pacing=self.pacing.plan(),
        )

    @classmethod
    def of(cls, found: AgentPlan) -> AgentPlanBody:
        """For the wire."""
        told = plain(found) | {
            "dispositions": [DispositionBody.of(one) for one in found.dispositions],
            "preview_default": found.preview_default.value,
            "recording": found.recording.value,
            "pacing": PacingBody.of(found.pacing),
        }
        return cls.model_validate({name: told[name] for name in cls.model_fields})


class SteerBody(SteerPacingBody, SteerComplianceBody, SteerOwnershipBody, SteerOrderBody):
    """What to change of a campaign, running or not; what is left out stays. It counts from the next call."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    lines: int = Field(default=2, ge=1, le=10_000, json_schema_extra=left_out)
    calls_per_second: float = Field(default=1.0, ge=0.001, le=1_000, json_schema_extra=left_out)
    mode: _MODES = Field(default="progressive", json_schema_extra=left_out)
    lines_per_agent: int = Field(default=1, ge=1, le=10, json_schema_extra=left_out)
    priority: int = Field(default=0, ge=-100, le=100, json_schema_extra=left_out)

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("give something to change: " + ", ".join(type(self).model_fields))
        return self

    def steered(self, plan: Campaign) -> Campaign:
        """A campaign with these changes."""
        given = self.model_dump(exclude_unset=True)
        agents: dict[str, Any] = {name: given.pop(name) for name in ("lines_per_agent", "priority") if name in given}
        pacing = {name: given.pop(name) for name in STEERED_PACING if name in given}
        law = {name: given.pop(name) for name in STEERED_COMPLIANCE if name in given}
        if given.pop("ownership", None) is not None:
            given["ownership"] = self.ownership.plan()
        if given.pop("order", None) is not None:
            given["order"] = self.order.plan()
        if "mode" in given:
            given["mode"] = DialingMode(given["mode"])
        agents["pacing"] = replace(plan.agents.pacing, **pacing)
        compliance = steered(plan.compliance, law)
        return replace(plan, **given, agents=replace(plan.agents, **agents), compliance=compliance)


class CampaignAgentBody(In):
    """Somebody who may serve a campaign. skill: theirs there; left out: their own."""

    agent_id: Id
    skill: int | None = Field(default=None, ge=0, le=100)


class CampaignAgentsBody(In):
    """Who may serve a campaign; nobody named: everybody may."""

    agents: list[CampaignAgentBody] = Field(max_length=2_000)


class CallerIdPlanBody(In):
    """Which of your numbers a campaign shows, see /caller-ids."""

    choice: Literal["fixed", "local", "rotation"] = Field(
        default="fixed", description="caller_id; the one nearest to the callee; or all in turn"
    )
    numbers: list[CallerId] = Field(default_factory=list, max_length=1_000, description="among these; none: all")

    def plan(self) -> CallerIdPlan:
        """As the dialer has it."""
        return CallerIdPlan(choice=CallerIdChoice(self.choice), numbers=tuple(self.numbers))

    @classmethod
    def of(cls, plan: CallerIdPlan) -> CallerIdPlanBody:
        """A plan for the wire."""
        return cls.model_validate({"choice": plan.choice.value, "numbers": list(plan.numbers)})


class CampaignBody(In):
    """A campaign."""

    name: Name
    flow_id: int = Field(
        default=0, ge=0, le=2**53, description="what people hear; 0: the built-in flow of campaigns for agents"
    )
    mode: _MODES = "broadcast"
    trunks: list[Word] = Field(min_length=1, max_length=50, description="in order, overflow to the next")
    lists: list[Id] = Field(default_factory=list, max_length=100)
    lines: int = Field(default=2, ge=1, le=10_000, description="calls at once")
    calls_per_second: float = Field(default=1.0, ge=0.001, le=1_000, description="new calls per second")
    ring_timeout_ms: int = Field(default=25_000, ge=5_000, le=120_000, description="ring for")
    caller_id: CallerId = Field(default="", description="number shown: one of /caller-ids; empty: the trunk's own")
    caller_ids: CallerIdPlanBody = Field(default_factory=CallerIdPlanBody)
    language: str = Field(default="en", pattern=_LANGUAGE, description="for contacts without one")
    retry: RetryBody = Field(default_factory=RetryBody)
    strategy: str = Field(
        default="", max_length=64, description="a call strategy's name, in place of retry's tries and delay"
    )
    agents: AgentPlanBody = Field(default_factory=AgentPlanBody)
    compliance: ComplianceBody = Field(default_factory=ComplianceBody)
    ownership: OwnershipBody = Field(default_factory=OwnershipBody)
    order: OrderBody = Field(default_factory=OrderBody)

    def campaign(self, campaign_id: int, strategy: CallStrategy | None = None) -> Campaign:
        """As the dialer has it. strategy: the one of that name."""
        return Campaign(
            id=CampaignId(campaign_id),
            name=self.name,
            flow_id=FlowId(self.flow_id),
            trunks=tuple(TrunkId(trunk) for trunk in self.trunks),
            lines=self.lines,
            calls_per_second=self.calls_per_second,
            ring_timeout_ms=self.ring_timeout_ms,
            caller_id=self.caller_id,
            caller_ids=self.caller_ids.plan(),
            language=self.language,
            retry=RetryPolicy(**self.retry.model_dump()),
            mode=DialingMode(self.mode),
            agents=self.agents.plan(),
            strategy=strategy,
            compliance=self.compliance.plan(),
            ownership=self.ownership.plan(),
            order=self.order.plan(),
        )


class StartQuery(In):
    """How a campaign is started."""

    first: int = Field(default=0, ge=0, le=1_000_000, description="pause by itself after so many calls; 0: go on")


class RequeueBody(In):
    """Who is to be called again."""

    status: Literal["dangling", "not connected", "retries completed", "invalid number", "connected", "not allowed"] = (
        Field(default="dangling", description="of all contacts of the campaign with this status")
    )
    contact: Id | None = Field(default=None, description="only this contact, whatever its status of these")


class RequeueAnswer(BaseModel):
    """returned: contacts that wait to be called again."""

    returned: int


class ProgressAnswer(BaseModel):
    """A campaign's counts. outcomes: attempts by outcome; statuses: contacts by status."""

    total: int
    settled: int
    attempts: int
    statuses: dict[str, int]
    outcomes: dict[str, int]

    @classmethod
    def of(cls, counts: Progress) -> ProgressAnswer:
        """Counts for the wire."""
        return cls(
            total=counts.total,
            settled=counts.settled,
            attempts=counts.attempts,
            statuses={status.value: count for status, count in counts.statuses.items()},
            outcomes={outcome.label: count for outcome, count in counts.outcomes.items()},
        )


class CallsAnswer(BaseModel):
    """A campaign's calls now. waiting_for: why nothing is dialed; placed: calls since the dialer started.

    with_agents: people who talk with an agent; seeking: who wait for one. agents, available: who serve it, who are
    free. pacing: of a predictive campaign the dialer has; null for any other.
    """

    ready: int = 0
    dialing: int = 0
    ringing: int = 0
    answered: int = 0
    with_agents: int = 0
    seeking: int = 0
    agents: int = 0
    available: int = 0
    placed: int = 0
    waiting_for: str = ""
    pacing: PacingAnswer | None = None

    @classmethod
    def of(cls, picture: CampaignPicture | None) -> CallsAnswer:
        """What the dialer says; all zero for a campaign it does not run."""
        if picture is None:
            return cls()
        pacing = None if picture.pacing is None else PacingAnswer.of(picture.pacing)
        told = {name: getattr(picture, name) for name in cls.model_fields if name != "pacing"}
        return cls(**told, pacing=pacing)


class CampaignAnswer(BaseModel):
    """A campaign as it stands."""

    id: int
    name: str
    status: str
    mode: str
    flow_id: int
    trunks: list[str]
    lists: list[int]
    lines: int
    calls_per_second: float
    ring_timeout_ms: int
    caller_id: str
    caller_ids: CallerIdPlanBody
    language: str
    retry: RetryBody
    strategy: str
    agents: AgentPlanBody
    compliance: ComplianceBody
    ownership: OwnershipBody
    order: OrderBody
    progress: ProgressAnswer
    calls: CallsAnswer
    created_at_ms: int
    started_at_ms: int | None
    ended_at_ms: int | None

    @classmethod
    def of(cls, entry: CampaignEntry, snapshot: Snapshot) -> CampaignAnswer:
        """A campaign with its counts and its calls."""
        plan = entry.campaign
        picture = next((one for one in snapshot.campaigns if one.id == plan.id), None)
        return cls(
            id=plan.id,
            name=plan.name,
            status=entry.status.value,
            mode=plan.mode.value,
            flow_id=plan.flow_id,
            trunks=list(plan.trunks),
            lists=list(entry.list_ids),
            lines=plan.lines,
            calls_per_second=plan.calls_per_second,
            ring_timeout_ms=plan.ring_timeout_ms,
            caller_id=plan.caller_id,
            caller_ids=CallerIdPlanBody.of(plan.caller_ids),
            language=plan.language,
            retry=RetryBody(**plain(plan.retry)),
            strategy="" if plan.strategy is None else plan.strategy.name,
            agents=AgentPlanBody.of(plan.agents),
            compliance=ComplianceBody.of(plan.compliance),
            ownership=OwnershipBody.of(plan.ownership),
            order=OrderBody.of(plan.order),
            progress=ProgressAnswer.of(entry.progress),
            calls=CallsAnswer.of(picture),
            created_at_ms=entry.created_at_ms,
            started_at_ms=entry.started_at_ms,
            ended_at_ms=entry.ended_at_ms,
        )


# --- attempts --------------------------------------------------------------------------------------------------------


class AttemptsQuery(In):
    """Which attempts, newest first."""

    campaign: Id | None = None
    contact: Id | None = None
    agent: Id | None = None
    disposition: str | None = Field(default=None, max_length=40)
    before: str | None = Field(default=None, pattern=_ATTEMPT, description="next_before of the page before")
    limit: int = Field(default=50, ge=1, le=1_000)


class ConversationAnswer(BaseModel):
    """What talking with an agent left. waited_ms: from the answer to the agent. recordings: see /recordings."""

    connected_at_ms: int
    waited_ms: int
    talk_ms: int
    hold_ms: int
    wrap_up_ms: int
    disposition: str
    note: str
    queue_member: str
    recordings: list[str]
    transfers: list[str]

    @classmethod
    def of(cls, found: Conversation) -> ConversationAnswer:
        """For the wire."""
        told = plain(found) | {"recordings": list(found.recordings), "transfers": list(found.transfers)}
        return cls.model_validate({name: told[name] for name in cls.model_fields})


class AttemptAnswer(BaseModel):
    """One try to reach one contact. outcome: null while open. flow: keys, how far each prompt was heard, answers."""

    id: str
    campaign_id: int
    contact_id: int
    contact_name: str
    number: str
    trunk: str | None
    caller_id: str = Field(description="the number shown")
    opened_at_ms: int
    placed_at_ms: int | None
    ringing_at_ms: int | None
    answered_at_ms: int | None
    ended_at_ms: int | None
    closed_at_ms: int | None
    outcome: int | None
    outcome_label: str | None
    is_charged: bool | None
    sip_code: int | None
    cause: int | None
    cause_text: str
    flow: dict[str, Any]
    agent_id: int | None
    agent: str
    is_manual: bool
    conversation: ConversationAnswer | None

    @classmethod
    def of(cls, entry: AttemptEntry) -> AttemptAnswer:
        """An attempt for the wire."""
        facts = plain(entry.facts)
        trunk = facts.pop("trunk_id")
        facts.pop("progress_at_ms")
        return cls(
            id=entry.attempt_id,
            trunk=trunk,
            outcome=None if entry.outcome is None else int(entry.outcome),
            outcome_label=None if entry.outcome is None else entry.outcome.label,
            flow=dict(entry.flow),
            agent=entry.agent_name,
            conversation=None if entry.conversation is None else ConversationAnswer.of(entry.conversation),
            **{name: getattr(entry, name) for name in _ATTEMPT_FIELDS},
            **facts,
        )


_ATTEMPT_FIELDS = (
    "campaign_id", "contact_id", "contact_name", "number", "opened_at_ms", "closed_at_ms", "is_charged", "agent_id",
    "is_manual",
)  # fmt: skip


class AttemptsAnswer(BaseModel):
    """A page of attempts. next_before: ask for the next page with it; null on the last."""

    attempts: list[AttemptAnswer]
    next_before: str | None

    @classmethod
    def of(cls, page: AttemptsPage) -> AttemptsAnswer:
        """A page for the wire."""
        return cls(attempts=[AttemptAnswer.of(one) for one in page.attempts], next_before=page.next_before)
