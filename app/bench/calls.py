"""Calls per second, CPU a call, loss and memory: the dialer and the bare API loop in turn, on the same Asterisk.

The far end is SIPp, which answers at once. Both run as processes of their own, one after the other, several times, and
the ratio is taken within each pair, so that a machine that is busy with something else is busy for both.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.bench import BenchRow
from asterisk.lab import Lab

LINES = 400
CPS_GOAL = 0.9
CPU_GOAL = 2.0
MEMORY_GOAL = 1.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One run of each at the same rate."""

    bare_cps: float
    cps: float
    bare_cpu_ms: float
    cpu_ms: float
    lost: int


async def bench_calls(
    rates: tuple[int, ...], *, seconds: float, runs: int, say: Callable[[str], None]
) -> list[BenchRow]:
    """Rows for each offered rate: calls per second, CPU per call, calls without an outcome on disk."""
    rows: list[BenchRow] = []
    async with Lab(lines=LINES) as lab:
        await lab.start_sipp(answer_after_ms=0)
        await _run(lab, "bare", 50, 100, "warm-up")
        for rate in rates:
            pairs = []
            for run in range(runs):
                say(f"{rate} calls/s offered, run {run + 1} of {runs}")
                pairs.append(await _pair(lab, rate, round(rate * seconds), run))
            rows += _rows(rate, pairs)
    return rows


async def bench_memory(calls: int, rate: int, say: Callable[[str], None]) -> list[BenchRow]:
    """The dialer's memory over many calls: at the end beside after the first tenth."""
    say(f"memory over {calls:,} calls at {rate}/s")
    async with Lab(lines=LINES) as lab:
        await lab.start_sipp(answer_after_ms=0)
        ran = await _run(lab, "dialer", rate, calls, "memory")
    ratio = ran["rss_end_mb"] / ran["rss_after_tenth_mb"]
    return [
        BenchRow(
            name=f"memory after {calls:,} calls",
            value=round(ran["rss_end_mb"], 1),
            unit="MB",
            baseline=round(ran["rss_after_tenth_mb"], 1),
            ratio=round(ratio, 3),
            goal=f"≤ {MEMORY_GOAL} × after a tenth of them",
            holds=ratio <= MEMORY_GOAL and not ran["unaccounted"],
        )
    ]


async def _pair(lab: Lab, rate: int, calls: int, run: int) -> Pair:
    bare = await _run(lab, "bare", rate, calls, f"{rate}-{run}")
    ours = await _run(lab, "dialer", rate, calls, f"{rate}-{run}")
    return Pair(
        bare_cps=bare["done"] / bare["seconds"],
        cps=ours["done"] / ours["seconds"],
        bare_cpu_ms=1_000 * bare["cpu_s"] / max(1.0, bare["done"]),
        cpu_ms=1_000 * ours["cpu_s"] / max(1.0, ours["done"]),
        lost=int(ours["unaccounted"] + calls - ours["connected"]),
    )


async def _run(lab: Lab, which: str, rate: int, calls: int, run: str) -> dict[str, float]:
    told: dict[str, float] = await run_apart(lab, which, rate=rate, calls=calls, lines=LINES, run=run)
    return told


async def run_apart(lab: Lab, which: str, **more: object) -> dict[str, Any]:
    """Run a program of this room as a process of its own, against the laboratory's PBX with SIPp as far end.

    Raises RuntimeError when it fails.
    """
    spec = {
        "url": lab.pbx.ari_url,
        "user": lab.pbx.ari_user,
        "password": lab.pbx.ari_password,
        "endpoint": "sipp",
        **more,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"app.bench.{which}", json.dumps(spec), stdout=asyncio.subprocess.PIPE
    )
    try:
        out, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise RuntimeError(f"the {which} run ended with exit code {process.returncode}")
    told: dict[str, Any] = json.loads(out)
    return told


def _rows(rate: int, pairs: list[Pair]) -> list[BenchRow]:
    cps = [pair.cps / pair.bare_cps for pair in pairs]
    cpu = [pair.cpu_ms / pair.bare_cpu_ms for pair in pairs]
    lost = sum(pair.lost for pair in pairs)
    return [
        BenchRow(
            name=f"calls per second at {rate} offered",
            value=round(statistics.median(pair.cps for pair in pairs), 1),
            unit="calls/s",
            baseline=round(statistics.median(pair.bare_cps for pair in pairs), 1),
            ratio=round(statistics.median(cps), 3),
            goal=f"≥ {CPS_GOAL} × bare ({min(cps):.2f}–{max(cps):.2f} over {len(pairs)} runs)",
            holds=statistics.median(cps) >= CPS_GOAL,
        ),
        BenchRow(
            name=f"dialer CPU per call at {rate} offered",
            value=round(statistics.median(pair.cpu_ms for pair in pairs), 2),
            unit="ms",
            baseline=round(statistics.median(pair.bare_cpu_ms for pair in pairs), 2),
            ratio=round(statistics.median(cpu), 2),
            goal=f"≤ {CPU_GOAL} × bare ({min(cpu):.2f}–{max(cpu):.2f} over {len(pairs)} runs)",
            holds=statistics.median(cpu) <= CPU_GOAL,
        ),
        BenchRow(
            name=f"calls without their outcome on disk at {rate} offered",
            value=float(lost),
            unit="calls",
            baseline=None,
            ratio=None,
            goal="0",
            holds=lost == 0,
        ),
    ]
