"""What goes in and out of the REST interface, as pydantic models: checked on the way in, documented in OpenAPI."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.dialing.snapshot import CampaignPicture, Snapshot
from app.ivr.flow import Flow
from app.model import Campaign, NumberFormat, RetryPolicy, Trunk
from app.store.attempts import AttemptEntry, AttemptsPage
from app.store.campaigns import CampaignEntry
from app.store.dnc import DncEntry
from app.store.flows import FlowVersion
from app.store.lists import Contact, ContactList
from app.store.people import ApiKey, User
from app.store.progress import Progress
from app.units import CampaignId, FlowId, TrunkId

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=128, pattern=r"^[^\x00-\x1f]+$")
]
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Id = Annotated[int, Field(ge=1, le=2**53)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


# --- trunks ----------------------------------------------------------------------------------------------------------


class NumberFormatBody(_In):
    """How the trunk wants numbers; see docs/trunks.md."""

    keep_plus: bool = Field(default=True, description="send the + of E.164")
    country_code: str = Field(default="", pattern=r"^[0-9]{0,4}$", description="turned into the national prefix")
    national_prefix: str = Field(default="", pattern=r"^[0-9]{0,4}$", description="put in the country code's place")
    prefix: str = Field(default="", pattern=r"^[0-9]{0,8}$", description="put before everything")


class TrunkBody(_In):
    """A way out: one PJSIP endpoint of your Asterisk."""

    endpoint: Word = Field(description="the endpoint's section name in pjsip.conf")
    lines: int = Field(default=2, ge=1, le=10_000, description="calls at once")
    calls_per_second: float = Field(default=1.0, ge=0.001, le=1_000, description="new calls per second")
    prefixes: list[Annotated[str, StringConstraints(pattern=r"^\+[0-9]{0,14}$")]] = Field(
        default_factory=list, max_length=500, description="numbers it carries, as in +44; + alone: all; none: none"
    )
    number_format: NumberFormatBody = Field(default_factory=NumberFormatBody)
    caller_id: str = Field(
        default="", pattern=r"^(\+?[0-9]{3,15})?$", description="number shown, unless the campaign has one"
    )
    is_enabled: bool = True

    def trunk(self, trunk_id: str) -> Trunk:
        """As the dialer has it."""
        values = self.model_dump(exclude={"number_format", "prefixes"})
        number_format = NumberFormat(**self.number_format.model_dump())
        return Trunk(id=TrunkId(trunk_id), number_format=number_format, prefixes=tuple(self.prefixes), **values)


class TrunkAnswer(TrunkBody):
    """A trunk as it stands. state: in service, out of service, on trial; empty while the dialer does not know it."""

    id: str
    state: str = ""
    lines_used: int = 0
    reason: str = Field(default="", description="why it is out of service")

    @classmethod
    def of(cls, trunk: Trunk, snapshot: Snapshot) -> TrunkAnswer:
        """A trunk with what the dialer knows of it."""
        picture = next((one for one in snapshot.trunks if one.id == trunk.id), None)
        live: dict[str, Any] = {}
        if picture is not None:
            live = {"state": picture.state.value, "lines_used": picture.lines_used, "reason": picture.reason}
        form = trunk.number_format
        return cls(
            id=trunk.id,
            endpoint=trunk.endpoint,
            lines=trunk.lines,
            calls_per_second=trunk.calls_per_second,
            prefixes=list(trunk.prefixes),
            number_format=NumberFormatBody(
                keep_plus=form.keep_plus,
                country_code=form.country_code,
                national_prefix=form.national_prefix,
                prefix=form.prefix,
            ),
            caller_id=trunk.caller_id,
            is_enabled=trunk.is_enabled,
            **live,
        )


# --- lists and contacts ----------------------------------------------------------------------------------------------


class ListBody(_In):
    """A new, empty list."""

    name: Name
    country: str = Field(pattern=r"^[A-Z]{2}$", description="ISO 3166: how numbers without a country code are read")


class ListAnswer(BaseModel):
    """A contact list."""

    id: int
    name: str
    country: str
    columns: list[str]
    contacts: int
    created_at_ms: int

    @classmethod
    def of(cls, found: ContactList) -> ListAnswer:
        """A list for the wire."""
        return cls.model_validate(found, from_attributes=True)


class ContactAnswer(BaseModel):
    """A contact of a list."""

    id: int
    list_id: int
    name: str
    phones: list[str]
    language: str
    time_zone: str
    fields: dict[str, str]

    @classmethod
    def of(cls, found: Contact) -> ContactAnswer:
        """A contact for the wire."""
        return cls.model_validate(found, from_attributes=True)


class ImportQuery(_In):
    """How an uploaded file is read."""

    mode: Literal["skip", "update"] = Field(default="skip", description="contacts that are there already")
    key: str = Field(default="", max_length=128, description="column that makes a contact the same one again")
    encoding: str = Field(default="", max_length=32)
    sheet: str = Field(default="", max_length=128)


class ImportAnswer(BaseModel):
    """What came of an import: rows = imported + duplicates + rejected."""

    model_config = ConfigDict(extra="allow")

    imported: int
    duplicates: int
    rejected: int


# --- flows -----------------------------------------------------------------------------------------------------------


class FlowBody(_In):
    """A flow, as YAML or JSON text."""

    name: Name
    source: str = Field(max_length=262_144)


class FlowAnswer(BaseModel):
    """One version of a flow."""

    id: int
    name: str
    version: int
    source: str
    created_at_ms: int
    warnings: list[str] = Field(default_factory=list)

    @classmethod
    def of(cls, version: FlowVersion, flow: Flow | None = None) -> FlowAnswer:
        """A version for the wire, with the remarks of its check."""
        warnings = [] if flow is None else [str(warning) for warning in flow.warnings]
        return cls.model_validate({**_plain(version), "warnings": warnings})


# --- campaigns -------------------------------------------------------------------------------------------------------


class RetryBody(_In):
    """How often a contact is tried, and how long apart."""

    max_attempts: int = Field(default=3, ge=1, le=50, description="give up after")
    retry_ms: int = Field(default=14_400_000, ge=1_000, le=31_536_000_000, description="try again after")
    max_faults: int = Field(default=10, ge=1, le=50, description="tries lost to faults of trunk or dialer, not charged")
    fault_retry_ms: int = Field(default=60_000, ge=1_000, le=3_600_000)


class CampaignBody(_In):
    """A broadcast campaign."""

    name: Name
    flow_id: Id
    trunks: list[Word] = Field(min_length=1, max_length=50, description="in order, overflow to the next")
    lists: list[Id] = Field(default_factory=list, max_length=100)
    lines: int = Field(default=2, ge=1, le=10_000, description="calls at once")
    calls_per_second: float = Field(default=1.0, ge=0.001, le=1_000, description="new calls per second")
    ring_timeout_ms: int = Field(default=25_000, ge=5_000, le=120_000, description="ring for")
    caller_id: str = Field(default="", pattern=r"^(\+?[0-9]{3,15})?$", description="number shown")
    language: str = Field(default="en", pattern=r"^[a-z]{2}(-[A-Z]{2})?$", description="for contacts without one")
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
            retry=RetryBody(**_plain(plan.retry)),
            progress=ProgressAnswer.of(entry.progress),
            calls=CallsAnswer.of(picture),
            created_at_ms=entry.created_at_ms,
            started_at_ms=entry.started_at_ms,
            ended_at_ms=entry.ended_at_ms,
        )


# --- attempts --------------------------------------------------------------------------------------------------------


class AttemptsQuery(_In):
    """Which attempts, newest first."""

    campaign: Id | None = None
    contact: Id | None = None
    before: str | None = Field(default=None, pattern=r"^[a-z0-9]{8,40}$", description="next_before of the page before")
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
        facts = _plain(entry.facts)
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


# --- do-not-call -----------------------------------------------------------------------------------------------------


class DncBody(_In):
    """A number nobody is to call."""

    number: str = Field(max_length=64, description="E.164 with plus, or as people write it with `country`")
    country: str = Field(default="", pattern=r"^([A-Z]{2})?$")


class DncAnswer(BaseModel):
    """An entry of the do-not-call list."""

    number: str
    source: str
    attempt_id: str | None = None
    created_at_ms: int

    @classmethod
    def of(cls, entry: DncEntry) -> DncAnswer:
        """An entry for the wire."""
        return cls.model_validate(entry, from_attributes=True)


class DncQuery(_In):
    """Which entries, in the order of their numbers."""

    after: str = Field(default="", max_length=16)
    limit: int = Field(default=50, ge=1, le=1_000)


# --- people ----------------------------------------------------------------------------------------------------------


class UserBody(_In):
    """A person who may sign in."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
    password: str = Field(min_length=8, max_length=200)
    role: Literal["admin", "supervisor", "agent"] = "agent"


class UserAnswer(BaseModel):
    """A person, without the password."""

    id: int
    name: str
    role: str
    is_disabled: bool
    created_at_ms: int

    @classmethod
    def of(cls, user: User) -> UserAnswer:
        """A person for the wire."""
        return cls(
            id=user.id,
            name=user.name,
            role=user.role.value,
            is_disabled=user.is_disabled,
            created_at_ms=user.created_at_ms,
        )


class KeyBody(_In):
    """A new API key of your own."""

    name: Name


class KeyAnswer(BaseModel):
    """An API key. key: only in the answer that made it."""

    id: int
    name: str
    created_at_ms: int
    revoked_at_ms: int | None
    key: str | None = None

    @classmethod
    def of(cls, found: ApiKey, key: str | None = None) -> KeyAnswer:
        """A key for the wire."""
        return cls(
            id=found.id, name=found.name, created_at_ms=found.created_at_ms, revoked_at_ms=found.revoked_at_ms, key=key
        )


class PageQuery(_In):
    """Which page."""

    after: int = Field(default=0, ge=0, le=2**53)
    limit: int = Field(default=50, ge=1, le=1_000)


def _plain(record: Any) -> dict[str, Any]:
    """A frozen record's fields by name."""
    return {name: getattr(record, name) for name in record.__dataclass_fields__}
