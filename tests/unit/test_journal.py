"""Opt-outs kept in a file beside the database: on disk when they count, there after a crash, in reserved room."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.commands import AddDnc
from app.journal import FILE, Journal
from app.units import AttemptId, CampaignId

ONE = AddDnc(number="+447700900001", source="keypress", attempt_id=AttemptId("attempt00001"))
TWO = AddDnc(number="+447700900002", source="api", campaign_id=CampaignId(7), who="crm", why="просил")


def test_what_is_kept_is_there_after_a_crash_until_the_database_has_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert journal.kept == ()
    assert journal.keep(ONE)
    assert journal.keep(TWO)
    assert journal.keep(ONE), "it is there already"
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
    while journal.keep(AddDnc(number=f"+44770090{kept:04}", source="api")):
        kept += 1
        assert kept < 100
    assert file.stat().st_size == 1_000
    assert len(Journal(tmp_path, room=1_000).kept) == kept > 3


def test_a_line_that_was_torn_is_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = Journal(tmp_path)
    journal.keep(ONE)
    with (tmp_path / FILE).open("r+b") as file:
        file.seek(journal._end)
        file.write(b'{"number":"+4477')
    again = Journal(tmp_path)
    assert again.kept == (ONE,)
    assert "cannot be read" in capsys.readouterr().out
    assert again.keep(TWO)
    assert Journal(tmp_path).kept == (ONE, TWO)


def test_a_disk_that_fails_is_told_and_nothing_is_claimed(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    journal = Journal(folder, room=100)
    (folder / FILE).unlink()
    folder.rmdir()
    assert not journal.keep(ONE)
    assert journal.kept == ()
