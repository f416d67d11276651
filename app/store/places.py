"""Where contacts stand in a campaign, as pages list them: by status, and found by name or number."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import Connection, or_, select

from app.outcomes import ContactStatus, Outcome
from app.store.schema import campaign_contacts, contacts, lists
from app.units import CampaignId, ContactId, ListId


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceEntry:
    """A contact in a campaign. due_at_ms: when it may be called; None: nobody calls it by themselves.

    attempts, faults: charged and uncharged tries. callback_at_ms: promised for then. number: empty where not valid.
    """

    contact_id: ContactId
    name: str
    number: str
    status: ContactStatus
    due_at_ms: int | None
    attempts: int
    faults: int
    last_outcome: Outcome | None
    callback_at_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacesPage:
    """Some contacts, in the order they came. next_after: what to ask for the next page with; None: the last."""

    places: tuple[PlaceEntry, ...]
    next_after: ContactId | None


def places_page(
    conn: Connection,
    campaign_id: CampaignId,
    *,
    status: ContactStatus | None = None,
    search: str = "",
    after: ContactId | None = None,
    limit: int = 50,
) -> PlacesPage:
    """A page of a campaign's contacts: of a status, whose name or number has these letters or digits, or all."""
    place = campaign_contacts.c
    found = (
        select(campaign_contacts, contacts.c.name, contacts.c.phone1)
        .join(contacts, contacts.c.id == place.contact_id)
        .where(place.campaign_id == campaign_id)
    )
    if status is not None:
        found = found.where(place.status == status.value)
    if search.strip():
        names = contacts.c.name.icontains(search.strip(), autoescape=True)
        digits = re.sub(r"[^0-9]", "", search)
        found = found.where(or_(names, contacts.c.phone1.contains(digits)) if digits else names)
    if after is not None:
        found = found.where(place.contact_id > after)
    rows = conn.execute(found.order_by(place.contact_id).limit(limit + 1)).all()
    entries = tuple(
        PlaceEntry(
            contact_id=ContactId(row.contact_id),
            name=row.name,
            number=row.phone1,
            status=ContactStatus(row.status),
            due_at_ms=row.due_at_ms,
            attempts=row.attempts,
            faults=row.faults,
            last_outcome=None if row.last_outcome is None else Outcome(row.last_outcome),
            callback_at_ms=row.callback_at_ms,
        )
        for row in rows[:limit]
    )
    return PlacesPage(places=entries, next_after=entries[-1].contact_id if len(rows) > limit else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundContact:
    """A contact that a search found, with its list's name."""

    contact_id: ContactId
    name: str
    number: str
    list_name: str


def find_contacts(
    conn: Connection,
    search: str,
    *,
    list_id: ListId | None = None,
    after: ContactId | None = None,
    limit: int = 50,
) -> tuple[list[FoundContact], ContactId | None]:
    """Contacts of all lists or one: digits are looked for at the beginning of their phones, other words in names.

    Nothing to look for finds all.
    The second answer: what to ask for the next page with; None: this is the last.
    """
    wanted = search.strip()
    digits = re.sub(r"[^0-9]", "", wanted)
    of = contacts.c
    found = select(of.id, of.name, of.phone1, lists.c.name.label("list_name")).join(lists, lists.c.id == of.list_id)
    if digits and not any(letter.isalpha() for letter in wanted):
        phones = (of.phone1, of.phone2, of.phone3, of.phone4, of.phone5)
        found = found.where(or_(*(phone.startswith(f"+{digits}", autoescape=True) for phone in phones)))
    elif wanted:
        found = found.where(of.name.icontains(wanted, autoescape=True))
    if list_id is not None:
        found = found.where(of.list_id == list_id)
    if after is not None:
        found = found.where(of.id > after)
    rows = conn.execute(found.where(of.deleted_at_ms.is_(None)).order_by(of.id).limit(limit + 1)).all()
    page = [
        FoundContact(contact_id=ContactId(row.id), name=row.name, number=row.phone1, list_name=row.list_name)
        for row in rows[:limit]
    ]
    return page, page[-1].contact_id if len(rows) > limit else None
