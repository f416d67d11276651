"""Contact lists and their contacts, as pages read them. The importer writes contacts itself, in bulk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from app.store.errors import NotFound, unique
from app.store.schema import contacts, lists
from app.units import ContactId, ListId


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactList:
    """A list. country: ISO 3166, how numbers without a country code are read; contacts: how many it has.

    column_types: of the columns that are not text, by name: number, date, yes or no, address, e-mail.
    """

    id: ListId
    name: str
    country: str
    columns: tuple[str, ...]
    contacts: int
    created_at_ms: int
    column_types: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A contact of a list.

    phones: E.164, the first is dialed; none: the number was not valid. phone_kinds: mobile, home, work or nothing, of
    each phone. fields: as written. region: ISO 3166-2 with its country; priority: the higher the sooner; owner: the
    name of a user, as the list says; consent: none, prior, written, or nothing where it is not known; channels: the
    ways to reach them, none said: all. deleted_at_ms: taken out of its list then; only its attempts are kept.
    """

    id: ContactId
    list_id: ListId
    key: str
    name: str
    language: str
    time_zone: str
    phones: tuple[str, ...]
    fields: Mapping[str, str]
    source_line: int
    email: str = ""
    region: str = ""
    priority: int = 0
    owner: str = ""
    consent: str = ""
    channels: tuple[str, ...] = ()
    phone_kinds: tuple[str, ...] = ()
    updated_at_ms: int = 0
    deleted_at_ms: int | None = None


def create_list(conn: Connection, *, name: str, country: str, columns: Sequence[str] = (), now_ms: int) -> ContactList:
    """Add an empty list. Raises Duplicate."""
    new = {"name": name, "country": country, "columns": list(columns), "created_at_ms": now_ms}
    with unique("list", name):
        return _list(conn.execute(insert(lists).values(new).returning(*lists.c)).one())


def get_list(conn: Connection, list_id: ListId) -> ContactList:
    """Raises NotFound."""
    row = conn.execute(select(lists).where(lists.c.id == list_id)).first()
    if row is None:
        raise NotFound("list", list_id)
    return _list(row)


def list_by_name(conn: Connection, name: str) -> ContactList | None:
    """The list of a name; None for no such list."""
    row = conn.execute(select(lists).where(lists.c.name == name)).first()
    return _list(row) if row else None


def list_lists(conn: Connection) -> list[ContactList]:
    """All lists, by name."""
    return [_list(row) for row in conn.execute(select(lists).order_by(lists.c.name))]


def grow_list(conn: Connection, list_id: ListId, count: int, columns: Sequence[str] | None = None) -> None:
    """Count contacts that were added to a list (or, below zero, removed), and set its columns. Raises NotFound."""
    values: dict[str, Any] = {"contacts": lists.c.contacts + count}
    if columns is not None:
        values["columns"] = list(columns)
    if conn.execute(update(lists).where(lists.c.id == list_id).values(values)).rowcount == 0:
        raise NotFound("list", list_id)


def type_columns(conn: Connection, list_id: ListId, types: Mapping[str, str]) -> None:
    """Note the types of columns that have none yet. Raises NotFound."""
    found = get_list(conn, list_id)
    merged = {**types, **found.column_types}
    if merged != dict(found.column_types):
        conn.execute(update(lists).where(lists.c.id == list_id).values(column_types=merged))


def contacts_page(conn: Connection, list_id: ListId, *, after_id: int = 0, limit: int = 50) -> list[Contact]:
    """A list's contacts in the order they came, after the contact `after_id`."""
    found = select(contacts).where(
        contacts.c.list_id == list_id, contacts.c.id > after_id, contacts.c.deleted_at_ms.is_(None)
    )
    return [_contact(row) for row in conn.execute(found.order_by(contacts.c.id).limit(limit))]


def get_contact(conn: Connection, contact_id: ContactId) -> Contact:
    """Raises NotFound."""
    row = conn.execute(select(contacts).where(contacts.c.id == contact_id)).first()
    if row is None:
        raise NotFound("contact", contact_id)
    return _contact(row)


def _list(row: Row[Any]) -> ContactList:
    return ContactList(
        id=ListId(row.id),
        name=row.name,
        country=row.country,
        columns=tuple(row._mapping["columns"]),
        contacts=row.contacts,
        created_at_ms=row.created_at_ms,
        column_types=row.column_types,
    )


def _contact(row: Row[Any]) -> Contact:
    kinds = (*row.phone_kinds.split(","), "", "", "", "", "")
    phones = [
        (phone, kind)
        for phone, kind in zip((row.phone1, row.phone2, row.phone3, row.phone4, row.phone5), kinds, strict=False)
        if phone
    ]
    return Contact(
        id=ContactId(row.id),
        list_id=ListId(row.list_id),
        key=row.key,
        name=row.name,
        language=row.language,
        time_zone=row.time_zone,
        phones=tuple(phone for phone, _ in phones),
        fields=row.fields,
        source_line=row.source_line,
        email=row.email,
        region=row.region,
        priority=row.priority,
        owner=row.owner,
        consent=row.consent,
        channels=tuple(row.channels.split(",")) if row.channels else (),
        phone_kinds=tuple(kind for _, kind in phones),
        updated_at_ms=row.updated_at_ms,
        deleted_at_ms=row.deleted_at_ms,
    )
