"""Agents at work: a whole dialer, a real PBX, real phones, real people called, and what the disk says afterwards."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from app.agent_events import (
    AgentPaused,
    AgentSignedOut,
    AgentWentReady,
    HangUpAsked,
    HoldAsked,
    ManualDialAsked,
    PreviewAccepted,
    PreviewRefused,
    TransferAsked,
    TransferFinished,
)
from app.agents import AgentPlan, AgentState, CallbackPlan, DialingMode, PauseReason, PhoneMode, RecordingPolicy
from app.commands import RenderPrompts
from app.model import Prompt
from app.operations import NotNow
from app.outcomes import ContactStatus, Outcome
from app.units import Number
from asterisk.lab import Lab
from asterisk.lab.phones import OnRing
from tests.asterisk.shift import Shift, Worker, one_life, shift

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session")]

BREAK = PauseReason(code="break", label="Break")
LISTENS, HANGS_UP_LATE, NO_ANSWER = "+447700900101", "+447700900122", "+447700900141"
NOTICED_S = 4.0
"""A lost phone is noticed within three seconds; one more for a busy machine."""
QUICK = AgentPlan(wrap_up_ms=20_000, hold_ms=1_000, safe_harbor="Nobody is free. Goodbye.")


async def test_a_person_who_answers_is_with_the_reserved_agent_and_the_result_is_on_disk(floor: Shift) -> None:
    campaign_id = await floor.campaign(DialingMode.PROGRESSIVE, [LISTENS], QUICK)
    anna = await floor.worker()
    await anna.sign_in(campaign_id)
    assert await floor.site.attempts(campaign_id) == [], "nobody is dialed before somebody is ready"
    await anna.ready()
    await anna.until_state(AgentState.TALKING)
    assert anna.card.number == LISTENS
    assert anna.card.connected_at_ms is not None
    await anna.done("success", note="wants two")
    ended = await floor.the_attempt(campaign_id)
    assert ended.outcome is Outcome.CONNECTED_TO_AGENT
    assert ended.conversation is not None
    assert (ended.conversation.agent_id, ended.conversation.disposition) == (anna.id, "success")
    assert ended.conversation.note == "wants two"
    await anna.until_state(AgentState.AVAILABLE)
    assert anna.phone.is_up, "a nailed-up phone stays connected"


async def test_who_hangs_up_leaves_the_agent_in_wrap_up_and_time_alone_saves_not_set(floor: Shift) -> None:
    plan = AgentPlan(wrap_up_ms=1_000)
    campaign_id = await floor.campaign(DialingMode.PROGRESSIVE, [HANGS_UP_LATE], plan)
    anna = await floor.worker()
    await anna.sign_in(campaign_id)
    await anna.ready()
    await anna.until_state(AgentState.TALKING)
    await anna.until_state(AgentState.WRAP_UP)
    ended = await floor.the_attempt(campaign_id)
    assert ended.conversation is not None
    assert ended.conversation.disposition == "not-set"
    assert ended.outcome is Outcome.CONNECTED_TO_AGENT


async def test_a_preview_is_a_card_first_and_a_call_only_when_it_is_accepted(floor: Shift) -> None:
    campaign_id = await floor.campaign(DialingMode.PREVIEW, [LISTENS, "+447700900102", "+447700900103"], QUICK)
    anna = await floor.worker()
    await anna.sign_in(campaign_id)
    await anna.ready()
    await anna.until(lambda now: now.card is not None, "a card")
    assert anna.picture.state is AgentState.RESERVED
    assert anna.card.is_preview
    first = anna.card.attempt_id
    await anna.ask(PreviewRefused(agent_id=anna.id, attempt_id=first))
    await anna.until(lambda now: now.card is not None and now.card.attempt_id != first, "the next card")
    second = anna.card.attempt_id
    await anna.ask(PreviewRefused(agent_id=anna.id, attempt_id=second, is_closed=True, reason="called last week"))
    await anna.until(lambda now: now.card is not None and now.card.attempt_id not in (first, second), "the third")
    third = anna.card.attempt_id
    await anna.ask(PreviewAccepted(agent_id=anna.id, attempt_id=third))
    await anna.until_state(AgentState.TALKING)
    await anna.done()
    await floor.site.tried(campaign_id, 3)
    outcomes = {one.attempt_id: one.outcome for one in await floor.site.attempts(campaign_id)}
    assert outcomes == {
        first: Outcome.AGENT_REJECTED_PREVIEW,
        second: Outcome.AGENT_REJECTED_AND_CLOSED,
        third: Outcome.CONNECTED_TO_AGENT,
    }


async def test_a_preview_is_dialed_only_to_a_phone_of_the_contact_that_is_not_barred(floor: Shift) -> None:
    campaign_id = await floor.campaign(DialingMode.PREVIEW, [LISTENS], QUICK)
    anna = await floor.worker()
    await anna.sign_in(campaign_id)
    await anna.ready()
    await anna.until(lambda now: now.card is not None, "a card")
    attempt_id = anna.card.attempt_id
    with pytest.raises(NotNow, match="contact's phones"):
        await anna.ask(PreviewAccepted(agent_id=anna.id, attempt_id=attempt_id, number="+447700900199"))
    await floor.site.operations.do_not_call(Number("+447700900888"), "api")
    with pytest.raises(NotNow):
        await anna.ask(PreviewAccepted(agent_id=anna.id, attempt_id=attempt_id, number="+447700900888"))
    await anna.ask(PreviewAccepted(agent_id=anna.id, attempt_id=attempt_id, number=LISTENS))
    await anna.until_state(AgentState.TALKING)
    await anna.done()


async def test_a_preview_nobody_answers_never_becomes_a_call(floor: Shift) -> None:
    plan = AgentPlan(preview_ms=3_000)
    campaign_id = await floor.campaign(DialingMode.PREVIEW, [LISTENS], plan)
    anna = await floor.worker()
    await anna.sign_in(campaign_id)
    await anna.ready()
    ended = await floor.the_attempt(campaign_id)
    assert ended.outcome is Outcome.PREVIEW_TIMED_OUT
    assert ended.facts.placed_at_ms is None


async def test_a_number_typed_by_hand_is_dialed_under_the_same_rules(floor: Shift) -> None:
    campaign_id = await floor.campaign(DialingMode.MANUAL, [], QUICK)
    anna = await floor.worker()
    await anna.sign_in(campaign_id)
    await anna.ready()
    await anna.until_state(AgentState.AVAILABLE)
    await anna.ask(ManualDialAsked(agent_id=anna.id, campaign_id=campaign_id, number=Number(LISTENS)))
    await anna.until_state(AgentState.TALKING)
    await anna.done("do-not-call")
    ended = await floor.the_attempt(campaign_id)
    assert ended.number == LISTENS
    await anna.until_state(AgentState.AVAILABLE)
    await anna.ask(ManualDialAsked(agent_id=anna.id, campaign_id=campaign_id, number=Number(LISTENS)))
    await anna.until_state(AgentState.AVAILABLE)
    await floor.site.until(lambda: anna.picture.waiting_for, "the desk says why it was not dialed")
    assert len(await floor.site.attempts(campaign_id)) == 1, "who asked for no more calls is not dialed by hand either"


async def test_a_phone_that_is_put_down_gives_the_person_to_another_agent(floor: Shift) -> None:
    campaign_id = await floor.campaign(DialingMode.PROGRESSIVE, [LISTENS], QUICK)
    anna, boris = await floor.worker(0), await floor.worker(1)
    await anna.sign_in(campaign_id)
    await boris.sign_in(campaign_id)
    await anna.ready()
    await anna.until_state(AgentState.TALKING)
    attempt_id = anna.card.attempt_id
    await boris.ready()
    await anna.phone.hang_up()
    await anna.until_state(AgentState.PAUSED, within_s=5)
    assert anna.picture.reason == "phone-lost"
    await boris.until_state(AgentState.TALKING, within_s=5)
    assert boris.card.attempt_id == attempt_id, "the same person, with the card"
    await boris.done()
    ended = await floor.the_attempt(campaign_id)
    assert ended.conversation is not None
    assert ended.conversation.agent_id == boris.id


async def test_a_call_that_rings_for_an_agent_who_is_gone_is_taken_back(floor: Shift) -> None:
    campaign_id = await floor.campaign(DialingMode.PROGRESSIVE, [NO_ANSWER], QUICK)
    anna = await floor.worker()
    await anna.sign_in(campaign_id)
    await anna.ready()
    await anna.until_state(AgentState.RINGING)
    await anna.phone.hang_up()
    ended = await floor.the_attempt(campaign_id)
    assert (ended.outcome, ended.is_charged) == (Outcome.DIALER_STOPPED, False)


async def test_with_nobody_free_a_person_hears_the_safe_harbor_and_counts_as_abandoned(floor: Shift) -> None:
    flow = "name: at once\nstart: person\nnodes:\n  person: {type: agents}\n"
    campaign_id = await floor.campaign(DialingMode.BROADCAST, [LISTENS], QUICK, flow=flow)
    ended = await floor.the_attempt(campaign_id)
    assert ended.outcome is Outcome.ABANDONED_BY_DIALER
    assert ended.facts.ended_at_ms is not None
    assert ended.facts.answered_at_ms is not None
    message = await floor.site.studio.render(
        RenderPrompts(attempt_id=ended.attempt_id, prompts=(Prompt(text=QUICK.safe_harbor, language="en"),))
    )
    spoken_ms = next(iter(message.audio.values())).length_ms
    assert ended.facts.ended_at_ms - ended.facts.answered_at_ms >= QUICK.hold_ms + spoken_ms, "heard to its end"


async def test_a_transfer_to_another_agent_takes_the_card_along(floor: Shift) -> None:
    campaign_id = await floor.campaign(DialingMode.PROGRESSIVE, [LISTENS], QUICK)
    anna, boris = await floor.worker(0), await floor.worker(1)
    for worker in (anna, boris):
        await worker.sign_in(campaign_id)
    await anna.ready()
    await anna.until_state(AgentState.TALKING)
    attempt_id = anna.card.attempt_id
    await boris.ready()
    await boris.until_state(AgentState.AVAILABLE)
    await anna.ask(TransferAsked(agent_id=anna.id, to_agent_id=boris.id))
    await boris.until_state(AgentState.TALKING)
    assert boris.card.attempt_id == attempt_id
    await boris.done()
    ended = await floor.the_attempt(campaign_id)
    assert ended.conversation is not None
    assert ended.conversation.agent_id == boris.id
    assert ended.conversation.transfers


async def test_an_attended_transfer_to_a_number_leaves_two_people_talking(floor: Shift) -> None:
    campaign_id = await floor.campaign(DialingMode.PROGRESSIVE, [LISTENS], QUICK)
    anna = await floor.worker()
    await anna.sign_in(campaign_id)
    await anna.ready()
    await anna.until_state(AgentState.TALKING)
    third = Number("+447700900105")
    await anna.ask(TransferAsked(agent_id=anna.id, to_number=third, is_attended=True))
    await anna.until(lambda now: now.is_consult_up, "the third party answered")
    await anna.ask(TransferFinished(agent_id=anna.id))
    await anna.until_state(AgentState.WRAP_UP)
    channels = await floor.lab.pbx.cli("core show channels concise")
    assert sum("network" in line for line in channels.splitlines()) == 2, "both parties are still up"
    await anna.done()
    await anna.until_state(AgentState.AVAILABLE)


async def test_hold_and_back_and_a_pause_asked_for_during_the_call(floor: Shift) -> None:
    campaign_id = await floor.campaign(DialingMode.PROGRESSIVE, [LISTENS], QUICK)
    anna = await floor.worker()
    await anna.sign_in(campaign_id)
    await anna.ready()
    await anna.until_state(AgentState.TALKING)
    await anna.ask(HoldAsked(agent_id=anna.id, is_on=True))
    await anna.until_state(AgentState.ON_HOLD)
    await anna.ask(HoldAsked(agent_id=anna.id, is_on=False))
    await anna.until_state(AgentState.TALKING)
    await anna.ask(AgentPaused(agent_id=anna.id, reason=BREAK))
    await anna.until(lambda now: now.pause_next, "it is noted")
    assert anna.picture.state is AgentState.TALKING
    await anna.ask(HangUpAsked(agent_id=anna.id))
    await anna.until_state(AgentState.WRAP_UP)
    await anna.done()
    await anna.until_state(AgentState.PAUSED)
    assert anna.picture.reason == "break"
    ended = await floor.the_attempt(campaign_id)
    assert ended.conversation is not None
    assert ended.conversation.hold_ms > 0


async def test_conversations_are_recorded_where_the_campaign_says_always(floor: Shift) -> None:
    plan = AgentPlan(recording=RecordingPolicy.ALWAYS, consent_notice="This call is recorded.")
    campaign_id = await floor.campaign(DialingMode.PROGRESSIVE, [LISTENS], plan)
    anna = await floor.worker()
    await anna.sign_in(campaign_id)
    await anna.ready()
    await anna.until_state(AgentState.TALKING)
    await anna.until(lambda now: now.is_recording, "recording")
    await anna.phone.play_tone(1_000)
    await anna.phone.press("5")
    await anna.done()
    ended = await floor.the_attempt(campaign_id)
    assert ended.conversation is not None
    (name,) = ended.conversation.recordings
    assert name.startswith(ended.attempt_id)
    found = floor.lab.pbx.recordings_dir / f"{name}.wav"
    await floor.site.until(found.exists, f"{found.name} is there")
    with wave.open(str(found)) as sound:
        assert sound.getnframes() > 0


async def test_a_personal_callback_comes_back_to_its_agent(floor: Shift) -> None:
    campaign_id = await floor.campaign(DialingMode.PROGRESSIVE, [LISTENS], QUICK)
    anna, boris = await floor.worker(0), await floor.worker(1)
    await boris.sign_in(campaign_id)
    await boris.ready()
    await boris.until_state(AgentState.TALKING)
    await anna.sign_in(campaign_id)
    now_ms = floor.site.operations.now_ms
    promised = CallbackPlan(at_ms=now_ms + 3_000, agent_id=boris.id, until_ms=now_ms + 1_800_000)
    await boris.done("callback", callback=promised)
    standing = (await floor.site.standings(campaign_id))[LISTENS]
    await anna.ready()
    await boris.until(lambda now: now.card is not None and now.card.is_callback, "the callback", within_s=60)
    assert anna.picture.card is None, standing
    await boris.until_state(AgentState.TALKING)
    await boris.done()
    await floor.site.tried(campaign_id, 2)


async def test_a_phone_rung_per_call_rings_for_the_person(floor: Shift) -> None:
    campaign_id = await floor.campaign(DialingMode.PROGRESSIVE, [LISTENS], QUICK)
    anna = await floor.worker()
    anna.phone.on_ring = OnRing.AUTO_ANSWER
    await anna.sign_in(campaign_id, phone_mode=PhoneMode.PER_CALL)
    assert anna.phone.channel is None
    await anna.ready()
    await anna.until_state(AgentState.TALKING)
    assert anna.phone.is_up
    await anna.done()
    await anna.phone.until_idle()
    ended = await floor.the_attempt(campaign_id)
    assert ended.outcome is Outcome.CONNECTED_TO_AGENT


async def test_who_is_signed_out_in_a_call_finishes_it_first(floor: Shift) -> None:
    campaign_id = await floor.campaign(DialingMode.PROGRESSIVE, [LISTENS], QUICK)
    anna = await floor.worker()
    await anna.sign_in(campaign_id)
    await anna.ready()
    await anna.until_state(AgentState.TALKING)
    await anna.ask(AgentSignedOut(agent_id=anna.id))
    await anna.until(lambda now: now.signs_out_next, "it is noted")
    assert anna.picture.state is AgentState.TALKING
    await anna.done()
    await floor.site.until(lambda: floor.agents.picture(anna.id) is None, "signed out")
    await anna.phone.until_idle()


async def test_what_is_illegal_is_refused_in_words_and_changes_nothing(floor: Shift) -> None:
    campaign_id = await floor.campaign(DialingMode.PROGRESSIVE, [NO_ANSWER], QUICK)
    anna = await floor.worker()
    await anna.sign_in(campaign_id)
    before = anna.picture
    for request in (
        HoldAsked(agent_id=anna.id, is_on=True),
        HangUpAsked(agent_id=anna.id),
        TransferFinished(agent_id=anna.id),
    ):
        with pytest.raises(NotNow):
            await anna.ask(request)
    assert anna.picture == before
    with pytest.raises(NotNow, match="signed in"):
        await anna.sign_in(campaign_id)
    boris = await floor.worker(1)
    with pytest.raises(NotNow, match="in use"):
        await floor.agents.sign_in(
            boris.user,
            endpoint=anna.phone.name,
            phone_mode=PhoneMode.NAILED_UP,
            campaigns_served=[campaign_id],
        )
    with pytest.raises(NotNow):
        await boris.ask(AgentWentReady(agent_id=boris.id))


async def test_people_ask_for_an_agent_with_a_key_and_the_card_shows_it(floor: Shift) -> None:
    flow = """
name: press one
start: ask
nodes:
  ask: {type: menu, sound: hello-world, timeout_s: 8, keys: {"1": person}, on_fail: bye}
  person: {type: agents}
  bye: {type: hangup}
"""
    presses_1 = "+447700900110"
    campaign_id = await floor.campaign(DialingMode.BROADCAST, [presses_1], QUICK, flow=flow)
    anna = await floor.worker()
    await anna.sign_in(campaign_id)
    await anna.ready()
    await anna.until_state(AgentState.TALKING)
    assert anna.card.keys == "1"
    await anna.done()
    ended = await floor.the_attempt(campaign_id)
    assert ended.outcome is Outcome.CONNECTED_TO_AGENT
    assert (await floor.site.standings(campaign_id))[presses_1].status is ContactStatus.CONNECTED


async def test_a_dialer_that_starts_again_takes_over_agents_and_conversations(house: Lab, tmp_path: Path) -> None:
    async with one_life(house, tmp_path) as before:
        campaign_id = await before.campaign(DialingMode.PROGRESSIVE, [LISTENS], QUICK)
        anna = await before.worker()
        await anna.sign_in(campaign_id)
        await anna.ready()
        await anna.until_state(AgentState.TALKING)
        attempt_id = anna.card.attempt_id
        await before.site.until(lambda: anna.picture.calls == 1, "counted")
        calls = anna.phone.calls
    async with shift(house, tmp_path) as after:
        again = Worker(shift=after, id=anna.id, user=anna.user, phone=anna.phone)
        await again.until(lambda now: now.state is AgentState.TALKING, "talking on", within_s=10)
        assert again.card.attempt_id == attempt_id
        assert again.phone.is_up
        assert again.phone.calls == calls, "the phone was not rung again"
        await again.done("success")
        ended = await after.the_attempt(campaign_id)
        assert ended.outcome is Outcome.CONNECTED_TO_AGENT
        assert ended.conversation is not None
        assert (ended.conversation.agent_id, ended.conversation.disposition) == (anna.id, "success")
        await again.until_state(AgentState.AVAILABLE)
        await again.ask(AgentSignedOut(agent_id=again.id))
        await again.phone.until_idle()


# --- lost phones -----------------------------------------------------------------------------------------------------


async def test_a_phone_whose_sound_stops_gives_the_person_to_an_agent_whose_own_call_only_rings(floor: Shift) -> None:
    campaign_id = await floor.campaign(DialingMode.PROGRESSIVE, [LISTENS, NO_ANSWER], QUICK)
    anna, boris = await floor.worker(0), await floor.worker(1)
    await anna.sign_in(campaign_id)
    await boris.sign_in(campaign_id)
    await anna.ready()
    await anna.until_state(AgentState.TALKING)
    attempt_id = anna.card.attempt_id
    await boris.ready()
    await boris.until_state(AgentState.RINGING)
    await anna.phone.stop_sound()
    await anna.until_state(AgentState.PAUSED, within_s=NOTICED_S)
    assert (anna.picture.reason, anna.picture.phone_note) == ("phone-lost", "no sound came from the phone any more")
    await boris.until_state(AgentState.TALKING, within_s=2)
    assert boris.card.attempt_id == attempt_id, "the same person, with the card"
    await boris.done()


async def test_an_idle_phone_that_vanishes_without_a_word_pauses_its_agent(house: Lab, floor: Shift) -> None:
    campaign_id = await floor.campaign(DialingMode.MANUAL, [LISTENS], QUICK)
    anna = await floor.worker(0)
    await anna.sign_in(campaign_id, phone_mode=PhoneMode.PER_CALL)
    await anna.ready()
    await anna.until_state(AgentState.AVAILABLE)
    await house.phones.server.freeze()
    try:
        await anna.until_state(AgentState.PAUSED, within_s=NOTICED_S)
        assert (anna.picture.reason, anna.picture.phone_note) == ("phone-lost", "it does not answer any more")
    finally:
        await house.phones.server.thaw()
    await anna.until(lambda now: now.phone_note == "", "it is back")
