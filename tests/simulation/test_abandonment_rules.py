"""The abandonment budget as an observer on the wire keeps it: who answered, and who met nobody in time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.agents import DialingMode
from app.commands import PlaceCall
from app.model import Trunk
from app.pacing import Pacer, PacingMode, PacingPolicy, make_pacer
from app.sim.abandonment import AbandonmentRules
from app.sim.facts import Answered, Ended, Hears, OutOfReach, Placed, Sound, TakenBack, WithinReach
from app.sim.faults import NO_FAULTS
from app.sim.floor_plan import floor_plan_of
from app.sim.rules import Limits, Rule
from app.sim.temper import GOOD
from app.sim.world import World
from app.units import HOUR_MS, AttemptId, Number, TrunkId

SHOWN = "+99900001"


class Wire:
    """People who answer a predictive campaign, one every minute."""

    def __init__(self, mode: DialingMode = DialingMode.PREDICTIVE) -> None:
        self.rules: list[Rule] = []
        limits = Limits(lines=100, calls_per_second=100, mode=mode, abandonment_target=0.03)
        self.checker = AbandonmentRules({SHOWN: limits}, lambda rule, at_ms, detail: self.rules.append(rule))
        self.now_ms = 0

    def answer(self) -> AttemptId:
        self.now_ms += 60_000
        attempt_id = AttemptId(f"{self.now_ms}")
        call = PlaceCall(
            attempt_id=attempt_id,
            trunk=Trunk(id=TrunkId("main"), endpoint="main"),
            number=Number("+99911111"),
            caller_id=SHOWN,
            ring_timeout_ms=30_000,
            lease_ms=60_000,
            language="en",
        )
        self.checker.see(Placed(at_ms=self.now_ms - 9_000, call=call))
        self.checker.see(Answered(at_ms=self.now_ms, attempt_id=attempt_id))
        return attempt_id

    def meets(self, after_ms: int) -> None:
        one = self.answer()
        self.checker.see(Hears(at_ms=self.now_ms + after_ms, attempt_id=one, sound=Sound.COMPANY))
        self.checker.see(Ended(at_ms=self.now_ms + 50_000, attempt_id=one, sip_code=None, cause=16))

    def leaves(self, after_ms: int, *, is_ours: bool = False) -> None:
        one = self.answer()
        if is_ours:
            self.checker.see(TakenBack(at_ms=self.now_ms + after_ms, attempt_id=one))
        self.checker.see(Ended(at_ms=self.now_ms + after_ms, attempt_id=one, sip_code=None, cause=16))


def test_who_meets_somebody_in_time_or_leaves_before_is_not_abandoned() -> None:
    wire = Wire()
    for _ in range(50):
        wire.meets(2_000)
        wire.leaves(2_000)
    assert not wire.rules


@pytest.mark.parametrize("how", ["late", "left", "taken back"])
def test_whoever_waited_too_long_is(how: str) -> None:
    wire = Wire()
    for _ in range(10):
        if how == "late":
            wire.meets(2_001)
        else:
            wire.leaves(2_001 if how == "left" else 100, is_ours=how == "taken back")
    assert set(wire.rules) == {Rule.ABANDONED}


def test_the_target_and_luck_are_allowed_and_no_more() -> None:
    wire = Wire()
    for _ in range(400):
        wire.meets(0)
    for _ in range(24):  # 3 % of 424, three standard deviations, and two at first
        wire.leaves(5_000)
    assert not wire.rules
    wire.leaves(5_000)
    wire.leaves(5_000)
    assert set(wire.rules) == {Rule.ABANDONED}


def test_who_answered_a_day_ago_counts_no_more() -> None:
    wire = Wire()
    for _ in range(1_000):
        wire.meets(0)
    wire.now_ms += 2 * 24 * HOUR_MS
    for _ in range(5):
        wire.leaves(5_000)
    assert set(wire.rules) == {Rule.ABANDONED}


def test_whom_a_lost_connection_kept_waiting_no_pacer_abandoned() -> None:
    wire = Wire()
    for _ in range(20):
        one = wire.answer()
        wire.checker.see(OutOfReach(at_ms=wire.now_ms + 1))
        wire.checker.see(Ended(at_ms=wire.now_ms + 9_000, attempt_id=one, sip_code=None, cause=16))
        wire.checker.see(WithinReach(at_ms=wire.now_ms + 9_001))
    assert not wire.rules


def test_campaigns_of_other_modes_have_no_such_budget() -> None:
    wire = Wire(DialingMode.BROADCAST)
    for _ in range(20):
        wire.leaves(9_000)
    assert not wire.rules


def reckless(policy: PacingPolicy) -> Pacer:
    """Calls without end for each agent, whatever comes of them."""
    wide = replace(policy, mode=PacingMode.FIXED_RATIO, fixed_ratio=10.0, abandonment_target=0.2)
    return make_pacer(wide)


def test_a_floor_that_is_dialed_recklessly_is_found() -> None:
    plan = floor_plan_of(2, 150, agents=3, mode=DialingMode.PREDICTIVE, temper=GOOD)
    world = World(replace(plan, make_pacer=reckless), seed=2, faults=NO_FAULTS)
    world.run(longest_ms=HOUR_MS // 4, is_whole=False)
    assert Rule.ABANDONED in {found.rule for found in world.checker.violations}
