"""Calls per second: never more than the rate allows in any stretch, never less over a day, and the next is foretold."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.dialing.rate import Rate
from app.units import DAY_MS, SECOND_MS
from tests.unit.dialing.build import T0

RATES = st.one_of(
    st.floats(min_value=0.001, max_value=1_000, allow_nan=False),
    st.sampled_from([0.001, 1 / 60, 0.3, 1 / 3, 2 / 3, 1.0, 5.5, 99.99, 200.0, 1_000.0]),
)
GAPS = st.one_of(st.integers(0, 30), st.integers(0, 5_000), st.integers(0, DAY_MS))
DUST = Fraction(1, 1_000)  # of a call


def greedy(rate: Rate, gaps: list[int]) -> list[int]:
    """Take every call that may start, each time we look; returns when the calls started."""
    now, taken = T0, []
    for gap in gaps:
        now += gap
        for _ in range(rate.available(now)):
            rate.take(now)
            taken.append(now)
    return taken


def burst(per_second: float) -> Fraction:
    """Documented: one call, and 50 ms worth of the rate."""
    return 1 + Fraction(per_second) * 50 / 1_000


@given(RATES, st.lists(GAPS, max_size=60))
def test_no_window_ever_holds_more_than_its_share_and_the_burst(per_second: float, gaps: list[int]) -> None:
    taken = Counter(greedy(Rate(per_second, T0), gaps))
    exact, allowed = Fraction(per_second) / 1_000, burst(per_second) + DUST
    before, least = 0, Fraction(0)  # calls so far, and the lowest that they ever were behind the rate
    for at, count in sorted(taken.items()):
        least = min(least, before - exact * (at - T0))
        before += count
        assert before - exact * (at - T0) - least <= allowed, f"too many calls in some window that ends at {at}"


@given(RATES, st.lists(GAPS, max_size=40), RATES, st.lists(GAPS, max_size=40))
def test_a_change_of_rate_gives_no_calls_away(
    before: float, gaps_before: list[int], after: float, gaps_after: list[int]
) -> None:
    rate = Rate(before, T0)
    greedy(rate, gaps_before)
    changed_at = T0 + sum(gaps_before)
    rate.set(after, changed_at)
    now, count = changed_at, 0
    for gap in gaps_after:
        now += gap
        for _ in range(rate.available(now)):
            rate.take(now)
            count += 1
        assert count <= Fraction(after) * (now - changed_at) / 1_000 + burst(after) + DUST


@pytest.mark.parametrize("per_second", [1 / 60, 0.3333, 2 / 3, 0.7])
def test_a_day_of_waiting_for_each_next_call_drifts_by_less_than_a_call_from_the_exact_rate(per_second: float) -> None:
    rate, now, count = Rate(per_second, T0), T0, 0
    while True:
        now = rate.next_at_ms(now)
        if now > T0 + DAY_MS:
            break
        rate.take(now)
        count += 1
    exact = Fraction(per_second) * DAY_MS / SECOND_MS
    assert exact - 1 <= count <= exact + 1 + Fraction(1, 1_000)


@given(RATES, st.lists(GAPS, max_size=20), st.integers(0, 3))
def test_the_next_call_may_start_when_foretold_and_not_a_millisecond_before(
    per_second: float, gaps: list[int], waste: int
) -> None:
    rate = Rate(per_second, T0)
    taken = greedy(rate, gaps)
    now = T0 + sum(gaps) + waste
    at = rate.next_at_ms(now)
    assert at >= now
    if at > now:
        assert rate.available(now) == 0
        assert rate.available(at - 1) == 0, f"there was one before {at}"
    assert rate.available(at) >= 1, f"after {len(taken)} calls there is none at the foretold time"


def test_the_first_call_may_start_at_once() -> None:
    rate = Rate(0.001, T0)
    assert rate.next_at_ms(T0) == T0
    rate.take(T0)
    assert rate.next_at_ms(T0) == T0 + 1_000 * SECOND_MS


def test_taking_what_is_not_there_is_refused_and_costs_nothing() -> None:
    rate = Rate(1, T0)
    rate.take(T0)
    with pytest.raises(AssertionError, match="rate does not allow"):
        rate.take(T0 + 999)
    assert rate.next_at_ms(T0 + 999) == T0 + 1_000


@pytest.mark.parametrize("per_second", [0, 0.0009, -1, 1_000.1, float("inf"), float("nan")])
def test_a_senseless_rate_is_refused_and_changes_nothing(per_second: float) -> None:
    with pytest.raises(ValueError, match="calls per second"):
        Rate(per_second, T0)
    rate = Rate(10, T0)
    with pytest.raises(ValueError, match="calls per second"):
        rate.set(per_second, T0)
    assert rate.available(T0) == 1
    rate.take(T0)
    assert rate.next_at_ms(T0) == T0 + 100


def test_an_hour_of_rest_saves_up_a_burst_and_no_more() -> None:
    rate = Rate(100, T0)
    assert rate.available(T0 + 3_600_000) == 6  # one, and 50 ms worth
