"""A row of a sheet becomes a contact, or a problem: pure, compiled once for a sheet, called a million times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from app.contacts import facts
from app.contacts.mapping import PHONES, ColumnMapping
from app.contacts.numbers import NumberProblem, NumberReader
from app.contacts.problems import RowProblem, shown

LONGEST_NAME: Final = 200
LONGEST_KEY: Final = 200
_NO_PHONES: Final = ("",) * PHONES


class ContactRow(NamedTuple):
    """A contact as it is written: columns of the table contacts by name."""

    key: str
    name: str
    language: str
    time_zone: str
    phone1: str
    phone2: str
    phone3: str
    phone4: str
    phone5: str
    fields: dict[str, str]
    source_line: int
    email: str = ""
    region: str = ""
    priority: int = 0
    owner: str = ""
    consent: str = ""
    channels: str = ""
    phone_kinds: str = ""


_OTHERS: Final = (
    "language", "time_zone", "email", "region", "priority", "owner", "consent", "channels", "phone_kinds",
)  # fmt: skip
"""What a row has beside key, name, phones and fields, in a row's order."""
_NOTHING: Final[tuple[Any, ...]] = ("", "", "", "", 0, "", "", "", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fact:
    """A role beside name and phones: its place in _OTHERS, which column of the sheet it is, how its cells are read."""

    role: str
    place: int
    at: int
    column: str
    read: Callable[[str], str | int | None]
    why: str
    mend: str


_FACTS: Final[tuple[tuple[str, Callable[[str], str | int | None], str, str], ...]] = (
    (
        "language",
        facts.language,
        "it is no language",
        "write its code, such as en or ru; the campaign's own is used meanwhile",
    ),
    ("time_zone", facts.time_zone, "there is no such time zone", "write it as in Europe/London or Europe/Moscow"),
    ("email", facts.email, "it is no e-mail address", "write one address, as in ann@example.com"),
    (
        "priority",
        facts.priority,
        "it is no priority",
        f"write a whole number from -{facts.MOST_PRIORITY} to {facts.MOST_PRIORITY}, or high, normal, low",
    ),
    (
        "owner",
        facts.owner,
        f"a name has at most {facts.LONGEST_OWNER} characters",
        "write the name the agent signs in with",
    ),
    ("consent", facts.consent, "it says neither yes nor no", "write none, prior or written; it is not known meanwhile"),
    ("channels", facts.channels, "it is no way to reach somebody", "write voice, sms, email, with commas between"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """A contact that is taken though something about it is not right: the cell is kept as text among its fields."""

    row: ContactRow
    problems: tuple[RowProblem, ...]


class RowReader:
    """Reads the rows of one sheet.

    Reading is all or nothing for a row: its first phone must be a number, its key must be there and its cells must not
    be more than the columns. Anything else that cannot be read (a further phone, a time zone) is left empty and told.
    """

    def __init__(self, columns: Sequence[str], mapping: ColumnMapping, numbers: NumberReader) -> None:
        self._columns: Final = tuple(columns)
        self._width: Final = len(columns)
        at = {column: index for index, column in enumerate(columns)}
        self._phone_ats: Final = tuple(at[column] for column in mapping.phones)
        self._first_at: Final = self._phone_ats[0]
        named = (mapping.name,) if mapping.name else (mapping.first_name, mapping.middle_name, mapping.last_name)
        self._name_ats: Final = tuple(at[column] for column in named if column)
        self._facts: Final = tuple(
            _Fact(role=role, place=_OTHERS.index(role), at=at[column], column=column, read=read, why=why, mend=mend)
            for role, read, why, mend in _FACTS
            if (column := getattr(mapping, role))
        )
        self._region_at: Final = at.get(mapping.region, -1)
        self._country: Final = numbers.region
        self._kind_ats: Final = tuple(at.get(column, -1) for column in mapping.kinds)
        self._said_kinds: Final = tuple(facts.phone_kind(column) for column in mapping.phones)
        self._has_kinds: Final = any(self._said_kinds) or any(mapping.kinds)
        self._key_at: Final = at.get(mapping.key, -1)
        self._has_others: Final = bool(self._facts) or self._has_kinds or self._region_at >= 0
        self._number: Final[Callable[[str], str | NumberProblem]] = numbers.read

    @property
    def written(self) -> tuple[str, ...]:
        """The columns of the table that this sheet can fill; the others stay empty."""
        phones = (f"phone{at}" for at in range(1, len(self._phone_ats) + 1))
        may = {"name": bool(self._name_ats), "region": self._region_at >= 0, "phone_kinds": self._has_kinds}
        others = (*(column for column, is_there in may.items() if is_there), *(fact.role for fact in self._facts))
        return ("key", *others, *phones, "fields", "source_line")

    def read(self, line: int, cells: list[str]) -> ContactRow | Flaw | RowProblem:
        """The contact in a row, one with flaws, or why there is none."""
        if len(cells) != self._width:
            if any(cells[self._width :]):
                return self._too_wide(line, cells)
            cells = (cells + [""] * (self._width - len(cells)))[: self._width]
        flaws: list[RowProblem] = []
        number = self._number(cells[self._first_at])
        if len(self._phone_ats) > 1:
            phones = self._phones(line, cells, number, flaws)
        else:
            phones = number if isinstance(number, NumberProblem) else (number, "", "", "", "")
        if isinstance(phones, NumberProblem):
            return _told(line, self._columns[self._first_at], phones)
        key = cells[self._key_at].strip() if self._key_at >= 0 else phones[0]
        if not key or len(key) > LONGEST_KEY:
            return self._bad_key(line, key)
        fields = dict(zip(self._columns, cells, strict=True))
        others = self._others(line, cells, flaws) if self._has_others else _NOTHING
        row = ContactRow._make((key, self._name(cells), *others[:2], *phones, fields, line, *others[2:]))
        return Flaw(row=row, problems=tuple(flaws)) if flaws else row

    def _phones(
        self, line: int, cells: list[str], first: str | NumberProblem, flaws: list[RowProblem]
    ) -> tuple[str, str, str, str, str] | NumberProblem:
        """All phones in their places. Where the first cell is empty, the next number takes its place."""
        if isinstance(first, NumberProblem) and cells[self._first_at].strip():
            return first
        found = [] if isinstance(first, NumberProblem) else [first]
        for at in self._phone_ats[1:]:
            cell = cells[at]
            if not cell or cell.isspace():
                if found:
                    found.append("")
                continue
            number = self._number(cell)
            if isinstance(number, NumberProblem):
                flaws.append(_told(line, self._columns[at], number))
                number = ""
            if number or found:
                found.append(number)
        if not found:
            return first if isinstance(first, NumberProblem) else NumberProblem(found="", why="", mend="")
        one, two, three, four, five = (*found, *_NO_PHONES)[:PHONES]
        return (one, two, three, four, five)

    def _name(self, cells: list[str]) -> str:
        if len(self._name_ats) == 1:
            return cells[self._name_ats[0]].strip()[:LONGEST_NAME]
        parts = (cells[at].strip() for at in self._name_ats)
        return " ".join(part for part in parts if part)[:LONGEST_NAME]

    def _others(self, line: int, cells: list[str], flaws: list[RowProblem]) -> list[Any]:
        """What is read beside key, name and phones, in the order of _OTHERS."""
        found = [*_NOTHING]
        for fact in self._facts:
            cell = cells[fact.at]
            value = fact.read(cell)
            if value is None:
                flaws.append(RowProblem(line=line, column=fact.column, what=shown(cell), why=fact.why, mend=fact.mend))
            else:
                found[fact.place] = value
        if self._region_at >= 0:
            found[_OTHERS.index("region")] = facts.region(cells[self._region_at], self._country)
        if self._has_kinds:
            found[_OTHERS.index("phone_kinds")] = self._kinds(cells)
        return found

    def _kinds(self, cells: list[str]) -> str:
        """What each phone is, in the places the phones are in: by its column of kinds, else by its header."""
        kinds = [
            (facts.phone_kind(cells[at]) if (at := self._kind_ats[place]) >= 0 else "") or said
            for place, said in enumerate(self._said_kinds)
        ]
        first = next((place for place, at in enumerate(self._phone_ats) if self._is_phone(cells[at])), 0)
        given = [
            kind if not place or self._is_phone(cells[at]) else ""
            for place, (kind, at) in enumerate(zip(kinds[first:], self._phone_ats[first:], strict=True))
        ]
        return ",".join(given).rstrip(",")

    def _is_phone(self, cell: str) -> bool:
        return bool(cell.strip()) and not isinstance(self._number(cell), NumberProblem)

    def _bad_key(self, line: int, key: str) -> RowProblem:
        why = f"it has {len(key)} characters, a key at most {LONGEST_KEY}" if key else "the key is empty"
        return RowProblem(
            line=line,
            column=self._columns[self._key_at],
            what=shown(key),
            why=why,
            mend="give each contact a key of its own, or let its phone be the key",
        )

    def _too_wide(self, line: int, cells: list[str]) -> RowProblem:
        return RowProblem(
            line=line,
            column="",
            what=shown(", ".join(cells[self._width :])),
            why=f"it has {len(cells)} cells, the header {self._width}",
            mend="put a cell that has the delimiter in it into quotes",
        )


def _told(line: int, column: str, problem: NumberProblem) -> RowProblem:
    return RowProblem(line=line, column=column, what=problem.found, why=problem.why, mend=problem.mend)
