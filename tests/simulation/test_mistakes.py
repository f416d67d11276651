"""The listed mistakes: each can be planted in the source as it is today, and those that are played are found.

Here a few are played; all of them by `make mistakes`, which takes an hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.sim.rules import Rule
from tests.simulation.mistakes.listed import LISTS, ROOT, Mistake, SourceMovedOn, listed
from tests.simulation.mistakes.planting import Tree, judge, tree

MISTAKES = {one.name: one for one in listed()}
DEMANDS = {"UNFINISHED", "LEFT", "GAP", ""}
"""What plays look at beside the rules of the wire: `tests.simulation.mistakes.plays`."""
PLAYED = (
    ("a trunk takes one call more than it has lines", "TRUNK_LINES"),
    ("the campaign's rate is looked at and not spent", "CAMPAIGN_RATE"),
    ("an opt-out is not asked at the claim", "DNC_CALLED"),
    ("a line is never given back", "UNFINISHED"),
)
FEW = 4
"""Plays for each of these at the most: they are the quick ones."""


def test_there_are_at_least_a_hundred() -> None:
    assert len(MISTAKES) >= 100


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=list(MISTAKES))
def test_each_stands_in_the_source_once_and_says_what_it_does(mistake: Mistake) -> None:
    planted = mistake.planted()
    assert planted != (ROOT / mistake.file).read_text()
    if mistake.file.endswith(".py"):
        compile(planted, mistake.file, "exec")
    assert mistake.why
    assert mistake.finds in DEMANDS | set(Rule.__members__)
    assert mistake.tests
    assert all((ROOT / path).exists() for path in mistake.tests), mistake.tests


def test_a_source_that_has_moved_on_is_told() -> None:
    one = next(iter(MISTAKES.values()))
    with pytest.raises(SourceMovedOn, match="stands 0 times"):
        replace(one, stands="nobody ever wrote this").planted()
    with pytest.raises(SourceMovedOn, match="no app/nowhere"):
        replace(one, file="app/nowhere.py").planted()


def test_a_list_with_a_word_that_is_not_known_is_refused(tmp_path: Path) -> None:
    whole = (LISTS / "shell.toml").read_text()
    (tmp_path / "wrong.toml").write_text(whole + '\n[[mistake]]\nname = "x"\ninsted = ""\n')
    with pytest.raises(ValueError, match="insted"):
        listed(tmp_path)


@pytest.fixture(scope="module")
def copy() -> Iterator[Tree]:
    with tree() as one:
        yield one


def test_in_the_source_as_it_is_nothing_is_found(copy: Tree) -> None:
    lines, ended = copy.plays(few=FEW)
    assert not ended
    assert len(lines) == FEW
    assert not [line for line in lines if line["found"]]


@pytest.mark.parametrize(("name", "rule"), PLAYED)
def test_a_mistake_that_is_played_is_found_and_taken_out_again(copy: Tree, name: str, rule: str) -> None:
    mistake = MISTAKES[name]
    before = (ROOT / mistake.file).read_text()
    verdict = judge(copy, mistake, with_tests=False, few=FEW)
    assert rule in verdict.rules
    assert verdict.is_found
    assert (copy.folder / mistake.file).read_text() == (ROOT / mistake.file).read_text() == before


def test_an_engine_that_dies_of_its_mistake_is_told_from_a_checker_that_finds_it(copy: Tree) -> None:
    dies = replace(
        MISTAKES["a line is never given back"],
        stands="    line.release()\n",
        instead="    line.release()\n    line.release()\n",
        tests=("tests/simulation/test_ledger.py",),
    )
    verdict = judge(copy, dies, with_tests=False, few=1)
    assert not verdict.is_on_the_wire
    assert "released a line" in verdict.died
    assert verdict.is_found
