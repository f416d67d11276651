"""Progressive and fixed ratio."""

from __future__ import annotations

import json

import pytest

from app.pacing import PacingMode, PacingPolicy, PacingSnapshot, PersonAbandoned, PersonAnswered, make_pacer

PROGRESSIVE = PacingPolicy(mode=PacingMode.PROGRESSIVE)
RATIO = PacingPolicy(mode=PacingMode.FIXED_RATIO, fixed_ratio=2.5)


@pytest.mark.parametrize(
    ("idle", "in_flight", "waiting", "lines", "place"),
    [(5, 0, 0, 100, 5), (5, 2, 0, 100, 3), (5, 2, 1, 100, 2), (5, 0, 0, 3, 3), (0, 0, 0, 100, 0), (2, 6, 0, 100, 0)],
)
def test_progressive_places_one_call_for_each_idle_agent(
    idle: int, in_flight: int, waiting: int, lines: int, place: int
) -> None:
    snapshot = PacingSnapshot(
        now_ms=0,
        idle_agents=idle,
        ringing_ms=dict.fromkeys(range(in_flight), 0),
        people_waiting=waiting,
        free_lines=lines,
    )
    assert make_pacer(PROGRESSIVE).decide(snapshot).place == place


def test_the_ratio_holds_while_there_is_a_budget() -> None:
    pacer = make_pacer(RATIO)
    snapshot = PacingSnapshot(now_ms=0, idle_agents=4)
    assert pacer.decide(snapshot).place == 4  # nobody has answered yet: nothing may be lost
    for call in range(40):
        pacer.observe(PersonAnswered(at_ms=0, call_id=call, ring_ms=9_000))
    assert pacer.decide(snapshot).place == 10
    again = make_pacer(RATIO)
    again.take_up(json.loads(json.dumps(pacer.as_json())))
    assert again.decide(snapshot).place == 10
    pacer.observe(PersonAbandoned(at_ms=0, call_id=1, waited_ms=2_000))
    assert pacer.decide(snapshot).place == 4
    assert "no abandonment budget" in pacer.decide(snapshot).why
