"""Requests that may come twice: what was answered to the first is answered to the second, and done once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from app.store.schema import idempotency_keys
from app.units import HOUR_MS

KEPT_MS: Final = 24 * HOUR_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """What a request was answered. request_sha256: of its method, path and body."""

    request_sha256: str
    status: int
    answer: str


def kept_answer(conn: Connection, user_id: int, key: str, now_ms: int) -> KeptAnswer | None:
    """The answer under a key of this person; None: there is none, or it is too old."""
    table = idempotency_keys.c
    found = select(idempotency_keys).where(
        table.user_id == user_id, table.key == key, table.created_at_ms > now_ms - KEPT_MS
    )
    row = conn.execute(found).first()
    if row is None:
        return None
    return KeptAnswer(request_sha256=row.request_sha256, status=row.status, answer=row.answer)


def keep_answer(conn: Connection, user_id: int, key: str, kept: KeptAnswer, now_ms: int) -> None:
    """Keep an answer under a key, and forget those that are too old."""
    table = idempotency_keys.c
    is_old = table.created_at_ms <= now_ms - KEPT_MS
    conn.execute(delete(idempotency_keys).where(is_old))
    conn.execute(delete(idempotency_keys).where(table.user_id == user_id, table.key == key))
    new = {
        "user_id": user_id,
        "key": key,
        "request_sha256": kept.request_sha256,
        "status": kept.status,
        "answer": kept.answer,
        "created_at_ms": now_ms,
    }
    conn.execute(insert(idempotency_keys).values(new))
