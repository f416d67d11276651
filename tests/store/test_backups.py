"""Backups: taken while a campaign dials, whole, put back row by row; never over a running dialer, or data."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, text

from app.commands import HangUp, PlaceCall, TelephonyCommand
from app.dialing.dialer import Dialer
from app.events import CallEnded, CallPlaced, CallRinging, TelephonyUp
from app.model import CampaignStatus, Trunk
from app.operations import Operations
from app.ports import Inbox
from app.runtime import Runtime
from app.store import SqlStore, StoreError, backups
from app.store.backups import Kind, back_up, examine, postgres, restore
from app.store.campaigns import get_campaign
from app.store.engines import database_url
from app.store.migrating import downgrade, newest_version
from app.store.schema import attempts, campaign_contacts, metadata
from app.units import CampaignId, TrunkId
from tests.postgres import PostgresCluster
from tests.store.world import T0, build, phone
from tests.unit.panel.site import FLOW, Silence

PEOPLE = 400


@pytest.fixture
def fresh(request: pytest.FixtureRequest, url: str, tmp_path: Path) -> Callable[[], str]:
    """Makes another empty database of the same kind."""
    count = iter(range(100))
    if url.startswith("sqlite"):
        return lambda: f"sqlite+aiosqlite:///{tmp_path / f'fresh{next(count)}.db'}"
    cluster: PostgresCluster = request.getfixturevalue("postgres")
    return cluster.new_database


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "kept.backup"


Rows = dict[str, list[tuple[Any, ...]]]


def everything(conn: Connection) -> Rows:
    """Every row of every table, in an order of its own."""
    found: Rows = {}
    for name, table in metadata.tables.items():
        found[name] = sorted((tuple(row) for row in conn.execute(select(table))), key=repr)
    return found


async def rows_of(url: str) -> Rows:
    async with await SqlStore.open(url, with_migrations=False) as store:
        return await store.read(everything)


class Clock:
    """Goes on from when the contacts of these worlds fall due."""

    def now_ms(self) -> int:
        return T0 + time.monotonic_ns() // 1_000_000


class BusyNetwork:
    """Everybody is busy, at once."""

    def __init__(self) -> None:
        self.says: Inbox = lambda _event: None
        self.placed = 0

    async def start(self, inbox: Inbox) -> None:
        self.says = inbox
        inbox(TelephonyUp(is_new_life=False))

    def perform(self, command: TelephonyCommand) -> None:
        if isinstance(command, PlaceCall):
            self.placed += 1
            self.says(CallPlaced(attempt_id=command.attempt_id))
            self.says(CallRinging(attempt_id=command.attempt_id))
            self.says(CallEnded(attempt_id=command.attempt_id, sip_code=486, cause=17))
        elif isinstance(command, HangUp):
            self.says(CallEnded(attempt_id=command.attempt_id, cause=16))

    async def stop(self) -> None:
        """Nothing is open."""


@asynccontextmanager
async def dialing(url: str, people: int = PEOPLE) -> AsyncIterator[tuple[SqlStore, CampaignId]]:
    """A campaign under way on this database: the program itself, on a network where everybody is busy."""
    async with await SqlStore.open(url) as store:
        [campaign_id] = await store.write(build, [phone(place) for place in range(people)])
        runtime = Runtime(dialer=Dialer(), telephony=BusyNetwork(), store=store, prompts=Silence(), clock=Clock())
        operations = Operations(store=store, runtime=runtime)
        await operations.save_trunk(
            Trunk(id=TrunkId("sip"), endpoint="sip", prefixes=("+44",), lines=20, calls_per_second=1_000.0)
        )
        flow, _ = await operations.save_flow("notice", FLOW)
        entry = await store.read(get_campaign, campaign_id)
        plan = replace(entry.campaign, flow_id=flow.id, lines=20, calls_per_second=1_000.0)
        await operations.change_campaign(plan)
        working = asyncio.create_task(runtime.run(await operations.first_events()))
        try:
            await operations.start_campaign(campaign_id)
            yield store, campaign_id
        finally:
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working


async def until_tried(store: SqlStore, count: int) -> int:
    """Wait until so many attempts are on disk."""
    async with asyncio.timeout(60):
        while (made := await store.read(count_attempts)) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    return made


def count_attempts(conn: Connection) -> int:
    return conn.execute(select(func.count()).select_from(attempts)).scalar_one()


def ended(rows: Rows) -> set[tuple[Any, ...]]:
    """The attempts whose end is written: they never change again."""
    place = [column.name for column in attempts.columns].index("ended_at_ms")
    return {tuple(map(repr, row)) for row in rows["attempts"] if row[place] is not None}


async def test_backups_of_a_campaign_under_way_are_whole_and_come_back_as_they_were(
    url: str, fresh: Callable[[], str], tmp_path: Path
) -> None:
    taken: list[tuple[Path, int, int]] = []
    async with dialing(url) as (store, campaign_id):
        for place, share in enumerate((0.1, 0.4, 0.7)):
            before = await until_tried(store, int(PEOPLE * share))
            made = tmp_path / f"{place}.backup"
            contents = await back_up(url, made)
            taken.append((made, before, await store.read(count_attempts)))
            assert contents.version == newest_version()
        await until_tried(store, PEOPLE)
        async with asyncio.timeout(30):
            while (await store.read(get_campaign, campaign_id)).status is CampaignStatus.RUNNING:
                if (await store.read(count_attempts)) >= PEOPLE and not (await store.recover()).attempts:
                    break
                await asyncio.sleep(0.01)
    last = tmp_path / "last.backup"
    await back_up(url, last)
    final = await rows_of(url)

    for made, before, after in taken:
        there = fresh()
        done = await restore(there, made)
        assert (done.kept, done.version) == (None, newest_version())
        rows = await rows_of(there)
        assert before <= len(rows["attempts"]) <= after, "one moment, within the time it took"
        assert ended(rows) <= ended(final), "what was ended then is what it is now"
        _is_of_one_moment(rows)
    assert taken[0][2] < PEOPLE, "the campaign was over before the first backup: nothing was shown"

    there = fresh()
    await restore(there, last)
    assert await rows_of(there) == final


def _is_of_one_moment(rows: Rows) -> None:
    """Each attempt has its contact, and each contact the attempts it counts: no transaction was caught halfway."""
    columns = [column.name for column in campaign_contacts.columns]
    tried = {row[columns.index("contact_id")] for row in rows["campaign_contacts"] if row[columns.index("attempts")]}
    names = [column.name for column in attempts.columns]
    closed = {row[names.index("contact_id")] for row in rows["attempts"] if row[names.index("ended_at_ms")] is not None}
    assert tried == closed


async def test_a_restored_database_is_dialed_on(url: str, fresh: Callable[[], str], file: Path) -> None:
    async with dialing(url, people=50) as (store, _campaign_id):
        await until_tried(store, 10)
        await back_up(url, file)
    there = fresh()
    await restore(there, file)
    async with await SqlStore.open(there) as store:
        assert await store.read(count_attempts) >= 10
        await store.recover()


async def test_nothing_is_restored_under_a_running_dialer(url: str, file: Path) -> None:
    async with dialing(url, people=5):
        await back_up(url, file)
        for force in (False, True):
            with pytest.raises(StoreError, match="stop `outring run`"):
                await restore(url, file, may_overwrite=force)
    with pytest.raises(StoreError, match="holds data already"):
        await restore(url, file)


async def test_what_was_there_is_kept_and_can_come_back(url: str, file: Path) -> None:
    async with await SqlStore.open(url) as store:
        await store.write(build, [phone(1)])
    first = await rows_of(url)
    await back_up(url, file)
    async with await SqlStore.open(url) as store:
        await store.write(lambda conn: conn.execute(text("UPDATE lists SET name = 'changed'")))
    second = await rows_of(url)
    assert second != first
    done = await restore(url, file, may_overwrite=True)
    assert await rows_of(url) == first
    assert done.kept is not None
    await restore(url, done.kept, may_overwrite=True)
    assert await rows_of(url) == second


async def test_a_backup_of_an_older_version_is_brought_up(url: str, fresh: Callable[[], str], file: Path) -> None:
    async with await SqlStore.open(url) as store:
        await store.write(build, [phone(1), phone(2)])
        await store.write(downgrade, "0011")
    assert (await back_up(url, file)).version == "0011"
    there = fresh()
    done = await restore(there, file)
    assert (done.contents.version, done.version) == ("0011", newest_version())
    assert len((await rows_of(there))["contacts"]) == 2


async def test_a_backup_of_a_newer_version_is_refused(url: str, fresh: Callable[[], str], file: Path) -> None:
    async with await SqlStore.open(url) as store:
        await store.write(lambda conn: conn.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(StoreError, match="version 9999"):
        await back_up(url, file)
    assert not file.exists(), "what cannot be restored is no backup"


async def test_a_damaged_backup_is_found_and_changes_nothing(url: str, fresh: Callable[[], str], file: Path) -> None:
    async with await SqlStore.open(url) as store:
        await store.write(build, [phone(place) for place in range(2_000)])
    await back_up(url, file)
    whole = file.read_bytes()
    middle = len(whole) // 2
    file.write_bytes(whole[:middle] + bytes(4_096) + whole[middle + 4_096 :])
    there = fresh()
    for damaged in (file.read_bytes(), whole[: middle // 2]):
        file.write_bytes(damaged)
        with pytest.raises(StoreError):
            examine(file)
        with pytest.raises(StoreError):
            await restore(there, file)
    file.write_bytes(whole)
    assert (await restore(there, file)).kept is None


async def test_files_are_not_written_over_and_are_for_nobody_else(url: str, file: Path) -> None:
    async with await SqlStore.open(url):
        pass
    file.write_text("something of mine")
    with pytest.raises(StoreError, match="--force"):
        await back_up(url, file)
    assert file.read_text() == "something of mine"
    await back_up(url, file, may_overwrite=True)
    assert file.stat().st_mode & 0o077 == 0
    assert [one.name for one in file.parent.iterdir() if one.name.startswith(".")] == [], "nothing unfinished is left"


async def test_a_backup_that_fails_leaves_nothing(url: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with await SqlStore.open(url):
        pass

    def damaged(_source: Path) -> None:
        raise StoreError("damaged")

    monkeypatch.setattr(backups, "examine", damaged)
    with pytest.raises(StoreError, match="damaged"):
        await back_up(url, file)
    assert [one for one in file.parent.iterdir() if "backup" in one.name] == []


async def test_a_backup_goes_back_into_its_own_kind(url: str, file: Path, tmp_path: Path) -> None:
    async with await SqlStore.open(url):
        pass
    made = await back_up(url, file)
    other = "postgresql+asyncpg://me@127.0.0.1:9/none"
    if made.kind is Kind.POSTGRESQL:
        other = f"sqlite+aiosqlite:///{tmp_path / 'other.db'}"
    with pytest.raises(StoreError, match="the kind of database it came from"):
        await restore(other, file)


def test_what_is_no_backup_is_told(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    with sqlite3.connect(tmp_path / "other.db") as conn:
        conn.execute("CREATE TABLE mine (x)")
    for name, words in (("text", "neither a SQLite"), ("other.db", "not Outring's"), ("gone", "No such file")):
        with pytest.raises(StoreError, match=words):
            examine(tmp_path / name)


async def test_no_database_is_made_by_backing_it_up(tmp_path: Path) -> None:
    gone = tmp_path / "gone.db"
    with pytest.raises(StoreError, match="there is no database"):
        await back_up(f"sqlite+aiosqlite:///{gone}", tmp_path / "kept")
    assert list(tmp_path.iterdir()) == []


async def test_missing_programs_of_postgresql_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_FOLDERS", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StoreError, match="pg_dump is not there: install PostgreSQL's client programs"):
        await back_up("postgresql+asyncpg://me@127.0.0.1:9/none", tmp_path / "kept")


async def test_a_server_that_is_away_is_told_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"pg_dump: .*refused"):
        await back_up("postgresql+asyncpg://me:secret@127.0.0.1:9/none", tmp_path / "kept")


def test_a_password_is_never_an_option() -> None:
    url = database_url("postgresql+asyncpg://me:secret@db.example:5433/outring?ssl=require")
    assert postgres._database(url) == [
        "--no-password", "--host=db.example", "--port=5433", "--username=me", "--dbname=outring",
    ]  # fmt: skip
    assert postgres._parameters(url)["sslmode"] == "require"


async def test_new_rows_find_their_ids_after_a_restore(url: str, fresh: Callable[[], str], file: Path) -> None:
    async with await SqlStore.open(url) as store:
        await store.write(build, [phone(1), phone(2)])
    await back_up(url, file)
    there = fresh()
    await restore(there, file)
    async with await SqlStore.open(there) as store:
        flow = "INSERT INTO flows (name, version, source, created_at_ms) VALUES ('x', 1, 'y', 1)"
        await store.write(lambda conn: conn.execute(text(flow)))


async def test_a_restore_that_stops_at_any_step_leaves_a_database(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.db"
    url = f"sqlite+aiosqlite:///{path}"
    async with await SqlStore.open(url) as store:
        await store.write(build, [phone(1)])
    before = await rows_of(url)
    await back_up(url, file)
    really, seen = Path.replace, []

    def stopping(self: Path, target: Path) -> Path:
        seen.append(target)
        if target == path:
            raise OSError(5, "Input/output error")
        return really(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", stopping)
        with pytest.raises(StoreError, match="Input/output error"):
            await restore(url, file, may_overwrite=True)
    assert seen == [path]
    assert path.exists()
    assert await rows_of(url) == before


async def test_what_was_there_is_kept_where_files_have_one_name(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'mine.db'}"
    async with await SqlStore.open(url) as store:
        await store.write(build, [phone(1)])
    before = await rows_of(url)
    await back_up(url, file)

    def refused(*_given: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("app.store.backups.sqlite.os.link", refused)
    kept = (await restore(url, file, may_overwrite=True)).kept
    assert kept is not None
    assert kept.stat().st_mode & 0o077 == 0
    assert await rows_of(f"sqlite+aiosqlite:///{kept}") == before


async def test_a_restored_file_is_the_owners_from_its_first_byte(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await SqlStore.open(f"sqlite+aiosqlite:///{tmp_path / 'mine.db'}"):
        pass
    await back_up(f"sqlite+aiosqlite:///{tmp_path / 'mine.db'}", file)
    monkeypatch.setattr(Path, "chmod", lambda _path, _mode: None)  # what is mended afterwards does not count
    await restore(f"sqlite+aiosqlite:///{tmp_path / 'there.db'}", file)
    assert (tmp_path / "there.db").stat().st_mode & 0o077 == 0


async def test_settings_of_newer_programs_do_not_stop_an_older_server(
    url: str, fresh: Callable[[], str], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not url.startswith("postgresql"):
        pytest.skip("a matter of PostgreSQL's programs")
    async with await SqlStore.open(url) as store:
        await store.write(build, [phone(1)])
    before = await rows_of(url)
    await back_up(url, file)
    really, settings = postgres._run, "SET lock_timeout = 0;\n"

    def as_of_version_17(program: str, options: list[str], *given: Any) -> str:
        told = really(program, options, *given)
        for option in options:
            script = Path(option.removeprefix("--file="))
            if program == "pg_restore" and script.name == "restore.sql":
                written = script.read_text()
                assert settings in written
                if "transaction_timeout" not in written:
                    script.write_text(written.replace(settings, settings + "SET transaction_timeout = 0;\n", 1))
        return told

    monkeypatch.setattr(postgres, "_run", as_of_version_17)
    there = fresh()
    await restore(there, file)
    assert await rows_of(there) == before
