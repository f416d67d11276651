"""How often, and how soon again: frequency caps and cool-downs, from a plain history of calls.

What is not known of a call counts against it: a call without a debt is taken to have been about this one. A person
that is not known is their number, and a number that was called counts for whoever has it now.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import assert_never

from app.compliance.rules import Calendar, Callee, CooldownRule, FrequencyRule, Key, PastCall, Rolling
from app.compliance.windows import local_date
from app.compliance.zones import Place, zone

Tally = tuple[int, int | None]
"""How many calls count now, and the first instant from now on at which one more may be made (None: never)."""


def tally(rule: FrequencyRule, callee: Callee, place: Place, history: Iterable[PastCall], at_ms: int) -> Tally:
    """How many calls count against a cap at an instant, and when it allows one more."""
    times = sorted(past.at_ms for past in history if past.kind in rule.kinds and _is_same(rule.keys, callee, past))
    match rule.period:
        case Rolling(length_ms=length_ms):
            return _rolling(times, rule.most, length_ms, at_ms)
        case Calendar():
            return _calendar(times, rule.most, rule.period, place, at_ms)
        case _ as never:
            assert_never(never)


def is_looked_at(rule: FrequencyRule, callee: Callee) -> bool:
    """Whether the cap is for calls of this kind."""
    return callee.kind in rule.kinds


def cold_until(rule: CooldownRule, callee: Callee, history: Iterable[PastCall]) -> int | None:
    """Until when a cool-down holds, from the last call that left its mark; None: there was none, or it is waived."""
    if rule.unless_agent and callee.agent_guaranteed:
        return None
    marked = [past.at_ms for past in history if rule.after in past.marks and _is_same(rule.keys, callee, past)]
    return max(marked) + rule.period.length_ms if marked else None


def _rolling(times: list[int], most: int, length_ms: int, at_ms: int) -> Tally:
    counted = [time for time in times if time > at_ms - length_ms]
    if len(counted) < most:
        return len(counted), at_ms
    return len(counted), counted[-most] + length_ms if most else None


def _calendar(times: list[int], most: int, period: Calendar, place: Place, at_ms: int) -> Tally:
    """In every zone the callee may be in; the fullest period counts."""
    if not place.zones:
        return len(times), None
    fullest = max(_in_period(times, period, name, at_ms) for name in place.zones)
    if most == 0:
        return fullest, None
    instant = at_ms
    while True:
        full = [name for name in place.zones if _in_period(times, period, name, instant) >= most]
        if not full:
            return fullest, instant
        later = max(_next_begins(period, name, instant) for name in full)
        assert later > instant, (place.zones, period, instant)
        instant = later


def _in_period(times: list[int], period: Calendar, name: str, at_ms: int) -> int:
    """Calls since the period began; a history that runs ahead of the instant counts as well."""
    began = first_day(period, local_date(name, at_ms))
    return sum(local_date(name, time) >= began for time in times)


def first_day(period: Calendar, day: dt.date) -> dt.date:
    """The first day of the period that a day is in."""
    match period:
        case Calendar.DAY:
            return day
        case Calendar.WEEK:
            return day - dt.timedelta(days=day.weekday())
        case Calendar.MONTH:
            return day.replace(day=1)
        case _ as never:
            assert_never(never)


def _next_begins(period: Calendar, name: str, at_ms: int) -> int:
    """When the next period begins: the first instant of its first day, also where midnight is skipped."""
    first = first_day(period, local_date(name, at_ms))
    length = {Calendar.DAY: 1, Calendar.WEEK: 7, Calendar.MONTH: 31}[period]
    following = first_day(period, first + dt.timedelta(days=length))
    midnight = dt.datetime(following.year, following.month, following.day, tzinfo=zone(name))
    return int(midnight.timestamp() * 1_000)


def _is_same(keys: frozenset[Key], callee: Callee, past: PastCall) -> bool:
    return all(_is_same_by(key, callee, past) for key in keys)


def _is_same_by(key: Key, callee: Callee, past: PastCall) -> bool:
    match key:
        case Key.NUMBER:
            return callee.number == past.number
        case Key.PERSON:
            return callee.number == past.number or (bool(callee.person) and callee.person == past.person)
        case Key.DEBT:
            return _may_be_same(callee.debt, past.debt)
        case Key.SELLER:
            return _may_be_same(callee.seller, past.seller)
        case Key.SUBJECT:
            return _may_be_same(callee.subject, past.subject)
        case _ as never:
            assert_never(never)


def _may_be_same(ours: str, theirs: str) -> bool:
    return not ours or not theirs or ours == theirs
