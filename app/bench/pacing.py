"""What a decision of the predictive pacer costs, on floors of 30 and of 1,000 agents."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable
from typing import Final

from app.bench import BenchRow
from app.study.speed import decision_times_us, record

GOALS_US: Final = {30: 200.0, 1_000: 2_000.0}
"""By agents: microseconds on one core."""


def bench_pacing(runs: int, say: Callable[[str], None]) -> list[BenchRow]:
    """Mean time of a decision over two minutes of a floor where 15% answer, the median of the runs."""
    rows = []
    for (agents, goal_us), are_named in itertools.product(GOALS_US.items(), (False, True)):
        named = ", each with their own lengths" if are_named else ""
        say(f"decisions for {agents:,} agents{named}")
        recorder = record(agents, are_agents_named=are_named)
        value = statistics.median(statistics.mean(decision_times_us(recorder)) for _ in range(runs))
        rows.append(
            BenchRow(
                name=f"decision of the pacer, {agents:,} agents{named}",
                value=round(value),
                unit="µs",
                baseline=None,
                ratio=None,
                goal=f"≤ {goal_us:g} µs",
                holds=value <= goal_us,
            )
        )
    return rows
