"""Closing: the ends of attempts, what becomes of their contacts, and the do-not-call list, in batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from app.commands import AddDnc, CloseAttempt
from app.model import AttemptResult
from app.outcomes import ContactStatus
from app.store.sql import execute, to_json
from app.store.tallies import TallyBook
from app.units import AttemptId, CampaignId


def close_attempts(conn: Connection, commands: Sequence[CloseAttempt], now_ms: int, tallies: TallyBook) -> None:
    """Write the ends of attempts and move their contacts on. An attempt that is closed already stays as it is."""
    results: dict[AttemptId, AttemptResult] = {}
    for command in commands:
        results.setdefault(command.result.attempt_id, command.result)
    if not results:
        return
    ended = [_ended(result) for result in results.values()]
    closed = execute(conn, "close_attempts", {"now_ms": now_ms, "rows_json": to_json(ended)}).all()
    if not closed:
        return
    moves = []
    for row in closed:
        result = results[row.id]
        moves.append(_moved(result, row.number))
        tallies.ended(result.campaign_id, result.outcome)
    moves.sort(key=lambda move: (move["campaign_id"], move["contact_id"]))
    for row in execute(conn, "move_contacts", {"rows_json": to_json(moves)}):
        tallies.moved(CampaignId(row.campaign_id), ContactStatus.IN_PROGRESS, row.status)


def add_dnc(conn: Connection, commands: Sequence[AddDnc], now_ms: int) -> int:
    """Put numbers on the do-not-call list; answers how many were new. Nothing else is touched: claiming looks there."""
    rows = sorted({c.number: [c.number, c.source, c.attempt_id] for c in reversed(commands)}.values(), key=str)
    if not rows:
        return 0
    return len(execute(conn, "add_dnc", {"now_ms": now_ms, "rows_json": to_json(rows)}).all())


def _ended(result: AttemptResult) -> dict[str, Any]:
    facts = result.facts
    return {
        "id": result.attempt_id,
        "trunk_id": facts.trunk_id,
        "placed_at_ms": facts.placed_at_ms,
        "ringing_at_ms": facts.ringing_at_ms,
        "progress_at_ms": facts.progress_at_ms,
        "answered_at_ms": facts.answered_at_ms,
        "ended_at_ms": facts.ended_at_ms,
        "outcome": int(result.outcome),
        "is_charged": result.is_charged,
        "sip_code": facts.sip_code,
        "cause": facts.cause,
        "cause_text": facts.cause_text,
        "flow": result.flow,
    }


def _moved(result: AttemptResult, number: str) -> dict[str, Any]:
    return {
        "campaign_id": result.campaign_id,
        "contact_id": result.contact_id,
        "number": number,
        "status": result.next.status.value,
        "due_at_ms": result.next.due_at_ms,
        "attempts": result.next.attempts,
        "faults": result.next.faults,
        "outcome": int(result.outcome),
    }
