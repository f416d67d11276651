"""Contacts written one by one or by thousands while campaigns run, by key: made, changed, or left as they are.

Each row has its result. Only what is given of a contact changes; what changed is in the audit trail with its value
before and after. New contacts join the campaigns of their list at once.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from app.contacts.chunks import insert_rows, keys_in, keys_json
from app.contacts.contact_rows import ContactRow
from app.contacts.given import GivenContact, GivenProblem, ReadContact, read_given
from app.contacts.keys import is_keyed_by_phone
from app.contacts.numbers import NumberReader, reader_for
from app.store.attaching import attach_new_contacts
from app.store.audit import record
from app.store.audit_chain import append
from app.store.cards import EDITED, requeue_mended
from app.store.errors import NotFound
from app.store.lists import ContactList, get_list, grow_list
from app.store.owners import give_again, has_owning
from app.store.schema import contacts
from app.units import CampaignId, ContactId, ListId

ADDED: Final = "added contact"
"""What the audit trail calls it."""
_GIVEN_BY: Final = frozenset({"owner", "time_zone", "region", "phone1"})
"""What of a contact says in which line of a campaign they wait, beside its own columns."""
_MANY: Final = 20
"""From so many new contacts at once the trail has one line for all of them."""


class UpsertResult(enum.Enum):
    """What became of a row."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upserted:
    """A row and what became of it. changed: field → (before, after), as the audit trail has it."""

    result: UpsertResult
    contact_id: ContactId | None = None
    key: str = ""
    problems: tuple[GivenProblem, ...] = ()
    changed: Mapping[str, tuple[str, str]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpsertedChunk:
    """Rows in the order they were given. campaigns: where there is somebody new, or due again."""

    rows: tuple[Upserted, ...]
    campaigns: frozenset[CampaignId]


class StaleEdit(Exception):
    """The contact was changed since it was seen; nothing was written."""

    def __init__(self, updated_at_ms: int) -> None:
        super().__init__(
            f"the contact was changed meanwhile (updated_at_ms is {updated_at_ms} now); read it again, and send again"
        )
        self.updated_at_ms = updated_at_ms


def upsert_contacts(
    conn: Connection,
    list_id: ListId,
    given: Sequence[GivenContact],
    *,
    by: str,
    now_ms: int,
    with_updates: bool = True,
    keeps_trail: bool = True,
) -> UpsertedChunk:
    """Make or change contacts of a list in one transaction. Raises NotFound for the list.

    with_updates: without, contacts that are there already stay as they are. A row that repeats an earlier one changes
    it again. keeps_trail: without, only numbers are told to the audit trail.
    """
    found = get_list(conn, list_id)
    writer = _Writer(conn, found, by=by, now_ms=now_ms, with_updates=with_updates, keeps_trail=keeps_trail)
    return writer.write(given)


def change_contact(
    conn: Connection,
    contact_id: ContactId,
    given: GivenContact,
    *,
    by: str,
    now_ms: int,
    seen_at_ms: int | None = None,
) -> UpsertedChunk:
    """Change what is given of one contact, whose key stays. Raises NotFound, StaleEdit."""
    row = conn.execute(
        select(contacts).where(contacts.c.id == contact_id, contacts.c.deleted_at_ms.is_(None)).with_for_update()
    ).first()
    if row is None:
        raise NotFound("contact", contact_id)
    if seen_at_ms is not None and seen_at_ms != row.updated_at_ms:
        raise StaleEdit(row.updated_at_ms)
    found = get_list(conn, ListId(row.list_id))
    writer = _Writer(conn, found, by=by, now_ms=now_ms, with_updates=True, keeps_trail=True)
    return writer.change(_as_dict(row), replace(given, key=None))


class _Writer:
    """One transaction's work on one list."""

    def __init__(
        self, conn: Connection, found: ContactList, *, by: str, now_ms: int, with_updates: bool, keeps_trail: bool
    ) -> None:
        self._conn = conn
        self._list = found
        self._by = by
        self._now_ms = now_ms
        self._with_updates = with_updates
        self._keeps_trail = keeps_trail
        self._numbers: NumberReader = reader_for(found.country)
        self._is_by_phone = is_keyed_by_phone(conn, found.id)
        self._is_owning: bool | None = None  # not asked yet
        self._trail: list[dict[str, Any]] = []
        self._campaigns: set[CampaignId] = set()

    def write(self, given: Sequence[GivenContact]) -> UpsertedChunk:
        read = [self._read(one) for one in given]
        keys = [one.key for one in read if isinstance(one, ReadContact)]
        known = self._known(keys)
        fresh: dict[str, ReadContact] = {}
        for one in read:
            if isinstance(one, ReadContact) and one.key not in known:
                fresh.setdefault(one.key, one)
        made = self._make(fresh)
        known = {**known, **self._known(list(made))} if made else known
        rows: list[Upserted] = []
        for one in read:
            if isinstance(one, list):
                rows.append(Upserted(result=UpsertResult.REJECTED, problems=tuple(one)))
            elif one.key in made:  # the first of its key; a second one changes it again
                made.discard(one.key)
                rows.append(
                    Upserted(result=UpsertResult.CREATED, contact_id=ContactId(known[one.key]["id"]), key=one.key)
                )
            elif self._with_updates:
                changed, known[one.key] = self._apply(known[one.key], one)
                rows.append(changed)
            else:
                contact_id = ContactId(known[one.key]["id"])
                rows.append(Upserted(result=UpsertResult.UNCHANGED, contact_id=contact_id, key=one.key))
        return self._done(rows, [one for one in read if isinstance(one, ReadContact)])

    def change(self, row: Mapping[str, Any], given: GivenContact) -> UpsertedChunk:
        read = read_given(given, self._numbers)
        if isinstance(read, list):
            return self._done([Upserted(result=UpsertResult.REJECTED, problems=tuple(read))], [])
        if self._is_by_phone and read.values.get("phone1", row["phone1"]) != row["phone1"]:
            other = self._known([str(read.values["phone1"])])
            if other or not read.values["phone1"]:
                why = "another contact of this list has this number" if other else "its first phone tells it apart"
                problem = GivenProblem(
                    field="phones.0", found=str(read.values["phone1"]), why=why, mend="give a number of their own"
                )
                return self._done([Upserted(result=UpsertResult.REJECTED, problems=(problem,))], [])
            read = replace(read, values={**read.values, "key": read.values["phone1"]})
        changed, _ = self._apply(row, read)
        return self._done([changed], [read])

    def _done(self, rows: list[Upserted], read: Sequence[ReadContact]) -> UpsertedChunk:
        columns = dict.fromkeys(self._list.columns)
        for one in read:
            columns |= dict.fromkeys(one.fields)
        if len(columns) > len(self._list.columns):
            grow_list(self._conn, self._list.id, 0, list(columns))
        if self._trail:
            append(self._conn, self._trail)
        return UpsertedChunk(rows=tuple(rows), campaigns=frozenset(self._campaigns))

    def _read(self, given: GivenContact) -> ReadContact | list[GivenProblem]:
        """With its key, which is the first phone where the list goes by phones."""
        read = read_given(given, self._numbers)
        if isinstance(read, list):
            return read
        if read.key and self._is_by_phone:
            return [_no_key(read.key, "the contacts of this list are told apart by their phone", "leave the key out")]
        if not read.key and self._is_by_phone is False:
            return [_no_key("", "the contacts of this list are told apart by a key", "give its key")]
        key = read.key or str(read.values.get("phone1", ""))
        if not key:
            return [_no_key("", "there is neither key nor phone", "give at least one phone")]
        if self._is_by_phone is None:
            self._is_by_phone = not read.key
        return replace(read, key=key)

    def _known(self, keys: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        if not keys:
            return {}
        found = select(contacts).where(contacts.c.list_id == self._list.id, contacts.c.key.in_(keys_in(self._conn)))
        rows = self._conn.execute(found.with_for_update(), {"keys_json": keys_json(keys)})
        return {row.key: _as_dict(row) for row in rows}

    def _has_owning(self) -> bool:
        if self._is_owning is None:
            self._is_owning = has_owning(self._conn, self._list.id)
        return self._is_owning

    def _make(self, fresh: Mapping[str, ReadContact]) -> set[str]:
        if not fresh:
            return set()
        rows = [_row(one) for one in fresh.values()]
        inserted, first_id, last_id = insert_rows(self._conn, self._list.id, rows, ContactRow._fields, self._now_ms)
        if inserted:
            grow_list(self._conn, self._list.id, inserted)
            mine = contacts.c.list_id == self._list.id, contacts.c.id.between(first_id, last_id)
            self._conn.execute(update(contacts).where(*mine).values(creator=self._by[:64]))
            self._campaigns |= set(attach_new_contacts(self._conn, self._list.id, first_id, last_id))
            self._note_made(list(fresh), inserted)
        return set(fresh)

    def _note_made(self, keys: Sequence[str], inserted: int) -> None:
        subject, details = f"list {self._list.id}", {"contacts": str(inserted)}
        if not self._keeps_trail or inserted > _MANY:
            record(self._conn, who=self._by, what=ADDED, subject=subject, details=details, at_ms=self._now_ms)
            return
        for key, row in self._known(keys).items():
            self._note(ContactId(row["id"]), ADDED, {"list": str(self._list.id), "key": key})

    def _note(self, contact_id: ContactId, what: str, details: Mapping[str, Any]) -> None:
        self._trail.append(
            {
                "who": self._by[:64],
                "what": what,
                "subject": f"contact {contact_id}",
                "details": dict(details),
                "at_ms": self._now_ms,
            }
        )

    def _apply(self, old: Mapping[str, Any], read: ReadContact) -> tuple[Upserted, Mapping[str, Any]]:
        """Change what is another; the row as it is then."""
        contact_id = ContactId(old["id"])
        values: dict[str, Any] = {name: value for name, value in read.values.items() if old[name] != value}
        changed = {name: (str(old[name]), str(value)) for name, value in values.items() if name != "key"}
        cells = {name: text for name, text in read.fields.items() if old["fields"].get(name, "") != text}
        changed |= {name: (str(old["fields"].get(name, "")), text) for name, text in cells.items()}
        if not changed:
            return Upserted(result=UpsertResult.UNCHANGED, contact_id=contact_id, key=str(old["key"])), old
        if cells:
            values["fields"] = {**old["fields"], **cells}
        values["updated_at_ms"] = max(self._now_ms, int(old["updated_at_ms"]) + 1)
        self._conn.execute(update(contacts).where(contacts.c.id == contact_id).values(values))
        if self._keeps_trail:
            for name, (before, after) in changed.items():
                self._note(contact_id, EDITED, {"field": name, "before": before, "after": after})
        if (_GIVEN_BY & values.keys() or cells) and self._has_owning():
            self._campaigns |= set(give_again(self._conn, contact_id))
        if values.get("phone1"):
            self._campaigns |= set(requeue_mended(self._conn, contact_id, self._now_ms))
        key = str(values.get("key", old["key"]))
        row = Upserted(result=UpsertResult.UPDATED, contact_id=contact_id, key=key, changed=changed)
        return row, {**old, **values}


def _as_dict(row: Row[Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row._mapping.items()}


def _row(read: ReadContact) -> ContactRow:
    empty = ContactRow(read.key, "", "", "", "", "", "", "", "", dict(read.fields), 0)
    return empty._replace(**read.values)


def _no_key(found: str, why: str, mend: str) -> GivenProblem:
    return GivenProblem(field="key", found=found, why=why, mend=mend)
