"""Do-not-call, projects and the numbers shown, as REST takes and gives them."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.model import OwnedNumber
from app.panel.problems import pattern
from app.panel.shapes import LINE, CountryOrNone, Id, In, Line, Name, Word
from app.store.caller_ids import CallerIdEntry
from app.store.dnc import DncEntry
from app.store.national import DEFAULT_AGE_DAYS, Honoured, NationalList
from app.store.projects import Project
from app.units import DAY_MS, TrunkId

_AFTER: Final = pattern(
    r"^(\+[0-9]{0,15}\*?(:[0-9]{1,18}:[0-9]{1,18})?)?$", "a number with its plus, or the cursor of an entry"
)
_BEGINNING: Final = pattern(r"^(\+[0-9]{0,15})?$", "the beginning of a number with its plus, as in +4420")
_AREA: Final = pattern(r"^\+[0-9]{1,15}$", "the beginning of a number with its plus, as in +4420")
Words = Annotated[str, StringConstraints(max_length=500)]

# --- do-not-call -----------------------------------------------------------------------------------------------------


class DncBody(In):
    """Whom nobody is to call: a number, a beginning of numbers, or a contact with all of their phones."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": ["number"], "properties": {"number": {"minLength": 1}}},
                {"required": ["contact"], "properties": {"contact": {"type": "integer"}}},
            ],
            "not": {
                "required": ["project", "campaign"],
                "properties": {"project": {"type": "integer"}, "campaign": {"type": "integer"}},
            },
        }
    )
    number: str = Field(
        default="",
        max_length=64,
        description="E.164 with plus, `+4470*` for all that begin so, or as people write it with `country`",
    )
    country: CountryOrNone = ""
    contact: Id | None = Field(default=None, description="this contact, on all phones they have or will have")
    project: Id | None = Field(default=None, description="only for the campaigns of this project")
    campaign: Id | None = Field(default=None, description="only for this campaign")
    source: Literal["api", "sms", "agent", "import"] = "api"
    why: Line = Field(default="", description="in your words; kept with the entry")

    @model_validator(mode="after")
    def _of_somebody(self) -> Self:
        if not self.number and self.contact is None:
            raise ValueError("give a number or a contact")
        if self.project is not None and self.campaign is not None:
            raise ValueError("give a project or a campaign, not both")
        return self


class DncAnswer(BaseModel):
    """An entry of the do-not-call list. project, campaign: whom it is for, null: all. contact: barred as theirs."""

    number: str
    source: str
    attempt_id: str | None = None
    created_at_ms: int
    project: int | None = None
    campaign: int | None = None
    contact: int | None = None
    who: str = ""
    why: str = ""
    numbers: list[str] = Field(default_factory=list, description="when added: the person's other phones")
    cursor: str = Field(default="", description="`after` for the page that follows this entry")

    @classmethod
    def of(cls, entry: DncEntry, cursor: str = "") -> DncAnswer:
        """An entry for the wire."""
        return cls(
            number=entry.number,
            source=entry.source,
            attempt_id=entry.attempt_id,
            created_at_ms=entry.created_at_ms,
            project=entry.project_id,
            campaign=entry.campaign_id,
            contact=entry.contact_id,
            who=entry.who,
            why=entry.why,
            cursor=cursor,
        )


class DncQuery(In):
    """Which entries, in the order of their numbers."""

    after: str = Field(default="", max_length=64, pattern=_AFTER)
    beginning: str = Field(default="", pattern=_BEGINNING, description="only numbers that begin so")
    project: Id | None = None
    campaign: Id | None = None
    limit: int = Field(default=50, ge=1, le=1_000)


class DncCheckQuery(In):
    """Whether a number may be called."""

    number: str = Field(max_length=64)
    country: CountryOrNone = ""
    campaign: Id | None = Field(default=None, description="by this campaign, with its project's and national lists")


class DncCheckAnswer(BaseModel):
    """is_barred: it may not be called; entries: the ones of the number and of the beginnings that cover it."""

    number: str
    is_barred: bool
    entries: list[DncAnswer]


class DncWhereQuery(In):
    """Which entry of a number: without both the one for all campaigns."""

    project: Id | None = None
    campaign: Id | None = None


# --- national lists --------------------------------------------------------------------------------------------------


class NationalListAnswer(BaseModel):
    """A national list. as_of_ms: when the edition that counts was so, null: none yet. campaigns: who honour it."""

    name: str
    country: str
    as_of_ms: int | None
    age_days: int | None
    numbers: int
    file_name: str
    campaigns: int

    @classmethod
    def of(cls, found: NationalList, now_ms: int) -> NationalListAnswer:
        """A list for the wire."""
        age = None if found.as_of_ms is None else (now_ms - found.as_of_ms) // DAY_MS
        return cls(
            name=found.name,
            country=found.country,
            as_of_ms=found.as_of_ms,
            age_days=age,
            numbers=found.numbers,
            file_name=found.file_name,
            campaigns=found.campaigns,
        )


class HonouredBody(In):
    """A national list that a campaign honours."""

    name: Name
    max_age_days: int = Field(
        default=DEFAULT_AGE_DAYS, ge=1, le=3_650, description="when it is as old, nobody is called"
    )


class HonouredListsBody(In):
    """The national lists a campaign honours."""

    lists: list[HonouredBody] = Field(max_length=50)

    def honoured(self) -> list[Honoured]:
        """As the store takes them; a list named twice counts as named last."""
        named = {one.name: one for one in self.lists}
        return [Honoured(name=one.name, max_age_days=one.max_age_days) for one in named.values()]


class HonouredAnswer(BaseModel):
    """A national list that a campaign honours. stale: why nobody is called on it now; empty: all is well."""

    name: str
    max_age_days: int
    as_of_ms: int | None


class HonouredListsAnswer(BaseModel):
    """The national lists a campaign honours. waiting_for: why it may call nobody, empty where it may."""

    lists: list[HonouredAnswer]
    waiting_for: str


# --- projects --------------------------------------------------------------------------------------------------------


class ProjectBody(In):
    """A project."""

    name: Name


class ProjectAnswer(BaseModel):
    """A project. campaigns: how many are in it."""

    id: int
    name: str
    created_at_ms: int
    campaigns: int

    @classmethod
    def of(cls, found: Project) -> ProjectAnswer:
        """A project for the wire."""
        return cls(id=found.id, name=found.name, created_at_ms=found.created_at_ms, campaigns=found.campaigns)


class CampaignProjectBody(In):
    """The project a campaign is in."""

    project: Id


# --- caller IDs ------------------------------------------------------------------------------------------------------


class CallerIdBody(In):
    """A number that is yours to show, with what it may be used for."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"properties": {"rest_after": {"const": 0}, "rest_ms": {"const": 0}}},
                {
                    "required": ["rest_after", "rest_ms"],
                    "properties": {"rest_after": {"minimum": 1}, "rest_ms": {"minimum": 1}},
                },
            ]
        }
    )

    label: Annotated[str, StringConstraints(max_length=64, pattern=LINE)] = ""
    trunks: list[Word] = Field(default_factory=list, max_length=50, description="over which; none: all")
    areas: list[Annotated[str, StringConstraints(pattern=_AREA)]] = Field(
        default_factory=list, max_length=100, description="numbers it is local to, as in +4420; none: found by itself"
    )
    per_hour: int = Field(default=0, ge=0, le=1_000_000, description="calls in an hour of the clock; 0: any")
    per_day: int = Field(default=0, ge=0, le=1_000_000, description="calls in 24 hours; 0: any")
    rest_after: int = Field(default=0, ge=0, le=1_000_000, description="calls in a row, then it rests; 0: never")
    rest_ms: int = Field(default=0, ge=0, le=30 * DAY_MS, description="how long it rests then")
    is_resting: bool = Field(default=False, description="taken out until you say otherwise")

    def owned(self, number: str) -> OwnedNumber:
        """As the dialer has it."""
        values = self.model_dump(exclude={"trunks", "areas"})
        ways = tuple(TrunkId(one) for one in self.trunks)
        return OwnedNumber(number=number, trunks=ways, areas=tuple(self.areas), **values)


class CallerIdAnswer(CallerIdBody):
    """A number with what came of its calls in the window. answered: by a person; placed: calls that got through."""

    number: str
    placed: int
    answered: int
    placed_today: int = Field(description="in the last 24 hours, as per_day counts")
    answer_rate: float | None = Field(description="answered of placed; null: none was placed")

    @classmethod
    def of(cls, entry: CallerIdEntry) -> CallerIdAnswer:
        """A number for the wire."""
        owned = entry.owned
        rate = entry.answer_rate
        return cls(
            number=owned.number,
            label=owned.label,
            trunks=list(owned.trunks),
            areas=list(owned.areas),
            per_hour=owned.per_hour,
            per_day=owned.per_day,
            rest_after=owned.rest_after,
            rest_ms=owned.rest_ms,
            is_resting=owned.is_resting,
            placed=entry.placed,
            answered=entry.answered,
            placed_today=entry.placed_today,
            answer_rate=None if rate is None else round(rate, 4),
        )


class CallerIdsQuery(In):
    """Over how many days answers are counted."""

    days: int = Field(default=7, ge=1, le=366)
