"""Test calls on disk: the campaign that makes them, its list, and whose data is said in one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, insert, select

from app.outcomes import ContactStatus
from app.store.attaching import attach_new_contacts
from app.store.campaigns import CampaignEntry, list_campaigns
from app.store.lists import Contact, create_list, get_contact, grow_list, list_by_name
from app.store.schema import campaign_contacts, contacts
from app.store.undoing import remove_uncalled
from app.units import CampaignId, ContactId, ListId, Number

NAME_LENGTH: Final = 128
KEPT: Final = 1_000
"""Of the newest test calls, those that never came about are looked for."""


def rehearsal_of(conn: Connection, campaign_id: CampaignId) -> CampaignEntry | None:
    """The campaign that makes the test calls of another; None: there was none yet."""
    found = list_campaigns(conn, with_rehearsals=True)
    return next((one for one in found if one.campaign.rehearses == campaign_id), None)


def sample_contact(conn: Connection, campaign_id: CampaignId, contact_id: ContactId | None) -> Contact | None:
    """A contact of a campaign: the one asked for, or its first that waits, or its first; None: it has none such."""
    places = select(campaign_contacts.c.contact_id).where(campaign_contacts.c.campaign_id == campaign_id)
    if contact_id is not None:
        found = conn.execute(places.where(campaign_contacts.c.contact_id == contact_id)).scalar()
    else:
        first = places.order_by(campaign_contacts.c.contact_id).limit(1)
        waiting = first.where(campaign_contacts.c.status == ContactStatus.PENDING.value)
        found = conn.execute(waiting).scalar() or conn.execute(first).scalar()
    return None if found is None else get_contact(conn, ContactId(found))


def rehearsal_list(conn: Connection, name: str, country: str, now_ms: int) -> ListId:
    """The list of a campaign's test calls, made where there is none."""
    found = list_by_name(conn, name[:NAME_LENGTH])
    return (found or create_list(conn, name=name[:NAME_LENGTH], country=country, now_ms=now_ms)).id


def add_own_contact(
    conn: Connection, list_id: ListId, number: Number, like: Contact | None, now_ms: int
) -> Mapping[CampaignId, int]:
    """Put somebody with this number and another's data into the list; answers which campaigns they wait in now.

    Their zone is not taken along: the number is another's. Whoever waits there yet was typed for a call that never
    came about, and is taken out.
    """
    waiting = select(contacts.c.id).where(contacts.c.list_id == list_id)
    remove_uncalled(conn, list_id, [ContactId(one) for one in conn.execute(waiting).scalars()][-KEPT:])
    new = {
        "list_id": list_id,
        "key": f"{number} {now_ms}",
        "phone1": number,
        "name": like.name if like else "",
        "language": like.language if like else "",
        "fields": dict(like.fields) if like else {},
        "created_at_ms": now_ms,
        "updated_at_ms": now_ms,
    }
    contact_id = conn.execute(insert(contacts).values(new).returning(contacts.c.id)).scalar_one()
    grow_list(conn, list_id, 1)
    return attach_new_contacts(conn, list_id, contact_id, contact_id)
