"""Sources: tables and views of somebody's own database that are lists here, read anew by a schedule or lived with."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from app.store.cards import EDITED
from app.store.errors import NotFound, unique
from app.store.lists import create_list, list_by_name
from app.store.schema import (
    attempts,
    audit,
    campaign_contacts,
    contacts,
    imports,
    lists,
    source_conflicts,
    sources,
    users,
)
from app.units import ContactId, ListId


class SourceStatus(enum.Enum):
    """How a source is."""

    WAITING = "waiting"
    RUNNING = "running"
    UNREACHABLE = "unreachable"
    """Its database cannot be reached: a live list is held meanwhile."""
    FAILED = "failed"
    """It can be reached, and something about it is wrong: the problem says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePlan:
    """What a source is.

    database: the name of an address in the settings. relation: a table or view, with its schema or not. key: the column
    that tells rows apart. mapping: role to column, over the guess. every_ms: how often it is read; 0: when asked.
    is_live: results and edits are written back, and who is gone there is gone here. results: what is written back, as
    fact to column.
    """

    database: str
    relation: str
    key: str
    country: str
    mapping: Mapping[str, str] = field(default_factory=dict)
    every_ms: int = 0
    is_live: bool = False
    results: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was written back. attempts_to: all up to this id; attempts: beyond it; edits_to: an id of the trail."""

    attempts_to: str = ""
    attempts: tuple[str, ...] = ()
    edits_to: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A source as it stands. is_held: its list waits until the database is back."""

    id: int
    name: str
    list_id: ListId
    plan: SourcePlan
    status: SourceStatus
    problem: str
    ran_at_ms: int | None
    next_at_ms: int | None
    counts: Mapping[str, int]
    written: Written
    is_held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of an attempt, for the row it belongs to."""

    attempt_id: str
    key: str
    closed_at_ms: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A change of a contact, from the audit trail."""

    audit_id: int
    contact_id: ContactId
    key: str
    field: str
    before: str
    after: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConflict:
    """An edit that met another. seen: what the editor saw; theirs: what the database has; taken: ours, theirs or ""."""

    id: int
    source_id: int
    contact_id: ContactId
    key: str
    field: str
    seen: str
    ours: str
    theirs: str
    by: str
    at_ms: int
    taken: str


def create_source(conn: Connection, *, name: str, list_name: str, plan: SourcePlan, now_ms: int) -> Source:
    """Add a source with its list, which is made where there is none. Raises Duplicate."""
    found = list_by_name(conn, list_name) or create_list(conn, name=list_name, country=plan.country, now_ms=now_ms)
    trail = conn.execute(select(func.coalesce(func.max(audit.c.id), 0))).scalar_one()
    last = conn.execute(select(func.coalesce(func.max(attempts.c.id), ""))).scalar_one()
    new = {
        "name": name,
        "list_id": found.id,
        "settings": asdict(plan),
        "status": SourceStatus.WAITING.value,
        "next_at_ms": now_ms,
        "counts": {},
        "written": asdict(Written(attempts_to=last, edits_to=trail)),
        "created_at_ms": now_ms,
    }
    with unique("source", name):
        return _source(conn.execute(insert(sources).values(new).returning(*sources.c)).one())


def list_sources(conn: Connection) -> list[Source]:
    """All sources, by name."""
    return [_source(row) for row in conn.execute(select(sources).order_by(sources.c.name))]


def get_source(conn: Connection, source_id: int) -> Source:
    """Raises NotFound."""
    row = conn.execute(select(sources).where(sources.c.id == source_id)).first()
    if row is None:
        raise NotFound("source", source_id)
    return _source(row)


def source_of_list(conn: Connection, list_id: ListId) -> Source | None:
    """The source of a list; None: it has none."""
    row = conn.execute(select(sources).where(sources.c.list_id == list_id)).first()
    return None if row is None else _source(row)


def live_source(conn: Connection, list_name: str) -> Source | None:
    """The live source of the list of this name; None: what is put into the list stays in it."""
    row = conn.execute(select(sources).join(lists, lists.c.id == sources.c.list_id).where(lists.c.name == list_name))
    found = row.first()
    source = None if found is None else _source(found)
    return source if source is not None and source.plan.is_live else None


def remove_source(conn: Connection, source_id: int) -> Source:
    """Forget a source; its list and contacts stay. Raises NotFound."""
    found = get_source(conn, source_id)
    conn.execute(delete(sources).where(sources.c.id == source_id))
    return found


def note_source(conn: Connection, source_id: int, /, **values: Any) -> None:
    """Write how a source stands: columns of the table by name."""
    conn.execute(update(sources).where(sources.c.id == source_id).values(values))


def forget_import(conn: Connection, import_id: int) -> None:
    """A run that changed nothing leaves no trace: there are thousands of them."""
    conn.execute(delete(imports).where(imports.c.id == import_id))


# --- what is to be written back --------------------------------------------------------------------------------------


def results_after(conn: Connection, list_id: ListId, after_id: str, limit: int = 500) -> list[Result]:
    """Attempts of a list that are over, after an id, in their order."""
    place = campaign_contacts
    found = (
        select(
            attempts.c.id, attempts.c.closed_at_ms, attempts.c.outcome, attempts.c.disposition, attempts.c.note,
            attempts.c.number, contacts.c.key, users.c.name.label("agent"), place.c.status, place.c.attempts,
        )
        .join(contacts, contacts.c.id == attempts.c.contact_id)
        .outerjoin(users, users.c.id == attempts.c.agent_id)
        .outerjoin(
            place, (place.c.contact_id == attempts.c.contact_id) & (place.c.campaign_id == attempts.c.campaign_id)
        )
        .where(
            attempts.c.id > after_id,
            attempts.c.closed_at_ms.is_not(None),
            contacts.c.list_id == list_id,
            contacts.c.deleted_at_ms.is_(None),
        )
        .order_by(attempts.c.id)
        .limit(limit)
    )  # fmt: skip
    return [
        Result(
            attempt_id=row.id,
            key=row.key,
            closed_at_ms=row.closed_at_ms,
            values={
                "outcome": row.outcome,
                "disposition": row.disposition or "",
                "note": row.note or "",
                "agent": row.agent or "",
                "number": row.number,
                "status": row.status or "",
                "attempts": row.attempts or 0,
                "at": row.closed_at_ms,
            },
        )
        for row in conn.execute(found)
    ]


def oldest_open_attempt(conn: Connection) -> str | None:
    """The id of the oldest attempt that is not over; None: all are."""
    found = select(func.min(attempts.c.id)).where(attempts.c.closed_at_ms.is_(None))
    oldest: str | None = conn.execute(found).scalar()
    return oldest


def edits_after(conn: Connection, list_id: ListId, after_id: int, limit: int = 500) -> tuple[list[Edit], int, bool]:
    """Edits of a list's contacts after an id of the trail: them, where to go on, and whether that is the end."""
    found = select(audit).where(audit.c.id > after_id).order_by(audit.c.id).limit(limit)
    rows = conn.execute(found).all()
    named = {row.id: int(row.subject.partition(" ")[2]) for row in rows if row.what == EDITED}
    known = select(contacts.c.id, contacts.c.key).where(
        contacts.c.id.in_(set(named.values())), contacts.c.list_id == list_id, contacts.c.deleted_at_ms.is_(None)
    )
    keys = {row.id: row.key for row in conn.execute(known)}
    edits = [
        Edit(
            audit_id=row.id,
            contact_id=ContactId(named[row.id]),
            key=keys[named[row.id]],
            field=str(row.details.get("field", "")),
            before=str(row.details.get("before", "")),
            after=str(row.details.get("after", "")),
            by=row.who,
        )
        for row in rows
        if named.get(row.id) in keys
    ]
    return edits, rows[-1].id if rows else after_id, len(rows) < limit


def keys_page(conn: Connection, list_id: ListId, after_id: int, limit: int = 5_000) -> Sequence[tuple[int, str]]:
    """Ids and keys of a list's contacts, after an id."""
    found = select(contacts.c.id, contacts.c.key).where(
        contacts.c.list_id == list_id, contacts.c.id > after_id, contacts.c.deleted_at_ms.is_(None)
    )
    return [(row.id, row.key) for row in conn.execute(found.order_by(contacts.c.id).limit(limit))]


# --- conflicts -------------------------------------------------------------------------------------------------------


def add_conflicts(conn: Connection, source_id: int, found: Sequence[tuple[Edit, str]], now_ms: int) -> None:
    """Note edits that met another one, with what the database has."""
    rows = [
        {
            "source_id": source_id,
            "contact_id": edit.contact_id,
            "key": edit.key,
            "field": edit.field[:128],
            "seen": edit.before,
            "ours": edit.after,
            "theirs": theirs,
            "by": edit.by,
            "at_ms": now_ms,
        }
        for edit, theirs in found
    ]
    if rows:
        conn.execute(insert(source_conflicts), rows)


def conflicts_page(
    conn: Connection, source_id: int, *, after: int = 0, limit: int = 50, with_settled: bool = False
) -> list[SourceConflict]:
    """A source's conflicts after an id, the oldest first; those that are open, or all."""
    found = select(source_conflicts).where(source_conflicts.c.source_id == source_id, source_conflicts.c.id > after)
    if not with_settled:
        found = found.where(source_conflicts.c.taken == "")
    return [_conflict(row) for row in conn.execute(found.order_by(source_conflicts.c.id).limit(limit))]


def get_conflict(conn: Connection, source_id: int, conflict_id: int) -> SourceConflict:
    """Raises NotFound."""
    found = select(source_conflicts).where(
        source_conflicts.c.source_id == source_id, source_conflicts.c.id == conflict_id
    )
    row = conn.execute(found).first()
    if row is None:
        raise NotFound("conflict", conflict_id)
    return _conflict(row)


def settle_conflict(conn: Connection, conflict_id: int, taken: str) -> None:
    """Write down whose value was taken."""
    conn.execute(update(source_conflicts).where(source_conflicts.c.id == conflict_id).values(taken=taken))


def _conflict(row: Row[Any]) -> SourceConflict:
    return SourceConflict(**{str(name): value for name, value in row._mapping.items()})


def _source(row: Row[Any]) -> Source:
    written = dict(row.written)
    return Source(
        id=row.id,
        name=row.name,
        list_id=ListId(row.list_id),
        plan=SourcePlan(**row.settings),
        status=SourceStatus(row.status),
        problem=row.problem,
        ran_at_ms=row.ran_at_ms,
        next_at_ms=row.next_at_ms,
        counts=row._mapping["counts"],
        written=Written(**written | {"attempts": tuple(written.get("attempts", ()))}),
        is_held=bool(row.is_held),
    )
