"""The do-not-call list, as pages read it and imports fill it. Claiming looks into it itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from app.commands import AddDnc
from app.store.closing import add_dnc
from app.store.errors import NotFound
from app.store.schema import dnc
from app.units import AttemptId, Number


@dataclass(frozen=True, slots=True, kw_only=True)
class DncEntry:
    """A number nobody calls. source: keypress, import, api, agent; attempt_id: the call it was asked in."""

    number: Number
    source: str
    attempt_id: AttemptId | None
    created_at_ms: int


def add_dnc_numbers(conn: Connection, numbers: Sequence[Number], *, source: str, now_ms: int) -> int:
    """Put numbers on the list; answers how many were not on it yet."""
    return add_dnc(conn, [AddDnc(number=number, source=source) for number in numbers], now_ms)


def is_dnc(conn: Connection, number: Number) -> bool:
    """Whether a number is on the list."""
    return conn.execute(select(dnc.c.number).where(dnc.c.number == number)).first() is not None


def remove_dnc(conn: Connection, number: Number) -> None:
    """Take a number off the list, where it was put by mistake; contacts settled meanwhile stay so. Raises NotFound."""
    if conn.execute(delete(dnc).where(dnc.c.number == number)).rowcount == 0:
        raise NotFound("do-not-call number", number)


def dnc_page(conn: Connection, *, after: str = "", limit: int = 50) -> list[DncEntry]:
    """Entries in the order of their numbers, after the number `after`."""
    found = select(dnc).where(dnc.c.number > after).order_by(dnc.c.number).limit(limit)
    return [
        DncEntry(number=row.number, source=row.source, attempt_id=row.attempt_id, created_at_ms=row.created_at_ms)
        for row in conn.execute(found)
    ]
