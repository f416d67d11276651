"""The dialer at work for long: does it stay as quick and as small as it was, and does it leave anything behind?

`python -m app.bench.soak --seconds 600` (`make soak`). Calls are answered by SIPp and last ten seconds, so that at 50 a
second five hundred are up. Exit code 1 when a goal is not met.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import click

from app import logs
from app.asterisk.telephony import AsteriskTelephony
from app.bench import BenchRow, run_measured
from app.bench.bridge import OneSound
from app.bench.dialer import fill
from app.compliance.plan import AT_ANY_TIME
from app.dialing.dialer import Dialer
from app.meter import Histogram
from app.model import Campaign, RetryPolicy, Trunk
from app.operations import Operations
from app.runtime import Runtime
from app.store import SqlStore, lists, progress
from app.units import CampaignId, TrunkId
from asterisk.lab import Lab, LabError

TALK_S: Final = 10.0
FLOW: Final = """
name: soak
start: wait
nodes:
  wait: {type: menu, text: Please hold the line., keys: {1: bye}, timeout_s: 30, repeats: 0, on_fail: bye}
  bye: {type: hangup}
"""
WARM_UP: Final = 0.25
"""The share of the time that does not count for memory; at least until the first calls have ended."""
FINE_S: Final = tuple(step / 2_000 for step in range(1, 4_001))
"""Bounds of half a millisecond, up to two seconds."""
LEAST_S: Final = 300.0
"""A shorter run says nothing of memory: the database's and the allocator's rooms still fill."""
TURN_GOAL_MS: Final = 50.0
GROWTH_GOAL: Final = 0.01
END_S: Final = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What came of the run. turn_ms: what 99.9% of turns took at the most, from the arrival of their oldest event."""

    calls: int
    seconds: float
    most_live: int
    turn_ms: float
    warm_mb: float
    end_mb: float
    left: dict[str, int]
    unaccounted: int


def rows(ran: Ran, rate: int) -> list[BenchRow]:
    """The figures beside their goals."""

    def row(name: str, value: float, unit: str, goal: str, *, holds: bool) -> BenchRow:
        return BenchRow(name=name, value=value, unit=unit, baseline=None, ratio=None, goal=goal, holds=holds)

    growth = ran.end_mb / ran.warm_mb - 1
    is_warm = ran.seconds >= LEAST_S
    found = [
        row(
            f"calls at {rate} a second for {ran.seconds:.0f} s", ran.calls, "calls", "95% of what was offered",
            holds=ran.calls >= 0.95 * rate * ran.seconds,
        ),
        row("most calls up at once", ran.most_live, "calls", "told only", holds=True),
        row(
            "events handled within (p99.9)", round(ran.turn_ms, 1), "ms", f"≤ {TURN_GOAL_MS:g} ms",
            holds=ran.turn_ms <= TURN_GOAL_MS,
        ),
        row(
            f"memory growth after warm-up ({ran.warm_mb:.1f} → {ran.end_mb:.1f} MB)", round(100 * growth, 2), "%",
            f"≤ {100 * GROWTH_GOAL:g}%" if is_warm else f"told only: under {LEAST_S:g} s it is still warming up",
            holds=growth <= GROWTH_GOAL or not is_warm,
        ),
        row("calls without an outcome on disk", ran.unaccounted, "calls", "0", holds=not ran.unaccounted),
    ]  # fmt: skip
    return found + [row(f"{name} left behind", count, name, "0", holds=count <= 0) for name, count in ran.left.items()]


async def soak(lab: Lab, seconds: int, rate: int, say: Callable[[str], None]) -> Ran:
    """Dial for so long, and look at what is left."""
    await lab.start_sipp(hang_up_after_ms=round(1_000 * TALK_S))
    pbx = lab.pbx
    telephony = AsteriskTelephony(url=pbx.ari_url, user=pbx.ari_user, password=pbx.ari_password)
    with tempfile.TemporaryDirectory(prefix="outring-soak-") as folder:
        async with await SqlStore.open(f"sqlite+aiosqlite:///{Path(folder) / 'soak.db'}") as store:
            runtime = Runtime(dialer=Dialer(), telephony=telephony, store=store, prompts=OneSound())
            runtime.meter.turn_s = Histogram(FINE_S)
            operations = Operations(store=store, runtime=runtime)
            working = asyncio.create_task(runtime.run(await operations.first_events()))
            try:
                campaign_id = await _prepare(operations, store, seconds, rate)
                await asyncio.sleep(2)
                before = await _held(lab)
                began = time.monotonic()
                await operations.start_campaign(campaign_id)
                memory, most_live = await _watch(operations, working, began, seconds, say)
                took_s = time.monotonic() - began
                await operations.stop_campaign(campaign_id)
                placed = (await store.read(progress.get_progress, campaign_id)).attempts
                await runtime.wind_down(END_S)
                await asyncio.sleep(2)
                after = await _held(lab)
                open_now = len((await store.recover()).attempts)
            finally:
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)
                await telephony.stop()
    warm_from = max(WARM_UP * seconds, 2 * TALK_S)
    warm = [mb for at_s, mb in memory if warm_from <= at_s < warm_from + max(5.0, 0.1 * seconds)]
    end = [mb for at_s, mb in memory if at_s >= seconds - max(5.0, 0.1 * seconds)]
    return Ran(
        calls=placed,
        seconds=took_s,
        most_live=most_live,
        turn_ms=1_000 * _share(runtime.meter.turn_s, 0.999),
        warm_mb=statistics.median(warm or [mb for _, mb in memory]),
        end_mb=statistics.median(end),
        left={name: after[name] - before[name] for name in before},
        unaccounted=open_now,
    )


async def _prepare(operations: Operations, store: SqlStore, seconds: int, rate: int) -> CampaignId:
    lines = round(rate * TALK_S * 1.5) + 50
    trunk = Trunk(id=TrunkId("sipp"), endpoint="sipp", lines=lines, calls_per_second=rate * 1.02, prefixes=("+",))
    await operations.save_trunk(trunk)
    version, _ = await operations.save_flow("soak", FLOW)
    found = await store.write(lists.create_list, name="soak", country="GB", now_ms=operations.now_ms)
    await store.write(fill, found.id, (seconds + 60) * rate)
    plan = Campaign(
        id=CampaignId(0),
        name="soak",
        flow_id=version.id,
        trunks=(trunk.id,),
        compliance=AT_ANY_TIME,
        lines=lines,
        calls_per_second=float(rate),
        ring_timeout_ms=20_000,
        retry=RetryPolicy(max_attempts=1, max_faults=1),
    )
    return (await operations.create_campaign(plan, [found.id])).campaign.id


async def _watch(
    operations: Operations, working: asyncio.Task[Any], began: float, seconds: int, say: Callable[[str], None]
) -> tuple[list[tuple[float, float]], int]:
    """Look once a second until the time is over: memory by time, and the most calls up."""
    memory: list[tuple[float, float]] = []
    most = 0
    while (at_s := time.monotonic() - began) < seconds:
        if working.done():
            working.result()
        up = sum(one.dialing + one.ringing + one.answered for one in operations.snapshot().campaigns)
        most = max(most, up)
        memory.append((at_s, _rss_mb()))
        if len(memory) % 30 == 1:
            say(f"{at_s:.0f} s: {up} calls up, {memory[-1][1]:.1f} MB")
        await asyncio.sleep(1)
    return memory, most


async def _held(lab: Lab) -> dict[str, int]:
    """What must be as it was before: in the PBX, and in this process."""
    async with aiohttp.ClientSession(headers=lab.pbx.ari_headers) as http:
        channels = await (await http.get(f"{lab.pbx.ari_url}/channels")).json()
        bridges = await (await http.get(f"{lab.pbx.ari_url}/bridges")).json()
    regular = [one for one in Path("/proc/self/fd").iterdir() if os.path.realpath(one).startswith("/")]
    return {
        "channels": len(channels),
        "bridges": len(bridges),
        "tasks": len(asyncio.all_tasks()),
        "files": len([one for one in regular if not os.path.realpath(one).startswith("/proc")]),
    }


def _share(values: Histogram, share: float) -> float:
    """The bound under which this share of the values lies, in seconds."""
    wanted = share * values.count
    return next(bound_s for bound_s, count in values.cumulative() if count >= wanted)


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


@click.command()
@click.option("--seconds", type=click.IntRange(30, 7 * 86_400), default=600, show_default=True, help="How long.")
@click.option("--rate", type=click.IntRange(1, 500), default=50, show_default=True, help="Calls per second.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list on standard output, for machines.")
def main(seconds: int, rate: int, as_json: bool) -> None:
    """Dial for long on the laboratory's Asterisk, and say what grew and what was left behind."""
    logs.set_up("ERROR")

    def say(text: str) -> None:
        click.echo(text, err=True)

    async def run() -> Ran:
        async with Lab(lines=round(rate * TALK_S * 2) + 100) as lab:
            return await soak(lab, seconds, rate, say)

    try:
        found = rows(run_measured(run()), rate)
    except LabError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found]))
    else:
        for one in found:
            click.echo(f"{'✓' if one.holds else '✗'} {one.name}: {one.value:g} {one.unit} (goal: {one.goal})")
    if not all(one.holds for one in found):
        sys.exit(1)


if __name__ == "__main__":
    main()
