"""Engines: SQLite opened so that committed means on disk, PostgreSQL through asyncpg."""

from __future__ import annotations

import ctypes
import sqlite3
import time
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from app.store.errors import StoreError

DEFAULT_URL: Final = "sqlite+aiosqlite:///outring.db"
WRITER_CACHE_KB: Final = 4_096
"""Pages of SQLite that the dialer's way to it keeps in memory: claims and ends touch few."""
IMPORT_CACHE_KB: Final = 65_536
"""While an import runs: the index over a million contacts fits, so that it is not read again row by row."""
BUSY_TIMEOUT_MS: Final = 5_000
_UNUSABLE_FILES: Final = {
    "unable to open database file": "make its folder, and let the user Outring runs as write there",
    "readonly database": "let the user Outring runs as write the file and its folder",
    "file is not a database": "it is some other file: move it away",
}
"""What SQLite says of a file it cannot use, and the mend."""
_DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}


def database_url(text: str) -> URL:
    """Read a database URL; the driver may be left out. Raises StoreError naming what is accepted."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise StoreError(f"not a database URL: {text!r}; expected something like {DEFAULT_URL}") from None
    driver = _DRIVERS.get(url.get_backend_name())
    if driver is None or url.drivername not in {driver, url.get_backend_name()}:
        raise StoreError(
            f"no such database: {url.drivername!r}; expected sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER@HOST/NAME"
        )
    return url.set(drivername=driver)


def is_in_memory(url: URL) -> bool:
    """Whether a SQLite URL names no file."""
    return url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")


def sqlite_engine(url: URL) -> Engine:
    """A SQLite file, or a database in memory, which has one connection.

    Each transaction begins by taking the write lock, so that it never has to give up midway.
    """
    url = url.set(drivername="sqlite")
    engine = create_engine(url, poolclass=StaticPool) if is_in_memory(url) else create_engine(url)
    _prepare_sqlite(engine, url, begin="BEGIN IMMEDIATE", may_write=True)
    return engine


def sqlite_reading_engine(url: URL) -> AsyncEngine:
    """A few connections to a SQLite file through aiosqlite that cannot write, and never wait for who does."""
    engine = create_async_engine(url, pool_size=4, max_overflow=0)
    _prepare_sqlite(engine.sync_engine, url, begin="BEGIN", may_write=False)
    return engine


def postgres_engine(url: URL, *, may_write: bool = True) -> AsyncEngine:
    """A pool of connections to PostgreSQL, whose commits are durable as the server is set up (by default they are)."""
    # How far to look down the waiting line is a parameter: a plan made without its value would read the whole list.
    settings = {"application_name": "outring", "plan_cache_mode": "force_custom_plan"}
    # What is dialed now is in memory or on a solid disk: reading by index costs little more there than reading through.
    settings["random_page_cost"] = "1.1"
    if not may_write:
        settings["default_transaction_read_only"] = "on"
    return create_async_engine(url, pool_size=5, max_overflow=5, connect_args={"server_settings": settings})


def set_cache(conn: Connection, size_kb: int) -> None:
    """How much of a SQLite file this connection keeps in memory from now on; nothing to do on PostgreSQL."""
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql(f"PRAGMA cache_size = -{size_kb}")
        conn.exec_driver_sql("PRAGMA shrink_memory")


def give_memory_back() -> None:
    """Hand what was freed to the system: glibc keeps it otherwise (seen: 185 MB after an import, 111 MB after this)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _prepare_sqlite(engine: Engine, url: URL, *, begin: str, may_write: bool) -> None:
    """Set up each new connection; SQLAlchemy, not the driver, begins transactions (the driver would begin too late)."""

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        connection.create_function("lower", 1, _lower, deterministic=True)
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA foreign_keys = ON")
        if may_write:
            _switch_to_wal(cursor)
            cursor.execute("PRAGMA synchronous = FULL")  # a committed attempt survives a power cut
            cursor.execute(f"PRAGMA cache_size = -{WRITER_CACHE_KB}")
        else:
            cursor.execute("PRAGMA query_only = ON")
        cursor.close()

    @event.listens_for(engine, "handle_error")
    def on_error(context: ExceptionContext) -> None:
        told = str(context.original_exception)
        for words, mend in _UNUSABLE_FILES.items():
            if words in told:
                raise StoreError(
                    f"the database refused: {told}: {url.database}; {mend}, or change OUTRING_DATABASE_URL"
                )

    @event.listens_for(engine, "begin")
    def on_begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)


def _lower(text: object) -> object:
    """SQLite's own knows the capitals of ASCII alone: Cyrillic names would be found only as they are written."""
    return text.lower() if isinstance(text, str) else text


def _switch_to_wal(cursor: sqlite3.Cursor) -> None:
    """Turn the write-ahead log on, which stays on for a file.

    SQLite answers "locked" at once here, whatever its busy timeout, when programs open a new file together (seen with
    3.40), so the waiting is done here.
    """
    gives_up_at = time.monotonic() + BUSY_TIMEOUT_MS / 1_000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > gives_up_at:
                raise
            time.sleep(0.01)
