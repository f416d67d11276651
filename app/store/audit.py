"""The audit trail: who did what to whom, and when. Rows are only ever added, and chained (audit_chain).

What changes the database is written down in the transaction of the change:

    await store.write(audited, note, put_phone, phone)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, select

from app.store.audit_chain import append
from app.store.schema import audit

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditNote:
    """What is to be written down. who: their name; what: in words; subject: `contact 12`, `agent 3`, `campaign 7`."""

    who: str
    what: str
    subject: str
    at_ms: int
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """A row of the trail."""

    id: int
    at_ms: int
    who: str
    what: str
    subject: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Some rows, newest first. next_before: what to ask for the next page with; None when this is the last."""

    entries: tuple[AuditEntry, ...]
    next_before: int | None


def record(
    conn: Connection, *, who: str, what: str, subject: str, details: Mapping[str, Any] | None = None, at_ms: int
) -> None:
    """Write down what somebody did. Names longer than their column are cut."""
    record_all(conn, [AuditNote(who=who, what=what, subject=subject, details=details or {}, at_ms=at_ms)])


def record_all(conn: Connection, notes: Sequence[AuditNote]) -> None:
    """Write down several things in their order."""
    append(
        conn,
        [
            {
                "who": note.who[:64], "what": note.what[:64], "subject": note.subject[:64],
                "details": dict(note.details), "at_ms": note.at_ms,
            }
            for note in notes
        ],
    )  # fmt: skip


def audited(
    conn: Connection,
    note: AuditNote,
    operation: Callable[Concatenate[Connection, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Do it and write it down, both or neither."""
    done = operation(conn, *args, **kwargs)
    record(conn, who=note.who, what=note.what, subject=note.subject, details=note.details, at_ms=note.at_ms)
    return done


def audit_page(
    conn: Connection,
    *,
    who: str | None = None,
    what: str | None = None,
    subject: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> AuditPage:
    """A page of the trail, newest first: of a person, of one kind of doing, about a subject, or all."""
    found = select(audit).order_by(audit.c.id.desc()).limit(limit + 1)
    for column, wanted in ((audit.c.who, who), (audit.c.what, what), (audit.c.subject, subject)):
        if wanted is not None:
            found = found.where(column == wanted)
    if before is not None:
        found = found.where(audit.c.id < before)
    rows = conn.execute(found).all()
    entries = tuple(
        AuditEntry(id=row.id, at_ms=row.at_ms, who=row.who, what=row.what, subject=row.subject, details=row.details)
        for row in rows[:limit]
    )
    return AuditPage(entries=entries, next_before=entries[-1].id if len(rows) > limit else None)
