"""What follows from an attempt by a strategy: when, on which phone, or no more."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from app.outcomes import OUTCOMES, Outcome
from app.strategy.choose import next_good_phone, next_try, retriable
from app.strategy.load import load_strategy
from app.strategy.rows import CallStrategy, Closing, NextTry, Phones, Try
from app.units import DAY_MS, HOUR_MS, MINUTE_MS, Number

LONDON = ZoneInfo("Europe/London")
HOME, WORK, MOBILE = Number("+442079460001"), Number("+442079460002"), Number("+447700900003")
THREE = Phones(numbers=(HOME, WORK, "", MOBILE, ""), time_zone="Europe/London")


def at(text: str) -> int:
    """`2026-11-23 10:00` in London."""
    return round(dt.datetime.fromisoformat(text).replace(tzinfo=LONDON).timestamp()) * 1_000


NOW = at("2026-11-23 10:00")


def tried(outcome: Outcome, number: Number = HOME, at_ms: int = NOW) -> Try:
    return Try(number=number, outcome=outcome, opened_at_ms=at_ms, is_charged=OUTCOMES[outcome].is_charged)


def strategy(after: str, limits: str = "{attempts: 50}") -> CallStrategy:
    return load_strategy(f"title: t\nlimits: {limits}\nafter: {after}\n", "mine")


def then(found: CallStrategy, *tries: Try, phones: Phones = THREE, now_ms: int = NOW) -> NextTry | Closing:
    return next_try(found, phones, tries[:-1], tries[-1], now_ms)


def test_steps_are_taken_in_turn_and_then_the_contact_closes() -> None:
    found = strategy("{busy: [{wait: 5m, times: 2}, {wait: 1h, phone: next}], anything else: close}")
    busy = tried(Outcome.BUSY)
    assert then(found, busy) == NextTry(due_at_ms=NOW + 5 * MINUTE_MS, phone=1)
    assert then(found, busy, busy) == NextTry(due_at_ms=NOW + 5 * MINUTE_MS, phone=1)
    assert then(found, busy, busy, busy) == NextTry(due_at_ms=NOW + HOUR_MS, phone=2)
    assert then(found, *[busy] * 4) is Closing.DONE


def test_each_row_counts_its_own_outcomes() -> None:
    found = strategy("{busy: {wait: 5m}, no answer: {wait: 4h}, anything else: close}")
    assert then(found, tried(Outcome.BUSY), tried(Outcome.NO_ANSWER)) == NextTry(due_at_ms=NOW + 4 * HOUR_MS, phone=1)
    assert then(found, tried(Outcome.BUSY), tried(Outcome.NO_ANSWER), tried(Outcome.BUSY)) is Closing.DONE


def test_the_next_phone_goes_round_past_empty_places() -> None:
    found = strategy("{no answer: {phone: next, times: 9}, anything else: close}")
    for last, place in ((HOME, 2), (WORK, 4), (MOBILE, 1)):
        assert then(found, tried(Outcome.NO_ANSWER, last)) == NextTry(due_at_ms=NOW, phone=place)


def test_a_named_place_that_is_empty_falls_back_to_the_first_phone() -> None:
    found = strategy("{no answer: [{phone: 4}, {phone: 3}], anything else: close}")
    assert then(found, tried(Outcome.NO_ANSWER, WORK)) == NextTry(due_at_ms=NOW, phone=4)
    assert then(found, tried(Outcome.NO_ANSWER), tried(Outcome.NO_ANSWER, WORK)) == NextTry(due_at_ms=NOW, phone=1)


def test_a_bad_number_is_never_called_again_and_the_last_one_closes_the_contact() -> None:
    found = strategy("{no answer: {phone: next, times: 9}, anything else: close}")
    wrong = tried(Outcome.WRONG_NUMBER, HOME)
    assert then(found, wrong) == NextTry(due_at_ms=NOW, phone=2), "another phone at once, where no row says otherwise"
    assert then(found, wrong, tried(Outcome.NO_ANSWER, MOBILE)) == NextTry(due_at_ms=NOW, phone=2)
    bad = [tried(Outcome.NOT_IN_SERVICE, WORK), tried(Outcome.FAX, MOBILE)]
    assert then(found, wrong, *bad) is Closing.NO_PHONE


def test_limits_in_all_per_phone_and_per_day() -> None:
    found = strategy("{no answer: {wait: 1h, times: 9}, anything else: close}", "{attempts: 3, per phone: 1}")
    first = tried(Outcome.NO_ANSWER)
    assert then(found, first) == NextTry(due_at_ms=NOW + HOUR_MS, phone=2), "the first has had its one try"
    assert then(found, first, tried(Outcome.NO_ANSWER, WORK), tried(Outcome.NO_ANSWER, MOBILE)) is Closing.DONE
    daily = strategy("{no answer: {wait: 1h, times: 9}, anything else: close}", "{attempts: 9, per day: 2}")
    assert then(daily, first) == NextTry(due_at_ms=NOW + HOUR_MS, phone=1)
    assert then(daily, first, first) == NextTry(due_at_ms=at("2026-11-24 00:00"), phone=1)
    yesterday = tried(Outcome.NO_ANSWER, at_ms=NOW - DAY_MS)
    assert then(daily, yesterday, first) == NextTry(due_at_ms=NOW + HOUR_MS, phone=1)


def test_what_was_not_charged_counts_for_no_limit() -> None:
    found = strategy("{no answer: {wait: 1h, times: 9}, anything else: close}", "{attempts: 2, per day: 2}")
    fault = tried(Outcome.SIP_ERROR)
    assert then(found, fault, fault, fault, tried(Outcome.NO_ANSWER)) == NextTry(due_at_ms=NOW + HOUR_MS, phone=1)


def test_an_agent_who_passes_a_contact_on_closes_nobody() -> None:
    found = strategy("{no answer: {wait: 1h}, anything else: close}")
    skipped = tried(Outcome.AGENT_REJECTED_PREVIEW)
    assert then(found, *[skipped] * 30) == NextTry(due_at_ms=NOW + HOUR_MS, phone=1)
    named = strategy("{agent rejected preview: {wait: 5m}, anything else: close}")
    assert then(named, skipped) == NextTry(due_at_ms=NOW + 5 * MINUTE_MS, phone=1)
    assert then(named, skipped, skipped) is Closing.DONE


def test_hours_are_those_of_the_callee() -> None:
    found = strategy('{no answer: {wait: 30m, between: "18:00-20:00", times: 9}, anything else: close}')
    no = tried(Outcome.NO_ANSWER)
    assert then(found, no) == NextTry(due_at_ms=at("2026-11-23 18:00"), phone=1)
    assert then(found, no, now_ms=at("2026-11-23 18:40")) == NextTry(due_at_ms=at("2026-11-23 19:10"), phone=1)
    assert then(found, no, now_ms=at("2026-11-23 19:40")) == NextTry(due_at_ms=at("2026-11-24 18:00"), phone=1)
    moscow = Phones(numbers=("+74951234567",))
    assert then(found, tried(Outcome.NO_ANSWER, Number("+74951234567")), phones=moscow) == NextTry(
        due_at_ms=at("2026-11-23 15:00"), phone=1
    ), "18:00 in Moscow is 15:00 in London"


def test_tomorrow_is_the_callees_next_date_also_in_a_night_of_25_hours() -> None:
    found = strategy("{answering machine: {wait: tomorrow, times: 9}, anything else: close}")
    machine = tried(Outcome.ANSWERING_MACHINE)
    assert then(found, machine, now_ms=at("2026-10-24 23:59")) == NextTry(due_at_ms=at("2026-10-25 00:00"), phone=1)
    assert then(found, machine, now_ms=at("2026-10-25 00:00")) == NextTry(due_at_ms=at("2026-10-26 00:00"), phone=1)
    assert at("2026-10-26 00:00") - at("2026-10-25 00:00") == 25 * HOUR_MS


def test_hours_that_a_clock_leaves_out_come_the_next_day() -> None:
    found = strategy('{no answer: {wait: 1m, between: "01:00-02:00"}, anything else: close}')
    due = then(found, tried(Outcome.NO_ANSWER), now_ms=at("2026-03-29 00:30"))
    assert isinstance(due, NextTry)
    assert due.due_at_ms == at("2026-03-30 01:00"), "on 29 March London has no hour from 01:00"


def test_without_a_strategy_a_bad_number_leads_to_the_next_good_one() -> None:
    assert next_good_phone(THREE, (), tried(Outcome.WRONG_NUMBER)) == 2
    assert next_good_phone(THREE, (tried(Outcome.FAX, WORK),), tried(Outcome.WRONG_NUMBER)) == 4
    only = Phones(numbers=(HOME, "", "", "", ""))
    assert next_good_phone(only, (), tried(Outcome.WRONG_NUMBER)) is None


_after_retriable = st.sampled_from([one for one in Outcome if retriable(one)])


@given(
    outcomes=st.lists(st.tuples(_after_retriable, st.sampled_from([HOME, WORK, MOBILE])), min_size=1, max_size=12),
    numbers=st.permutations([HOME, WORK, MOBILE, "", ""]),
    attempts=st.integers(1, 6),
    now_ms=st.integers(0, 4_000_000_000_000),
)
def test_whatever_happened_it_goes_on_to_a_phone_that_is_there_or_ends(
    outcomes: list[tuple[Outcome, Number]], numbers: list[str], attempts: int, now_ms: int
) -> None:
    found = strategy(
        '{no answer: [{wait: 4h, phone: next}, {wait: tomorrow, phone: 3, between: "09:00-10:00", times: 2}], '
        "anything else: {wait: 10m, times: 3}}",
        f"{{attempts: {attempts}, per phone: 2, per day: 1}}",
    )
    phones = Phones(numbers=tuple(numbers))
    tries = [tried(outcome, number, now_ms) for outcome, number in outcomes]
    due = then(found, *tries, phones=phones, now_ms=now_ms)
    if isinstance(due, NextTry):
        assert numbers[due.phone - 1], "an empty place"
        assert due.due_at_ms >= now_ms
        assert sum(one.is_charged for one in tries) < attempts
        assert sum(one.is_charged and one.number == numbers[due.phone - 1] for one in tries) < 2
