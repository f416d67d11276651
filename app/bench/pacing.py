"""What a decision of the predictive pacer costs, on floors of 30 and of 1,000 agents."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable
from typing import Final

from app.bench import BenchRow
from app.study.speed import decision_times_us, record
from app.study.telling import Telling

GOALS_US: Final = {30: 200.0, 1_000: 2_000.0}
"""By agents: microseconds on one core."""
_T = Telling
TOLD: Final[dict[str, frozenset[Telling]]] = {
    "": frozenset(),
    ", each with their own lengths": frozenset({_T.NAMES}),
    ", all signals told": frozenset({_T.NAMES, _T.HISTORY, _T.PHONE, _T.LINE, _T.DESK}),
}


def bench_pacing(runs: int, say: Callable[[str], None]) -> list[BenchRow]:
    """Mean time of a decision over two minutes of a floor where 15% answer, the median of the runs."""
    rows = []
    for (agents, goal_us), (telling, told) in itertools.product(GOALS_US.items(), TOLD.items()):
        say(f"decisions for {agents:,} agents{telling}")
        recorder = record(agents, told=told)
        value = statistics.median(statistics.mean(decision_times_us(recorder)) for _ in range(runs))
        rows.append(
            BenchRow(
                name=f"decision of the pacer, {agents:,} agents{telling}",
                value=round(value),
                unit="µs",
                baseline=None,
                ratio=None,
                goal=f"≤ {goal_us:g} µs",
                holds=value <= goal_us,
            )
        )
    return rows
