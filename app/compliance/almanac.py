"""Public holidays of a callee's place, and what is not known of them (by the library holidays).

A day is read in every way that may be true: a holiday of a part of the country, when the part is not known, is read
both as a holiday and as none, and so is every day of a country whose holidays nobody has written down.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Final

import holidays

_APART: Final = {"FR": frozenset(["971", "972", "973", "974", "976", "BL", "MF", "NC", "PF", "PM", "TF", "WF"])}
"""Parts with a country code, calling code and zone of their own: who is in France is not there."""
_BOTH: Final = frozenset({True, False})
_YES: Final = frozenset({True})
_NO: Final = frozenset({False})


def readings(day: dt.date, countries: frozenset[str], region: str = "") -> frozenset[bool]:
    """Whether a day is a public holiday for somebody in any of these countries: every answer that may be true."""
    if not countries:
        return _BOTH
    return frozenset[bool]().union(*(_in_country(day, country, region) for country in countries))


def _in_country(day: dt.date, country: str, region: str) -> frozenset[bool]:
    known = _year(country, region, day.year)
    if known is None:
        return _BOTH
    certain, possible = known
    if day in certain:
        return _YES
    return _BOTH if day in possible else _NO


@lru_cache(maxsize=1024)
def _year(country: str, region: str, year: int) -> tuple[frozenset[dt.date], frozenset[dt.date]] | None:
    """A year's holidays: those everywhere, and those anywhere. None: not known."""
    parts = _parts().get(country)
    if parts is None:
        return None
    if region in parts:
        days = _days(country, region, year)
        return (days, days) if days else None
    apart = _APART.get(country, frozenset())
    each = [_days(country, part, year) for part in (None, *parts) if part not in apart]
    if not any(each):
        return None
    return frozenset.intersection(*each), frozenset.union(*each)


def _days(country: str, part: str | None, year: int) -> frozenset[dt.date]:
    return frozenset(holidays.country_holidays(country, subdiv=part, years=year).keys())


@lru_cache(maxsize=1)
def _parts() -> dict[str, list[str]]:
    return holidays.list_supported_countries(include_aliases=False)
