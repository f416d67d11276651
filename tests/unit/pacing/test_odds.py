"""What is learned is what is so: answers by age, agents coming free, tails of a surplus."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from app.pacing.freeing import FreeOdds
from app.pacing.ringing import AHEAD, HALVES, AnswerOdds
from app.pacing.tails import Surplus, beyond

NOBODY = np.zeros(HALVES, dtype=np.int64)


def learned(chance: float) -> AnswerOdds:
    rng = random.Random(3)
    odds = AnswerOdds()
    for call in range(1_500):
        if rng.random() < chance:
            odds.answered(rng.randint(6_000, 14_000))
        else:
            odds.ended(rng.randint(25_000, 30_000), is_cancelled=False)
        if call % 50 == 0:
            odds.refresh(call, NOBODY)
    return odds


def test_the_chance_of_an_answer_is_learned_by_age() -> None:
    odds = learned(0.25)
    assert odds.chances[0, AHEAD - 1] == pytest.approx(0.25, rel=0.3)
    assert odds.chances[0, 3] < 0.02
    assert odds.chances[2 * 16, AHEAD - 1] < 0.03


def test_calls_still_ringing_are_exposure() -> None:
    """A hundred calls in flight, ten answered at 4 s and none after: not a list of answers."""
    odds = AnswerOdds()
    for _ in range(10):
        odds.answered(4_000)
    without = AnswerOdds()
    for _ in range(10):
        without.answered(4_000)
    in_flight = NOBODY.copy()
    in_flight[2 * 12] = 90
    odds.refresh(1, in_flight)
    without.refresh(1, NOBODY)
    assert odds.chances[0, 10] < 0.4 * without.chances[0, 10]


def test_a_jump_of_the_answer_rate_is_caught() -> None:
    odds = learned(0.2)
    assert odds.correction == pytest.approx(1, abs=0.35)
    rng = random.Random(5)
    for _ in range(160):
        if rng.random() < 0.6:
            odds.answered(rng.randint(6_000, 14_000))
        else:
            odds.ended(rng.randint(25_000, 30_000), is_cancelled=False)
    assert 1.5 < odds.correction < 3.5


def test_cancelled_calls_say_nothing_of_ends() -> None:
    odds = AnswerOdds()
    for _ in range(500):
        odds.ended(16_000, is_cancelled=True)
    assert odds.seen == 0
    assert odds._ended.sum() == 0


def test_agents_come_free_as_they_did_before() -> None:
    rng = random.Random(4)
    free = FreeOdds(2.0)
    for _ in range(1_500):
        free.freed(int(rng.expovariate(1 / 100_000)), 10_000)
    free.refresh(1, (), ())
    mean = -free.ahead([0, 30_000, 90_000, 200_000], ())[:AHEAD] / 4
    assert mean[4] < 0.01  # the wrap-up alone takes 10 s
    # free within 32 s and 2 s to connect: the talk ends within 24 s
    assert mean[AHEAD - 1] == pytest.approx(1 - math.exp(-24 / 100), abs=0.04)
    assert -free.ahead((), [9_000])[3] > 0.8


def test_nobody_busy_is_nobody_freed() -> None:
    assert not FreeOdds(2.0).ahead((), ()).any()


@pytest.mark.parametrize("z", [-9.0, -3.0, -1.0, 0.0, 0.5, 2.0, 4.0, 9.0])
def test_the_normal_tail(z: float) -> None:
    assert beyond(np.array([z]))[0] == pytest.approx(0.5 * math.erfc(z / math.sqrt(2)), abs=0.005)


@pytest.mark.parametrize(
    ("calls", "chance", "agents"), [(2, 0.15, 1), (3, 0.15, 1), (5, 0.3, 2), (20, 0.15, 5), (60, 0.3, 22)]
)
def test_a_surplus_has_the_tail_of_its_distribution(calls: int, chance: float, agents: int) -> None:
    variance = chance * (1 - chance)
    sums = np.array([[calls * chance - agents], [calls * variance], [calls * variance * (1 - 2 * chance)]]).reshape(
        1, 3
    )
    exact = sum(math.comb(calls, k) * chance**k * (1 - chance) ** (calls - k) for k in range(agents + 1, calls + 1))
    assert Surplus(sums).at_least(1.0)[0, 0] == pytest.approx(exact, rel=0.35)


def test_what_cannot_be_is_not_likely() -> None:
    """Six idle agents and five that hardly ever come free within a second: no surplus without calls."""
    p = 0.001
    sums = np.array([[-6 - 5 * p, 5 * p * (1 - p), -5 * p * (1 - p) * (1 - 2 * p)]])
    assert Surplus(sums).at_least(0.0)[0, 0] < 1e-6
    assert Surplus(sums).at_least(13.0)[0, 0] < 1e-6


def test_floors_without_wrap_up_are_foreseen_too() -> None:
    free = FreeOdds(0.0)
    for _ in range(2_000):
        free.freed(60_000, 0)
    free.refresh(1, (), ())
    ahead = free.ahead([59_000, 300_000], [0, 170_000])
    assert np.isfinite(ahead).all()
    assert -ahead[AHEAD - 1] > 1.9


def test_many_calls_in_flight_do_not_outweigh_what_was_seen() -> None:
    """A floor of hundreds begins at once: of its calls none has been answered yet, and that says little."""
    rng = random.Random(5)
    odds = AnswerOdds()
    ages = np.zeros(HALVES, dtype=np.int64)
    odds.refresh(1_000, ages)
    for at_ms in range(2_000, 62_000, 2_000):  # three in ten answer, after about ten seconds
        for _ in range(40):
            if rng.random() < 0.3:
                odds.answered(int(2_000 + rng.gammavariate(3, 2_700)))
            else:
                odds.ended(rng.randint(20_000, 28_000), is_cancelled=False)
        ages[:] = 0
        ages[:40] = 15  # six hundred calls, up to twenty seconds old
        odds.refresh(at_ms, ages)
    assert 0.6 < odds.correction < 1.7
