"""Commands about whom a campaign calls: numbers to mend, segments as files, the order of calls."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.store.fixing import fix_tasks_page
from app.store.lists import get_contact
from tests.unit.cli.test_commands import Shell
from tests.unit.panel.site import open_site
from tests.unit.panel.test_fix_pages import bad


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    """With an admin in the database, whom commands act for."""
    async with open_site(tmp_path) as site:
        await site.add_user("anna")
        yield Shell(site=site, folder=tmp_path)


async def test_numbers_are_mended_from_the_shell(shell: Shell) -> None:
    assert "No number waits to be mended." in (await shell.run("fix", "list")).out
    await bad(shell.site, 2)
    newest, oldest = await shell.site.store.read(fix_tasks_page)
    told = await shell.run("fix", "list")
    assert all(one.number in told.out for one in (newest, oldest))
    refused = await shell.run("fix", "mend", str(oldest.id), "12")
    assert refused.code != 0
    assert "12" in refused.err
    mended = await shell.run("fix", "mend", str(oldest.id), "020 7946 0018", "--json")
    assert json.loads(mended.out)["done"] == "mended"
    assert (await shell.site.store.read(get_contact, oldest.contact_id)).phones[0] == "+442079460018"
    assert "closed by" in (await shell.run("fix", "close", str(newest.id))).out
    again = await shell.run("fix", "close", str(newest.id))
    assert again.code != 0
    assert len(json.loads((await shell.run("fix", "list", "--done", "--json")).out)) == 2


async def test_a_segment_is_exported_and_a_file_that_cannot_be_is_told(shell: Shell) -> None:
    await shell.site.add_campaign(contacts=3)
    source = shell.folder / "all.yaml"
    source.write_text("title: Everybody\nall:\n  - tries < 3\n", encoding="utf-8")
    saved = await shell.run("segment", "save", "all", str(source))
    assert saved.code == 0, saved.err
    found = await shell.run("segment", "export", "all", "out.csv")
    assert (found.code, "out.csv: " in found.out) == (0, True), found.err
    with (shell.folder / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 4
    for words in (("all", "nowhere/out.csv"), ("nobody", "out2.csv")):
        refused = await shell.run("segment", "export", *words)
        assert (refused.code != 0, bool(refused.err.strip())) == (True, True)
        assert not (shell.folder / words[1]).exists()


async def test_the_order_of_calls_from_the_shell(shell: Shell) -> None:
    name = (await shell.site.add_campaign(contacts=1)).campaign.name
    assert "whoever waits longest is next" in (await shell.run("campaign", "order", name)).out
    changed = await shell.run("campaign", "order", name, "--by-time-zone", "--best-hour")
    assert changed.out.strip().endswith("time zones take turns; called again at the best hour and phone"), changed.err
    kept = await shell.run("campaign", "order", name, "--by-delay", "--json")
    assert json.loads(kept.out) == {"by_time_zone": True, "best_hour": False}
