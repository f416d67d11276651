"""What becomes of a contact: each outcome to its status, tries counted and never lost, never for ever."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.dialing.strategy import next_for, without_route
from app.model import ContactNext, RetryPolicy
from app.outcomes import OUTCOMES, ContactStatus, Outcome, RetryClass
from app.units import HOUR_MS
from tests.unit.dialing.build import T0, opened

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
    if outcome is Outcome.DO_NOT_CALL:
        status, due = S.DO_NOT_CALL, None
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
