"""Which databases are taken, and how SQLite is opened."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from app.store import SqlStore, StoreError, SyncStore
from app.store.engines import BUSY_TIMEOUT_MS, IMPORT_CACHE_KB, WRITER_CACHE_KB, database_url
from app.store.ids import new_attempt_id
from app.units import ATTEMPT_ID


@pytest.mark.parametrize(
    ("text_", "driver"),
    [
        ("sqlite+aiosqlite:///outring.db", "sqlite+aiosqlite"),
        ("sqlite:///outring.db", "sqlite+aiosqlite"),
        ("postgresql+asyncpg://me@host/name", "postgresql+asyncpg"),
        ("postgresql://me@host/name", "postgresql+asyncpg"),
        ("postgres://me@host/name", "postgresql+asyncpg"),
    ],
)
def test_urls_are_taken_with_and_without_their_driver(text_: str, driver: str) -> None:
    assert database_url(text_).drivername == driver


@pytest.mark.parametrize(
    "text_", ["", "outring.db", "mysql://me@host/name", "postgresql+psycopg2://me@host/name", "://"]
)
def test_other_urls_are_refused_with_what_is_expected(text_: str) -> None:
    with pytest.raises(StoreError, match="expected"):
        database_url(text_)


async def test_committed_means_on_disk(tmp_path: Path) -> None:
    def settings(conn: Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [conn.execute(text(f"PRAGMA {name}")).scalar_one() for name in names]

    async with await SqlStore.open(f"sqlite:///{tmp_path / 'outring.db'}") as store:
        assert await store.write(settings) == ["wal", 2, 1, BUSY_TIMEOUT_MS]


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = await SqlStore.open(f"sqlite:///{tmp_path / 'outring.db'}")
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        await store.recover()


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "outring.db"
    with pytest.raises(StoreError, match="unable to open database file") as refused:
        await SqlStore.open(f"sqlite:///{missing}")
    assert str(missing) in str(refused.value)
    assert "OUTRING_DATABASE_URL" in str(refused.value)


async def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    other = tmp_path / "customers.csv"
    other.write_text("name,phone\n" * 500)
    with pytest.raises(StoreError, match=r"not a database: .*customers\.csv; .*OUTRING_DATABASE_URL"):
        await SqlStore.open(f"sqlite:///{other}")
    assert other.read_text() == "name,phone\n" * 500


async def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(StoreError, match="the database cannot be reached"):
        await SqlStore.open("postgresql://outring@127.0.0.1:1/none")


async def test_memory_is_for_the_simulator() -> None:
    with pytest.raises(StoreError, match="give a file"):
        await SqlStore.open("sqlite://")
    with pytest.raises(StoreError, match="SQLite"):
        SyncStore.open("postgresql://me@host/name")


def test_attempt_ids_sort_by_time_and_are_never_the_same() -> None:
    made = [new_attempt_id(now_ms) for now_ms in (0, 1, 31, 32, 1_800_000_000_000, 1_800_000_000_001)]
    assert made == sorted(made)
    assert all(len(attempt_id) == 26 and ATTEMPT_ID.fullmatch(attempt_id) for attempt_id in made)
    assert len({new_attempt_id(5) for _ in range(1_000)}) == 1_000


async def test_a_long_writing_has_a_large_cache_and_gives_it_back(tmp_path: Path) -> None:
    def cache_kb(conn: Connection) -> int:
        return -int(conn.exec_driver_sql("PRAGMA cache_size").scalar_one())

    async def import_in_vain(store: SqlStore) -> None:
        async with store.long_writing():
            async with store.long_writing():
                assert await store.write(cache_kb) == IMPORT_CACHE_KB
            assert await store.write(cache_kb) == IMPORT_CACHE_KB, "another import goes on"
            raise ValueError("broken file")

    async with await SqlStore.open(f"sqlite:///{tmp_path / 'outring.db'}") as store:
        assert await store.write(cache_kb) == WRITER_CACHE_KB
        with pytest.raises(ValueError, match="broken file"):
            await import_in_vain(store)
        assert await store.write(cache_kb) == WRITER_CACHE_KB
