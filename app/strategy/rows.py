"""The nouns of call strategies: a strategy, its rows by outcome, and the steps of a row. Data without behaviour."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.outcomes import OUTCOMES, Outcome, RetryClass
from app.units import Number


class PhoneMove(enum.Enum):
    """Which phone is called next, where no place is named."""

    SAME = "same"
    NEXT = "next"
    """The one after it that is there, round to the first again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """Hours on the callee's clock, in minutes from midnight: from the first, up to but without the last."""

    from_minute: int
    to_minute: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One way to try again. wait_ms: from the end of the try, at least; is_tomorrow: not on the same date either.

    between: then in these hours, the first that come; phone: a move, or a place (1 to 5; where it is empty, phone 1).
    times: how often this step is taken before the row's next.
    """

    wait_ms: int = 0
    is_tomorrow: bool = False
    between: Between | None = None
    phone: PhoneMove | int = PhoneMove.SAME
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is done after these outcomes: its steps in turn, counted over all of them; none left: the contact closes.

    is_rest: the row of whatever no other row names.
    """

    outcomes: frozenset[Outcome]
    steps: tuple[Step, ...] = ()
    is_rest: bool = False


ANOTHER_PHONE: Final = Step(phone=PhoneMove.NEXT, times=5)
"""A number that is no good: another one of theirs, at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStrategy:
    """A strategy, shared by campaigns. version: of its file, 1, 2, …

    max_attempts: charged tries of a contact in all; per_phone: of one number; per_day: on one date of the callee's;
    0: as many as the others allow. rows: each outcome in one of them at most.
    """

    name: str
    version: int = 0
    title: str = ""
    max_attempts: int = 6
    per_phone: int = 0
    per_day: int = 0
    rows: tuple[Row, ...] = ()

    def row_of(self, outcome: Outcome) -> Row:
        """The row that takes an outcome; where none is written: another phone after a bad number, else the end."""
        found = next((row for row in self.rows if outcome in row.outcomes), None)
        if found is not None:
            return found
        is_bad_number = OUTCOMES[outcome].retry is RetryClass.FIX
        return Row(outcomes=frozenset({outcome}), steps=(ANOTHER_PHONE,) if is_bad_number else (), is_rest=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """A try that is over: what came of which number, and when it was opened. is_charged: it counts."""

    number: Number
    outcome: Outcome
    opened_at_ms: int
    is_charged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Phones:
    """A contact's phones by their place, 1 to 5; "" where there is none. time_zone: their own; "": not known."""

    numbers: tuple[str, ...] = ()
    time_zone: str = ""

    @property
    def places(self) -> Mapping[int, Number]:
        """Place → number, of those that are there."""
        return {place: Number(found) for place, found in enumerate(self.numbers, 1) if found}

    def place_of(self, number: Number) -> int:
        """Where a number stands; 1 for one that is not there any more."""
        return next((place for place, found in self.places.items() if found == number), 1)


class Closing(enum.Enum):
    """Why a contact is not tried again."""

    DONE = "done"
    """Tried as often as the strategy allows."""
    NO_PHONE = "no phone"
    """None of its numbers is a good one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextTry:
    """When a contact is tried again, and on which of its phones (its place)."""

    due_at_ms: int
    phone: int
