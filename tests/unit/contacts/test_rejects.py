"""The file of rejected rows: safe in a spreadsheet, and the same rows again when it is imported."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.contacts.problems import RowProblem, SheetProblem
from app.contacts.rejects import REASONS, RejectsFile, neutralised, restored

PROBLEM = RowProblem(line=3, column="phone", what="=x", why="it has letters in it", mend="write digits")


@pytest.mark.parametrize("cell", ["=1+1", "+44 7700 900123", "-5", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert neutralised(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["", "Bob", "07700 900123", "a=1", "'quoted"])
def test_other_cells_stay_as_they_are(cell: str) -> None:
    assert neutralised(cell) == cell


@given(st.text(st.sampled_from("=+-@\t'ab"), max_size=4).filter(lambda text: not text.startswith("'")))
def test_what_was_neutralised_is_restored(cell: str) -> None:
    assert restored(neutralised(cell)) == cell


def test_rows_are_written_with_their_reasons_before_them(tmp_path: Path) -> None:
    path = tmp_path / "rejected.csv"
    rejects = RejectsFile(path, ["name", "phone"])
    rejects.add(['=HYPERLINK("x")', "x", "one cell too many"], PROBLEM)
    rejects.close()
    with path.open(encoding="utf-8-sig", newline="") as stream:
        header, row = csv.reader(stream)
    assert header == [*REASONS, "name", "phone"]
    assert row[:2] == ["3", "phone"]
    assert row[4:] == ['\'=HYPERLINK("x")', "x", "one cell too many"]


def test_no_file_is_made_when_nothing_is_rejected(tmp_path: Path) -> None:
    RejectsFile(tmp_path / "rejected.csv", ["name"]).close()
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(SheetProblem, match="cannot be written"):
        RejectsFile(tmp_path, ["name"]).add(["x"], PROBLEM)
