"""What supervisors do with numbers to be mended: write the right one, or say that there is none."""

from __future__ import annotations

from app.contact_operations import ContactOperations
from app.contacts.given import GivenContact, GivenPhone
from app.contacts.upserting import UpsertResult
from app.operations import OperationError, Operations
from app.store.door import SqlStore
from app.store.errors import InUse
from app.store.fixing import FixTask, close_fix_task, finish_fix_task, get_fix_task, settled_for_number
from app.store.lists import Contact, get_contact
from app.units import FixTaskId


class FixOperations:
    """The verbs for fix-it tasks."""

    def __init__(self, *, operations: Operations, contacts: ContactOperations, store: SqlStore) -> None:
        self._operations = operations
        self._contacts = contacts
        self._store = store

    async def mend(self, task_id: FixTaskId, number: str, *, by: str) -> FixTask:
        """Put the right number in place of the bad one, as people write it in the list's country; the contact goes on.

        Without a number: the contact was mended elsewhere. Raises OperationError, NotFound, InUse.
        """
        task = await self._store.read(get_fix_task, task_id)
        if task.done_at_ms is not None:
            raise InUse(f"this task is {task.done} already, by {task.done_by}")
        contact = await self._store.read(get_contact, task.contact_id)
        settled = await self._store.read(settled_for_number, task.contact_id)
        phones = contact.phones
        if number.strip():
            at = phones.index(task.number) if task.number in phones else 0
            contact = await self._write(contact, at, number.strip(), by)
            if contact.phones == phones:
                raise OperationError("this is the number that is bad: write the right one")
            number = contact.phones[at]
        elif task.number in phones:
            raise OperationError("the contact still has the bad number: write the right one, or close the task")
        await self._store.write(finish_fix_task, task_id, number, settled, by=by, now_ms=self._operations.now_ms)
        self._operations.contacts_added(settled)
        return await self._store.read(get_fix_task, task_id)

    async def _write(self, contact: Contact, at: int, number: str, by: str) -> Contact:
        kinds = contact.phone_kinds
        given = [
            GivenPhone(number=phone, kind=kinds[place] if place < len(kinds) else "")
            for place, phone in enumerate(contact.phones)
        ] or [GivenPhone(number="")]
        given[at] = GivenPhone(number=number, kind=given[at].kind)
        changed, after = await self._contacts.change(contact.id, GivenContact(phones=given), by=by, seen_at_ms=None)
        if changed.result is UpsertResult.REJECTED:
            raise OperationError("; ".join(f"{one.why}: {one.mend}" for one in changed.problems))
        return after

    async def close(self, task_id: FixTaskId, *, by: str) -> FixTask:
        """There is no right number: the contact stays as it is. Raises NotFound, InUse."""
        return await self._store.write(close_fix_task, task_id, by=by, now_ms=self._operations.now_ms)
