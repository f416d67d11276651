"""What supervisors do with numbers to be mended: write the right one, or say that there is none."""

from __future__ import annotations

from app.contact_operations import ContactOperations
from app.contacts.given import GivenContact, GivenPhone
from app.contacts.mapping import PHONES
from app.contacts.numbers import NumberProblem, reader_for
from app.contacts.upserting import UpsertResult
from app.operations import OperationError, Operations
from app.store.door import SqlStore
from app.store.errors import InUse
from app.store.fixing import FixTask, close_fix_task, finish_fix_task, get_fix_task, settled_for_number
from app.store.lists import Contact, get_contact, get_list
from app.units import FixTaskId, Number


class FixOperations:
    """The verbs for fix-it tasks."""

    def __init__(self, *, operations: Operations, contacts: ContactOperations, store: SqlStore) -> None:
        self._operations = operations
        self._contacts = contacts
        self._store = store

    async def mend(self, task_id: FixTaskId, number: str, *, by: str) -> FixTask:
        """Put the right number in place of the bad one, as people write it in the list's country; the contact goes on.

        One that the contact has already stays where it is. Without a number: the contact was mended elsewhere.
        Raises OperationError, NotFound, InUse.
        """
        task = await self._store.read(get_fix_task, task_id)
        if task.done_at_ms is not None:
            raise InUse(f"this task is {task.done} already, by {task.done_by}")
        contact = await self._store.read(get_contact, task.contact_id)
        settled = await self._store.read(settled_for_number, task.contact_id)
        if number.strip():
            number = await self._right(contact, task, number.strip())
            if task.number in contact.phones or number not in contact.phones:
                await self._write(contact, task.number, number, by)
        elif task.number in contact.phones:
            raise OperationError("the contact still has the bad number: write the right one, or close the task")
        await self._store.write(finish_fix_task, task_id, number, settled, by=by, now_ms=self._operations.now_ms)
        self._operations.contacts_added(settled)
        return await self._store.read(get_fix_task, task_id)

    async def _right(self, contact: Contact, task: FixTask, number: str) -> Number:
        """In E.164. Raises OperationError for what is no number, or the bad one."""
        read = reader_for((await self._store.read(get_list, contact.list_id)).country).read(number)
        if isinstance(read, NumberProblem):
            raise OperationError(f"this cannot be called: {read.why} ({read.mend})")
        if read == task.number:
            raise OperationError("this is the number that is bad: write the right one")
        return read

    async def _write(self, contact: Contact, bad: str, number: Number, by: str) -> None:
        """In place of the bad one; where that is gone, after the others, which are good."""
        kinds = contact.phone_kinds
        given = [
            GivenPhone(number=phone, kind=kinds[place] if place < len(kinds) else "")
            for place, phone in enumerate(contact.phones)
        ]
        if bad in contact.phones:
            at = contact.phones.index(bad)
            given[at] = GivenPhone(number=number, kind=given[at].kind)
        elif len(given) == PHONES:
            raise OperationError(f"the contact has {PHONES} other numbers: change one of them on its card")
        else:
            given.append(GivenPhone(number=number))
        changed, _ = await self._contacts.change(contact.id, GivenContact(phones=given), by=by, seen_at_ms=None)
        if changed.result is UpsertResult.REJECTED:
            raise OperationError("; ".join(f"{one.why}: {one.mend}" for one in changed.problems))

    async def close(self, task_id: FixTaskId, *, by: str) -> FixTask:
        """There is no right number: the contact stays as it is. Raises NotFound, InUse."""
        await self._store.write(close_fix_task, task_id, by=by, now_ms=self._operations.now_ms)
        return await self._store.read(get_fix_task, task_id)
