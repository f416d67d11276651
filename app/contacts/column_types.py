"""What kind of thing a column of a list holds: said, or seen from a sample. The card's form and segments go by it."""

from __future__ import annotations

import datetime as dt
import enum
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

LEAST_SAMPLE: Final = 3
"""Cells that are not empty, of which all must look alike before a column is anything but text."""
_NUMBER: Final = re.compile(r"[+-]?(0|[1-9][0-9]{0,14})([.,][0-9]{1,6})?")
_DATES: Final = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y")
_YES_NO: Final = frozenset({"yes", "no", "y", "n", "true", "false", "да", "нет"})
_URL: Final = re.compile(r"https?://\S+", re.IGNORECASE)
_EMAIL: Final = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@.]+")


class ColumnType(enum.Enum):
    """What a column holds. A cell that does not fit its column's type is kept as written all the same."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    YES_NO = "yes or no"
    URL = "address"
    EMAIL = "e-mail"


def number_of(cell: str) -> float | None:
    """The number in a cell, with a comma or a point before its fraction; None: it is none."""
    plain = cell.strip()
    return float(plain.replace(",", ".")) if _NUMBER.fullmatch(plain) else None


def date_of(cell: str) -> dt.date | None:
    """The date in a cell: 2026-11-22, 22.11.2026, 22/11/2026, 11/22/2026; None: it is none.

    Of the two that write slashes the day goes first where both could be.
    """
    plain = cell.strip()[:10] if re.fullmatch(r"\d{4}-\d\d-\d\d([ T].*)?", cell.strip()) else cell.strip()
    for form in _DATES:
        try:
            return dt.datetime.strptime(plain, form).date()  # noqa: DTZ007 - a date has no zone
        except ValueError:
            continue
    return None


_LOOKS: Final[Mapping[ColumnType, Callable[[str], bool]]] = {
    ColumnType.YES_NO: lambda cell: cell.casefold() in _YES_NO,
    ColumnType.NUMBER: lambda cell: number_of(cell) is not None,
    ColumnType.DATE: lambda cell: date_of(cell) is not None,
    ColumnType.URL: lambda cell: _URL.fullmatch(cell) is not None,
    ColumnType.EMAIL: lambda cell: _EMAIL.fullmatch(cell) is not None,
}


def seen_type(cells: Iterable[str]) -> ColumnType:
    """What a sample of a column looks like; text where in doubt: numbers with leading zeros are no numbers."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    if len(filled) < LEAST_SAMPLE:
        return ColumnType.TEXT
    return next((kind for kind, looks in _LOOKS.items() if all(map(looks, filled))), ColumnType.TEXT)


def seen_types(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, str]:
    """The type of each column that is not text, by its name."""
    types = {name: seen_type(row[at] for row in rows if at < len(row)) for at, name in enumerate(columns)}
    return {name: found.value for name, found in types.items() if found is not ColumnType.TEXT}
