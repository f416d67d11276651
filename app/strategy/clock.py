"""The callee's clock, as a strategy looks at it: dates, and the next hours of a kind.

A wish and no law: where several clocks are possible one of them is looked at, and where none is known UTC; whether the
call may be made then is decided by app.compliance.
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from app.compliance.rules import Callee
from app.compliance.zones import place_of, zone
from app.strategy.rows import Between
from app.units import Number


def clock_of(number: Number, time_zone: str) -> dt.tzinfo:
    """The clock of whoever has this number."""
    zones = place_of(Callee(number=number, time_zone=time_zone)).zones
    found: ZoneInfo | None = zone(zones[0]) if zones else None
    return found or dt.UTC


def date_of(at_ms: int, clock: dt.tzinfo) -> dt.date:
    """The date there."""
    return dt.datetime.fromtimestamp(at_ms // 1_000, tz=clock).date()


def day_after(at_ms: int, clock: dt.tzinfo) -> int:
    """The first instant of the next date there."""
    return _instant(date_of(at_ms, clock) + dt.timedelta(days=1), 0, clock)


def first_between(at_ms: int, hours: Between, clock: dt.tzinfo) -> int:
    """The first instant from `at_ms` on that lies in the hours; itself where it does."""
    date = date_of(at_ms, clock)
    for ahead in range(3):  # a clock that is set forward may leave an hour of one day out
        day = date + dt.timedelta(days=ahead)
        begin, end = _instant(day, hours.from_minute, clock), _instant(day, hours.to_minute, clock)
        if at_ms < end and begin < end:
            return max(at_ms, begin)
    return at_ms


def _instant(day: dt.date, minute: int, clock: dt.tzinfo) -> int:
    midnight = dt.datetime(day.year, day.month, day.day, tzinfo=clock)
    wall = midnight + dt.timedelta(minutes=minute)  # on the wall: arithmetic of one tzinfo knows no jump
    return round(wall.timestamp()) * 1_000
