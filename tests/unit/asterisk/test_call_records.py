"""Asterisk's records of calls, as cdr_csv writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.asterisk.call_records import CallEnding, read_records
from app.units import AttemptId

ONE, TWO, THREE = (AttemptId(f"06h0dgd65j251vimeoapcjj{place:03}") for place in (1, 2, 3))


def line(unique: str, ending: str, app: str = "Stasis", lasted: str = "9", talked: str = "5") -> str:
    times = '"2026-11-23 04:54:44",,"2026-11-23 04:54:53"'
    return (
        f'"","","s","outring-answered","""Ann, the ""first"""" <>","PJSIP/sipp-00000099","","{app}","a,b",{times},'
        f'{lasted},{talked},"{ending}","DOCUMENTATION","{unique}"\n'
    )


def test_what_is_asked_about_is_found_among_others(tmp_path: Path) -> None:
    file = tmp_path / "Master.csv"
    file.write_text(
        line(f"outring-{ONE}", "ANSWERED", lasted="2", talked="1")
        + line("1700000000.12", "ANSWERED")
        + line(f"outring-{THREE}", "BUSY")
        + line(f"outring-{ONE}", "ANSWERED", "Playback", lasted="4", talked="4")
        + line(f"outring-{ONE}", "NO ANSWER")
        + line(f"outring-{TWO}", "FAILED")
        + "broken,line\n"
    )
    found = read_records(file, {ONE, TWO})
    assert set(found) == {ONE}, "a failure tells nothing that is sure, and nobody asked about the third"
    one = found[ONE]
    assert (one.ending, one.lasted_ms, one.talked_ms, one.last_app) == (CallEnding.ANSWERED, 6_000, 5_000, "Playback")
    assert read_records(file, {THREE})[THREE].ending is CallEnding.BUSY


def test_only_the_end_of_a_long_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "Master.csv"
    last = line(f"outring-{TWO}", "NO ANSWER", lasted="0.250")
    file.write_text(line(f"outring-{ONE}", "BUSY") + last)
    assert read_records(file, {ONE, TWO}, tail_bytes=len(last) + 5) == {TWO: read_records(file, {TWO})[TWO]}
    assert read_records(file, {TWO})[TWO].lasted_ms == 250


def test_a_line_that_was_cut_off_takes_nothing_else_with_it(tmp_path: Path) -> None:
    """A full disk, or an Asterisk that was killed: half a line, with an open quote, and whole ones after it."""
    file = tmp_path / "Master.csv"
    cut = line(f"outring-{ONE}", "BUSY")[:30] + "\n"
    endless = '"' + "x" * 200_000 + f'","outring-{ONE}"\n'
    file.write_text(cut + line(f"outring-{TWO}", "BUSY") + endless + line(f"outring-{THREE}", "NO ANSWER"))
    found = read_records(file, {ONE, TWO, THREE})
    assert {one: record.ending for one, record in found.items()} == {
        TWO: CallEnding.BUSY, THREE: CallEnding.NO_ANSWER,
    }  # fmt: skip


def test_the_record_of_another_channel_of_the_same_call_is_not_the_persons(tmp_path: Path) -> None:
    """With newcdrcolumns the first channel of a call is named in the records of all of its channels."""
    file = tmp_path / "Master.csv"
    person = line(f"outring-{ONE}", "NO ANSWER").removesuffix("\n") + f',"","","outring-{ONE}","1"\n'
    phone = line("1700000000.12", "ANSWERED").removesuffix("\n") + f',"","","outring-{ONE}","2"\n'
    file.write_text(person + phone)
    assert read_records(file, {ONE})[ONE].ending is CallEnding.NO_ANSWER


def test_what_was_written_before_the_file_was_rotated_is_read_too(tmp_path: Path) -> None:
    file = tmp_path / "Master.csv"
    (tmp_path / "Master.csv.1").write_text(line(f"outring-{ONE}", "ANSWERED", lasted="2", talked="1"))
    assert read_records(file, {ONE})[ONE].lasted_ms == 2_000, "Asterisk has not begun the new one yet"
    file.write_text(line(f"outring-{ONE}", "ANSWERED", "Playback", lasted="4", talked="4"))
    assert read_records(file, {ONE})[ONE].lasted_ms == 6_000


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_records(tmp_path / "none.csv", {ONE})
