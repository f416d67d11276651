"""Clocks of whoever is called: their zones, moments on them, and the moment nearest to one that was asked for.

When somebody may be called is not decided here: the campaign's law says it (app.store.law).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import phonenumbers
from babel.core import get_global
from phonenumbers import timezone as number_zones

from app.units import HOUR_MS, MINUTE_MS

STEP_MS: Final = 15 * MINUTE_MS
"""Suggested times are on the quarter hour."""
REACH_MS: Final = 48 * HOUR_MS
"""How far a suggestion may lie from what was asked."""
_UNKNOWN: Final = "Etc/Unknown"


@lru_cache(maxsize=4096)
def zones_of(number: str, time_zone: str = "") -> tuple[str, ...]:
    """The zones somebody may be in: their own where it is known, else those of their number; empty: no idea."""
    if time_zone and _zone(time_zone) is not None:
        return (time_zone,)
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return ()
    by_number = [name for name in number_zones.time_zones_for_number(parsed) if name != _UNKNOWN and _zone(name)]
    region = phonenumbers.region_code_for_number(parsed)
    region = region or phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    by_country = [name for name in get_global("territory_zones").get(region, ()) if _zone(name)]
    exact = [name for name in by_number if name in by_country]
    if len(exact) == 1:
        return (exact[0],)
    return tuple(_apart(sorted(by_country, key=lambda name: name not in by_number) or by_number))


def nearest_allowed(at_ms: int, now_ms: int, is_allowed: Callable[[int], bool]) -> int | None:
    """The allowed time nearest to the one asked for: that time itself, or a quarter hour; None: none in two days."""
    if at_ms >= now_ms and is_allowed(at_ms):
        return at_ms
    return next((one for one in _around(max(at_ms, now_ms)) if one >= now_ms and is_allowed(one)), None)


def local(at_ms: int, zone: str) -> datetime:
    """A moment on the clock of a zone. Raises ValueError for a zone that is none."""
    place = _zone(zone)
    if place is None:
        raise ValueError(f"not a time zone: {zone[:64]!r}")
    return datetime.fromtimestamp(at_ms / 1_000, tz=UTC).astimezone(place)


def at_local(written: str, zone: str) -> int:
    """The moment of a date and time on the clock of a zone: `2025-11-23T10:30`. Raises ValueError.

    An hour that the clock skips in spring is read as after the jump; one that comes twice in autumn as the first.
    """
    place = _zone(zone)
    if place is None:
        raise ValueError(f"not a time zone: {zone[:64]!r}")
    when = datetime.fromisoformat(written[:19])
    if when.tzinfo is not None:
        raise ValueError("the time has a zone of its own")
    return int(when.replace(tzinfo=place).timestamp() * 1_000)


def _around(at_ms: int) -> Iterator[int]:
    """Quarter hours, the nearest first; of two as near, the later: who asks for 20:00 wants the evening over."""
    after = at_ms + -at_ms % STEP_MS
    before = at_ms - at_ms % STEP_MS
    for away_ms in range(0, REACH_MS, STEP_MS):
        yield from sorted((after + away_ms, before - away_ms), key=lambda one: (abs(one - at_ms), -one))


def _apart(names: list[str]) -> list[str]:
    """One zone for each clock, west to east: those that show the same time in winter and in summer are one."""
    seen: dict[tuple[timedelta, ...], str] = {}
    for name in names:
        days = (datetime(2025, month, 15, tzinfo=ZoneInfo(name)) for month in (1, 7))
        seen.setdefault(tuple(day.utcoffset() or timedelta() for day in days), name)
    return [seen[clock] for clock in sorted(seen)]


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo | None:
    if not 0 < len(name) <= 64 or name.startswith(("/", ".")):
        return None
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # not a zone, a folder, nothing
        return None
