"""The packaged profiles say what the law papers say, and a file with a mistake is refused with its place."""

from __future__ import annotations

import pytest

from app.compliance.library import packaged, profiles
from app.compliance.load import load_profiles
from app.compliance.rules import (
    Calendar,
    CallKind,
    Consent,
    ConsentRule,
    CooldownRule,
    FrequencyRule,
    Key,
    Mark,
    Rolling,
    Rule,
    WindowRule,
)
from app.plain_yaml import FileError
from app.units import DAY_MS, HOUR_MS


def rule_of(profile: str, name: str) -> Rule:
    (found,) = [rule for owner, rule in packaged()[profile].owned if rule.id == name and owner == profile]
    return found


def hours(profile: str) -> list[tuple[str, int, int]]:
    rule = rule_of(profile, "hours")
    assert isinstance(rule, WindowRule)
    return [
        (
            "".join(str(day) for day in sorted(row.weekdays)) + "H" * row.on_holidays + "-H" * row.except_holidays,
            row.from_minute // 60,
            row.to_minute // 60,
        )
        for row in rule.hours
    ]


def test_all_profiles_are_there() -> None:
    assert set(packaged()) == {
        "us_telemarketing", "us_reg_f_debt", "us_fl", "us_ok", "uk", "ie", "eu_default", "fr",
        "ru_advertising", "ru_debt_230fz", "careful", "anytime",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ("us_telemarketing", [("1234567", 8, 21)]),
        ("us_reg_f_debt", [("1234567", 8, 21)]),
        ("careful", [("1234567", 9, 20)]),
        ("anytime", [("1234567", 0, 24)]),
        ("us_fl", [("1234567", 8, 20)]),
        ("us_ok", [("1234567", 8, 20)]),
        ("uk", [("12345", 8, 21), ("67H", 9, 20)]),
        ("fr", [("12345-H", 10, 13), ("12345-H", 14, 20)]),
        ("ru_debt_230fz", [("12345", 8, 22), ("67H", 9, 20)]),
    ],
)
def test_hours(profile: str, expected: list[tuple[str, int, int]]) -> None:
    assert hours(profile) == expected


@pytest.mark.parametrize(
    ("profile", "name", "most", "period", "keys"),
    [
        ("us_reg_f_debt", "seven_in_seven_days", 7, 7 * DAY_MS, {Key.PERSON, Key.DEBT}),
        ("us_fl", "three_a_day", 3, 24 * HOUR_MS, {Key.PERSON, Key.SUBJECT}),
        ("us_ok", "three_a_day", 3, 24 * HOUR_MS, {Key.NUMBER}),
        ("fr", "four_a_month", 4, 30 * DAY_MS, {Key.PERSON, Key.SELLER}),
        ("ru_debt_230fz", "calls_a_day", 1, Calendar.DAY, {Key.PERSON, Key.SELLER}),
        ("ru_debt_230fz", "calls_a_week", 2, Calendar.WEEK, {Key.PERSON, Key.SELLER}),
        ("ru_debt_230fz", "calls_a_month", 8, Calendar.MONTH, {Key.PERSON, Key.SELLER}),
        ("ru_debt_230fz", "voice_messages_a_day", 2, Calendar.DAY, {Key.PERSON, Key.SELLER}),
        ("ru_debt_230fz", "voice_messages_a_week", 4, Calendar.WEEK, {Key.PERSON, Key.SELLER}),
        ("ru_debt_230fz", "voice_messages_a_month", 16, Calendar.MONTH, {Key.PERSON, Key.SELLER}),
    ],
)
def test_caps(profile: str, name: str, most: int, period: int | Calendar, keys: set[Key]) -> None:
    rule = rule_of(profile, name)
    assert isinstance(rule, FrequencyRule)
    found = rule.period.length_ms if isinstance(rule.period, Rolling) else rule.period
    assert (rule.most, found, set(rule.keys)) == (most, period, keys)
    voices = profile == "ru_debt_230fz"
    only = CallKind.PRERECORDED if name.startswith("voice") else CallKind.LIVE
    assert rule.kinds == (frozenset({only}) if voices else frozenset(CallKind))


@pytest.mark.parametrize(
    ("profile", "name", "after", "period_ms", "unless_agent"),
    [
        ("us_reg_f_debt", "after_conversation", Mark.CONVERSATION, 7 * DAY_MS, False),
        ("uk", "after_abandonment", Mark.ABANDONED, 72 * HOUR_MS, True),
        ("uk", "after_machine", Mark.MACHINE, 24 * HOUR_MS, True),
        ("fr", "after_refusal", Mark.REFUSED, 60 * DAY_MS, False),
    ],
)
def test_cooldowns(profile: str, name: str, after: Mark, period_ms: int, unless_agent: bool) -> None:
    rule = rule_of(profile, name)
    assert isinstance(rule, CooldownRule)
    assert (rule.after, rule.period.length_ms, rule.unless_agent) == (after, period_ms, unless_agent)


@pytest.mark.parametrize(
    ("profile", "name", "needs", "kinds"),
    [
        ("us_telemarketing", "prerecorded_consent", Consent.PRIOR_EXPRESS_WRITTEN, {CallKind.PRERECORDED}),
        ("us_fl", "autodial_consent", Consent.PRIOR_EXPRESS_WRITTEN, set(CallKind)),
        ("us_ok", "autodial_consent", Consent.PRIOR_EXPRESS_WRITTEN, set(CallKind)),
        ("uk", "prerecorded_consent", Consent.PRIOR, {CallKind.PRERECORDED}),
        ("ie", "prerecorded_consent", Consent.PRIOR, {CallKind.PRERECORDED}),
        ("ie", "mobile_consent", Consent.PRIOR, {CallKind.LIVE}),
        ("eu_default", "prerecorded_consent", Consent.PRIOR, {CallKind.PRERECORDED}),
        ("fr", "live_consent", Consent.PRIOR, set(CallKind)),
        ("ru_advertising", "consent", Consent.PRIOR, set(CallKind)),
        ("ru_advertising", "no_autodialing", None, set(CallKind)),
    ],
)
def test_consent(profile: str, name: str, needs: Consent | None, kinds: set[CallKind]) -> None:
    rule = rule_of(profile, name)
    assert isinstance(rule, ConsentRule)
    assert (rule.needs, set(rule.kinds)) == (needs, kinds)
    assert rule.only_autodialed == (profile in ("us_fl", "us_ok") or name == "no_autodialing")
    assert rule.only_mobile == (name == "mobile_consent")
    assert rule.from_date == ("2026-08-11" if profile == "fr" else "")


def test_a_state_keeps_the_rules_of_its_country() -> None:
    owners = [(owner, rule.id) for owner, rule in packaged()["us_fl"].owned]
    assert owners[:3] == [
        ("us_telemarketing", "hours"),
        ("us_telemarketing", "prerecorded_consent"),
        ("us_fl", "hours"),
    ]


def test_every_rule_names_its_source_and_each_date_that_was_remembered_says_so() -> None:
    for profile in packaged().values():
        for piece in (*profile.rules, *profile.duties):
            assert piece.basis.source
            assert not piece.basis.date or piece.basis.unverified, f"{profile.name}.{piece.id}"


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"no compliance profile 'gb'; there are anytime, careful, .*uk"):
        profiles(["uk", "gb"])


WINDOW = "title: t\nrules:\n  - id: a\n    kind: window\n    source: s\n    hours:\n      - "
CAP = "title: t\nrules:\n  - id: a\n    kind: frequency\n    source: s\n    most: 1\n"


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ("", 1, "this is not a profile"),
        ("title: t\n", 1, "asks for nothing"),
        ("title: t\ntitle: u\n", 2, "`title` is given twice"),
        ("title: t\nrules: *x\n", 2, "alias"),
        ("title: [\n", 2, "check indentation"),
        ("title: \x00\n", 1, "a character that no text file has"),
        ("title: t\ninherits: nobody\n", 2, "there is no profile 'nobody'; there are bad"),
        ("title: t\ninherits: bad\n", 2, "bad inherits from itself"),
        ("title: t\nrules:\n  - kind: windows\n", 3, "'windows'; there are window, frequency, cooldown, consent"),
        ("title: t\nrules:\n  - {id: a, kind: window}\n", 3, "`source` is missing"),
        (WINDOW + '{days: mon-fry, from: "08:00", to: "21:00"}', 7, "'mon-fry' are no days"),
        (WINDOW + '{days: fri-mon, from: "08:00", to: "21:00"}', 7, "are no days"),
        (WINDOW + '{days: mon, from: "8", to: "21:00"}', 7, "'8' is no time of day"),
        (WINDOW + '{days: mon, from: "08:00", to: "25:00"}', 7, "'25:00' is no time of day"),
        (WINDOW + '{days: mon, from: "22:00", to: "02:00"}', 7, "two rows"),
        (WINDOW + '{days: holidays, except: holidays, from: "08:00", to: "09:00"}', 7, "both in and out"),
        (WINDOW + '{days: mon, form: "08:00", to: "21:00"}', 7, "is missing"),
        (CAP + "    period: 7 days\n    same: [person]\n", 7, "'7 days' is no period"),
        (CAP + "    period: 7d\n    same: [debt]\n", 8, "all the world"),
        (CAP + "    period: 7d\n    same: []\n", 8, "same"),
        (CAP + "    period: 7d\n    same: [person]\n    limit: 3\n", 9, "`limit` is not known here"),
        (CAP + "    period: 7d\n    same: [person]\n    date: yesterday\n", 9, "'yesterday' is no date"),
        ("title: t\nrules: [", 2, "check indentation"),
        ("title: " + "[" * 40 + "]" * 40, 1, "nested too deep"),
    ],
)
def test_a_mistake_in_a_file_is_named_with_its_place(content: str, line: int, words: str) -> None:
    with pytest.raises(FileError) as caught:
        load_profiles({"bad": content})
    assert str(caught.value).startswith("bad.yaml: line ")
    assert words in str(caught.value)
    assert caught.value.line == line


def test_two_rules_of_one_name_are_refused() -> None:
    rule = "  - {id: a, kind: cooldown, source: s, after: refusal, period: 1d, same: [person]}\n"
    with pytest.raises(FileError, match="line 4: two rules are called 'a'"):
        load_profiles({"bad": "title: t\nrules:\n" + rule + rule})
