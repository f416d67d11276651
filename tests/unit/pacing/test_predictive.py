"""What holds of the predictive pacer whatever the floor: laws, and behaviour on floors one can think through."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from app.pacing import (
    CallEnd,
    CallEnded,
    Guard,
    PacingPolicy,
    PacingSnapshot,
    PersonAnswered,
    make_pacer,
)
from app.pacing.predictive import PredictivePacer
from tests.unit.pacing.floors import NOW_MS, abandon, experienced, floor

SEEDS = range(60)


def least(snapshot: PacingSnapshot) -> int:
    """Idle agents that no call in flight and no waiting person is for."""
    return max(0, snapshot.idle_agents - len(snapshot.ringing_ms) - snapshot.people_waiting)


@pytest.mark.parametrize("guard", Guard)
def test_every_idle_agent_has_a_call_while_lines_are_free(guard: Guard) -> None:
    for seed in SEEDS:
        snapshot = floor(random.Random(seed))
        place = experienced(PacingPolicy(guard=guard), answers=30).decide(snapshot).place
        assert place >= min(least(snapshot), snapshot.free_lines), seed


def test_never_more_calls_than_lines_nor_than_the_limits() -> None:
    policy = PacingPolicy(lines_limit=70, calls_per_agent_limit=2)
    for seed in SEEDS:
        snapshot = floor(random.Random(seed))
        agents = snapshot.idle_agents + len(snapshot.talking_ms) + len(snapshot.wrapping_ms)
        place = experienced(policy, answers=400).decide(snapshot).place
        assert 0 <= place <= snapshot.free_lines, seed
        if place:
            assert place + len(snapshot.ringing_ms) + len(snapshot.talking_ms) <= 70, seed
            assert place + len(snapshot.ringing_ms) <= 2 * agents, seed


def test_less_budget_never_means_more_calls() -> None:
    for seed in SEEDS:
        snapshot = floor(random.Random(seed))
        places = []
        for lost in (0, 4, 8, 11, 12, 13, 40):
            pacer = experienced(answers=400)
            abandon(pacer, lost)
            places.append(pacer.decide(snapshot).place)
        assert places == sorted(places, reverse=True), seed


def test_a_poor_list_gets_more_calls_for_the_same_agents() -> None:
    snapshot = PacingSnapshot(now_ms=NOW_MS, idle_agents=6)
    placed = [experienced(chance=chance).decide(snapshot).place for chance in (0.1, 0.2, 0.4, 0.8)]
    assert placed == sorted(placed, reverse=True)
    assert placed[0] > 2 * placed[-1]


def test_with_the_budget_spent_it_is_progressive() -> None:
    pacer = experienced(answers=400)
    abandon(pacer, 12)
    assert pacer.decide(PacingSnapshot(now_ms=NOW_MS, idle_agents=5)).place == 5


def test_at_a_target_of_nothing_nothing_is_risked() -> None:
    pacer = experienced(PacingPolicy(abandonment_target=0))
    assert pacer.decide(PacingSnapshot(now_ms=NOW_MS, idle_agents=5)).place == 5


def test_knowing_nothing_it_begins_with_care() -> None:
    decision = make_pacer(PacingPolicy()).decide(PacingSnapshot(now_ms=0, idle_agents=30))
    assert 30 <= decision.place <= 33


def test_calls_are_cancelled_only_past_the_minimum_ring() -> None:
    cancelled = 0
    for seed in SEEDS:
        snapshot = floor(random.Random(seed))
        decision = experienced(answers=40).decide(snapshot)
        cancelled += len(decision.cancel)
        assert all(snapshot.ringing_ms[call] >= 15_000 for call in decision.cancel), seed
        assert not (decision.cancel and decision.place), seed
    assert cancelled


def test_what_counts_for_cancelling_is_the_ringing_where_it_is_known() -> None:
    talking = [5_000] * 5
    calls = {f"c{i}": 18_000 for i in range(30)}
    pacer = experienced(answers=40)
    crowded = PacingSnapshot(now_ms=NOW_MS, idle_agents=0, talking_ms=talking, ringing_ms=calls)
    assert pacer.decide(crowded).cancel
    heard = dict.fromkeys(calls, 14_000) | {"c7": 16_000}
    crowded = PacingSnapshot(now_ms=NOW_MS, idle_agents=0, talking_ms=talking, ringing_ms=calls, rung_ms=heard)
    assert pacer.decide(crowded).cancel == ("c7",)


def test_without_a_minimum_ring_nothing_is_cancelled() -> None:
    for seed in SEEDS:
        assert experienced(PacingPolicy(min_ring_ms=None), answers=40).decide(floor(random.Random(seed))).cancel == ()


def test_the_deterministic_guard_holds_whatever_happens() -> None:
    """Should every call in flight be answered at once, the target still holds."""
    for seed in SEEDS:
        pacer = experienced(PacingPolicy(guard=Guard.DETERMINISTIC), answers=400)
        snapshot = floor(random.Random(seed))
        place = pacer.decide(snapshot).place
        if place > least(snapshot):
            people = place + len(snapshot.ringing_ms) + snapshot.people_waiting
            lost = people - snapshot.idle_agents
            assert lost <= 0.03 * (400 + place + len(snapshot.ringing_ms)) + 1e-6, seed


def test_the_same_is_decided_again() -> None:
    for seed in SEEDS:
        snapshot = floor(random.Random(seed))
        assert experienced().decide(snapshot) == experienced().decide(snapshot)


def test_a_restart_keeps_the_ledger_and_what_was_learned() -> None:
    before = experienced()
    abandon(before, 5)
    after = PredictivePacer(PacingPolicy())
    after.take_up(json.loads(json.dumps(before.as_json())))
    assert (after.budget.ledger.answered, after.budget.ledger.abandoned) == (400, 5)
    snapshot = PacingSnapshot(now_ms=NOW_MS, idle_agents=6, talking_ms=[30_000] * 4, ringing_ms={"a": 3_000})
    assert abs(after.decide(snapshot).place - before.decide(snapshot).place) <= 1


@pytest.mark.parametrize(
    "written",
    [{}, {"budget": {}}, {"budget": {"ledger": {"buckets": [[0, 1, -5]], "bucket_ms": 9}, "level": 0.1, "moves": 0}}],
)
def test_what_was_not_written_by_a_pacer_is_not_taken_up(written: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not a"):
        PredictivePacer(PacingPolicy()).take_up(written)


def test_an_answer_told_twice_and_the_end_of_a_conversation_count_once() -> None:
    pacer = experienced(answers=10)
    for _ in range(3):
        pacer.observe(PersonAnswered(at_ms=NOW_MS, call_id="x", ring_ms=9_000))
    pacer.observe(CallEnded(at_ms=NOW_MS, call_id="x", outcome="answered", ring_ms=9_000))
    assert pacer.budget.ledger.answered == 11


@pytest.mark.parametrize("ring_ms", [-1])
def test_a_length_below_zero_is_refused(ring_ms: int) -> None:
    with pytest.raises(ValueError, match="at least 0"):
        make_pacer(PacingPolicy()).observe(PersonAnswered(at_ms=0, call_id=1, ring_ms=ring_ms))


def test_time_that_runs_back_is_refused() -> None:
    pacer = make_pacer(PacingPolicy())
    pacer.decide(PacingSnapshot(now_ms=1_000, idle_agents=0))
    with pytest.raises(ValueError, match="ran back"):
        pacer.decide(PacingSnapshot(now_ms=999, idle_agents=0))


def test_a_call_that_is_not_yet_is_refused() -> None:
    with pytest.raises(ValueError, match="-5 ms"):
        make_pacer(PacingPolicy()).decide(PacingSnapshot(now_ms=0, idle_agents=0, ringing_ms={"a": -5}))


def test_what_is_no_event_is_refused() -> None:
    with pytest.raises(TypeError, match="no pacing event"):
        make_pacer(PacingPolicy()).observe("hello")  # type: ignore[arg-type]


def test_it_says_why() -> None:
    why = experienced().decide(PacingSnapshot(now_ms=NOW_MS, idle_agents=2, ringing_ms={"a": 4_000})).why
    assert why.startswith("1 in flight, 0.")
    assert "agents idle: 2" in why
    assert "budget 12.0 left →" in why


def test_a_trunk_that_rings_into_nothing_does_not_teach_that_nobody_answers() -> None:
    snapshot = PacingSnapshot(now_ms=NOW_MS + 60_000, idle_agents=20)

    def placed_after(end: CallEnd) -> int:
        pacer = experienced()
        for call in range(200):
            pacer.observe(CallEnded(at_ms=NOW_MS, call_id=f"x{call}", outcome=end, ring_ms=28_000))
        return pacer.decide(snapshot).place

    assert placed_after(CallEnd.FAULT) == experienced().decide(snapshot).place
    assert placed_after(CallEnd.NO_ANSWER) > placed_after(CallEnd.FAULT), "as a list where fewer answer"
