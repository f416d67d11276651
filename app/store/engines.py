"""Connections: SQLite opened so that committed means on disk, PostgreSQL through asyncpg."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from app.store.errors import StoreError

DEFAULT_URL: Final = "sqlite+aiosqlite:///outring.db"
BUSY_TIMEOUT_MS: Final = 5_000
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


def writing_engine(url: URL) -> AsyncEngine:
    """Where everything is written. SQLite: one connection, whose transactions begin by taking the write lock."""
    if url.get_backend_name() == "sqlite":
        engine = create_async_engine(url, pool_size=1, max_overflow=0, pool_timeout=60)
        _prepare_sqlite(engine.sync_engine, begin="BEGIN IMMEDIATE")
        return engine
    # The length of the waiting line to look at is a parameter: a plan made without its value would scan the list.
    arguments = {"server_settings": {"plan_cache_mode": "force_custom_plan", "application_name": "outring"}}
    return create_async_engine(url, pool_size=5, max_overflow=5, connect_args=arguments)


def reading_engine(url: URL) -> AsyncEngine:
    """Where pages are read. SQLite: connections that cannot write and never wait for the writer."""
    if url.get_backend_name() == "sqlite":
        engine = create_async_engine(url, pool_size=4, max_overflow=0, pool_timeout=60)
        _prepare_sqlite(engine.sync_engine, begin="BEGIN", may_write=False)
        return engine
    arguments = {"server_settings": {"default_transaction_read_only": "on", "application_name": "outring"}}
    return create_async_engine(url, pool_size=5, max_overflow=5, connect_args=arguments)


def plain_engine(url: URL) -> Engine:
    """A SQLite engine without an event loop, for the simulated network. A database in memory has one connection."""
    url = url.set(drivername="sqlite")
    engine = create_engine(url, poolclass=StaticPool) if is_in_memory(url) else create_engine(url, pool_size=1)
    _prepare_sqlite(engine, begin="BEGIN IMMEDIATE")
    return engine


def _prepare_sqlite(engine: Engine, *, begin: str, may_write: bool = True) -> None:
    """Set up each new connection; SQLAlchemy, not the driver, begins transactions (the driver would begin too late)."""

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA foreign_keys = ON")
        if may_write:
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = FULL")  # a committed attempt survives a power cut
        else:
            cursor.execute("PRAGMA query_only = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)
