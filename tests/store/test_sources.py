"""Lists out of somebody's own database: SQLite, PostgreSQL and MariaDB, read by a schedule and lived with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Connection, Engine, create_engine, func, select, text

from app.contacts.importing import import_list
from app.model import Trunk
from app.outcomes import ContactStatus, Outcome
from app.sources.database import SourceProblem, source_url
from app.sources.keeper import Sources
from app.store import SqlStore
from app.store import sources as kept
from app.store.attaching import attach_list
from app.store.cards import ContactFact, contact_places, edit_contact
from app.store.flows import create_flow
from app.store.holding import HOLD_MS
from app.store.lists import Contact, contacts_page
from app.store.schema import imports
from app.store.sources import Source, SourcePlan, SourceStatus
from app.store.trunks import create_trunk
from app.units import CampaignId, TrunkId
from tests.mariadb import MariaServer, program
from tests.store.world import T0, claim, closing, new_campaign

TABLE = """
CREATE TABLE people (
    code VARCHAR(40) PRIMARY KEY, full_name VARCHAR(100), phone VARCHAR(40), city VARCHAR(40), debt NUMERIC(10, 2),
    visits INTEGER, since DATE, last_result INTEGER, last_called TIMESTAMP NULL, tries INTEGER
)
"""
RESULTS = {"outcome": "last_result", "at": "last_called", "attempts": "tries"}


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaServer]:
    if program("mariadbd") is None:
        pytest.skip("MariaDB is not installed; on Debian: apt-get install mariadb-server-core mariadb-client-core")
    with MariaServer.start() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of somebody's own."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'crm.db'}"
    server = request.getfixturevalue("postgres" if request.param == "postgresql" else "mariadb")
    return str(server.new_database())


@dataclass
class Crm:
    """Their side and ours."""

    engine: Engine
    store: SqlStore
    sources: Sources
    databases: dict[str, SecretStr]
    now: list[int] = field(default_factory=lambda: [T0])

    def sql(self, statement: str, **values: Any) -> list[Any]:
        with self.engine.begin() as conn:
            done = conn.execute(text(statement), values)
            return list(done) if done.returns_rows else []

    def add(self, first: int, count: int) -> None:
        with self.engine.begin() as conn:
            conn.execute(
                text("INSERT INTO people (code, full_name, phone, city, debt, visits, since) "
                     "VALUES (:code, :name, :phone, 'Leeds', 12.50, 3, '2026-11-22')"),
                [{"code": f"c{at:05d}", "name": f"Person {at}", "phone": f"07700 9{at:05d}"}
                 for at in range(first, first + count)],
            )  # fmt: skip

    async def source(self, **changes: Any) -> Source:
        usual: dict[str, Any] = {"database": "crm", "relation": "people", "key": "code", "country": "GB"}
        plan = SourcePlan(**usual | {"every_ms": 60_000} | changes)
        await self.sources.check(plan)
        return await self.store.write(kept.create_source, name="crm", list_name="people", plan=plan, now_ms=T0)

    async def sync(self, source: Source) -> Source:
        self.now[0] += 60_001
        return await self.sources.sync(source.id)

    async def people(self, source: Source) -> list[Contact]:
        return await self.store.read(contacts_page, source.list_id, limit=10_000)

    async def campaign(self, source: Source) -> CampaignId:
        def build(conn: Connection) -> CampaignId:
            create_trunk(conn, Trunk(id=TrunkId("sip"), endpoint="sip", prefixes=("+44",)))
            flow = create_flow(conn, name="hello", source="say: hello", now_ms=T0)
            made = new_campaign(conn, "one", flow.id)
            attach_list(conn, made, source.list_id, T0)
            return made

        return await self.store.write(build)


@asynccontextmanager
async def side_by_side(address: str, folder: Path) -> AsyncIterator[Crm]:
    engine = create_engine(source_url(address))
    async with await SqlStore.open(f"sqlite+aiosqlite:///{folder / 'outring.db'}") as store:
        databases, now = {"crm": SecretStr(address)}, [T0]
        sources = Sources(
            store=store, databases=databases, now_ms=lambda: now[0], contacts_added=lambda _campaigns: None
        )
        crm = Crm(engine=engine, store=store, sources=sources, databases=databases, now=now)
        crm.sql(TABLE)
        yield crm
    engine.dispose()


@pytest.fixture
async def crm(address: str, tmp_path: Path) -> AsyncIterator[Crm]:
    async with side_by_side(address, tmp_path) as both:
        yield both


@pytest.fixture
async def lite(tmp_path: Path) -> AsyncIterator[Crm]:
    """For what is the same with every database."""
    async with side_by_side(f"sqlite:///{tmp_path / 'crm.db'}", tmp_path) as both:
        yield both


async def test_a_table_is_read_page_by_page_and_read_again_by_its_key(
    crm: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sources.database.SourceDatabase.pages.__defaults__", (3,))
    crm.add(0, 8)
    source = await crm.sync(await crm.source())
    assert (source.status, source.problem, source.counts["imported"]) == (SourceStatus.WAITING, "", 8)
    one = (await crm.people(source))[0]
    assert (one.key, one.name, one.phones) == ("c00000", "Person 0", ("+447700900000",))
    assert (one.fields["debt"], one.fields["visits"], one.fields["since"]) == ("12.5", "3", "2026-11-22")
    crm.sql("UPDATE people SET city = 'York' WHERE code = 'c00003'")
    crm.sql("DELETE FROM people WHERE code = 'c00004'")
    crm.add(8, 1)
    source = await crm.sync(source)
    assert (source.counts["imported"], source.counts["updated"], source.counts["unchanged"]) == (1, 1, 6)
    people = {one.key: one for one in await crm.people(source)}
    assert (len(people), people["c00003"].fields["city"]) == (9, "York")
    assert source.next_at_ms == crm.now[0] + 60_000


async def test_a_view_is_a_list_too(crm: Crm) -> None:
    crm.add(0, 4)
    crm.sql("CREATE VIEW owing AS SELECT code AS id, full_name AS client, phone FROM people WHERE code < 'c00002'")
    source = await crm.sync(await crm.source(relation="owing", key="id", mapping={"name": "client"}))
    assert [one.name for one in await crm.people(source)] == ["Person 0", "Person 1"]


async def test_results_are_written_back_once_and_again_after_an_outage(crm: Crm) -> None:
    crm.add(0, 3)
    source = await crm.sync(await crm.source(is_live=True, results=RESULTS))
    campaign = await crm.campaign(source)
    opened = await claim(crm.store, campaign, 2, crm.now[0])
    first, second = opened.attempts
    await crm.store.commit([closing(first, outcome=Outcome.NO_ANSWER)], crm.now[0])
    address = crm.databases["crm"]
    crm.databases["crm"] = SecretStr("mysql+pymysql://crm:pa55word@127.0.0.1:1/crm")
    source = await crm.sync(source)
    assert (source.status, source.is_held) == (SourceStatus.UNREACHABLE, True)
    assert "pa55word" not in source.problem
    await crm.store.commit([closing(second, outcome=Outcome.BUSY)], crm.now[0])
    crm.databases["crm"] = address
    source = await crm.sync(source)
    assert (source.counts["results"], source.is_held, source.problem) == (2, False, "")
    rows = crm.sql("SELECT last_result, tries, last_called FROM people ORDER BY code")
    assert [(row[0], row[1]) for row in rows] == [(8, 1), (9, 1), (None, None)]
    assert str(rows[0][2]).startswith("20")
    assert (await crm.sync(source)).counts["results"] == 0


async def test_an_outage_holds_that_list_alone_and_afterwards_everybody_is_due_as_before(lite: Crm) -> None:
    lite.add(0, 3)
    source = await lite.sync(await lite.source(is_live=True))
    campaign = await lite.campaign(source)
    [one, *_] = await lite.people(source)
    before = await lite.store.read(contact_places, one.id)
    address = lite.databases["crm"]
    lite.databases["crm"] = SecretStr("postgresql://crm@127.0.0.1:1/crm")
    for _ in range(2):
        source = await lite.sync(source)
    assert (source.status, source.is_held) == (SourceStatus.UNREACHABLE, True)
    assert (await claim(lite.store, campaign, 5, lite.now[0])).attempts == ()
    [held] = await lite.store.read(contact_places, one.id)
    assert held.due_at_ms is not None
    assert held.due_at_ms >= HOLD_MS
    lite.databases["crm"] = address
    await lite.sync(source)
    assert await lite.store.read(contact_places, one.id) == before
    assert len((await claim(lite.store, campaign, 5, lite.now[0])).attempts) == 3


async def test_edits_are_written_back_and_those_that_meet_another_are_shown(crm: Crm) -> None:
    crm.add(0, 2)
    source = await crm.sync(await crm.source(is_live=True))
    one, two = await crm.people(source)

    async def edit(contact: Contact, what: ContactFact | str, saw: str, value: str) -> None:
        await crm.store.write(edit_contact, contact.id, what, saw=saw, value=value, by="ann", now_ms=crm.now[0])

    await edit(one, "city", "Leeds", "York")
    await edit(one, "visits", "3", "4")
    await edit(one, ContactFact.PHONE1, "+447700900000", "+447700900777")
    await edit(two, "city", "Leeds", "Bath")
    crm.sql("UPDATE people SET city = 'Hull' WHERE code = 'c00001'")
    source = await crm.sync(source)
    assert (source.counts["edits"], source.counts["conflicts"]) == (3, 1)
    assert [tuple(row) for row in crm.sql("SELECT city, visits, phone FROM people ORDER BY code")] == [
        ("York", 4, "+447700900777"), ("Hull", 3, "07700 900001"),
    ]  # fmt: skip
    one, two = await crm.people(source)
    assert (one.fields["city"], one.phones, two.fields["city"]) == ("York", ("+447700900777",), "Hull")
    [conflict] = await crm.store.read(kept.conflicts_page, source.id)
    told = (conflict.field, conflict.seen, conflict.ours, conflict.theirs, conflict.by)
    assert told == ("city", "Leeds", "Bath", "Hull", "ann")
    await crm.sources.settle(source.id, conflict.id, "ours")
    await crm.sync(source)
    assert (await crm.people(source))[1].fields["city"] == "Bath"
    assert await crm.store.read(kept.conflicts_page, source.id) == []


async def test_who_is_gone_there_is_gone_here_but_not_when_most_are(lite: Crm) -> None:
    lite.add(0, 120)
    source = await lite.sync(await lite.source(is_live=True))
    lite.sql("DELETE FROM people WHERE code < 'c00005'")
    source = await lite.sync(source)
    assert (source.counts["removed"], len(await lite.people(source))) == (5, 115)
    lite.sql("DELETE FROM people WHERE code < 'c00100'")
    source = await lite.sync(source)
    assert source.status is SourceStatus.FAILED
    assert "nobody was taken out" in source.problem
    assert len(await lite.people(source)) == 115


async def test_a_file_is_not_put_into_a_live_list_where_its_contacts_would_vanish(lite: Crm, tmp_path: Path) -> None:
    lite.add(0, 1)
    await lite.sync(await lite.source(is_live=True))
    (tmp_path / "more.csv").write_text("code,phone\nx,07700 900999\n")
    with pytest.raises(ValueError, match="lives in crm, people; add rows there"):
        await import_list(lite.store, tmp_path / "more.csv", "people", "GB")


async def test_a_run_that_changes_nothing_leaves_nothing_behind(lite: Crm) -> None:
    lite.add(0, 3)
    source = await lite.source()
    for _ in range(5):
        await lite.sync(source)
    assert await lite.store.read(lambda conn: conn.execute(select(func.count()).select_from(imports)).scalar()) == 1


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"relation": "nobody"}, "there is no table or view nobody"),
        ({"key": "id"}, "people has no column 'id'; choose of code, full_name"),
        ({"key": "city"}, "the key city is there twice in people: 'Leeds'"),
        ({"database": "erp"}, "there is no database 'erp' in the settings"),
    ],
)
async def test_what_is_wrong_with_a_source_is_said_when_it_is_made(crm: Crm, changes: dict[str, str], why: str) -> None:
    crm.add(0, 2)
    with pytest.raises(SourceProblem, match=why):
        await crm.source(**changes)


@pytest.mark.parametrize(
    "address",
    ["postgresql://crm:hunter2@127.0.0.1:1/x", "mysql://crm:hunter2@127.0.0.1:1/x", "nosuch://crm:hunter2@h/x",
     "crm:hunter2@h", "sqlite:////nowhere/hunter2-less.db"],
)  # fmt: skip
async def test_a_database_that_cannot_be_had_is_told_without_its_password(lite: Crm, address: str) -> None:
    lite.databases["crm"] = SecretStr(address)
    with pytest.raises(SourceProblem) as told:
        await lite.source()
    assert "hunter2@" not in str(told.value)
    assert "hunter2" not in str(told.value).replace("hunter2-less", "")


async def test_status_of_a_removed_source_frees_its_list(lite: Crm) -> None:
    lite.add(0, 1)
    source = await lite.sync(await lite.source(is_live=True))
    await lite.campaign(source)
    lite.databases["crm"] = SecretStr("postgresql://crm@127.0.0.1:1/crm")
    await lite.sync(source)
    await lite.sources.remove(source.id)
    [one] = await lite.people(source)
    [place] = await lite.store.read(contact_places, one.id)
    assert (place.status, (place.due_at_ms or 0) < HOLD_MS) == (ContactStatus.PENDING, True)
