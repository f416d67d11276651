"""A watched folder: what is whole is loaded and put away with a report; what is not, or cannot be, stays or fails."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.contacts.undoing import undo_import
from app.contacts.watched import DONE, FAILED, PROBLEM, SETTINGS, WatchedFolder
from app.store import SqlStore
from app.store.lists import contacts_page, list_by_name
from app.units import ListId
from tests.store.world import T0

LIST = 'list = "people"\ncountry = "GB"\n'


@dataclass
class Watch:
    folder: Path
    watched: WatchedFolder
    now_s: float = 0.0

    async def later(self, seconds: float = 10.0) -> int:
        """Look, let time pass, and look again."""
        before = await self.watched.look()
        self.now_s += seconds
        return before + await self.watched.look()

    def drop(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def report(self, name: str, where: str = DONE) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / where / f"{name}.report.json").read_text(encoding="utf-8"))
        return found


@pytest.fixture
def watch(store: SqlStore, tmp_path: Path) -> Watch:
    folder = tmp_path / "drop"
    folder.mkdir()
    (folder / SETTINGS).write_text(LIST, encoding="utf-8")
    watched = WatchedFolder(
        store,
        folder,
        on_contacts_added=lambda _campaign, _count: None,
        now_ms=lambda: T0,
        monotonic_s=lambda: made.now_s,
    )
    made = Watch(folder=folder, watched=watched)
    return made


async def test_a_file_is_loaded_and_put_away_with_its_report_and_rejected_rows(store: SqlStore, watch: Watch) -> None:
    watch.drop("a.csv", "name,phone\nAnn,07700 900001\nBob,12-3\n")
    assert await watch.later() == 1
    assert sorted(one.name for one in (watch.folder / DONE).iterdir()) == [
        "a.csv", "a.csv.rejected.csv", "a.csv.report.json",
    ]  # fmt: skip
    report = watch.report("a.csv")
    assert (report["result"], report["imported"], report["rejected"]) == ("imported", 1, 1)
    assert [one.name for one in await store.read(contacts_page, ListId(1))] == ["Ann"]
    assert await watch.later() == 0


async def test_a_file_that_still_grows_is_left_alone(store: SqlStore, watch: Watch) -> None:
    path = watch.drop("a.csv", "name,phone\n")
    for at in range(4):
        await watch.watched.look()
        watch.now_s += 4.0
        path.write_text(path.read_text() + f"Person {at},07700 90000{at}\n")
    assert await watch.watched.look() == 0
    assert await store.read(list_by_name, "people") is None
    assert await watch.later() == 1
    assert watch.report("a.csv")["imported"] == 4


@pytest.mark.parametrize("name", ["a.csv.part", ".a.csv", "~$a.xlsx", "readme.md", "a.rejected.csv"])
async def test_what_is_no_list_is_not_taken(watch: Watch, name: str) -> None:
    watch.drop(name, "name,phone\nAnn,07700 900001\n")
    assert await watch.later() == 0
    assert (watch.folder / name).exists()


async def test_the_same_file_again_is_told_and_not_loaded(store: SqlStore, watch: Watch) -> None:
    text = "name,phone\nAnn,07700 900001\n"
    watch.drop("a.csv", text)
    await watch.later()
    watch.drop("a.csv", text)
    await watch.later()
    told = watch.report("a-2.csv")
    assert told["result"] == "duplicate"
    assert "the same file as a.csv" in told["why"]
    watch.drop("b.csv", text + "Bob,07700 900002\n")
    await watch.later()
    assert (watch.report("b.csv")["imported"], watch.report("b.csv")["duplicates"]) == (1, 1)


async def test_a_broken_file_goes_to_failed_with_the_reason(watch: Watch) -> None:
    watch.drop("a.xlsx", "PK\x03\x04 cut short")
    watch.drop("b.csv", "colour\nred\n")
    assert await watch.later() == 2
    assert watch.report("a.xlsx", FAILED)["result"] == "failed"
    assert "no column looks like a phone number" in watch.report("b.csv", FAILED)["why"]


async def test_a_folder_without_settings_says_so_and_its_files_wait(watch: Watch) -> None:
    (watch.folder / SETTINGS).write_text(LIST + 'mapping = {fax = "x"}', encoding="utf-8")
    path = watch.drop("a.csv", "name,phone\nAnn,07700 900001\n")
    assert await watch.later() == 0
    assert "there is no role 'fax'" in (watch.folder / PROBLEM).read_text()
    assert path.exists()
    (watch.folder / SETTINGS).write_text(LIST, encoding="utf-8")
    assert await watch.later() == 1
    assert not (watch.folder / PROBLEM).exists()


async def test_folders_in_it_have_lists_of_their_own_and_the_mapping_is_kept(store: SqlStore, watch: Watch) -> None:
    inner = watch.folder / "moscow"
    inner.mkdir()
    settings = 'list = "Москва"\ncountry = "RU"\nduplicates = "update"\n[mapping]\nphone1 = "b"\nname = "a"\n'
    (inner / SETTINGS).write_text(settings, encoding="utf-8")
    (inner / "a.csv").write_text("a,b,c\nАня,8 (916) 123-45-67,8 916 123-45-68\n", encoding="cp1251")
    assert await watch.later() == 1
    found = await store.read(list_by_name, "Москва")
    assert found is not None
    [one] = await store.read(contacts_page, found.id)
    assert (one.name, one.phones) == ("Аня", ("+79161234567",))


async def test_a_file_whose_import_was_undone_is_loaded_again(store: SqlStore, watch: Watch) -> None:
    text = "name,phone\nAnn,07700 900001\n"
    watch.drop("a.csv", text)
    await watch.later()
    await undo_import(store, 1, T0)
    watch.drop("b.csv", text)
    await watch.later()
    assert (watch.report("b.csv")["result"], watch.report("b.csv")["imported"]) == ("imported", 1)
