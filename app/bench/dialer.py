"""The whole dialer under load: claims, attempts on disk, calls, a flow that hangs up, outcomes on disk.

Run as a process of its own (`python -m app.bench.dialer`), beside the bare loop of app.bench.bare.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from app import logs
from app.asterisk.telephony import AsteriskTelephony
from app.bench import run_measured
from app.commands import RenderPrompts
from app.compliance.plan import AT_ANY_TIME
from app.dialing.dialer import Dialer
from app.events import PromptsRendered
from app.model import Campaign, RetryPolicy, Trunk
from app.operations import Operations
from app.runtime import Runtime
from app.store import SqlStore, campaigns, lists, progress
from app.units import CampaignId, ListId, TrunkId

FLOW = """
name: bench
nodes:
  start: {type: hangup}
"""


class _NoPrompts:
    async def render(self, command: RenderPrompts) -> PromptsRendered:
        raise AssertionError("the bench's flow says nothing")


async def dialer_run(spec: dict[str, Any]) -> dict[str, float]:
    """Dial spec["calls"] contacts at spec["rate"] a second; as app.bench.bare, and `attempts`, `unaccounted`, `rss_mb`.

    The clock runs from the campaign's start to the last outcome on disk.
    """
    with tempfile.TemporaryDirectory(prefix="outring-bench-") as folder:
        telephony = AsteriskTelephony(url=spec["url"], user=spec["user"], password=spec["password"])
        async with await SqlStore.open(f"sqlite+aiosqlite:///{Path(folder) / 'bench.db'}") as store:
            runtime = Runtime(dialer=Dialer(), telephony=telephony, store=store, prompts=_NoPrompts())
            operations = Operations(store=store, runtime=runtime)
            working = asyncio.create_task(runtime.run(await operations.first_events()))
            campaign_id = await _prepare(operations, store, spec)
            before, began = _cpu_s(), time.monotonic()
            rss = [_rss_mb()]
            await operations.start_campaign(campaign_id)
            deadline = began + spec["calls"] / spec["rate"] * 2 + 30
            counts = await store.read(progress.get_progress, campaign_id)
            while counts.settled < counts.total and time.monotonic() < deadline and not working.done():
                await asyncio.sleep(0.1)
                if not operations.snapshot().campaigns or len(rss) % 10 == 0:
                    counts = await store.read(progress.get_progress, campaign_id)
                rss.append(_rss_mb())
            seconds, cpu_s = time.monotonic() - began, _cpu_s() - before
            ended_ms = await store.read(_last_end_ms)
            first_ms = (await store.read(campaigns.get_campaign, campaign_id)).started_at_ms or 0
            counts = await store.read(progress.get_progress, campaign_id)
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            await telephony.stop()
    return {
        "done": counts.settled,
        "seconds": min(seconds, (ended_ms - first_ms) / 1_000) if ended_ms else seconds,
        "cpu_s": cpu_s,
        "attempts": counts.attempts,
        "connected": counts.outcomes.get(35, 0),  # type: ignore[call-overload]
        "unaccounted": counts.total - counts.settled,
        "rss_after_tenth_mb": rss[len(rss) // 10],
        "rss_end_mb": rss[-1],
    }


async def _prepare(operations: Operations, store: SqlStore, spec: dict[str, Any]) -> CampaignId:
    rate, lines = float(spec["rate"]), int(spec["lines"])
    trunk = Trunk(
        id=TrunkId("bench"), endpoint=spec["endpoint"], lines=lines, calls_per_second=rate * 1.02, prefixes=("+",)
    )
    await operations.save_trunk(trunk)
    version, _ = await operations.save_flow("bench", FLOW)
    found = await store.write(lists.create_list, name="bench", country="GB", now_ms=operations.now_ms)
    await store.write(fill, found.id, int(spec["calls"]))
    plan = Campaign(
        id=CampaignId(0),
        name="bench",
        flow_id=version.id,
        trunks=(trunk.id,),
        compliance=AT_ANY_TIME,
        lines=lines,
        calls_per_second=rate,
        ring_timeout_ms=20_000,
        retry=RetryPolicy(max_attempts=1, max_faults=1),
    )
    return (await operations.create_campaign(plan, [found.id])).campaign.id


def fill(conn: Connection, list_id: ListId, count: int) -> None:
    """Contacts with fictional numbers, made by the database itself."""
    conn.execute(
        text(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count) "
            "INSERT INTO contacts (list_id, key, name, phone1, fields, created_at_ms, updated_at_ms) "
            "SELECT :list_id, i, 'Contact ' || i, printf('+447700%06d', i), '{\"city\": \"Ayton\"}', 0, 0 FROM n"
        ),
        {"count": count, "list_id": list_id},
    )
    conn.execute(text("UPDATE lists SET contacts = :count WHERE id = :id"), {"count": count, "id": list_id})


def _last_end_ms(conn: Connection) -> int:
    return int(conn.execute(text("SELECT MAX(closed_at_ms) FROM attempts")).scalar() or 0)


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


if __name__ == "__main__":
    logs.set_up("WARNING")
    print(json.dumps(run_measured(dialer_run(json.loads(sys.argv[1])))))
