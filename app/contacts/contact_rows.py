"""A row of a sheet becomes a contact, or a problem: pure, compiled once for a sheet, called a million times."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from app.contacts.mapping import PHONES, ColumnMapping
from app.contacts.numbers import NumberProblem, NumberReader
from app.contacts.problems import RowProblem, shown

LONGEST_NAME: Final = 200
LONGEST_KEY: Final = 200
_NO_PHONES: Final = ("",) * PHONES
_LANGUAGES: Final = {
    "english": "en",
    "английский": "en",
    "англ": "en",
    "russian": "ru",
    "русский": "ru",
    "рус": "ru",
    "русс": "ru",
}


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """A contact that is taken though something about it is not right: the cell is kept as text among its fields."""

    row: ContactRow
    problems: tuple[RowProblem, ...]


class RowReader:
    """Reads the rows of one sheet.

    Reading is all or nothing for a row: its first phone must be a number, its key must be there and its cells must not
    be more than the columns. A further phone, a language or a time zone that cannot be read is left empty and told.
    """

    def __init__(self, columns: Sequence[str], mapping: ColumnMapping, numbers: NumberReader) -> None:
        self._columns: Final = tuple(columns)
        self._width: Final = len(columns)
        at = {column: index for index, column in enumerate(columns)}
        self._phone_ats: Final = tuple(at[column] for column in mapping.phones)
        self._first_at: Final = self._phone_ats[0]
        named = (mapping.name,) if mapping.name else (mapping.first_name, mapping.middle_name, mapping.last_name)
        self._name_ats: Final = tuple(at[column] for column in named if column)
        self._language_at: Final = at.get(mapping.language, -1)
        self._zone_at: Final = at.get(mapping.time_zone, -1)
        self._key_at: Final = at.get(mapping.key, -1)
        self._number: Final[Callable[[str], str | NumberProblem]] = numbers.read

    @property
    def written(self) -> tuple[str, ...]:
        """The columns of the table that this sheet can fill; the others stay empty."""
        phones = (f"phone{at}" for at in range(1, len(self._phone_ats) + 1))
        may = {"name": bool(self._name_ats), "language": self._language_at >= 0, "time_zone": self._zone_at >= 0}
        return ("key", *(column for column, is_there in may.items() if is_there), *phones, "fields", "source_line")

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
        name = self._name(cells)
        language = self._language(line, cells, flaws) if self._language_at >= 0 else ""
        zone = self._zone(line, cells, flaws) if self._zone_at >= 0 else ""
        fields = dict(zip(self._columns, cells, strict=True))
        row = ContactRow(key, name, language, zone, *phones, fields, line)
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

    def _language(self, line: int, cells: list[str], flaws: list[RowProblem]) -> str:
        cell = cells[self._language_at]
        language = _language_tag(cell)
        if not language and cell.strip():
            column = self._columns[self._language_at]
            flaws.append(
                RowProblem(
                    line=line,
                    column=column,
                    what=shown(cell),
                    why="it is no language",
                    mend="write its code, such as en or ru; the campaign's own is used meanwhile",
                )
            )
        return language

    def _zone(self, line: int, cells: list[str], flaws: list[RowProblem]) -> str:
        cell = cells[self._zone_at].strip()
        if not cell or cell in _zones():
            return cell
        column = self._columns[self._zone_at]
        flaws.append(
            RowProblem(
                line=line,
                column=column,
                what=shown(cell),
                why="there is no such time zone",
                mend="write it as in Europe/London or Europe/Moscow",
            )
        )
        return ""

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


@lru_cache(maxsize=1024)
def _language_tag(cell: str) -> str:
    """A language's code: "en-GB" stays, "Russian" is ru; empty for what is none."""
    plain = cell.strip().casefold().rstrip(".")
    if plain in _LANGUAGES:
        return _LANGUAGES[plain]
    first, _, region = plain.replace("_", "-").partition("-")
    is_tag = first.isascii() and first.isalpha() and len(first) in (2, 3) and len(region) <= 8
    if not is_tag or (region and not (region.isascii() and region.replace("-", "a").isalnum())):
        return ""
    return f"{first}-{region.upper() if len(region) == 2 else region}" if region else first


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
