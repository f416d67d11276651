"""The floor on disk: sessions that come back, time that is logged once, conversations and what they leave."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.agent_commands import LogAgent, LogSupervision, SaveConversation
from app.agent_events import AgentSaved, ConversationSaved, SupervisionSaved
from app.agents import NOT_SET, AgentState, Conversation, PauseReason, PhoneMode, SpyMode
from app.commands import StoreCommand
from app.outcomes import ContactStatus, Outcome
from app.store import NotFound, SqlStore
from app.store.agents import (
    AgentFigures,
    CampaignAgent,
    agent_figures,
    agent_profile,
    agent_sessions_since,
    agent_stints_between,
    campaigns_of_agent,
    end_agent_session,
    list_campaign_agents,
    open_agent_sessions,
    set_agent_profile,
    set_campaign_agents,
    set_session_campaigns,
    sign_in,
)
from app.store.attempts import attempts_page, get_attempt
from app.store.audit import audit_page
from app.store.errors import InUse
from app.store.hours import live_answers, outcomes_by_hour
from app.store.pauses import get_pause_reason, list_pause_reasons, put_pause_reason, remove_pause_reason
from app.store.phones import Phone, get_phone, list_phones, put_phone, remove_phone
from app.store.progress import get_progress
from app.units import HOUR_MS, AgentId, AttemptId, CampaignId, SessionId
from tests.store.floor import ANN, BOB, hire, seat, stint, talk, talked
from tests.store.world import T0, as_found, build, claim, closing, kept_tallies, phone, recounted_tallies

AVAILABLE, PAUSED, TALKING = AgentState.AVAILABLE, AgentState.PAUSED, AgentState.TALKING
ONE = SessionId("session1")


def log(ended: object, now: object, agent_id: AgentId = ANN) -> LogAgent:
    return LogAgent(agent_id=agent_id, session_id=SessionId(f"session{agent_id}"), ended=ended, now=now)  # type: ignore[arg-type]


# --- sessions --------------------------------------------------------------------------------------------------------


async def test_a_session_comes_back_with_its_seat_and_its_present_state(store: SqlStore) -> None:
    await store.write(hire, "ann", "bob")
    hers = seat(ANN, phone_mode=PhoneMode.PER_CALL, skill=7, has_auto_answer=False, language="ru", name="Анна")
    await store.write(sign_in, hers, [CampaignId(3), CampaignId(1)], now_ms=T0)
    [fresh] = await store.read(open_agent_sessions)
    assert (fresh.seat, fresh.campaigns, fresh.signed_in_at_ms) == (hers, (3, 1), T0)
    assert (fresh.present.state, fresh.present.from_ms, fresh.present.reason) == (PAUSED, T0, "signed-in")
    talking = replace(
        stint(TALKING, T0 + 20), campaign_id=CampaignId(1), attempt_id=AttemptId("attempt00001"), reason="a call"
    )
    events = await store.commit(
        [log(stint(PAUSED, T0, T0 + 10), stint(AVAILABLE, T0 + 10)), log(stint(AVAILABLE, T0 + 10, T0 + 20), talking)],
        T0 + 20,
    )
    assert events == [AgentSaved(agent_id=ANN)] * 2
    await store.write(set_session_campaigns, ONE, [CampaignId(2)])
    [session] = await store.read(open_agent_sessions)
    assert (session.present, session.campaigns) == (talking, (2,))
    logged = await store.read(agent_stints_between, ANN, T0, T0 + 100)
    assert logged == [stint(PAUSED, T0, T0 + 10), stint(AVAILABLE, T0 + 10, T0 + 20)]


async def test_what_an_agent_goes_on_to_after_the_call_comes_back_with_the_session(store: SqlStore) -> None:
    await store.write(hire, "ann")
    await store.write(sign_in, seat(), [], now_ms=T0)
    lunch = PauseReason(code="lunch", label="Обед “«", is_paid=False, limit_ms=1_800_000)
    talking = stint(TALKING, T0 + 10)
    await store.commit([log(stint(PAUSED, T0, T0 + 10), talking)], T0 + 10)
    [session] = await store.read(open_agent_sessions)
    assert (session.pause_next, session.signs_out_next) == (None, False)
    await store.commit([replace(log(None, talking), pause_next=lunch, signs_out_next=True)], T0 + 20)
    [session] = await store.read(open_agent_sessions)
    assert (session.pause_next, session.signs_out_next, session.present) == (lunch, True, talking)
    await store.commit([log(None, talking)], T0 + 30)
    [session] = await store.read(open_agent_sessions)
    assert (session.pause_next, session.signs_out_next) == (None, False), "taken back"


async def test_signing_out_ends_the_session_for_good(store: SqlStore) -> None:
    await store.write(hire, "ann")
    await store.write(sign_in, seat(), [], now_ms=T0)
    await store.commit([log(stint(PAUSED, T0, T0 + 10), None)], T0 + 12)
    assert await store.read(open_agent_sessions) == []
    [over] = await store.read(agent_sessions_since, ANN, T0)
    assert (over.signed_out_at_ms, over.present.state) == (T0 + 10, AgentState.SIGNED_OUT)
    await store.commit([log(None, stint(AVAILABLE, T0 + 11))], T0 + 13)
    assert await store.read(open_agent_sessions) == [], "what comes late does not bring it back"
    with pytest.raises(NotFound):
        await store.write(set_session_campaigns, ONE, [])
    await store.write(sign_in, seat(session_id=SessionId("session9")), [], now_ms=T0 + 20)
    await store.write(end_agent_session, SessionId("session9"), T0 + 30)
    assert await store.read(open_agent_sessions) == []


async def test_an_agent_and_a_phone_are_at_work_once(store: SqlStore) -> None:
    await store.write(hire, "ann", "bob")
    await store.write(sign_in, seat(), [], now_ms=T0)
    with pytest.raises(InUse, match="signed in already, on phone p1"):
        await store.write(sign_in, seat(session_id=SessionId("other1"), endpoint="p9"), [], now_ms=T0)
    with pytest.raises(InUse, match="phone p1 is in use by agent 1"):
        await store.write(sign_in, seat(BOB, endpoint="p1"), [], now_ms=T0)
    with pytest.raises(NotFound, match="there is no user 77"):
        await store.write(sign_in, seat(AgentId(77)), [], now_ms=T0)
    await store.write(sign_in, seat(BOB), [], now_ms=T0)
    assert [one.seat.agent_id for one in await store.read(open_agent_sessions)] == [ANN, BOB]


async def test_time_that_is_written_again_after_a_failure_is_there_once(store: SqlStore) -> None:
    await store.write(hire, "ann")
    turn: list[StoreCommand] = [
        log(stint(PAUSED, T0, T0 + 10), stint(AVAILABLE, T0 + 10)),
        log(stint(AVAILABLE, T0 + 10, T0 + 10), stint(PAUSED, T0 + 10)),
    ]
    for _ in range(2):
        await store.commit(turn, T0 + 10)
    assert len(await store.read(agent_stints_between, ANN, T0, T0 + 100)) == 2


async def test_stints_are_read_that_touch_the_time_asked_for(store: SqlStore) -> None:
    await store.write(hire, "ann", "bob")
    spans = [(0, 10), (10, 20), (20, 30), (30, 40)]
    await store.commit([log(stint(AVAILABLE, T0 + one, T0 + two), None) for one, two in spans], T0)
    await store.commit([log(stint(AVAILABLE, T0, T0 + 40, BOB), None, BOB)], T0)
    found = await store.read(agent_stints_between, ANN, T0 + 15, T0 + 30)
    assert [(one.from_ms - T0, one.until_ms) for one in found] == [(10, T0 + 20), (20, T0 + 30)]


# --- supervisors -----------------------------------------------------------------------------------------------------


async def test_the_end_of_a_supervision_is_in_the_audit_trail_once(store: SqlStore) -> None:
    await store.write(hire, "ann")
    told = LogSupervision(
        supervisor_id=BOB, supervisor_name="bob", agent_id=ANN, ended_at_ms=T0 + 90_000,
        heard_ms=((SpyMode.LISTEN, 72_300), (SpyMode.BARGE, 5_000)),
    )  # fmt: skip
    for _ in range(2):  # written again after a failure whose end nobody knows
        assert await store.commit([told], T0 + 99_000) == [SupervisionSaved(supervisor_id=BOB)]
    missed = replace(told, heard_ms=(), ended_at_ms=T0 + 120_000)
    await store.commit([missed], T0 + 120_000)
    last, first = (await store.read(audit_page)).entries
    assert (first.who, first.what, first.subject) == ("bob", "supervision: ended", f"agent {ANN}")
    assert (first.details, first.at_ms) == ({"listen": "72.3 s", "barge": "5.0 s"}, T0 + 90_000)
    assert last.details == {"phone": "not picked up"}


# --- conversations ---------------------------------------------------------------------------------------------------


async def test_a_conversation_is_found_again_by_whoever_comes_after_a_crash(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1), phone(2)])
    await store.write(hire, "ann")
    one, two = (await claim(store, campaign_id, 2)).attempts
    saved = SaveConversation(
        attempt_id=one.attempt_id,
        agent_id=ANN,
        session_id=ONE,
        answered_at_ms=T0 + 5,
        connected_at_ms=T0 + 55,
        waited_ms=50,
    )
    assert await store.commit([saved], T0 + 60) == [ConversationSaved(attempt_id=one.attempt_id)]
    found = {attempt.attempt_id: attempt for attempt in (await store.recover()).attempts}
    assert found[two.attempt_id] == as_found(two)
    assert found[one.attempt_id] == replace(
        as_found(one),
        agent_id=ANN,
        conversation=Conversation(agent_id=ANN, session_id=ONE, connected_at_ms=T0 + 55, waited_ms=50),
    )
    entry = await store.read(get_attempt, one.attempt_id)
    assert (entry.facts.answered_at_ms, entry.conversation) == (T0 + 5, found[one.attempt_id].conversation)
    names = (f"{one.attempt_id}-talk", f"{one.attempt_id}-talk-2")
    await store.commit([replace(saved, recordings=names, recording=names[1])], T0 + 70)
    [again] = [each for each in (await store.recover()).attempts if each.attempt_id == one.attempt_id]
    assert again.conversation is not None
    assert (again.conversation.recordings, again.conversation.recording) == (names, names[1])


async def test_what_a_conversation_left_is_written_with_its_attempt(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1), phone(2), phone(3)])
    await store.write(hire, "ann", "bob")
    one, two, three = (await claim(store, campaign_id, 3)).attempts
    hers = talk(note="просит перезвонить")
    events = await store.commit(
        [talked(one, hers), talked(two, talk(BOB, disposition=NOT_SET)), closing(three, outcome=Outcome.BUSY)], T0 + 9
    )
    assert len(events) == 3
    entry = await store.read(get_attempt, one.attempt_id)
    assert (entry.conversation, entry.agent_name, entry.outcome) == (hers, "ann", Outcome.CONNECTED_TO_AGENT)
    busy = await store.read(get_attempt, three.attempt_id)
    assert (busy.conversation, busy.agent_id) == (None, None)
    progress = await store.read(get_progress, campaign_id)
    assert progress.dispositions == {"not-set": 1, "success": 1}
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)
    assert [one.agent_name for one in (await store.read(attempts_page, agent_id=BOB)).attempts] == ["bob"]
    chosen = await store.read(attempts_page, disposition="success", campaign_id=campaign_id)
    assert [found.attempt_id for found in chosen.attempts] == [one.attempt_id]
    assert (await store.read(attempts_page, agent_id=BOB, disposition="success")).attempts == ()


async def test_a_conversation_with_a_member_of_a_queue_names_them_and_counts_no_disposition(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    [one] = (await claim(store, campaign_id, 1)).attempts
    theirs = replace(talk(), agent_id=None, session_id=SessionId(""), disposition=NOT_SET, queue_member="Ann")
    await store.commit([talked(one, theirs)], T0 + 9)
    entry = await store.read(get_attempt, one.attempt_id)
    assert (entry.conversation, entry.agent_id, entry.agent_name) == (theirs, None, "")
    assert (await store.read(get_progress, campaign_id)).dispositions == {}
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)


async def test_a_conversation_told_after_the_end_changes_nothing(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    [one] = (await claim(store, campaign_id, 1)).attempts
    first, second = talked(one, talk(disposition="success")), talked(one, talk(BOB, disposition="other"))
    await store.commit([first], T0 + 5)
    late = SaveConversation(
        attempt_id=one.attempt_id,
        agent_id=BOB,
        session_id=ONE,
        answered_at_ms=T0,
        connected_at_ms=T0 + 99,
        waited_ms=99,
    )
    await store.commit([second, late], T0 + 6)
    entry = await store.read(get_attempt, one.attempt_id)
    assert entry.conversation == talk(disposition="success")
    assert (await store.read(get_progress, campaign_id)).dispositions == {"success": 1}


async def test_outcomes_are_kept_by_the_hour_and_tell_who_was_abandoned(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(place) for place in range(1, 8)])
    ends = [
        (0, Outcome.CONNECTED_TO_AGENT),
        (0, Outcome.NO_ANSWER),
        (1, Outcome.ABANDONED_BY_DIALER),
        (1, Outcome.CUSTOMER_HUNG_UP),
        (1, Outcome.CONNECTED_TO_AGENT),
        (2, Outcome.ANSWERING_MACHINE),
        (3, Outcome.ABANDONED_BY_DIALER),
    ]
    hour = T0 // HOUR_MS * HOUR_MS
    for attempt, (place, outcome) in zip((await claim(store, campaign_id, 7)).attempts, ends, strict=True):
        ended = closing(attempt, outcome=outcome, status=ContactStatus.CONNECTED)
        await store.commit([ended], hour + place * HOUR_MS + 7)
    assert await store.read(outcomes_by_hour, campaign_id, hour, hour + 2 * HOUR_MS) == {
        hour: {Outcome.CONNECTED_TO_AGENT: 1, Outcome.NO_ANSWER: 1},
        hour + HOUR_MS: {
            Outcome.ABANDONED_BY_DIALER: 1,
            Outcome.CUSTOMER_HUNG_UP: 1,
            Outcome.CONNECTED_TO_AGENT: 1,
        },
    }
    some = await store.read(live_answers, campaign_id, hour, hour + 2 * HOUR_MS)
    assert (some.answered, some.abandoned, some.abandoned_share) == (4, 1, 0.25)
    touched = await store.read(live_answers, campaign_id, hour + HOUR_MS + 5, hour + 3 * HOUR_MS + 1)
    assert (touched.from_ms, touched.until_ms) == (hour + HOUR_MS, hour + 4 * HOUR_MS)
    assert (touched.answered, touched.abandoned) == (4, 2)
    nobody = await store.read(live_answers, campaign_id, hour + 9 * HOUR_MS, hour + 10 * HOUR_MS)
    assert (nobody.answered, nobody.abandoned_share) == (0, 0.0)
    assert len((await store.read(get_progress, campaign_id)).outcomes) == 5, "progress is of all time"


# --- what people are given -------------------------------------------------------------------------------------------


async def test_an_agents_own_figures_are_of_their_day(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1), phone(2), phone(3)])
    await store.write(hire, "ann", "bob")
    await store.write(sign_in, seat(), [], now_ms=T0)
    [yesterday] = (await claim(store, campaign_id, 1, T0)).attempts
    await store.commit([talked(yesterday, talk(), status=ContactStatus.PENDING, due_at_ms=T0)], T0 + 1)
    midnight = T0 + 1_000
    for agent_id, code in ((ANN, "success"), (ANN, "other"), (BOB, "success")):
        [attempt] = (await claim(store, campaign_id, 1, midnight)).attempts
        await store.commit([talked(attempt, talk(agent_id, disposition=code))], midnight + 5)
    await store.commit(
        [
            log(stint(PAUSED, T0, midnight + 100), stint(AVAILABLE, midnight + 100)),
            log(stint(AVAILABLE, midnight + 100, midnight + 300), stint(TALKING, midnight + 300)),
        ],
        midnight + 300,
    )
    figures = await store.read(agent_figures, ANN, since_ms=midnight, now_ms=midnight + 350)
    assert figures == AgentFigures(
        calls=2,
        contacts=2,
        talk_ms=130_000,
        wrap_up_ms=18_000,
        times_ms={PAUSED: 100, AVAILABLE: 200, TALKING: 50},
        dispositions={"other": 1, "success": 1},
    )
    assert await store.read(agent_figures, AgentId(9), since_ms=midnight, now_ms=midnight + 1) == AgentFigures()


async def test_an_agents_profile_is_changed_in_part(store: SqlStore) -> None:
    await store.write(hire, "ann")
    assert (await store.read(agent_profile, ANN)).skill == 0
    await store.write(set_agent_profile, ANN, skill=5)
    changed = await store.write(set_agent_profile, ANN, language="ru")
    assert (changed.skill, changed.language, changed.name) == (5, "ru", "ann")
    with pytest.raises(NotFound, match="there is no user 9"):
        await store.write(set_agent_profile, AgentId(9), skill=1)


async def test_who_serves_a_campaign_is_said_as_a_whole(store: SqlStore) -> None:
    one, two = await store.write(build, [], campaigns=2)
    await store.write(hire, "ann", "bob")
    both = [CampaignAgent(agent_id=ANN, skill=3), CampaignAgent(agent_id=BOB)]
    await store.write(set_campaign_agents, one, both)
    await store.write(set_campaign_agents, two, both[:1])
    assert await store.read(list_campaign_agents, one) == both
    assert await store.read(campaigns_of_agent, ANN) == (one, two)
    await store.write(set_campaign_agents, one, both[1:])
    assert await store.read(campaigns_of_agent, ANN) == (two,)
    with pytest.raises(NotFound, match="there is no user 9"):
        await store.write(set_campaign_agents, one, [CampaignAgent(agent_id=AgentId(9))])
    with pytest.raises(NotFound, match="there is no campaign 9"):
        await store.write(set_campaign_agents, CampaignId(9), [])
    assert await store.read(list_campaign_agents, one) == both[1:], "nothing of a refused change is written"


async def test_phones_are_put_listed_and_removed(store: SqlStore) -> None:
    await store.write(hire, "ann", "bob")
    hot = Phone(endpoint="100", label="Hot desk")
    hers = Phone(endpoint="201", label="Анна", agent_id=ANN, phone_mode=PhoneMode.PER_CALL, has_auto_answer=False)
    his = Phone(endpoint="202", agent_id=BOB)
    for one in (his, hers, hot):
        await store.write(put_phone, one)
    assert await store.read(list_phones) == [hot, hers, his]
    assert await store.read(list_phones, agent_id=ANN) == [hers, hot]
    await store.write(put_phone, replace(hers, label="Desk 4", agent_id=None))
    assert (await store.read(get_phone, "201")).label == "Desk 4"
    await store.write(remove_phone, "201")
    for missing in (store.write(remove_phone, "201"), store.read(get_phone, "201")):
        with pytest.raises(NotFound, match="there is no phone 201"):
            await missing
    with pytest.raises(NotFound, match="there is no user 9"):
        await store.write(put_phone, Phone(endpoint="300", agent_id=AgentId(9)))


async def test_pause_reasons_are_there_to_begin_with_and_can_be_changed(store: SqlStore) -> None:
    reasons = await store.read(list_pause_reasons)
    assert [one.code for one in reasons] == ["break", "lunch", "training", "meeting", "back-office"]
    assert [one.is_paid for one in reasons] == [True, False, True, True, True]
    await store.write(put_pause_reason, PauseReason(code="coffee", label="Кофе", limit_ms=5))
    await store.write(put_pause_reason, PauseReason(code="lunch", label="Lunch", is_paid=True), position=0)
    await store.write(remove_pause_reason, "meeting")
    assert [one.code for one in await store.read(list_pause_reasons)] == [
        "lunch",
        "break",
        "training",
        "back-office",
        "coffee",
    ]
    assert await store.read(get_pause_reason, "coffee") == PauseReason(code="coffee", label="Кофе", limit_ms=5)
    with pytest.raises(NotFound, match="there is no pause reason meeting"):
        await store.write(remove_pause_reason, "meeting")
