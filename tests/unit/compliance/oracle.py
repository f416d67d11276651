"""What the law says, written apart from the program: no interval, no offset, no search, only questions to a clock.

A case is plain values. Each rule is asked of one instant by looking at zoneinfo's wall clock; "when next" is every
minute tried in turn. It shares the libraries zoneinfo and holidays with the program, and nothing else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import holidays

WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
MINUTE = 60_000


@dataclass
class Case:
    """rules: as a profile's file has them. zones, countries: by hand, beside the callee that should be found there."""

    rules: list[dict[str, Any]]
    callee: dict[str, Any]
    zones: list[str]
    countries: list[str]
    instant: int
    history: list[dict[str, Any]] = field(default_factory=list)

    def as_file(self) -> str:
        """A profile's file; JSON is YAML."""
        return json.dumps({"title": "a case", "rules": self.rules})


def wall(zone: str, at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, tz=ZoneInfo(zone))


def allows(case: Case, rule: dict[str, Any], at: int) -> bool:
    if rule["kind"] == "window":
        return bool(case.zones) and all(in_hours(case, rule, wall(zone, at)) for zone in case.zones)
    if rule["kind"] == "frequency":
        return frequency_allows(case, rule, at)
    if rule["kind"] == "cooldown":
        return cooldown_allows(case, rule, at)
    return consent_allows(case, rule, at)


def all_allow(case: Case, at: int) -> bool:
    return bool(case.zones) and all(allows(case, rule, at) for rule in case.rules)


def first_minute(case: Case, minutes: int) -> int | None:
    """The instant of the case, or the first whole minute after it that is allowed; None: none of so many."""
    if all_allow(case, case.instant):
        return case.instant
    start = case.instant // MINUTE * MINUTE + MINUTE
    return next((at for at in range(start, start + minutes * MINUTE, MINUTE) if all_allow(case, at)), None)


def in_hours(case: Case, rule: dict[str, Any], clock: datetime) -> bool:
    mentions = any("holidays" in str(row) for row in rule["hours"])
    answers = {False}
    if mentions:
        answers = {truth for country in case.countries for truth in holiday_truths(clock.date(), country, case)}
        answers = answers or {True, False}
    return all(in_rows(rule, clock, is_holiday) for is_holiday in answers)


def in_rows(rule: dict[str, Any], clock: datetime, is_holiday: bool) -> bool:
    for row in rule["hours"]:
        minute = clock.hour * 60 + clock.minute
        if not to_minute(row["from"]) <= minute < to_minute(row["to"]):
            continue
        named = [part.strip() for part in row["days"].split(",")]
        if is_holiday and any("holidays" in other["days"] for other in rule["hours"]):
            if "holidays" in named:
                return True
            continue
        if is_holiday and row.get("except"):
            continue
        if any(clock.weekday() in weekdays(part) for part in named if part != "holidays"):
            return True
    return False


def weekdays(part: str) -> list[int]:
    ends = [WEEK.index(name) for name in part.split("-")]
    return list(range(ends[0], ends[-1] + 1))


def to_minute(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


CALENDARS: dict[tuple[str, str | None, int], dict[date, str]] = {}
PARTS: dict[str, list[str]] = {"FR": ["57", "6AE", "Zone A", "Zone B", "Zone C"]}


def is_kept(day: date, country: str, part: str | None) -> bool:
    found = (country, part, day.year)
    if found not in CALENDARS:
        CALENDARS[found] = dict(holidays.country_holidays(country, subdiv=part, years=[day.year]).items())
    return day in CALENDARS[found]


def holiday_truths(day: date, country: str, case: Case) -> set[bool]:
    if not PARTS.get("", []):
        PARTS.update({name: parts for name, parts in holidays.list_supported_countries().items() if name != "FR"})
        PARTS[""] = ["read"]
    if country not in PARTS:
        return {True, False}
    region = case.callee.get("region", "")
    if region in PARTS[country]:
        return {is_kept(day, country, region)}
    return {is_kept(day, country, part) for part in [None, *PARTS[country]]}


def is_about(rule: dict[str, Any], case: Case, past: dict[str, Any]) -> bool:
    mine = case.callee
    for key in rule["same"]:
        if key == "number" and past["number"] != mine["number"]:
            return False
        if key == "person" and past["number"] != mine["number"]:
            if not mine.get("person") or past.get("person") != mine["person"]:
                return False
        elif key in ("debt", "seller", "subject"):
            known = [mine.get(key), past.get(key)]
            if all(known) and known[0] != known[1]:
                return False
    return True


def frequency_allows(case: Case, rule: dict[str, Any], at: int) -> bool:
    kinds = rule.get("of", ["live", "prerecorded"])
    if case.callee.get("kind", "live") not in kinds:
        return True
    past: list[int] = [
        one["at"] for one in case.history if one.get("kind", "live") in kinds and is_about(rule, case, one)
    ]
    period: str = rule["period"]
    if not period.startswith("calendar"):
        hours = int(period[:-1]) * (24 if period.endswith("d") else 1)
        return sum(at - time < hours * 3_600_000 for time in past) < int(rule["most"])
    if not case.zones:
        return False
    label = {"day": "%Y-%m-%d", "week": "%G-%V", "month": "%Y-%m"}[period.split()[1]]
    for zone in case.zones:
        now = wall(zone, at).strftime(label)
        if sum(wall(zone, time).strftime(label) >= now for time in past) >= int(rule["most"]):
            return False
    return True


def cooldown_allows(case: Case, rule: dict[str, Any], at: int) -> bool:
    if rule.get("unless") and case.callee.get("agent_guaranteed"):
        return True
    hours = int(rule["period"][:-1]) * (24 if rule["period"].endswith("d") else 1)
    rest = timedelta(hours=hours) // timedelta(milliseconds=1)
    return not any(
        rule["after"] in one.get("marks", ()) and is_about(rule, case, one) and one["at"] + rest > at
        for one in case.history
    )


def consent_allows(case: Case, rule: dict[str, Any], at: int) -> bool:
    if case.callee.get("kind", "live") not in rule["of"]:
        return True
    if "autodialed" in rule.get("only", ()) and not case.callee.get("is_autodialed", True):
        return True
    anywhere = case.zones or ["Pacific/Kiritimati"]  # where each date comes first
    if rule.get("from") and all(wall(zone, at).strftime("%Y-%m-%d") < rule["from"] for zone in anywhere):
        return True
    if rule["needs"] == "nothing helps":
        return False
    ladder = ["none", "prior", "prior express written"]
    given, needed = case.callee.get("consent", "none"), rule["needs"]
    return ladder.index(given) >= ladder.index(needed)
