"""Agents at their desks and a supervisor at the wallboard: how soon an agent's change is seen, and what it costs.

The program runs as a process of its own with real phones up (SIPp); the websockets are opened from here. Both use the
machine's one monotonic clock.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import aiohttp

from app.bench import BenchRow
from app.bench.bridging import percentile
from asterisk.lab import Lab

SEEN_GOAL_MS: Final = 250.0
CPU_GOAL_PERCENT: Final = 25.0
EVERY_S: Final = 0.1
"""Between two changes: an agent of 200 changes state every twenty seconds."""


async def bench_panel(agents: int, *, changes: int, say: Callable[[str], None]) -> list[BenchRow]:
    """From an agent's change to its row on the wallboard, p99, and the dialer's CPU meanwhile."""
    say(f"{agents} desks and a wallboard, {changes} changes")
    async with Lab(lines=2 * agents, sipp_phones=agents) as lab:
        await lab.start_sipp(answer_after_ms=100)
        spec = {
            "url": lab.pbx.ari_url,
            "user": lab.pbx.ari_user,
            "password": lab.pbx.ari_password,
            "agents": agents,
            "changes": changes,
            "every_s": EVERY_S,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "app.bench.panel_floor",
            json.dumps(spec),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=2**24,
        )
        try:
            told, seen = await _watch(process)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    waits = [wait for change in told["changes"] if (wait := _wait_ms(change, seen)) is not None]
    cpu = 100 * told["cpu_s"] / told["seconds"]
    p99 = percentile(waits, 99)
    return [
        BenchRow(
            name=f"change of an agent's state to the wallboard p99, {agents} desks open",
            value=round(p99, 1),
            unit="ms",
            baseline=None,
            ratio=None,
            goal=f"≤ {SEEN_GOAL_MS:g} ms (p50 {percentile(waits, 50):.1f}; {len(waits)} of {changes} changes seen)",
            holds=p99 <= SEEN_GOAL_MS and len(waits) >= 0.99 * changes,
        ),
        BenchRow(
            name=f"dialer CPU with {agents} desks, {1 / EVERY_S:g} changes a second",
            value=round(cpu, 1),
            unit="% of a core",
            baseline=None,
            ratio=None,
            goal=f"< {CPU_GOAL_PERCENT:g} %",
            holds=cpu < CPU_GOAL_PERCENT,
        ),
    ]


Seen = list[tuple[float, dict[str, str]]]


async def _watch(process: asyncio.subprocess.Process) -> tuple[dict[str, Any], Seen]:
    assert process.stdin is not None
    assert process.stdout is not None
    ready = json.loads(await process.stdout.readline() or b"{}")
    if not ready:
        raise RuntimeError(f"the program with {process.pid} did not get ready")
    url: str = ready["url"]
    seen: Seen = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        desks = [asyncio.create_task(_desk(session, url, token)) for token in ready["agents"]]
        board = asyncio.create_task(_board(session, url, ready["supervisor"], seen))
        await asyncio.sleep(2)
        if board.done():
            board.result()  # it could not be opened: say why
        process.stdin.write(b"go\n")
        told = json.loads(await process.stdout.readline() or b"{}")
        open_still = sum(not task.done() for task in desks)
        for task in (board, *desks):
            task.cancel()
        await asyncio.gather(board, *desks, return_exceptions=True)
    if open_still < len(desks):
        raise RuntimeError(f"only {open_still} of {len(desks)} desks stayed open")
    process.stdin.close()
    await process.wait()
    return told, seen


def _headers(url: str, token: str) -> dict[str, str]:
    return {"Origin": url, "Authorization": f"Bearer {token}"}


async def _desk(session: aiohttp.ClientSession, url: str, token: str) -> None:
    async with session.ws_connect(f"{url}/desk/live?tab=1", headers=_headers(url, token), max_msg_size=0) as socket:
        async for _ in socket:
            pass
    raise RuntimeError(f"a desk was closed: {socket.close_code}")


async def _board(session: aiohttp.ClientSession, url: str, token: str, seen: Seen) -> None:
    async with session.ws_connect(f"{url}/live/floor", headers=_headers(url, token), max_msg_size=0) as socket:
        async for message in socket:
            rows = {key: html for key, html in json.loads(message.data).get("html", {}).items() if key[1:].isdigit()}
            seen.append((time.monotonic(), rows))
    raise RuntimeError(f"the wallboard was closed: {socket.close_code}")


def _wait_ms(change: tuple[int, str, float], seen: Seen) -> float | None:
    """From a change to the first row that shows it; None when it was overtaken by the next before it was shown."""
    agent_id, state, asked_at = change
    for at, rows in seen:
        if at >= asked_at and f"s-{state}" in rows.get(f"a{agent_id}", ""):
            return (at - asked_at) * 1_000
    return None
