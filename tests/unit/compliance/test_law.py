"""Many profiles as one law: until when a call is allowed, what is remembered, and profiles in files of one's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.compliance.law import LOOK_AHEAD_MS, Law
from app.compliance.library import Lawbook, profiles
from app.compliance.rules import Callee, Consent
from app.compliance.verdict import next_allowed
from app.plain_yaml import FileError
from app.units import DAY_MS, HOUR_MS, MINUTE_MS, number
from tests.unit.compliance.cases import a_case, for_engine, some_rules
from tests.unit.compliance.oracle import MINUTE, all_allow
from tests.unit.compliance.test_verdict import LONDON, NEW_YORK, at

BRITON = Callee(number=number("+442079460123"), consent=Consent.PRIOR)


@pytest.mark.parametrize(
    ("zone", "when", "until"),
    [
        (LONDON, "2026-11-23 20:59", "2026-11-23 21:00"),
        (LONDON, "2026-11-22 10:00", "2026-11-22 20:00"),  # Sunday
        ("Europe/Moscow", "2026-11-23 12:00", "2026-11-23 21:00"),
    ],
)
def test_allowed_until_the_hours_end(zone: str, when: str, until: str) -> None:
    callee = replace(BRITON, time_zone=zone)
    decision = Law(profiles(["uk"])).decide(callee, (), at(when, zone))
    assert decision.is_allowed
    assert decision.until_ms == at(until, zone)


def test_hours_that_never_end_are_looked_ahead_a_day() -> None:
    now_ms = at("2026-11-23 12:00")
    assert Law(profiles(["anytime"])).decide(BRITON, (), now_ms).until_ms == now_ms + LOOK_AHEAD_MS


def test_a_consent_that_is_asked_from_a_day_on_ends_what_was_allowed_before() -> None:
    """France: 10 August is the last day without it."""
    callee = Callee(number=number("+33123456789"), time_zone="Europe/Paris")
    law = Law(profiles(["fr"]))
    evening = at("2026-08-10 19:00", "Europe/Paris")
    assert law.decide(callee, (), evening).until_ms == at("2026-08-10 20:00", "Europe/Paris")
    assert law.decide(callee, (), at("2026-08-11 10:00", "Europe/Paris")).from_ms is None


def test_the_nights_on_which_clocks_jump() -> None:
    """An hour earlier by the world's clock in spring, the same on the wall."""
    law, callee = Law(profiles(["careful"])), replace(BRITON, time_zone=NEW_YORK)
    for day in ("2026-03-07", "2026-03-08", "2026-10-31", "2026-11-01"):
        assert law.decide(callee, (), at(f"{day} 10:00", NEW_YORK)).until_ms == at(f"{day} 20:00", NEW_YORK)
        assert law.decide(callee, (), at(f"{day} 01:30", NEW_YORK)).from_ms == at(f"{day} 09:00", NEW_YORK)


@given(seed=st.integers(0, 2**64))
def test_every_minute_up_to_the_end_is_allowed_and_the_end_is_not(seed: int) -> None:
    random = Random(seed)
    case = a_case(random, some_rules(random, most=2))
    profile, callee, history = for_engine(case)
    decision = Law([profile]).decide(callee, history, case.instant)
    assert decision.is_allowed == all_allow(case, case.instant)
    assert decision.from_ms == next_allowed([profile], callee, history, case.instant)
    if decision.until_ms is None:
        return
    until_ms = decision.until_ms
    assert case.instant < until_ms <= case.instant + LOOK_AHEAD_MS
    for minute in range(case.instant // MINUTE + 1, until_ms // MINUTE + 1, 7):
        assert minute * MINUTE >= until_ms or all_allow(case, minute * MINUTE)
    assert all_allow(case, until_ms - 1)
    assert until_ms == case.instant + LOOK_AHEAD_MS or not all_allow(case, until_ms)


@given(seed=st.integers(0, 2**64))
def test_what_is_remembered_is_what_would_be_worked_out_anew(seed: int) -> None:
    random = Random(seed)
    rules = some_rules(random)
    case = a_case(random, rules)
    profile, callee, _ = for_engine(case)
    law, instant = Law([profile]), case.instant
    for _ in range(12):
        kept = law.decide(callee, (), instant)
        anew = Law([profile]).decide(callee, (), instant)
        assert (kept.is_allowed, kept.from_ms) == (anew.is_allowed, anew.from_ms)
        if kept.until_ms is not None and anew.until_ms != kept.until_ms:
            assert instant + LOOK_AHEAD_MS - HOUR_MS <= kept.until_ms < (anew.until_ms or 0)
        instant += random.choice([0, 1, MINUTE_MS, HOUR_MS, 7 * HOUR_MS, DAY_MS])


# --- files of one's own ----------------------------------------------------------------------------------------------

OURS = """title: Ours
inherits: uk
rules:
  - id: lunch
    kind: window
    source: our own
    hours: [{days: mon-sun, from: "12:00", to: "13:00"}]
"""


def test_a_file_of_ones_own_is_a_profile_and_its_change_is_seen(tmp_path: Path) -> None:
    book = Lawbook(tmp_path / "none yet")
    assert "uk" in book.versions()
    assert book.problems() == ()
    book = Lawbook(tmp_path)
    (tmp_path / "ours.yaml").write_text(OURS)
    before = book.version("ours")
    assert (before.is_own, before.profile.inherits) == (True, "uk")
    law = book.law(["ours"])
    assert book.law(["ours"]) is law
    (tmp_path / "ours.yaml").write_text(OURS.replace("13:00", "14:00"))
    assert book.law(["ours"]) is not law
    assert book.version("ours").sha256 != before.sha256
    (tmp_path / "ours.yaml").unlink()
    with pytest.raises(ValueError, match="no compliance profile 'ours'; there are anytime, careful"):
        book.law(["ours"])


def test_a_broken_file_is_told_by_file_line_and_field_and_takes_only_its_heirs_with_it(tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text(OURS.replace('"12:00"', '"12"'))
    (tmp_path / "heir.yaml").write_text("title: Heir\ninherits: ours\n")
    (tmp_path / "good.yaml").write_text(OURS)
    (tmp_path / "uk.yaml").write_text(OURS)
    (tmp_path / "latin.yaml").write_bytes("title: Grüße\n".encode("latin-1"))
    book = Lawbook(tmp_path)
    told = sorted(str(problem) for problem in book.problems())
    assert [one.partition(":")[0] for one in told] == ["heir.yaml", "latin.yaml", "ours.yaml", "uk.yaml"]
    assert (
        "ours.yaml: line 7: `hours.0.from`: '12' is no time of day; write hours and minutes, such as 08:00" in told[2]
    )
    assert "there is no profile 'ours'" in told[0]
    assert book.law(["good", "uk"]).rules
    with pytest.raises(FileError, match="line 7"):
        book.law(["uk", "ours"])
