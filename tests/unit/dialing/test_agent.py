"""An agent's table: its rows, what is refused, and that no time is lost or counted twice."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.agents import AgentPlan, AgentState, AgentStint, PauseReason
from app.dialing.agent import SIGNED_IN, TABLE, AgentRun, AgentStep, IllegalStep
from app.units import CampaignId
from tests.unit.dialing.build import T0
from tests.unit.dialing.floor_world import seat

LUNCH: Final = PauseReason(code="lunch", label="Lunch", is_paid=False)
WAY_TO: Final[dict[AgentState, tuple[AgentStep, ...]]] = {
    AgentState.SIGNED_OUT: (),
    AgentState.PAUSED: (AgentStep.SIGN_IN,),
    AgentState.AVAILABLE: (AgentStep.SIGN_IN, AgentStep.GO_READY),
    AgentState.RESERVED: (AgentStep.SIGN_IN, AgentStep.GO_READY, AgentStep.RESERVE),
    AgentState.RINGING: (AgentStep.SIGN_IN, AgentStep.GO_READY, AgentStep.RING),
    AgentState.TALKING: (AgentStep.SIGN_IN, AgentStep.GO_READY, AgentStep.RING, AgentStep.TALK),
    AgentState.ON_HOLD: (AgentStep.SIGN_IN, AgentStep.GO_READY, AgentStep.RING, AgentStep.TALK, AgentStep.HOLD),
    AgentState.WRAP_UP: (AgentStep.SIGN_IN, AgentStep.GO_READY, AgentStep.RING, AgentStep.TALK, AgentStep.WRAP_UP),
}
EXPECTED: Final[dict[tuple[AgentState, AgentStep], AgentState]] = {
    (AgentState.SIGNED_OUT, AgentStep.SIGN_IN): AgentState.PAUSED,
    (AgentState.AVAILABLE, AgentStep.PAUSE): AgentState.PAUSED,
    (AgentState.AVAILABLE, AgentStep.RESERVE): AgentState.RESERVED,
    (AgentState.AVAILABLE, AgentStep.RING): AgentState.RINGING,
    (AgentState.AVAILABLE, AgentStep.SIGN_OUT): AgentState.SIGNED_OUT,
    (AgentState.RESERVED, AgentStep.PAUSE): AgentState.PAUSED,
    (AgentState.RESERVED, AgentStep.RING): AgentState.RINGING,
    (AgentState.RESERVED, AgentStep.RELEASE): AgentState.AVAILABLE,
    (AgentState.RESERVED, AgentStep.SIGN_OUT): AgentState.SIGNED_OUT,
    (AgentState.RINGING, AgentStep.PAUSE): AgentState.PAUSED,
    (AgentState.RINGING, AgentStep.TALK): AgentState.TALKING,
    (AgentState.RINGING, AgentStep.RELEASE): AgentState.AVAILABLE,
    (AgentState.RINGING, AgentStep.SIGN_OUT): AgentState.SIGNED_OUT,
    (AgentState.TALKING, AgentStep.PAUSE): AgentState.PAUSED,
    (AgentState.TALKING, AgentStep.HOLD): AgentState.ON_HOLD,
    (AgentState.TALKING, AgentStep.WRAP_UP): AgentState.WRAP_UP,
    (AgentState.TALKING, AgentStep.RELEASE): AgentState.AVAILABLE,
    (AgentState.TALKING, AgentStep.SIGN_OUT): AgentState.SIGNED_OUT,
    (AgentState.ON_HOLD, AgentStep.PAUSE): AgentState.PAUSED,
    (AgentState.ON_HOLD, AgentStep.RESUME): AgentState.TALKING,
    (AgentState.ON_HOLD, AgentStep.WRAP_UP): AgentState.WRAP_UP,
    (AgentState.ON_HOLD, AgentStep.RELEASE): AgentState.AVAILABLE,
    (AgentState.ON_HOLD, AgentStep.SIGN_OUT): AgentState.SIGNED_OUT,
    (AgentState.WRAP_UP, AgentStep.PAUSE): AgentState.PAUSED,
    (AgentState.WRAP_UP, AgentStep.RELEASE): AgentState.AVAILABLE,
    (AgentState.WRAP_UP, AgentStep.SIGN_OUT): AgentState.SIGNED_OUT,
    (AgentState.PAUSED, AgentStep.GO_READY): AgentState.AVAILABLE,
    (AgentState.PAUSED, AgentStep.PAUSE): AgentState.PAUSED,
    (AgentState.PAUSED, AgentStep.RESERVE): AgentState.RESERVED,
    (AgentState.PAUSED, AgentStep.FIND_TALK): AgentState.TALKING,
    (AgentState.PAUSED, AgentStep.FIND_WRAP_UP): AgentState.WRAP_UP,
    (AgentState.PAUSED, AgentStep.SIGN_OUT): AgentState.SIGNED_OUT,
}
"""The table a second time, by hand: whoever changes one must mean it."""


def take(agent: AgentRun, step: AgentStep, at_ms: int = T0) -> None:
    """A step, with a reason where it has one."""
    pauses = TABLE[agent.state, step] is AgentState.PAUSED
    agent.step(step, at_ms, reason=SIGNED_IN if pauses else None)


def agent_in(state: AgentState) -> AgentRun:
    """An agent who has come to this state."""
    agent = AgentRun(seat(), (CampaignId(1),))
    for step in WAY_TO[state]:
        take(agent, step)
    assert agent.state is state
    return agent


def facts(agent: AgentRun) -> list[object]:
    """Everything about an agent that a refused step must leave alone."""
    return [copy.copy(getattr(agent, name)) for name in AgentRun.__slots__ if name != "phone"]


@pytest.mark.parametrize(("state", "step"), EXPECTED, ids=lambda one: one.value)
def test_a_step_of_the_table_leads_where_it_says(state: AgentState, step: AgentStep) -> None:
    agent = agent_in(state)
    take(agent, step, T0 + 5)
    assert agent.state is EXPECTED[state, step]


@pytest.mark.parametrize(
    ("state", "step"),
    [pair for pair in TABLE if pair not in EXPECTED],
    ids=lambda one: one.value,
)
def test_a_step_the_table_does_not_have_is_refused_and_changes_nothing(state: AgentState, step: AgentStep) -> None:
    agent = agent_in(state)
    before = facts(agent)
    with pytest.raises(IllegalStep, match=f"agent 1 is {state.value}"):
        agent.step(step, T0 + 5)
    assert facts(agent) == before
    assert not agent.may(step)


def test_a_pause_has_a_reason_and_nothing_else_has() -> None:
    with pytest.raises(AssertionError):
        agent_in(AgentState.AVAILABLE).step(AgentStep.PAUSE, T0)
    with pytest.raises(AssertionError):
        agent_in(AgentState.PAUSED).step(AgentStep.GO_READY, T0, reason=LUNCH)


def test_a_stint_tells_why_and_for_whom() -> None:
    agent = agent_in(AgentState.AVAILABLE)
    logged = agent.step(AgentStep.PAUSE, T0 + 9, reason=LUNCH)
    assert logged.ended is not None
    assert (logged.ended.state, logged.ended.until_ms) == (AgentState.AVAILABLE, T0 + 9)
    assert logged.now == AgentStint(
        agent_id=agent.id,
        session_id=agent.seat.session_id,
        state=AgentState.PAUSED,
        from_ms=T0 + 9,
        reason="lunch",
        is_paid=False,
    )


def test_talk_with_hold_is_counted_and_nothing_else() -> None:
    agent = agent_in(AgentState.RINGING)
    take(agent, AgentStep.TALK, T0 + 1_000)
    take(agent, AgentStep.HOLD, T0 + 4_000)
    take(agent, AgentStep.RESUME, T0 + 9_000)
    take(agent, AgentStep.WRAP_UP, T0 + 10_000)
    take(agent, AgentStep.RELEASE, T0 + 30_000)
    assert agent.talked_ms == 9_000


def test_wrap_up_is_extended_by_what_the_campaign_says() -> None:
    plan = AgentPlan(wrap_up_ms=10_000, wrap_up_extension_ms=7_000)
    agent = agent_in(AgentState.WRAP_UP)
    agent.begin_wrap_up(plan, T0)
    agent.extend_wrap_up(plan)
    assert (agent.deadline_ms, agent.extensions) == (T0 + 17_000, 1)
    take(agent, AgentStep.RELEASE, T0 + 1)
    assert agent.deadline_ms is None


@given(st.lists(st.tuples(st.sampled_from(AgentStep), st.integers(0, 10_000)), max_size=40))
def test_stints_tile_the_time_of_a_session(moves: list[tuple[AgentStep, int]]) -> None:
    agent = agent_in(AgentState.SIGNED_OUT)
    now, first = T0, None
    stints: list[AgentStint] = []
    for step, length_ms in [(AgentStep.SIGN_IN, 0), *moves]:
        now += length_ms
        target = TABLE[agent.state, step]
        if target is None or (step is AgentStep.SIGN_IN and first is not None):
            continue
        first = now if first is None else first
        logged = agent.step(step, now, reason=LUNCH if target is AgentState.PAUSED else None)
        if logged.ended is not None:
            stints.append(logged.ended)
        assert (logged.now is None) is (target is AgentState.SIGNED_OUT)
    for before, after in pairwise(stints):
        assert before.until_ms == after.from_ms
    if stints:
        assert stints[0].from_ms == first
