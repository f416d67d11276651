"""A floor at work: who answers is with an agent at once, and what came of it is written down once."""

from __future__ import annotations

from typing import Any

from app.agents import AgentState, DialingMode
from app.commands import CloseAttempt
from app.outcomes import ContactStatus, Outcome
from app.units import AttemptId, LegId, RoomId
from tests.unit.dialing.build import campaign, phone, trunk
from tests.unit.dialing.floor_world import ONE, FloorWorld

FIRST, SECOND = AttemptId("attempt00001"), AttemptId("attempt00002")


def floor(contacts: int = 3, **changes: Any) -> FloorWorld:
    """A progressive campaign with some contacts, on a trunk with room, and nobody signed in."""
    world = FloorWorld()
    world.set_trunk(trunk())
    world.start(campaign(1, **({"mode": DialingMode.PROGRESSIVE} | changes)))
    world.add_contacts(ONE, *(phone(place) for place in range(contacts)))
    world.connect()
    world.advance(100)
    return world


def test_nobody_is_dialed_without_an_agent() -> None:
    world = floor()
    world.advance(60_000)
    assert not world.disk.open
    assert world.dialer.snapshot(world.now).campaigns[0].waiting_for == "no agent serves it"
    world.sign_in(1)
    world.advance(60_000)
    assert not world.disk.open, "an agent who is not available is as good as none"
    assert world.dialer.snapshot(world.now).campaigns[0].waiting_for == "no agent is available"


def test_a_shift_from_sign_in_to_the_disposition() -> None:
    world = floor()
    world.sign_in(1)
    assert (world.state(), world.shown().reason) == (AgentState.PAUSED, "signed-in")
    assert world.shown().is_phone_up
    world.begin(2)
    assert world.state(2) is AgentState.RINGING, "available, and at once a call is on its way"
    assert world.up() == [FIRST]
    world.advance(4_000)
    world.answer(FIRST)
    assert world.state(2) is AgentState.TALKING
    assert world.where[FIRST] == RoomId("session0002-room")
    assert (LegId("session0002-p1"), "tone:beep") in world.heard
    card = world.shown(2).card
    assert card is not None
    assert (card.attempt_id, card.number, card.connected_at_ms) == (FIRST, phone(0), world.now)
    assert world.talked[FIRST] == 1
    world.advance(30_000)
    world.hang_up(FIRST)
    assert world.state(2) is AgentState.WRAP_UP
    assert world.shown(2).deadline_ms == world.now + 30_000
    assert FIRST in world.disk.open, "nobody else dials the contact while the card is open"
    world.advance(5_000)
    world.dispose(2, "success", note="wants two")
    assert world.state(2) is AgentState.RINGING, "and the next one"
    result = world.disk.closed[FIRST]
    assert (result.outcome, result.next.status) == (Outcome.CONNECTED_TO_AGENT, ContactStatus.CONNECTED)
    talk = result.conversation
    assert talk is not None
    assert (talk.agent_id, talk.disposition, talk.note) == (2, "success", "wants two")
    assert (talk.waited_ms, talk.talk_ms, talk.hold_ms, talk.wrap_up_ms) == (0, 30_000, 0, 5_000)
    stints = world.stints[world.seats[world.shown(2).agent_id].session_id]
    assert [stint.state for stint in stints[:7]] == [
        AgentState.PAUSED,
        AgentState.AVAILABLE,
        AgentState.RESERVED,
        AgentState.RINGING,
        AgentState.TALKING,
        AgentState.WRAP_UP,
        AgentState.AVAILABLE,
    ]


def test_nothing_is_closed_before_the_agent_has_spoken_and_then_once() -> None:
    world = floor(1)
    world.begin(1)
    world.answer(FIRST)
    world.hang_up(FIRST)
    assert not any(isinstance(command, CloseAttempt) for command in world.writes)
    assert FIRST not in world.disk.closed
    world.advance(29_000)
    assert FIRST not in world.disk.closed
    world.advance(1_000)
    talk = world.disk.closed[FIRST].conversation
    assert talk is not None
    assert talk.disposition == "not-set"
    assert world.state() is AgentState.AVAILABLE
    assert world.shown().waiting_for == "none of your campaigns is running", "its only contact was called"
