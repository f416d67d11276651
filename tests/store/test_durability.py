"""Whether what was committed is on disk: as PostgreSQL is set up for our connections; SQLite is told by us."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, make_url, text

from app.doctor import Step
from app.doctor.database import kept
from app.store import SqlStore
from app.store.durability import Durability, durability
from tests.postgres import PostgresCluster


@pytest.mark.postgres
@pytest.mark.parametrize("value", ["off", "on", "remote_apply"])
async def test_a_database_that_forgets_is_told_of_whoever_set_it_so(postgres: PostgresCluster, value: str) -> None:
    url = postgres.new_database()

    def set_it(conn: Connection) -> None:
        conn.execute(text(f'ALTER DATABASE "{make_url(url).database}" SET synchronous_commit = {value}'))

    async with await SqlStore.open(url) as store:
        await store.write(set_it)
    async with await SqlStore.open(url) as store:
        told = await store.read(durability)
    assert told == Durability(synchronous_commit=value, fsync="off"), "the tests' own server syncs nothing"


async def test_sqlite_writes_each_commit_through_whatever_the_file_says(store: SqlStore) -> None:
    def pragmas(conn: Connection) -> tuple[object, object]:
        return (
            conn.exec_driver_sql("PRAGMA synchronous").scalar_one(),
            conn.exec_driver_sql("PRAGMA journal_mode").scalar_one(),
        )

    if await store.read(durability) is None:
        assert await store.write(pragmas) == (2, "wal")


def test_the_doctor_names_what_is_off_with_its_mend() -> None:
    assert kept(Durability(synchronous_commit="remote_write", fsync="on")).ok
    lazy = kept(Durability(synchronous_commit="off", fsync="on"))
    assert (lazy.ok, lazy.step) == (False, Step.DATABASE)
    assert "ALTER SYSTEM SET synchronous_commit = on" in lazy.mend
    assert lazy.place == "postgresql.conf, synchronous_commit"
    blind = kept(Durability(synchronous_commit="on", fsync="off"))
    assert "fsync is off" in blind.what
    assert "ALTER SYSTEM SET fsync = on" in blind.mend
