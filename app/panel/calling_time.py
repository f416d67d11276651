"""When somebody may be called: the hours of their own clock, wherever that is, as far as it is known.

The rules here are the default of every campaign: 09:00 to 20:00 in the contact's zone. Where the zone is not known it
is worked out from the number; a number that several zones share may be called when all of them allow it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import phonenumbers
from babel.core import get_global
from phonenumbers import timezone as number_zones

from app.units import HOUR_MS, MINUTE_MS

OPENS_AT: Final = 9
CLOSES_AT: Final = 20
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


def is_open(at_ms: int, zones: tuple[str, ...]) -> bool:
    """Whether everybody in these zones may be called then; nobody may whose zone is not known."""
    return bool(zones) and all(OPENS_AT <= _hour(at_ms, name) < CLOSES_AT for name in zones)


def nearest_open(at_ms: int, now_ms: int, zones: tuple[str, ...]) -> int | None:
    """The legal time nearest to the one asked for: that time itself, or a quarter hour; None: none within two days."""
    if at_ms >= now_ms and is_open(at_ms, zones):
        return at_ms
    return next((one for one in _around(max(at_ms, now_ms)) if one >= now_ms and is_open(one, zones)), None)


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


def _hour(at_ms: int, zone: str) -> int:
    return local(at_ms, zone).hour
