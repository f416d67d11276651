"""Campaigns that share a floor do not count on each other's agents."""

from __future__ import annotations

import pytest

from app.pacing import PacingSnapshot
from app.pacing.joint import Sharing, decide_jointly
from tests.unit.pacing.floors import NOW_MS, abandon, experienced


def floor(idle: int, ringing: int = 0, *, prefix: str = "", lines: int = 500, age_ms: int = 3_000) -> PacingSnapshot:
    return PacingSnapshot(
        now_ms=NOW_MS,
        idle_agents=idle,
        talking_ms=[40_000] * 5,
        ringing_ms={f"{prefix}{i}": age_ms for i in range(ringing)},
        free_lines=lines,
    )


def total(idle: int, campaigns: int) -> int:
    decided = decide_jointly(
        [Sharing(name=f"c{i}", pacer=experienced(), snapshot=floor(idle)) for i in range(campaigns)]
    )
    return sum(decision.place for decision in decided.values())


def test_two_campaigns_place_together_what_one_would() -> None:
    alone = experienced().decide(floor(6)).place
    assert total(6, 1) == pytest.approx(alone, abs=1)
    assert total(6, 2) == pytest.approx(alone, abs=2)


def test_calls_go_by_priority() -> None:
    decided = decide_jointly(
        [
            Sharing(name="late", pacer=experienced(), snapshot=floor(6, lines=8)),
            Sharing(name="first", pacer=experienced(), snapshot=floor(6, lines=8), priority=1),
        ]
    )
    assert (decided["first"].place, decided["late"].place) == (8, 0)


def test_calls_go_by_weight_within_a_priority() -> None:
    decided = decide_jointly(
        [
            Sharing(name="heavy", pacer=experienced(), snapshot=floor(9, lines=12), weight=3),
            Sharing(name="light", pacer=experienced(), snapshot=floor(9, lines=12), weight=1),
        ]
    )
    assert (decided["heavy"].place, decided["light"].place) == (9, 3)


def test_a_campaign_without_budget_leaves_the_risk_to_the_other() -> None:
    spent = experienced()
    abandon(spent, 12)
    decided = decide_jointly(
        [
            Sharing(name="spent", pacer=spent, snapshot=floor(4)),
            Sharing(name="fresh", pacer=experienced(), snapshot=floor(4)),
        ]
    )
    assert decided["spent"].place <= 2
    assert decided["fresh"].place > 2


def test_the_lowest_priority_gives_way() -> None:
    crowd = {"idle": 0, "ringing": 30, "age_ms": 18_000}
    decided = decide_jointly(
        [
            Sharing(name="first", pacer=experienced(answers=40), snapshot=floor(**crowd, prefix="a"), priority=1),
            Sharing(name="late", pacer=experienced(answers=40), snapshot=floor(**crowd, prefix="b")),
        ]
    )
    assert decided["late"].cancel
    assert not decided["first"].cancel


def test_campaigns_on_different_floors_are_refused() -> None:
    with pytest.raises(ValueError, match="other agents"):
        decide_jointly(
            [
                Sharing(name="a", pacer=experienced(), snapshot=floor(1)),
                Sharing(name="b", pacer=experienced(), snapshot=floor(2)),
            ]
        )


def test_no_campaigns_no_decisions() -> None:
    assert decide_jointly([]) == {}
