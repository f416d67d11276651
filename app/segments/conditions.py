"""Conditions, and whether a contact meets them. Values are compared as people mean them: 7 is 7.0, moscow is Moscow.

They are asked here and not in the database, so that both databases say the same, and no text of a segment is SQL.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from app.units import DAY_MS


class Operator(enum.Enum):
    """How a field is compared with a value."""

    IS = "="
    IS_NOT = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    CONTAINS = "contains"
    BEGINS = "begins with"
    IN = "in"
    NOT_IN = "not in"
    IS_EMPTY = "is empty"
    IS_NOT_EMPTY = "is not empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a segment may ask of a contact. columns: of its list; history: in one campaign, or in all.

    last_called_at_ms: None for somebody never called. status: in the campaign that is asked about; "": in none.
    """

    facts: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    phones: tuple[str, ...] = ()
    tries: int = 0
    answers: int = 0
    last_outcome: str = ""
    last_disposition: str = ""
    last_called_at_ms: int | None = None
    status: str = ""
    now_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One comparison. field: of FIELDS, or a column of the list."""

    field: str
    is_column: bool
    operator: Operator
    values: tuple[str, ...]

    def holds(self, known: Known) -> bool:
        """Whether a contact meets it. Of several phones one is enough; what is not known is empty."""
        found = self._found(known)
        match self.operator:
            case Operator.IS_EMPTY:
                return not any(found)
            case Operator.IS_NOT_EMPTY:
                return any(found)
            case Operator.IS | Operator.IN:
                return any(_equal(one, value) for one in found for value in self.values)
            case Operator.IS_NOT | Operator.NOT_IN:
                return not any(_equal(one, value) for one in found for value in self.values)
            case Operator.CONTAINS:
                return any(_plain(self.values[0]) in _plain(one) for one in found)
            case Operator.BEGINS:
                return any(_plain(one).startswith(_plain(self.values[0])) for one in found)
            case Operator.LESS | Operator.AT_MOST | Operator.MORE | Operator.AT_LEAST:
                return any(_ordered(one, self.operator, self.values[0]) for one in found)

    def _found(self, known: Known) -> tuple[str, ...]:
        if self.is_column:
            return (known.columns.get(self.field, ""),)
        return FIELDS[self.field](known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Conditions of which all, or any, must hold."""

    is_any: bool
    members: tuple[Condition | Group, ...]

    def holds(self, known: Known) -> bool:
        """Whether a contact meets them."""
        met = (member.holds(known) for member in self.members)
        return any(met) if self.is_any else all(met)

    def conditions(self) -> Iterator[Condition]:
        """All of them, at any depth."""
        for member in self.members:
            if isinstance(member, Group):
                yield from member.conditions()
            else:
                yield member


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Whom it means. campaign: history counts in this campaign alone; "": in the one asked about, or in all."""

    name: str
    title: str
    campaign: str
    root: Group

    @property
    def columns(self) -> tuple[str, ...]:
        """The lists' columns it asks about."""
        return tuple(dict.fromkeys(one.field for one in self.root.conditions() if one.is_column))

    @property
    def asks_history(self) -> bool:
        """Whether calls have to be looked up for it."""
        return any(not one.is_column and one.field in HISTORY for one in self.root.conditions())


def number_of(text: str) -> float | None:
    """A number as people write it, 1200.50 or 1200,50; None for anything else."""
    plain = text.strip().replace(",", ".")
    return float(plain) if _NUMBER.fullmatch(plain) else None


def _equal(one: str, value: str) -> bool:
    left, right = number_of(one), number_of(value)
    is_name = _NAMED.match(one.strip()) or _NAMED.match(value.strip())  # a post code, a key, a phone: no quantity
    if left is not None and right is not None and not is_name:
        return left == right
    return _plain(one) == _plain(value)


def _ordered(one: str, operator: Operator, value: str) -> bool:
    """Numbers with numbers, dates with dates; anything else is in no order."""
    pair: tuple[float, float] | tuple[str, str]
    left, right = number_of(one), number_of(value)
    if left is not None and right is not None:
        pair = left, right
    elif _DATE.match(one.strip()) and _DATE.fullmatch(value):
        pair = one.strip()[:10], value
    else:
        return False
    match operator:
        case Operator.LESS:
            return pair[0] < pair[1]  # type: ignore[operator]
        case Operator.AT_MOST:
            return pair[0] <= pair[1]  # type: ignore[operator]
        case Operator.MORE:
            return pair[0] > pair[1]  # type: ignore[operator]
        case _:
            return pair[0] >= pair[1]  # type: ignore[operator]


def _plain(text: str) -> str:
    return text.strip().casefold()


def _fact(name: str) -> Callable[[Known], tuple[str, ...]]:
    return lambda known: (known.facts.get(name, ""),)


def _days(known: Known) -> tuple[str, ...]:
    if known.last_called_at_ms is None:
        return ("",)
    return (f"{max(0, known.now_ms - known.last_called_at_ms) / DAY_MS:.6f}",)


_NAMED: Final = re.compile(r"[+]|0[0-9]")
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,9})?")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
FIELDS: Final[Mapping[str, Callable[[Known], tuple[str, ...]]]] = {
    **{
        name: _fact(name)
        for name in ("key", "name", "email", "language", "time zone", "region", "owner", "consent", "priority")
    },
    "phone": lambda known: known.phones or ("",),
    "phones": lambda known: (str(len(known.phones)),),
    "tries": lambda known: (str(known.tries),),
    "answers": lambda known: (str(known.answers),),
    "last outcome": lambda known: (known.last_outcome,),
    "last disposition": lambda known: (known.last_disposition,),
    "days since last call": _days,
    "status": lambda known: (known.status,),
}
"""What may be asked besides the columns of a list."""
NUMBERS: Final = frozenset({"priority", "phones", "tries", "answers", "days since last call"})
HISTORY: Final = frozenset({"tries", "answers", "last outcome", "last disposition", "days since last call"})
