"""A floor at work: who answers is with an agent at once, and what came of it is written down once."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import FrameType
from typing import Any

import pytest

from app.agent_events import (
    AgentJoined,
    AgentPaused,
    AgentWentReady,
    DispositionSet,
    HangUpAsked,
    WrapUpExtended,
)
from app.agents import (
    AgentPlan,
    CallbackPlan,
    DialingMode,
)
from app.commands import ClaimContacts, CloseAttempt
from app.events import CampaignPaused, CampaignStopped, PlaybackEnded
from app.ivr.load import load_flow
from app.outcomes import ContactStatus, Outcome
from app.units import LegId, RoomId
from tests.unit.dialing.build import campaign, phone, trunk
from tests.unit.dialing.floor_world import CONNECT, ONE, FloorWorld
from tests.unit.dialing.on_floor import (
    AVAILABLE,
    FIRST,
    LUNCH,
    ME,
    PAUSED,
    RESERVED,
    RINGING,
    SECOND,
    TALKING,
    THIRD,
    TWO,
    WRAP_UP,
    YOU,
    floor,
    result,
    talk_of,
    talking,
)

# --- a shift ---------------------------------------------------------------------------------------------------------


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
    assert (world.state(), world.shown().reason) == (PAUSED, "signed-in")
    assert world.shown().is_phone_up
    world.begin(2)
    assert world.state(2) is RINGING, "available, and at once a call is on its way"
    assert world.up() == [FIRST]
    world.advance(4_000)
    world.answer(FIRST)
    assert world.state(2) is TALKING
    assert world.where[FIRST] == RoomId("session0002-room")
    assert (LegId("session0002-p1"), "tone:beep") in world.heard
    card = world.shown(2).card
    assert card is not None
    assert (card.attempt_id, card.number, card.connected_at_ms) == (FIRST, phone(0), world.now)
    assert world.talked[FIRST] == 1
    world.advance(30_000)
    world.hang_up(FIRST)
    assert world.state(2) is WRAP_UP
    assert world.shown(2).deadline_ms == world.now + 30_000
    assert FIRST in world.disk.open, "nobody else dials the contact while the card is open"
    world.advance(5_000)
    world.dispose(2, "success", note="wants two")
    assert world.state(2) is RINGING, "and the next one"
    assert (result(world).outcome, result(world).next.status) == (Outcome.CONNECTED_TO_AGENT, ContactStatus.CONNECTED)
    talk = talk_of(world)
    assert (talk.agent_id, talk.disposition, talk.note) == (2, "success", "wants two")
    assert (talk.waited_ms, talk.talk_ms, talk.hold_ms, talk.wrap_up_ms) == (0, 30_000, 0, 5_000)
    stints = world.stints[world.seats[YOU].session_id]
    assert [stint.state for stint in stints[:7]] == [
        PAUSED, AVAILABLE, RESERVED, RINGING, TALKING, WRAP_UP, AVAILABLE,
    ]  # fmt: skip


def test_nothing_is_closed_before_the_agent_has_spoken_and_then_once() -> None:
    world = talking(1)
    world.hang_up(FIRST)
    assert not any(isinstance(command, CloseAttempt) for command in world.writes)
    world.advance(29_000)
    assert FIRST not in world.disk.closed
    world.advance(1_000)
    assert talk_of(world).disposition == "not-set"
    assert world.state() is AVAILABLE
    assert world.shown().waiting_for == "none of your campaigns is running", "its only contact was called"


def test_the_line_is_free_during_wrap_up() -> None:
    world = floor(2, lines=1)
    world.begin(1)
    world.begin(2)
    assert world.up() == [FIRST], "one line"
    world.answer(FIRST)
    world.hang_up(FIRST)
    assert world.state(1) is WRAP_UP
    world.advance(200)
    assert world.up() == [SECOND]
    assert world.state(2) is RINGING


def test_the_agent_ends_the_call() -> None:
    world = talking()
    world.advance(9_000)
    world.ask(HangUpAsked(agent_id=ME))
    assert world.calls[FIRST].is_hung_up
    assert world.state() is WRAP_UP
    world.dispose()
    assert world.state() is WRAP_UP, "nobody new comes in before the person is out of the room"
    world.hang_up(FIRST)
    assert world.state() is RINGING
    assert talk_of(world).talk_ms == 9_000


def test_the_result_in_mid_call_ends_the_call_and_the_card_in_one() -> None:
    world = talking()
    world.dispose(code="not-interested", is_done=False)
    assert world.state() is TALKING
    assert world.shown().disposition == "not-interested"
    world.dispose(code="not-interested", is_done=True)
    assert world.calls[FIRST].is_hung_up
    world.hang_up(FIRST)
    world.advance(100)
    assert world.state() is RINGING
    assert talk_of(world).disposition == "not-interested"


def test_a_call_that_nobody_answers_sets_the_agent_free() -> None:
    world = floor(1)
    world.begin(1)
    world.end(FIRST, sip_code=486, cause=17)
    world.settle()
    assert world.state() is AVAILABLE
    assert result(world).outcome is Outcome.BUSY
    assert result(world).conversation is None
    assert world.shown().waiting_for == "everybody left waits for a later try"


def test_ready_ends_the_wrap_up_with_what_is_set() -> None:
    world = talking()
    world.hang_up(FIRST)
    world.dispose(code="other", is_done=False, note="half a word")
    world.ask(AgentWentReady(agent_id=ME))
    world.advance(100)
    assert world.state() is RINGING
    assert (talk_of(world).disposition, talk_of(world).note) == ("other", "half a word")


def test_wrap_up_is_extended_as_often_as_the_campaign_allows() -> None:
    world = talking(wrap_up_ms=10_000, wrap_up_extension_ms=5_000, max_extensions=2)
    world.hang_up(FIRST)
    began = world.now
    for count in (1, 2):
        world.ask(WrapUpExtended(agent_id=ME))
        assert (world.shown().extensions, world.shown().deadline_ms) == (count, began + 10_000 + count * 5_000)
    assert "extensions so far: 2" in str(world.dialer.refusal(WrapUpExtended(agent_id=ME)))
    world.advance(20_000)
    assert world.state() is not WRAP_UP


def test_a_second_wrap_up_in_a_row_without_a_touch_pauses_who_seems_to_be_away() -> None:
    world = talking(4)
    world.hang_up(FIRST)
    world.advance(30_000)
    assert world.state() is RINGING, "once may happen"
    world.answer(SECOND)
    world.hang_up(SECOND)
    world.advance(30_000)
    assert (world.state(), world.shown().reason) == (PAUSED, "away")


def test_whoever_touches_a_wrap_up_is_not_away() -> None:
    world = talking(4)
    for attempt_id in (FIRST, SECOND, THIRD):
        if attempt_id is not FIRST:
            world.answer(attempt_id)
        world.hang_up(attempt_id)
        world.dispose(code="success", is_done=False)
        world.advance(30_000)
    assert world.state() is not PAUSED
    assert talk_of(world, SECOND).disposition == "success"


# --- dispositions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "outcome", "status"),
    [
        ("success", Outcome.CONNECTED_TO_AGENT, ContactStatus.CONNECTED),
        ("no-decision", Outcome.CONNECTED_TO_AGENT, ContactStatus.PENDING),
        ("wrong-number", Outcome.WRONG_NUMBER, ContactStatus.INVALID_NUMBER),
        ("wrong-person", Outcome.WRONG_PERSON, ContactStatus.PENDING),
        ("answering-machine", Outcome.ANSWERING_MACHINE, ContactStatus.PENDING),
        ("do-not-call", Outcome.CONNECTED_TO_AGENT, ContactStatus.DO_NOT_CALL),
    ],
)
def test_what_a_disposition_does_to_the_contact(code: str, outcome: Outcome, status: ContactStatus) -> None:
    world = talking(1)
    world.hang_up(FIRST)
    world.dispose(code=code)
    assert (result(world).outcome, result(world).next.status) == (outcome, status)
    assert result(world).is_charged
    assert (phone(0) in world.disk.dnc) is (code == "do-not-call")


def test_a_callback_is_promised_for_its_time_and_kept_though_the_tries_are_used_up() -> None:
    world = talking(1)
    world.hang_up(FIRST)
    plan = CallbackPlan(at_ms=world.now + 3_600_000, agent_id=ME)
    missing = DispositionSet(agent_id=ME, attempt_id=FIRST, code="callback", is_done=True)
    assert world.dialer.refusal(missing) == "say when to call back"
    past = replace(missing, callback=CallbackPlan(at_ms=world.now))
    assert "future" in str(world.dialer.refusal(past))
    world.dispose(code="callback", callback=plan)
    then = result(world).next
    assert (then.status, then.due_at_ms, then.callback) == (ContactStatus.PENDING, plan.at_ms, plan)


def test_a_card_that_is_not_before_the_agent_is_not_disposed() -> None:
    world = talking()
    wrong = DispositionSet(agent_id=ME, attempt_id=SECOND, code="success")
    assert "no longer" in str(world.dialer.refusal(wrong))
    assert "no disposition" in str(world.dialer.refusal(replace(wrong, attempt_id=FIRST, code="nonsense")))
    late = world.dialer.snapshot(world.now).late_events
    world.inbox.append(wrong)
    world.settle()
    assert world.dialer.snapshot(world.now).late_events == late + 1
    assert world.shown().disposition == ""


# --- who gets the person ---------------------------------------------------------------------------------------------


def test_the_longest_idle_agent_is_next_and_skill_comes_before_idleness() -> None:
    world = floor(0, goes_on=True)
    world.begin(1)
    world.advance(1_000)
    world.begin(2)
    world.advance(1_000)
    world.begin(3, skill=5)
    world.add_contacts(ONE, phone(1))
    world.advance(100)
    assert [world.state(place) for place in (1, 2, 3)] == [AVAILABLE, AVAILABLE, RINGING]
    world.add_contacts(ONE, phone(2))
    world.advance(100)
    assert [world.state(place) for place in (1, 2)] == [RINGING, AVAILABLE]


def test_an_agent_serves_the_campaign_that_comes_first() -> None:
    world = floor(0, goes_on=True)
    world.add_contacts(ONE, phone(1))
    world.start(campaign(2, mode=DialingMode.PROGRESSIVE, agents=AgentPlan(priority=7)))
    world.add_contacts(TWO, phone(2))
    world.settle()
    world.begin(1, 1, 2)
    assert world.shown().campaign_id == TWO
    [attempt_id] = world.up()
    assert world.disk.open[attempt_id].campaign_id == TWO


def test_agents_join_and_leave_campaigns_at_any_time() -> None:
    world = floor(1)
    world.start(campaign(2, mode=DialingMode.PROGRESSIVE))
    world.settle()
    world.begin(1, 2)
    assert world.state() is AVAILABLE
    world.ask(AgentJoined(agent_id=ME, campaigns=(ONE, TWO)))
    assert world.state() is RINGING
    world.ask(AgentJoined(agent_id=ME, campaigns=(TWO,)))
    world.answer(FIRST)
    assert world.state() is TALKING, "the call that was theirs still is"


def test_who_has_left_a_campaign_gets_none_of_what_was_claimed_for_them() -> None:
    world = floor(1)
    world.start(campaign(2, mode=DialingMode.PROGRESSIVE))
    world.settle()
    world.is_disk_awake = False
    world.begin(1)
    assert any(isinstance(command, ClaimContacts) for command in world.writes)
    world.ask(AgentJoined(agent_id=ME, campaigns=(TWO,)))
    world.is_disk_awake = True
    world.settle()
    assert world.disk.closed[FIRST].outcome is Outcome.RETURNED_UNDIALED
    assert not world.calls
    assert world.state() is AVAILABLE


def test_whom_a_contact_belongs_to_gets_it_and_nobody_else() -> None:
    world = floor(1)
    world.owners[phone(0)] = YOU
    world.begin(1)
    world.advance(1_000)
    assert world.state(1) is AVAILABLE
    assert not world.disk.open, "its owner is not here"
    world.begin(2)
    world.advance(60_000)
    assert world.state(1) is AVAILABLE
    assert world.state(2) is RINGING


# --- several lines ---------------------------------------------------------------------------------------------------


def test_the_first_who_answers_is_the_agents_and_the_others_are_taken_back() -> None:
    world = floor(5, lines_per_agent=3)
    world.begin(1)
    world.advance(1_000)
    assert len(world.up()) == 3
    world.answer(SECOND)
    assert world.state() is TALKING
    assert [world.calls[one].is_hung_up for one in (FIRST, SECOND, THIRD)] == [True, False, True]
    for one in (FIRST, THIRD):
        world.end(one)
    world.settle()
    assert result(world, FIRST).outcome is Outcome.DIALER_STOPPED
    assert not result(world, FIRST).is_charged
    assert result(world, FIRST).next.due_at_ms == world.now + 60_000, "their phone has just rung: not at once again"


def test_nobody_free_is_music_then_the_message_then_the_end() -> None:
    world = broadcast(CONNECT, hold_ms=6_000)
    assert FIRST in world.music
    [shown] = world.dialer.snapshot(world.now).campaigns
    assert (shown.with_agents, shown.seeking) == (0, 1)
    world.advance(5_999)
    assert FIRST in world.music
    world.playbacks_end = False
    world.advance(1)
    assert (FIRST, f"{FIRST}-harbor") in world.heard
    assert FIRST not in world.music
    assert not world.calls[FIRST].is_hung_up
    world.tell(PlaybackEnded(attempt_id=FIRST, playback_id=f"{FIRST}-harbor"))
    world.settle()
    assert world.calls[FIRST].is_hung_up
    world.hang_up(FIRST)
    assert result(world).outcome is Outcome.ABANDONED_BY_DIALER
    assert [(one["node"], one["at_ms"], one["heard_ms"]) for one in result(world).flow["heard"]] == [
        ("safe-harbor message", 6_000, 1_000)
    ]


@pytest.mark.parametrize("after_ms", [0, 400])
def test_how_far_the_message_was_heard_is_kept_with_the_attempt(after_ms: int) -> None:
    world = broadcast(CONNECT, hold_ms=6_000)
    world.playbacks_end = False
    world.advance(6_000)
    world.advance(after_ms)
    world.hang_up(FIRST)
    [said] = result(world).flow["heard"]
    assert (said["heard_ms"], said["length_ms"], said["has_failed"]) == (after_ms, 1_000, False)
    assert said["part"].startswith("This is a call from us.")


def test_a_message_that_could_not_be_played_is_told_so() -> None:
    world = broadcast(CONNECT, hold_ms=6_000)
    world.playbacks_end = False
    world.advance(6_000)
    world.tell(PlaybackEnded(attempt_id=FIRST, playback_id=f"{FIRST}-harbor", has_failed=True))
    world.settle()
    world.hang_up(FIRST)
    [said] = result(world).flow["heard"]
    assert said["has_failed"]


def test_an_agent_who_comes_in_time_ends_the_wait() -> None:
    world = broadcast(CONNECT, hold_ms=6_000)
    world.advance(5_000)
    world.begin(1)
    assert world.state() is TALKING
    world.advance(10_000)
    assert not [what for who, what in world.heard if who == FIRST]


def test_who_answers_while_the_call_is_taken_back_was_abandoned() -> None:
    world = floor(2, lines_per_agent=2)
    world.begin(1)
    world.advance(500)
    world.answer(FIRST)
    world.answer(SECOND)
    world.hang_up(SECOND)
    assert result(world, SECOND).outcome is Outcome.ABANDONED_BY_DIALER


@pytest.mark.parametrize(
    ("after_ms", "outcome"), [(1_900, Outcome.CUSTOMER_HUNG_UP), (2_100, Outcome.ABANDONED_BY_DIALER)]
)
def test_whose_fault_it_is_when_somebody_stops_waiting_is_a_question_of_time(after_ms: int, outcome: Outcome) -> None:
    world = broadcast()
    world.advance(after_ms)
    world.hang_up(FIRST)
    assert result(world).outcome is outcome


def test_a_person_on_the_line_comes_before_one_who_is_not_dialed_yet() -> None:
    world = FloorWorld()
    world.set_trunk(trunk(lines=1))
    world.start(campaign(1))
    world.start(campaign(2, mode=DialingMode.PROGRESSIVE))
    world.add_contacts(ONE, phone(0))
    world.connect()
    world.advance(100)
    world.set_trunk(trunk(lines=2))
    world.add_contacts(TWO, phone(1))
    world.is_voice_awake = False
    world.begin(1, 1, 2)
    assert world.state() is RESERVED
    world.answer(FIRST)
    assert world.state() is TALKING
    assert world.shown().campaign_id == ONE
    assert result(world, SECOND).outcome is Outcome.RETURNED_UNDIALED


# --- people from a flow ----------------------------------------------------------------------------------------------

TALK_TO_US = load_flow(
    """
    name: talk to us
    start: choice
    nodes:
      choice: {type: menu, text: "Press 1 for a person.", keys: {1: person}, repeats: 0}
      person: {type: agents, next: survey}
      survey: {type: menu, text: "Were you content? Press a key.", keys: {5: bye}, repeats: 0, into: content}
      bye: {type: hangup}
    """
)
WITH_A_WAY = load_flow(
    """
    name: a way of its own
    start: person
    nodes:
      person: {type: agents, on_none: sorry}
      sorry: {type: hangup, text: "We call you again."}
    """
)


def broadcast(flow: Any = WITH_A_WAY, **changes: Any) -> FloorWorld:
    """A broadcast whose first contact has answered."""
    world = FloorWorld(flow)
    world.set_trunk(trunk())
    plan = AgentPlan(**{name: changes.pop(name) for name in list(changes) if name in AgentPlan.__slots__})
    world.start(campaign(1, agents=plan, **changes))
    world.add_contacts(ONE, phone(0))
    world.connect()
    world.advance(100)
    world.answer(FIRST)
    return world


def press(world: FloorWorld, key: str) -> None:
    from app.events import DigitPressed

    world.tell(DigitPressed(attempt_id=FIRST, digit=key))
    world.settle()


def test_a_person_who_asks_for_one_waits_with_music_until_an_agent_is_free() -> None:
    world = broadcast(TALK_TO_US)
    press(world, "1")
    assert FIRST in world.music
    world.advance(3_000)
    world.begin(1)
    assert world.state() is TALKING
    assert FIRST not in world.music
    card = world.shown().card
    assert card is not None
    assert card.keys == "1"
    world.advance(2_000)
    world.ask(HangUpAsked(agent_id=ME))
    assert FIRST not in world.where
    assert not world.calls[FIRST].is_hung_up, "the flow goes on with its questions"
    world.dispose()
    assert world.state() is AVAILABLE
    press(world, "5")
    assert world.calls[FIRST].is_hung_up
    world.hang_up(FIRST)
    talk = talk_of(world)
    assert (talk.waited_ms, talk.talk_ms, talk.disposition) == (3_000, 2_000, "success")
    assert result(world).flow["answers"] == {"content": "5"}


def test_a_flow_with_a_way_of_its_own_goes_it_when_no_agent_comes() -> None:
    world = broadcast(hold_ms=7_000)
    assert FIRST in world.music
    world.advance(7_000)
    assert FIRST not in world.music
    assert world.calls[FIRST].is_hung_up
    world.hang_up(FIRST)
    assert result(world).outcome is Outcome.ABANDONED_TO_IVR


# --- operators -------------------------------------------------------------------------------------------------------


def test_a_campaign_that_stops_takes_back_what_rings_and_lets_people_talk() -> None:
    world = floor(2)
    world.begin(1)
    world.begin(2)
    world.advance(500)
    world.answer(FIRST)
    world.inbox.append(CampaignStopped(campaign_id=ONE))
    world.settle()
    assert world.state(1) is TALKING
    assert world.calls[SECOND].is_hung_up
    world.end(SECOND)
    world.settle()
    assert world.state(2) is AVAILABLE
    world.hang_up(FIRST)
    world.dispose()
    assert FIRST in world.disk.closed


def test_the_end_of_a_campaign_waits_for_the_last_card() -> None:
    world = talking(1)
    world.hang_up(FIRST)
    world.advance(1_000)
    assert not world.disk.finished
    world.dispose()
    world.settle()
    assert world.disk.finished[ONE] == 1


def test_whose_picture_changed_is_told_once() -> None:
    world = floor(0, goes_on=True)
    world.begin(1)
    world.begin(2)
    world.dialer.take_changed_agents()
    world.ask(AgentPaused(agent_id=ME, reason=LUNCH))
    assert world.dialer.take_changed_agents() == {ME}
    assert world.dialer.take_changed_agents() == frozenset()
    world.inbox.append(CampaignPaused(campaign_id=ONE))
    world.settle()
    assert world.dialer.take_changed_agents() == frozenset()


# --- cost ------------------------------------------------------------------------------------------------------------


def calls_in_a_turn(agents: int) -> int:
    """Python's function calls in a turn in which nothing happens, with so many idle agents."""
    world = floor(0, goes_on=True)
    for place in range(1, agents + 1):
        world.begin(place)
    world.advance(60_000)
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        assert world.dialer.turn([], world.now) == []
    finally:
        sys.setprofile(None)
    return count


def test_idle_agents_cost_nothing() -> None:
    assert calls_in_a_turn(200) <= calls_in_a_turn(2) + 20, "twenty for what is left in a heap"
