"""A contact as a program gives it, field by field, read like the cells of a sheet: what is right, and what is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from app.contacts import facts
from app.contacts.contact_rows import LONGEST_KEY, LONGEST_NAME
from app.contacts.mapping import PHONES
from app.contacts.numbers import NumberProblem, NumberReader
from app.contacts.problems import shown

MOST_FIELDS: Final = 500
LONGEST_FIELD: Final = 10_000
_READ: Final[Mapping[str, Callable[[str], str | int | None]]] = {
    "language": facts.language,
    "time_zone": facts.time_zone,
    "email": facts.email,
    "owner": facts.owner,
    "consent": facts.consent,
    "channels": facts.channels,
}
MENDS: Final[Mapping[str, tuple[str, str]]] = {
    "language": ("it is no language", "write its code, such as en or ru"),
    "time_zone": ("there is no such time zone", "write it as in Europe/London or Europe/Moscow"),
    "email": ("it is no e-mail address", "write one address, as in ann@example.com"),
    "owner": (f"a name has at most {facts.LONGEST_OWNER} characters", "write the name the agent signs in with"),
    "consent": ("it is no consent", "write none, prior or written; nothing: not known"),
    "channels": ("it is no way to reach somebody", "write voice, sms, email, with commas between"),
    "region": ("it is no region", "write it by ISO 3166-2, as in US-FL"),
}
"""By field, why what was written is not taken, and the mend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenPhone:
    """A number as it was written, and what it is: mobile, home, work or nothing."""

    number: str
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenContact:
    """What a program says of a contact; None: nothing about it, so that it stays as it is.

    phones: all of them, in the order they are tried. facts: by name, such as time_zone. fields: of the list's columns.
    """

    key: str | None = None
    phones: Sequence[GivenPhone] | None = None
    name: str | None = None
    priority: int | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenProblem:
    """What is wrong with one field, as for a cell of a sheet."""

    field: str
    found: str
    why: str
    mend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadContact:
    """A contact ready to be written. values: columns of the table that were given; key: empty where none was given."""

    key: str
    values: Mapping[str, Any]
    fields: Mapping[str, str]


def read_given(given: GivenContact, numbers: NumberReader) -> ReadContact | list[GivenProblem]:
    """The contact's columns, or everything that is wrong with it: a program can mend and send again."""
    problems: list[GivenProblem] = []
    values: dict[str, Any] = {}
    if given.phones is not None:
        values |= _phones(given.phones, numbers, problems)
    if given.name is not None:
        values["name"] = " ".join(given.name.split())[:LONGEST_NAME]
    if given.priority is not None:
        values["priority"] = given.priority
    for name, text in given.facts.items():
        value = _region(text, numbers.region) if name == "region" else _READ[name](text)
        if value is None:
            why, mend = MENDS[name]
            problems.append(GivenProblem(field=name, found=shown(text), why=why, mend=mend))
        else:
            values[name] = value
    key = (given.key or "").strip()
    if len(key) > LONGEST_KEY:
        problems.append(
            GivenProblem(field="key", found=shown(key), why=f"it has {len(key)} characters", mend="at most 200")
        )
    return problems or ReadContact(key=key, values=values, fields=dict(given.fields))


def _phones(phones: Sequence[GivenPhone], numbers: NumberReader, problems: list[GivenProblem]) -> dict[str, str]:
    """All five places: those not given become empty."""
    read: list[str] = []
    kinds: list[str] = []
    for at, phone in enumerate(phones):
        number = numbers.read(phone.number)
        if isinstance(number, NumberProblem):
            problems.append(GivenProblem(field=f"phones.{at}", found=number.found, why=number.why, mend=number.mend))
            continue
        if number not in read:
            read.append(number)
            kinds.append(phone.kind)
    places = (*read, *("",) * PHONES)[:PHONES]
    return {f"phone{at}": number for at, number in enumerate(places, 1)} | {"phone_kinds": ",".join(kinds).rstrip(",")}


def _region(text: str, country: str) -> str | None:
    return facts.region(text, country) or (None if text.strip() else "")
