"""The reasons for which agents pause, in the order they are shown. A new database has a few to begin with."""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, insert, select, update

from app.agents import PauseReason
from app.store.errors import NotFound
from app.store.schema import pause_reasons


def put_pause_reason(conn: Connection, reason: PauseReason, *, position: int | None = None) -> None:
    """Add a reason, or change the one of that code. position: where it is shown; a new one without it is the last."""
    values: dict[str, object] = {"label": reason.label, "is_paid": reason.is_paid, "limit_ms": reason.limit_ms}
    if position is not None:
        values["position"] = position
    known = update(pause_reasons).where(pause_reasons.c.code == reason.code)
    if conn.execute(known.values(values)).rowcount == 0:
        last = conn.execute(select(func.coalesce(func.max(pause_reasons.c.position), 0))).scalar_one()
        conn.execute(insert(pause_reasons).values({"position": last + 1} | values | {"code": reason.code}))


def list_pause_reasons(conn: Connection) -> list[PauseReason]:
    """All reasons, in the order they are shown."""
    found = select(pause_reasons).order_by(pause_reasons.c.position, pause_reasons.c.code)
    return [
        PauseReason(code=row.code, label=row.label, is_paid=bool(row.is_paid), limit_ms=row.limit_ms)
        for row in conn.execute(found)
    ]


def get_pause_reason(conn: Connection, code: str) -> PauseReason:
    """Raises NotFound."""
    for reason in list_pause_reasons(conn):
        if reason.code == code:
            return reason
    raise NotFound("pause reason", code)


def remove_pause_reason(conn: Connection, code: str) -> None:
    """Take a reason off the list; time that was spent on it stays written down. Raises NotFound."""
    if conn.execute(delete(pause_reasons).where(pause_reasons.c.code == code)).rowcount == 0:
        raise NotFound("pause reason", code)
