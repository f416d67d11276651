"""Where a callee may be: every time zone their clock may show, and whose holidays they may keep.

The contact's own column is believed first. Else the number's zones (by the library phonenumbers: an area code's own,
the whole country for mobiles that have none) are laid beside those of the contact's country and region. What is given
and cannot be read is never passed over: then nobody knows, and who is not known to be awake is not called.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import phonenumbers
from babel.core import get_global
from phonenumbers import PhoneNumberType
from phonenumbers import timezone as number_zones

from app.compliance.regions import ZONES_OF_REGION
from app.compliance.rules import Callee

_ZONE_NAME: Final = re.compile(r"[A-Z][A-Za-z]+(/[A-Za-z][A-Za-z0-9_+-]*){1,2}")
_NOWHERE: Final = ("Etc", "SystemV")
_ALIASES: Final = {"UK": "GB", "EL": "GR"}
_BOUND: Final = {PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}
_NOT_MOBILE: Final = {
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.TOLL_FREE,
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.UAN,
    PhoneNumberType.VOICEMAIL,
}


PLACES: Final = 4_096
"""Numbers whose place is remembered: one is asked about again within seconds, when it is called and when that ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where somebody may be. zones: all must allow a call; empty: unknown. countries: any of these (ISO 3166-1).

    region: the subdivision where country and region are known, without its country. why: how the zones were found.
    """

    zones: tuple[str, ...]
    why: str
    countries: frozenset[str] = frozenset()
    region: str = ""
    may_be_mobile: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfNumber:
    """What a number tells: zones and countries it may be of."""

    zones: frozenset[str]
    countries: frozenset[str]
    may_be_mobile: bool


def place_of(callee: Callee) -> Place:
    """Every zone the callee may be in, and why."""
    return _place(callee.number, callee.time_zone.strip(), callee.country.strip(), callee.region.strip())


def zone(name: str) -> ZoneInfo | None:
    """A zone of the tz database where people live; None for offsets and abbreviations, whose summer nobody knows."""
    if not _ZONE_NAME.fullmatch(name) or name.partition("/")[0] in _NOWHERE:
        return None
    return _known_zone(name)


@lru_cache(maxsize=1024)
def _known_zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # no zone, a folder, nothing
        return None


@lru_cache(maxsize=PLACES)
def _place(number: str, column: str, country: str, region: str) -> Place:
    told = _of_number(number)
    code = _ALIASES.get(country.upper(), country.upper())
    region = region.upper()
    if "-" in region:
        of_region, _, region = region.partition("-")
        if code and of_region != code:
            return Place(zones=(), why=f"the region {of_region}-{region} does not lie in the country {code}")
        code = of_region
    if code and code not in phonenumbers.SUPPORTED_REGIONS:
        return Place(zones=(), why=f"{code[:24]!r} is no country; write two letters of ISO 3166, such as GB")
    countries = _countries(told.countries, code)
    if len(countries) != 1:
        region = ""
    elif region:
        (code,) = countries
    zones, why = _zones(told.zones, column, code, region)
    return Place(
        zones=zones, why=why, countries=countries, region=region if code else "", may_be_mobile=told.may_be_mobile
    )


def _countries(of_number: frozenset[str], code: str) -> frozenset[str]:
    """The countries whose holidays may hold: the contact's own, and the number's where that is another."""
    if not code:
        return of_number
    same_plan = phonenumbers.country_code_for_region(code)
    elsewhere = {one for one in of_number if phonenumbers.country_code_for_region(one) != same_plan}
    return frozenset({code} | elsewhere)


def _zones(of_number: frozenset[str], column: str, code: str, region: str) -> tuple[tuple[str, ...], str]:
    if column:
        if zone(column) is None:
            return (), f"{column[:40]!r} is no time zone; write a place of the tz database, such as Europe/London"
        return (column,), "the contact's own time zone"
    if region and (of_region := frozenset(ZONES_OF_REGION.get(f"{code}-{region}", ()))):
        if of_region <= of_number or not of_number:
            return _sorted(of_region), f"the region {code}-{region}"
        return _sorted(of_region | of_number), f"the region {code}-{region}, and the number"
    if code:
        of_country = _zones_of_country(code)
        if not of_number:
            return _sorted(of_country), f"the country {code}"
        if both := of_number & of_country:
            return _sorted(both), f"the number, in the country {code}"
        return _sorted(of_number | of_country), f"the number, and the country {code}, which is another"
    return _sorted(of_number), "the number" if of_number else "the number tells no place, and no column does"


def _sorted(names: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(names))


@lru_cache(maxsize=512)
def _zones_of_country(code: str) -> frozenset[str]:
    return frozenset(name for name in get_global("territory_zones").get(code, ()) if zone(name) is not None)


def _of_number(number: str) -> _OfNumber:
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return _OfNumber(zones=frozenset(), countries=frozenset(), may_be_mobile=True)
    kind = phonenumbers.number_type(parsed)
    own = phonenumbers.region_code_for_number(parsed)
    plan = frozenset(phonenumbers.region_codes_for_country_code(parsed.country_code or 0)) - {"001"}
    countries = frozenset({own}) if own and own in plan and kind in _BOUND else plan
    zones = frozenset[str]()
    if phonenumbers.is_number_type_geographical(kind, parsed.country_code or 0):
        by_area = frozenset(number_zones.time_zones_for_geographical_number(parsed))
        zones = by_area if all(zone(name) is not None for name in by_area) else frozenset()
    if not zones:
        zones = frozenset[str]().union(*(_zones_of_country(code) for code in countries))
    return _OfNumber(zones=zones, countries=countries, may_be_mobile=kind not in _NOT_MOBILE)
