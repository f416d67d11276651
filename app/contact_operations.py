"""What operators do with single contacts and with thousands at once, while campaigns run: written, told, seen live."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from app.contacts.given import GivenContact
from app.contacts.upserting import Upserted, UpsertedChunk, UpsertResult, change_contact, upsert_contacts
from app.operations import Operations
from app.store.door import SqlStore
from app.store.errors import InUse
from app.store.lists import Contact, get_contact
from app.store.removing import Removed, remove_contact
from app.store.sources import source_of_list
from app.units import ContactId, ListId

ROWS_AT_ONCE: Final = 500
"""Contacts in one transaction: some tens of milliseconds, which is what a call may have to wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactNews:
    """A contact was changed or taken out. changed: field → its value now; by: who did it."""

    contact_id: ContactId
    by: str
    changed: dict[str, str]
    is_deleted: bool = False


class ContactOperations:
    """The verbs for contacts."""

    def __init__(self, *, operations: Operations, store: SqlStore) -> None:
        self._operations = operations
        self._store = store
        self._watchers: list[Callable[[ContactNews], None]] = []

    def watch(self, watcher: Callable[[ContactNews], None]) -> Callable[[], None]:
        """Tell `watcher` of every contact that changes here; returns what ends it."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    async def upsert(
        self, list_id: ListId, given: Sequence[GivenContact], *, by: str, with_updates: bool = True
    ) -> list[Upserted]:
        """Make or change contacts of a list by their key; the result of each, in their order. Raises NotFound, InUse.

        Each few hundred are one transaction: a failure leaves what was written before, and sending again is harmless.
        """
        source = await self._store.read(source_of_list, list_id)
        if source is not None and source.plan.is_live:
            table = f"{source.plan.database}, {source.plan.relation}"
            raise InUse(f"this list lives in {table}: add rows there; contacts are changed by PATCH")
        rows: list[Upserted] = []
        for at in range(0, len(given), ROWS_AT_ONCE):
            chunk = await self._store.write(
                upsert_contacts,
                list_id,
                given[at : at + ROWS_AT_ONCE],
                by=by,
                now_ms=self._operations.now_ms,
                with_updates=with_updates,
            )
            self._tell(chunk, by)
            rows += chunk.rows
        return rows

    async def change(
        self, contact_id: ContactId, given: GivenContact, *, by: str, seen_at_ms: int | None
    ) -> tuple[Upserted, Contact]:
        """Change what is given of one contact. Raises NotFound, StaleEdit."""
        chunk = await self._store.write(
            change_contact, contact_id, given, by=by, now_ms=self._operations.now_ms, seen_at_ms=seen_at_ms
        )
        self._tell(chunk, by)
        return chunk.rows[0], await self._store.read(get_contact, contact_id)

    async def remove(self, contact_id: ContactId, *, by: str) -> Removed:
        """Take a contact out of its list: when this returns no call to it starts.

        Raises NotFound, and InUse for one whose row in somebody's own database would bring it back.
        """
        contact = await self._store.read(get_contact, contact_id)
        source = await self._store.read(source_of_list, contact.list_id)
        if source is not None and source.plan.is_live and contact.deleted_at_ms is None:
            raise InUse(f"this contact lives in {source.plan.database}, {source.plan.relation}; delete its row there")
        removed = await self._store.write(remove_contact, contact_id, by=by, now_ms=self._operations.now_ms)
        await self._operations.contact_removed(contact_id)
        self._say(ContactNews(contact_id=contact_id, by=by, changed={}, is_deleted=True))
        return removed

    def _tell(self, chunk: UpsertedChunk, by: str) -> None:
        self._operations.contacts_added(sorted(chunk.campaigns))
        for row in chunk.rows:
            if row.result is UpsertResult.UPDATED and row.contact_id is not None and row.changed:
                after = {name: value for name, (_, value) in row.changed.items()}
                self._say(ContactNews(contact_id=row.contact_id, by=by, changed=after))

    def _say(self, news: ContactNews) -> None:
        for watcher in list(self._watchers):
            watcher(news)
