"""Strategies' files: what they say, and what is told of a bad one."""

from __future__ import annotations

import pytest

from app.outcomes import OUTCOMES, Outcome, RetryClass
from app.plain_yaml import FileError
from app.strategy.load import load_strategy
from app.strategy.rows import Between, PhoneMove, Step
from app.units import HOUR_MS, MINUTE_MS

EVENINGS = """\
title: Households in the evening
limits: {attempts: 6, per phone: 3, per day: 2}
after:
  busy:
    - {wait: 5m, times: 3}
    - {wait: 1h, phone: next}
  no answer, dead air:
    - {wait: 4h}
    - {wait: 30m, phone: 2, between: "18:00-20:00"}
  answering machine: {wait: tomorrow}
  wrong number: {phone: next}
  call screened by the phone: close
  anything else: {wait: 2d, times: 5}
"""


def test_every_word_of_a_file_counts() -> None:
    found = load_strategy(EVENINGS, "evenings", 3)
    assert (found.name, found.version, found.title) == ("evenings", 3, "Households in the evening")
    assert (found.max_attempts, found.per_phone, found.per_day) == (6, 3, 2)
    assert found.row_of(Outcome.BUSY).steps == (
        Step(wait_ms=5 * MINUTE_MS, times=3),
        Step(wait_ms=HOUR_MS, phone=PhoneMove.NEXT),
    )
    assert found.row_of(Outcome.DEAD_AIR) is found.row_of(Outcome.NO_ANSWER)
    evening = Between(from_minute=18 * 60, to_minute=20 * 60)
    assert found.row_of(Outcome.NO_ANSWER).steps[1] == Step(wait_ms=30 * MINUTE_MS, phone=2, between=evening)
    assert found.row_of(Outcome.ANSWERING_MACHINE).steps == (Step(is_tomorrow=True),)
    assert found.row_of(Outcome.CALL_SCREENED).steps == ()
    assert found.row_of(Outcome.WRONG_PERSON).steps == (Step(wait_ms=48 * HOUR_MS, times=5),)


def test_no_outcome_that_may_be_tried_again_is_without_its_row() -> None:
    found = load_strategy(EVENINGS, "evenings")
    later = [one for one in Outcome if OUTCOMES[one].retry is RetryClass.LATER]
    for outcome in later:
        assert sum(1 for row in found.rows if outcome in row.outcomes) == 1, outcome.label


@pytest.mark.parametrize(
    ("line", "bad", "line_number", "words"),
    [
        ("title: Households in the evening\n", "", 1, ("`title` is missing", "add")),
        ("attempts: 6", "attempts: 0", 2, ("`attempts: 0` is not taken", "1 to 50")),
        ("attempts: 6", "attempt: 6", 2, ("`attempt` is not known", "per day")),
        ("wait: 5m", "wait: 5 minutes", 5, ("'5 minutes' is no length of time", "5m")),
        ("wait: 5m", "wait: 999d", 5, ("too long", "90 days")),
        ("times: 3", "times: many", 5, ("`times: many` is not taken", "whole number")),
        ("phone: 2", "phone: 6", 9, ("`phone: 6` is not taken", "next")),
        ('"18:00-20:00"', '"20:00-18:00"', 9, ("ends before it begins", "two rows")),
        ('"18:00-20:00"', '"evening"', 9, ("'evening' are no hours", "18:00-20:00")),
        ("dead air", "dead hair", 7, ("'dead hair' is no outcome", "dead air")),
        ("dead air", "busy", 7, ("`busy` stands in two rows", "one of them")),
        ("dead air", "connected to agent", 7, ("a strategy has no say", "take the row out")),
        ("{phone: next}", "{wait: 5m}", 11, ("the same phone is not called again", "phone: next")),
        ("  anything else: {wait: 2d, times: 5}\n", "", 3, ("nothing is said of the other outcomes", "anything else")),
        ("{wait: tomorrow}", "soon", 10, ("'soon' is no step", "close")),
        ("{wait: tomorrow}", "[]", 10, ("0 steps", "close")),
        ("{wait: tomorrow}", "{weight: 1h}", 10, ("`weight` is not known", "wait")),
    ],
)
def test_a_mistake_is_told_with_its_line_and_mend(
    line: str, bad: str, line_number: int, words: tuple[str, str]
) -> None:
    assert line in EVENINGS
    with pytest.raises(FileError) as caught:
        load_strategy(EVENINGS.replace(line, bad, 1), "evenings")
    assert caught.value.line == line_number, str(caught.value)
    assert words[0] in caught.value.reason
    assert words[1] in caught.value.mend


@pytest.mark.parametrize("content", ["", "- a\n- b\n", "a: &x 1\nb: *x\n", "title: [", "title: a\ntitle: b\n", "\x00"])
def test_what_is_no_strategy_at_all_is_refused(content: str) -> None:
    with pytest.raises(FileError):
        load_strategy(content, "mine")
