"""Preview and manual dialing: the card first, and the call when the agent says so."""

from __future__ import annotations

from typing import Any

import pytest

from app.agent_events import (
    AgentPaused,
    AgentSignedOut,
    AgentWentReady,
    HangUpAsked,
    ManualDialAsked,
    PreviewAccepted,
    PreviewRefused,
)
from app.agents import AgentPlan, AgentState, DialingMode, PauseReason, PhoneMode, PreviewDefault
from app.events import CampaignPaused
from app.outcomes import ContactStatus, Outcome
from app.units import AgentId, AttemptId, ContactId, LegId
from tests.unit.dialing.build import campaign, phone, trunk
from tests.unit.dialing.floor_world import ONE, FloorWorld, typed

FIRST, SECOND = AttemptId("attempt00001"), AttemptId("attempt00002")
ME, YOU = AgentId(1), AgentId(2)
LUNCH = PauseReason(code="lunch", label="Lunch")
AVAILABLE, RESERVED, RINGING = AgentState.AVAILABLE, AgentState.RESERVED, AgentState.RINGING
TALKING, WRAP_UP, PAUSED = AgentState.TALKING, AgentState.WRAP_UP, AgentState.PAUSED


def floor(mode: DialingMode, contacts: int = 3, **changes: Any) -> FloorWorld:
    """A campaign with some contacts, and nobody signed in."""
    world = FloorWorld()
    world.set_trunk(trunk(prefixes=("+44",)))
    plan = AgentPlan(**{name: changes.pop(name) for name in list(changes) if name in AgentPlan.__slots__})
    world.start(campaign(1, mode=mode, agents=plan, **changes))
    world.add_contacts(ONE, *(phone(place) for place in range(contacts)))
    world.connect()
    world.advance(100)
    return world


def preview(contacts: int = 3, **changes: Any) -> FloorWorld:
    """Agent 1 has the first contact's card before them."""
    world = floor(DialingMode.PREVIEW, contacts, **changes)
    world.begin(1)
    assert world.state() is RESERVED
    return world


# --- preview ---------------------------------------------------------------------------------------------------------


def test_the_card_comes_first_and_the_call_when_it_is_accepted() -> None:
    world = preview()
    shown = world.shown()
    assert shown.card is not None
    assert (shown.card.attempt_id, shown.card.is_preview, shown.card.mode) == (FIRST, True, DialingMode.PREVIEW)
    assert shown.deadline_ms == world.now + 30_000
    world.advance(29_000)
    assert not world.calls, "however long a card is read, nothing is dialed, and the contact stays taken"
    world.ask(PreviewAccepted(agent_id=ME, attempt_id=FIRST))
    assert world.state() is RINGING
    assert world.calls[FIRST].place.number == phone(0)
    world.answer(FIRST)
    assert world.state() is TALKING
    assert not world.shown().card.is_preview  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("is_closed", "outcome", "status"),
    [
        (False, Outcome.AGENT_REJECTED_PREVIEW, ContactStatus.PENDING),
        (True, Outcome.AGENT_REJECTED_AND_CLOSED, ContactStatus.CONNECTED),
    ],
    ids=["skipped", "closed"],
)
def test_a_refused_card_makes_room_for_the_next(is_closed: bool, outcome: Outcome, status: ContactStatus) -> None:
    world = preview()
    refused = PreviewRefused(agent_id=ME, attempt_id=FIRST, is_closed=is_closed, reason="moved away")
    world.ask(refused)
    found = world.disk.closed[FIRST]
    assert (found.outcome, found.next.status, found.is_charged) == (outcome, status, False)
    assert found.facts.cause_text == "moved away"
    assert world.shown().card.attempt_id == SECOND  # type: ignore[union-attr]
    assert "no longer" in str(world.dialer.refusal(refused))


@pytest.mark.parametrize(
    ("default", "state"), [(PreviewDefault.SKIP, RESERVED), (PreviewDefault.PAUSE, PAUSED)], ids=lambda one: one.value
)
def test_a_card_nobody_answers_never_becomes_a_call(default: PreviewDefault, state: AgentState) -> None:
    world = preview(preview_default=default, preview_ms=12_000)
    world.advance(12_000)
    assert world.disk.closed[FIRST].outcome is Outcome.PREVIEW_TIMED_OUT
    assert not world.calls
    assert world.state() is state


def test_the_agent_chooses_the_phone() -> None:
    world = preview()
    other = typed(7)
    assert world.dialer.refusal(PreviewAccepted(agent_id=ME, attempt_id=FIRST, number="12")) is not None
    abroad = PreviewAccepted(agent_id=ME, attempt_id=FIRST, number="+33612345678")
    assert "no trunk" in str(world.dialer.refusal(abroad))
    world.numbers_by_choice.add(other)
    world.ask(PreviewAccepted(agent_id=ME, attempt_id=FIRST, number=other))
    assert world.calls[FIRST].place.number == other
    assert world.shown().card.number == other  # type: ignore[union-attr]


def test_a_phone_that_the_agent_chose_is_asked_about_anew() -> None:
    """What the disk refuses of it is no word about the contact: they wait as they did, for the phone they had."""
    world = preview()
    other = typed(7)
    world.numbers_by_choice.add(other)
    world.disk.dnc.add(other)
    world.ask(PreviewAccepted(agent_id=ME, attempt_id=FIRST, number=other))
    assert FIRST not in world.calls
    assert world.disk.closed[FIRST].outcome is Outcome.RETURNED_UNDIALED
    assert world.disk.closed[FIRST].next.status is ContactStatus.PENDING


def test_a_number_that_is_being_called_is_not_chosen_again() -> None:
    world = preview()
    world.begin(2)
    assert world.state(2) is RESERVED
    taken = PreviewAccepted(agent_id=YOU, attempt_id=SECOND, number=phone(0))
    assert "already" in str(world.dialer.refusal(taken))


@pytest.mark.parametrize("how", ["pause", "sign out", "phone lost", "campaign paused"])
def test_a_card_whose_agent_goes_is_given_back_as_it_was(how: str) -> None:
    world = preview()
    match how:
        case "pause":
            world.ask(AgentPaused(agent_id=ME, reason=LUNCH))
        case "sign out":
            world.ask(AgentSignedOut(agent_id=ME))
        case "phone lost":
            world.put_down(world.leg_of(1))
        case _:
            world.inbox.append(CampaignPaused(campaign_id=ONE))
            world.settle()
    found = world.disk.closed[FIRST]
    assert (found.outcome, found.next.attempts) == (Outcome.RETURNED_UNDIALED, 0)
    assert not world.calls
    if how == "campaign paused":
        assert world.state() is AVAILABLE


def test_no_more_cards_than_lines() -> None:
    world = floor(DialingMode.PREVIEW, 5, lines=2)
    for place in (1, 2, 3):
        world.begin(place)
    assert [world.state(place) for place in (1, 2, 3)] == [RESERVED, RESERVED, AVAILABLE]
    assert world.shown(3).waiting_for == "all of its lines are in use"


def test_an_accepted_call_is_taken_back_and_not_offered_again_at_once() -> None:
    world = preview(1)
    world.ask(PreviewAccepted(agent_id=ME, attempt_id=FIRST))
    world.ask(AgentPaused(agent_id=ME, reason=LUNCH))
    assert (world.state(), world.shown().pause_next) == (RINGING, "Lunch"), "they asked for this call"
    world.ask(AgentWentReady(agent_id=ME))
    world.ask(HangUpAsked(agent_id=ME))
    world.end(FIRST)
    world.settle()
    assert world.state() is AVAILABLE
    assert world.disk.closed[FIRST].outcome is Outcome.DIALER_STOPPED
    assert world.disk.closed[FIRST].next.due_at_ms == world.now + 60_000


def test_a_phone_per_call_is_rung_before_the_person_is_called() -> None:
    world = floor(DialingMode.PREVIEW)
    world.begin(1, phone_mode=PhoneMode.PER_CALL)
    world.phones_answer = False
    world.ask(PreviewAccepted(agent_id=ME, attempt_id=FIRST))
    assert world.state() is RINGING
    assert not world.calls
    world.pick_up(world.leg_of(1))
    assert FIRST in world.calls
    world.answer(FIRST)
    assert world.state() is TALKING


def test_a_phone_per_call_that_stays_silent_costs_the_contact_nothing() -> None:
    world = floor(DialingMode.PREVIEW)
    world.begin(1, phone_mode=PhoneMode.PER_CALL)
    world.phones_answer = False
    world.ask(PreviewAccepted(agent_id=ME, attempt_id=FIRST))
    world.put_down(world.leg_of(1), "nobody answered")
    assert (world.state(), world.shown().reason) == (PAUSED, "phone-unanswered")
    assert world.disk.closed[FIRST].outcome is Outcome.RETURNED_UNDIALED
    assert not world.calls


# --- by hand ---------------------------------------------------------------------------------------------------------


def by_hand(number: Any = None, **changes: Any) -> ManualDialAsked:
    return ManualDialAsked(agent_id=ME, campaign_id=ONE, number=number or typed(1), **changes)


@pytest.mark.parametrize("mode", list(DialingMode), ids=lambda mode: mode.value)
def test_a_typed_number_is_called_for_the_agent_at_once_in_every_mode(mode: DialingMode) -> None:
    world = floor(mode, 1)
    world.sign_in(1)
    world.ask(by_hand())
    assert world.state() is RINGING
    [attempt_id] = [one for one, wire in world.calls.items() if wire.place.number == typed(1)]
    card = world.shown().card
    assert card is not None
    assert (card.attempt_id, card.mode) == (attempt_id, DialingMode.MANUAL)
    world.answer(attempt_id)
    assert world.state() is TALKING, "and no flow speaks first"
    world.hang_up(attempt_id)
    world.dispose()
    assert world.disk.closed[attempt_id].conversation is not None
    assert (world.state(), world.shown().reason) == (PAUSED, "signed-in"), "as they were before"


def test_a_campaign_that_is_dialed_by_hand_dials_nobody_by_itself_and_does_not_end() -> None:
    world = floor(DialingMode.MANUAL)
    world.begin(1)
    world.advance(3_600_000)
    assert not world.disk.open
    assert not world.disk.finished
    assert world.shown().waiting_for == "this campaign is dialed by hand"
    assert world.dialer.snapshot(world.now).campaigns[0].waiting_for == ""
    world.ask(by_hand(phone(0), contact_id=ContactId(1)))
    assert world.state() is RINGING


def test_what_may_not_be_dialed_is_said_and_the_agent_is_as_before() -> None:
    world = floor(DialingMode.MANUAL)
    world.begin(1)
    world.may_dial_by_hand = False
    world.ask(by_hand())
    assert world.state() is AVAILABLE
    assert not world.calls


def test_a_disk_that_never_answers_does_not_keep_the_agent() -> None:
    world = floor(DialingMode.MANUAL)
    world.begin(1)
    world.is_disk_awake = False
    world.ask(by_hand())
    assert world.state() is RESERVED
    world.advance(30_000)
    assert world.state() is AVAILABLE
    world.is_disk_awake = True
    world.advance(1_000)
    assert not world.calls, "and what it says then comes too late"
    assert not world.disk.open


@pytest.mark.parametrize(
    ("number", "words"), [("+33612345678", "no trunk"), (None, "lines are in use")], ids=["abroad", "no line"]
)
def test_the_same_rules_and_limits_hold_by_hand(number: Any, words: str) -> None:
    world = floor(DialingMode.PROGRESSIVE, 3, lines=1)
    world.begin(2)
    world.sign_in(1)
    asked = by_hand(number)
    assert words in str(world.dialer.refusal(asked))
    world.inbox.append(asked)
    world.settle()
    assert world.state() is PAUSED


def test_nobody_dials_by_hand_in_a_call_or_with_an_open_card() -> None:
    world = floor(DialingMode.MANUAL)
    world.begin(1)
    world.ask(by_hand())
    assert "already" in str(world.dialer.refusal(by_hand()))
    world.answer(FIRST)
    world.hang_up(FIRST)
    assert world.state() is WRAP_UP
    assert "card" in str(world.dialer.refusal(by_hand()))


def test_signing_out_while_the_disk_looks_calls_nobody() -> None:
    world = floor(DialingMode.MANUAL)
    world.begin(1)
    world.is_disk_awake = False
    world.ask(by_hand())
    world.put_down(LegId("session0001-p1"))
    assert world.state() is PAUSED
    world.is_disk_awake = True
    world.advance(1_000)
    assert not world.calls
    assert not world.disk.open
