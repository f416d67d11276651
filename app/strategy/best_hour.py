"""At which hour, and on which phone, somebody is best called again: learned from who answered when.

A chance of an answer is told from four sources, each leaning on the one before it as long as it knows little: calls of
the campaign altogether, of that kind of phone (mobile, work, home), of that kind at that hour of the callee's clock,
and the contact's own on that phone at that hour. Leaning is a number of calls which the source before counts for (the
mean of a beta-binomial with that many prior calls): three answers of four calls do not make an hour good.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from app.outcomes import LIVE_ANSWERS
from app.strategy.choose import bad_numbers
from app.strategy.rows import Phones, Try
from app.units import HOUR_MS, Number

HORIZON_MS: Final = 24 * HOUR_MS
"""A try is put off by less than a day."""
KNOWN_CALLS: Final = 30
"""An hour of which fewer calls are known is nobody's best: it may be one at which nobody was called for good reason."""
WORTH: Final = 1.15
"""A better hour or phone is taken where its chance is this many times that of the planned one."""
GUESS: Final = 0.25
"""Answers a call, before anything is known."""
_LEAN_ALL: Final = 20
_LEAN_KIND: Final = 50
_LEAN_HOUR: Final = 40
_LEAN_OWN: Final = 4
"""How many calls the source before counts for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Calls that were made, and how many of them a person answered."""

    calls: int = 0
    answers: int = 0

    def __add__(self, other: Heard) -> Heard:
        return Heard(calls=self.calls + other.calls, answers=self.answers + other.answers)

    def leaning(self, on: float, calls: int) -> float:
        """The chance of an answer, when so many calls are taken to have been answered as the source before says."""
        return (self.answers + on * calls) / (self.calls + calls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chances:
    """What a campaign learned. heard: by kind of phone ("": not said) and hour of the callee's clock, 0 to 23.

    kinds, total: the same, added up.
    """

    heard: Mapping[tuple[str, int], Heard] = field(default_factory=dict)
    kinds: Mapping[str, Heard] = field(default_factory=dict)
    total: Heard = Heard()

    @classmethod
    def of(cls, heard: Mapping[tuple[str, int], Heard]) -> Chances:
        """By these calls."""
        kinds: dict[str, Heard] = {}
        for (kind, _), one in heard.items():
            kinds[kind] = kinds.get(kind, Heard()) + one
        return cls(heard=heard, kinds=kinds, total=sum(kinds.values(), Heard()))

    def at(self, kind: str, hour: int) -> Heard:
        """The calls to that kind of phone at that hour."""
        return self.heard.get((kind, hour), Heard())

    def chance(self, kind: str, hour: int, own: Heard) -> float:
        """How likely somebody answers there and then; own: what they did so far."""
        of_all = self.total.leaning(GUESS, _LEAN_ALL)
        of_kind = self.kinds.get(kind, Heard()).leaning(of_all, _LEAN_KIND)
        of_hour = self.at(kind, hour).leaning(of_kind, _LEAN_HOUR)
        return own.leaning(of_hour, _LEAN_OWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When and where somebody is called again, and why. hour: of their clock; chance, planned: of an answer, 0 to 1.

    planned: at the time and phone that the tries' delay alone would have. calls: known of that kind of phone and hour.
    """

    due_at_ms: int
    phone: int
    hour: int
    chance: float
    planned: float
    calls: int


def best_timing(
    chances: Chances,
    phones: Phones,
    kinds: Sequence[str],
    tries: Sequence[Try],
    clock: tzinfo,
    planned: tuple[int, int],
) -> Timing | None:
    """A better time or phone than planned (due at, place of the phone); None: as planned, or too little is known.

    kinds: of the phones, in their places. tries: all so far. Of equal chances the earliest, on the first phone.
    """
    due_at_ms, place = planned
    before = _chance(chances, phones, kinds, tries, clock, due_at_ms, place)
    best: Timing | None = None
    dead = bad_numbers(tries)
    alive = [one for one, number in sorted(phones.places.items()) if number not in dead]
    for at_ms in _hours(due_at_ms, clock):
        hour = hour_of(at_ms, clock)
        for one in alive:
            known = chances.at(_kind(kinds, one), hour).calls
            if known < KNOWN_CALLS or (at_ms, one) == planned:
                continue
            chance = _chance(chances, phones, kinds, tries, clock, at_ms, one)
            if chance >= WORTH * before and (best is None or chance > best.chance):
                best = Timing(due_at_ms=at_ms, phone=one, hour=hour, chance=chance, planned=before, calls=known)
    return best


def _chance(
    chances: Chances,
    phones: Phones,
    kinds: Sequence[str],
    tries: Sequence[Try],
    clock: tzinfo,
    at_ms: int,
    place: int,
) -> float:
    hour = hour_of(at_ms, clock)
    return chances.chance(_kind(kinds, place), hour, own(tries, phones.places.get(place), hour, clock))


def own(tries: Sequence[Try], number: Number | None, hour: int, clock: tzinfo) -> Heard:
    """What came of somebody's own calls on a number at an hour."""
    mine = [
        one for one in tries if one.is_charged and one.number == number and hour_of(one.opened_at_ms, clock) == hour
    ]
    return Heard(calls=len(mine), answers=sum(one.outcome in LIVE_ANSWERS for one in mine))


def _hours(from_ms: int, clock: tzinfo) -> Iterator[int]:
    """The time itself, and the beginning of each hour of the clock within the horizon."""
    yield from_ms
    local = _local(from_ms, clock)
    next_ms = from_ms + HOUR_MS - (local.minute * 60 + local.second) * 1_000 - from_ms % 1_000
    yield from range(next_ms, from_ms + HORIZON_MS, HOUR_MS)


def hour_of(at_ms: int, clock: tzinfo) -> int:
    """The hour of a clock, 0 to 23."""
    return _local(at_ms, clock).hour


def _local(at_ms: int, clock: tzinfo) -> datetime:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)).astimezone(clock)


def _kind(kinds: Sequence[str], place: int) -> str:
    return kinds[place - 1] if 1 <= place <= len(kinds) else ""
