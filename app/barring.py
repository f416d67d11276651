"""Barring: nobody calls a number any more, and whoever asked for it is told only when that is so everywhere."""

from __future__ import annotations

import asyncio
from typing import Final

from app.commands import AddDnc
from app.dialing.attempt import FRESH_MS
from app.events import DncAdded, Event
from app.plan_checks import OperationError
from app.runtime import Runtime
from app.store import dnc, lists, projects
from app.store.campaigns import get_campaign
from app.store.door import SqlStore
from app.store.errors import StoreError
from app.units import SECOND_MS, Number, beginning
from app.units import number as checked_number

OTHERS_MS: Final = FRESH_MS + 11 * SECOND_MS
"""Another process that has claimed a number may dial it for so long: its claim is good for `FRESH_MS`, and its request
to Asterisk waits 10 seconds at the most for a place in the pool (AriClient)."""
LOOK_S: Final = 0.1
PLACING_S: Final = 20.0
"""A request that is under way is known to have placed a call, or not, by then."""


def checked(text: str) -> str:
    """A number in E.164, or a beginning of numbers with its star (`+4470*`). Raises OperationError."""
    try:
        return beginning(text) if text.endswith("*") else checked_number(text)
    except ValueError as error:
        raise OperationError(str(error)) from error


class Barring:
    """The do-not-call list of one running dialer."""

    def __init__(self, store: SqlStore, runtime: Runtime) -> None:
        self._store = store
        self._runtime = runtime

    async def bar(self, command: AddDnc) -> DncAdded:
        """Put a number, a beginning or a person on the list. When it returns, no call to them starts, in any process.

        With a contact and no number it is their phones. Raises OperationError, NotFound, TimeoutError.
        """
        command = await self._checked(command)

        def is_it(told: Event) -> bool:
            return isinstance(told, DncAdded) and told.number == command.number

        saved = self._runtime.expect(is_it)
        self._runtime.write(command)
        told = await saved
        assert isinstance(told, DncAdded), "the runtime answers with what was waited for"
        await self._until_nobody_dials(told)
        return told

    async def _checked(self, command: AddDnc) -> AddDnc:
        if command.campaign_id is not None:
            await self._store.read(get_campaign, command.campaign_id)
        if command.project_id is not None:
            await self._store.read(projects.get_project, command.project_id)
        if command.contact_id is None:
            checked(command.number)
            return command
        contact = await self._store.read(lists.get_contact, command.contact_id)
        phones = [phone for phone in contact.phones if phone]
        if not phones:
            raise OperationError("this contact has no number that could be called")
        if command.number and command.number not in phones:
            raise OperationError(f"{command.number} is none of the numbers of contact {contact.id}")
        return _of(command, command.number or phones[0])

    async def _until_nobody_dials(self, told: DncAdded) -> None:
        """Wait for a call that is just being asked for here, and for the processes that may have claimed the number."""
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        while loop.time() < began_at + PLACING_S and self._runtime.dialer.is_about_to_call(told):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_S / 5)  # once in a thousand opt-outs, for some milliseconds
        while loop.time() < began_at + OTHERS_MS / 1_000 and await self._is_elsewhere(told):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_S)  # the other process tells nobody but the disk

    async def _is_elsewhere(self, told: DncAdded) -> bool:
        try:
            found = await self._store.read(dnc.open_attempts_to, [told.number, *told.numbers])
        except StoreError:
            return False  # it is kept beside a database that is away: nobody claims anything there
        return any(not self._runtime.dialer.knows(attempt_id) for attempt_id in found)


def _of(command: AddDnc, number: Number | str) -> AddDnc:
    return AddDnc(
        number=number,
        source=command.source,
        attempt_id=command.attempt_id,
        contact_id=command.contact_id,
        project_id=command.project_id,
        campaign_id=command.campaign_id,
        who=command.who,
        why=command.why,
    )
