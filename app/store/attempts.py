"""Attempts as pages, exports and the API read them: newest first, by cursor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from app.model import CallFacts
from app.outcomes import Outcome
from app.store.errors import NotFound
from app.store.schema import attempts, contacts
from app.units import AttemptId, CampaignId, ContactId, Number, TrunkId


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEntry:
    """One attempt on disk. outcome, is_charged, closed_at_ms: None while it is open. flow: the flow's results."""

    attempt_id: AttemptId
    campaign_id: CampaignId
    contact_id: ContactId
    contact_name: str
    number: Number
    opened_at_ms: int
    closed_at_ms: int | None
    outcome: Outcome | None
    is_charged: bool | None
    facts: CallFacts
    flow: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptsPage:
    """Some attempts, newest first. next_before: what to ask for the next page with; None when this is the last."""

    attempts: tuple[AttemptEntry, ...]
    next_before: AttemptId | None


def attempts_page(
    conn: Connection,
    *,
    campaign_id: CampaignId | None = None,
    contact_id: ContactId | None = None,
    before: AttemptId | None = None,
    limit: int = 50,
) -> AttemptsPage:
    """A page of attempts, of a campaign, of a contact or all, those older than the attempt `before`."""
    found = _found().order_by(attempts.c.id.desc()).limit(limit + 1)
    if campaign_id is not None:
        found = found.where(attempts.c.campaign_id == campaign_id)
    if contact_id is not None:
        found = found.where(attempts.c.contact_id == contact_id)
    if before is not None:
        found = found.where(attempts.c.id < before)
    entries = tuple(_entry(row) for row in conn.execute(found))
    has_more = len(entries) > limit
    entries = entries[:limit]
    return AttemptsPage(attempts=entries, next_before=entries[-1].attempt_id if has_more else None)


def get_attempt(conn: Connection, attempt_id: AttemptId) -> AttemptEntry:
    """Raises NotFound."""
    row = conn.execute(_found().where(attempts.c.id == attempt_id)).first()
    if row is None:
        raise NotFound("attempt", attempt_id)
    return _entry(row)


def _found() -> Select[Any]:
    return select(attempts, contacts.c.name.label("contact_name")).join(
        contacts, contacts.c.id == attempts.c.contact_id
    )


def _entry(row: Row[Any]) -> AttemptEntry:
    return AttemptEntry(
        attempt_id=AttemptId(row.id),
        campaign_id=CampaignId(row.campaign_id),
        contact_id=ContactId(row.contact_id),
        contact_name=row.contact_name,
        number=Number(row.number),
        opened_at_ms=row.opened_at_ms,
        closed_at_ms=row.closed_at_ms,
        outcome=None if row.outcome is None else Outcome(row.outcome),
        is_charged=row.is_charged,
        facts=CallFacts(
            trunk_id=None if row.trunk_id is None else TrunkId(row.trunk_id),
            placed_at_ms=row.placed_at_ms,
            ringing_at_ms=row.ringing_at_ms,
            progress_at_ms=row.progress_at_ms,
            answered_at_ms=row.answered_at_ms,
            ended_at_ms=row.ended_at_ms,
            sip_code=row.sip_code,
            cause=row.cause,
            cause_text=row.cause_text or "",
        ),
        flow=row.flow or {},
    )
