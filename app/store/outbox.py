"""The outbox: deliveries to be made, and dead letters. app.store.telling writes them, app.webhooks empties it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, select, update

from app.store.errors import NotFound
from app.store.schema import webhook_outbox, webhooks
from app.store.webhooks import FAILING_AFTER, EventKind
from app.units import DAY_MS, WebhookId

TOO_MANY: Final = "too many wait to be delivered"
KEPT_MS: Final = 30 * DAY_MS
"""How long a dead letter is kept."""
MAX_PROBLEM: Final = 300
_rows = webhook_outbox.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An event on its way to a webhook. next_at_ms: when it is tried; None: given up. problem: of the last try."""

    id: int
    webhook_id: WebhookId
    event_id: str
    kind: EventKind
    at_ms: int
    body: str
    queued_at_ms: int
    next_at_ms: int | None
    tries: int
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A delivery that is to be tried now, and where."""

    delivery: Delivery
    url: str
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of a try. problem: empty for delivered; again_at_ms: None for given up; is_gone: 410 was answered."""

    delivery: Delivery
    problem: str = ""
    again_at_ms: int | None = None
    is_gone: bool = False


def due(conn: Connection, now_ms: int, *, busy: Collection[int], most: int) -> list[Due]:
    """What is to be tried now, at most so many of each webhook, in order; only one of a webhook that fails.

    busy: those that are being tried already, which count.
    """
    found: list[Due] = []
    for hook in conn.execute(select(webhooks).where(webhooks.c.is_active).order_by(webhooks.c.id)).all():
        at_once = 1 if hook.failures >= FAILING_AFTER else most
        wanted = select(webhook_outbox).where(_rows.webhook_id == hook.id, _rows.next_at_ms <= now_ms)
        rows = conn.execute(wanted.order_by(_rows.next_at_ms, _rows.id).limit(at_once + len(busy))).all()
        under_way = sum(row.id in busy for row in rows)
        free = [row for row in rows if row.id not in busy][: max(0, at_once - under_way)]
        found += [Due(delivery=_delivery(row), url=hook.url, secret=hook.secret) for row in free]
    return found


def settle(conn: Connection, tried: Sequence[Tried], now_ms: int) -> None:
    """Write what came of tries: the delivered go, the others wait or are given up; a receiver that is gone is left."""
    delivered = [one.delivery.id for one in tried if not one.problem]
    if delivered:
        conn.execute(delete(webhook_outbox).where(_rows.id.in_(delivered)))
    for one in tried:
        if one.problem:
            problem = one.problem[:MAX_PROBLEM]
            values = {"tries": one.delivery.tries + 1, "next_at_ms": one.again_at_ms, "problem": problem}
            conn.execute(update(webhook_outbox).where(_rows.id == one.delivery.id).values(values))
    for webhook_id in sorted({one.delivery.webhook_id for one in tried}):
        _count(conn, webhook_id, [one for one in tried if one.delivery.webhook_id == webhook_id], now_ms)


def _count(conn: Connection, webhook_id: WebhookId, tried: Sequence[Tried], now_ms: int) -> None:
    hook = webhooks.c
    good = sum(not one.problem for one in tried)
    values: dict[str, Any] = {}
    if good:
        values = {"delivered": hook.delivered + good, "delivered_at_ms": now_ms, "problem": ""}
        values |= {"failures": 0, "failing_since_ms": None}
    else:
        values = {"failures": hook.failures + len(tried), "problem": tried[-1].problem[:MAX_PROBLEM]}
        values["failing_since_ms"] = func.coalesce(hook.failing_since_ms, now_ms)
    if any(one.is_gone for one in tried):
        values["is_active"] = False
    conn.execute(update(webhooks).where(hook.id == webhook_id).values(values))


def trim(conn: Connection, *, most: int, now_ms: int) -> dict[WebhookId, int]:
    """Keep the outbox bounded; answers how many deliveries were given up, by webhook.

    Of more than `most` that wait for a webhook the oldest become dead letters; of more than `most` dead letters, and of
    those older than 30 days, the oldest go; so does what is left of webhooks that are gone.
    """
    given_up: dict[WebhookId, int] = {}
    for webhook_id, count in _counts(conn, is_dead=False):
        excess = count - most
        if excess > 0:
            mine = select(_rows.id).where(_rows.webhook_id == webhook_id, _rows.next_at_ms.is_not(None))
            oldest = mine.order_by(_rows.id).limit(excess)
            values = {"next_at_ms": None, "problem": TOO_MANY}
            conn.execute(update(webhook_outbox).where(_rows.id.in_(oldest.scalar_subquery())).values(values))
            given_up[webhook_id] = excess
    for webhook_id, count in _counts(conn, is_dead=True):
        mine = select(_rows.id).where(_rows.webhook_id == webhook_id, _rows.next_at_ms.is_(None))
        if count > most:
            oldest = mine.order_by(_rows.id).limit(count - most)
            conn.execute(delete(webhook_outbox).where(_rows.id.in_(oldest.scalar_subquery())))
        old = mine.where(_rows.queued_at_ms < now_ms - KEPT_MS)
        conn.execute(delete(webhook_outbox).where(_rows.id.in_(old.scalar_subquery())))
    conn.execute(delete(webhook_outbox).where(_rows.webhook_id.not_in(select(webhooks.c.id))))
    return given_up


def deliveries_page(
    conn: Connection, webhook_id: WebhookId, *, is_dead: bool, after: int = 0, limit: int = 50
) -> list[Delivery]:
    """What waits to be delivered to a webhook, or was given up, the oldest first. Raises NotFound."""
    if conn.execute(select(webhooks.c.id).where(webhooks.c.id == webhook_id)).first() is None:
        raise NotFound("webhook", webhook_id)
    wanted = select(webhook_outbox).where(_rows.webhook_id == webhook_id, _rows.id > after)
    wanted = wanted.where(_rows.next_at_ms.is_(None) if is_dead else _rows.next_at_ms.is_not(None))
    return [_delivery(row) for row in conn.execute(wanted.order_by(_rows.id).limit(limit))]


def redeliver(conn: Connection, webhook_id: WebhookId, now_ms: int, ids: Sequence[int] = ()) -> int:
    """Try dead letters again, from the beginning: these, or all; answers how many. Raises NotFound."""
    deliveries_page(conn, webhook_id, is_dead=True, limit=1)
    mine = update(webhook_outbox).where(_rows.webhook_id == webhook_id, _rows.next_at_ms.is_(None))
    if ids:
        mine = mine.where(_rows.id.in_(ids))
    return conn.execute(mine.values(next_at_ms=now_ms, queued_at_ms=now_ms, tries=0)).rowcount


def _counts(conn: Connection, *, is_dead: bool) -> list[tuple[WebhookId, int]]:
    state = _rows.next_at_ms.is_(None) if is_dead else _rows.next_at_ms.is_not(None)
    found = select(_rows.webhook_id, func.count()).where(state).group_by(_rows.webhook_id)
    return [(WebhookId(webhook_id), count) for webhook_id, count in conn.execute(found)]


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        webhook_id=WebhookId(row.webhook_id),
        event_id=row.event_id,
        kind=EventKind(row.kind),
        at_ms=row.at_ms,
        body=row.body,
        queued_at_ms=row.queued_at_ms,
        next_at_ms=row.next_at_ms,
        tries=row.tries,
        problem=row.problem,
    )
