"""Closing: the ends of attempts and what becomes of their contacts, in batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection

from app.agents import CALLBACK_WINDOW_MS, CallbackPlan
from app.commands import CloseAttempt
from app.model import AttemptResult
from app.outcomes import ContactStatus, Outcome
from app.store.sql import execute, to_json
from app.store.tallies import TallyBook
from app.units import HOUR_MS, AttemptId, CampaignId, ContactId

_NOT_LIVE: Final = frozenset({Outcome.ANSWERING_MACHINE, Outcome.FAX})


def close_attempts(
    conn: Connection, commands: Sequence[CloseAttempt], now_ms: int, tallies: TallyBook
) -> list[AttemptId]:
    """Write the ends of attempts and move their contacts on; answers which were open until now.

    An attempt that is closed already stays as it is.
    """
    results: dict[AttemptId, AttemptResult] = {}
    for command in commands:
        results.setdefault(command.result.attempt_id, command.result)
    if not results:
        return []
    talks = [_talk(result) for result in results.values() if result.conversation is not None]
    if talks:
        execute(conn, "write_conversations", {"rows_json": to_json(talks)})
    ended = [_ended(result) for result in results.values()]
    closed = execute(conn, "close_attempts", {"now_ms": now_ms, "rows_json": to_json(ended)}).all()
    if not closed:
        return []
    moves = []
    for row in closed:
        result = results[row.id]
        moves.append(_moved(result, row.number))
        tallies.closed(result, now_ms)
    _count_shown(conn, [results[row.id] for row in closed])
    moves.sort(key=lambda move: (move["campaign_id"], move["contact_id"]))
    for row in execute(conn, "move_contacts", {"rows_json": to_json(moves)}):
        tallies.moved(CampaignId(row.campaign_id), ContactStatus.IN_PROGRESS, row.status)
        if row.status != ContactStatus.PENDING.value:
            tallies.settled.append((CampaignId(row.campaign_id), ContactId(row.contact_id), row.status))
    return [AttemptId(row.id) for row in closed]


def _count_shown(conn: Connection, ended: Sequence[AttemptResult]) -> None:
    """What came of calls by the number they showed. Counted are those that reached the network, and live answers."""
    hours: Counter[tuple[str, int]] = Counter()
    answers: Counter[tuple[str, int]] = Counter()
    for result in ended:
        facts = result.facts
        if facts.caller_id and facts.placed_at_ms is not None and result.is_charged:
            key = facts.caller_id, facts.placed_at_ms // HOUR_MS
            hours[key] += 1
            answers[key] += facts.answered_at_ms is not None and result.outcome not in _NOT_LIVE
    if hours:
        rows = [[*key, hours[key], answers[key]] for key in sorted(hours)]
        execute(conn, "add_caller_id_hours", {"rows_json": to_json(rows)})


def _ended(result: AttemptResult) -> dict[str, Any]:
    facts = result.facts
    return {
        "id": result.attempt_id,
        "trunk_id": facts.trunk_id,
        "caller_id": facts.caller_id or None,
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


def _talk(result: AttemptResult) -> dict[str, Any]:
    talk = result.conversation
    assert talk is not None, f"attempt {result.attempt_id} has no conversation to write"
    return {
        "id": result.attempt_id,
        "agent_id": talk.agent_id,
        "session_id": talk.session_id,
        "connected_at_ms": talk.connected_at_ms,
        "waited_ms": talk.waited_ms,
        "talk_ms": talk.talk_ms,
        "hold_ms": talk.hold_ms,
        "wrap_up_ms": talk.wrap_up_ms,
        "disposition": None if talk.agent_id is None else talk.disposition,  # nobody was asked for one
        "note": talk.note,
        "recordings": talk.recordings,
        "transfers": talk.transfers,
        "queue_member": talk.queue_member or None,
    }


def _moved(result: AttemptResult, number: str) -> dict[str, Any]:
    then = result.next
    is_waiting = then.status is ContactStatus.PENDING
    promise = then.callback if is_waiting else None
    return {
        "campaign_id": result.campaign_id,
        "contact_id": result.contact_id,
        "number": number,
        "status": then.status.value,
        "due_at_ms": then.due_at_ms if promise is None else promise.at_ms,
        "attempts": then.attempts,
        "faults": then.faults,
        "outcome": int(result.outcome),
        "phone": then.phone,
        "keeper": then.keeper,
        "is_kept": is_waiting and promise is None and result.conversation is None,
    } | ({} if promise is None else promised(promise))


def promised(promise: CallbackPlan) -> dict[str, Any]:
    """A promise as its columns: a personal one is its agent's until it is missed, a shared one is anyone's."""
    until_ms = promise.at_ms
    if promise.agent_id is not None:
        until_ms = promise.until_ms or promise.at_ms + CALLBACK_WINDOW_MS
    return {
        "callback_at_ms": promise.at_ms,
        "callback_until_ms": until_ms,
        "callback_agent_id": promise.agent_id,
    }
