"""Attaching a list to a campaign: each contact gets its place in the waiting line, in pieces that keep nobody waiting.

Attaching again adds what is missing and touches nothing else, so that a piece may be repeated after a crash.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from app.outcomes import ContactStatus, Outcome
from app.store import owners
from app.store.errors import NotFound
from app.store.lists import get_list
from app.store.sql import execute
from app.store.tallies import TallyBook
from app.units import CampaignId, ContactId, ListId

PIECE: Final = 5_000
"""Contacts attached in one transaction: some tens of milliseconds, which is what a call may have to wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedPiece:
    """What one step did. added: contacts new to the campaign; seen: contacts gone through; last_contact_id: go on
    after it; is_last: the list is done."""

    added: int
    seen: int
    last_contact_id: int
    is_last: bool


def attach_list(conn: Connection, campaign_id: CampaignId, list_id: ListId, now_ms: int) -> int:
    """Attach a whole list in this transaction, due now; answers how many contacts were new to the campaign.

    For long lists use `SqlStore.attach_list`, which commits piece by piece. Raises NotFound.
    """
    link_list(conn, campaign_id, list_id)
    added, after_id, is_last = 0, 0, False
    while not is_last:
        piece = attach_piece(conn, campaign_id, list_id, after_id, now_ms)
        added, after_id, is_last = added + piece.added, piece.last_contact_id, piece.is_last
    return added


def link_list(conn: Connection, campaign_id: CampaignId, list_id: ListId) -> None:
    """Note that a campaign has a list: contacts imported into it from now on join the campaign. Raises NotFound."""
    get_list(conn, list_id)
    if execute(conn, "campaign_exists", {"campaign_id": campaign_id}).first() is None:
        raise NotFound("campaign", campaign_id)
    execute(conn, "link_list", {"campaign_id": campaign_id, "list_id": list_id})


def attach_piece(
    conn: Connection, campaign_id: CampaignId, list_id: ListId, after_id: int, now_ms: int, size: int = PIECE
) -> AttachedPiece:
    """Attach the next `size` contacts of a list after the contact `after_id`, in this transaction."""
    span = execute(conn, "next_piece", {"list_id": list_id, "after_id": after_id, "size": size}).one()
    if not span.seen:
        return AttachedPiece(added=0, seen=0, last_contact_id=after_id, is_last=True)
    added = _attach(conn, campaign_id, list_id, span.first_id, span.last_id, now_ms)
    return AttachedPiece(added=added, seen=span.seen, last_contact_id=span.last_id, is_last=span.seen < size)


def attach_chosen(
    conn: Connection, campaign_id: CampaignId, list_id: ListId, contact_ids: Sequence[ContactId], now_ms: int
) -> int:
    """Attach some contacts of a list, due now; answers how many were new. Who is imported later does not join.

    Raises NotFound.
    """
    if execute(conn, "campaign_exists", {"campaign_id": campaign_id}).first() is None:
        raise NotFound("campaign", campaign_id)
    if not contact_ids:
        return 0
    execute(conn, "link_some", {"campaign_id": campaign_id, "list_id": list_id})
    added = 0
    for first_id, last_id in _spans(contact_ids):
        added += _attach(conn, campaign_id, list_id, first_id, last_id, now_ms)
    return added


def _spans(contact_ids: Sequence[ContactId]) -> Iterator[tuple[int, int]]:
    """Ids that follow one another, as from–to."""
    first = last = None
    for one in sorted(contact_ids):
        if last is not None and one == last + 1:
            last = one
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = int(one)
    if first is not None and last is not None:
        yield first, last


def attach_new_contacts(
    conn: Connection, list_id: ListId, first_contact_id: int, last_contact_id: int
) -> dict[CampaignId, int]:
    """Add a list's contacts from one id to another to every campaign that has the list, due since they were made.

    For the importer, in the transaction of its inserts. Answers how many were added to which campaign: tell the dialer
    of those (ContactsAdded).
    """
    campaign_ids = execute(conn, "campaigns_of_list", {"list_id": list_id}).scalars().all()
    added = {
        CampaignId(campaign_id): _attach(conn, CampaignId(campaign_id), list_id, first_contact_id, last_contact_id)
        for campaign_id in campaign_ids
    }
    return {campaign_id: count for campaign_id, count in added.items() if count}


def _attach(
    conn: Connection,
    campaign_id: CampaignId,
    list_id: ListId,
    first_id: int,
    last_id: int,
    due_at_ms: int | None = None,
) -> int:
    span = {"campaign_id": campaign_id, "list_id": list_id, "first_id": first_id, "last_id": last_id}
    tallies = TallyBook()
    waiting = execute(conn, "attach_waiting", span | {"from_at_ms": due_at_ms}).rowcount
    invalid = execute(conn, "attach_invalid", span).rowcount
    if waiting or invalid:
        owners.give_new(conn, campaign_id, first_id, last_id)
    tallies.joined(campaign_id, ContactStatus.PENDING, waiting)
    tallies.joined(campaign_id, ContactStatus.INVALID_NUMBER, invalid)
    tallies.ended(campaign_id, Outcome.INVALID_NUMBER, invalid)
    tallies.write(conn)
    return waiting + invalid
