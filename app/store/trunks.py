"""Trunks: the ways out, with their limits."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.model import NumberFormat, Trunk
from app.store.errors import InUse, NotFound, unique
from app.store.schema import trunks
from app.units import TrunkId


def create_trunk(conn: Connection, trunk: Trunk) -> None:
    """Add a trunk. Raises Duplicate."""
    with unique("trunk", trunk.id):
        conn.execute(insert(trunks).values(_row(trunk)))


def put_trunk(conn: Connection, trunk: Trunk) -> None:
    """Add a trunk, or change the one of that id."""
    if conn.execute(update(trunks).where(trunks.c.id == trunk.id).values(_row(trunk))).rowcount == 0:
        create_trunk(conn, trunk)


def update_trunk(conn: Connection, trunk: Trunk) -> None:
    """Change the trunk of that id. Raises NotFound."""
    if conn.execute(update(trunks).where(trunks.c.id == trunk.id).values(_row(trunk))).rowcount == 0:
        raise NotFound("trunk", trunk.id)


def remove_trunk(conn: Connection, trunk_id: TrunkId) -> None:
    """Remove a trunk. Raises NotFound, and InUse while a campaign has it."""
    try:
        removed = conn.execute(delete(trunks).where(trunks.c.id == trunk_id)).rowcount
    except IntegrityError as error:
        raise InUse(f"trunk {trunk_id} is used by a campaign; take it out there first, or disable it") from error
    if removed == 0:
        raise NotFound("trunk", trunk_id)


def get_trunk(conn: Connection, trunk_id: TrunkId) -> Trunk:
    """Raises NotFound."""
    row = conn.execute(select(trunks).where(trunks.c.id == trunk_id)).first()
    if row is None:
        raise NotFound("trunk", trunk_id)
    return _trunk(row)


def list_trunks(conn: Connection) -> list[Trunk]:
    """All trunks, by id."""
    return [_trunk(row) for row in conn.execute(select(trunks).order_by(trunks.c.id))]


def _row(trunk: Trunk) -> dict[str, Any]:
    row = asdict(trunk)
    row["prefixes"] = list(trunk.prefixes)
    return row


def _trunk(row: Row[Any]) -> Trunk:
    return Trunk(
        id=TrunkId(row.id),
        endpoint=row.endpoint,
        lines=row.lines,
        calls_per_second=row.calls_per_second,
        prefixes=tuple(row.prefixes),
        number_format=NumberFormat(**row.number_format),
        caller_id=row.caller_id,
        is_enabled=bool(row.is_enabled),
    )
