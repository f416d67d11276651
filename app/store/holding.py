"""Holding a list: nobody of it is dialed while its own database is out of sight, and everybody after as before.

Held contacts keep their place in the waiting line, moved to a time that never comes; so the other lists of a campaign
are dialed on, and a claim costs what it did.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, select, update

from app.outcomes import ContactStatus
from app.store.schema import campaign_contacts, contacts
from app.store.sql import execute
from app.units import CampaignId, ListId

HOLD_MS: Final = 10**15
"""Added to when a held contact is due: some thirty thousand years."""
PIECE: Final = 5_000


def hold_piece(conn: Connection, list_id: ListId, after_id: int, *, is_held: bool) -> int | None:
    """Hold or release the next contacts of a list after the contact `after_id`; go on after the answer, None: done."""
    span = execute(conn, "next_piece", {"list_id": list_id, "after_id": after_id, "size": PIECE}).one()
    if not span.seen:
        return None
    place = campaign_contacts.c
    members = select(contacts.c.id).where(
        contacts.c.list_id == list_id, contacts.c.id.between(span.first_id, span.last_id)
    )
    is_wanted = place.due_at_ms < HOLD_MS if is_held else place.due_at_ms >= HOLD_MS
    moved = update(campaign_contacts).where(
        place.contact_id.in_(members), place.status == ContactStatus.PENDING.value, is_wanted
    )
    shift = HOLD_MS if is_held else -HOLD_MS
    conn.execute(moved.values(due_at_ms=place.due_at_ms + shift))
    return int(span.last_id) if span.seen == PIECE else None


def campaigns_of(conn: Connection, list_id: ListId) -> list[CampaignId]:
    """The campaigns that have a list."""
    return [CampaignId(one) for one in execute(conn, "campaigns_of_list", {"list_id": list_id}).scalars()]
