"""Opt-outs kept in a file beside the database: on disk when they count, there after a crash, in reserved room."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.commands import AddDnc
from app.events import Event
from app.journal import FILE, HANDED_OVER, Journal
from app.store.errors import Misfit, StoreError
from app.units import AttemptId, CampaignId

ONE = AddDnc(number="+447700900001", source="keypress", attempt_id=AttemptId("attempt00001"))
TWO = AddDnc(number="+447700900002", source="api", campaign_id=CampaignId(7), who="crm", why="просил")


def test_what_is_kept_is_there_after_a_crash_until_the_database_has_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert journal.kept == ()
    assert list(journal.keep([ONE])) == [ONE]
    assert list(journal.keep([TWO, ONE, TWO])) == [TWO], "the other is there already"
    again = Journal(tmp_path)
    assert list(again.kept) == [ONE, TWO]
    again.clear()
    assert len(again.kept) == 0
    assert Journal(tmp_path).kept == ()


def test_its_room_is_taken_beforehand_and_no_more(tmp_path: Path) -> None:
    journal = Journal(tmp_path, room=1_000)
    file = tmp_path / FILE
    assert file.stat().st_size == 1_000
    assert file.stat().st_blocks * 512 >= 1_000, "bytes, not a hole"
    kept = 0
    while journal.keep([AddDnc(number=f"+44770090{kept:04}", source="api")]):
        kept += 1
        assert kept < 100
    assert file.stat().st_size == 1_000
    assert len(Journal(tmp_path, room=1_000).kept) == kept > 3


def test_a_line_that_was_torn_is_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = Journal(tmp_path)
    journal.keep([ONE])
    with (tmp_path / FILE).open("r+b") as file:
        file.seek(journal._end)
        file.write(b'{"number":"+4477')
    again = Journal(tmp_path)
    assert again.kept == (ONE,)
    assert "cannot be read" in capsys.readouterr().out
    assert again.keep([TWO])
    assert Journal(tmp_path).kept == (ONE, TWO)


def test_a_disk_that_fails_is_told_and_nothing_is_claimed(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    journal = Journal(folder, room=100)
    (folder / FILE).unlink()
    folder.rmdir()
    assert not journal.keep([ONE])
    assert journal.kept == ()


def test_opt_outs_that_come_together_are_synced_once_and_not_looked_for_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path)
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    many = [AddDnc(number=f"+44770090{place:04}", source="api") for place in range(2_000)]
    assert list(journal.keep(many)) == many
    assert len(synced) == 1
    assert list(journal.keep(many)) == [], "all are there already"
    assert len(synced) == 1
    assert list(Journal(tmp_path).kept) == many
    assert isinstance(journal._kept, dict), "found by hash: a retry asks for each of those that wait"


def test_of_those_that_come_together_as_many_are_kept_as_there_is_room_for(tmp_path: Path) -> None:
    journal = Journal(tmp_path, room=1_000)
    many = [AddDnc(number=f"+44770090{place:04}", source="api") for place in range(100)]
    kept = list(journal.keep(many))
    assert 3 < len(kept) < 100
    assert kept == many[: len(kept)]
    assert list(Journal(tmp_path, room=1_000).kept) == kept


def test_what_stands_behind_entries_that_another_dialer_cleared_is_read(tmp_path: Path) -> None:
    mine = Journal(tmp_path)
    mine.keep([ONE])
    Journal(tmp_path).clear()
    mine.keep([TWO])
    assert Journal(tmp_path).kept == (TWO,)


class List:
    """The database's side: it refuses everything, or for good what is about a campaign."""

    def __init__(self, *, refuses: bool = False, has_campaigns: bool = True) -> None:
        self.refuses = refuses
        self.has_campaigns = has_campaigns
        self.barred: list[AddDnc] = []
        self.most = 0

    async def bar(self, opt_outs: Sequence[AddDnc], now_ms: int) -> Sequence[Event]:
        if self.refuses:
            raise StoreError("disk full")
        if not self.has_campaigns and any(one.campaign_id for one in opt_outs):
            raise Misfit("no such campaign")
        self.most = max(self.most, len(opt_outs))
        self.barred += opt_outs
        return []


async def test_what_is_handed_over_is_in_the_database_before_it_leaves_the_journal(tmp_path: Path) -> None:
    journal, store = Journal(tmp_path), List(refuses=True)
    journal.keep([ONE, TWO])
    assert not await journal.hand_over(store, 0)
    assert Journal(tmp_path).kept == (ONE, TWO)
    store.refuses = False
    assert await journal.hand_over(store, 0)
    assert store.barred == [ONE, TWO]
    assert Journal(tmp_path).kept == ()


async def test_one_that_can_never_be_written_does_not_keep_the_others_back(tmp_path: Path) -> None:
    journal, store = Journal(tmp_path), List(has_campaigns=False)
    journal.keep([TWO, ONE])
    assert await journal.hand_over(store, 0)
    assert store.barred == [ONE]
    assert journal.kept == ()


async def test_a_full_journal_is_handed_over_in_transactions_of_bounded_size(tmp_path: Path) -> None:
    journal, store = Journal(tmp_path), List()
    journal.keep([AddDnc(number=f"+44770090{place:04}", source="api") for place in range(HANDED_OVER + 7)])
    assert await journal.hand_over(store, 0)
    assert (len(store.barred), store.most) == (HANDED_OVER + 7, HANDED_OVER)
