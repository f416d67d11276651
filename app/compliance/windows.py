"""Allowed hours on the wall clocks of every zone a callee may be in, right where those clocks jump.

An instant is allowed when every possible clock shows an allowed hour. To find when it is allowed next, time is cut
where a zone's offset changes: between two cuts a wall clock runs as any other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final

from app.compliance.almanac import readings
from app.compliance.rules import Hours, WindowRule
from app.compliance.zones import Place, zone
from app.units import DAY_MS, HOUR_MS, MINUTE_MS

HORIZON_MS: Final = 32 * DAY_MS
"""Hours that do not come within so long are said never to come."""
_STRIDE_MS: Final = 12 * HOUR_MS
"""No zone changes its offset twice in so short a time."""
_EPOCH: Final = dt.date(1970, 1, 1).toordinal()
Spans = tuple[tuple[int, int], ...]


def offset_ms(name: str, at_ms: int) -> int:
    """How far the wall clock of a known zone is before UTC at an instant."""
    place = zone(name)
    assert place is not None, name
    offset = dt.datetime.fromtimestamp(at_ms // 1_000, tz=place).utcoffset()
    assert offset is not None
    return offset // dt.timedelta(milliseconds=1)


def local_date(name: str, at_ms: int) -> dt.date:
    """The date on the wall of a known zone."""
    return dt.date.fromordinal(_EPOCH + (at_ms + offset_ms(name, at_ms)) // DAY_MS)


def names_holidays(rule: WindowRule) -> bool:
    """Whether a holiday makes a difference to the rule."""
    return any(row.on_holidays or row.except_holidays for row in rule.hours)


def spans_of_day(rule: WindowRule, day: dt.date, place: Place) -> Spans:
    """The allowed hours of one date in minutes: those that hold in every reading of the day."""
    if not names_holidays(rule):
        return _union(row for row in rule.hours if day.isoweekday() in row.weekdays)
    found: Spans = ((0, 24 * 60),)
    for is_holiday in readings(day, place.countries, place.region):
        found = _both(found, _union(_rows(rule, day, is_holiday)))
    return found


def opens(rule: WindowRule, place: Place, at_ms: int) -> int | None:
    """The first instant from `at_ms` on that every zone of the place allows; `at_ms` itself where it does.

    None: the zones are not known, or their hours do not meet within HORIZON_MS.
    """
    if not place.zones:
        return None
    instant, end_ms = at_ms, at_ms + HORIZON_MS
    while instant < end_ms:
        latest = instant
        for name in place.zones:
            opened = _opens_in(rule, place, name, latest, end_ms)
            if opened is None:
                return None
            latest = opened
        if latest == instant:
            return instant
        instant = latest
    return None


def _opens_in(rule: WindowRule, place: Place, name: str, from_ms: int, end_ms: int) -> int | None:
    """The first allowed instant of one zone in [from_ms, end_ms)."""
    while from_ms < end_ms:
        offset = offset_ms(name, from_ms)
        until_ms = _same_offset_until(name, from_ms, min(from_ms + _STRIDE_MS, end_ms), offset)
        for midnight in range((from_ms + offset) // DAY_MS * DAY_MS, until_ms + offset, DAY_MS):
            day = dt.date.fromordinal(_EPOCH + midnight // DAY_MS)
            for begin, end in spans_of_day(rule, day, place):
                first = max(from_ms, midnight + begin * MINUTE_MS - offset)
                if first < min(until_ms, midnight + end * MINUTE_MS - offset):
                    return first
        from_ms = until_ms
    return None


def closes(rule: WindowRule, place: Place, at_ms: int, end_ms: int) -> int:
    """The first instant from `at_ms` on that some zone of the place does not allow; `end_ms` where that is later."""
    if not place.zones:
        return min(at_ms, end_ms)
    for name in place.zones:
        end_ms = _closes_in(rule, place, name, at_ms, end_ms)
    return end_ms


def _closes_in(rule: WindowRule, place: Place, name: str, at_ms: int, end_ms: int) -> int:
    """The first instant of [at_ms, end_ms) that one zone does not allow, else end_ms."""
    while at_ms < end_ms:
        offset = offset_ms(name, at_ms)
        midnight = (at_ms + offset) // DAY_MS * DAY_MS
        day = dt.date.fromordinal(_EPOCH + midnight // DAY_MS)
        minute_ms = at_ms + offset - midnight
        ends = (end * MINUTE_MS for begin, end in spans_of_day(rule, day, place) if begin * MINUTE_MS <= minute_ms)
        until = next((end for end in ends if minute_ms < end), None)
        if until is None:
            return at_ms
        # Where the offset changes, the clock is read anew; no zone changes twice in a stride.
        at_ms = _same_offset_until(name, at_ms, min(at_ms + _STRIDE_MS, midnight + until - offset, end_ms), offset)
    return end_ms


def _same_offset_until(name: str, from_ms: int, until_ms: int, offset: int) -> int:
    """Where the offset first changes in (from_ms, until_ms]; until_ms where it does not."""
    if offset_ms(name, until_ms) == offset:
        return until_ms
    while until_ms - from_ms > 1:
        middle = (from_ms + until_ms) // 2
        if offset_ms(name, middle) == offset:
            from_ms = middle
        else:
            until_ms = middle
    return until_ms


def _rows(rule: WindowRule, day: dt.date, is_holiday: bool) -> list[Hours]:
    if is_holiday and any(row.on_holidays for row in rule.hours):
        return [row for row in rule.hours if row.on_holidays]
    return [row for row in rule.hours if day.isoweekday() in row.weekdays and not (is_holiday and row.except_holidays)]


def _union(rows: Iterable[Hours]) -> Spans:
    found: list[tuple[int, int]] = []
    for begin, end in sorted((row.from_minute, row.to_minute) for row in rows):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return tuple(found)


def _both(some: Spans, others: Spans) -> Spans:
    met = ((max(a, c), min(b, d)) for a, b in some for c, d in others)
    return tuple(sorted(span for span in met if span[0] < span[1]))
