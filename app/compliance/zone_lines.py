"""Which line somebody waits in where a campaign's time zones take turns: one line for each standard time of the world.

Zones of one clock are one line, whatever their summer: New York and Toronto wait together, and so do not get two turns.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from app.compliance.zones import Place, zone

COMMON: Final = 0
"""The line of campaigns without turns, and of contacts that were not sorted yet."""
NOWHERE: Final = 1
"""Nobody knows where they are."""
SEVERAL: Final = 2
"""They may be in zones of different clocks: a mobile of a wide country."""
_GREENWICH: Final = 1_000
"""The line of UTC; the others are by their minutes east of it: 280 to 1 840."""


def zone_line(place: Place) -> int:
    """The line of somebody who may be at a place."""
    offsets = {_standard_minutes(name) for name in place.zones}
    if not offsets:
        return NOWHERE
    return _GREENWICH + offsets.pop() if len(offsets) == 1 else SEVERAL


def zone_words(line: int) -> str:
    """A line for people: `UTC+3`, `UTC-3:30`."""
    match line:
        case 1:
            return "time zone unknown"
        case 2:
            return "several time zones"
    hours, minutes = divmod(abs(line - _GREENWICH), 60)
    sign = "-" if line < _GREENWICH else "+"
    return f"UTC{sign}{hours}" + (f":{minutes:02}" if minutes else "")


@lru_cache(maxsize=1024)
def _standard_minutes(name: str) -> int:
    """Minutes east of Greenwich in standard time: the less of a January's and a July's, on either half of the world."""
    found = zone(name)
    assert found is not None, "a place has zones that are known"
    both = (datetime(2025, month, 1, tzinfo=found).utcoffset() for month in (1, 7))
    return min(int((one or timedelta()).total_seconds()) // 60 for one in both)
