"""The doors to the database: `SqlStore` for the program, on an event loop, and `SyncStore` for the simulated network.

Every operation is a plain function whose first argument is a `sqlalchemy.Connection`; the doors give it one, within a
transaction that is committed when the function returns and rolled back when it raises.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, ParamSpec, Self, TypeVar

from sqlalchemy import Connection, Engine

from app.commands import AddDnc, StoreCommand
from app.compliance.library import Lawbook
from app.events import AttemptsFound, AttemptsRecovered, Event, StoreEvent
from app.outcomes import ContactStatus
from app.store.attaching import attach_piece, link_list
from app.store.claiming import recover_attempts
from app.store.dnc import add_dnc
from app.store.duty import check_epoch, try_writing
from app.store.engines import (
    DEFAULT_URL,
    IMPORT_CACHE_KB,
    WRITER_CACHE_KB,
    database_url,
    give_memory_back,
    is_in_memory,
    set_cache,
    sqlite_engine,
)
from app.store.errors import StoreError
from app.store.ids import NewAttemptId, new_attempt_id
from app.store.lanes import Lane, Operation, reading_lane, run_plainly, writing_lane
from app.store.migrating import migrate, upgrade
from app.store.requeueing import requeue_piece
from app.store.schema import metadata
from app.store.turn import carry_out
from app.store.webhooks import NOBODY, Listeners, listeners_of
from app.units import AttemptId, CampaignId, ListId

P = ParamSpec("P")
T = TypeVar("T")
LOOKS: Final = 3
"""How often attempts of a commit that failed are looked for."""


class SqlStore:
    """The disk, as `app.ports.Store` wants it, and the panel's and importer's way to it.

    On SQLite one writer at a time, readers beside it; a long write keeps calls waiting, so write in short pieces.
    """

    def __init__(self, writing: Lane, reading: Lane, new_id: NewAttemptId, lawbook: Lawbook) -> None:
        self.lawbook = lawbook
        self._writing = writing
        self._reading = reading
        self._new_id = new_id
        self._long_writings = 0
        self._epoch: int | None = None
        self.listeners = NOBODY
        self.has_to_tell = asyncio.Event()
        """Set after a commit that webhooks may be told of."""
        self._in_doubt: dict[AttemptId, int] = {}  # made in commits that failed, and how often to look for them yet

    @classmethod
    async def open(
        cls,
        url: str = DEFAULT_URL,
        *,
        new_attempt_id: NewAttemptId = new_attempt_id,
        with_migrations: bool = True,
        lawbook: Lawbook | None = None,
    ) -> Self:
        """Connect, and bring the tables to this version unless told otherwise.

        lawbook: the compliance profiles there are; without one, those that come with the program.
        Raises StoreError when the database cannot be reached, or is of a newer version than the program.
        """
        parsed = database_url(url)
        if is_in_memory(parsed):
            raise StoreError("a database in memory is for the simulator; give a file: sqlite+aiosqlite:///outring.db")
        if with_migrations:
            await migrate(url)
        store = cls(writing_lane(parsed), reading_lane(parsed), new_attempt_id, lawbook or Lawbook())
        if with_migrations:
            await store.know_listeners()
        return store

    async def know_listeners(self) -> Listeners:
        """Look who wants to be told of what happens: what is committed from now on is told to these."""
        self.listeners = await self.read(listeners_of)
        return self.listeners

    def write_as(self, epoch: int) -> None:
        """From now on `commit` is that of the dialer on duty in this epoch, and refused once another has taken over."""
        self._epoch = epoch

    async def commit(self, commands: Sequence[StoreCommand], now_ms: int) -> list[StoreEvent]:
        """Carry out all commands in one transaction; one event for each, once durable. Raises StoreError, Relieved.

        When the line to the database breaks just while it commits, nobody here knows whether it did: see `find_lost`.
        """
        made: list[AttemptId] = []

        def new_id(at_ms: int) -> AttemptId:
            made.append(self._new_id(at_ms))
            return made[-1]

        try:
            done = await self.write(dialers_turn, commands, self._epoch, now_ms, new_id, self.lawbook, self.listeners)
        except StoreError:
            self._in_doubt.update(dict.fromkeys(made, LOOKS))
            raise
        if self.listeners:
            self.has_to_tell.set()
        return done

    async def bar(self, opt_outs: Sequence[AddDnc], now_ms: int) -> Sequence[Event]:
        """See app.ports.Store."""
        barred = await self.write(add_dnc, opt_outs, now_ms)
        return [barred.told[one] for one in opt_outs]

    async def try_writing(self) -> None:
        """See app.ports.Store."""
        await self.write(try_writing)

    async def find_lost(self) -> AttemptsFound:
        """See app.ports.Store. An id that is not there is looked for a few times: a commit may come through late."""
        if not self._in_doubt:
            return AttemptsFound(attempts=())
        recovered = await self.recover()
        lost = tuple(attempt for attempt in recovered.attempts if attempt.attempt_id in self._in_doubt)
        found = {attempt.attempt_id for attempt in lost}
        self._in_doubt = {
            attempt_id: looks - 1
            for attempt_id, looks in self._in_doubt.items()
            if looks > 1 and attempt_id not in found
        }
        return AttemptsFound(attempts=lost)

    async def recover(self) -> AttemptsRecovered:
        """The attempts that are open on disk. Raises StoreError."""
        return await self.read(recover_attempts)

    async def read(self, operation: Operation[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a read in a transaction of its own. Raises StoreError, NotFound."""
        return await self._reading.run(operation, *args, **kwargs)

    async def write(self, operation: Operation[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a write in a transaction of its own, committed on return. Raises StoreError, NotFound, Duplicate."""
        return await self._writing.run(operation, *args, **kwargs)

    @asynccontextmanager
    async def long_writing(self) -> AsyncIterator[None]:
        """Hold more of the database in memory meanwhile, for an import of a long list."""
        self._long_writings += 1
        try:
            if self._long_writings == 1:
                await self.write(set_cache, IMPORT_CACHE_KB)
            yield
        finally:
            self._long_writings -= 1
            if self._long_writings == 0:
                with suppress(StoreError):  # what the import came to counts more than the memory
                    await self.write(set_cache, WRITER_CACHE_KB)
                await asyncio.to_thread(give_memory_back)

    async def attach_list(
        self,
        campaign_id: CampaignId,
        list_id: ListId,
        now_ms: int,
        progress: Callable[[int], None] = lambda _seen: None,
    ) -> int:
        """Attach a list of any length to a campaign, piece by piece, with calls going on between the pieces.

        progress is told how many contacts were gone through so far. Answers how many were new to the campaign; those
        of finished pieces stay when a later one fails, and attaching again goes on. Raises NotFound, StoreError.
        """
        await self.write(link_list, campaign_id, list_id)
        added, seen, after_id, is_last = 0, 0, 0, False
        while not is_last:
            piece = await self.write(attach_piece, campaign_id, list_id, after_id, now_ms)
            added, seen = added + piece.added, seen + piece.seen
            after_id, is_last = piece.last_contact_id, piece.is_last
            progress(seen)
        return added

    async def requeue(
        self,
        campaign_id: CampaignId,
        status: ContactStatus,
        now_ms: int,
        progress: Callable[[int], None] = lambda _returned: None,
    ) -> int:
        """Put a campaign's contacts of a status back into the line, piece by piece, with calls going on between them.

        progress is told how many were returned so far; all of them are the answer. Raises NotFound, ValueError,
        StoreError.
        """
        returned, after_id, is_last = 0, 0, False
        while not is_last:
            piece = await self.write(requeue_piece, campaign_id, status, after_id, now_ms)
            returned, after_id, is_last = returned + piece.returned, piece.last_contact_id, piece.is_last
            progress(returned)
        return returned

    async def close(self) -> None:
        """Let go of the database."""
        await self._reading.close()
        await self._writing.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()


def dialers_turn(
    conn: Connection,
    commands: Sequence[StoreCommand],
    epoch: int | None,
    now_ms: int,
    new_attempt_id: NewAttemptId,
    lawbook: Lawbook,
    listeners: Listeners,
) -> list[StoreEvent]:
    """A turn of the dialer on duty; None: of one that has its database to itself. Raises Relieved."""
    if epoch is not None:
        check_epoch(conn, epoch)
    return carry_out(conn, commands, now_ms, new_attempt_id, lawbook, listeners)


class SyncStore:
    """The same operations on a SQLite engine without an event loop, for the simulated network in virtual time."""

    def __init__(self, engine: Engine, new_id: NewAttemptId, lawbook: Lawbook) -> None:
        self.lawbook = lawbook
        self.engine = engine
        self._new_id = new_id

    @classmethod
    def open(
        cls,
        url: str = "sqlite://",
        *,
        new_attempt_id: NewAttemptId = new_attempt_id,
        lawbook: Lawbook | None = None,
    ) -> Self:
        """Open a SQLite file, or a database in memory, with tables of this version. Raises StoreError."""
        parsed = database_url(url)
        if parsed.get_backend_name() != "sqlite":
            raise StoreError("the simulator keeps its records in SQLite: sqlite:// or sqlite:///FILE")
        engine = sqlite_engine(parsed)
        run_plainly(engine, metadata.create_all if is_in_memory(parsed) else upgrade)
        return cls(engine, new_attempt_id, lawbook or Lawbook())

    def commit(self, commands: Sequence[StoreCommand], now_ms: int) -> list[StoreEvent]:
        """Carry out all commands in one transaction; one event for each. Raises StoreError."""
        return self.write(carry_out, commands, now_ms, self._new_id, self.lawbook)

    def recover(self) -> AttemptsRecovered:
        """The attempts that are open on disk."""
        return self.read(recover_attempts)

    def read(self, operation: Operation[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a read. Raises StoreError, NotFound."""
        return self.write(operation, *args, **kwargs)

    def write(self, operation: Operation[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a write in a transaction of its own. Raises StoreError, NotFound, Duplicate."""
        return run_plainly(self.engine, operation, *args, **kwargs)

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()
