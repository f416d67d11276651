"""Migrations: up, down and up again; what they build is what schema.py says; a newer database is not touched."""

from __future__ import annotations

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from app.store import NotFound, SqlStore, StoreError, migrate
from app.store.duty import leave_duty, renew_duty, take_duty
from app.store.lists import create_list, get_list
from app.store.migrating import downgrade, newest_version, upgrade, version
from app.store.schema import metadata
from app.units import ListId
from tests.store.world import T0, as_found, build, claim, closing, ids, phone


def tables(conn: Connection) -> set[str]:
    return set(inspect(conn).get_table_names())


def differences(conn: Connection) -> list[object]:
    """What Alembic would write as a new migration."""
    return list(compare_metadata(MigrationContext.configure(conn, opts={"compare_type": True}), metadata))


def indexes(conn: Connection) -> dict[str, str]:
    """The indexes as the database keeps them: Alembic does not compare the condition of a partial one."""
    kept = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    if conn.dialect.name == "postgresql":
        kept = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    found = {name: sql.replace("\n", " ") for name, sql in conn.execute(text(kept))}
    return {name: sql for name, sql in found.items() if not name.startswith("alembic")}


async def test_migrations_build_what_the_schema_says(store: SqlStore) -> None:
    assert await store.write(differences) == []
    assert await store.read(tables) == {*metadata.tables, "alembic_version"}
    migrated = await store.read(indexes)
    await store.write(downgrade, "base")
    await store.write(metadata.create_all)
    assert await store.read(indexes) == migrated


async def test_a_difference_is_seen(store: SqlStore) -> None:
    await store.write(lambda conn: conn.execute(text("ALTER TABLE dnc ADD COLUMN stray INTEGER")))
    assert await store.write(differences) != []


async def test_down_and_up_again(store: SqlStore) -> None:
    assert await store.read(version) == newest_version()
    await store.write(downgrade, "base")
    assert await store.read(tables) == {"alembic_version"}
    await store.write(upgrade)
    assert await store.read(version) == newest_version()
    assert await store.write(differences) == []


async def test_migrating_again_changes_nothing(url: str) -> None:
    assert await migrate(url) == (None, newest_version())
    assert await migrate(url) == (newest_version(), newest_version())


async def test_programs_that_start_together_migrate_once(url: str) -> None:
    answers = await asyncio.gather(*(migrate(url) for _ in range(6)))
    assert sorted(before or "" for before, _after in answers) == ["", *[newest_version()] * 5]


async def test_a_database_newer_than_the_program_is_refused_and_left_alone(url: str) -> None:
    async with await SqlStore.open(url) as store:
        await store.write(lambda conn: conn.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(StoreError, match="version 9999, which this program does not know"):
        await SqlStore.open(url)
    async with await SqlStore.open(url, with_migrations=False) as store:
        assert await store.read(version) == "9999"


async def test_what_was_written_is_there_after_reopening(url: str) -> None:
    async with await SqlStore.open(url) as store:
        made = await store.write(create_list, name="people", country="GB", columns=["Город"], now_ms=T0)
    async with await SqlStore.open(url) as store:
        assert await store.read(get_list, made.id) == made
        with pytest.raises(NotFound, match="there is no list 77"):
            await store.read(get_list, ListId(77))


async def test_contacts_that_wait_are_dialed_after_the_floor_came(url: str) -> None:
    """Tables of the first version, with a campaign under way, brought up: nobody is lost and the line is as it was."""
    async with await SqlStore.open(url) as store:
        [campaign_id] = await store.write(build, [phone(1), phone(2), phone(3)])
        [attempt] = (await claim(store, campaign_id, 1)).attempts
        await store.write(downgrade, "0001")
        assert "agent_id" not in await store.read(
            lambda conn: {c["name"] for c in inspect(conn).get_columns("attempts")}
        )
    assert await migrate(url) == ("0001", newest_version())
    async with await SqlStore.open(url) as store:
        assert (await store.recover()).attempts == (as_found(attempt),)
        await store.commit([closing(attempt)], T0)
        assert ids((await claim(store, campaign_id, 5)).attempts) == [2, 3]


async def test_tables_are_not_changed_under_a_dialer_on_duty(store: SqlStore, url: str) -> None:
    """It would not know them; it is told by name, and once it has left the tables are brought up to date."""
    epoch = await store.write(take_duty, holder="old", place="process 7 on pbx", lease_ms=60_000)
    assert epoch is not None
    assert (await migrate(url))[0] == newest_version(), "nothing is to be changed: nobody is in the way"
    await store.write(downgrade, "0020")

    async def renew() -> None:
        while True:
            await asyncio.sleep(0.05)
            await store.write(renew_duty, epoch)

    renewing = asyncio.create_task(renew())
    with pytest.raises(StoreError, match="process 7 on pbx is on duty on them: stop it first"):
        await migrate(url)
    renewing.cancel()
    await asyncio.gather(renewing, return_exceptions=True)
    assert await store.read(version) == "0020"
    await store.write(leave_duty, epoch)
    assert await migrate(url) == ("0020", newest_version())


async def test_tables_of_a_newer_program_are_told_as_such_though_its_dialer_is_on_duty(
    store: SqlStore, url: str
) -> None:
    await store.write(take_duty, holder="new", place="process 8 on pbx", lease_ms=60_000)
    await store.write(lambda conn: conn.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    async with asyncio.timeout(20):
        with pytest.raises(StoreError, match="version 9999, which this program does not know"):
            await migrate(url)


async def test_a_dialer_that_was_killed_is_waited_for_until_its_lease_is_over(store: SqlStore, url: str) -> None:
    await store.write(take_duty, holder="old", place="process 7 on pbx", lease_ms=700)
    await store.write(downgrade, "0020")
    async with asyncio.timeout(20):
        assert await migrate(url) == ("0020", newest_version())
