"""Campaigns as operators make and read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from app.model import Campaign, CampaignStatus
from app.store.errors import NotFound, unique
from app.store.flows import get_flow
from app.store.owners import giving_of
from app.store.progress import Progress, progress_of
from app.store.schema import campaign_lists, campaign_trunks, campaigns, trunks
from app.store.strategies import get_strategy, strategies_by_name
from app.strategy.rows import CallStrategy
from app.units import CampaignId, ListId, TrunkId


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignEntry:
    """A campaign on disk: what the dialer runs, and what the operator sees beside it. Times None: not yet."""

    campaign: Campaign
    status: CampaignStatus
    list_ids: tuple[ListId, ...]
    progress: Progress
    created_at_ms: int
    started_at_ms: int | None
    ended_at_ms: int | None


def create_campaign(conn: Connection, plan: Campaign, *, now_ms: int) -> CampaignEntry:
    """Keep a new campaign as a draft. The id in `plan` is not looked at: the answer has the real one.

    Raises Duplicate for its name, NotFound for its flow or a trunk.
    """
    _check(conn, plan)
    new = _row(plan) | {"status": CampaignStatus.DRAFT.value, "created_at_ms": now_ms}
    with unique("campaign", plan.name):
        campaign_id = CampaignId(conn.execute(insert(campaigns).values(new).returning(campaigns.c.id)).scalar_one())
    _set_trunks(conn, campaign_id, plan.trunks)
    return get_campaign(conn, campaign_id)


def update_campaign(conn: Connection, plan: Campaign) -> None:
    """Change the campaign of that id: name, flow, trunks and settings. Raises NotFound, Duplicate."""
    _check(conn, plan)
    before = giving_of(conn, plan.id)
    with unique("campaign", plan.name):
        changed = conn.execute(update(campaigns).where(campaigns.c.id == plan.id).values(_row(plan))).rowcount
    if changed == 0:
        raise NotFound("campaign", plan.id)
    _set_trunks(conn, plan.id, plan.trunks)
    if not before.gives_alike(plan):
        conn.execute(update(campaigns).where(campaigns.c.id == plan.id).values(owners_after=0))


def get_campaign(conn: Connection, campaign_id: CampaignId) -> CampaignEntry:
    """Raises NotFound."""
    found = _entries(conn, select(campaigns).where(campaigns.c.id == campaign_id))
    if not found:
        raise NotFound("campaign", campaign_id)
    return found[0]


def campaign_by_name(conn: Connection, name: str) -> CampaignEntry | None:
    """The campaign of a name; None for no such campaign."""
    found = _entries(conn, select(campaigns).where(campaigns.c.name == name))
    return found[0] if found else None


def list_campaigns(
    conn: Connection, status: CampaignStatus | None = None, *, with_rehearsals: bool = False
) -> list[CampaignEntry]:
    """All campaigns, or those of a status, newest first. Those of test calls are told of only where asked for."""
    found = select(campaigns).order_by(campaigns.c.id.desc())
    if status is not None:
        found = found.where(campaigns.c.status == status.value)
    return [one for one in _entries(conn, found) if with_rehearsals or not one.campaign.rehearses]


def _check(conn: Connection, plan: Campaign) -> None:
    get_flow(conn, plan.flow_id)
    if plan.strategy is not None:
        get_strategy(conn, plan.strategy.name)
    known = set(conn.execute(select(trunks.c.id).where(trunks.c.id.in_(plan.trunks))).scalars())
    for trunk_id in plan.trunks:
        if trunk_id not in known:
            raise NotFound("trunk", trunk_id)


def _row(plan: Campaign) -> dict[str, Any]:
    settings = msgspec.to_builtins(plan)
    for column in ("id", "name", "flow_id", "trunks", "strategy"):
        del settings[column]
    strategy = None if plan.strategy is None else plan.strategy.name
    return {"name": plan.name, "flow_id": plan.flow_id, "strategy": strategy, "settings": settings}


def _set_trunks(conn: Connection, campaign_id: CampaignId, trunk_ids: Sequence[TrunkId]) -> None:
    conn.execute(delete(campaign_trunks).where(campaign_trunks.c.campaign_id == campaign_id))
    rows = [
        {"campaign_id": campaign_id, "position": position, "trunk_id": trunk_id}
        for position, trunk_id in enumerate(dict.fromkeys(trunk_ids))
    ]
    if rows:
        conn.execute(insert(campaign_trunks), rows)


def _entries(conn: Connection, found: Select[Any]) -> list[CampaignEntry]:
    rows = conn.execute(found).all()
    if not rows:
        return []
    ids = [CampaignId(row.id) for row in rows]
    ways: dict[int, list[TrunkId]] = {campaign_id: [] for campaign_id in ids}
    ordered = select(campaign_trunks).where(campaign_trunks.c.campaign_id.in_(ids)).order_by(campaign_trunks.c.position)
    for way in conn.execute(ordered):
        ways[way.campaign_id].append(TrunkId(way.trunk_id))
    attached: dict[int, list[ListId]] = {campaign_id: [] for campaign_id in ids}
    linked = select(campaign_lists).where(campaign_lists.c.campaign_id.in_(ids)).order_by(campaign_lists.c.list_id)
    for link in conn.execute(linked):
        attached[link.campaign_id].append(ListId(link.list_id))
    counts = progress_of(conn, *ids)
    followed = strategies_by_name(conn, {row.strategy for row in rows if row.strategy is not None})
    return [
        _entry(row, ways[row.id], attached[row.id], counts.get(row.id, Progress()), followed.get(row.strategy))
        for row in rows
    ]


def _entry(
    row: Row[Any],
    trunk_ids: Sequence[TrunkId],
    list_ids: Sequence[ListId],
    progress: Progress,
    strategy: CallStrategy | None,
) -> CampaignEntry:
    columns = {"id": row.id, "name": row.name, "flow_id": row.flow_id, "trunks": tuple(trunk_ids)}
    campaign = msgspec.convert({**row.settings, **columns}, Campaign)
    return CampaignEntry(
        campaign=replace(campaign, strategy=strategy),
        status=CampaignStatus(row.status),
        list_ids=tuple(list_ids),
        progress=progress,
        created_at_ms=row.created_at_ms,
        started_at_ms=row.started_at_ms,
        ended_at_ms=row.ended_at_ms,
    )
