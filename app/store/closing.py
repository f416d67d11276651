"""Closing: the ends of attempts and what becomes of their contacts, in batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, select

from app.agents import CALLBACK_WINDOW_MS, CallbackPlan
from app.commands import CloseAttempt
from app.model import AttemptResult
from app.outcomes import ContactStatus, Outcome
from app.store.claiming import barred_phones, free_phones, phones_of
from app.store.fixing import raise_tasks
from app.store.opening import open_in_campaign
from app.store.schema import contacts
from app.store.sql import execute, to_json
from app.store.tallies import TallyBook
from app.store.timing import retime
from app.strategy.rows import Phones
from app.units import HOUR_MS, AttemptId, CampaignId, ContactId, Number

_INVALID: Final = ContactStatus.INVALID_NUMBER.value
_NO_PROMISE: Final = {"callback_at_ms": None, "callback_until_ms": None, "callback_agent_id": None}
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
    moves: list[dict[str, Any]] = []
    barred: list[dict[str, Any]] = []
    for row in closed:
        result = results[row.id]
        moved = _moved(result, row.number)
        (barred if _was_barred(result, is_manual=bool(row.is_manual)) else moves).append(moved)
        tallies.closed(result, now_ms)
    _count_shown(conn, [results[row.id] for row in closed])
    learning = [(results[row.id], Number(row.number)) for row in closed if results[row.id].learns_hour]
    if learning:
        retime(conn, learning, {(move["campaign_id"], move["contact_id"]): move for move in moves}, tallies)
    settled_before = len(tallies.settled)
    barred += _move(conn, moves, tallies)
    if barred:
        _move(conn, _over_free_phones(conn, barred, now_ms), tallies)
    ended_now = [results[row.id] for row in closed]
    lost = {(one[0], one[1]) for one in tallies.settled[settled_before:] if one[2] == _INVALID}
    raise_tasks(conn, ended_now, {(int(campaign_id), int(contact_id)) for campaign_id, contact_id in lost}, now_ms)
    for result in ended_now:
        if result.next.opens is not None:
            open_in_campaign(conn, result.next.opens, result.contact_id, now_ms)
    return [AttemptId(row.id) for row in closed]


def _was_barred(result: AttemptResult, *, is_manual: bool) -> bool:
    """Whether the number was barred between its claim and its call. What an agent dials by hand turns to no phone."""
    return result.outcome is Outcome.DO_NOT_CALL and result.facts.placed_at_ms is None and not is_manual


def _move(conn: Connection, moves: list[dict[str, Any]], tallies: TallyBook) -> list[dict[str, Any]]:
    """Move contacts on; answers those that are not, because they were to wait for a number that is barred by now."""
    moves.sort(key=lambda move: (move["campaign_id"], move["contact_id"]))
    done = set()
    for row in execute(conn, "move_contacts", {"rows_json": to_json(moves)}) if moves else ():
        done.add((row.campaign_id, row.contact_id))
        tallies.moved(CampaignId(row.campaign_id), ContactStatus.IN_PROGRESS, row.status)
        if row.status != ContactStatus.PENDING.value:
            tallies.settled.append((CampaignId(row.campaign_id), ContactId(row.contact_id), row.status))
    waits = [move for move in moves if move["status"] == ContactStatus.PENDING.value and not move["is_looked_at"]]
    return [move for move in waits if (move["campaign_id"], move["contact_id"]) not in done]


def _over_free_phones(conn: Connection, moves: Sequence[dict[str, Any]], now_ms: int) -> list[dict[str, Any]]:
    """What becomes of contacts whose number is barred: they wait for another phone that is free, or need no calls.

    Of a person who asked not to be called no phone is free.
    """
    asked = [move["contact_id"] for move in moves]
    phones = {row.id: phones_of(row) for row in conn.execute(select(contacts).where(contacts.c.id.in_(asked)))}
    found = []
    for campaign_id in sorted({move["campaign_id"] for move in moves}):
        mine = {move["contact_id"]: move for move in moves if move["campaign_id"] == campaign_id}
        places = _free_places(conn, campaign_id, {one: (phones.get(one, Phones()), move) for one, move in mine.items()})
        for contact_id, move in mine.items():
            place = places[contact_id]
            then: dict[str, Any]
            if place is None:
                then = {"status": ContactStatus.DO_NOT_CALL.value, "due_at_ms": None, "is_kept": False} | _NO_PROMISE
            else:
                due_at_ms = now_ms if move["due_at_ms"] is None else move["due_at_ms"]
                is_kept = move["is_kept"] or move["outcome"] == Outcome.DO_NOT_CALL  # nobody was called yet
                then = {
                    "status": ContactStatus.PENDING.value,
                    "due_at_ms": due_at_ms,
                    "phone": place,
                    "is_kept": is_kept,
                    "timing": None,
                }
            found.append(move | then | {"is_looked_at": True})
    return found


def _free_places(
    conn: Connection, campaign_id: CampaignId, asked: dict[int, tuple[Phones, dict[str, Any]]]
) -> dict[int, int | None]:
    """The place of the phone each is called on: the planned one unless it is barred, else the next free one."""
    shut = barred_phones(conn, campaign_id, {one: phones for one, (phones, _) in asked.items()})
    free: dict[int, int | None] = {}
    barred: dict[int, tuple[Phones, Number]] = {}
    for contact_id, (phones, move) in asked.items():
        planned = phones.places.get(move["phone"] or 0)
        if planned is not None and planned != move["number"] and planned not in shut.get(contact_id, ()):
            free[contact_id] = move["phone"]
        else:
            barred[contact_id] = phones, Number(move["number"])
    return free | (free_phones(conn, campaign_id, barred) if barred else {})


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
        "is_looked_at": False,
        "timing": None,
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
