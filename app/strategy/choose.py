"""After an attempt: the next try that a strategy asks for, or that there is none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from app.outcomes import OUTCOMES, Outcome, RetryClass
from app.strategy.clock import clock_of, date_of, day_after, first_between
from app.strategy.rows import CallStrategy, Closing, NextTry, PhoneMove, Phones, Row, Step, Try
from app.units import HOUR_MS, Number

_PASSED_ON: Final = Step(wait_ms=HOUR_MS)


def next_try(strategy: CallStrategy, phones: Phones, tries: Sequence[Try], last: Try, now_ms: int) -> NextTry | Closing:
    """What follows from `last`, which ended now; tries: the ones before it, of this campaign."""
    done = (*tries, last)
    dead = bad_numbers(done)
    step = _step(strategy.row_of(last.outcome), tries, last)
    if step is None or _charged(done) >= strategy.max_attempts:
        return _closing(phones, dead)
    place = _phone(strategy, step, phones, done, last.number)
    if place is None:
        return _closing(phones, dead)
    clock = clock_of(phones.places[place], phones.time_zone)
    return NextTry(due_at_ms=_due(strategy, step, done, now_ms, clock), phone=place)


def next_good_phone(phones: Phones, tries: Sequence[Try], last: Try) -> int | None:
    """The place of another number when this one is no good, for contacts without a strategy; None: there is none."""
    dead = bad_numbers((*tries, last))
    return next((place for place in _after(phones, last.number) if phones.places[place] not in dead), None)


def next_free_phone(phones: Phones, tries: Sequence[Try], number: Number, barred: Collection[Number]) -> int | None:
    """The place of the phone that is called when this number may not be; None: none of them is free and good."""
    out = bad_numbers(tries) | frozenset(barred) | {number}
    return next((place for place in _after(phones, number) if phones.places[place] not in out), None)


def bad_numbers(tries: Sequence[Try]) -> frozenset[Number]:
    """The numbers that a try has shown to be no good: not in service, wrong, a fax."""
    return frozenset(one.number for one in tries if OUTCOMES[one.outcome].retry is RetryClass.FIX)


def _step(row: Row, tries: Sequence[Try], last: Try) -> Step | None:
    """The row's step for this time; None: all were taken.

    An agent who passes a contact on without a call takes no step of it, unless a row names just that.
    """
    if row.is_rest and not last.is_charged:
        return row.steps[0] if row.steps else _PASSED_ON
    taken = sum(1 for one in tries if one.outcome in row.outcomes and (one.is_charged or not row.is_rest))
    for step in row.steps:
        if taken < step.times:
            return step
        taken -= step.times
    return None


def _charged(tries: Sequence[Try], number: Number | None = None) -> int:
    return sum(1 for one in tries if one.is_charged and number in (None, one.number))


def _phone(strategy: CallStrategy, step: Step, phones: Phones, done: Sequence[Try], last: Number) -> int | None:
    """The place of the phone to call: the step's own, else the next that may be called."""
    dead = bad_numbers(done)
    may_be = {
        place
        for place, number in phones.places.items()
        if number not in dead and not (strategy.per_phone and _charged(done, number) >= strategy.per_phone)
    }
    return next((place for place in _wished(step, phones, last) if place in may_be), None)


def _wished(step: Step, phones: Phones, last: Number) -> Iterator[int]:
    """Places in the order in which the step would have them."""
    match step.phone:
        case PhoneMove.SAME:
            yield phones.place_of(last)
        case PhoneMove.NEXT:
            pass
        case place:
            yield place
            yield 1
    yield from _after(phones, last)


def _after(phones: Phones, number: Number) -> Iterator[int]:
    """The places after a number's, round to its own, which is last."""
    own = phones.place_of(number)
    places = sorted(phones.places)
    yield from (place for place in places if place > own)
    yield from (place for place in places if place <= own)


def _due(strategy: CallStrategy, step: Step, done: Sequence[Try], now_ms: int, clock: dt.tzinfo) -> int:
    due_at_ms = now_ms + step.wait_ms
    if step.is_tomorrow:
        due_at_ms = max(due_at_ms, day_after(now_ms, clock))
    if step.between is not None:
        due_at_ms = first_between(due_at_ms, step.between, clock)
    if strategy.per_day and _on_date(done, date_of(due_at_ms, clock), clock) >= strategy.per_day:
        due_at_ms = day_after(due_at_ms, clock)
        if step.between is not None:
            due_at_ms = first_between(due_at_ms, step.between, clock)
    return due_at_ms


def _on_date(tries: Sequence[Try], date: dt.date, clock: dt.tzinfo) -> int:
    return sum(1 for one in tries if one.is_charged and date_of(one.opened_at_ms, clock) == date)


def _closing(phones: Phones, dead: Collection[Number]) -> Closing:
    return Closing.NO_PHONE if all(number in dead for number in phones.places.values()) else Closing.DONE


def retriable(outcome: Outcome) -> bool:
    """Whether a strategy has a say after this outcome: not after an end, a fault of ours, or what nobody knows."""
    return OUTCOMES[outcome].retry in (RetryClass.LATER, RetryClass.FIX)
