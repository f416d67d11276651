"""A person who waits comes before a call that only rings: its agent takes the person, and others the call."""

from __future__ import annotations

from typing import Any

import pytest

from app.agent_events import AgentJoined, AgentPaused, BrowserLost, PreviewAccepted
from app.agents import AgentPlan, DialingMode, PacingPlan
from app.events import CallRinging
from app.outcomes import Outcome
from app.units import AttemptId
from tests.unit.dialing.build import campaign, phone
from tests.unit.dialing.floor_world import ONE, FloorWorld
from tests.unit.dialing.on_floor import (
    FIRST,
    LUNCH,
    ME,
    PAUSED,
    RINGING,
    SECOND,
    TALKING,
    TWO,
    floor,
    result,
)  # fmt: skip


def ring(world: FloorWorld, *attempts: AttemptId) -> None:
    """The phones of these ring now."""
    for attempt_id in attempts:
        world.tell(CallRinging(attempt_id=attempt_id))
    world.settle()


def both(*, min_ring_ms: int = 15_000, **changes: Any) -> FloorWorld:
    """Agent 1 and 2 wait for a call each of a progressive campaign, and serve the people of a broadcast too."""
    world = floor(2, goes_on=True, pacing=PacingPlan(min_ring_ms=min_ring_ms), **changes)
    world.start(campaign(2, mode=DialingMode.BROADCAST, agents=AgentPlan(hold_ms=30_000)))
    world.add_contacts(TWO, phone(50))
    world.begin(1, 1, 2)
    world.begin(2, 1, 2)
    world.advance(1_000)
    return world


def the_broadcast(world: FloorWorld) -> AttemptId:
    [found] = [one for one in world.up() if world.disk.open[one].campaign_id == TWO]
    return found


def of_progressive(world: FloorWorld) -> list[AttemptId]:
    return [one for one in world.up() if world.disk.open[one].campaign_id == ONE]


def test_a_person_who_waits_is_given_to_an_agent_whose_own_call_only_rings() -> None:
    world = both()
    person, (one, two) = the_broadcast(world), of_progressive(world)
    ring(world, one, two)
    world.answer(person)
    assert sorted((world.state(1).value, world.state(2).value)) == sorted((TALKING.value, RINGING.value))
    assert person not in world.music
    assert not world.calls[one].is_hung_up
    assert not world.calls[two].is_hung_up, "nobody's phone stops ringing at once"


def test_the_call_that_rings_for_nobody_ends_when_it_has_rung_as_long_as_it_must() -> None:
    world = both()
    person, (one, two) = the_broadcast(world), of_progressive(world)
    ring(world, one)
    world.advance(4_000)
    ring(world, two)
    world.answer(person)
    assert world.state(1) is TALKING, "whose call may end soonest"
    world.advance(10_999)
    assert not world.calls[one].is_hung_up
    world.advance(1)
    assert world.calls[one].is_hung_up
    assert not world.calls[two].is_hung_up
    world.end(one)
    world.settle()
    found = result(world, one)
    assert found.outcome is Outcome.DIALER_STOPPED
    assert not found.is_charged
    assert found.next.due_at_ms > world.now, "their phone has rung: not at once again"


def test_a_call_that_does_not_ring_yet_ends_at_once() -> None:
    world = both()
    person, (one, two) = the_broadcast(world), of_progressive(world)
    ring(world, one)
    world.answer(person)
    assert world.state(2) is TALKING
    assert (world.calls[one].is_hung_up, world.calls[two].is_hung_up) == (False, True)


def test_the_call_is_the_next_free_agents() -> None:
    world = both()
    person, (one, two) = the_broadcast(world), of_progressive(world)
    ring(world, one, two)
    world.answer(person)
    assert world.state(1) is TALKING
    world.begin(3, 1)
    assert world.state(3) is RINGING
    assert world.shown(3).campaign_id == ONE
    world.advance(20_000)
    assert not world.calls[one].is_hung_up
    world.answer(one)
    assert world.state(3) is TALKING


def test_who_answers_a_call_that_rang_for_nobody_comes_to_the_other_whose_call_rings() -> None:
    world = both()
    person, (one, two) = the_broadcast(world), of_progressive(world)
    ring(world, one, two)
    world.answer(person)
    world.answer(one)
    assert (world.state(1), world.state(2)) == (TALKING, TALKING)
    assert not world.music
    world.advance(16_000)
    assert world.calls[two].is_hung_up


def test_who_answers_with_everybody_talking_counts_as_abandoned_when_nobody_comes_in_time() -> None:
    world = both(hold_ms=5_000)
    person, (one, two) = the_broadcast(world), of_progressive(world)
    ring(world, one, two)
    world.answer(person)
    world.answer(two)
    assert (world.state(1), world.state(2)) == (TALKING, TALKING)
    world.answer(one)
    assert one in world.music
    world.advance(5_000)
    assert (one, f"{one}-harbor") in world.heard
    world.end(one)
    world.settle()
    assert result(world, one).outcome is Outcome.ABANDONED_BY_DIALER


def test_without_a_least_ring_the_call_rings_on() -> None:
    world = both(min_ring_ms=0)
    person, (one, two) = the_broadcast(world), of_progressive(world)
    ring(world, one, two)
    world.answer(person)
    world.advance(20_000)
    assert not world.calls[one].is_hung_up
    assert not world.calls[two].is_hung_up


@pytest.mark.parametrize("how", ["pause", "page", "phone"])
def test_who_is_about_to_go_or_away_is_not_turned_to_a_person(how: str) -> None:
    world = floor(1, goes_on=True)
    world.start(campaign(2, mode=DialingMode.BROADCAST, agents=AgentPlan(hold_ms=30_000)))
    world.add_contacts(TWO, phone(50))
    world.begin(1, 1, 2)
    world.advance(1_000)
    person = the_broadcast(world)
    ring(world, *of_progressive(world))
    if how == "pause":
        world.ask(AgentPaused(agent_id=ME, reason=LUNCH))
    elif how == "page":
        world.ask(BrowserLost(agent_id=ME, is_lost=True))
    else:
        world.put_down(world.leg_of(1))
    world.answer(person)
    assert person in world.music
    assert world.state() is (RINGING if how == "page" else PAUSED)


def test_whose_agent_vanished_is_with_one_who_only_waited_within_the_same_moment() -> None:
    world = floor(2, goes_on=True)
    world.begin(1)
    world.answer(FIRST)
    world.begin(2)
    world.advance(1_000)
    ring(world, SECOND)
    assert (world.state(1), world.state(2)) == (TALKING, RINGING)
    world.put_down(world.leg_of(1), "no sound came from the phone any more")
    assert (world.state(1), world.state(2)) == (PAUSED, TALKING)
    assert FIRST not in world.music
    world.advance(15_000)
    assert world.calls[SECOND].is_hung_up


def test_who_joins_while_their_own_call_only_rings_is_given_whoever_waits_there() -> None:
    world = floor(1, goes_on=True, pacing=PacingPlan(min_ring_ms=15_000))
    world.start(campaign(2, mode=DialingMode.BROADCAST, agents=AgentPlan(hold_ms=30_000)))
    world.add_contacts(TWO, phone(50))
    world.begin(1)
    world.advance(1_000)
    ring(world, *of_progressive(world))
    person = the_broadcast(world)
    world.answer(person)
    assert person in world.music, "nobody serves them"
    assert world.state() is RINGING
    world.ask(AgentJoined(agent_id=ME, campaigns=(ONE, TWO)))
    assert world.state() is TALKING
    assert person not in world.music


def test_a_call_an_agent_chose_is_left_to_them() -> None:
    world = floor(1, goes_on=True, mode=DialingMode.PREVIEW)
    world.start(campaign(2, mode=DialingMode.BROADCAST, agents=AgentPlan(hold_ms=30_000)))
    world.add_contacts(TWO, phone(50))
    world.begin(1, 1, 2)
    card = world.shown().card
    assert card is not None
    world.ask(PreviewAccepted(agent_id=ME, attempt_id=card.attempt_id))
    world.advance(1_000)
    person = the_broadcast(world)
    ring(world, *of_progressive(world))
    world.answer(person)
    assert person in world.music
    assert world.state() is RINGING
