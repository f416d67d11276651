"""The exact optimum, where it can be reasoned about, and against brute force."""

from __future__ import annotations

import pytest

from app.study.memoryless import Memoryless


def test_with_nothing_to_lose_nobody_is_ever_idle_for_long() -> None:
    assert Memoryless(answer_rate=0.5, agents=5).optimum(target=0.9).occupancy > 0.97


def test_at_no_abandonment_a_single_agent_has_one_call_at_a_time() -> None:
    """Each conversation of 140 s is preceded by 1/p calls of 18 s."""
    got = Memoryless(answer_rate=0.5, agents=1).optimum(target=0.0)
    assert got.occupancy == pytest.approx(140 / (140 + 36), abs=0.002)
    assert got.abandonment == pytest.approx(0, abs=1e-9)


def test_more_agents_and_more_abandonment_reach_more() -> None:
    by_agents = [Memoryless(answer_rate=0.3, agents=agents).optimum().occupancy for agents in (2, 5, 10, 30)]
    assert by_agents == sorted(by_agents)
    by_target = [Memoryless(answer_rate=0.3, agents=5).optimum(target).occupancy for target in (0.01, 0.03, 0.1)]
    assert by_target == sorted(by_target)


def test_a_floor_that_is_never_seen_idle_is_computed_as_well() -> None:
    """Thirty agents with nobody busy: once in e³⁰ conversations. The better the list, the more is reached."""
    reached = [Memoryless(answer_rate=rate, agents=30).optimum().occupancy for rate in (0.15, 0.3, 0.6)]
    assert reached == pytest.approx([0.898, 0.903, 0.913], abs=0.003)


def test_more_agents_than_calls_any_good_policy_has_in_flight() -> None:
    """Where most answer, fewer calls ring than agents work."""
    world = Memoryless(answer_rate=0.9, agents=25)
    assert world.most_calls < world.agents
    assert 0.90 < world.optimum().occupancy < 1
