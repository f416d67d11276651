"""Attempts as pages, exports and the API read them: newest first, by cursor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, Text, cast, func, select

from app.agents import NOT_SET, Conversation
from app.model import CallFacts
from app.outcomes import Outcome
from app.store.errors import NotFound
from app.store.schema import attempts, contacts, users
from app.units import AgentId, AttemptId, CampaignId, ContactId, Number, SessionId, TrunkId


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEntry:
    """One attempt on disk. outcome, is_charged, closed_at_ms: None while it is open. flow: the flow's results.

    agent_id: whom it is for, or who talked last (agent_name). is_manual: they dialed by hand. conversation: what
    talking left; while it goes on, when it began.
    """

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
    agent_id: AgentId | None = None
    agent_name: str = ""
    is_manual: bool = False
    conversation: Conversation | None = None


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
    agent_id: AgentId | None = None,
    disposition: str | None = None,
    outcome: Outcome | None = None,
    is_recorded: bool = False,
    before: AttemptId | None = None,
    limit: int = 50,
) -> AttemptsPage:
    """A page of attempts, of a campaign, a contact, an agent, a disposition, an outcome, or all; older than `before`.

    is_recorded: only those whose conversation was recorded.
    """
    found = _found().order_by(attempts.c.id.desc()).limit(limit + 1)
    if campaign_id is not None:
        found = found.where(attempts.c.campaign_id == campaign_id)
    if contact_id is not None:
        found = found.where(attempts.c.contact_id == contact_id)
    if agent_id is not None:
        found = found.where(attempts.c.agent_id == agent_id)
    if disposition is not None:
        found = found.where(attempts.c.disposition == disposition)
    if outcome is not None:
        found = found.where(attempts.c.outcome == int(outcome))
    if is_recorded:
        found = found.where(func.coalesce(cast(attempts.c.recordings, Text), "[]").not_in(["[]", "null"]))
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
    named = select(attempts, contacts.c.name.label("contact_name"), users.c.name.label("agent_name"))
    return named.join(contacts, contacts.c.id == attempts.c.contact_id).outerjoin(
        users, users.c.id == attempts.c.agent_id
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
            caller_id=row.caller_id or "",
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
        agent_id=None if row.agent_id is None else AgentId(row.agent_id),
        agent_name=row.agent_name or "",
        is_manual=bool(row.is_manual),
        conversation=_conversation(row),
    )


def _conversation(row: Row[Any]) -> Conversation | None:
    if row.connected_at_ms is None:
        return None
    return Conversation(
        agent_id=None if row.agent_id is None else AgentId(row.agent_id),
        session_id=SessionId(row.session_id),
        connected_at_ms=row.connected_at_ms,
        waited_ms=row.waited_ms,
        talk_ms=row.talk_ms or 0,
        hold_ms=row.hold_ms or 0,
        wrap_up_ms=row.wrap_up_ms or 0,
        disposition=row.disposition or NOT_SET,
        note=row.note or "",
        recordings=tuple(row.recordings or ()),
        transfers=tuple(row.transfers or ()),
        queue_member=row.queue_member or "",
    )
