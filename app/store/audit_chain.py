"""The audit trail as a chain: each entry holds a hash over the one before it and its own content.

So an entry that was changed, removed, put elsewhere or slipped in by somebody who writes to the database shows, and
which one. `audit_head` knows how many entries there are and the last one's hash: it shows when the last ones are gone,
and is the lock under which entries of several processes follow each other. Whoever may write all of it can also reckon
the whole chain anew: against that, note the head's hash elsewhere now and then, and have it looked for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, text, update

from app.store.schema import audit, audit_head

BEGINNING: Final = "0" * 64
"""What the first entry follows."""
PAGE: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainCheck:
    """What looking through the whole trail came to.

    entries: that are well, from the first on. head: the last one's hash. broken_id: the first entry that is not as it
    was written, None: none, or those that are missing are the last. problem: in words; empty: all is well.
    has_noted: whether a hash that was noted elsewhere was found; None: none was given.
    """

    entries: int
    head: str
    broken_id: int | None = None
    problem: str = ""
    has_noted: bool | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problem and self.has_noted is not False


def entry_hash(previous: str, at_ms: int, who: str, what: str, subject: str, details: Mapping[str, Any]) -> str:
    """SHA-256 over the hash before and the content, as JSON with sorted keys. Changing this breaks every chain."""
    content = [previous, at_ms, who, what, subject, details]
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def append(conn: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write entries at the end, in their order. Waits for other processes that write some; holds them off until commit.

    So let it be the last thing a transaction does.
    """
    if not rows:
        return
    head = conn.execute(select(audit_head).with_for_update()).one()
    previous, written = head.hash, []
    for row in rows:
        details = json.loads(json.dumps(row["details"]))  # as it comes back from the database: keys are texts
        previous = entry_hash(previous, row["at_ms"], row["who"], row["what"], row["subject"], details)
        written.append({**row, "details": details, "hash": previous})
    conn.execute(insert(audit), written)
    conn.execute(update(audit_head).values(entries=head.entries + len(rows), hash=previous))


def check_chain(conn: Connection, noted: str | None = None) -> ChainCheck:
    """Look through the trail from its first entry; stops at the first that is not as it was written.

    noted: a hash that was noted elsewhere, and must be some entry's. To be called first in its transaction.
    """
    if conn.dialect.name == "postgresql":  # entries written meanwhile are not seen, head and all
        conn.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    head = conn.execute(select(audit_head)).one_or_none()
    previous, entries, last_id, has_noted = BEGINNING, 0, 0, noted == BEGINNING
    while rows := conn.execute(select(audit).where(audit.c.id > last_id).order_by(audit.c.id).limit(PAGE)).all():
        for row in rows:
            if not _follows(previous, row):
                return ChainCheck(
                    entries=entries, head=previous, broken_id=row.id, problem=_words(row.id, last_id), has_noted=None
                )
            previous, last_id, entries = row.hash, row.id, entries + 1
            has_noted = has_noted or previous == noted
    problem = _end(entries, previous, last_id, head)
    return ChainCheck(entries=entries, head=previous, problem=problem, has_noted=None if noted is None else has_noted)


def _follows(previous: str, row: Row[Any]) -> bool:
    expected = entry_hash(previous, row.at_ms, row.who, row.what, row.subject, row.details)
    return bool(row.hash == expected)


def _words(entry_id: int, before_id: int) -> str:
    before = f"entry {before_id}" if before_id else "the beginning"
    return (
        f"entry {entry_id} is not what was written after {before}: it was changed, put there, or what stood "
        "between them was removed"
    )


def _end(entries: int, previous: str, last_id: int, head: Row[Any] | None) -> str:
    """What the head says against the last entry; empty: nothing."""
    if head is None:
        return "what the trail's end should be is gone (table audit_head)"
    if entries < head.entries:
        after = f"entry {last_id}" if last_id else "the beginning"
        return f"the last {head.entries - entries} of {head.entries} entries are gone, after {after}"
    if (entries, previous) != (head.entries, head.hash):
        return f"the trail ends with entry {last_id}, which is not the end that was noted (table audit_head)"
    return ""
