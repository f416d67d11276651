"""Putting contacts that are done back into the waiting line: the dangling ones, say, once somebody decided to.

Their counts of tries are kept, so that a contact gets no more tries than its campaign allows and one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from app.outcomes import ContactStatus
from app.store.errors import InUse, NotFound
from app.store.progress import get_progress
from app.store.sql import execute
from app.store.tallies import TallyBook
from app.units import CampaignId, ContactId

PIECE: Final = 5_000
"""Contacts looked at in one transaction."""
REQUEUABLE: Final = (
    ContactStatus.DANGLING,
    ContactStatus.NOT_CONNECTED,
    ContactStatus.RETRIES_COMPLETED,
    ContactStatus.INVALID_NUMBER,
    ContactStatus.CONNECTED,
    ContactStatus.NOT_ALLOWED,
)
"""The statuses contacts can be brought back from. Who is on the do-not-call list is not among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequeuedPiece:
    """What one step did. returned: contacts that wait again; last_contact_id: go on after it; is_last: all are done."""

    returned: int
    last_contact_id: int
    is_last: bool


def requeue_contacts(conn: Connection, campaign_id: CampaignId, status: ContactStatus, now_ms: int) -> int:
    """Put all contacts of a status back into the line, in this transaction; answers how many.

    For large campaigns use `SqlStore.requeue`, which commits piece by piece. Raises NotFound, and ValueError for a
    status that is not one of REQUEUABLE.
    """
    returned, after_id, is_last = 0, 0, False
    while not is_last:
        piece = requeue_piece(conn, campaign_id, status, after_id, now_ms)
        returned, after_id, is_last = returned + piece.returned, piece.last_contact_id, piece.is_last
    return returned


def requeue_piece(
    conn: Connection, campaign_id: CampaignId, status: ContactStatus, after_id: int, now_ms: int, size: int = PIECE
) -> RequeuedPiece:
    """Look at the next `size` contacts of a campaign after the contact `after_id`, in this transaction.

    Those without a number stay as they are. It ends early when no contact of the status is left.
    """
    if status not in REQUEUABLE:
        allowed = ", ".join(repr(one.value) for one in REQUEUABLE)
        raise ValueError(f"contacts that are {status.value!r} are not put back; only those that are {allowed}")
    if execute(conn, "campaign_exists", {"campaign_id": campaign_id}).first() is None:
        raise NotFound("campaign", campaign_id)
    left = get_progress(conn, campaign_id).statuses.get(status, 0)
    span = execute(conn, "next_places", {"campaign_id": campaign_id, "after_id": after_id, "size": size}).one()
    if not span.seen or not left:
        return RequeuedPiece(returned=0, last_contact_id=after_id, is_last=True)
    returned = _requeue(conn, campaign_id, status, after_id + 1, span.last_id, now_ms)
    is_last = span.seen < size or returned == left
    return RequeuedPiece(returned=returned, last_contact_id=span.last_id, is_last=is_last)


def requeue_contact(conn: Connection, campaign_id: CampaignId, contact_id: ContactId, now_ms: int) -> None:
    """Put one contact back into the line; harmless for one that waits already.

    Raises NotFound for one that is not in the campaign, InUse for one that is being called, is on the do-not-call list
    or has no valid number.
    """
    place = execute(conn, "status_in_campaign", {"campaign_id": campaign_id, "contact_id": contact_id}).first()
    if place is None:
        raise NotFound(f"contact of campaign {campaign_id}:", contact_id)
    status = ContactStatus(place.status)
    if status is ContactStatus.PENDING:
        return
    if status not in REQUEUABLE:
        raise InUse(f"this contact is {status.value}: it cannot be put back into the line")
    if not _requeue(conn, campaign_id, status, contact_id, contact_id, now_ms):
        raise InUse("this contact has no valid number; mend the number first")


def _requeue(
    conn: Connection, campaign_id: CampaignId, status: ContactStatus, first_id: int, last_id: int, now_ms: int
) -> int:
    parameters = {
        "campaign_id": campaign_id,
        "status": status.value,
        "first_id": first_id,
        "last_id": last_id,
        "now_ms": now_ms,
    }
    returned = execute(conn, "requeue_contacts", parameters).rowcount
    tallies = TallyBook()
    tallies.moved(campaign_id, status, ContactStatus.PENDING.value, returned)
    tallies.write(conn)
    return returned
