"""Taking a contact out of its list while campaigns run: nobody dials it any more, and what was done stays known.

Its row is kept without a place in any campaign, as attempts, notes and the audit trail name it; its key is free again.
Who was never called and never written about is made nameless. A call that is up ends like any other and finds no place
to write into: the contact does not come back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, select, update

from app.outcomes import ContactStatus
from app.store.audit import record
from app.store.errors import NotFound
from app.store.lists import grow_list
from app.store.schema import attempts, campaign_contacts, contact_notes, contacts
from app.store.tallies import TallyBook
from app.units import CampaignId, ContactId, ListId

_PERSONAL: Final = ("name", "email", "owner", "phone1", "phone2", "phone3", "phone4", "phone5", "phone_kinds")
DELETED: Final = "deleted contact"
"""What the audit trail calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What was taken out. campaigns: where it had a place; is_kept: with name and numbers, for its history."""

    contact_id: ContactId
    list_id: ListId
    campaigns: tuple[CampaignId, ...]
    is_kept: bool


def remove_contact(conn: Connection, contact_id: ContactId, *, by: str, now_ms: int) -> Removed:
    """Take a contact out of its list and out of every campaign. Raises NotFound, for one that is out already too."""
    found = select(contacts.c.list_id, contacts.c.key).where(
        contacts.c.id == contact_id, contacts.c.deleted_at_ms.is_(None)
    )
    row = conn.execute(found.with_for_update()).first()
    if row is None:
        raise NotFound("contact", contact_id)
    campaigns = _leave_campaigns(conn, contact_id)
    is_kept = _has_history(conn, contact_id)
    gone: dict[str, Any] = {"deleted_at_ms": now_ms, "updated_at_ms": now_ms, "key": f"deleted {contact_id}"}
    if not is_kept:
        gone |= dict.fromkeys(_PERSONAL, "") | {"fields": {}}
    conn.execute(update(contacts).where(contacts.c.id == contact_id).values(gone))
    grow_list(conn, ListId(row.list_id), -1)
    details = {"list": str(row.list_id), "key": row.key}
    record(conn, who=by, what=DELETED, subject=f"contact {contact_id}", details=details, at_ms=now_ms)
    return Removed(contact_id=contact_id, list_id=ListId(row.list_id), campaigns=campaigns, is_kept=is_kept)


def _leave_campaigns(conn: Connection, contact_id: ContactId) -> tuple[CampaignId, ...]:
    left = delete(campaign_contacts).where(campaign_contacts.c.contact_id == contact_id)
    rows = conn.execute(left.returning(campaign_contacts.c.campaign_id, campaign_contacts.c.status)).all()
    tallies = TallyBook()
    for row in rows:
        tallies.joined(CampaignId(row.campaign_id), ContactStatus(row.status), -1)
    tallies.write(conn)
    return tuple(sorted(CampaignId(row.campaign_id) for row in rows))


def _has_history(conn: Connection, contact_id: ContactId) -> bool:
    return any(
        conn.execute(select(table.c.id).where(table.c.contact_id == contact_id).limit(1)).first() is not None
        for table in (attempts, contact_notes)
    )
