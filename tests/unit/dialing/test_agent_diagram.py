"""docs/agents-states.md shows the table as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.agents import AgentState
from app.dialing import agent_diagram
from app.dialing.agent import TABLE, AgentStep
from app.dialing.agent_diagram import agent_states_page, name

PAGE = Path(__file__).parents[3] / "docs" / "agents-states.md"
REDRAW = (
    "python -c 'from app.dialing.agent_diagram import agent_states_page; print(agent_states_page(), end=\"\")'"
    " > docs/agents-states.md"
)


def test_the_page_is_in_step_with_the_table() -> None:
    assert PAGE.read_text() == agent_states_page(), f"the table has changed; redraw the page: {REDRAW}"


def test_every_step_of_the_table_is_drawn_and_nothing_else() -> None:
    drawn = {
        (left.strip(), step.strip(), right.partition(":")[0].strip())
        for line in agent_states_page().splitlines()
        if "-->" in line
        for left, _, right in [line.partition("-->")]
        for step in right.partition(":")[2].split(",")
    }
    steps = {(name(state), step.value, name(target)) for (state, step), target in TABLE.items() if target is not None}
    assert drawn == steps


def test_a_changed_row_shows_on_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    before = agent_states_page()
    planted = {**TABLE, (AgentState.PAUSED, AgentStep.HOLD): AgentState.ON_HOLD}
    monkeypatch.setattr(agent_diagram, "TABLE", planted)
    assert agent_states_page() != before
