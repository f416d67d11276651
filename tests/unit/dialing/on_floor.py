"""A floor to begin with: a campaign, some contacts, and agent 1 at work; and what was written down of it."""

from __future__ import annotations

from typing import Any

from app.agents import (
    AgentPlan,
    AgentState,
    DialingMode,
    PauseReason,
)
from app.units import AgentId, AttemptId, CampaignId, ContactId
from tests.unit.dialing.build import campaign, phone, trunk
from tests.unit.dialing.floor_world import ONE, FloorWorld

FIRST, SECOND, THIRD = AttemptId("attempt00001"), AttemptId("attempt00002"), AttemptId("attempt00003")
ME, YOU = AgentId(1), AgentId(2)
TWO = CampaignId(2)
LUNCH = PauseReason(code="lunch", label="Lunch")
AVAILABLE, RESERVED, RINGING = AgentState.AVAILABLE, AgentState.RESERVED, AgentState.RINGING
TALKING, ON_HOLD, WRAP_UP, PAUSED = AgentState.TALKING, AgentState.ON_HOLD, AgentState.WRAP_UP, AgentState.PAUSED


def floor(contacts: int = 3, *, goes_on: bool = False, **changes: Any) -> FloorWorld:
    """A progressive campaign with some contacts, on a trunk with room, and nobody signed in.

    One contact more is due in a year, so that the campaign goes on.
    """
    world = FloorWorld()
    world.set_trunk(trunk())
    plan = AgentPlan(**{name: changes.pop(name) for name in list(changes) if name in AgentPlan.__slots__})
    world.start(campaign(1, **({"mode": DialingMode.PROGRESSIVE, "agents": plan} | changes)))
    world.add_contacts(ONE, *(phone(place) for place in range(contacts)))
    if goes_on:
        world.add_contacts(ONE, phone(99))
        world.disk.contacts[ONE][ContactId(contacts + 1)].due_at_ms = world.now + 31_536_000_000
    world.connect()
    world.advance(100)
    return world


def talking(contacts: int = 3, **changes: Any) -> FloorWorld:
    """Agent 1 talks with the first contact."""
    world = floor(contacts, **changes)
    world.begin(1)
    world.answer(FIRST)
    assert world.state() is TALKING
    return world


def result(world: FloorWorld, attempt_id: AttemptId = FIRST) -> Any:
    return world.disk.closed[attempt_id]


def talk_of(world: FloorWorld, attempt_id: AttemptId = FIRST) -> Any:
    found = result(world, attempt_id).conversation
    assert found is not None
    return found
