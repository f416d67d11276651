"""The table of outcomes: complete, numbered as the field numbers them, and one retry class each."""

from __future__ import annotations

from collections import Counter

import pytest

from app.outcomes import OUTCOMES, ContactStatus, Outcome, RetryClass

FIELD_NUMBERS = {
    2: "dial error",
    3: "not in service",
    4: "no ringback",
    5: "operator intercept",
    6: "no dial tone",
    7: "invalid number",
    8: "no answer",
    9: "busy",
    10: "connected to agent",
    11: "fax",
    12: "answering machine",
    13: "dialer stopped",
    14: "customer asked for callback",
    15: "machine asked for callback",
    16: "abandoned by dialer",
    17: "personal-callback agent not reserved",
    18: "agent rejected preview",
    19: "agent rejected and closed",
    20: "abandoned to IVR",
    21: "customer hung up before the agent",
    22: "machine without termination",
    23: "wrong number",
    24: "wrong person",
    25: "returned undialed",
    26: "do-not-call",
    27: "network disconnect while ringing",
    28: "dead air",
    29: "unsupported",
    30: "unauthorized",
    31: "SIP error",
    32: "controller lost",
    33: "agent timed out on preview",
}


@pytest.mark.parametrize("number", FIELD_NUMBERS)
def test_the_fields_numbers_and_names_are_kept(number: int) -> None:
    assert Outcome(number).label == FIELD_NUMBERS[number]


def test_every_outcome_has_its_row_and_every_row_its_outcome() -> None:
    assert list(OUTCOMES) == list(Outcome)


def test_our_own_outcomes_are_numbered_above_the_fields() -> None:
    assert min(set(Outcome) - set(FIELD_NUMBERS)) > max(FIELD_NUMBERS)


def test_no_two_outcomes_share_a_name() -> None:
    assert [name for name, count in Counter(rule.label for rule in OUTCOMES.values()).items() if count > 1] == []


@pytest.mark.parametrize("outcome", Outcome, ids=lambda outcome: outcome.label)
def test_what_was_not_the_persons_doing_is_not_charged(outcome: Outcome) -> None:
    if OUTCOMES[outcome].retry in (RetryClass.SOON, RetryClass.BACK):
        assert not OUTCOMES[outcome].is_charged


def test_a_placed_call_whose_fate_is_unknown_is_charged() -> None:
    unknown = [outcome for outcome, rule in OUTCOMES.items() if rule.retry is RetryClass.UNKNOWN]
    assert unknown == [Outcome.CONTROLLER_LOST]
    assert OUTCOMES[Outcome.CONTROLLER_LOST].is_charged


def test_statuses_are_written_in_the_words_of_the_vocabulary() -> None:
    assert {status.value for status in ContactStatus} == {
        "pending",
        "in progress",
        "connected",
        "not connected",
        "retries completed",
        "do-not-call",
        "invalid number",
        "not allowed",
        "dangling",
    }
