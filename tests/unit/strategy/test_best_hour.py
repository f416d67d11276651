"""The best hour and phone are learned with honest doubt: a few lucky answers move nobody."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.outcomes import Outcome
from app.strategy.best_hour import GUESS, HORIZON_MS, Chances, Heard, best_timing
from app.strategy.rows import Phones, Try
from app.units import HOUR_MS, Number

NOON = 12 * HOUR_MS
"""An instant at 12:00 UTC."""
PHONES = Phones(numbers=("+441", "+442", "", "", ""))
KINDS = ("work", "mobile")


def learned(*rows: tuple[str, int, int, int]) -> Chances:
    """Rows of kind, hour, calls, answers."""
    return Chances.of({(kind, hour): Heard(calls=calls, answers=answers) for kind, hour, calls, answers in rows})


def tried(number: str, hour: int, outcome: Outcome = Outcome.NO_ANSWER) -> Try:
    return Try(number=Number(number), outcome=outcome, opened_at_ms=hour * HOUR_MS, is_charged=True)


def test_nothing_known_changes_nothing() -> None:
    assert Chances().chance("work", 12, Heard()) == pytest.approx(GUESS)
    assert best_timing(Chances(), PHONES, KINDS, (), UTC, (NOON, 1)) is None


def test_a_few_lucky_answers_move_nobody() -> None:
    found = learned(("work", 12, 500, 100), ("work", 18, 4, 4), ("mobile", 20, 29, 29))
    assert best_timing(found, PHONES, KINDS, (), UTC, (NOON, 1)) is None
    assert found.chance("work", 18, Heard()) < 0.35


def test_much_better_hours_and_phones_are_taken() -> None:
    found = learned(("work", 12, 500, 50), ("work", 18, 500, 150), ("mobile", 19, 500, 200))
    best = best_timing(found, PHONES, KINDS, (), UTC, (NOON, 1))
    assert best is not None
    assert (best.due_at_ms, best.phone, best.hour, best.calls) == (19 * HOUR_MS, 2, 19, 500)
    assert best.planned < 0.15 < 0.35 < best.chance < 0.41
    assert best_timing(found, Phones(numbers=("+441",)), KINDS, (), UTC, (NOON, 1)).due_at_ms == 18 * HOUR_MS  # type: ignore[union-attr]


def test_a_little_better_is_not_worth_waiting() -> None:
    assert best_timing(learned(("work", 12, 900, 90), ("work", 18, 900, 97)), PHONES, KINDS, (), UTC, (NOON, 1)) is None


def test_a_number_that_is_no_good_is_never_best() -> None:
    found = learned(("work", 12, 500, 50), ("mobile", 19, 500, 400))
    dead = [tried("+442", 1, Outcome.NOT_IN_SERVICE)]
    assert best_timing(found, PHONES, KINDS, dead, UTC, (NOON, 1)) is None


def test_what_somebody_did_themselves_weighs_more_with_each_call() -> None:
    found = learned(("work", 12, 500, 100), ("work", 18, 500, 150))
    times = [tried("+441", 18 + 24 * day) for day in range(8)]
    chances = []
    for count in range(9):
        best = best_timing(found, PHONES, KINDS, times[:count], UTC, (NOON, 1))
        chances.append(0.0 if best is None else best.chance)
    assert chances[0] > 0.25
    assert chances[0] > chances[1] > 0
    assert chances[8] == 0.0, "eight times nobody answered at 18: the hour is not theirs"


def test_it_is_put_off_by_less_than_a_day_and_begins_with_the_hour() -> None:
    found = learned(("work", 12, 500, 50), ("work", 11, 500, 250))
    best = best_timing(found, PHONES, KINDS, (), UTC, (NOON + 61_001, 1))
    assert best is not None
    assert best.due_at_ms == 35 * HOUR_MS
    assert best.due_at_ms - NOON < HORIZON_MS
    assert datetime.fromtimestamp(best.due_at_ms / 1_000, UTC).minute == 0
