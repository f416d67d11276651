"""The program and an oracle written apart agree on every verdict, and on when it changes; planted mistakes are found.

HYPOTHESIS_PROFILE=deep tries a million cases; about half lie within two days of a clock's jump.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.compliance import almanac, caps, verdict, windows, zones
from app.compliance.rules import Calendar
from app.compliance.verdict import is_allowed, judge, next_allowed
from app.compliance.zones import Place
from tests.unit.compliance.cases import JUMPS, PLACES, a_case, for_engine, some_rules
from tests.unit.compliance.oracle import Case, all_allow, allows, first_minute, wall

IS_DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
BATCH = 500 if IS_DEEP else 5
PARTS = 10 if IS_DEEP else 1
"""Ten tests of 200 seeds with 500 cases each in the deep run, each within a test's time; else one of 100 with 5."""
SEEDS = 200 if IS_DEEP else 100


def disagreement(case: Case) -> str:
    """What the two say differently of one case; "" when nothing."""
    profile, callee, history = for_engine(case)
    verdicts = judge([profile], callee, history, case.instant)
    if verdicts[0].is_allowed != bool(case.zones):
        return f"the zone is known: {verdicts[0]} {case}"
    for said, rule in zip(verdicts[1:], case.rules, strict=True):
        if said.is_allowed != allows(case, rule, case.instant):
            return f"{rule} is allowed: {said} {case}"
        if said.is_allowed != (said.from_ms == case.instant) or not said.why:
            return f"allowed is from now on: {said}"
        if said.from_ms is not None and not allows(case, rule, said.from_ms):
            return f"{rule} is not allowed when it was said to be: {said} {case}"
        if said.from_ms not in (None, case.instant) and allows(case, rule, said.from_ms - 1):
            return f"{rule} is allowed before it was said to be: {said} {case}"
    if is_allowed(verdicts) != all_allow(case, case.instant):
        return f"all allow: {verdicts} {case}"
    return ""


def disagreement_of_next(case: Case, minutes: int) -> str:
    """Whether trying every minute finds the same first allowed one."""
    profile, callee, history = for_engine(case)
    said = next_allowed([profile], callee, history, case.instant)
    tried = first_minute(case, minutes)
    end = case.instant + minutes * 60_000
    if tried is None:
        return "" if said is None or said > end else f"said {said}, though no minute until {end} is allowed: {case}"
    if said == tried or (said is not None and said <= tried and all_allow(case, said)):
        return ""  # between two whole minutes, when the history or the instant lies there
    return f"said {said}, but {tried} is allowed: {case}"


@pytest.mark.parametrize("part", range(PARTS))
@settings(max_examples=SEEDS)
@given(seed=st.integers(0, 2**64))
def test_every_verdict_is_the_oracles(part: int, seed: int) -> None:
    random = Random(f"{part} {seed}")
    rules = some_rules(random)
    for _ in range(BATCH):
        assert not disagreement(a_case(random, rules))


@given(random=st.randoms(use_true_random=False))
def test_when_it_is_next_allowed_is_found_by_trying_every_minute(random: Random) -> None:
    assert not disagreement_of_next(a_case(random, some_rules(random, most=2)), minutes=200)


def test_a_wall_clock_is_read_right_through_every_jump() -> None:
    """Every place and jump: around each, quarter hours are asked one by one, and their next opening."""
    random = Random(2026)
    for callee, found_in, countries in PLACES:
        hours = [{"days": "mon-sun", "from": "00:30", "to": "02:30"}, {"days": "sun", "from": "03:00", "to": "03:30"}]
        rules: list[dict[str, Any]] = [{"id": "w", "kind": "window", "source": "chance", "hours": hours}]
        for jump in JUMPS:
            instant = jump + random.randint(-24, 24) * 15 * 60_000
            case = Case(rules=rules, callee=callee, zones=found_in, countries=countries, instant=instant)
            assert not disagreement(case)
            assert not disagreement_of_next(case, minutes=120)


def test_the_cases_meet_both_jumps_of_a_clock() -> None:
    """Hours that come twice, and the minutes about hours that are skipped, are among the cases of one short run."""
    random = Random(7)
    twice = beside_skipped = 0
    for case in (a_case(random, []) for _ in range(3_000)):
        for zone in case.zones:
            clock, later = wall(zone, case.instant), wall(zone, case.instant + 3_600_000)
            moved = (later.utcoffset() or dt.timedelta()) - (clock.utcoffset() or dt.timedelta())
            twice += clock.fold
            beside_skipped += moved > dt.timedelta()
    assert twice > 20
    assert beside_skipped > 20


Mistake = Callable[[pytest.MonkeyPatch], None]


def _winter_all_year(patch: pytest.MonkeyPatch) -> None:
    right = windows.offset_ms
    patch.setattr(windows, "offset_ms", lambda name, at_ms: right(name, 1_768_435_200_000))


def _jump_an_hour_late(patch: pytest.MonkeyPatch) -> None:
    right = windows.offset_ms
    patch.setattr(windows, "offset_ms", lambda name, at_ms: right(name, at_ms - 3_600_000))


def _jumps_overlooked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(windows, "_same_offset_until", lambda name, from_ms, until_ms, offset: until_ms)


def _one_zone_is_enough(patch: pytest.MonkeyPatch) -> None:
    right = zones._place
    patch.setattr(zones, "_place", lambda *told: replace(right(*told), zones=right(*told).zones[:1]))


def _no_holidays(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(windows, "readings", lambda *told: frozenset({False}))


def _doubtful_holidays_are_none(patch: pytest.MonkeyPatch) -> None:
    right = almanac.readings
    patch.setattr(windows, "readings", lambda *told: right(*told) if len(right(*told)) == 1 else frozenset({False}))


def _end_is_included(patch: pytest.MonkeyPatch) -> None:
    right = windows.spans_of_day
    patch.setattr(windows, "spans_of_day", lambda *told: tuple((begin, end + 1) for begin, end in right(*told)))


def _week_begins_on_sunday(patch: pytest.MonkeyPatch) -> None:
    right = caps.first_day

    def first_day(period: Calendar, day: dt.date) -> dt.date:
        return day - dt.timedelta(days=day.isoweekday() % 7) if period is Calendar.WEEK else right(period, day)

    patch.setattr(caps, "first_day", first_day)


def _one_call_too_many(patch: pytest.MonkeyPatch) -> None:
    right = caps._rolling
    patch.setattr(caps, "_rolling", lambda times, most, length, at_ms: right(times, most + 1, length, at_ms))


def _calendar_days_in_utc(patch: pytest.MonkeyPatch) -> None:
    right = caps._calendar

    def calendar(times: list[int], most: int, period: Calendar, place: Place, at_ms: int) -> caps.Tally:
        in_utc = replace(place, zones=("Atlantic/Reykjavik",) if place.zones else ())
        return right(times, most, period, in_utc, at_ms)

    patch.setattr(caps, "_calendar", calendar)


def _unknown_debt_is_another(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(caps, "_may_be_same", lambda ours, theirs: ours == theirs)


def _no_rest(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(verdict, "cold_until", lambda *told: None)


def _only_the_first_of_several_calls_counts(patch: pytest.MonkeyPatch) -> None:
    right = caps.cold_until
    patch.setattr(verdict, "cold_until", lambda rule, callee, history: right(rule, callee, history[:1]))


def _consent_a_day_late(patch: pytest.MonkeyPatch) -> None:
    right = verdict._latest_date
    patch.setattr(verdict, "_latest_date", lambda place, at_ms: right(place, at_ms) - dt.timedelta(days=1))


@pytest.mark.parametrize(
    "mistake",
    [
        _winter_all_year,
        _jump_an_hour_late,
        _jumps_overlooked,
        _one_zone_is_enough,
        _no_holidays,
        _doubtful_holidays_are_none,
        _end_is_included,
        _week_begins_on_sunday,
        _one_call_too_many,
        _calendar_days_in_utc,
        _unknown_debt_is_another,
        _no_rest,
        _only_the_first_of_several_calls_counts,
        _consent_a_day_late,
    ],
)
def test_a_planted_mistake_is_found(mistake: Mistake, monkeypatch: pytest.MonkeyPatch) -> None:
    mistake(monkeypatch)
    random = Random(5)
    tried = (a_case(random, rules) for rules in (some_rules(random) for _ in range(200)) for _ in range(20))
    assert any(disagreement(case) for case in tried)
