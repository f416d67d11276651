"""Opening a contact in another campaign, because of a result an agent chose: once, however often it is said."""

from __future__ import annotations

from sqlalchemy import Connection, select

from app.outcomes import ContactStatus
from app.store.attaching import attach_chosen
from app.store.errors import InUse, NotFound
from app.store.requeueing import REQUEUABLE, requeue_contact
from app.store.schema import campaign_contacts, contacts
from app.units import CampaignId, ContactId, ListId


def open_in_campaign(conn: Connection, campaign_id: CampaignId, contact_id: ContactId, now_ms: int) -> bool:
    """Have a contact wait in a campaign; whether that is new.

    Who waits or is called there already is left; who is done is called again, but for those who asked not to be. A
    campaign that is gone, or a contact that was taken out of its list, opens nothing.
    """
    of, place = contacts.c, campaign_contacts.c
    list_id = conn.scalar(select(of.list_id).where(of.id == contact_id, of.deleted_at_ms.is_(None)))
    if list_id is None:
        return False
    there = select(place.status).where(place.campaign_id == campaign_id, place.contact_id == contact_id)
    status = conn.scalar(there.with_for_update())
    if status is None:
        try:
            return attach_chosen(conn, campaign_id, ListId(list_id), [contact_id], now_ms) > 0
        except NotFound:
            return False
    if ContactStatus(status) not in REQUEUABLE:
        return False
    try:
        requeue_contact(conn, campaign_id, contact_id, now_ms)
    except InUse:  # it has no number
        return False
    return True
