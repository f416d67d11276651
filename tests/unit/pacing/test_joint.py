"""Campaigns that share a floor do not count on each other's agents."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from app.pacing import CallPlaced, PacingMode, PacingPolicy, PacingSnapshot, PersonAnswered
from app.pacing.joint import Sharing, decide_jointly
from app.pacing.predictive import PredictivePacer
from app.pacing.ratio import RatioPacer
from app.pacing.standing import IDLE_MS, MOST_AHEAD
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


def test_a_campaign_without_budget_risks_nothing_and_the_other_little_while_both_have_people_to_come() -> None:
    def placed(*lost: int) -> list[int]:
        pacers = [experienced() for _ in lost]
        for pacer, people in zip(pacers, lost, strict=True):
            abandon(pacer, people)
        decided = decide_jointly(
            [Sharing(name=f"c{i}", pacer=pacer, snapshot=floor(6)) for i, pacer in enumerate(pacers)]
        )
        return [decision.place for decision in decided.values()]

    spent, fresh = placed(12, 0)
    assert spent <= 3
    assert 6 <= spent + fresh < sum(placed(0, 0))


def shares(floor_of: Callable[[str], PacingSnapshot], names: str = "ab", **lost: int) -> dict[str, PredictivePacer]:
    """Pacers of campaigns that have decided together once."""
    pacers = {name: experienced() for name in names}
    for name, people in lost.items():
        abandon(pacers[name], people)
    decide_jointly([Sharing(name=name, pacer=pacers[name], snapshot=floor_of(name)) for name in names])
    return pacers


def answer(pacer: PredictivePacer, people: int) -> None:
    for i in range(people):
        pacer.observe(PersonAnswered(at_ms=NOW_MS, call_id=f"more {i}", ring_ms=9_000))


def crowded(name: str) -> PacingSnapshot:
    """Few calls are allowed: nobody idle, some in flight of each."""
    return floor(1, 4, prefix=name)


def decided_again(pacers: Mapping[str, PredictivePacer], idle: int = 6, at_ms: int = NOW_MS + 500) -> dict[str, int]:
    seen = PacingSnapshot(now_ms=at_ms, idle_agents=idle, talking_ms=[40_000] * 5, free_lines=500)
    decided = decide_jointly([Sharing(name=name, pacer=pacer, snapshot=seen) for name, pacer in pacers.items()])
    return {name: decision.place for name, decision in decided.items()}


def test_who_has_had_more_makes_room_for_who_is_behind() -> None:
    pacers = shares(crowded)
    answer(pacers["a"], 20)
    placed = decided_again(pacers)
    assert placed["b"] > placed["a"]
    answer(pacers["b"], 20)
    even = decided_again(pacers, at_ms=NOW_MS + 1_000)
    assert abs(even["a"] - even["b"]) <= 1


def test_who_is_far_ahead_risks_nothing_until_the_other_has_caught_up() -> None:
    pacers = shares(crowded, b=12)
    answer(pacers["a"], 60)
    assert sum(decided_again(pacers).values()) == 6


def test_nobody_is_owed_more_than_some() -> None:
    pacers = shares(crowded)
    answer(pacers["a"], 5_000)
    decided_again(pacers)
    answer(pacers["b"], int(MOST_AHEAD))
    placed = decided_again(pacers, at_ms=NOW_MS + 1_000)
    assert abs(placed["a"] - placed["b"]) <= 1


def test_a_campaign_with_nobody_to_call_holds_up_no_other() -> None:
    """It is allotted calls and places none: it comes last, is owed nothing, and what it is allotted hinders nobody."""
    pacers = shares(lambda name: floor(6))
    answer(pacers["a"], 60)
    later_ms = NOW_MS + IDLE_MS + 1_000
    pacers["a"].observe(CallPlaced(at_ms=later_ms, call_id="new"))
    alone = experienced()
    answer(alone, 60)
    seen = PacingSnapshot(now_ms=later_ms, idle_agents=6, talking_ms=[40_000] * 5, free_lines=500)
    assert decided_again(pacers, at_ms=later_ms)["a"] == pytest.approx(alone.decide(seen).place, abs=2)


def test_a_campaign_at_its_own_limit_is_owed_nothing() -> None:
    policy = PacingPolicy(lines_limit=7)
    pacers = {"a": experienced(), "b": experienced(policy)}
    for at_ms in (NOW_MS, NOW_MS + 500):
        decided_again(pacers, at_ms=at_ms)
        answer(pacers["a"], 60)
    assert decided_again(pacers, at_ms=NOW_MS + 1_000)["a"] > 5


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


def test_campaigns_that_share_no_agent_decide_as_if_alone() -> None:
    alone = {idle: experienced().decide(floor(idle)).place for idle in (3, 9)}
    decided = decide_jointly(
        [
            Sharing(name="few", pacer=experienced(), snapshot=floor(3), reach={"many": 0.0}),
            Sharing(name="many", pacer=experienced(), snapshot=floor(9), reach={"few": 0.0}),
        ]
    )
    assert decided["few"].place == pytest.approx(alone[3], abs=1)
    assert decided["many"].place == pytest.approx(alone[9], abs=1)


def test_a_campaign_does_not_count_on_agents_whom_the_calls_of_another_will_take() -> None:
    def few(ringing_of_many: int) -> int:
        decided = decide_jointly(
            [
                Sharing(name="few", pacer=experienced(), snapshot=floor(3), reach={"many": 1.0}),
                Sharing(
                    name="many", pacer=experienced(), snapshot=floor(3, ringing_of_many, prefix="m"), reach={"few": 1.0}
                ),
            ]
        )
        return decided["few"].place

    assert few(30) < few(0)


def test_the_fewer_agents_are_shared_the_less_the_calls_of_another_matter() -> None:
    def few(shared: float) -> int:
        decided = decide_jointly(
            [
                Sharing(name="few", pacer=experienced(), snapshot=floor(3), reach={"many": shared}, priority=1),
                Sharing(name="many", pacer=experienced(), snapshot=floor(9, 20, prefix="m"), reach={"few": shared}),
            ]
        )
        return decided["few"].place

    assert few(0.0) > few(0.5) >= few(1.0)


def test_what_cannot_be_shared_is_refused() -> None:
    one = Sharing(name="a", pacer=experienced(), snapshot=floor(1), reach={"b": 1.0})
    with pytest.raises(ValueError, match="shares agents with b, which is not here"):
        decide_jointly([one])
    with pytest.raises(ValueError, match="shares 0 to 1 of its agents with b, not 2"):
        Sharing(name="a", pacer=experienced(), snapshot=floor(1), reach={"b": 2.0})
    later = PacingSnapshot(now_ms=NOW_MS + 1, idle_agents=1)
    with pytest.raises(ValueError, match="another time"):
        decide_jointly([one, Sharing(name="b", pacer=experienced(), snapshot=later)])


def test_no_campaigns_no_decisions() -> None:
    assert decide_jointly([]) == {}


def test_who_was_unlucky_first_is_not_refused_for_hours_what_the_other_is_allowed() -> None:
    """The risk level is the floor's: with the same budget left, both may place."""
    unlucky, lucky = experienced(), experienced()
    unlucky.budget.agree(0.001)
    lucky.budget.agree(0.1)
    decided = decide_jointly(
        [
            Sharing(name="unlucky", pacer=unlucky, snapshot=floor(6)),
            Sharing(name="lucky", pacer=lucky, snapshot=floor(6)),
        ]
    )
    assert unlucky.budget.level == lucky.budget.level == pytest.approx(0.01)
    assert decided["unlucky"].place == pytest.approx(decided["lucky"].place, abs=1)


def test_campaigns_with_other_agents_keep_their_own_risk_level() -> None:
    unlucky, lucky = experienced(), experienced()
    unlucky.budget.agree(0.001)
    decide_jointly(
        [
            Sharing(name="unlucky", pacer=unlucky, snapshot=floor(3), reach={"lucky": 0.0}),
            Sharing(name="lucky", pacer=lucky, snapshot=floor(9), reach={"unlucky": 0.0}),
        ]
    )
    assert unlucky.budget.level == pytest.approx(0.001)


def ratio(*, answers: int = 400) -> RatioPacer:
    """A campaign of three calls for each idle agent, with some budget."""
    pacer = RatioPacer(PacingPolicy(mode=PacingMode.FIXED_RATIO, fixed_ratio=3))
    for call in range(answers):
        pacer.observe(PersonAnswered(at_ms=NOW_MS, call_id=f"before {call}", ring_ms=9_000))
    return pacer


def test_campaigns_of_a_fixed_ratio_have_their_calls_for_each_idle_agent_once() -> None:
    decided = decide_jointly([Sharing(name=f"c{i}", pacer=ratio(), snapshot=floor(4)) for i in range(3)])
    assert sum(one.place for one in decided.values()) == 12
    assert {one.place for one in decided.values()} == {4}


def test_a_fixed_ratio_counts_on_no_agent_that_calls_of_another_are_likely_to_take() -> None:
    alone = decide_jointly([Sharing(name="ratio", pacer=ratio(), snapshot=floor(4))])["ratio"].place
    ringing = Sharing(name="other", pacer=experienced(), snapshot=floor(4, 12, prefix="o"), priority=-1)
    beside = decide_jointly([Sharing(name="ratio", pacer=ratio(), snapshot=floor(4)), ringing])["ratio"].place
    assert alone == 12
    assert beside < alone - 6


def test_a_fixed_ratio_stops_where_the_budget_of_another_could_not_bear_it() -> None:
    spent = experienced()
    abandon(spent, 12)
    few = Sharing(name="other", pacer=spent, snapshot=floor(4, 1, prefix="o"), priority=-1)
    assert decide_jointly([Sharing(name="ratio", pacer=ratio(), snapshot=floor(4)), few])["ratio"].place <= 4
