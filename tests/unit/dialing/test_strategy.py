"""What becomes of a contact: each outcome to its status, tries counted and never lost, never for ever."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.agents import AgentPlan, CallbackPlan, DialingMode, Disposition, DispositionEffect
from app.dialing.strategy import after_call, after_conversation, left_to_agents, next_for, without_route
from app.model import ContactNext, RetryPolicy
from app.outcomes import OUTCOMES, ContactStatus, Outcome, RetryClass
from app.strategy.load import load_strategy
from app.strategy.rows import Phones, Try
from app.units import HOUR_MS
from tests.unit.dialing.build import T0, campaign, opened, phone

POLICY = RetryPolicy(max_attempts=3, retry_ms=HOUR_MS, max_faults=4, fault_retry_ms=60_000)
S = ContactStatus


def expected(outcome: Outcome, attempts: int, faults: int) -> ContactNext:
    """The rules once more, written by retry class instead of by code path."""
    rule = OUTCOMES[outcome]
    attempts += rule.is_charged
    faults += rule.retry is RetryClass.SOON
    waits = {0: 60_000, 1: 120_000, 2: 240_000, 3: 480_000}
    status, due = {
        RetryClass.NEVER: (S.CONNECTED, None),
        RetryClass.FIX: (S.INVALID_NUMBER, None),
        RetryClass.UNKNOWN: (S.DANGLING, None),
        RetryClass.BACK: (S.PENDING, T0),
        RetryClass.LATER: (S.PENDING, T0 + HOUR_MS) if attempts < 3 else (S.RETRIES_COMPLETED, None),
        RetryClass.SOON: (S.PENDING, T0 + waits.get(faults - 1, HOUR_MS)) if faults < 4 else (S.NOT_CONNECTED, None),
    }[rule.retry]
    if outcome in (Outcome.DO_NOT_CALL, Outcome.NOT_ALLOWED):
        status, due = (S.DO_NOT_CALL if outcome is Outcome.DO_NOT_CALL else S.NOT_ALLOWED), None
    return ContactNext(status=status, due_at_ms=due, attempts=attempts, faults=faults)


def rows() -> Iterator[tuple[Outcome, int, int]]:
    for outcome in Outcome:
        for attempts in range(5):
            yield outcome, attempts, 0
        for faults in range(1, 6):
            yield outcome, 0, faults


@pytest.mark.parametrize(("outcome", "attempts", "faults"), list(rows()))
def test_each_outcome_leads_where_its_class_says(outcome: Outcome, attempts: int, faults: int) -> None:
    found = next_for(opened(attempts=attempts, faults=faults), outcome, POLICY, T0)
    assert found == expected(outcome, attempts, faults)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome.CONNECTED_TO_IVR, S.CONNECTED),
        (Outcome.NOT_IN_SERVICE, S.INVALID_NUMBER),
        (Outcome.INVALID_NUMBER, S.INVALID_NUMBER),
        (Outcome.CONTROLLER_LOST, S.DANGLING),
        (Outcome.DO_NOT_CALL, S.DO_NOT_CALL),
        (Outcome.BUSY, S.PENDING),
        (Outcome.NO_ANSWER, S.PENDING),
        (Outcome.RETURNED_UNDIALED, S.PENDING),
        (Outcome.DIALER_STOPPED, S.PENDING),
        (Outcome.SIP_ERROR, S.PENDING),
        (Outcome.NO_RINGBACK, S.PENDING),
    ],
)
def test_the_first_try_by_name(outcome: Outcome, status: ContactStatus) -> None:
    assert next_for(opened(), outcome, POLICY, T0).status is status


@pytest.mark.parametrize("outcome", Outcome)
def test_who_asked_for_no_more_calls_gets_none_whatever_came_of_this_one(outcome: Outcome) -> None:
    found = next_for(opened(), outcome, POLICY, T0, is_opted_out=True)
    assert (found.status, found.due_at_ms) == (S.DO_NOT_CALL, None)
    assert found.attempts == OUTCOMES[outcome].is_charged


def test_a_number_no_trunk_carries_waits_for_nothing_and_pays_nothing() -> None:
    found = without_route(opened(attempts=1, faults=2))
    assert found == ContactNext(status=S.NOT_CONNECTED, due_at_ms=None, attempts=1, faults=2)


POLICIES = st.builds(
    RetryPolicy,
    max_attempts=st.integers(1, 50),
    retry_ms=st.integers(1_000, 10**10),
    max_faults=st.integers(1, 50),
    fault_retry_ms=st.integers(1_000, 10**10),
)


@given(st.sampled_from(Outcome), POLICIES, st.integers(0, 100), st.integers(0, 100), st.booleans())
def test_tries_are_never_lost_and_at_most_one_is_counted(
    outcome: Outcome, policy: RetryPolicy, attempts: int, faults: int, is_opted_out: bool
) -> None:
    before = opened(attempts=attempts, faults=faults)
    found = next_for(before, outcome, policy, T0, is_opted_out=is_opted_out)
    assert 0 <= found.attempts - attempts <= 1
    assert 0 <= found.faults - faults <= 1
    assert (found.attempts - attempts) + (found.faults - faults) <= 1
    assert (found.status is S.PENDING) == (found.due_at_ms is not None), "who waits is due, who does not is not"
    assert found.due_at_ms is None or T0 <= found.due_at_ms <= T0 + max(policy.retry_ms, HOUR_MS)


RETRIED = [o for o in Outcome if OUTCOMES[o].retry in (RetryClass.LATER, RetryClass.SOON)]
COUNTED = [o for o in RETRIED if OUTCOMES[o].is_charged or OUTCOMES[o].retry is RetryClass.SOON]


@given(st.lists(st.sampled_from(COUNTED), min_size=120, max_size=120), POLICIES)
def test_whatever_goes_wrong_a_contact_is_not_tried_for_ever(outcomes: list[Outcome], policy: RetryPolicy) -> None:
    attempts = faults = tries = 0
    for outcome in outcomes:
        found = next_for(opened(attempts=attempts, faults=faults), outcome, policy, T0)
        attempts, faults, tries = found.attempts, found.faults, tries + 1
        if found.status is not S.PENDING:
            break
    assert tries <= policy.max_attempts + policy.max_faults - 1


def test_faults_are_spaced_wider_each_time_up_to_an_hour() -> None:
    patient = RetryPolicy(max_faults=50, fault_retry_ms=60_000)
    waits = [
        (next_for(opened(faults=faults), Outcome.SIP_ERROR, patient, T0).due_at_ms or 0) - T0 for faults in range(49)
    ]
    assert waits[:7] == [60_000, 120_000, 240_000, 480_000, 960_000, 1_920_000, HOUR_MS]
    assert set(waits[6:]) == {HOUR_MS}


# --- strategies, and a contact's other phones ------------------------------------------------------------------------

PHONES = Phones(numbers=(phone(1), "", phone(3)))
ROWS = load_strategy(
    "title: t\nlimits: {attempts: 2}\nafter: {busy: {wait: 5m, phone: next, times: 9}, anything else: {wait: 1h}}", "t"
)


def test_a_strategy_takes_the_place_of_tries_and_delay() -> None:
    busy = next_for(opened(phones=PHONES), Outcome.BUSY, POLICY, T0, rows=ROWS)
    assert busy == ContactNext(status=S.PENDING, due_at_ms=T0 + 300_000, attempts=1, phone=3)
    before = Try(number=phone(1), outcome=Outcome.BUSY, opened_at_ms=T0, is_charged=True)
    second = opened(3, phones=PHONES, attempts=1, tries=(before,))
    done = next_for(second, Outcome.BUSY, POLICY, T0, rows=ROWS)
    assert (done.status, done.attempts) == (S.RETRIES_COMPLETED, 2), "the strategy's limit, not the campaign's three"


@pytest.mark.parametrize(
    "outcome", [one for one in Outcome if OUTCOMES[one].retry not in (RetryClass.LATER, RetryClass.FIX)]
)
def test_what_a_strategy_has_no_say_in_is_as_without_one(outcome: Outcome) -> None:
    contact = opened(phones=PHONES)
    assert next_for(contact, outcome, POLICY, T0, rows=ROWS) == next_for(contact, outcome, POLICY, T0)


def test_a_bad_number_leads_to_the_next_phone_and_the_last_bad_one_to_the_end() -> None:
    wrong = next_for(opened(phones=PHONES), Outcome.WRONG_NUMBER, POLICY, T0)
    assert wrong == ContactNext(status=S.PENDING, due_at_ms=T0, attempts=1, phone=3)
    before = Try(number=phone(1), outcome=Outcome.WRONG_NUMBER, opened_at_ms=T0, is_charged=True)
    last = next_for(opened(3, phones=PHONES, attempts=1, tries=(before,)), Outcome.FAX, POLICY, T0)
    assert last.status is S.INVALID_NUMBER
    many = opened(phones=PHONES, attempts=2)
    assert next_for(many, Outcome.WRONG_NUMBER, POLICY, T0).status is S.RETRIES_COMPLETED


def test_who_was_abandoned_is_left_in_peace_whatever_the_strategy() -> None:
    plan = campaign(mode=DialingMode.PREDICTIVE, strategy=ROWS)
    then = after_call(opened(phones=PHONES), Outcome.ABANDONED_BY_DIALER, plan, T0, is_opted_out=False)
    assert then.due_at_ms == T0 + plan.agents.pacing.cool_down_ms
    broadcast = after_call(
        opened(phones=PHONES), Outcome.ABANDONED_BY_DIALER, campaign(strategy=ROWS), T0, is_opted_out=False
    )
    assert broadcast.due_at_ms == T0 + HOUR_MS


def test_a_callback_comes_on_the_phone_it_was_promised_on() -> None:
    promise = CallbackPlan(at_ms=T0 + HOUR_MS, agent_id=None, until_ms=0)
    chosen = Disposition(code="back", label="Call back", effect=DispositionEffect.CALLBACK)
    word = after_conversation(opened(3, phones=PHONES), chosen, promise, campaign(), T0)
    assert (word.next.phone, word.next.callback) == (3, promise)


def test_an_agents_retry_ends_with_the_strategys_tries() -> None:
    again = Disposition(code="later", label="Later", effect=DispositionEffect.RETRY, retry_ms=60_000)
    for attempts, status in ((0, S.PENDING), (1, S.RETRIES_COMPLETED)):
        contact = opened(phones=PHONES, attempts=attempts)
        word = after_conversation(contact, again, None, campaign(strategy=ROWS), T0)
        assert word.next.status is status


# --- typed numbers ---------------------------------------------------------------------------------------------------

LATER = ContactNext(status=ContactStatus.PENDING, due_at_ms=5_000, attempts=1)


@pytest.mark.parametrize(
    ("has_talked", "status"), [(False, ContactStatus.NOT_CONNECTED), (True, ContactStatus.CONNECTED)]
)
def test_a_typed_number_is_not_dialed_again_by_the_campaign(has_talked: bool, status: ContactStatus) -> None:
    typed = replace(opened(), is_manual=True, is_typed=True)
    then = left_to_agents(typed, LATER, campaign(1), has_talked=has_talked)
    assert then == ContactNext(status=status, due_at_ms=None, attempts=1)


def test_a_typed_number_is_dialed_again_where_the_campaign_says_so_or_a_call_was_promised() -> None:
    typed = replace(opened(), is_manual=True, is_typed=True)
    redials = campaign(1, agents=AgentPlan(redials_typed=True))
    promised = replace(LATER, callback=CallbackPlan(at_ms=5_000))
    owed = replace(typed, is_manual=False, is_callback=True)
    assert left_to_agents(typed, LATER, redials, has_talked=False) == LATER
    assert left_to_agents(typed, promised, campaign(1), has_talked=True) == promised
    assert left_to_agents(owed, LATER, campaign(1), has_talked=False) == LATER
    assert left_to_agents(owed, LATER, campaign(1), has_talked=True).status is ContactStatus.CONNECTED


def test_a_contact_of_a_list_dialed_by_hand_goes_back_to_its_line() -> None:
    by_hand = replace(opened(), is_manual=True)
    assert left_to_agents(by_hand, LATER, campaign(1), has_talked=False) == LATER


def test_a_bad_number_gives_way_to_the_next_phone_and_another_campaign_is_named() -> None:
    bad = Disposition(code="bad", label="Bad number", effect=DispositionEffect.INVALID_NUMBER)
    word = after_conversation(opened(phones=PHONES), bad, None, campaign(), T0)
    assert (word.outcome, word.next.status, word.next.phone) == (Outcome.INVALID_NUMBER, S.PENDING, 3)
    assert after_conversation(opened(), bad, None, campaign(), T0).next.status is S.INVALID_NUMBER
    other = Disposition(code="on", label="On", effect=DispositionEffect.OTHER_CAMPAIGN, opens=9)
    word = after_conversation(opened(phones=PHONES), other, None, campaign(), T0)
    assert (word.outcome, word.next.status, word.next.opens) == (Outcome.CONNECTED_TO_AGENT, S.CONNECTED, 9)
