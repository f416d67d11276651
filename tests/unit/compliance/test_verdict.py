"""Hours, holidays, caps and rests of the packaged profiles, by their own clauses, on the callee's clock."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from app.compliance.library import profiles
from app.compliance.rules import Callee, CallKind, Consent, Mark, PastCall, Verdict
from app.compliance.verdict import is_allowed, judge, next_allowed
from app.units import DAY_MS, HOUR_MS, MINUTE_MS, number

LONDON, NEW_YORK, PARIS, MOSCOW = "Europe/London", "America/New_York", "Europe/Paris", "Europe/Moscow"
BRITON = Callee(number=number("+442079460123"), country="GB", region="ENG")
AMERICAN = Callee(number=number("+12125550123"), person="p", debt="d")
FRENCH = Callee(number=number("+33123456789"), person="p", seller="s", consent=Consent.PRIOR)
RUSSIAN = Callee(number=number("+74951234567"), person="p", seller="s")


def at(text: str, zone: str = LONDON, fold: int = 0) -> int:
    when = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return int(when.timestamp() * 1000)


def told(name: str, callee: Callee, when: int, *history: PastCall) -> dict[str, Verdict]:
    """Verdicts by rule."""
    return {verdict.rule: verdict for verdict in judge(profiles([name]), callee, history, when)}


def called(callee: Callee, when: int, *marks: Mark, kind: CallKind = CallKind.LIVE, debt: str = "d") -> PastCall:
    return PastCall(
        at_ms=when,
        number=callee.number,
        person=callee.person,
        seller=callee.seller,
        debt=debt,
        kind=kind,
        marks=frozenset(marks),
    )


@pytest.mark.parametrize(
    ("when", "opens"),
    [
        ("2026-11-23 07:59:59.999", "2026-11-23 08:00"),
        ("2026-11-23 08:00", "2026-11-23 08:00"),
        ("2026-11-23 20:59:59.999", "2026-11-23 20:59:59.999"),
        ("2026-11-23 21:00", "2026-11-24 08:00"),
        ("2026-11-20 21:00", "2026-11-21 09:00"),  # Friday evening → Saturday
        ("2026-11-22 20:00", "2026-11-23 08:00"),  # Sunday
        ("2026-12-25 08:30", "2026-12-25 09:00"),  # Christmas, a Friday, by holiday hours
        ("2026-12-28 08:30", "2026-12-28 09:00"),  # Monday: Boxing Day, observed
    ],
)
def test_british_hours(when: str, opens: str) -> None:
    verdict = told("uk", BRITON, at(when))["hours"]
    assert verdict.from_ms == at(opens)
    assert verdict.is_allowed == (when == opens)


@pytest.mark.parametrize(
    ("when", "opens"),
    [
        ("2026-11-23 13:00", "2026-11-23 14:00"),  # lunch
        ("2026-11-20 20:00", "2026-11-23 10:00"),  # no weekends
        ("2026-07-14 11:00", "2026-07-15 10:00"),  # le quatorze juillet
    ],
)
def test_french_hours(when: str, opens: str) -> None:
    assert told("fr", FRENCH, at(when, PARIS))["hours"].from_ms == at(opens, PARIS)


def test_a_holiday_of_a_part_holds_where_the_part_is_not_known() -> None:
    """Good Friday is kept in Alsace and Moselle alone."""
    good_friday = at("2026-04-03 11:00", PARIS)
    assert not told("fr", FRENCH, good_friday)["hours"].is_allowed
    scot = Callee(number=BRITON.number, country="GB", region="GB-SCT")
    second_of_january = at("2026-01-02 08:30")
    assert told("uk", BRITON, second_of_january)["hours"].is_allowed
    assert not told("uk", scot, second_of_january)["hours"].is_allowed


def test_the_hours_follow_the_wall_clock_over_daylight_saving() -> None:
    before, after = at("2026-03-07 22:00", NEW_YORK), at("2026-03-08 22:00", NEW_YORK)
    assert told("us_telemarketing", AMERICAN, before)["hours"].from_ms == at("2026-03-08 08:00", NEW_YORK)
    assert at("2026-03-08 08:00", NEW_YORK) - before == 9 * HOUR_MS  # the night is an hour short
    assert told("us_telemarketing", AMERICAN, after)["hours"].from_ms == after + 10 * HOUR_MS


def test_every_possible_zone_must_allow() -> None:
    mobile = Callee(number=AMERICAN.number, region="CA")
    verdict = told("us_telemarketing", mobile, at("2026-11-23 08:00", NEW_YORK))["hours"]
    assert verdict.from_ms == at("2026-11-23 11:00", NEW_YORK)


def test_nobody_is_called_whose_zone_is_not_known() -> None:
    nobody = Callee(number=number("+888123456789"))
    (verdict,) = judge((), nobody, (), 0)
    assert (verdict.rule, verdict.is_allowed, verdict.from_ms) == ("zone", False, None)
    assert "unknown" in verdict.why
    assert next_allowed(profiles(["uk"]), nobody, (), 0) is None


def test_the_strictest_of_several_profiles_wins() -> None:
    both = profiles(["us_telemarketing", "us_fl"])
    callee = Callee(number=number("+13055550123"), consent=Consent.PRIOR_EXPRESS_WRITTEN, time_zone=NEW_YORK)
    evening = at("2026-11-23 20:30", NEW_YORK)
    verdicts = judge(both, callee, (), evening)
    assert [(one.profile, one.is_allowed) for one in verdicts if one.rule == "hours"] == [
        ("us_telemarketing", True),
        ("us_fl", False),
    ]
    assert not is_allowed(verdicts)
    assert next_allowed(both, callee, (), evening) == at("2026-11-24 08:00", NEW_YORK)


def test_hours_that_never_meet_are_said_never_to() -> None:
    far = Callee(number=number("+12125550123"), country="AU")
    verdict = told("fr", far, at("2026-11-23 12:00", NEW_YORK))["hours"]
    assert verdict.from_ms is None
    assert "do not meet" in verdict.why


def test_seven_calls_in_seven_days_about_one_debt() -> None:
    noon = at("2026-11-23 12:00", NEW_YORK)
    history = [called(AMERICAN, noon - day * DAY_MS) for day in range(7)]
    capped = told("us_reg_f_debt", AMERICAN, noon, *history)["seven_in_seven_days"]
    assert capped.from_ms == noon + DAY_MS
    assert "7 of at most 7 calls in 7d to the same debt and person" in capped.why
    assert told("us_reg_f_debt", AMERICAN, noon + DAY_MS, *history)["seven_in_seven_days"].is_allowed
    assert told("us_reg_f_debt", AMERICAN, noon, *history[1:])["seven_in_seven_days"].is_allowed
    others = [called(AMERICAN, noon - day * DAY_MS, debt="another") for day in range(7)]
    assert told("us_reg_f_debt", AMERICAN, noon, *others)["seven_in_seven_days"].is_allowed
    unknown = [called(AMERICAN, noon - day * DAY_MS, debt="") for day in range(7)]
    assert not told("us_reg_f_debt", AMERICAN, noon, *unknown)["seven_in_seven_days"].is_allowed


def test_a_conversation_gives_seven_days_of_rest() -> None:
    noon = at("2026-11-23 12:00", NEW_YORK)
    talk = called(AMERICAN, noon, Mark.CONVERSATION)
    assert told("us_reg_f_debt", AMERICAN, noon + 1, talk)["after_conversation"].from_ms == noon + 7 * DAY_MS
    assert told("us_reg_f_debt", AMERICAN, noon + 7 * DAY_MS, talk)["after_conversation"].is_allowed


@pytest.mark.parametrize(("mark", "rest_ms"), [(Mark.ABANDONED, 72 * HOUR_MS), (Mark.MACHINE, 24 * HOUR_MS)])
def test_british_rests_unless_an_agent_is_guaranteed(mark: Mark, rest_ms: int) -> None:
    noon = at("2026-11-23 12:00")
    rule = "after_abandonment" if mark is Mark.ABANDONED else "after_machine"
    assert told("uk", BRITON, noon + MINUTE_MS, called(BRITON, noon, mark))[rule].from_ms == noon + rest_ms
    sure = Callee(number=BRITON.number, agent_guaranteed=True)
    assert told("uk", sure, noon + MINUTE_MS, called(BRITON, noon, mark))[rule].is_allowed


def test_calendar_periods_are_the_callees() -> None:
    late = at("2026-11-22 19:30", MOSCOW)  # Sunday
    history = [called(RUSSIAN, late - DAY_MS), called(RUSSIAN, late)]
    verdicts = told("ru_debt_230fz", RUSSIAN, late + MINUTE_MS, *history)
    assert verdicts["calls_a_day"].from_ms == verdicts["calls_a_week"].from_ms == at("2026-11-23 00:00", MOSCOW)
    assert verdicts["calls_a_month"].is_allowed
    after = next_allowed(profiles(["ru_debt_230fz"]), RUSSIAN, history, late + MINUTE_MS)
    assert after == at("2026-11-23 08:00", MOSCOW)


def test_the_month_ends_a_cap_of_the_month() -> None:
    history = [called(RUSSIAN, at(f"2026-11-{day:02d} 12:00", MOSCOW)) for day in (2, 4, 9, 11, 16, 18, 23, 25)]
    verdict = told("ru_debt_230fz", RUSSIAN, at("2026-11-27 12:00", MOSCOW), *history)["calls_a_month"]
    assert verdict.from_ms == at("2026-12-01 00:00", MOSCOW)


def test_voice_messages_are_counted_apart_from_calls() -> None:
    noon = at("2026-11-23 12:00", MOSCOW)
    spoken = called(RUSSIAN, noon)
    message = Callee(number=RUSSIAN.number, person="p", seller="s", kind=CallKind.PRERECORDED)
    assert not told("ru_debt_230fz", RUSSIAN, noon + 1, spoken)["calls_a_day"].is_allowed
    assert is_allowed(judge(profiles(["ru_debt_230fz"]), message, [spoken], noon + 1))


def test_a_person_is_capped_on_all_their_numbers() -> None:
    noon = at("2026-11-23 12:00", MOSCOW)
    other_phone = PastCall(at_ms=noon - 1, number=number("+74957654321"), person="p", seller="s")
    assert not told("ru_debt_230fz", RUSSIAN, noon, other_phone)["calls_a_day"].is_allowed
    stranger = PastCall(at_ms=noon - 1, number=number("+74957654321"), person="q", seller="s")
    assert told("ru_debt_230fz", RUSSIAN, noon, stranger)["calls_a_day"].is_allowed


def test_a_refusal_and_four_calls_in_france() -> None:
    noon = at("2026-11-23 12:00", PARIS)
    refused = told("fr", FRENCH, noon + 1, called(FRENCH, noon, Mark.REFUSED))
    assert refused["after_refusal"].from_ms == noon + 60 * DAY_MS
    history = [called(FRENCH, noon - day * DAY_MS) for day in (1, 2, 3, 29)]
    assert told("fr", FRENCH, noon, *history)["four_a_month"].from_ms == noon + DAY_MS


def test_consent_in_france_is_asked_from_its_day_on() -> None:
    asked = Callee(number=FRENCH.number)
    last, first = at("2026-08-10 23:59:59", PARIS), at("2026-08-11 00:00", PARIS)
    assert told("fr", asked, last)["live_consent"].is_allowed
    verdict = told("fr", asked, first)["live_consent"]
    assert (verdict.is_allowed, verdict.from_ms) == (False, None)
    assert verdict.why == "needs prior consent, given: none"


def test_autodialed_advertising_is_forbidden_in_russia_and_dialing_by_hand_is_not() -> None:
    noon = at("2026-11-23 12:00", MOSCOW)
    agreed = Callee(number=RUSSIAN.number, consent=Consent.PRIOR)
    by_hand = Callee(number=RUSSIAN.number, consent=Consent.PRIOR, is_autodialed=False)
    assert not told("ru_advertising", agreed, noon)["no_autodialing"].is_allowed
    assert is_allowed(judge(profiles(["ru_advertising"]), by_hand, (), noon))


def test_a_verdict_says_why_its_source_and_until_when() -> None:
    verdict = told("uk", BRITON, at("2026-11-22 21:15"))["hours"]
    assert verdict.why == ("outside 09:00–20:00 of Sunday 2026-11-22; opens 2026-11-23 08:00 in Europe/London")
    assert verdict.basis.source == "practice of the trade"
    assert verdict.basis.unverified
