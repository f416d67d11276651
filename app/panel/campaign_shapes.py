"""What goes in and out of the REST interface about campaigns and attempts; see app.panel.shapes."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, Field

from app.dialing.snapshot import CampaignPicture, Snapshot
from app.model import Campaign, RetryPolicy
from app.panel.problems import pattern
from app.panel.shapes import CallerId, Id, In, Name, Word, plain
from app.store.attempts import AttemptEntry, AttemptsPage
from app.store.campaigns import CampaignEntry
from app.store.progress import Progress
from app.units import CampaignId, FlowId, TrunkId

_LANGUAGE: Final = pattern(r"^[a-z]{2}(-[A-Z]{2})?$", "a language such as en, ru or en-GB")
_ATTEMPT: Final = pattern(r"^[a-z0-9]{8,40}$", "an attempt's id, as next_before of the page before gave it")


class RetryBody(In):
    """How often a contact is tried, and how long apart."""

    max_attempts: int = Field(default=3, ge=1, le=50, description="give up after")
    retry_ms: int = Field(default=14_400_000, ge=1_000, le=31_536_000_000, description="try again after")
    max_faults: int = Field(default=10, ge=1, le=50, description="tries lost to faults of trunk or dialer, not charged")
    fault_retry_ms: int = Field(default=60_000, ge=1_000, le=3_600_000)


class CampaignBody(In):
    """A broadcast campaign."""

    name: Name
    flow_id: Id
    trunks: list[Word] = Field(min_length=1, max_length=50, description="in order, overflow to the next")
    lists: list[Id] = Field(default_factory=list, max_length=100)
    lines: int = Field(default=2, ge=1, le=10_000, description="calls at once")
    calls_per_second: float = Field(default=1.0, ge=0.001, le=1_000, description="new calls per second")
    ring_timeout_ms: int = Field(default=25_000, ge=5_000, le=120_000, description="ring for")
    caller_id: CallerId = Field(default="", description="number shown")
    language: str = Field(default="en", pattern=_LANGUAGE, description="for contacts without one")
    retry: RetryBody = Field(default_factory=RetryBody)

    def campaign(self, campaign_id: int) -> Campaign:
        """As the dialer has it."""
        return Campaign(
            id=CampaignId(campaign_id),
            name=self.name,
            flow_id=FlowId(self.flow_id),
            trunks=tuple(TrunkId(trunk) for trunk in self.trunks),
            lines=self.lines,
            calls_per_second=self.calls_per_second,
            ring_timeout_ms=self.ring_timeout_ms,
            caller_id=self.caller_id,
            language=self.language,
            retry=RetryPolicy(**self.retry.model_dump()),
        )


class RequeueBody(In):
    """Who is to be called again."""

    status: Literal["dangling", "not connected", "retries completed", "invalid number", "connected"] = Field(
        default="dangling", description="of all contacts of the campaign with this status"
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
    """A campaign's calls now. waiting_for: why nothing is dialed; placed: calls since the dialer started."""

    ready: int = 0
    dialing: int = 0
    ringing: int = 0
    answered: int = 0
    placed: int = 0
    waiting_for: str = ""

    @classmethod
    def of(cls, picture: CampaignPicture | None) -> CallsAnswer:
        """What the dialer says; all zero for a campaign it does not run."""
        if picture is None:
            return cls()
        return cls.model_validate(picture, from_attributes=True)


class CampaignAnswer(BaseModel):
    """A campaign as it stands."""

    id: int
    name: str
    status: str
    flow_id: int
    trunks: list[str]
    lists: list[int]
    lines: int
    calls_per_second: float
    ring_timeout_ms: int
    caller_id: str
    language: str
    retry: RetryBody
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
            flow_id=plan.flow_id,
            trunks=list(plan.trunks),
            lists=list(entry.list_ids),
            lines=plan.lines,
            calls_per_second=plan.calls_per_second,
            ring_timeout_ms=plan.ring_timeout_ms,
            caller_id=plan.caller_id,
            language=plan.language,
            retry=RetryBody(**plain(plan.retry)),
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
    before: str | None = Field(default=None, pattern=_ATTEMPT, description="next_before of the page before")
    limit: int = Field(default=50, ge=1, le=1_000)


class AttemptAnswer(BaseModel):
    """One try to reach one contact. outcome: null while open. flow: keys, how far each prompt was heard, answers."""

    id: str
    campaign_id: int
    contact_id: int
    contact_name: str
    number: str
    trunk: str | None
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
            **{name: getattr(entry, name) for name in _ATTEMPT_FIELDS},
            **facts,
        )


_ATTEMPT_FIELDS = (
    "campaign_id", "contact_id", "contact_name", "number", "opened_at_ms", "closed_at_ms", "is_charged",
)  # fmt: skip


class AttemptsAnswer(BaseModel):
    """A page of attempts. next_before: ask for the next page with it; null on the last."""

    attempts: list[AttemptAnswer]
    next_before: str | None

    @classmethod
    def of(cls, page: AttemptsPage) -> AttemptsAnswer:
        """A page for the wire."""
        return cls(attempts=[AttemptAnswer.of(one) for one in page.attempts], next_before=page.next_before)
