"""Results: ended attempts in an order that can be read on from. Whoever reads from cursor to cursor misses none.

Each end gets a number in the statement that writes it. On SQLite there is one writer at a time, so numbers appear in
their order. On PostgreSQL several may end attempts at once and be committed in any order: each holds a shared lock from
before it takes a number to its commit, and reading begins by taking that lock alone for a moment (see
`settle_result_numbers`), so that no number below the last one told can appear afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from app.agents import NOT_SET
from app.outcomes import Outcome
from app.store.schema import attempts, campaigns, contacts, lists, users
from app.store.sql import execute
from app.units import AttemptId, CampaignId


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultsPage:
    """Some results in the order of ending. next_cursor: where to read on; has_more: whether that is worth while now."""

    results: tuple[Mapping[str, Any], ...]
    next_cursor: int
    has_more: bool


def settled_to(conn: Connection) -> int:
    """The last number that is sure; a transaction of its own, as it holds up those who end attempts."""
    return int(execute(conn, "settle_result_numbers").scalar_one())


def results_page(
    conn: Connection, *, since: int, until: int, campaign_id: CampaignId | None = None, limit: int = 100
) -> ResultsPage:
    """Results after the cursor `since`, up to `until` (see `settled_to`). Those of test calls are left out."""
    wanted = _found().where(attempts.c.result_no > since, attempts.c.result_no <= until)
    if campaign_id is not None:
        wanted = wanted.where(attempts.c.campaign_id == campaign_id)
    rows = conn.execute(wanted.order_by(attempts.c.result_no).limit(limit + 1)).all()
    page = rows[:limit]
    return ResultsPage(
        results=_results(conn, page), next_cursor=page[-1].result_no if page else since, has_more=len(rows) > limit
    )


def results_of(conn: Connection, attempt_ids: Sequence[AttemptId]) -> tuple[Mapping[str, Any], ...]:
    """Those of some attempts, but for test calls."""
    return _results(conn, conn.execute(_found().where(attempts.c.id.in_(attempt_ids)).order_by(attempts.c.id)).all())


def plans_of(conn: Connection, campaign_ids: Sequence[int]) -> dict[int, Any]:
    """Campaigns with their names and settings, but for those of test calls."""
    wanted = select(campaigns.c.id, campaigns.c.name, campaigns.c.status, campaigns.c.settings)
    rows = conn.execute(wanted.where(campaigns.c.id.in_(sorted(set(campaign_ids)))))
    return {row.id: row for row in rows.all() if not row.settings.get("rehearses")}


def _found() -> Select[Any]:
    return (
        select(
            attempts,
            contacts.c.key.label("contact_key"),
            contacts.c.name.label("contact_name"),
            contacts.c.fields.label("contact_fields"),
            contacts.c.list_id,
            lists.c.name.label("list_name"),
            users.c.name.label("agent_name"),
        )
        .join(contacts, contacts.c.id == attempts.c.contact_id)
        .join(lists, lists.c.id == contacts.c.list_id)
        .outerjoin(users, users.c.id == attempts.c.agent_id)
    )


def _results(conn: Connection, rows: Sequence[Row[Any]]) -> tuple[Mapping[str, Any], ...]:
    if not rows:
        return ()
    plans = plans_of(conn, [row.campaign_id for row in rows])
    return tuple(_result(row, plans[row.campaign_id].name) for row in rows if row.campaign_id in plans)


def _result(row: Row[Any], campaign: str) -> dict[str, Any]:
    """One result under the names of the REST interface."""
    flow = row.flow or {}
    talks = list(row.recordings or ())
    return {
        "id": row.id,
        "campaign_id": row.campaign_id,
        "campaign": campaign,
        "contact_id": row.contact_id,
        "contact_key": row.contact_key,
        "contact_name": row.contact_name,
        "contact_fields": row.contact_fields,
        "list_id": row.list_id,
        "list_name": row.list_name,
        "number": row.number,
        "trunk": row.trunk_id,
        "caller_id": row.caller_id or "",
        "opened_at_ms": row.opened_at_ms,
        "placed_at_ms": row.placed_at_ms,
        "ringing_at_ms": row.ringing_at_ms,
        "answered_at_ms": row.answered_at_ms,
        "ended_at_ms": row.ended_at_ms,
        "closed_at_ms": row.closed_at_ms,
        "outcome": row.outcome,
        "outcome_label": Outcome(row.outcome).label,
        "is_charged": bool(row.is_charged),
        "sip_code": row.sip_code,
        "cause": row.cause,
        "cause_text": row.cause_text or "",
        "flow": flow,
        "agent_id": row.agent_id,
        "agent": row.agent_name or "",
        "is_manual": bool(row.is_manual),
        "conversation": _conversation(row),
        "recordings": [*talks, *(str(one["name"]) for one in flow.get("recordings") or ())],
    }


def _conversation(row: Row[Any]) -> dict[str, Any] | None:
    if row.connected_at_ms is None:
        return None
    return {
        "connected_at_ms": row.connected_at_ms,
        "waited_ms": row.waited_ms,
        "talk_ms": row.talk_ms or 0,
        "hold_ms": row.hold_ms or 0,
        "wrap_up_ms": row.wrap_up_ms or 0,
        "disposition": row.disposition or NOT_SET,
        "note": row.note or "",
        "queue_member": row.queue_member or "",
        "recordings": list(row.recordings or ()),
        "transfers": list(row.transfers or ()),
    }
