"""Lanes: ways from the event loop to a database, on which plain functions over a connection run one transaction each.

The dialer's writes to SQLite run in a thread of their own, a whole transaction in one trip: through aiosqlite each
statement makes several trips to its thread and back, which measured 2.4 ms of CPU for the smallest turn of the dialer
against 1.0 ms here. What pages read from SQLite goes through aiosqlite, and all of PostgreSQL through asyncpg, on the
event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.store.engines import postgres_engine, sqlite_engine, sqlite_reading_engine
from app.store.errors import StoreError, refusals

P = ParamSpec("P")
T = TypeVar("T")
Operation = Callable[Concatenate[Connection, P], T]


class Lane(Protocol):
    """A way to a database."""

    async def run(self, operation: Operation[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run an operation in a transaction of its own; committed on return, rolled back when it raises.

        Raises StoreError for what the database refuses.
        """

    async def close(self) -> None:
        """Let go of the connections, after what is under way."""


class ThreadLane:
    """SQLite in one thread: operations take turns in the order they were asked for."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._is_closed = False

    async def run(self, operation: Operation[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """See Lane. An operation that nobody waits for any more (cancelled) is still carried out."""
        if self._is_closed:
            raise StoreError("the store is closed")
        call = partial(run_plainly, self._engine, operation, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    async def close(self) -> None:
        """See Lane."""
        self._is_closed = True
        await asyncio.to_thread(self._threads.shutdown)
        self._engine.dispose()


class LoopLane:
    """An asynchronous driver on the event loop.

    may_repeat: operations only read. One that finds its connection dead (the server was restarted meanwhile) is done
    once more over a new one.
    """

    def __init__(self, engine: AsyncEngine, *, may_repeat: bool = False) -> None:
        self._engine = engine
        self._may_repeat = may_repeat
        self._is_closed = False
        self._under_way: set[asyncio.Task[Any]] = set()

    async def run(self, operation: Operation[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """See Lane. An operation that nobody waits for any more (cancelled) is still carried out.

        A driver that is interrupted may leave behind a task that waits for its connection for ever (seen with
        aiosqlite), and a program that cannot end.
        """
        if self._is_closed:
            raise StoreError("the store is closed")
        working = asyncio.ensure_future(self._run(operation, *args, **kwargs))
        self._under_way.add(working)
        working.add_done_callback(self._done)
        return await asyncio.shield(working)

    def _done(self, working: asyncio.Task[Any]) -> None:
        self._under_way.discard(working)
        if not working.cancelled():
            working.exception()  # whoever waited has it; where nobody does any more, nobody is told

    async def _run(self, operation: Operation[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await self._once(operation, *args, **kwargs)
        except StoreError as error:
            cause = error.__cause__
            if not (self._may_repeat and isinstance(cause, DBAPIError) and cause.connection_invalidated):
                raise
        return await self._once(operation, *args, **kwargs)

    async def _once(self, operation: Operation[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        with refusals():
            async with self._engine.begin() as conn:
                return await conn.run_sync(operation, *args, **kwargs)

    async def close(self) -> None:
        """See Lane."""
        self._is_closed = True
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._engine.dispose()


def run_plainly(engine: Engine, operation: Operation[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run an operation in a transaction of its own, here and now. Raises StoreError for what the database refuses."""
    with refusals(), engine.begin() as conn:
        return operation(conn, *args, **kwargs)


def writing_lane(url: URL) -> Lane:
    """The lane that may write: on SQLite one at a time, as SQLite itself has it."""
    if url.get_backend_name() == "sqlite":
        return ThreadLane(sqlite_engine(url))
    return LoopLane(postgres_engine(url))


def reading_lane(url: URL) -> Lane:
    """The lane that cannot write, and on SQLite never waits for the writer."""
    if url.get_backend_name() == "sqlite":
        return LoopLane(sqlite_reading_engine(url))
    return LoopLane(postgres_engine(url, may_write=False), may_repeat=True)
