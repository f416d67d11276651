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


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_records(tmp_path / "none.csv", {ONE})
