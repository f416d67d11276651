"""Where contacts stand in a campaign, as pages list them: by status, and found by name or number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Column, ColumnElement, Connection, and_, func, literal_column, or_, select

from app.outcomes import ContactStatus, Outcome
from app.store.schema import campaign_contacts, contacts, lists
from app.units import CampaignId, ContactId, ListId

_ALL_SCRIPTS: Final = "und-x-icu"
"""PostgreSQL's collation of no language in particular, in every build with ICU, as Debian's are."""
_AFTER_NINE: Final = chr(ord("9") + 1)


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
        names = _has(conn, search.strip())
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
        found = found.where(or_(*(_begins(conn, phone, f"+{digits}") for phone in phones)))
    elif wanted:
        found = found.where(_has(conn, wanted))
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


def _has(conn: Connection, words: str) -> ColumnElement[bool]:
    """A name has these letters, whatever the capitals of its script: a database may be set up to know ASCII's alone."""
    name = contacts.c.name if conn.dialect.name == "sqlite" else contacts.c.name.collate(_ALL_SCRIPTS)
    return func.lower(name).contains(words.lower(), autoescape=True)


def _begins(conn: Connection, phone: Column[str], number: str) -> ColumnElement[bool]:
    """Whether a number begins so. SQLite goes along the index of a range only; PostgreSQL's order may skip the plus."""
    if conn.dialect.name != "sqlite":
        return phone.startswith(number, autoescape=True)
    has_one = phone != literal_column("''")  # said as the index says it: a parameter could be anything
    return and_(has_one, phone >= number, phone < number + _AFTER_NINE)
