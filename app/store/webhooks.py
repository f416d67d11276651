"""Webhooks: addresses of somebody's own programs that are told what happens. What is to be told is in the outbox."""

from __future__ import annotations

import enum
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from app.store.errors import NotFound
from app.store.schema import campaigns, webhook_outbox, webhooks
from app.units import CampaignId, WebhookId

FAILING_AFTER: Final = 3
"""Deliveries that failed one after the other: the webhook counts as failing, and is tried with one at a time."""


class EventKind(enum.Enum):
    """What webhooks are told of."""

    ATTEMPT_ENDED = "attempt.ended"
    DISPOSITION_SET = "disposition.set"
    """An agent said what came of a conversation, or changed it within the minute they have for it."""
    LEAD_HOT = "lead.hot"
    """They chose a disposition whose effect is *hot lead*."""
    CONTACT_SETTLED = "contact.settled"
    """A contact came to its end in a campaign: nobody calls it there any more."""
    DNC_ADDED = "dnc.added"
    CAMPAIGN_STARTED = "campaign.started"
    CAMPAIGN_PAUSED = "campaign.paused"
    CAMPAIGN_STOPPED = "campaign.stopped"
    CAMPAIGN_FINISHED = "campaign.finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Who wants to be told of what. kinds: none for all; campaign_id: None for all."""

    webhook_id: WebhookId
    kinds: frozenset[EventKind]
    campaign_id: CampaignId | None


@dataclass(frozen=True, slots=True)
class Listeners:
    """Everybody who wants to be told, known without asking the disk. It is false where nobody does."""

    all: tuple[Listener, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.all)

    def of(self, kind: EventKind, campaigns: Collection[CampaignId] | None) -> list[WebhookId]:
        """Who wants to be told of this kind, about any of these campaigns. None: about all."""
        return [
            one.webhook_id
            for one in self.all
            if (not one.kinds or kind in one.kinds)
            and (one.campaign_id is None or campaigns is None or one.campaign_id in campaigns)
        ]

    def want(self, *kinds: EventKind) -> bool:
        """Whether anybody wants to be told of any of these kinds."""
        return any(not one.kinds or not one.kinds.isdisjoint(kinds) for one in self.all)


NOBODY: Final = Listeners()


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A webhook as it stands, without its secret. kinds: none for all; campaign_id: None for all.

    delivered: in its life; failures: since the last delivery, failing_since_ms being the first of them; waiting, dead:
    deliveries that are to be made yet, and those that were given up.
    """

    id: WebhookId
    url: str
    kinds: tuple[EventKind, ...]
    campaign_id: CampaignId | None
    is_active: bool
    created_at_ms: int
    delivered: int = 0
    delivered_at_ms: int | None = None
    failures: int = 0
    failing_since_ms: int | None = None
    problem: str = ""
    waiting: int = 0
    dead: int = 0

    @property
    def is_failing(self) -> bool:
        """Whether it took nothing for a while."""
        return self.failures >= FAILING_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookPlan:
    """What a webhook is to be."""

    url: str
    kinds: tuple[EventKind, ...] = ()
    campaign_id: CampaignId | None = None
    is_active: bool = field(default=True)


def listeners_of(conn: Connection) -> Listeners:
    """Those that are active."""
    wanted = select(webhooks.c.id, webhooks.c.kinds, webhooks.c.campaign_id).where(webhooks.c.is_active)
    return Listeners(
        tuple(
            Listener(
                webhook_id=WebhookId(row.id),
                kinds=frozenset(EventKind(kind) for kind in row.kinds),
                campaign_id=None if row.campaign_id is None else CampaignId(row.campaign_id),
            )
            for row in conn.execute(wanted.order_by(webhooks.c.id))
        )
    )


def create_webhook(conn: Connection, plan: WebhookPlan, *, secret: str, now_ms: int) -> Webhook:
    """Keep a new webhook. Raises NotFound for its campaign."""
    new = _row(conn, plan) | {"secret": secret, "created_at_ms": now_ms}
    return get_webhook(
        conn, WebhookId(conn.execute(insert(webhooks).values(new).returning(webhooks.c.id)).scalar_one())
    )


def change_webhook(conn: Connection, webhook_id: WebhookId, plan: WebhookPlan) -> Webhook:
    """Change a webhook; one that is made active again begins anew with its failures. Raises NotFound."""
    before = get_webhook(conn, webhook_id)
    new = _row(conn, plan)
    if plan.url != before.url or (plan.is_active and not before.is_active):
        new |= {"failures": 0, "failing_since_ms": None, "problem": ""}
    conn.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(new))
    return get_webhook(conn, webhook_id)


def set_secret(conn: Connection, webhook_id: WebhookId, secret: str) -> None:
    """Sign with another secret from now on. Raises NotFound."""
    if not conn.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(secret=secret)).rowcount:
        raise NotFound("webhook", webhook_id)


def remove_webhook(conn: Connection, webhook_id: WebhookId) -> None:
    """Forget a webhook with all it was to be told. Raises NotFound."""
    if not conn.execute(delete(webhooks).where(webhooks.c.id == webhook_id)).rowcount:
        raise NotFound("webhook", webhook_id)
    conn.execute(delete(webhook_outbox).where(webhook_outbox.c.webhook_id == webhook_id))


def get_webhook(conn: Connection, webhook_id: WebhookId) -> Webhook:
    """Raises NotFound."""
    row = conn.execute(select(webhooks).where(webhooks.c.id == webhook_id)).first()
    if row is None:
        raise NotFound("webhook", webhook_id)
    return _with_counts(conn, [row])[0]


def list_webhooks(conn: Connection) -> list[Webhook]:
    """All webhooks, the oldest first."""
    return _with_counts(conn, conn.execute(select(webhooks).order_by(webhooks.c.id)).all())


def secret_of(conn: Connection, webhook_id: WebhookId) -> str:
    """What a webhook's deliveries are signed with. Raises NotFound."""
    secret: str | None = conn.execute(select(webhooks.c.secret).where(webhooks.c.id == webhook_id)).scalar()
    if secret is None:
        raise NotFound("webhook", webhook_id)
    return secret


def _row(conn: Connection, plan: WebhookPlan) -> dict[str, Any]:
    if plan.campaign_id is not None:
        known = conn.execute(select(campaigns.c.id).where(campaigns.c.id == plan.campaign_id)).first()
        if known is None:
            raise NotFound("campaign", plan.campaign_id)
    kinds = [kind.value for kind in EventKind if kind in plan.kinds]
    return {"url": plan.url, "kinds": kinds, "campaign_id": plan.campaign_id, "is_active": plan.is_active}


def _with_counts(conn: Connection, rows: Sequence[Row[Any]]) -> list[Webhook]:
    is_dead = webhook_outbox.c.next_at_ms.is_(None)
    counts: dict[tuple[int, bool], int] = {}
    for state in (True, False):
        found = select(webhook_outbox.c.webhook_id, func.count()).where(is_dead if state else ~is_dead)
        for webhook_id, count in conn.execute(found.group_by(webhook_outbox.c.webhook_id)):
            counts[webhook_id, state] = count
    return [
        Webhook(
            id=WebhookId(row.id),
            url=row.url,
            kinds=tuple(EventKind(kind) for kind in row.kinds),
            campaign_id=None if row.campaign_id is None else CampaignId(row.campaign_id),
            is_active=bool(row.is_active),
            created_at_ms=row.created_at_ms,
            delivered=row.delivered,
            delivered_at_ms=row.delivered_at_ms,
            failures=row.failures,
            failing_since_ms=row.failing_since_ms,
            problem=row.problem,
            waiting=counts.get((row.id, False), 0),
            dead=counts.get((row.id, True), 0),
        )
        for row in rows
    ]
