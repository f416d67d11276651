"""From the answer to the agent: how long a person waits for the bridge, the dialer and the bare API loop in turn.

SIPp is both far ends: people who answer at once, and agents' phones that stay up. What is measured is from StasisStart
to ChannelEnteredBridge, by Asterisk's own clock (milliseconds), for every call.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Final

from app.bench import BenchRow
from app.bench.calls import run_apart
from asterisk.lab import Lab

GOAL: Final = 2.0
TALK_S: Final = 0.8
FLOORS: Final = ((5, 20), (30, 60), (100, 150))
"""Calls per second, and the agents who take them."""


async def bench_bridging(
    floors: Sequence[tuple[int, int]], *, seconds: float, runs: int, say: Callable[[str], None]
) -> list[BenchRow]:
    """Rows for each floor: p50 and p99 from answer to bridge, and calls that did not get their agent."""
    rows: list[BenchRow] = []
    async with Lab(lines=1_000, sipp_phones=max(agents for _, agents in floors)) as lab:
        await lab.start_sipp(answer_after_ms=100)
        for rate, agents in floors:
            bare: list[list[float]] = []
            ours: list[list[float]] = []
            lost = 0
            for run in range(runs):
                say(f"{rate} calls/s for {agents} agents, run {run + 1} of {runs}")
                spec = {"rate": rate, "agents": agents, "calls": round(rate * seconds), "talk_s": TALK_S}
                bare.append((await run_apart(lab, "bare_bridge", run=f"{rate}-{run}", **spec))["waits_ms"])
                told = await run_apart(lab, "bridge", run=f"{rate}-{run}", **spec)
                ours.append(told["waits_ms"])
                lost += spec["calls"] - told["connected"]
            rows += [_row(rate, agents, percent, bare, ours) for percent in (50, 99)]
            rows.append(
                BenchRow(
                    name=f"people without their agent at {rate} calls/s",
                    value=float(lost),
                    unit="people",
                    baseline=None,
                    ratio=None,
                    goal="0",
                    holds=lost == 0,
                )
            )
    return rows


def _row(rate: int, agents: int, percent: int, bare: list[list[float]], ours: list[list[float]]) -> BenchRow:
    """The median of the runs; a wait under a millisecond counts as one, which is as fine as Asterisk's clock is."""
    theirs = [max(1.0, percentile(waits, percent)) for waits in bare]
    mine = [max(1.0, percentile(waits, percent)) for waits in ours]
    ratios = [own / other for own, other in zip(mine, theirs, strict=True)]
    ratio = statistics.median(ratios)
    return BenchRow(
        name=f"answered to bridged p{percent} at {rate} calls/s, {agents} agents",
        value=statistics.median(mine),
        unit="ms",
        baseline=statistics.median(theirs),
        ratio=round(ratio, 2),
        goal=f"≤ {GOAL} × bare ({min(ratios):.2f}–{max(ratios):.2f} over {len(ratios)} runs)",
        holds=ratio <= GOAL,
    )


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that `percent` % of them do not exceed. Raises ValueError for none."""
    if not values:
        raise ValueError("nothing was measured")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, -(-len(ordered) * percent // 100) - 1)]
