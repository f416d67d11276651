"""Taking back what an import added, on both databases: counts are as before, and nobody who was called is taken out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from app.contacts import reading
from app.contacts.importing import import_list
from app.contacts.problems import SheetProblem
from app.contacts.report import ImportProgress
from app.contacts.undoing import undo_import
from app.model import Trunk
from app.store import SqlStore, rehearsing, undoing
from app.store.attaching import attach_list
from app.store.errors import InUse
from app.store.flows import create_flow
from app.store.lists import list_by_name
from app.store.places import places_page
from app.store.progress import get_progress
from app.store.schema import campaign_contacts, contacts
from app.store.trunks import create_trunk
from app.units import CampaignId, ContactId, ListId, Number, TrunkId
from tests.store.test_importing import load, people, sheet
from tests.store.world import T0, claim, new_campaign


async def list_id_of(store: SqlStore) -> ListId:
    found = await store.read(list_by_name, "people")
    assert found is not None
    return found.id


def calls(conn: Connection) -> CampaignId:
    """A campaign without lists."""
    create_trunk(conn, Trunk(id=TrunkId("sip"), endpoint="sip", prefixes=("+44",)))
    return new_campaign(conn, "calls", create_flow(conn, name="hello", source="say: hello", now_ms=T0).id)


def rows_left(conn: Connection) -> tuple[int, int]:
    tables = (contacts, campaign_contacts)
    left = [conn.execute(select(func.count()).select_from(table)).scalar_one() for table in tables]
    return left[0], left[1]


@pytest.fixture
async def campaign_id(store: SqlStore, tmp_path: Path) -> CampaignId:
    """A campaign with a list of twelve contacts."""
    await load(store, sheet(tmp_path, *people(12)))
    made = await store.write(calls)
    await store.write(attach_list, made, await list_id_of(store), T0)
    return made


async def test_an_import_is_taken_back_as_if_it_had_never_been(
    store: SqlStore, campaign_id: CampaignId, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undoing, "PIECE", 5)
    before = await store.read(get_progress, campaign_id), await store.read(rows_left)
    rows = [*people(12, first=8), ("Nobody", "12-3")]
    report = await load(store, sheet(tmp_path, *rows, name="more.csv"))
    assert (await store.read(get_progress, campaign_id)).total == 20
    assert await undo_import(store, report.import_id, T0) == (8, 0)
    assert (await store.read(get_progress, campaign_id), await store.read(rows_left)) == before
    found = await store.read(list_by_name, "people")
    assert found is not None
    assert found.contacts == 12
    with pytest.raises(InUse, match="undone already"):
        await undo_import(store, report.import_id, T0)


async def test_what_was_called_is_not_taken_back(store: SqlStore, campaign_id: CampaignId, tmp_path: Path) -> None:
    await claim(store, campaign_id, 20)
    report = await load(store, sheet(tmp_path, *people(3, first=50), name="more.csv"))
    await claim(store, campaign_id, 1, T0 + 10**9)
    first, newest = await store.read(undoing.get_import, 1), await store.read(undoing.get_import, report.import_id)
    with pytest.raises(InUse, match=r"called already \(12\)"):
        await undo_import(store, first.id, T0)
    with pytest.raises(InUse, match=r"called already \(1\)"):
        await undo_import(store, newest.id, T0)
    assert (await store.read(get_progress, campaign_id)).total == 15


async def test_columns_are_known_again_in_any_order_but_not_of_an_undone_import(
    store: SqlStore, tmp_path: Path
) -> None:
    report = await load(store, sheet(tmp_path, *people(2)))
    found = await store.read(undoing.last_mapping, ["Phone", "NAME"])
    assert found is not None
    assert found.mapping == {"phone1": "phone", "name": "name"}
    assert await store.read(undoing.last_mapping, ["phone"]) is None
    await undo_import(store, report.import_id, T0)
    assert await store.read(undoing.last_mapping, ["name", "phone"]) is None


async def test_contacts_of_a_campaign_are_paged_and_found(store: SqlStore, campaign_id: CampaignId) -> None:
    seen: list[str] = []
    after: ContactId | None = None
    while True:
        page = await store.read(places_page, campaign_id, after=after, limit=5)
        seen += [one.name for one in page.places]
        after = page.next_after
        if after is None:
            break
    assert seen == [f"Person {at}" for at in range(12)]
    for text, count in (("person 1", 3), ("7700 900 007", 1), ("%", 0), ("_", 0), ("", 12)):
        found = await store.read(places_page, campaign_id, search=text, limit=50)
        assert len(found.places) == count, text


async def test_who_was_typed_for_a_test_call_that_never_came_about_is_not_called_later(store: SqlStore) -> None:
    made = await store.write(calls)
    list_id = await store.write(rehearsing.rehearsal_list, "Tests", "ZZ", T0)
    await store.write(attach_list, made, list_id, T0)
    await store.write(rehearsing.add_own_contact, list_id, Number("+447700900001"), None, T0)
    joined = await store.write(rehearsing.add_own_contact, list_id, Number("+447700900002"), None, T0 + 1)
    assert joined == {made: 1}
    page = await store.read(places_page, made)
    assert [one.number for one in page.places] == ["+447700900002"]


# --- an import that broke off ----------------------------------------------------------------------------------------


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a list of some rows goes over several chunks."""
    monkeypatch.setattr(reading, "ROWS_AT_REST", 10)
    monkeypatch.setattr(reading, "ROWS_WHILE_DIALING", 10)


class Killed(Exception):
    """The process ends here."""


def more(folder: Path) -> Path:
    """Forty contacts who are in no list yet."""
    return sheet(folder, *people(40, first=100), name="more.csv")


def killed_after(chunks: int) -> Callable[[ImportProgress], None]:
    """Ends an import once so many chunks of it are written."""
    seen: list[ImportProgress] = []

    def tell(progress: ImportProgress) -> None:
        seen.extend([progress] if progress.stage == "importing" else [])
        if len(seen) == chunks:
            raise Killed

    return tell


@pytest.mark.usefixtures("small_chunks")
async def test_an_import_that_was_broken_off_is_taken_back(
    store: SqlStore, campaign_id: CampaignId, tmp_path: Path
) -> None:
    before = await store.read(get_progress, campaign_id), await store.read(rows_left)
    with pytest.raises(Killed):
        await import_list(store, more(tmp_path), "people", "GB", on_progress=killed_after(2))
    entry = (await store.read(undoing.list_imports))[0]
    assert entry.finished_at_ms is None
    assert entry.counts["imported"] == (await store.read(get_progress, campaign_id)).total - 12 > 0
    assert await undo_import(store, entry.id, T0 + 5) == (entry.counts["imported"], 0)
    assert (await store.read(get_progress, campaign_id), await store.read(rows_left)) == before
    undone = await store.read(undoing.get_import, entry.id)
    assert (undone.finished_at_ms, undone.undone_at_ms) == (T0 + 5, T0 + 5)


@pytest.mark.usefixtures("small_chunks")
async def test_of_a_broken_off_import_too_nobody_who_was_called_is_taken_back(
    store: SqlStore, campaign_id: CampaignId, tmp_path: Path
) -> None:
    await claim(store, campaign_id, 20)
    with pytest.raises(Killed):
        await import_list(store, more(tmp_path), "people", "GB", on_progress=killed_after(1))
    await claim(store, campaign_id, 1, T0 + 10**9)
    entry = (await store.read(undoing.list_imports))[0]
    with pytest.raises(InUse, match=r"called already \(1\)"):
        await undo_import(store, entry.id, T0)
    assert (await store.read(undoing.get_import, entry.id)).finished_at_ms is None  # it may go on, if it does


@pytest.mark.usefixtures("small_chunks")
async def test_no_row_comes_after_an_import_was_undone_while_it_went_on(store: SqlStore, tmp_path: Path) -> None:
    undone: list[asyncio.Task[tuple[int, int]]] = []

    def tell(progress: ImportProgress) -> None:
        if progress.stage == "importing" and not undone:
            undone.append(asyncio.create_task(undo_import(store, progress.import_id, T0)))

    with pytest.raises(SheetProblem, match="somebody undid this import while it was going on"):
        await import_list(store, sheet(tmp_path, *people(400)), "people", "GB", on_progress=tell)
    async with asyncio.timeout(20):
        removed, kept = await undone[0]
    assert (removed > 0, kept) == (True, 0)
    assert await store.read(rows_left) == (0, 0)
