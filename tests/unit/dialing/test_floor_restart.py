"""The dialer is killed and comes back: phones, conversations and cards go on; nobody is lost or called twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.agent_events import (
    AgentPaused,
    AgentSignedOut,
    AgentWentReady,
    BrowserLost,
    HoldAsked,
    ManualDialAsked,
    PhoneReachable,
    PreviewAccepted,
    RecordAsked,
    TransferAsked,
)
from app.agents import AgentPlan, AgentState, DialingMode, PauseReason, PhoneMode, RecordingPolicy
from app.dialing.phone import CALL_BACK_AGAIN_MS, CALL_BACK_FOR_MS
from app.events import PlaybackEnded
from app.outcomes import Outcome
from app.units import AgentId, AttemptId, LegId, Number, RoomId
from tests.unit.dialing.build import campaign, phone, trunk
from tests.unit.dialing.floor_world import ONE, FloorWorld, typed

FIRST = AttemptId("attempt00001")
ME, YOU = AgentId(1), AgentId(2)
MINE = RoomId("session0001-room")
AVAILABLE, RINGING, PAUSED = AgentState.AVAILABLE, AgentState.RINGING, AgentState.PAUSED
TALKING, WRAP_UP = AgentState.TALKING, AgentState.WRAP_UP


def talking(**changes: Any) -> FloorWorld:
    """Agent 1 talks with the only contact; agent 2 has lunch."""
    world = FloorWorld()
    world.set_trunk(trunk())
    world.start(campaign(1, mode=DialingMode.PROGRESSIVE, agents=AgentPlan(**changes)))
    world.add_contacts(ONE, phone(0))
    world.connect()
    world.advance(100)
    world.begin(1)
    world.answer(FIRST)
    world.sign_in(2)
    world.advance(10_000)
    assert world.state() is TALKING
    return world


def restart(world: FloorWorld, *, after_ms: int = 0, is_new_life: bool = False) -> None:
    """The dialer is gone for a while, and Asterisk is not (or was restarted too)."""
    world.crash()
    world.now += after_ms
    world.connect(is_new_life=is_new_life)
    world.settle()


def come_back(world: FloorWorld, *places: int) -> None:
    """Their pages are there again."""
    for place in places:
        world.ask(BrowserLost(agent_id=AgentId(place), is_lost=False))


def test_a_conversation_goes_on_in_the_same_room() -> None:
    world = talking()
    restart(world, after_ms=5_000)
    assert world.state() is TALKING
    assert world.where[FIRST] == MINE
    assert world.shown().is_phone_up
    assert world.shown().card.attempt_id == FIRST  # type: ignore[union-attr]
    world.advance(5_000)
    world.hang_up(FIRST)
    assert world.state() is WRAP_UP
    world.dispose()
    found = world.disk.closed[FIRST]
    assert found.outcome is Outcome.CONNECTED_TO_AGENT
    assert found.conversation is not None
    assert found.conversation.talk_ms == 20_000, "the time without the dialer is theirs too"
    assert [len(wires) for wires in [world.calls]] == [1], "nobody is called twice"


def test_what_is_recorded_is_recorded_on_and_ends_with_the_conversation() -> None:
    world = talking(recording=RecordingPolicy.ALWAYS)
    restart(world, after_ms=5_000)
    assert list(world.recordings) == [f"{FIRST}-talk"]
    world.ask(HoldAsked(agent_id=ME, is_on=True))
    world.ask(HoldAsked(agent_id=ME, is_on=False))
    world.hang_up(FIRST)
    assert not world.recordings
    world.dispose()
    found = world.disk.closed[FIRST].conversation
    assert found is not None
    assert found.recordings == (f"{FIRST}-talk",)


def test_a_recording_of_before_under_another_name_ends_too_and_is_kept() -> None:
    world = talking(recording=RecordingPolicy.ON_DEMAND)
    for is_on in (True, False, True):
        world.ask(RecordAsked(agent_id=ME, is_on=is_on))
    restart(world, after_ms=5_000)
    world.hang_up(FIRST)
    assert not world.recordings
    world.dispose()
    found = world.disk.closed[FIRST].conversation
    assert found is not None
    assert f"{FIRST}-talk-2" in found.recordings


def test_a_recording_can_be_ended_and_begun_again_after_each_of_two_restarts() -> None:
    world = talking(recording=RecordingPolicy.ON_DEMAND)
    world.ask(RecordAsked(agent_id=ME, is_on=True))
    restart(world, after_ms=5_000)
    assert world.shown().is_recording, "the desk shows what runs"
    restart(world, after_ms=5_000)
    world.ask(RecordAsked(agent_id=ME, is_on=False))
    assert not world.recordings
    world.ask(RecordAsked(agent_id=ME, is_on=True))
    [third] = world.recordings
    restart(world, after_ms=5_000)
    restart(world, after_ms=5_000)
    assert world.shown().is_recording
    world.hang_up(FIRST)
    assert not world.recordings
    world.dispose()
    found = world.disk.closed[FIRST].conversation
    assert found is not None
    assert found.recordings == (f"{FIRST}-talk", third)


def test_a_recording_that_begun_unwritten_is_ended_by_the_name_it_must_have() -> None:
    world = talking(recording=RecordingPolicy.ON_DEMAND)
    world.ask(RecordAsked(agent_id=ME, is_on=True))
    world.saved[FIRST] = replace(world.saved[FIRST], recordings=(), recording="")  # killed before it was on disk
    restart(world)
    assert not world.shown().is_recording
    world.ask(RecordAsked(agent_id=ME, is_on=True))
    assert sorted(world.recordings) == [f"{FIRST}-talk", f"{FIRST}-talk-2"], "its name is not used again"
    restart(world)
    world.hang_up(FIRST)
    assert not world.recordings


def test_who_was_not_told_of_a_recording_before_a_restart_is_told_after_it() -> None:
    world = talking(recording=RecordingPolicy.ON_DEMAND, consent_notice="This call is recorded.")
    world.playbacks_end = False
    restart(world)
    world.ask(RecordAsked(agent_id=ME, is_on=True))
    world.settle()
    assert not world.recordings
    world.tell(PlaybackEnded(attempt_id=FIRST, playback_id=f"{FIRST}-notice"))
    world.settle()
    assert list(world.recordings) == [f"{FIRST}-talk-2"], "the life before may have begun one"


def test_a_person_whose_agent_is_gone_after_a_restart_hears_why_they_are_hung_up() -> None:
    world = talking()
    world.crash()
    world.put_down(world.leg_of(1))
    world.connect()
    world.settle()
    world.advance(2_000)
    assert (FIRST, f"{FIRST}-harbor") in world.heard


def test_a_conversation_that_ended_during_a_restart_is_recorded_no_longer() -> None:
    world = talking(recording=RecordingPolicy.ALWAYS)
    world.crash()
    world.end(FIRST)
    assert world.recordings
    world.connect()
    world.settle()
    assert not world.recordings, "the agent's room is not to be recorded on"
    world.dispose()
    found = world.disk.closed[FIRST].conversation
    assert found is not None
    assert found.recordings == (f"{FIRST}-talk",)


LUNCH = PauseReason(code="lunch", label="Lunch", is_paid=False, limit_ms=1_800_000)


@pytest.mark.parametrize("restarts", [1, 2])
def test_a_pause_asked_for_in_a_call_comes_after_it_though_the_dialer_was_restarted(restarts: int) -> None:
    world = talking()
    world.ask(AgentPaused(agent_id=ME, reason=LUNCH))
    for _ in range(restarts):
        restart(world)
    assert world.state() is TALKING
    assert world.shown().pause_next == LUNCH.label
    come_back(world, 1)
    world.hang_up(FIRST)
    world.dispose()
    assert (world.state(), world.shown().reason) == (PAUSED, LUNCH.code)


def test_a_sign_out_asked_for_in_a_call_comes_after_it_though_the_dialer_was_restarted() -> None:
    world = talking()
    world.ask(AgentSignedOut(agent_id=ME))
    restart(world)
    world.hang_up(FIRST)
    world.dispose()
    assert world.dialer.agent_picture(ME, world.now) is None


def test_what_was_asked_for_and_taken_back_is_not_asked_for_after_a_restart() -> None:
    world = talking()
    world.ask(AgentPaused(agent_id=ME, reason=LUNCH))
    world.ask(AgentWentReady(agent_id=ME))
    restart(world)
    come_back(world, 1)
    world.hang_up(FIRST)
    world.dispose()
    assert world.state() is AVAILABLE


def test_the_pause_comes_at_once_where_the_call_it_was_to_follow_ended_with_the_dialer() -> None:
    world = talking()
    world.ask(AgentPaused(agent_id=ME, reason=LUNCH))
    del world.talked[FIRST]  # killed before the conversation was written down
    world.crash()
    world.end(FIRST)
    world.connect()
    world.settle()
    assert (world.state(), world.shown().reason) == (PAUSED, LUNCH.code)


def test_a_conversation_on_a_phone_per_call_goes_on_too() -> None:
    world = talking()
    world.hang_up(FIRST)
    world.dispose()
    world.add_contacts(ONE, phone(1))
    world.start(world.campaigns[ONE])
    world.ask(AgentPaused(agent_id=ME, reason=PauseReason(code="lunch", label="Lunch")))
    world.begin(3, phone_mode=PhoneMode.PER_CALL)
    world.advance(200)
    second = AttemptId("attempt00002")
    world.answer(second)
    assert world.state(3) is TALKING
    restart(world)
    assert world.state(3) is TALKING
    assert world.where[second] == RoomId("session0003-room")
    world.crash()
    world.end(second)
    world.connect()
    world.settle()
    assert world.state(3) is WRAP_UP
    assert not [leg for leg in world.legs.values() if leg.exists and leg.endpoint == "agent-3"]


def test_a_conversation_that_ended_meanwhile_leaves_its_card() -> None:
    world = talking()
    world.crash()
    world.end(FIRST)
    world.connect()
    world.settle()
    assert world.state() is WRAP_UP
    world.dispose(code="not-interested")
    found = world.disk.closed[FIRST].conversation
    assert found is not None
    assert found.disposition == "not-interested"


def test_a_card_whose_agent_is_gone_for_good_is_closed_as_it_stands() -> None:
    world = talking()
    del world.states[ME]
    world.crash()
    world.end(FIRST)
    world.connect()
    world.settle()
    found = world.disk.closed[FIRST]
    assert found.outcome is Outcome.CONNECTED_TO_AGENT
    assert found.conversation is not None
    assert found.conversation.disposition == "not-set"


def test_a_person_whose_agents_phone_is_gone_goes_to_another() -> None:
    world = talking()
    world.ask(AgentWentReady(agent_id=YOU))
    world.crash()
    world._end_leg(world.leg_of(1), "hung up")
    world.connect()
    world.settle()
    assert FIRST in world.music
    come_back(world, 2)
    assert world.state(2) is TALKING
    assert world.where[FIRST] == RoomId("session0002-room")
    assert world.state(1) is PAUSED


def test_an_agent_who_went_on_to_somebody_else_is_not_given_back_to_whom_they_lost() -> None:
    world = talking()
    world.crash()
    world._end_leg(world.leg_of(1), "hung up")
    world.connect()
    world.settle()
    assert FIRST in world.music
    world.ask(AgentPaused(agent_id=ME, reason=PauseReason(code="other", label="Other")))
    world.pick_up(world.leg_of(1))
    world.ask(ManualDialAsked(agent_id=ME, campaign_id=ONE, number=typed(1)))
    world.advance(100)
    [second] = [one for one in world.up() if one != FIRST]
    world.answer(second)
    assert world.where[second] == MINE
    assert FIRST in world.music, "still waits, and is still written down as the agent's"
    restart(world)
    assert (world.state(), world.where[second]) == (TALKING, MINE)
    assert world.shown().card.attempt_id == second  # type: ignore[union-attr]
    assert world.where.get(FIRST) != MINE


def test_a_person_on_hold_is_brought_back_to_their_agent() -> None:
    world = talking()
    world.ask(HoldAsked(agent_id=ME, is_on=True))
    restart(world)
    assert world.state() is TALKING
    assert world.where[FIRST] == MINE
    assert FIRST not in world.music


def test_who_took_calls_takes_them_again_as_soon_as_their_page_is_there_and_who_paused_is_paused() -> None:
    world = talking()
    world.hang_up(FIRST)
    world.dispose()
    assert world.state(1) is AVAILABLE
    restart(world)
    assert (world.state(1), world.shown(1).reason) == (PAUSED, "restarted")
    come_back(world, 1, 2)
    assert world.state(1) is AVAILABLE
    assert (world.state(2), world.shown(2).reason) == (PAUSED, "signed-in")


def test_stints_tile_the_time_across_a_restart() -> None:
    world = talking()
    restart(world, after_ms=7_000)
    stints = world.stints[world.seats[YOU].session_id]
    assert len(stints) == 2
    assert stints[-2].until_ms == stints[-1].from_ms


def test_a_restart_of_both_takes_people_with_it_and_phones_are_rung_by_themselves() -> None:
    world = talking()
    restart(world, is_new_life=True)
    assert world.state(1) is WRAP_UP, "the conversation is over, its card is not"
    assert world.shown(1).is_phone_up
    world.dispose(1)
    come_back(world, 1)
    assert world.state(1) is AVAILABLE


def test_an_agent_who_takes_a_break_meanwhile_is_not_made_ready() -> None:
    world = waiting()
    world.disconnect()
    world.phones_answer = False
    world.connect(is_new_life=True)
    world.settle()
    world.ask(AgentPaused(agent_id=ME, reason=PauseReason(code="lunch", label="Lunch")))
    world.pick_up(world.leg_of())
    assert (world.state(), world.shown().reason) == (PAUSED, "lunch")


@pytest.mark.parametrize("is_new_life", [False, True], ids=["line broken", "Asterisk restarted"])
def test_the_line_to_asterisk_breaks_without_a_restart_of_ours(is_new_life: bool) -> None:
    world = talking()
    world.disconnect()
    world.advance(3_000)
    assert world.state() is TALKING, "they talk on"
    world.connect(is_new_life=is_new_life)
    world.settle()
    if is_new_life:
        assert world.state() is WRAP_UP
        assert world.shown().is_phone_up, "nobody put it down: it is called back"
        world.dispose()
        assert world.state() is AVAILABLE, "and they take calls again"
    else:
        assert world.state() is TALKING
        world.hang_up(FIRST)
        assert world.state() is WRAP_UP


def test_a_phone_that_died_with_asterisk_is_called_back_until_it_answers() -> None:
    world = waiting()
    world.disconnect()
    world.phones_answer = False
    world.connect(is_new_life=True)
    world.settle()
    assert (world.state(), world.shown().reason) == (PAUSED, "phone-lost")
    for _ in range(3):  # it has not signed on yet, or is still in the call that died
        world.put_down(world.leg_of(), "busy")
        world.advance(CALL_BACK_AGAIN_MS)
    world.pick_up(world.leg_of())
    assert world.state() is AVAILABLE, "they took calls, and take them again"
    world.put_down(world.leg_of())
    world.advance(CALL_BACK_FOR_MS)
    assert not world.shown().is_phone_up, "who puts it down is not called back"


def test_a_phone_that_cannot_be_called_back_is_rung_when_it_signs_on() -> None:
    world = waiting()
    world.disconnect()
    world.phones_answer = False
    world.connect(is_new_life=True)
    world.settle()
    world.tell(PhoneReachable(endpoint="agent-1", is_reachable=False))
    world.settle()
    for _ in range(2 * CALL_BACK_FOR_MS // CALL_BACK_AGAIN_MS):
        if ringing := [one for one, leg in world.legs.items() if leg.exists]:
            world.put_down(ringing[0], "not registered")
        world.advance(CALL_BACK_AGAIN_MS)
    rung = len(world.legs)
    assert rung <= CALL_BACK_FOR_MS // CALL_BACK_AGAIN_MS + 3
    world.advance(10 * CALL_BACK_FOR_MS)
    assert len(world.legs) == rung, "not for ever"
    world.phones_answer = True
    world.tell(PhoneReachable(endpoint="agent-1", is_reachable=True))
    world.settle()
    assert world.shown().is_phone_up
    assert world.state() is AVAILABLE


def test_who_was_paused_when_asterisk_died_stays_so_with_the_phone_up() -> None:
    world = waiting()
    world.ask(AgentPaused(agent_id=ME, reason=PauseReason(code="break", label="Break")))
    world.disconnect()
    world.connect(is_new_life=True)
    world.settle()
    assert world.shown().is_phone_up
    assert (world.state(), world.shown().reason) == (PAUSED, "break")


def waiting() -> FloorWorld:
    """An agent who is free, and nobody to call."""
    world = FloorWorld()
    world.start(campaign(1, mode=DialingMode.PROGRESSIVE, agents=AgentPlan()))
    world.connect()
    world.advance(100)
    world.begin(1)
    assert world.state() is AVAILABLE
    return world


def test_a_call_that_rings_since_before_finds_an_agent_who_waits_for_it() -> None:
    world = talking()
    world.hang_up(FIRST)
    world.dispose()
    world.add_contacts(ONE, phone(1))
    world.start(world.campaigns[ONE])
    world.advance(200)
    restart(world)
    assert world.up() == [AttemptId("attempt00002")]
    come_back(world, 1)
    assert world.state() is RINGING
    world.answer(AttemptId("attempt00002"))
    assert world.state() is TALKING


def test_a_person_and_a_third_party_talk_on() -> None:
    world = talking()
    shop = Number("+442079460000")
    world.ask(TransferAsked(agent_id=ME, to_number=shop))
    world.dispose()
    restart(world)
    party = LegId("session0001-c1")
    assert world.legs[party].exists
    assert world.where[FIRST] == RoomId(f"{FIRST}-room")
    world.put_down(party)
    assert world.calls[FIRST].is_hung_up
    world.hang_up(FIRST)
    assert world.disk.closed[FIRST].outcome is Outcome.CONNECTED_TO_AGENT


def test_who_went_on_into_the_dialplan_after_talking_is_written_down_at_the_end() -> None:
    world = talking()
    world.crash()
    world._leave_room(FIRST)
    world.calls[FIRST].is_in_hand = False
    world.connect()
    world.settle()
    assert world.state() is PAUSED
    world.hang_up(FIRST)
    found = world.disk.closed[FIRST]
    assert found.outcome is Outcome.CONNECTED_TO_AGENT
    assert found.conversation is not None


def test_a_leg_that_nobody_knows_is_hung_up() -> None:
    world = talking()
    del world.states[YOU]
    restart(world)
    assert not world.legs[LegId("session0002-p1")].exists
    assert world.legs[LegId("session0001-p1")].exists


def test_an_agent_on_the_way_to_a_person_when_the_line_broke_still_meets_them() -> None:
    world = talking()
    world.hang_up(FIRST)
    world.dispose()
    world.add_contacts(ONE, phone(1))
    world.start(world.campaigns[ONE])
    world.advance(200)
    second = AttemptId("attempt00002")
    assert world.state() is RINGING
    wire = world.calls[second]
    wire.is_up = wire.is_in_hand = wire.is_told_in_hand = True
    world.disconnect()
    world.settle()
    world.connect()
    world.settle()
    assert world.state() is TALKING
    assert world.where[second] == MINE


# --- calls that ring when the dialer is killed -----------------------------------------------------------------------


def ringing(places: int = 2, **changes: Any) -> FloorWorld:
    """A call rings for agent 1; agent 2 is free, and nothing is left to dial."""
    world = FloorWorld()
    world.set_trunk(trunk())
    world.start(campaign(1, **({"mode": DialingMode.PROGRESSIVE} | changes)))
    world.add_contacts(ONE, phone(0))
    world.connect()
    world.advance(100)
    for place in range(1, places + 1):
        world.begin(place)
    world.advance(1_000)
    return world


def test_a_call_that_rings_is_its_agents_again_before_their_page_is_back() -> None:
    world = ringing()
    assert (world.state(1), world.state(2)) == (RINGING, AVAILABLE)
    restart(world, after_ms=3_000)
    assert (world.state(1), world.state(2)) == (RINGING, PAUSED)
    come_back(world, 2, 1)
    assert (world.state(1), world.state(2)) == (RINGING, AVAILABLE)
    world.answer(FIRST)
    assert world.state(1) is TALKING
    assert FIRST not in world.music


def test_a_preview_that_rings_is_its_agents_again() -> None:
    world = ringing(1, mode=DialingMode.PREVIEW)
    card = world.shown().card
    assert card is not None
    world.ask(PreviewAccepted(agent_id=ME, attempt_id=card.attempt_id))
    world.advance(1_000)
    assert world.state() is RINGING
    restart(world)
    assert world.state() is RINGING
    world.answer(FIRST)
    assert world.state() is TALKING


def test_who_answered_while_the_dialer_was_away_comes_to_the_agent_who_waited() -> None:
    world = ringing()
    world.crash()
    wire = world.calls[FIRST]
    wire.is_up = wire.is_in_hand = True
    world.connect()
    world.settle()
    assert world.state(1) is TALKING


def test_a_call_whose_agent_lost_the_phone_meanwhile_is_the_next_ones() -> None:
    world = ringing()
    world.crash()
    world.put_down(world.leg_of(1))
    world.connect()
    world.settle()
    assert (world.state(1), world.state(2)) == (PAUSED, PAUSED)
    come_back(world, 2)
    assert world.state(2) is RINGING
    world.answer(FIRST)
    assert world.state(2) is TALKING


def test_all_lines_of_an_agent_ring_for_them_again() -> None:
    world = FloorWorld()
    world.set_trunk(trunk())
    world.start(campaign(1, mode=DialingMode.PROGRESSIVE, agents=AgentPlan(lines_per_agent=3)))
    world.add_contacts(ONE, phone(0), phone(1), phone(2))
    world.connect()
    world.advance(100)
    world.begin(1)
    world.advance(1_000)
    assert len(world.up()) == 3
    restart(world)
    come_back(world, 1)
    world.answer(AttemptId("attempt00002"))
    assert world.state() is TALKING
    hung_up = [wire.is_hung_up for wire in world.calls.values()]
    assert hung_up == [True, False, True], "the others were theirs too, and are taken back"


def test_who_waited_and_had_asked_for_a_pause_gets_it_when_nobody_answers() -> None:
    world = ringing(1, mode=DialingMode.PREVIEW)
    card = world.shown().card
    assert card is not None
    world.ask(PreviewAccepted(agent_id=ME, attempt_id=card.attempt_id))
    world.advance(1_000)
    world.ask(AgentPaused(agent_id=ME, reason=LUNCH))
    restart(world)
    assert world.state() is RINGING
    world.end(FIRST, cause=17)
    world.settle()
    assert (world.state(), world.shown().reason) == (PAUSED, LUNCH.code)
