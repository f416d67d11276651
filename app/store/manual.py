"""Dialing by hand: a contact of a campaign, or a typed number, under the same guards as claiming."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.agent_commands import OpenManual
from app.agent_events import ManualRefused
from app.compliance.library import Lawbook
from app.events import AttemptsOpened
from app.outcomes import ContactStatus
from app.store import law, owners
from app.store.attaching import link_list
from app.store.claiming import next_due, opened_attempt, with_tries
from app.store.dnc import BARRED, is_dnc
from app.store.errors import Duplicate
from app.store.ids import NewAttemptId
from app.store.law import Asked
from app.store.lists import create_list, grow_list, list_by_name
from app.store.national import stale_list
from app.store.people import Role
from app.store.schema import attempts, campaign_contacts, campaign_lists, campaigns, contacts, lists, users
from app.store.sql import execute, to_json
from app.store.tallies import TallyBook
from app.units import ContactId, ListId
from app.units import number as checked_number

TYPED_LIST: Final = "{campaign} – dialed by hand"
"""The name of a campaign's list of typed numbers."""
_NAME_LENGTH: Final = 128
_TRIES: Final = 3
_NO_REGION: Final = "ZZ"
"""ISO 3166's code for no country: typed numbers have their country in them."""

_SUPERVISING: Final = (Role.SUPERVISOR.value, Role.ADMIN.value)
IN_A_CALL: Final = "this number is in a call now; wait until that call is over"
IN_PROGRESS: Final = "this contact is being called already"


class _No(Exception):
    """It may not be dialed; the message is for people."""


def typed_list_name(campaign: str) -> str:
    """The name of the list that a campaign's typed numbers come to."""
    room = _NAME_LENGTH - len(TYPED_LIST.format(campaign=""))
    return TYPED_LIST.format(campaign=campaign[:room])


def open_manual(
    conn: Connection,
    command: OpenManual,
    now_ms: int,
    new_attempt_id: NewAttemptId,
    tallies: TallyBook,
    lawbook: Lawbook,
) -> AttemptsOpened | ManualRefused:
    """Open an attempt for an agent, or say why the number may not be dialed; then nothing of it is left."""
    reason = IN_A_CALL
    for _ in range(_TRIES):
        try:
            with conn.begin_nested():
                return _open(conn, command, now_ms, new_attempt_id, tallies, lawbook)
        except (Duplicate, IntegrityError):
            continue  # another process made the same list or contact just now: it is there to be found
        except _No as no:
            reason = str(no)
            break
    return ManualRefused(agent_id=command.agent_id, campaign_id=command.campaign_id, reason=reason)


def _open(
    conn: Connection,
    command: OpenManual,
    now_ms: int,
    new_attempt_id: NewAttemptId,
    tallies: TallyBook,
    lawbook: Lawbook,
) -> AttemptsOpened:
    _check_number(conn, command, now_ms)
    if command.contact_id is None:
        contact_id = _typed_contact(conn, command, now_ms)
    else:
        contact_id = _known_contact(conn, command, command.contact_id)
    before = _place(conn, command, contact_id)
    _check_owner(conn, command, contact_id, now_ms)
    asked, until_ms = _ask_law(conn, command, contact_id, now_ms, lawbook)
    attempt_id = new_attempt_id(now_ms)
    row = [attempt_id, contact_id, command.number, command.agent_id, True, asked.about()]
    opening = {"campaign_id": command.campaign_id, "now_ms": now_ms, "rows_json": to_json([row])}
    if execute(conn, "open_attempts", opening).scalar() is None:  # another process was first: the index decides
        raise _No(IN_A_CALL)
    _move(conn, command, contact_id, before, now_ms, tallies)
    tallies.opened(command.campaign_id, 1)
    opened = opened_attempt(
        attempt_id,
        command.campaign_id,
        _facts(conn, command, contact_id),
        agent_id=command.agent_id,
        is_manual=True,
        allowed_until_ms=until_ms,
    )
    return AttemptsOpened(
        campaign_id=command.campaign_id,
        wanted=1,
        attempts=with_tries(conn, command.campaign_id, [opened]),
        next_due_at_ms=next_due(conn, command.campaign_id, now_ms, (command.agent_id,)),
        checked_at_ms=now_ms,
    )


def _check_number(conn: Connection, command: OpenManual, now_ms: int) -> None:
    try:
        checked_number(command.number)
    except ValueError as error:
        raise _No(str(error)) from error
    if is_dnc(conn, command.number, contact_id=command.contact_id, campaign_id=command.campaign_id):
        raise _No(BARRED)
    if stale := stale_list(conn, command.campaign_id, now_ms):
        raise _No(stale)
    live = select(attempts.c.id).where(attempts.c.number == command.number, attempts.c.closed_at_ms.is_(None))
    if conn.execute(live).first() is not None:
        raise _No(IN_A_CALL)
    if conn.execute(select(campaigns.c.id).where(campaigns.c.id == command.campaign_id)).first() is None:
        raise _No("there is no such campaign any more")


def _ask_law(
    conn: Connection, command: OpenManual, contact_id: ContactId, now_ms: int, lawbook: Lawbook
) -> tuple[Asked, int]:
    """Whether the law lets an agent dial it now, and until when."""
    try:
        found = law.campaign_law(conn, lawbook, command.campaign_id)
    except ValueError as error:
        raise _No(f"the campaign's compliance profile cannot be used: {error}") from error
    law.note_use(conn, lawbook, found, now_ms)
    asked = law.ask(conn, found, {contact_id: command.number}, now_ms, is_by_hand=True)[contact_id]
    decision = law.decide(found, asked, now_ms)
    if decision.until_ms is None:
        raise _No(f"not allowed by law: {law.refusal(found, asked, now_ms)}")
    return asked, decision.until_ms


def _known_contact(conn: Connection, command: OpenManual, contact_id: ContactId) -> ContactId:
    """Of a contact only a number of theirs is dialed: the attempt would be written down with the wrong person."""
    row = conn.execute(select(contacts).where(contacts.c.id == contact_id)).first()
    if row is None:
        raise _No("there is no such contact any more")
    if command.number not in (row.phone1, row.phone2, row.phone3, row.phone4, row.phone5):
        raise _No("this is none of the contact's numbers; add it to the card first, or dial it as a typed number")
    if _place(conn, command, contact_id) is None:
        raise _No("this contact is not in the campaign")
    return contact_id


def _typed_contact(conn: Connection, command: OpenManual, now_ms: int) -> ContactId:
    """The contact of a typed number: the one of its campaign's list, made where there is none."""
    list_id = _typed_list(conn, command, now_ms)
    found = select(contacts.c.id).where(contacts.c.list_id == list_id, contacts.c.key == command.number)
    known = conn.execute(found).scalar()
    if known is not None:
        return ContactId(known)
    new: dict[str, Any] = {
        "list_id": list_id,
        "key": command.number,
        "phone1": command.number,
        "fields": {},
        "is_typed": True,
        "creator": conn.scalar(select(users.c.name).where(users.c.id == command.agent_id)) or "",
        "created_at_ms": now_ms,
        "updated_at_ms": now_ms,
    }
    made = conn.execute(insert(contacts).values(new).returning(contacts.c.id)).scalar_one()
    grow_list(conn, list_id, 1)
    return ContactId(made)


def _typed_list(conn: Connection, command: OpenManual, now_ms: int) -> ListId:
    name = conn.execute(select(campaigns.c.name).where(campaigns.c.id == command.campaign_id)).scalar_one()
    list_name = typed_list_name(name)
    found = list_by_name(conn, list_name)
    if found is None:
        attached = select(lists.c.country).join(campaign_lists, campaign_lists.c.list_id == lists.c.id)
        attached = attached.where(campaign_lists.c.campaign_id == command.campaign_id).order_by(lists.c.id).limit(1)
        region = conn.execute(attached).scalar() or _NO_REGION
        found = create_list(conn, name=list_name, country=region, now_ms=now_ms)
    link_list(conn, command.campaign_id, found.id)
    return found.id


def _place(conn: Connection, command: OpenManual, contact_id: ContactId) -> ContactStatus | None:
    """Where the contact stands in the campaign, locked until the end of the transaction; None: not in it."""
    found = select(campaign_contacts.c.status).where(
        campaign_contacts.c.campaign_id == command.campaign_id, campaign_contacts.c.contact_id == contact_id
    )
    status = conn.execute(found.with_for_update()).scalar()
    if status is None:
        return None
    if status == ContactStatus.IN_PROGRESS.value:
        raise _No(IN_PROGRESS)
    if status == ContactStatus.DO_NOT_CALL.value:
        raise _No("this contact asked not to be called")
    return ContactStatus(status)


def _check_owner(conn: Connection, command: OpenManual, contact_id: ContactId, now_ms: int) -> None:
    """What belongs to somebody else is theirs to call, by hand too; a promise, and a supervisor, go before that."""
    place = campaign_contacts.c
    found = select(place.owner_id, place.callback_at_ms, place.callback_agent_id, place.due_at_ms).where(
        place.campaign_id == command.campaign_id, place.contact_id == contact_id, place.owner_id.is_not(None)
    )
    row = conn.execute(found).first()
    if row is None or (row.callback_at_ms is not None and row.callback_agent_id in (None, command.agent_id)):
        return
    plan = owners.ownership_of(conn, command.campaign_id)
    if row.owner_id in owners.lines_of(conn, plan, (command.agent_id,)):
        return
    if conn.scalar(select(users.c.role).where(users.c.id == command.agent_id)) in _SUPERVISING:
        return
    after_ms = plan.escalates_after_ms
    if after_ms and row.due_at_ms is not None and row.due_at_ms + after_ms <= now_ms:
        return
    name = owners.owners_told(conn, command.campaign_id, [row.owner_id])[row.owner_id].name
    raise _No(f"this contact belongs to {name}: they call it, or a supervisor does")


def _move(
    conn: Connection,
    command: OpenManual,
    contact_id: ContactId,
    before: ContactStatus | None,
    now_ms: int,
    tallies: TallyBook,
) -> None:
    """Into progress; a typed number's contact joins the campaign so."""
    progress = {"status": ContactStatus.IN_PROGRESS.value, "due_at_ms": now_ms}
    if before is None:
        list_id = select(contacts.c.list_id).where(contacts.c.id == contact_id).scalar_subquery()
        new = {"campaign_id": command.campaign_id, "contact_id": contact_id, "list_id": list_id, **progress}
        conn.execute(insert(campaign_contacts).values(new))
        tallies.joined(command.campaign_id, ContactStatus.IN_PROGRESS, 1)
        return
    place = update(campaign_contacts).where(
        campaign_contacts.c.campaign_id == command.campaign_id, campaign_contacts.c.contact_id == contact_id
    )
    conn.execute(place.values(progress))
    tallies.moved(command.campaign_id, before, ContactStatus.IN_PROGRESS.value)


def _facts(conn: Connection, command: OpenManual, contact_id: ContactId) -> Row[Any]:
    """The contact and its place, with the number that is dialed, as `opened_attempt` takes them."""
    parameters = {"campaign_id": command.campaign_id, "contact_id": contact_id, "number": command.number}
    return execute(conn, "contact_in_campaign", parameters).one()
