"""Who is calling: a contact found by their number, whatever the list's length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Column, Connection, Select, func, literal_column, select, union

from app.outcomes import Outcome
from app.store.dnc import is_dnc
from app.store.schema import attempts, campaign_contacts, campaigns, contacts, lists
from app.units import CampaignId, ContactId, Number

MAX_CONTACTS: Final = 50
"""One number in so many lists is looked through."""
_PHONES: Final = (contacts.c.phone1, contacts.c.phone2, contacts.c.phone3, contacts.c.phone4, contacts.c.phone5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody whose number is in a list. columns: the list's, in their order. campaign_name, last_outcome,
    last_called_at_ms: of their last attempt that is over; empty and None when there is none.
    """

    contact_id: ContactId
    number: Number
    name: str
    language: str
    list_name: str
    columns: tuple[str, ...]
    fields: Mapping[str, str]
    is_dnc: bool
    campaign_id: CampaignId | None = None
    campaign_name: str = ""
    last_outcome: Outcome | None = None
    last_called_at_ms: int | None = None


def find_caller(conn: Connection, numbers: Sequence[Number], *, list_name: str = "") -> Caller | None:
    """The contact with the first of these numbers that anybody has; None: a stranger.

    Who is in several lists is the contact called last, else the one added last. list_name: look only there.
    """
    for number in numbers:
        row = _contact(conn, number, list_name)
        if row is not None:
            return _caller(conn, row, number)
    return None


def contact_in_campaign(conn: Connection, campaign_id: CampaignId, number: Number) -> ContactId | None:
    """The contact of a campaign who has this number among their phones; of several the one called last."""
    rows = {row.id: row.last_attempt or "" for row in conn.execute(contacts_with(number))}
    place = campaign_contacts.c
    found = select(place.contact_id).where(place.campaign_id == campaign_id, place.contact_id.in_(rows))
    known = conn.execute(found).scalars().all()
    return ContactId(max(known, key=lambda one: (rows[one], one))) if known else None


def _contact(conn: Connection, number: Number, list_name: str) -> Any:
    rows = conn.execute(contacts_with(number, list_name))
    return max(rows, key=lambda row: (row.last_attempt or "", row.id), default=None)


def contacts_with(number: Number, list_name: str = "") -> Select[Any]:
    """Contacts with this number among their phones, and the last attempt on each that is over.

    Each place of a phone is looked up along an index of its own: one condition for all five would read every contact.
    """
    theirs = union(*(_with_phone(column, number) for column in _PHONES)).subquery()
    found = select(
        contacts.c.id,
        contacts.c.name,
        contacts.c.language,
        contacts.c.fields,
        lists.c.name.label("list_name"),
        lists.c["columns"].label("list_columns"),
        _last_attempt_of(contacts.c.id).label("last_attempt"),
    ).join(lists, lists.c.id == contacts.c.list_id)
    found = found.join(theirs, theirs.c.id == contacts.c.id).where(contacts.c.deleted_at_ms.is_(None))
    if list_name:
        found = found.where(lists.c.name == list_name)
    return found.limit(MAX_CONTACTS)


def _with_phone(column: Column[str], number: Number) -> Select[Any]:
    """Contacts with this number in one place; the second condition is the partial index's own."""
    return select(contacts.c.id).where(column == number, column != literal_column("''"))


def _last_attempt_of(contact_id: Any) -> Any:
    """Attempts' ids grow with time."""
    last = select(func.max(attempts.c.id)).where(attempts.c.contact_id == contact_id)
    return last.where(attempts.c.closed_at_ms.is_not(None)).scalar_subquery()


def _caller(conn: Connection, row: Any, number: Number) -> Caller:
    caller = Caller(
        contact_id=ContactId(row.id),
        number=number,
        name=row.name,
        language=row.language,
        list_name=row.list_name,
        columns=tuple(row.list_columns),
        fields=row.fields,
        is_dnc=is_dnc(conn, number),
    )
    if row.last_attempt is None:
        return caller
    called = select(attempts, campaigns.c.name.label("campaign_name")).join(
        campaigns, campaigns.c.id == attempts.c.campaign_id
    )
    last = conn.execute(called.where(attempts.c.id == row.last_attempt)).one()
    return replace(
        caller,
        campaign_id=CampaignId(last.campaign_id),
        campaign_name=last.campaign_name,
        last_outcome=Outcome(last.outcome),
        last_called_at_ms=last.placed_at_ms or last.opened_at_ms,
    )
