"""The result of a conversation mended just after it was saved: the wrong key was pressed.

Everything that followed from the first result is followed from the second: the contact's place in the line, the
running counts, a promise to call back. What somebody else has built on the first meanwhile stands in the way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, select, update

from app.agents import CallbackPlan
from app.model import ContactNext, OpenedAttempt
from app.outcomes import ContactStatus, Outcome
from app.store.claiming import opened_attempt, with_tries
from app.store.closing import promised
from app.store.errors import InUse, NotFound
from app.store.fixing import raise_amended
from app.store.opening import open_in_campaign
from app.store.schema import attempts, campaign_contacts, dnc, dnc_people, tallies
from app.store.sql import execute
from app.store.tallies import TallyBook, hour_key
from app.store.telling import tell_amended
from app.store.webhooks import NOBODY, Listeners
from app.units import SECOND_MS, AgentId, AttemptId, CampaignId, ContactId, Number

AMEND_MS: Final = 65 * SECOND_MS
"""How long after its end a result may be mended: the desk's minute, and the way there."""
_NO_PROMISE: Final = {"callback_at_ms": None, "callback_until_ms": None, "callback_agent_id": None}

Decide = Callable[[OpenedAttempt], tuple[Outcome, ContactNext]]
"""What follows from the new result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amended:
    """What was mended."""

    campaign_id: CampaignId
    contact_id: ContactId
    number: Number


def amend_conversation(
    conn: Connection,
    attempt_id: AttemptId,
    agent_id: AgentId,
    *,
    disposition: str,
    words: str,
    decide: Decide,
    now_ms: int,
    listeners: Listeners = NOBODY,
) -> Amended:
    """Give a conversation of this agent's another result; words: its note.

    Raises NotFound for an attempt that is none of theirs, InUse when it is too late or the contact is called again.
    """
    row = conn.execute(select(attempts).where(attempts.c.id == attempt_id).with_for_update()).first()
    if row is None or row.agent_id != agent_id or row.connected_at_ms is None:
        raise NotFound("conversation of yours", attempt_id)
    if row.closed_at_ms is None:
        raise InUse("this result is being saved just now; try again in a moment")
    if row.closed_at_ms < now_ms - AMEND_MS:
        raise InUse("the minute to change this result is over")
    place = _place(conn, row)
    outcome, then = decide(_opened(conn, row, place))
    if disposition == row.disposition:
        conn.execute(update(attempts).where(attempts.c.id == attempt_id).values(note=words))
    else:
        mended = {"disposition": disposition, "note": words, "outcome": int(outcome)}
        conn.execute(update(attempts).where(attempts.c.id == attempt_id).values(mended))
        _count(conn, row, place, disposition, outcome, then.status)
        for table in (dnc, dnc_people):  # what the person asked for in the call stays
            conn.execute(delete(table).where(table.c.attempt_id == attempt_id, table.c.source == "agent"))
    _move(conn, row, outcome, then)
    if disposition != row.disposition:
        raise_amended(conn, attempt_id, outcome, then.status, now_ms)
        if then.opens is not None:
            open_in_campaign(conn, then.opens, ContactId(row.contact_id), now_ms)
    execute(conn, "renumber_result", {"attempt_id": attempt_id, "now_ms": now_ms})
    if listeners:
        has_ended = then.status is not ContactStatus.PENDING and then.status.value != place.status
        ended = (CampaignId(row.campaign_id), ContactId(row.contact_id), then.status.value)
        tell_amended(conn, listeners, attempt_id, now_ms, settled=[ended] if has_ended else [])
    return Amended(
        campaign_id=CampaignId(row.campaign_id), contact_id=ContactId(row.contact_id), number=Number(row.number)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What was learned of a call whose end nobody saw. talked_ms: from its answer to its end; source: in words."""

    is_answered: bool
    lasted_ms: int
    talked_ms: int
    source: str


def dangling_attempts(conn: Connection) -> list[AttemptId]:
    """The calls of which nobody knows what came of them, whose contacts wait for somebody's word."""
    counted = tallies.c.kind == "status", tallies.c.key == ContactStatus.DANGLING.value
    there = select(tallies.c.campaign_id).where(*counted, tallies.c["count"] > 0)
    place = campaign_contacts.c
    found: list[AttemptId] = []
    for campaign_id in conn.execute(there).scalars().all():
        mine = attempts.join(
            campaign_contacts, (place.contact_id == attempts.c.contact_id) & (place.campaign_id == campaign_id)
        )
        lost = (
            attempts.c.campaign_id == campaign_id,
            attempts.c.outcome == int(Outcome.CONTROLLER_LOST),
            attempts.c.connected_at_ms.is_(None),
            place.status == ContactStatus.DANGLING.value,
        )
        found += [
            AttemptId(one) for one in conn.execute(select(attempts.c.id).select_from(mine).where(*lost)).scalars()
        ]
    return found


def reconcile_attempt(
    conn: Connection,
    attempt_id: AttemptId,
    decide: Decide,
    learned: Learned,
    now_ms: int,
    listeners: Listeners = NOBODY,
) -> bool:
    """Give a dangling attempt the outcome that was learned; whether it still was dangling, and nothing came since."""
    row = conn.execute(select(attempts).where(attempts.c.id == attempt_id).with_for_update()).first()
    if row is None or row.outcome != Outcome.CONTROLLER_LOST or row.connected_at_ms is not None:
        return False
    try:
        place = _place(conn, row)
    except InUse:
        return False
    if place.status != ContactStatus.DANGLING.value:
        return False
    outcome, then = decide(_opened(conn, row, place))
    began_at_ms = row.placed_at_ms or row.opened_at_ms
    ended_at_ms = began_at_ms + learned.lasted_ms
    facts = {
        "outcome": int(outcome),
        "placed_at_ms": began_at_ms,
        "answered_at_ms": ended_at_ms - learned.talked_ms if learned.is_answered else None,
        "ended_at_ms": ended_at_ms,
        "cause_text": learned.source,
    }
    conn.execute(update(attempts).where(attempts.c.id == attempt_id).values(facts))
    _count(conn, row, place, None, outcome, then.status)
    _move(conn, row, outcome, then)
    execute(conn, "renumber_result", {"attempt_id": attempt_id, "now_ms": now_ms})
    if listeners and then.status is not ContactStatus.PENDING:
        ended = (CampaignId(row.campaign_id), ContactId(row.contact_id), then.status.value)
        tell_amended(conn, listeners, attempt_id, now_ms, settled=[ended])
    return True


def _place(conn: Connection, row: Row[Any]) -> Row[Any]:
    found = select(campaign_contacts).where(*_where(row)).with_for_update()
    place = conn.execute(found).first()
    later = select(attempts.c.id).where(attempts.c.contact_id == row.contact_id, attempts.c.id > row.id).limit(1)
    if place is None or place.status == ContactStatus.IN_PROGRESS.value or conn.execute(later).first() is not None:
        raise InUse("this person is being called again already; the result stays")
    return place


def _where(row: Row[Any]) -> tuple[Any, Any]:
    place = campaign_contacts.c
    return place.campaign_id == row.campaign_id, place.contact_id == row.contact_id


def _opened(conn: Connection, row: Row[Any], place: Row[Any]) -> OpenedAttempt:
    """The attempt as it was before it was counted."""
    campaign_id = CampaignId(row.campaign_id)
    key = {"campaign_id": campaign_id, "contact_id": row.contact_id, "number": row.number}
    opened = opened_attempt(AttemptId(row.id), campaign_id, execute(conn, "contact_in_campaign", key).one())
    attempts = place.attempts - (1 if row.is_charged else 0)
    (told,) = with_tries(conn, campaign_id, [replace(opened, attempts=place.attempts)])
    tries = tuple(one for one in told.tries if one.opened_at_ms < row.opened_at_ms)
    return replace(told, attempts=attempts, tries=tries)


def _count(
    conn: Connection, row: Row[Any], place: Row[Any], disposition: str | None, outcome: Outcome, status: ContactStatus
) -> None:
    campaign_id, was = CampaignId(row.campaign_id), Outcome(row.outcome)
    book = TallyBook()
    book.moved(campaign_id, ContactStatus(place.status), status.value)
    if disposition is not None:
        book.changed(campaign_id, "disposition", row.disposition, disposition)
    book.changed(campaign_id, "outcome", str(int(was)), str(int(outcome)))
    book.changed(campaign_id, "hour", hour_key(row.closed_at_ms, was), hour_key(row.closed_at_ms, outcome))
    book.write(conn)


def _move(conn: Connection, row: Row[Any], outcome: Outcome, then: ContactNext) -> None:
    promise: CallbackPlan | None = then.callback if then.status is ContactStatus.PENDING else None
    values = {
        "status": then.status.value,
        "due_at_ms": then.due_at_ms if promise is None else promise.at_ms,
        "attempts": then.attempts,
        "faults": then.faults,
        "last_outcome": int(outcome),
        **({} if then.phone is None else {"phone": then.phone}),
    } | (_NO_PROMISE if promise is None else promised(promise))
    conn.execute(update(campaign_contacts).where(*_where(row)).values(values))
