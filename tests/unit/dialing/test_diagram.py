"""docs/calls.md shows the table as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.dialing import diagram
from app.dialing.call import TABLE, CallState
from app.dialing.diagram import calls_page
from app.events import CallRefused

PAGE = Path(__file__).parents[3] / "docs" / "calls.md"
REDRAW = "python -c 'from app.dialing.diagram import calls_page; print(calls_page(), end=\"\")' > docs/calls.md"


def test_the_page_is_in_step_with_the_table() -> None:
    assert PAGE.read_text() == calls_page(), f"the table has changed; redraw the page: {REDRAW}"


def test_every_step_of_the_table_is_drawn_and_nothing_else() -> None:
    drawn = {
        (left.strip(), name.strip())
        for line in calls_page().splitlines()
        if "-->" in line and ":" in line
        for left, _, right in [line.partition("-->")]
        for name in right.partition(":")[2].split(",")
    }
    steps = {
        (state.value, kind.__name__.removeprefix("Call").lower())
        for (state, kind), target in TABLE.items()
        if target is not None
    }
    assert drawn == steps


def test_a_changed_row_shows_on_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    before = calls_page()
    planted = {**TABLE, (CallState.RINGING, CallRefused): CallState.REFUSED}
    monkeypatch.setattr(diagram, "TABLE", planted)
    assert calls_page() != before
    assert "ringing --> refused: refused" in calls_page()
