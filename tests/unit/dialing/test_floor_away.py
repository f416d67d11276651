"""Agents who pause, sign out, lose their page or their phone: nobody is left alone for it."""

from __future__ import annotations

import pytest

from app.agent_events import (
    AgentPaused,
    AgentSignedOut,
    AgentWentReady,
    BrowserLost,
    PhoneAsked,
    PhoneReachable,
)
from app.agents import (
    PhoneMode,
)
from app.commands import RenewLease
from app.units import AttemptId, LegId, RoomId
from tests.unit.dialing.build import phone
from tests.unit.dialing.floor_world import ONE, FloorWorld
from tests.unit.dialing.on_floor import (
    AVAILABLE,
    FIRST,
    LUNCH,
    ME,
    PAUSED,
    RINGING,
    SECOND,
    TALKING,
    WRAP_UP,
    YOU,
    floor,
    talk_of,
    talking,
)

# --- pauses, sign-outs, pages ----------------------------------------------------------------------------------------


def test_a_pause_in_a_call_is_taken_after_it_and_can_be_taken_back() -> None:
    world = talking()
    world.ask(AgentPaused(agent_id=ME, reason=LUNCH))
    assert (world.state(), world.shown().pause_next) == (TALKING, "Lunch")
    world.ask(AgentWentReady(agent_id=ME))
    assert world.shown().pause_next == ""
    world.ask(AgentPaused(agent_id=ME, reason=LUNCH))
    world.hang_up(FIRST)
    world.dispose()
    assert (world.state(), world.shown().reason) == (PAUSED, "lunch")


def test_a_pause_while_it_rings_takes_the_call_back_or_gives_it_to_another() -> None:
    world = floor(1)
    world.begin(1)
    assert world.state(1) is RINGING
    world.begin(2)
    world.ask(AgentPaused(agent_id=ME, reason=LUNCH))
    assert (world.state(1), world.state(2)) == (PAUSED, RINGING)
    world.ask(AgentPaused(agent_id=YOU, reason=LUNCH))
    assert world.state(2) is PAUSED
    assert world.calls[FIRST].is_hung_up


def test_signing_out_in_a_call_waits_for_its_end() -> None:
    world = talking()
    world.ask(AgentSignedOut(agent_id=ME))
    assert world.shown().signs_out_next
    world.hang_up(FIRST)
    world.dispose()
    assert world.dialer.agent_picture(ME, world.now) is None
    assert world.stints[world.seats[ME].session_id][-1].until_ms == world.now
    assert not [leg for leg in world.legs.values() if leg.exists]
    assert not world.rooms


def test_signing_out_in_wrap_up_saves_what_is_set() -> None:
    world = talking()
    world.hang_up(FIRST)
    world.dispose(code="other", is_done=False)
    world.ask(AgentSignedOut(agent_id=ME))
    assert world.dialer.agent_picture(ME, world.now) is None
    assert talk_of(world).disposition == "other"


def test_an_agent_whose_page_is_away_gets_nobody_new_and_is_paused_after_a_minute() -> None:
    world = floor(0, goes_on=True)
    world.begin(1)
    world.ask(BrowserLost(agent_id=ME, is_lost=True))
    world.add_contacts(ONE, phone(1))
    world.advance(30_000)
    assert world.state() is AVAILABLE
    assert not world.disk.open
    world.ask(BrowserLost(agent_id=ME, is_lost=False))
    world.advance(15_000)
    assert world.state() is RINGING
    world.end(AttemptId("attempt00001"), sip_code=486, cause=17)
    world.settle()
    world.ask(BrowserLost(agent_id=ME, is_lost=True))
    world.advance(60_000)
    assert (world.state(), world.shown().reason) == (PAUSED, "browser-lost")
    world.advance(3_600_000)
    assert world.state() is PAUSED, "never signed out"


def test_a_call_goes_on_without_the_page_and_a_page_that_is_back_in_time_is_forgiven() -> None:
    world = talking()
    world.ask(BrowserLost(agent_id=ME, is_lost=True))
    world.advance(61_000)
    assert (world.state(), world.shown().pause_next) == (TALKING, "Browser lost")
    world.ask(BrowserLost(agent_id=ME, is_lost=False))
    assert world.shown().pause_next == ""


# --- phones ----------------------------------------------------------------------------------------------------------


def test_who_has_no_phone_cannot_go_ready() -> None:
    world = floor()
    world.phones_answer = False
    world.sign_in(1)
    assert "pick it up" in str(world.dialer.refusal(AgentWentReady(agent_id=ME)))
    world.put_down(world.leg_of(1), "nobody answered")
    assert (world.state(), world.shown().phone_note) == (PAUSED, "nobody answered")
    assert "nobody answered" in str(world.dialer.refusal(AgentWentReady(agent_id=ME)))
    world.ask(PhoneAsked(agent_id=ME))
    assert world.leg_of(1) == LegId("session0001-p2")
    world.pick_up(world.leg_of(1))
    world.ask(AgentWentReady(agent_id=ME))
    assert world.state() is RINGING


def test_a_lost_phone_pauses_and_the_person_goes_to_another_agent_at_once() -> None:
    world = talking(1)
    world.begin(2)
    world.advance(10_000)
    world.put_down(world.leg_of(1))
    assert (world.state(1), world.shown(1).reason) == (PAUSED, "phone-lost")
    assert world.state(2) is TALKING
    assert world.where[FIRST] == RoomId("session0002-room")
    world.advance(5_000)
    world.hang_up(FIRST)
    world.dispose(2)
    talk = talk_of(world)
    assert (talk.agent_id, talk.talk_ms) == (2, 15_000)


@pytest.mark.parametrize("how", ["hung up", "unregistered"])
def test_a_person_whose_agent_vanished_hears_music_and_soon_the_message(how: str) -> None:
    world = talking(1)
    if how == "hung up":
        world.put_down(world.leg_of(1))
    else:
        world.tell(PhoneReachable(endpoint="agent-1", is_reachable=False))
        world.settle()
    assert FIRST in world.music
    lease = world.calls[FIRST].lease_until_ms
    assert lease <= world.now + 30_000, "nobody waits for hours without us"
    world.advance(2_000)
    assert (FIRST, f"{FIRST}-harbor") in world.heard
    assert world.calls[FIRST].is_hung_up
    world.hang_up(FIRST)
    assert talk_of(world).disposition == "not-set"
    assert world.state() is PAUSED


def silent(world: FloorWorld, *, is_reachable: bool = False) -> None:
    """The phone of agent 1 does not answer OPTIONS any more, or does again."""
    world.tell(PhoneReachable(endpoint="agent-1", is_reachable=is_reachable, is_silent=not is_reachable))
    world.settle()


def test_a_phone_in_a_call_that_does_not_answer_when_asked_is_not_cut_off() -> None:
    world = talking(1)
    silent(world)
    assert world.state() is TALKING
    silent(world, is_reachable=True)
    world.hang_up(FIRST)
    world.dispose()
    assert world.state() is not PAUSED


def test_a_phone_in_a_call_that_neither_answers_nor_sounds_is_lost() -> None:
    world = talking(1)
    silent(world)
    world.put_down(world.leg_of(1), "no sound came from the phone any more")
    assert world.state() is PAUSED
    assert FIRST in world.music


def test_a_phone_in_a_call_that_was_silent_and_then_signed_off_is_lost() -> None:
    world = talking(1)
    silent(world)
    world.tell(PhoneReachable(endpoint="agent-1", is_reachable=False))
    world.settle()
    assert world.state() is PAUSED
    assert FIRST in world.music


def test_nobody_is_put_through_to_a_phone_in_doubt() -> None:
    world = floor(1, goes_on=True)
    world.begin(1)
    world.end(FIRST, cause=17)
    world.settle()
    world.advance(1_000)
    silent(world)
    assert world.state() is AVAILABLE
    world.add_contacts(ONE, phone(7))
    world.start(world.campaigns[ONE])
    world.advance(2_000)
    assert not world.up(), "nobody is called for them"
    silent(world, is_reachable=True)
    world.advance(2_000)
    assert world.state() is RINGING


def test_a_phone_rung_per_call_that_vanished_is_lost_though_it_is_idle() -> None:
    world = floor(1, goes_on=True)
    world.begin(1, phone_mode=PhoneMode.PER_CALL)
    world.end(FIRST, cause=17)
    world.settle()
    silent(world)
    assert (world.state(), world.shown().reason) == (PAUSED, "phone-lost")


def test_a_person_whose_agents_phone_is_rung_and_vanished_goes_to_another() -> None:
    world = floor(1, goes_on=True)
    world.phones_answer = False
    world.begin(1, phone_mode=PhoneMode.PER_CALL)
    world.answer(FIRST)
    world.phones_answer = True
    world.begin(2)
    assert world.state(1) is RINGING
    silent(world)
    assert (world.state(1), world.state(2)) == (PAUSED, TALKING)


def test_whoever_is_free_in_time_takes_over_a_person_whose_agent_vanished_before_all_others() -> None:
    world = floor(2)
    world.begin(1)
    world.begin(2)
    world.advance(500)
    world.answer(FIRST)
    world.answer(SECOND)
    world.put_down(world.leg_of(1))
    assert FIRST in world.music
    world.hang_up(SECOND)
    world.advance(1_000)
    world.dispose(2)
    assert world.where[FIRST] == RoomId("session0002-room")
    assert world.state(2) is TALKING
    assert world.calls[FIRST].lease_until_ms == world.now + 4 * 3_600_000, "a conversation may outlive us again"


def test_a_phone_is_renewed_for_as_long_as_the_session_lasts() -> None:
    world = floor(0, goes_on=True)
    world.begin(1)
    world.advance(5 * 3_600_000)
    assert world.legs[world.leg_of(1)].lease_until_ms > world.now
    assert world.state() is AVAILABLE


def test_a_conversation_is_renewed_for_as_long_as_it_lasts() -> None:
    world = talking(1)
    world.advance(9 * 3_600_000)
    assert world.state() is TALKING
    assert not any(isinstance(command, RenewLease) for command in world.turn())


def test_a_room_that_cannot_be_entered_costs_its_agent_the_phone_and_not_the_person() -> None:
    world = floor(1)
    world.begin(1)
    world.begin(2)
    del world.rooms[RoomId("session0001-room")]
    world.rooms_that_fail.add(RoomId("session0001-room"))
    world.answer(FIRST)
    assert (world.state(1), world.shown(1).reason) == (PAUSED, "phone-lost")
    assert world.where[FIRST] == RoomId("session0002-room")


# --- phones rung per call --------------------------------------------------------------------------------------------


def test_a_phone_per_call_is_rung_when_somebody_is_there_and_hung_up_after() -> None:
    world = floor(2)
    world.begin(1, phone_mode=PhoneMode.PER_CALL)
    assert not world.legs
    assert world.shown().phone_note == ""
    world.phones_answer = False
    world.answer(FIRST)
    assert world.state() is RINGING
    assert FIRST in world.music
    world.advance(1_000)
    world.pick_up(world.leg_of(1))
    assert world.state() is TALKING
    assert world.where[FIRST] == RoomId("session0001-room")
    world.hang_up(FIRST)
    assert world.state() is WRAP_UP
    assert not [leg for leg in world.legs.values() if leg.exists]
    world.dispose()
    world.phones_answer = True
    world.answer(SECOND)
    assert world.leg_of(1) == LegId("session0001-p2")


def test_a_phone_per_call_that_nobody_answers_pauses_its_agent_and_the_person_goes_on_to_another() -> None:
    world = floor(1)
    world.begin(1, phone_mode=PhoneMode.PER_CALL)
    world.phones_answer = False
    world.answer(FIRST)
    world.phones_answer = True
    world.begin(2)
    world.put_down(world.leg_of(1), "nobody answered")
    assert (world.state(1), world.shown(1).reason) == (PAUSED, "phone-unanswered")
    assert world.state(2) is TALKING


def test_putting_down_a_phone_per_call_ends_the_call() -> None:
    world = floor(1)
    world.begin(1, phone_mode=PhoneMode.PER_CALL)
    world.answer(FIRST)
    world.put_down(world.leg_of(1))
    assert world.state() is WRAP_UP
    assert world.calls[FIRST].is_hung_up
