"""Worlds under the law: hours and caps, watched from the wire while everything goes wrong."""

from __future__ import annotations

from typing import Any

import pytest

from app.commands import PlaceCall
from app.compliance import law as laws
from app.compliance.law import Decision, Law
from app.dialing import campaign
from app.model import Trunk
from app.sim.facts import Answered, Placed, Rang
from app.sim.faults import CHAOS, STORM, Faults
from app.sim.house import in_haste
from app.sim.law import STATUTES, LawRules
from app.sim.lawful import under_law
from app.sim.rules import Rule
from app.sim.simulate import plan_of, simulate
from app.sim.world import World
from app.store import law as store_law
from app.units import DAY_MS, HOUR_MS, MINUTE_MS, AttemptId, Number, TrunkId

MONDAY_MS = 1_767_571_200_000
"""5 January 2026, 00:00 UTC: London's midnight."""
ALICE, BOB = Number("+99911111"), Number("+99922222")


class Wire:
    """Calls under one law, to people in London."""

    def __init__(self, profile: str) -> None:
        self.rules: list[Rule] = []
        self._law = LawRules(
            {"+1": (STATUTES[profile],)}, lambda number: "Europe/London", lambda rule, at, what: self.rules.append(rule)
        )
        self._placed = 0

    def call(self, at_ms: int, number: Number = ALICE, *, shown: str = "+1", rings: bool = True) -> None:
        self._placed += 1
        call = PlaceCall(
            attempt_id=AttemptId(f"{self._placed}"),
            trunk=Trunk(id=TrunkId("main"), endpoint="main"),
            number=number,
            caller_id=shown,
            ring_timeout_ms=30_000,
            lease_ms=60_000,
            language="en",
        )
        self._law.see(Placed(at_ms=MONDAY_MS + at_ms, call=call))
        if rings:
            self._law.see(Rang(at_ms=MONDAY_MS + at_ms + 100, attempt_id=call.attempt_id))
            self._law.see(Answered(at_ms=MONDAY_MS + at_ms + 200, attempt_id=call.attempt_id))


@pytest.mark.parametrize(
    ("at_ms", "expected"),
    [
        (9 * HOUR_MS - 1, [Rule.OUT_OF_HOURS]),
        (9 * HOUR_MS, []),
        (20 * HOUR_MS - 1, []),
        (20 * HOUR_MS, [Rule.OUT_OF_HOURS]),
    ],
)
def test_hours_begin_and_end_to_the_millisecond(at_ms: int, expected: list[Rule]) -> None:
    wire = Wire("careful")
    wire.call(at_ms)
    assert wire.rules == expected


def test_another_day_has_other_hours() -> None:
    wire = Wire("ru_debt_230fz")
    wire.call(21 * HOUR_MS)
    wire.call(5 * DAY_MS + 21 * HOUR_MS, BOB)
    assert wire.rules == [Rule.OUT_OF_HOURS]


def test_a_cap_over_rolling_hours_counts_whoever_was_rung() -> None:
    wire = Wire("us_fl")
    for minutes in (0, 1, 2):
        wire.call(9 * HOUR_MS + minutes * MINUTE_MS)
    wire.call(9 * HOUR_MS + 3 * MINUTE_MS, BOB)
    wire.call(33 * HOUR_MS)
    assert not wire.rules
    wire.call(33 * HOUR_MS + MINUTE_MS - 1)
    assert wire.rules == [Rule.OVER_CAP]


def test_calls_that_never_rang_count_for_nothing_and_those_of_other_campaigns_do() -> None:
    wire = Wire("us_fl")
    for minutes in range(5):
        wire.call(9 * HOUR_MS + minutes * MINUTE_MS, rings=False)
    for minutes in range(3):
        wire.call(10 * HOUR_MS + minutes * MINUTE_MS, shown="+2")
    assert not wire.rules
    wire.call(11 * HOUR_MS)
    assert wire.rules == [Rule.OVER_CAP]


def test_a_cap_of_a_day_begins_anew_at_midnight_and_one_of_a_week_on_monday() -> None:
    wire = Wire("ru_debt_230fz")
    for day in (0, 0, 1, 1):
        wire.call(day * DAY_MS + 9 * HOUR_MS)
    wire.call(7 * DAY_MS + 9 * HOUR_MS)
    assert not wire.rules
    wire.call(3 * DAY_MS + 9 * HOUR_MS)
    assert wire.rules == [Rule.OVER_CAP]
    wire.call(7 * DAY_MS + 10 * HOUR_MS)
    wire.call(7 * DAY_MS + 11 * HOUR_MS)
    assert wire.rules == [Rule.OVER_CAP] * 2


# --- whole worlds ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seed", "faults"), [(5, CHAOS), (3, STORM)], ids=["chaos", "storm"])
def test_nobody_is_called_at_night_or_too_often_whatever_goes_wrong(
    seed: int, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign, "LOOK_MS", HOUR_MS)  # nights are long, and nobody adds contacts unheard
    report = simulate(seed, 40, faults=faults, is_under_law=True)
    assert report.has_passed, f"seed {seed}: {report.violations[:5]}, unaccounted {report.unaccounted}"
    assert report.virtual_seconds > 8 * 3_600, "somebody had to wait for their morning"


def rules_of(seed: int, longest_ms: int) -> set[Rule]:
    world = World(in_haste(under_law(plan_of(seed, 60), seed), seed), seed=seed, faults=CHAOS)
    world.run(longest_ms=longest_ms, is_whole=False)
    return {violation.rule for violation in world.checker.violations}


def test_a_dialer_that_knows_no_hours_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(laws, "closes", lambda rule, place, at_ms, until_ms: until_ms)
    monkeypatch.setattr(
        Law, "_decide", lambda self, callee, history, at_ms: Decision(from_ms=at_ms, until_ms=at_ms + 1)
    )
    assert Rule.OUT_OF_HOURS in rules_of(5, HOUR_MS)


def test_a_dialer_that_remembers_no_calls_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*given: Any) -> None:
        return None

    monkeypatch.setattr(store_law, "_past", none)
    monkeypatch.setattr(campaign, "LOOK_MS", HOUR_MS)
    assert Rule.OVER_CAP in rules_of(9, HOUR_MS)
