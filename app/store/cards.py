"""The card of a contact: its facts, notes and last attempts; and its editing by several people at once.

Who edits says the value they saw; when somebody else was faster, nothing is written and both values are told.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from app.outcomes import ContactStatus, Outcome
from app.store.attempts import AttemptEntry, attempts_page, get_attempt
from app.store.audit import audit_page, record
from app.store.errors import Conflict, NotFound
from app.store.lists import Contact, get_contact, get_list
from app.store.owners import give_again
from app.store.requeueing import requeue_contact
from app.store.schema import attempts, campaign_contacts, campaigns, contact_notes, contacts
from app.units import AgentId, AttemptId, CampaignId, ContactId
from app.units import number as checked_number

EDITED: Final = "edited contact"
"""What the audit trail calls an edit: its details name the field, the value before and the one after."""
_EDITS_LOOKED_AT: Final = 100


class ContactFact(enum.Enum):
    """What every contact has, beside the columns of its list."""

    NAME = "name"
    LANGUAGE = "language"
    TIME_ZONE = "time_zone"
    PHONE1 = "phone1"
    """The number that is dialed; empty: not valid."""
    PHONE2 = "phone2"
    PHONE3 = "phone3"
    PHONE4 = "phone4"
    PHONE5 = "phone5"


_PHONES: Final = frozenset(
    {ContactFact.PHONE1, ContactFact.PHONE2, ContactFact.PHONE3, ContactFact.PHONE4, ContactFact.PHONE5}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What somebody wrote down about a contact. attempt_id: the call it was about, if any."""

    id: int
    contact_id: ContactId
    attempt_id: AttemptId | None
    author: str
    text: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPlace:
    """Where a contact stands in a campaign. due_at_ms: None when nobody dials it on its own."""

    campaign_id: CampaignId
    campaign_name: str
    status: ContactStatus
    due_at_ms: int | None
    attempts: int
    last_outcome: Outcome | None
    owner_id: AgentId | None
    callback_at_ms: int | None
    callback_agent_id: AgentId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactCard:
    """All about a contact. columns: its list's, in their order; notes and attempts: the newest first."""

    contact: Contact
    list_name: str
    columns: tuple[str, ...]
    notes: tuple[Note, ...]
    attempts: tuple[AttemptEntry, ...]
    places: tuple[CampaignPlace, ...]
    updated_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """An edit that was written. requeued: campaigns in which the contact waits again, its number being mended."""

    contact: Contact
    before: str
    requeued: tuple[CampaignId, ...] = ()


def contact_card(conn: Connection, contact_id: ContactId, *, attempts: int = 5, notes: int = 20) -> ContactCard:
    """The card of a contact with so many of its last attempts and notes. Raises NotFound."""
    contact = get_contact(conn, contact_id)
    contact_list = get_list(conn, contact.list_id)
    updated_at_ms = conn.execute(select(contacts.c.updated_at_ms).where(contacts.c.id == contact_id)).scalar_one()
    return ContactCard(
        contact=contact,
        list_name=contact_list.name,
        columns=contact_list.columns,
        notes=tuple(notes_page(conn, contact_id, limit=notes)),
        attempts=attempts_page(conn, contact_id=contact_id, limit=attempts).attempts,
        places=tuple(contact_places(conn, contact_id)),
        updated_at_ms=updated_at_ms,
    )


def contact_places(conn: Connection, contact_id: ContactId) -> list[CampaignPlace]:
    """Where a contact stands in each of its campaigns, the newest campaign first."""
    found = select(campaign_contacts, campaigns.c.name.label("campaign_name")).join(
        campaigns, campaigns.c.id == campaign_contacts.c.campaign_id
    )
    found = found.where(campaign_contacts.c.contact_id == contact_id).order_by(campaigns.c.id.desc())
    return [_place(row) for row in conn.execute(found)]


# --- notes -----------------------------------------------------------------------------------------------------------


def add_note(
    conn: Connection,
    contact_id: ContactId,
    *,
    author: str,
    text: str,
    at_ms: int,
    attempt_id: AttemptId | None = None,
) -> Note:
    """Write something down about a contact. Raises NotFound."""
    get_contact(conn, contact_id)
    new = {"contact_id": contact_id, "attempt_id": attempt_id, "author": author[:64], "text": text, "at_ms": at_ms}
    return _note(conn.execute(insert(contact_notes).values(new).returning(*contact_notes.c)).one())


def notes_page(conn: Connection, contact_id: ContactId, *, before: int | None = None, limit: int = 20) -> list[Note]:
    """A contact's notes, the newest first, older than the note `before`."""
    found = select(contact_notes).where(contact_notes.c.contact_id == contact_id)
    if before is not None:
        found = found.where(contact_notes.c.id < before)
    return [_note(row) for row in conn.execute(found.order_by(contact_notes.c.id.desc()).limit(limit))]


# --- editing ---------------------------------------------------------------------------------------------------------


def edit_contact(
    conn: Connection,
    contact_id: ContactId,
    what: ContactFact | str,
    *,
    saw: str,
    value: str,
    by: str,
    now_ms: int,
) -> Edited:
    """Change one fact of a contact, or one of its list's columns (a text), and write it into the audit trail.

    saw: the value the editor saw before (empty: none). Raises Conflict when it is another by now, NotFound for the
    contact or a column its list does not have, ValueError for a phone that is no number in E.164 and not empty. A
    contact that waited for its number to be mended is called again.
    """
    row = conn.execute(select(contacts).where(contacts.c.id == contact_id).with_for_update()).first()
    if row is None or row.deleted_at_ms is not None:
        raise NotFound("contact", contact_id)
    name = what.value if isinstance(what, ContactFact) else what
    found = _value(conn, row, what)
    if found != saw and found != value:
        editor, at_ms = _last_editor(conn, contact_id, name)
        raise Conflict(name, saw=saw, found=found, by=editor, at_ms=at_ms)
    requeued: tuple[CampaignId, ...] = ()
    if found != value:
        _set_value(conn, row, what, value, now_ms)
        give_again(conn, contact_id)
        if what is ContactFact.PHONE1 and value:
            requeued = requeue_mended(conn, contact_id, now_ms)
        details = {"field": name, "before": found, "after": value}
        record(conn, who=by, what=EDITED, subject=f"contact {contact_id}", details=details, at_ms=now_ms)
    return Edited(contact=get_contact(conn, contact_id), before=found, requeued=requeued)


def _value(conn: Connection, row: Row[Any], what: ContactFact | str) -> str:
    if isinstance(what, ContactFact):
        return str(row._mapping[what.value])
    if what not in row.fields and what not in get_list(conn, row.list_id).columns:
        raise NotFound("column", what)
    return str(row.fields.get(what, ""))


def _set_value(conn: Connection, row: Row[Any], what: ContactFact | str, value: str, now_ms: int) -> None:
    values: dict[str, Any] = {"updated_at_ms": now_ms}
    if isinstance(what, ContactFact):
        if what in _PHONES and value:
            checked_number(value)
        values[what.value] = value
    else:
        values["fields"] = {**row.fields, what: value}
    conn.execute(update(contacts).where(contacts.c.id == row.id).values(values))


def _last_editor(conn: Connection, contact_id: ContactId, name: str) -> tuple[str, int | None]:
    """Who changed a field last, and when; empty: an import, or nobody knows."""
    for entry in audit_page(conn, subject=f"contact {contact_id}", what=EDITED, limit=_EDITS_LOOKED_AT).entries:
        if entry.details.get("field") == name:
            return entry.who, entry.at_ms
    return "", None


def requeue_mended(conn: Connection, contact_id: ContactId, now_ms: int) -> tuple[CampaignId, ...]:
    """Have a contact called whose number was not valid until now; answers the campaigns in which it waits again."""
    waiting = [place for place in contact_places(conn, contact_id) if place.status is ContactStatus.INVALID_NUMBER]
    for place in waiting:
        requeue_contact(conn, place.campaign_id, contact_id, now_ms)
    return tuple(place.campaign_id for place in waiting)


# --- recordings ------------------------------------------------------------------------------------------------------


def recordings_of(conn: Connection, attempt_id: AttemptId) -> tuple[str, ...]:
    """The names of an attempt's recordings: of the conversation, and what the person said into the flow.

    Raises NotFound.
    """
    entry = get_attempt(conn, attempt_id)
    talks = () if entry.conversation is None else entry.conversation.recordings
    spoken: Sequence[Any] = entry.flow.get("recordings") or ()
    return (*talks, *(str(one["name"]) for one in spoken))


def attempt_of_recording(conn: Connection, name: str) -> AttemptEntry:
    """The attempt a recording belongs to: its name begins with the attempt's id. Raises NotFound."""
    attempt_id = AttemptId(name.partition("-")[0])
    known = conn.execute(select(attempts.c.id).where(attempts.c.id == attempt_id)).scalar()
    if known is None or name not in recordings_of(conn, attempt_id):
        raise NotFound("recording", name)
    return get_attempt(conn, attempt_id)


def _note(row: Row[Any]) -> Note:
    return Note(
        id=row.id,
        contact_id=ContactId(row.contact_id),
        attempt_id=None if row.attempt_id is None else AttemptId(row.attempt_id),
        author=row.author,
        text=row.text,
        at_ms=row.at_ms,
    )


def _place(row: Row[Any]) -> CampaignPlace:
    return CampaignPlace(
        campaign_id=CampaignId(row.campaign_id),
        campaign_name=row.campaign_name,
        status=ContactStatus(row.status),
        due_at_ms=row.due_at_ms,
        attempts=row.attempts,
        last_outcome=None if row.last_outcome is None else Outcome(row.last_outcome),
        owner_id=None if row.owner_id is None else AgentId(row.owner_id),
        callback_at_ms=row.callback_at_ms,
        callback_agent_id=None if row.callback_agent_id is None else AgentId(row.callback_agent_id),
    )
