"""What agents cost for whom nobody is called: nailed-up phones on the real PBX, the whole dialer, no contact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from app.bench import BenchRow
from app.bench.calls import run_apart
from asterisk.lab import Lab

GOAL_PERCENT: Final = 5.0


async def bench_idle(agents: int, *, seconds: float, say: Callable[[str], None]) -> list[BenchRow]:
    """The dialer's CPU, in percent of one core, while `agents` agents are available and nobody is dialed."""
    say(f"{agents} idle agents for {seconds:g} s")
    async with Lab(lines=2 * agents, sipp_phones=agents) as lab:
        await lab.start_sipp(answer_after_ms=100)
        told = await run_apart(lab, "bridge", run="idle", rate=1, agents=agents, calls=0, talk_s=1, idle_s=seconds)
    percent = 100 * told["cpu_s"] / told["seconds"]
    return [
        BenchRow(
            name=f"dialer CPU with {agents} idle agents",
            value=round(percent, 2),
            unit="% of a core",
            baseline=None,
            ratio=None,
            goal=f"< {GOAL_PERCENT:g} %",
            holds=percent < GOAL_PERCENT,
        )
    ]
