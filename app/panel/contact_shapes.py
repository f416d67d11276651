"""What goes in and out of the REST interface about contacts; see app.panel.shapes."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field, StringConstraints

from app.contacts.facts import LONGEST_OWNER, MOST_PRIORITY
from app.contacts.given import LONGEST_FIELD, MOST_FIELDS, GivenContact, GivenPhone
from app.contacts.upserting import Upserted, UpsertResult
from app.panel.shapes import LINE, ContactAnswer, In, left_out

MOST_ROWS: Final = 10_000
BULK_BYTES: Final = 32 << 20
_FACTS: Final = ("email", "language", "time_zone", "region", "owner", "consent")
Short = Annotated[str, StringConstraints(max_length=128, pattern=LINE)]
Column = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=LINE)]
Cell = Annotated[str, StringConstraints(max_length=LONGEST_FIELD)]


class PhoneBody(In):
    """A number as people write it, and what it is."""

    number: Annotated[str, StringConstraints(max_length=64)]
    kind: Literal["", "mobile", "home", "work"] = ""


class ContactBody(In):
    """A contact: what is left out (not in model_fields_set) stays as it is, or empty for a new one."""

    phones: list[PhoneBody] = Field(
        default_factory=list, max_length=5, description="all of them, in the order they are tried",
        json_schema_extra=left_out,
    )  # fmt: skip
    name: Annotated[str, StringConstraints(max_length=200, pattern=LINE)] = Field("", json_schema_extra=left_out)
    email: Annotated[str, StringConstraints(max_length=254, pattern=LINE)] = Field("", json_schema_extra=left_out)
    language: Short = Field("", description="its code, as in en or ru", json_schema_extra=left_out)
    time_zone: Short = Field("", description="as in Europe/London", json_schema_extra=left_out)
    region: Short = Field("", description="ISO 3166-2, as in US-FL", json_schema_extra=left_out)
    priority: int = Field(
        0, ge=-MOST_PRIORITY, le=MOST_PRIORITY, description="the higher the sooner", json_schema_extra=left_out
    )
    owner: Annotated[str, StringConstraints(max_length=LONGEST_OWNER, pattern=LINE)] = Field(
        "", description="the name an agent signs in with", json_schema_extra=left_out
    )
    consent: Literal["", "none", "prior", "written"] = Field("", json_schema_extra=left_out)
    channels: list[Literal["voice", "sms", "email"]] = Field(
        default_factory=list, max_length=3, description="none named: all", json_schema_extra=left_out
    )
    fields: dict[Column, Cell] = Field(
        default_factory=dict, max_length=MOST_FIELDS, description="the list's columns, new ones too; others stay",
        json_schema_extra=left_out,
    )  # fmt: skip

    def given(self, key: str | None = None) -> GivenContact:
        """As the importer takes it."""
        said = self.model_fields_set
        facts: dict[str, str] = {name: getattr(self, name) for name in _FACTS if name in said}
        if "channels" in said:
            facts["channels"] = ",".join(self.channels)
        phones = [GivenPhone(number=one.number, kind=one.kind) for one in self.phones]
        return GivenContact(
            key=key,
            phones=phones if "phones" in said else None,
            name=self.name if "name" in said else None,
            priority=self.priority if "priority" in said else None,
            facts=facts,
            fields=self.fields,
        )


class NewContactBody(ContactBody):
    """A contact of a list. It is the same one again by its key, or where the list has none by its first phone."""

    key: Annotated[str, StringConstraints(max_length=200, pattern=LINE)] = Field("", json_schema_extra=left_out)


class ContactChange(ContactBody):
    """What to change of a contact."""

    seen_at_ms: int | None = Field(
        None, ge=0, le=2**53, description="updated_at_ms as you saw it: refused where it is another by now"
    )


class BulkBody(In):
    """Contacts of a list, at most 10,000 of them and 32 MB."""

    contacts: list[NewContactBody] = Field(min_length=1, max_length=MOST_ROWS)
    mode: Literal["update", "skip"] = Field(default="update", description="contacts that are there already")


class ChangesQuery(In):
    """Which changes, newest first."""

    before: int | None = Field(default=None, ge=1, le=2**53)
    limit: int = Field(default=50, ge=1, le=1_000)


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: str
    found: str
    why: str
    mend: str


class RowAnswer(BaseModel):
    """What became of one row. row: its place, from 0."""

    row: int
    result: Literal["created", "updated", "unchanged", "rejected"]
    id: int | None
    key: str
    problems: list[FieldProblem]

    @classmethod
    def of(cls, at: int, row: Upserted) -> RowAnswer:
        """A row for the wire."""
        problems = [FieldProblem.model_validate(one, from_attributes=True) for one in row.problems]
        values: dict[str, Any] = {"row": at, "result": row.result.value, "id": row.contact_id, "key": row.key}
        return cls(**values, problems=problems)


class BulkAnswer(BaseModel):
    """What became of all rows; the counts add up to them."""

    created: int
    updated: int
    unchanged: int
    rejected: int
    rows: list[RowAnswer]

    @classmethod
    def of(cls, rows: list[Upserted]) -> BulkAnswer:
        """All rows for the wire."""
        counts = {result.value: sum(row.result is result for row in rows) for result in UpsertResult}
        return cls(**counts, rows=[RowAnswer.of(at, row) for at, row in enumerate(rows)])


class OneAnswer(BaseModel):
    """What became of one contact, and how it is now."""

    result: Literal["created", "updated", "unchanged"]
    contact: ContactAnswer
