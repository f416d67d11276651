"""Bad input is refused where it is made, and says what would be right."""

from __future__ import annotations

from typing import Any

import pytest

from app.pacing import Guard, PacingMode, PacingPolicy, PacingSnapshot


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"abandonment_target": -0.01}, "0 to 0.2, not -0.01"),
        ({"abandonment_target": 3}, "abandonment target"),
        ({"abandonment_target": float("nan")}, "abandonment target"),
        ({"abandonment_window_ms": 10}, "at least 60000"),
        ({"connect_within_ms": -1}, "connect within"),
        ({"min_ring_ms": -1}, "minimum ring"),
        ({"min_ring_ms": 1.5}, "whole number"),
        ({"lines_limit": -1}, "limit of lines"),
        ({"calls_per_agent_limit": 0.5}, "1 to 1000"),
        ({"fixed_ratio": 0}, "fixed ratio"),
        ({"mode": "reckless"}, "reckless"),
        ({"guard": "none"}, "none"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        PacingPolicy(**wrong)


def test_a_policy_may_be_written_in_words() -> None:
    policy = PacingPolicy(mode="fixed ratio", guard="deterministic")  # type: ignore[arg-type]
    assert policy.mode is PacingMode.FIXED_RATIO
    assert policy.guard is Guard.DETERMINISTIC


@pytest.mark.parametrize("wrong", [{"idle_agents": -1}, {"people_waiting": -1}, {"free_lines": -1}])
def test_a_snapshot_with_less_than_nothing_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 0"):
        PacingSnapshot(**{"now_ms": 0, "idle_agents": 1, **wrong})  # type: ignore[arg-type]
