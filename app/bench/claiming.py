"""What a claim costs when the list is long: the same at ten thousand and at ten million contacts, or it is wrong."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, text

from app.bench import BenchRow
from app.commands import ClaimContacts
from app.compliance.plan import AT_ANY_TIME
from app.model import Campaign, Trunk
from app.store import SqlStore, campaigns, flows, lists, trunks
from app.units import CampaignId, ListId, TrunkId

CLAIM = 20
ROUNDS = 4
CLAIMS = 100
GOAL_RATIO = 1.5


async def bench_claiming(sizes: tuple[int, ...], say: Callable[[str], None]) -> list[BenchRow]:
    """A row for each size: a claim of 20 contacts with its commit, beside the smallest size.

    The median of 100 claims, of the least disturbed of four rounds.
    """
    rows: list[BenchRow] = []
    baseline: float | None = None
    for size in sizes:
        say(f"claiming from {size:,} contacts")
        with tempfile.TemporaryDirectory(prefix="outring-bench-") as folder:
            median_ms = await _median_ms(Path(folder) / "bench.db", size)
        baseline = baseline or median_ms
        ratio = median_ms / baseline
        rows.append(
            BenchRow(
                name=f"claim of {CLAIM} contacts of {size:,}",
                value=round(median_ms, 2),
                unit="ms",
                baseline=round(baseline, 2),
                ratio=round(ratio, 2),
                goal=f"≤ {GOAL_RATIO} × at {sizes[0]:,}",
                holds=ratio <= GOAL_RATIO,
            )
        )
    return rows


async def _median_ms(path: Path, size: int) -> float:
    async with await SqlStore.open(f"sqlite+aiosqlite:///{path}") as store:
        campaign_id = await store.write(_prepare, size)
        await store.attach_list(campaign_id, ListId(1), 0)
        return min([await _round_ms(store, campaign_id) for _ in range(ROUNDS)])


async def _round_ms(store: SqlStore, campaign_id: CampaignId) -> float:
    times_ms: list[float] = []
    for turn in range(CLAIMS):
        began = time.perf_counter()
        await store.commit([ClaimContacts(campaign_id=campaign_id, count=CLAIM)], 1_000 + turn)
        times_ms.append((time.perf_counter() - began) * 1_000)
    return statistics.median(times_ms)


def _prepare(conn: Connection, size: int) -> CampaignId:
    found = lists.create_list(conn, name="bench", country="GB", now_ms=0)
    conn.execute(
        text(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :size) "
            "INSERT INTO contacts (list_id, key, name, phone1, fields, created_at_ms, updated_at_ms) "
            "SELECT :list_id, i, 'Contact ' || i, printf('+4477%08d', i), '{\"city\": \"Ayton\"}', 0, 0 FROM n"
        ),
        {"size": size, "list_id": found.id},
    )
    trunk = Trunk(id=TrunkId("bench"), endpoint="bench", prefixes=("+",))
    trunks.create_trunk(conn, trunk)
    flow = flows.create_flow(conn, name="bench", source="nodes: {}", now_ms=0)
    plan = Campaign(id=CampaignId(0), name="bench", flow_id=flow.id, trunks=(trunk.id,), compliance=AT_ANY_TIME)
    return campaigns.create_campaign(conn, plan, now_ms=0).campaign.id
