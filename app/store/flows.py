"""Flows, as written: a version never changes, a change is a new version, and a campaign names one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from app.store.errors import NotFound, unique
from app.store.schema import flows
from app.units import FlowId


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowVersion:
    """One version of a flow. version: 1, 2, …; source: the file as written."""

    id: FlowId
    name: str
    version: int
    source: str
    created_at_ms: int


def create_flow(conn: Connection, *, name: str, source: str, now_ms: int) -> FlowVersion:
    """Keep a flow: the newest version of that name when it says the same, a new version when it differs."""
    newest = latest_flow(conn, name)
    if newest and newest.source == source:
        return newest
    new = {
        "name": name,
        "version": newest.version + 1 if newest else 1,
        "source": source,
        "created_at_ms": now_ms,
    }
    with unique("flow", name):  # somebody else made the same version at the same moment
        return _flow(conn.execute(insert(flows).values(new).returning(*flows.c)).one())


def get_flow(conn: Connection, flow_id: FlowId) -> FlowVersion:
    """One version by its id. Raises NotFound."""
    row = conn.execute(select(flows).where(flows.c.id == flow_id)).first()
    if row is None:
        raise NotFound("flow", flow_id)
    return _flow(row)


def latest_flow(conn: Connection, name: str) -> FlowVersion | None:
    """The newest version of a name; None for no such flow."""
    row = conn.execute(select(flows).where(flows.c.name == name).order_by(flows.c.version.desc()).limit(1)).first()
    return _flow(row) if row else None


def list_flows(conn: Connection) -> list[FlowVersion]:
    """The newest version of each flow, by name."""
    newest = select(flows.c.name, func.max(flows.c.version).label("version")).group_by(flows.c.name).subquery()
    same = (flows.c.name == newest.c.name) & (flows.c.version == newest.c.version)
    return [_flow(row) for row in conn.execute(select(flows).join(newest, same).order_by(flows.c.name))]


def list_flow_versions(conn: Connection, name: str) -> list[FlowVersion]:
    """All versions of a flow, newest first."""
    found = select(flows).where(flows.c.name == name).order_by(flows.c.version.desc())
    return [_flow(row) for row in conn.execute(found)]


def _flow(row: Row[Any]) -> FlowVersion:
    return FlowVersion(
        id=FlowId(row.id), name=row.name, version=row.version, source=row.source, created_at_ms=row.created_at_ms
    )
