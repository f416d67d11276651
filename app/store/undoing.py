"""Undoing an import: the contacts it added are taken out again, as long as none of them was called.

Contacts it brought up to date stay as they are now: what they were before is not kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, select, update

from app.outcomes import ContactStatus, Outcome
from app.store.errors import NotFound
from app.store.lists import grow_list
from app.store.schema import attempts, campaign_contacts, contacts, imports, lists
from app.store.tallies import TallyBook
from app.units import CampaignId, ContactId, ListId

PIECE: Final = 2_000
"""Contacts gone through in one transaction: some tens of milliseconds, which is what a call may have to wait."""
_SETTLED: Final = {
    ContactStatus.INVALID_NUMBER: Outcome.INVALID_NUMBER,
    ContactStatus.DO_NOT_CALL: Outcome.DO_NOT_CALL,
}
"""Statuses that a contact without any attempt has been counted under, and the outcome it was counted with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportEntry:
    """One import. counts: see app.contacts.report.Counts; finished_at_ms: None where it goes on or was broken off."""

    id: int
    list_id: ListId
    list_name: str
    file_name: str
    mapping: Mapping[str, str]
    counts: Mapping[str, int]
    started_at_ms: int
    finished_at_ms: int | None
    undone_at_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedPiece:
    """What one step of undoing did. kept: contacts that were called meanwhile; last_contact_id: go on after it."""

    removed: int
    kept: int
    last_contact_id: int
    is_last: bool


def columns_mark(columns: Sequence[str]) -> str:
    """What is the same for sheets of the same columns, in whatever order and letters."""
    plain = sorted(" ".join(column.casefold().split()) for column in columns)
    return hashlib.sha256("\n".join(plain).encode()).hexdigest()


def list_imports(conn: Connection, *, limit: int = 20) -> list[ImportEntry]:
    """The newest imports."""
    return [_import(row) for row in conn.execute(_imports().order_by(imports.c.id.desc()).limit(limit))]


def get_import(conn: Connection, import_id: int) -> ImportEntry:
    """Raises NotFound."""
    row = conn.execute(_imports().where(imports.c.id == import_id)).first()
    if row is None:
        raise NotFound("import", import_id)
    return _import(row)


def last_mapping(conn: Connection, columns: Sequence[str]) -> ImportEntry | None:
    """The last import of a sheet with these columns; None: there was none."""
    mark = columns_mark(columns)
    same = _imports().where(imports.c.header == mark, imports.c.undone_at_ms.is_(None))
    row = conn.execute(same.order_by(imports.c.id.desc()).limit(1)).first()
    return _import(row) if row else None


def called_of_import(conn: Connection, import_id: int) -> int:
    """How many contacts that an import added have been called, or are being called."""
    entry = get_import(conn, import_id)
    added = select(contacts.c.id).where(contacts.c.list_id == entry.list_id, contacts.c.import_id == import_id)
    tried = select(func.count(func.distinct(attempts.c.contact_id))).where(attempts.c.contact_id.in_(added))
    return int(conn.execute(tried).scalar_one())


def remove_piece(conn: Connection, import_id: int, after_id: int, size: int = PIECE) -> RemovedPiece:
    """Take the next contacts an import added out of their list and of all campaigns, those with attempts excepted."""
    entry = get_import(conn, import_id)
    added = select(contacts.c.id).where(contacts.c.list_id == entry.list_id, contacts.c.import_id == import_id)
    ids = list(conn.execute(added.where(contacts.c.id > after_id).order_by(contacts.c.id).limit(size)).scalars())
    removed = remove_uncalled(conn, entry.list_id, ids)
    last_id = ids[-1] if ids else after_id
    return RemovedPiece(removed=removed, kept=len(ids) - removed, last_contact_id=last_id, is_last=len(ids) < size)


def end_import(conn: Connection, import_id: int, now_ms: int) -> None:
    """Let an import that was broken off be over; one that goes on after all writes nothing more."""
    open_one = update(imports).where(imports.c.id == import_id, imports.c.finished_at_ms.is_(None))
    conn.execute(open_one.values(finished_at_ms=now_ms))


def finish_undoing(conn: Connection, import_id: int, now_ms: int) -> None:
    """Note that an import was undone."""
    conn.execute(update(imports).where(imports.c.id == import_id).values(undone_at_ms=now_ms))


def remove_uncalled(conn: Connection, list_id: ListId, ids: Sequence[ContactId]) -> int:
    """Delete those of these contacts of a list that nobody ever called; answers how many.

    Their places are locked first: a dialer that claims one is before us, and it stays, or after us, and finds none.
    """
    if not ids:
        return 0
    places = select(campaign_contacts).where(campaign_contacts.c.contact_id.in_(ids)).with_for_update()
    found = conn.execute(places).all()
    tried = set(conn.execute(select(attempts.c.contact_id).where(attempts.c.contact_id.in_(ids))).scalars())
    tried |= {row.contact_id for row in found if row.status == ContactStatus.IN_PROGRESS.value}
    free = [one for one in ids if one not in tried]
    if not free:
        return 0
    tallies = TallyBook()
    for row in found:
        if row.contact_id not in tried:
            _uncount(tallies, row)
    conn.execute(delete(campaign_contacts).where(campaign_contacts.c.contact_id.in_(free)))
    conn.execute(delete(contacts).where(contacts.c.id.in_(free)))
    grow_list(conn, list_id, -len(free))
    tallies.write(conn)
    return len(free)


def _uncount(tallies: TallyBook, place: Row[Any]) -> None:
    campaign_id, status = CampaignId(place.campaign_id), ContactStatus(place.status)
    tallies.joined(campaign_id, status, -1)
    if status in _SETTLED:
        tallies.ended(campaign_id, _SETTLED[status], -1)


def _imports() -> Any:
    return select(imports, lists.c.name.label("list_name")).join(lists, lists.c.id == imports.c.list_id)


def _import(row: Row[Any]) -> ImportEntry:
    return ImportEntry(
        id=row.id,
        list_id=ListId(row.list_id),
        list_name=row.list_name,
        file_name=row.file_name,
        mapping=row.mapping,
        counts=row.counts,
        started_at_ms=row.started_at_ms,
        finished_at_ms=row.finished_at_ms,
        undone_at_ms=row.undone_at_ms,
    )
