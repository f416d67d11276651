"""docs/compliance.md shows files that load, code that runs, and every profile there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.compliance.library import packaged
from app.compliance.load import load_profiles
from app.compliance.rules import Calendar, ConsentRule, CooldownRule, FrequencyRule, WindowRule

PAGE = (Path(__file__).parents[3] / "docs" / "compliance.md").read_text()
UK = "title: somebody\nrules:\n  - {id: a, kind: cooldown, source: s, after: refusal, period: 1d, same: [person]}\n"


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def test_the_example_of_a_profile_shows_every_kind_of_rule() -> None:
    ours = load_profiles({"ours": block("yaml"), "uk": UK})["ours"]
    assert [type(rule) for owner, rule in ours.owned if owner == "ours"] == [
        WindowRule,
        FrequencyRule,
        CooldownRule,
        ConsentRule,
    ]


def test_the_example_of_code_runs(capsys: pytest.CaptureFixture[str]) -> None:
    exec(block("python"), {})
    assert (
        "us_fl hours False outside 08:00–20:00 of Monday 2026-11-23; opens 2026-11-23 08:00" in capsys.readouterr().out
    )


def test_the_table_has_every_profile_and_its_figures() -> None:
    rows = {row.split("`")[1]: row for row in PAGE.splitlines() if row.startswith("| `")}
    assert set(rows) == set(packaged())
    for name, profile in packaged().items():
        for owner, rule in profile.owned:
            if owner != name:
                continue
            if isinstance(rule, FrequencyRule):
                assert str(rule.most) in rows[name]
            if isinstance(rule, WindowRule):
                assert all(f"{row.from_minute // 60}–{row.to_minute // 60}" in rows[name] for row in rule.hours)


def test_every_period_of_the_calendar_is_named() -> None:
    assert all(period.value in PAGE for period in Calendar)
