"""Agents who leave in a bunch are not counted on, and a trunk that refuses everything teaches nothing of people."""

from __future__ import annotations

import numpy as np
import pytest

from app.pacing import AgentFreed, CallEnd, CallEnded, PacingSnapshot
from app.pacing.freeing import Staying
from app.pacing.predictive import REFUSED_MS
from app.pacing.ringing import AHEAD
from tests.unit.pacing.floors import NOW_MS, experienced


def test_while_nobody_leaves_everybody_stays() -> None:
    staying = Staying()
    for _ in range(20):
        staying.freed()
        staying.look(10)
    assert staying.chance == 1
    freed = np.arange(3.0 * AHEAD)
    assert staying.thin(freed) is freed


def test_agents_who_leave_one_after_the_other_are_noticed_and_forgotten() -> None:
    staying = Staying()
    staying.look(20)
    for agents in range(19, 11, -1):
        staying.freed()
        staying.look(agents)
    assert staying.chance < 0.3
    for _ in range(20):
        staying.freed()
        staying.look(12)
    assert staying.chance > 0.95


def test_of_those_coming_free_as_many_are_taken_off_as_leave() -> None:
    """Ten agents free with a chance of a half each, of whom half leave: ten chances of a quarter."""
    staying = Staying()
    staying.chance = 0.5
    half = np.concatenate([np.full(AHEAD, -5.0), np.full(AHEAD, 2.5), np.zeros(AHEAD)])
    thinned = staying.thin(half)
    assert thinned[:AHEAD] == pytest.approx(-2.5)
    assert thinned[AHEAD : 2 * AHEAD] == pytest.approx(10 * 0.25 * 0.75)


def floor(agents: int, idle: int, now_ms: int) -> PacingSnapshot:
    return PacingSnapshot(now_ms=now_ms, idle_agents=idle, talking_ms=[60_000] * (agents - idle))


def test_fewer_calls_are_placed_while_agents_leave() -> None:
    calm, lunch = experienced(), experienced()
    calm.decide(floor(24, 2, NOW_MS))
    lunch.decide(floor(32, 2, NOW_MS))
    for i in range(8):
        lunch.observe(AgentFreed(at_ms=NOW_MS + i, agent_id=i, talk_ms=60_000, wrap_up_ms=0))
        lunch.decide(floor(31 - i, 2, NOW_MS + i))
    now_ms = NOW_MS + 1_000
    assert lunch.decide(floor(24, 2, now_ms)).place < calm.decide(floor(24, 2, now_ms)).place


@pytest.mark.parametrize(
    ("outcome", "ring_ms", "is_learned"),
    [
        (CallEnd.FAILED, 500, False),
        (CallEnd.FAILED, REFUSED_MS, True),
        (CallEnd.BUSY, 500, True),
    ],
)
def test_what_the_network_refuses_at_once_is_not_taken_for_the_list(
    outcome: CallEnd, ring_ms: int, is_learned: bool
) -> None:
    """Two minutes of a trunk that refuses every call: the answer rate of before is still what is expected."""
    pacer = experienced()
    before = float(pacer.new_call[AHEAD - 1])
    for call in range(600):
        pacer.observe(CallEnded(at_ms=NOW_MS, call_id=f"refused {call}", outcome=outcome, ring_ms=ring_ms))
    pacer.decide(PacingSnapshot(now_ms=NOW_MS + 2_000, idle_agents=10))
    after = float(pacer.new_call[AHEAD - 1])
    assert (after < 0.8 * before) is is_learned
    assert is_learned or after == pytest.approx(before, rel=0.1)
