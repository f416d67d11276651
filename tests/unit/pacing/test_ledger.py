"""The ledger forgets what has left the window, and nothing else."""

from __future__ import annotations

import json

import pytest

from app.pacing.ledger import Ledger

HOUR_MS = 3_600_000


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
