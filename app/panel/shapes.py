"""What goes in and out of the REST interface, as pydantic models: checked on the way in, documented in OpenAPI."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal, Self

import phonenumbers
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema, model_validator

from app.dialing.snapshot import Snapshot
from app.ivr.flow import Flow
from app.model import NumberFormat, Trunk
from app.panel.problems import pattern
from app.store.flows import FlowVersion
from app.store.lists import Contact, ContactList
from app.store.people import ApiKey, SignIn, User
from app.units import TrunkId

_NAME: Final = pattern(
    r"^[^\x00-\x20\x7f]([^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?$",
    "a name: one line, with no control characters and no space at its ends",
)
LINE: Final = pattern(r"^[^\x00-\x1f\x7f]*$", "one line, with no control characters")
TEXT: Final = pattern(r"^[^\x00-\x08\x0b-\x1f\x7f]*$", "text, with no control characters but line breaks")
WORD_WORDS: Final = "expected a letter or digit, then letters, digits, . _ or -, at most 64 in all"
WORD: Final = pattern(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", WORD_WORDS.removeprefix("expected "))
_DIGITS: Final = pattern(r"^[0-9]{0,8}$", "digits, at most 8")
_PREFIX: Final = pattern(r"^\+[0-9]{0,14}$", "the beginning of a number with its plus, as in +44; + alone for all")
_CALLER_ID: Final = pattern(r"^(\+?[0-9]{3,15})?$", "3 to 15 digits, with a plus before them or not")
_COUNTRY: Final = pattern(r"^[A-Z]{2}$", "a country as two capital letters, such as GB, US or RU")
_COUNTRY_OR_NONE: Final = pattern(r"^([A-Z]{2})?$", "a country as two capital letters, such as GB, or nothing")

Name = Annotated[str, StringConstraints(max_length=128, pattern=_NAME)]
ShortName = Annotated[str, StringConstraints(max_length=64, pattern=_NAME)]
Line = Annotated[str, StringConstraints(max_length=128, pattern=LINE)]
Word = Annotated[str, StringConstraints(pattern=WORD)]
CallerId = Annotated[str, StringConstraints(pattern=_CALLER_ID)]
Id = Annotated[int, Field(ge=1, le=2**53)]
COUNTRIES: Final = tuple(sorted(phonenumbers.SUPPORTED_REGIONS))
"""Whose numbers can be read."""
Country = Annotated[str, StringConstraints(pattern=_COUNTRY), WithJsonSchema({"type": "string", "enum": COUNTRIES})]
CountryOrNone = Annotated[
    str, StringConstraints(pattern=_COUNTRY_OR_NONE), WithJsonSchema({"type": "string", "enum": ("", *COUNTRIES)})
]


def is_word(text: str) -> bool:
    """Whether it can be a trunk's id."""
    return re.fullmatch(WORD, text) is not None


def left_out(schema: dict[str, Any]) -> None:
    """A field whose default is never used shows none."""
    schema.pop("default", None)


class In(BaseModel):
    """What comes in: nothing that is not named, no number that is none."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


# --- trunks ----------------------------------------------------------------------------------------------------------


class NumberFormatBody(In):
    """How the trunk wants numbers; see docs/trunks.md."""

    keep_plus: bool = Field(default=True, description="send the + of E.164")
    country_code: str = Field(default="", max_length=4, pattern=_DIGITS, description="turned into the national prefix")
    national_prefix: str = Field(default="", max_length=4, pattern=_DIGITS, description="put in its place")
    prefix: str = Field(default="", pattern=_DIGITS, description="put before everything")


class TrunkBody(In):
    """A way out: one PJSIP endpoint of your Asterisk."""

    endpoint: Word = Field(description="the endpoint's section name in pjsip.conf")
    lines: int = Field(default=2, ge=1, le=10_000, description="calls at once")
    calls_per_second: float = Field(default=1.0, ge=0.001, le=1_000, description="new calls per second")
    prefixes: list[Annotated[str, StringConstraints(pattern=_PREFIX)]] = Field(
        default_factory=list, max_length=500, description="numbers it carries, as in +44; + alone: all; none: none"
    )
    number_format: NumberFormatBody = Field(default_factory=NumberFormatBody)
    caller_id: CallerId = Field(default="", description="number shown, unless the campaign has one")
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


class ListBody(In):
    """A new, empty list."""

    name: Name
    country: Country = Field(description="ISO 3166: how numbers without a country code are read")


class ListAnswer(BaseModel):
    """A contact list."""

    id: int
    name: str
    country: str
    columns: list[str]
    contacts: int
    created_at_ms: int
    column_types: dict[str, str] = Field(
        default_factory=dict, description="of columns that are not text: number, date, yes or no, address, e-mail"
    )

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
    key: str = Field(description="what makes them the same one again")
    phone_kinds: list[str] = Field(description="mobile, home, work or nothing, of each phone")
    email: str
    region: str = Field(description="ISO 3166-2 with its country, as in US-FL; empty: not known")
    priority: int = Field(description="-100 to 100, the higher the sooner")
    owner: str = Field(description="the name of an agent, as the list says")
    consent: str = Field(description="none, prior, written; empty: not known")
    channels: list[str] = Field(description="voice, sms, email; none named: all")
    updated_at_ms: int

    @classmethod
    def of(cls, found: Contact) -> ContactAnswer:
        """A contact for the wire."""
        return cls.model_validate(found, from_attributes=True)


class ImportQuery(In):
    """How an uploaded file is read."""

    mode: Literal["skip", "update"] = Field(default="skip", description="contacts that are there already")
    key: Line = Field(default="", description="column that makes a contact the same one again")
    encoding: Annotated[str, StringConstraints(max_length=32, pattern=LINE)] = ""
    sheet: Line = ""


class ImportAnswer(BaseModel):
    """What came of an import: rows = imported + duplicates + rejected."""

    model_config = ConfigDict(extra="allow")

    imported: int
    duplicates: int
    rejected: int


# --- flows -----------------------------------------------------------------------------------------------------------


class FlowBody(In):
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
        return cls.model_validate({**plain(version), "warnings": warnings})


# --- people ----------------------------------------------------------------------------------------------------------


class UserBody(In):
    """A person who may sign in."""

    name: ShortName
    password: str = Field(min_length=8, max_length=200)
    role: Literal["admin", "supervisor", "agent"] = "agent"
    skill: int = Field(default=0, ge=0, le=100, description="of free agents the highest is served first")
    language: Literal["", "en", "ru"] = Field(default="", description="of announcements; empty: the campaign's")


class UserChange(In):
    """What to change of a person; what is left out (not in model_fields_set) stays."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    is_disabled: bool = Field(default=False, description="shut out, or let in again", json_schema_extra=left_out)
    password: str = Field(default="", min_length=8, max_length=200, json_schema_extra=left_out)
    role: Literal["admin", "supervisor", "agent"] = Field(default="agent", json_schema_extra=left_out)
    skill: int = Field(default=0, ge=0, le=100, json_schema_extra=left_out)
    language: Literal["", "en", "ru"] = Field(default="", json_schema_extra=left_out)

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("give something to change: is_disabled, password, role, skill, language")
        return self


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


class SessionAnswer(BaseModel):
    """A browser that is signed in. It ends at expires_at_ms unless it is used before."""

    id: str
    user_id: int
    user: str
    created_at_ms: int
    expires_at_ms: int

    @classmethod
    def of(cls, found: SignIn) -> SessionAnswer:
        """A sign-in for the wire."""
        return cls(
            id=found.id,
            user_id=found.user_id,
            user=found.user_name,
            created_at_ms=found.created_at_ms,
            expires_at_ms=found.expires_at_ms,
        )


class KeyBody(In):
    """A new API key of your own."""

    name: ShortName


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


class PageQuery(In):
    """Which page."""

    after: int = Field(default=0, ge=0, le=2**53)
    limit: int = Field(default=50, ge=1, le=1_000)


def plain(record: Any) -> dict[str, Any]:
    """A frozen record's fields by name."""
    return {name: getattr(record, name) for name in record.__dataclass_fields__}
