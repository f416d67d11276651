"""Numbers to be mended: fix-it tasks, raised by agents' results and by calls that showed a contact's last number bad.

A contact has one open task for a number, however often it is raised. Mended, the contact waits again wherever it was
settled for its number; closed, it stays as it is. Nothing is deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, delete, func, select, update

from app.model import AttemptResult
from app.outcomes import ContactStatus, Outcome
from app.store.errors import InUse, NotFound
from app.store.requeueing import requeue_contact
from app.store.schema import attempts, campaign_contacts, campaigns, contacts, fix_tasks, lists
from app.store.sql import execute, to_json
from app.units import AttemptId, CampaignId, ContactId, FixTaskId

MENDED: Final = "mended"
CLOSED: Final = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FixTask:
    """A bad number of a contact. outcome: what the call showed; disposition: the agent's code, "" where none was asked.

    who: the agent who said so, "" for the network. is_there: the contact still has the number. done_at_ms None: open;
    done: mended or closed, done_by whom.
    """

    id: FixTaskId
    contact_id: ContactId
    contact_name: str
    list_name: str
    campaign_id: CampaignId
    campaign_name: str
    number: str
    outcome: Outcome
    disposition: str
    who: str
    note: str
    attempt_id: AttemptId
    created_at_ms: int
    is_there: bool
    done_at_ms: int | None
    done_by: str
    done: str


# --- raising ---------------------------------------------------------------------------------------------------------


def raise_tasks(conn: Connection, results: Sequence[AttemptResult], settled: set[tuple[int, int]], now_ms: int) -> None:
    """Have the numbers of these attempts mended: an agent said so, or the contact was settled for want of a number."""
    rows = [
        [result.attempt_id, now_ms]
        for result in results
        if _says_so(result) or (result.campaign_id, result.contact_id) in settled
    ]
    if rows:
        execute(conn, "raise_fix_tasks", {"rows_json": to_json(rows)})


def _says_so(result: AttemptResult) -> bool:
    return result.conversation is not None and result.outcome is Outcome.INVALID_NUMBER


def raise_amended(
    conn: Connection, attempt_id: AttemptId, outcome: Outcome, status: ContactStatus, now_ms: int
) -> None:
    """A result was changed: the task that the first one raised goes, and the second raises its own."""
    mine = fix_tasks.c.attempt_id == attempt_id
    conn.execute(delete(fix_tasks).where(mine, fix_tasks.c.done_at_ms.is_(None)))
    if outcome is Outcome.INVALID_NUMBER or status is ContactStatus.INVALID_NUMBER:
        execute(conn, "raise_fix_tasks", {"rows_json": to_json([[attempt_id, now_ms]])})


# --- reading ---------------------------------------------------------------------------------------------------------


def fix_tasks_page(
    conn: Connection, *, before: int | None = None, limit: int = 50, is_done: bool = False
) -> list[FixTask]:
    """Tasks that are open, or done; the newest first, before the task `before`."""
    found = _tasks().order_by(fix_tasks.c.id.desc()).limit(limit)
    found = found.where(fix_tasks.c.done_at_ms.is_not(None) if is_done else fix_tasks.c.done_at_ms.is_(None))
    if before is not None:
        found = found.where(fix_tasks.c.id < before)
    return [_task(row) for row in conn.execute(found)]


def count_fix_tasks(conn: Connection) -> int:
    """How many are open."""
    found = select(func.count()).select_from(fix_tasks).where(fix_tasks.c.done_at_ms.is_(None))
    return int(conn.execute(found).scalar_one())


def get_fix_task(conn: Connection, task_id: FixTaskId) -> FixTask:
    """Raises NotFound."""
    row = conn.execute(_tasks().where(fix_tasks.c.id == task_id)).first()
    if row is None:
        raise NotFound("fix-it task", task_id)
    return _task(row)


def _tasks() -> Select[Any]:
    of = fix_tasks.c
    phones = [contacts.c[f"phone{place}"].label(f"phone{place}") for place in range(1, 6)]
    columns = (
        *of, contacts.c.name.label("contact_name"), lists.c.name.label("list_name"),
        campaigns.c.name.label("campaign_name"), attempts.c.note, *phones,
    )  # fmt: skip
    return (
        select(*columns)
        .join(contacts, contacts.c.id == of.contact_id)
        .join(lists, lists.c.id == contacts.c.list_id)
        .join(campaigns, campaigns.c.id == of.campaign_id)
        .outerjoin(attempts, attempts.c.id == of.attempt_id)
    )


def _task(row: Row[Any]) -> FixTask:
    return FixTask(
        id=FixTaskId(row.id),
        contact_id=ContactId(row.contact_id),
        contact_name=row.contact_name,
        list_name=row.list_name,
        campaign_id=CampaignId(row.campaign_id),
        campaign_name=row.campaign_name,
        number=row.number,
        outcome=Outcome(row.outcome),
        disposition=row.disposition,
        who=row.who,
        note=row.note or "",
        attempt_id=AttemptId(row.attempt_id),
        created_at_ms=row.created_at_ms,
        is_there=row.number in (row.phone1, row.phone2, row.phone3, row.phone4, row.phone5),
        done_at_ms=row.done_at_ms,
        done_by=row.done_by,
        done=row.done,
    )


# --- done ------------------------------------------------------------------------------------------------------------


def close_fix_task(conn: Connection, task_id: FixTaskId, *, by: str, now_ms: int) -> FixTask:
    """There is no right number: the contact stays as it is. Raises NotFound, InUse for one that is done."""
    return _done(conn, task_id, CLOSED, by=by, now_ms=now_ms)


def settled_for_number(conn: Connection, contact_id: ContactId) -> list[CampaignId]:
    """The campaigns that call a contact no more because none of its numbers was good."""
    place = campaign_contacts.c
    found = select(place.campaign_id).where(
        place.contact_id == contact_id, place.status == ContactStatus.INVALID_NUMBER.value
    )
    return [CampaignId(one) for one in conn.execute(found.order_by(place.campaign_id)).scalars()]


def finish_fix_task(
    conn: Connection, task_id: FixTaskId, number: str, settled: Sequence[CampaignId], *, by: str, now_ms: int
) -> None:
    """The contact has the right number now: in these campaigns, which had settled it, it waits to be called on it.

    Where something else came of it since, or it is called already, that stays.
    Raises NotFound, InUse for one that is done.
    """
    task = _done(conn, task_id, MENDED, by=by, now_ms=now_ms)
    place = campaign_contacts.c
    row = conn.execute(select(contacts).where(contacts.c.id == task.contact_id)).one()
    phones = [row.phone1, row.phone2, row.phone3, row.phone4, row.phone5]
    for campaign_id in settled:
        try:
            requeue_contact(conn, campaign_id, task.contact_id, now_ms)
        except (InUse, NotFound):
            continue
        if number in phones:
            mine = place.campaign_id == campaign_id, place.contact_id == task.contact_id
            conn.execute(update(campaign_contacts).where(*mine).values(phone=phones.index(number) + 1))


def _done(conn: Connection, task_id: FixTaskId, done: str, *, by: str, now_ms: int) -> FixTask:
    task = get_fix_task(conn, task_id)
    mine = fix_tasks.c.id == task_id, fix_tasks.c.done_at_ms.is_(None)
    values = {"done_at_ms": now_ms, "done_by": by, "done": done}
    if conn.execute(update(fix_tasks).where(*mine).values(values)).rowcount == 0:
        raise InUse(f"this task is {task.done} already, by {task.done_by}")
    return task
