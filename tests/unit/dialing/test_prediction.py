"""Predictive campaigns: calls ahead of agents, within the budget; who finds nobody, and what outlives a restart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.agent_events import (
    AgentPaused,
    AgentSignedOut,
    AgentWentReady,
    BrowserLost,
    DeskTold,
    DeskWord,
    ManualDialAsked,
)
from app.agents import AgentPlan, DialingMode, PacingPlan, PacingSignal, PhoneMode
from app.dialing import prediction
from app.dialing.paced import policy_of
from app.dialing.snapshot import PacingPicture
from app.events import CallProgressed, CallRinging, DigitPressed, PlaybackEnded
from app.model import ContactPast, PacingMemory
from app.outcomes import ContactStatus, Outcome
from app.pacing import (
    AgentFreed,
    AgentJoined,
    AgentLeft,
    AgentSignal,
    CallEnd,
    CallEnded,
    CallPlaced,
    CallSignal,
    PacingDecision,
    PacingEvent,
    PacingMode,
    PersonAnswered,
)
from app.pacing.predictive import PredictivePacer
from app.units import DAY_MS, HOUR_MS, MINUTE_MS
from tests.unit.dialing.build import T0, campaign, phone, trunk
from tests.unit.dialing.floor_world import ONE, FloorWorld, typed
from tests.unit.dialing.on_floor import (
    AVAILABLE,
    FIRST,
    LUNCH,
    ME,
    SECOND,
    TALKING,
    TWO,
    YOU,
    floor,
    result,
)


def predictive(contacts: int = 12, agents: int = 1, *, answered: int = 0, **changes: Any) -> FloorWorld:
    """A predictive campaign with room to dial, and agents at work. answered: people of before, nobody abandoned."""
    pacing = PacingPlan(**{name: changes.pop(name) for name in list(changes) if name in PacingPlan.__slots__})
    world = FloorWorld()
    world.set_trunk(trunk(lines=20, calls_per_second=50.0))
    plan = campaign(1, mode=DialingMode.PREDICTIVE, lines=10, calls_per_second=50.0)
    memory = PacingMemory(counted=((T0, answered, 0),))
    world.start(replace(plan, agents=AgentPlan(pacing=pacing, **changes)), memory)
    world.add_contacts(ONE, *(phone(place) for place in range(contacts)))
    world.connect()
    for place in range(1, agents + 1):
        world.begin(place)
    world.advance(1_000)
    return world


def pacing_of(world: FloorWorld) -> PacingPicture:
    """How the campaign is paced now."""
    [shown] = [one for one in world.dialer.snapshot(world.now).campaigns if one.id == ONE]
    assert shown.pacing is not None
    return shown.pacing


@pytest.fixture
def decided(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What every pacer decides, whatever it sees: `place` in all in flight, `cancel` so many of the oldest."""
    wish: dict[str, Any] = {"flight": 3, "cancel": False}

    def decide(self: PredictivePacer, snapshot: Any) -> PacingDecision:
        wish["seen"] = snapshot
        cancel = tuple(snapshot.rung_ms or ()) if wish["cancel"] else ()
        return PacingDecision(place=max(0, wish["flight"] - len(snapshot.ringing_ms)), cancel=cancel, why="as wished")

    monkeypatch.setattr(PredictivePacer, "decide", decide)
    return wish


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[PacingEvent]:
    """Everything that pacers are told."""
    heard: list[PacingEvent] = []
    observe = PredictivePacer.observe

    def listen(self: PredictivePacer, event: PacingEvent) -> None:
        heard.append(event)
        observe(self, event)

    monkeypatch.setattr(PredictivePacer, "observe", listen)
    return heard


# --- placing ---------------------------------------------------------------------------------------------------------


def test_without_an_agent_nothing_is_dialed() -> None:
    world = predictive(agents=0)
    world.advance(HOUR_MS)
    assert not world.calls
    [shown] = world.dialer.snapshot(world.now).campaigns
    assert shown.waiting_for == "no agent serves it"


def test_a_free_agent_reads_what_is_on_the_line(decided: dict[str, Any]) -> None:
    decided["flight"] = 0
    world = predictive(agents=2)
    assert world.shown().waiting_for == "the next person is being looked for"
    decided["flight"] = 3
    world.advance(600)
    assert world.shown().waiting_for == "3 ringing, 0 answered"
    world.answer(FIRST)
    [free] = [place for place in (1, 2) if world.state(place) is AVAILABLE]
    assert world.shown(free).waiting_for == "3 ringing, 1 answered"


@pytest.mark.usefixtures("decided")
def test_as_many_are_called_as_the_pacer_says_and_no_agent_is_reserved() -> None:
    world = predictive()
    assert len(world.up()) == 3
    assert world.state() is AVAILABLE
    assert pacing_of(world).why == "as wished"


def test_a_call_that_ended_is_replaced_and_one_that_was_answered_is_not_in_flight(decided: dict[str, Any]) -> None:
    world = predictive()
    world.end(FIRST, sip_code=486, cause=17)
    world.advance(600)
    assert len(world.up()) == 3
    world.answer(SECOND)
    world.advance(600)
    assert len(world.up()) == 4, "three more beside the conversation"
    assert len(decided["seen"].talking_ms) == 1
    assert not decided["seen"].idle_agents


def test_who_answers_first_has_the_agent_and_the_next_who_is_free_the_other() -> None:
    world = predictive(agents=2)
    world.answer(FIRST)
    assert sorted(world.state(place).value for place in (1, 2)) == ["available", "talking"]
    world.answer(SECOND)
    assert world.state(1) is world.state(2) is TALKING


@pytest.mark.usefixtures("decided")
def test_agents_who_pause_stop_the_dialing_and_a_late_answer_is_heard_out() -> None:
    world = predictive(60)
    world.ask(AgentPaused(agent_id=ME, reason=LUNCH))
    for one in list(world.up()):
        world.end(one, sip_code=486, cause=17)
    placed = len(world.calls)
    world.advance(MINUTE_MS)
    assert len(world.calls) == placed
    world.ask(AgentWentReady(agent_id=ME))
    world.advance(1_000)
    assert len(world.calls) > placed


def test_agents_who_are_about_to_leave_are_not_counted_on(decided: dict[str, Any]) -> None:
    world = predictive(agents=2)
    world.answer(FIRST)
    world.advance(600)
    assert (len(decided["seen"].talking_ms), decided["seen"].idle_agents) == (1, 1)
    talker = ME if world.state(1) is TALKING else YOU
    world.ask(AgentSignedOut(agent_id=talker))
    world.advance(600)
    assert (len(decided["seen"].talking_ms), decided["seen"].idle_agents) == (0, 1)


def test_agents_whose_page_is_away_are_not_counted_on(decided: dict[str, Any]) -> None:
    world = predictive(agents=2)
    world.answer(FIRST)
    talker = ME if world.state(1) is TALKING else YOU
    world.ask(BrowserLost(agent_id=talker, is_lost=True))
    world.advance(600)
    assert (len(decided["seen"].talking_ms), decided["seen"].idle_agents) == (0, 1)
    world.ask(BrowserLost(agent_id=talker, is_lost=False))
    world.advance(600)
    assert (len(decided["seen"].talking_ms), decided["seen"].idle_agents) == (1, 1)


@pytest.mark.usefixtures("decided")
def test_a_campaign_that_is_paused_says_no_more_why_it_dials() -> None:
    world = predictive()
    assert pacing_of(world).why
    world.pause(ONE)
    world.settle()
    assert not pacing_of(world).why


def test_a_personal_contact_waits_for_its_own_agent_who_is_held_for_it(decided: dict[str, Any]) -> None:
    decided["flight"] = 0
    world = predictive(1, agents=0)
    world.owners[phone(0)] = YOU
    world.begin(1)
    world.advance(20_000)
    assert not world.calls, "its owner is not here"
    decided["flight"] = 1
    world.begin(2)
    world.advance(20_000)
    assert world.up() == [world.shown(2).card.attempt_id]  # type: ignore[union-attr]
    assert not decided["seen"].ringing_ms, "what rings for one agent alone is not in anybody's way"
    assert decided["seen"].idle_agents == 1


def test_who_waits_and_whom_another_campaign_was_promised_are_seen(decided: dict[str, Any]) -> None:
    world = predictive()
    world.answer(FIRST)
    world.answer(SECOND)
    world.advance(600)
    assert decided["seen"].people_waiting == 1
    other = predictive(agents=0)
    other.start(campaign(2, mode=DialingMode.PROGRESSIVE, lines=1))
    other.begin(1, 1, 2)
    agent = other.dialer._floor.crew.agents[ME]
    agent.promised_to = TWO
    other.advance(600)
    assert decided["seen"].idle_agents == 0


def test_a_phone_that_is_answered_too_late_is_an_abandoned_person() -> None:
    world = predictive(agents=0)
    world.begin(1, phone_mode=PhoneMode.PER_CALL)
    world.advance(1_000)
    world.phones_answer = False
    world.answer(FIRST)
    world.advance(2_500)
    world.pick_up(world.leg_of(1))
    world.settle()
    assert world.state() is TALKING
    assert (pacing_of(world).answered, pacing_of(world).abandoned) == (1, 1)


def test_talks_and_wrap_ups_are_learned_from() -> None:
    world = predictive()
    world.answer(FIRST)
    world.advance(30_000)
    world.hang_up(FIRST)
    world.advance(5_000)
    told: list[PacingEvent] = []

    def observe(self: PredictivePacer, event: PacingEvent) -> None:
        told.append(event)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PredictivePacer, "observe", observe)
        world.dispose()
    freed = [event for event in told if isinstance(event, AgentFreed)]
    assert [(event.agent_id, event.talk_ms, event.wrap_up_ms) for event in freed] == [(ME, 30_000, 5_000)]


@pytest.mark.usefixtures("decided")
def test_the_pacer_is_told_who_may_be_counted_on_and_who_no_longer(told: list[PacingEvent]) -> None:
    def came_and_went() -> list[tuple[type, Any]]:
        return [(type(one), one.agent_id) for one in told if isinstance(one, AgentJoined | AgentLeft)]

    world = predictive(agents=2)
    assert came_and_went() == [(AgentJoined, ME), (AgentJoined, YOU)]
    told.clear()
    world.answer(FIRST)
    talker, other = (ME, YOU) if world.state(1) is TALKING else (YOU, ME)
    world.ask(AgentPaused(agent_id=talker, reason=LUNCH))  # after this call
    world.advance(600)
    assert came_and_went() == [(AgentLeft, talker)]
    world.ask(AgentSignedOut(agent_id=other))
    world.advance(600)
    assert came_and_went() == [(AgentLeft, talker), (AgentLeft, other)]


@pytest.mark.usefixtures("decided")
@pytest.mark.parametrize(
    ("code", "end"), [(486, CallEnd.BUSY), (503, CallEnd.FAULT), (404, CallEnd.FAILED)], ids=["busy", "trunk", "number"]
)
def test_what_a_trunk_failed_is_not_told_as_the_lists(code: int, end: CallEnd, told: list[PacingEvent]) -> None:
    world = predictive()
    world.advance(9_000)
    world.end(FIRST, sip_code=code, cause=17 if code == 486 else 0)
    world.settle()
    assert [one.outcome for one in told if isinstance(one, CallEnded)] == [end]


# --- signals ---------------------------------------------------------------------------------------------------------


def said(told: list[PacingEvent], call_id: Any) -> list[str]:
    """What the pacer was told of a call before an answer."""
    words: list[str] = []
    for one in told:
        if isinstance(one, CallPlaced) and one.call_id == call_id:
            words += one.features
        elif isinstance(one, CallSignal) and one.call_id == call_id:
            words.append(one.signal)
    return words


def with_past(monkeypatch: pytest.MonkeyPatch, past: ContactPast) -> None:
    """Every contact has this past."""
    claim = FloorWorld._claim

    def claim_with_past(self: FloorWorld, command: Any) -> Any:
        opened: Any = claim(self, command)
        return replace(opened, attempts=tuple(replace(one, past=past) for one in opened.attempts))

    monkeypatch.setattr(FloorWorld, "_claim", claim_with_past)


@pytest.mark.usefixtures("decided")
def test_what_is_heard_on_the_line_is_told_once(told: list[PacingEvent]) -> None:
    world = predictive(signals=(PacingSignal.LINE,))
    world.tell(CallRinging(attempt_id=FIRST))
    world.tell(CallProgressed(attempt_id=SECOND))
    world.tell(CallRinging(attempt_id=SECOND))
    world.advance(12_000)
    assert said(told, FIRST) == ["ringing"]
    assert said(told, SECOND) == ["early media", "ringing"]


@pytest.mark.usefixtures("decided")
def test_what_is_known_of_a_contact_is_told_as_their_call_goes_out(
    monkeypatch: pytest.MonkeyPatch, told: list[PacingEvent]
) -> None:
    with_past(monkeypatch, ContactPast(tries=5, answers=1, last=Outcome.BUSY, phone_kind="mobile"))
    predictive(signals=(PacingSignal.HISTORY, PacingSignal.PHONE))
    assert said(told, FIRST) == ["mobile", "tried 3 or more, last busy, answered before"]


@pytest.mark.usefixtures("decided")
def test_signals_that_are_switched_off_are_not_told(monkeypatch: pytest.MonkeyPatch, told: list[PacingEvent]) -> None:
    with_past(monkeypatch, ContactPast(tries=5, answers=1, last=Outcome.BUSY, phone_kind="mobile"))
    world = predictive(signals=())
    world.tell(CallRinging(attempt_id=FIRST))
    world.advance(12_000)
    assert not [word for one in world.calls for word in said(told, one)]


@pytest.mark.usefixtures("decided")
def test_what_the_desk_tells_goes_to_the_pacer_while_it_is_about_this_person(told: list[PacingEvent]) -> None:
    world = predictive()
    world.answer(FIRST)
    world.advance(600)
    world.ask(DeskTold(agent_id=ME, attempt_id=FIRST, word=DeskWord.STEP, step=2))
    world.ask(DeskTold(agent_id=ME, attempt_id=FIRST, word=DeskWord.CLOSING))
    words = [one.signal for one in told if isinstance(one, AgentSignal)]
    assert words == ["step 2", "closing"]
    assert world.dialer.refusal(DeskTold(agent_id=ME, attempt_id=SECOND, word=DeskWord.CLOSING))


@pytest.mark.usefixtures("decided")
def test_a_desk_whose_words_are_switched_off_is_not_heard(told: list[PacingEvent]) -> None:
    world = predictive(signals=(PacingSignal.SCRIPT,))
    world.answer(FIRST)
    world.ask(DeskTold(agent_id=ME, attempt_id=FIRST, word=DeskWord.CLOSING))
    assert not [one for one in told if isinstance(one, AgentSignal)]


def test_who_talks_and_wraps_up_is_named(decided: dict[str, Any]) -> None:
    world = predictive(agents=2)
    world.answer(FIRST)
    world.advance(5_000)
    world.hang_up(FIRST)
    world.answer(SECOND)
    world.advance(600)
    assert sorted(one.is_wrapping for one in decided["seen"].busy.values()) == [False, True]


# --- the ledger ------------------------------------------------------------------------------------------------------


def test_a_person_dialed_by_hand_counts_and_teaches_nothing(decided: dict[str, Any], told: list[PacingEvent]) -> None:
    decided["flight"] = 0
    world = predictive(answered=10)
    world.ask(ManualDialAsked(agent_id=ME, campaign_id=ONE, number=typed(1)))
    world.advance(600)
    [call] = world.up()
    world.answer(call)
    assert world.state() is TALKING
    assert (pacing_of(world).answered, pacing_of(world).abandoned) == (11, 0)
    world.hang_up(call)
    world.dispose()
    assert pacing_of(world).answered == 11
    assert not [one for one in told if isinstance(one, PersonAnswered | CallEnded)]


def test_a_machine_that_an_agent_talked_to_is_no_person() -> None:
    world = predictive(answered=10)
    world.answer(FIRST)
    assert pacing_of(world).answered == 11
    world.hang_up(FIRST)
    world.dispose(code="answering-machine")
    assert pacing_of(world).answered == 10


def test_the_word_of_an_agent_whose_dialer_was_killed_corrects_the_count_of_the_disk() -> None:
    world = predictive(answered=10)
    world.answer(FIRST)
    world.hang_up(FIRST)
    world.crash()
    world.dialer._floor.predictions._paced[ONE].pacer.budget.recount(((T0, 11, 0),))  # as the disk has it
    world.connect()
    world.settle()
    assert pacing_of(world).answered == 11
    world.dispose(code="answering-machine")
    assert pacing_of(world).answered == 10


# --- taking back -----------------------------------------------------------------------------------------------------


def test_calls_that_rang_long_enough_are_taken_back_and_tried_later(decided: dict[str, Any]) -> None:
    world = predictive(3)
    world.tell(CallRinging(attempt_id=FIRST))
    world.advance(16_000)
    decided |= {"cancel": True, "flight": 0}
    world.advance(600)
    assert [world.calls[one].is_hung_up for one in (FIRST, SECOND)] == [True, False], (
        "the other's phone is not known to ring"
    )
    world.end(FIRST)
    world.settle()
    assert result(world).outcome is Outcome.DIALER_STOPPED
    assert result(world).next.due_at_ms == world.now + 60_000


# --- nobody free -----------------------------------------------------------------------------------------------------


def abandoned(**changes: Any) -> FloorWorld:
    """Two answered for one agent, and two seconds passed."""
    world = predictive(fixed_ratio=2.0, answered=100, **changes)
    world.playbacks_end = False
    world.answer(FIRST)
    world.answer(SECOND)
    world.advance(2_000)
    return world


def test_who_finds_nobody_within_two_seconds_hears_the_message_and_is_counted_at_once() -> None:
    world = predictive(fixed_ratio=2.0, answered=100, hold_ms=30_000)
    world.playbacks_end = False
    world.answer(FIRST)
    world.answer(SECOND)
    world.advance(1_999)
    assert (SECOND, f"{SECOND}-harbor") not in world.heard
    assert (pacing_of(world).answered, pacing_of(world).abandoned) == (102, 0)
    world.advance(1)
    assert (SECOND, f"{SECOND}-harbor") in world.heard
    assert (pacing_of(world).answered, pacing_of(world).abandoned) == (102, 1)
    world.tell(PlaybackEnded(attempt_id=SECOND, playback_id=f"{SECOND}-harbor"))
    world.settle()
    world.hang_up(SECOND)
    assert result(world, SECOND).outcome is Outcome.ABANDONED_BY_DIALER
    assert (pacing_of(world).answered, pacing_of(world).abandoned) == (102, 1), "counted once"


def test_who_was_abandoned_is_left_in_peace_for_the_cool_down() -> None:
    world = abandoned(cool_down_ms=3 * DAY_MS)
    world.hang_up(SECOND)
    assert result(world, SECOND).next.due_at_ms == world.now + 3 * DAY_MS


def test_whoever_presses_nine_in_the_message_is_barred_on_disk_before_they_hear_it() -> None:
    world = abandoned()
    world.tell(DigitPressed(attempt_id=SECOND, digit="5"))
    world.settle()
    assert not world.disk.dnc
    world.tell(DigitPressed(attempt_id=SECOND, digit="9"))
    world.turn()
    assert (SECOND, f"{SECOND}-barred") not in world.heard
    world.settle()
    assert phone(1) in world.disk.dnc
    assert (SECOND, f"{SECOND}-barred") in world.heard
    world.tell(PlaybackEnded(attempt_id=SECOND, playback_id=f"{SECOND}-harbor"))
    world.settle()
    assert not world.calls[SECOND].is_hung_up, "the confirmation is heard out"
    world.tell(PlaybackEnded(attempt_id=SECOND, playback_id=f"{SECOND}-barred"))
    world.settle()
    assert world.calls[SECOND].is_hung_up
    world.hang_up(SECOND)
    found = result(world, SECOND)
    assert (found.outcome, found.next.status) == (Outcome.ABANDONED_BY_DIALER, ContactStatus.DO_NOT_CALL)
    assert found.flow["opted_out"], "as the attempt's page and the export tell it"


def test_a_key_pressed_before_the_message_bars_nobody() -> None:
    world = predictive(fixed_ratio=2.0, answered=100)
    world.answer(FIRST)
    world.answer(SECOND)
    world.tell(DigitPressed(attempt_id=SECOND, digit="9"))
    world.settle()
    assert not world.disk.dnc


def test_a_budget_that_is_spent_means_one_call_for_each_idle_agent() -> None:
    world = abandoned(contacts=40)
    world.hang_up(SECOND)
    world.dispose()
    world.hang_up(FIRST)
    world.advance(2_000)
    assert pacing_of(world).is_spent
    assert pacing_of(world).budget_left < 1
    assert world.state() is AVAILABLE
    assert len(world.up()) == 1


def test_steered_to_progressive_it_calls_nobody_else_while_those_called_before_still_ring(
    decided: dict[str, Any],
) -> None:
    decided["flight"] = 4
    world = predictive(agents=2)
    ringing = world.up()
    assert len(ringing) == 4
    world.start(replace(world.campaigns[ONE], mode=DialingMode.PROGRESSIVE))
    world.settle()
    world.advance(2_000)
    assert world.up() == ringing, "two of them are the agents' now"
    assert [world.state(place).value for place in (1, 2)] == ["ringing", "ringing"]
    for one in ringing[:2]:
        world.end(one, sip_code=486, cause=17)
    world.advance(2_000)
    assert world.up() == ringing[2:], "the others are theirs next"
    world.answer(ringing[2])
    assert TALKING in (world.state(1), world.state(2))


# --- what is remembered ----------------------------------------------------------------------------------------------


def test_what_was_learned_is_written_down_now_and_then_and_at_the_end() -> None:
    world = abandoned()
    assert ONE not in world.learned
    world.advance(prediction.SAVE_MS)
    assert world.learned.pop(ONE)
    world.stop(ONE)
    world.settle()
    world.hang_up(FIRST)
    world.dispose()
    world.advance(1_000)
    assert ONE in world.learned


def test_a_new_process_goes_on_from_what_was_learned_and_counts_as_the_disk_does() -> None:
    world = abandoned()
    world.advance(prediction.SAVE_MS)
    after = FloorWorld()
    memory = PacingMemory(learned=world.learned[ONE], counted=((T0 - HOUR_MS, 90, 2), (T0, 10, 1)))
    after.start(world.campaigns[ONE], memory)
    after.turn()
    assert (pacing_of(after).answered, pacing_of(after).abandoned) == (100, 3)


def test_what_another_version_wrote_is_learned_anew() -> None:
    world = FloorWorld()
    memory = PacingMemory(learned={"budget": "of another kind"}, counted=((T0, 10, 1),))
    world.start(campaign(1, mode=DialingMode.PREDICTIVE), memory)
    world.turn()
    assert (pacing_of(world).answered, pacing_of(world).abandoned) == (10, 1)


def test_a_change_of_the_settings_keeps_what_was_counted() -> None:
    world = abandoned()
    changed = replace(world.campaigns[ONE], agents=AgentPlan(pacing=PacingPlan(abandonment_target=0.02)))
    world.start(changed)
    world.settle()
    assert pacing_of(world).target == 0.02
    assert (pacing_of(world).answered, pacing_of(world).abandoned) == (102, 1)


def test_another_mode_is_paced_no_more_and_the_ledger_begins_when_it_is_predictive_again() -> None:
    world = abandoned()
    world.start(replace(world.campaigns[ONE], mode=DialingMode.PROGRESSIVE))
    world.settle()
    [shown] = world.dialer.snapshot(world.now).campaigns
    assert shown.pacing is None


def test_who_was_called_in_another_mode_is_in_flight_talks_or_was_abandoned_when_it_is_predictive_again() -> None:
    world = abandoned()
    memory = PacingMemory(counted=((T0, 101, 0),))  # the person in talk is on disk, who hears the message is not yet
    world.start(replace(world.campaigns[ONE], mode=DialingMode.PROGRESSIVE))
    world.settle()
    world.start(replace(world.campaigns[ONE], mode=DialingMode.PREDICTIVE), memory)
    world.settle()
    assert (pacing_of(world).answered, pacing_of(world).abandoned) == (102, 1)
    world.hang_up(SECOND)
    world.hang_up(FIRST)
    world.dispose()
    assert (pacing_of(world).answered, pacing_of(world).abandoned) == (102, 1), "counted once"


@pytest.mark.parametrize("mode", [DialingMode.PROGRESSIVE, DialingMode.BROADCAST])
def test_a_call_of_another_mode_is_in_flight_until_it_ends(mode: DialingMode, decided: dict[str, Any]) -> None:
    decided["flight"] = 0
    world = floor(2, mode=mode, lines=2)
    world.begin(1)
    world.begin(2)
    world.advance(1_000)
    ringing = set(world.up())
    assert len(ringing) == 2
    world.start(replace(world.campaigns[ONE], mode=DialingMode.PREDICTIVE), PacingMemory())
    world.advance(1_000)
    assert set(decided["seen"].ringing_ms) == ringing
    for one in ringing:
        world.end(one, sip_code=486, cause=17)
    world.add_contacts(ONE, phone(50))
    world.advance(HOUR_MS)
    assert not decided["seen"].ringing_ms


def test_a_person_taken_over_in_talk_is_left_to_what_the_disk_counts() -> None:
    world = predictive(fixed_ratio=2.0, answered=100)
    world.answer(FIRST)
    world.crash()
    world.connect()
    world.settle()
    world.connect()  # after a moment without Asterisk: found alive
    world.settle()
    assert world.state() is TALKING
    assert pacing_of(world).answered == 0


# --- several campaigns -----------------------------------------------------------------------------------------------


def test_two_campaigns_do_not_both_count_on_one_agent() -> None:
    alone = predictive(40)
    both = predictive(40, agents=0)
    both.start(campaign(2, mode=DialingMode.PREDICTIVE, lines=10, calls_per_second=50.0))
    both.add_contacts(TWO, *(phone(place) for place in range(100, 140)))
    both.begin(1, 1, 2)
    both.advance(1_000)
    assert len(both.up()) <= len(alone.up()) + 1


def test_a_fixed_ratio_leaves_the_others_the_agents_their_calls_are_for() -> None:
    def up(*, with_other: bool) -> int:
        world = predictive(40, agents=2, fixed_ratio=3.0, answered=1_000)
        for one in list(world.up()):
            world.end(one, sip_code=486, cause=17)
        if with_other:
            pacing = AgentPlan(pacing=PacingPlan(fixed_ratio=3.0), priority=1)
            other = campaign(2, mode=DialingMode.PREDICTIVE, lines=10, calls_per_second=50.0)
            world.start(replace(other, agents=pacing), PacingMemory(counted=((T0, 1_000, 0),)))
            world.add_contacts(TWO, *(phone(place) for place in range(100, 140)))
            for agent in world.dialer._floor.crew.agents.values():
                world.dialer._floor.crew.serve(agent, (ONE, TWO))
        world.advance(3_000)
        return len(world.up())

    alone, together = up(with_other=False), up(with_other=True)
    assert alone == 6, "three for each of two"
    assert together == 6, "not three of each campaign"


# --- settings --------------------------------------------------------------------------------------------------------


def test_a_fixed_ratio_is_a_mode_of_its_own_and_no_minimum_ring_means_never() -> None:
    plan = campaign(1, agents=AgentPlan(pacing=PacingPlan(fixed_ratio=1.5, min_ring_ms=0)))
    policy = policy_of(plan)
    assert (policy.mode, policy.fixed_ratio, policy.min_ring_ms) == (PacingMode.FIXED_RATIO, 1.5, None)
    learned = policy_of(campaign(1))
    assert (learned.mode, learned.abandonment_target, learned.min_ring_ms) == (PacingMode.PREDICTIVE, 0.01, 15_000)
