"""The ledger forgets what has left the window, and nothing else."""

from __future__ import annotations

import json

import pytest

from app.pacing import CallEnd, CallEnded, PacingPolicy, PersonAnswered, make_pacer
from app.pacing.ledger import Ledger

HOUR_MS = 3_600_000
WINDOW_MS = 24 * HOUR_MS


def test_the_window_moves_on() -> None:
    ledger = Ledger(24 * HOUR_MS)
    for hour in range(48):
        ledger.count(hour * HOUR_MS, answered=10, abandoned=hour % 2)
    assert 230 <= ledger.answered <= 250
    assert ledger.rate == pytest.approx(0.05, abs=0.005)
    ledger.forget(100 * HOUR_MS)
    assert (ledger.answered, ledger.abandoned, ledger.rate) == (0, 0, 0.0)


def test_it_is_written_down_and_taken_up() -> None:
    ledger = Ledger(24 * HOUR_MS)
    for hour in range(6):
        ledger.count(hour * HOUR_MS, answered=10, abandoned=1)
    again = Ledger.from_json(json.loads(json.dumps(ledger.as_json())), 24 * HOUR_MS)
    assert (again.answered, again.abandoned) == (60, 6)
    month = Ledger.from_json(ledger.as_json(), 30 * 24 * HOUR_MS)
    month.forget(20 * 24 * HOUR_MS)
    assert month.answered == 60


@pytest.mark.parametrize("written", [{}, {"buckets": 3, "bucket_ms": 1}, {"buckets": [[0, 1, -2]], "bucket_ms": 1}])
def test_what_is_no_ledger_is_refused(written: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a ledger"):
        Ledger.from_json(written, HOUR_MS)


def test_machines_are_people_by_mistake_now_and_then_and_cost_the_budget() -> None:
    pacer = make_pacer(PacingPolicy(machine_error=0.02))
    for call in range(100):
        pacer.observe(PersonAnswered(at_ms=0, call_id=call, ring_ms=9_000))
    assert pacer.budget.left == pytest.approx(3.0)
    for call in range(100, 200):
        pacer.observe(CallEnded(at_ms=0, call_id=call, outcome=CallEnd.MACHINE, ring_ms=20_000))
    assert pacer.budget.mistaken == pytest.approx(2.0)
    assert pacer.budget.left == pytest.approx(0.03 * 102 - 2)
    again = make_pacer(PacingPolicy(machine_error=0.02))
    again.take_up(json.loads(json.dumps(pacer.as_json())))
    assert again.budget.left == pytest.approx(pacer.budget.left)


def test_who_turned_out_to_be_no_person_is_taken_from_the_latest_and_never_below_nothing() -> None:
    ledger = Ledger(WINDOW_MS)
    ledger.count(0, answered=2)
    ledger.count(WINDOW_MS // 2, answered=1)
    ledger.count(WINDOW_MS // 2, answered=-2)
    assert ledger.answered == 1
    ledger.count(WINDOW_MS // 2, answered=-5)
    assert ledger.answered == 0
