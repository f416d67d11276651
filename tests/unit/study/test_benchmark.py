"""The benchmark plays the same days for all, takes the best setting in hindsight, and says the spread."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from app.pacing import PacingDecision, PacingEvent, PacingSnapshot
from app.study.__main__ import main
from app.study.baselines import LinesPerIdleAgent
from app.study.benchmark import Score, best_setting, measure
from app.study.contenders import CONTENDERS, Contender
from app.study.day import HOUR_MS, MINUTE_MS, DayResult, plain_day

DAY = plain_day(0.3, 6, length_ms=HOUR_MS // 2)


def result(*history: tuple[float, int, int]) -> DayResult:
    """A day with this history, times in minutes."""
    return DayResult(history=[(int(at * MINUTE_MS), answered, lost) for at, answered, lost in history])


def test_the_worst_stretch_is_found_wherever_it_begins() -> None:
    day = result((1, 10, 0), (4, 20, 0), (7, 30, 3), (9, 40, 4), (20, 80, 4))
    assert day.worst_stretch(5 * MINUTE_MS) == pytest.approx(4 / 20)  # from just after minute 4 to minute 9
    assert result((1, 10, 5), (20, 50, 5)).worst_stretch() == 0  # the first five minutes are not yet a stretch


def test_a_score_is_what_the_day_came_to() -> None:
    day = result((10, 50, 2), (40, 100, 5), (60, 200, 5))
    day.worked_ms, day.talked_ms, day.signed_in_ms = 8 * HOUR_MS, 6 * HOUR_MS, 10 * HOUR_MS
    day.answered, day.abandoned, day.connected, day.attempts, day.most_lines = 200, 5, 195, 780, 31
    assert Score.of(day) == Score(
        occupancy=0.8,
        talk_minutes_an_hour=36,
        abandonment=0.025,
        running=0.05,
        first_quarter=0.04,
        worst_5_min=0.06,
        attempts_per_connection=4,
        most_lines=31,
    )


def by_lines(lines: tuple[float, ...], *, is_bolder: bool) -> Contender:
    return Contender(
        source="a test",
        make=lambda day, lines: LinesPerIdleAgent(lines),
        settings=tuple({"lines": each} for each in lines),
        is_bolder=is_bolder,
    )


def test_halving_finds_the_setting_that_trying_all_finds() -> None:
    lines = (1.0, 1.3, 1.6, 2.0, 2.5, 3.0, 4.0)
    halved, days = best_setting(by_lines(lines, is_bolder=True), DAY, (1, 2))
    tried, _ = best_setting(by_lines(lines, is_bolder=False), DAY, (1, 2))
    assert halved == tried
    assert 0 < halved < len(lines) - 1
    assert sum(day.abandoned for day in days) <= 0.03 * sum(day.answered for day in days)


def test_of_many_settings_one_that_keeps_the_target_is_taken() -> None:
    lines = tuple(5 - 0.1 * i for i in range(41))
    at, days = best_setting(by_lines(lines, is_bolder=False), DAY, (1,))
    assert sum(day.abandoned for day in days) <= 0.03 * sum(day.answered for day in days)
    assert lines[at] < 4


def test_a_row_has_median_and_range_over_the_seeds() -> None:
    row = measure("progressive", answer_rate=0.3, agents=4, seeds=(1, 2, 3), hours=0.5)
    spread = row.spread("occupancy")
    assert sorted(score.occupancy for score in row.days.values()) == [spread.least, spread.median, spread.most]
    told = json.loads(json.dumps(row.as_json()))
    assert told["spread"]["occupancy"] == {"least": spread.least, "median": spread.median, "most": spread.most}
    assert set(told["days"]) == {"1", "2", "3"}
    assert told["source"] == "one call for each idle agent"


@pytest.mark.parametrize("name", CONTENDERS)
def test_everybody_can_be_measured(name: str) -> None:
    contender = CONTENDERS[name]
    pacer = contender.make(DAY, **contender.settings[-1])
    if not hasattr(pacer, "floor"):
        decided = pacer.decide(PacingSnapshot(now_ms=20_000, idle_agents=6))
        assert decided.place >= 0
    assert contender.source


class Idler:
    def observe(self, event: PacingEvent) -> None: ...

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        return PacingDecision(place=0)


def test_who_places_nothing_has_a_score_too() -> None:
    _, days = best_setting(Contender(source="nobody", make=lambda day: Idler()), DAY, (1,))
    assert Score.of(days[0]).attempts_per_connection == 0


def ran(*arguments: str) -> list[dict[str, Any]]:
    got = CliRunner().invoke(main, [*arguments, "--json"])
    assert got.exit_code == 0, got.output
    return [json.loads(line) for line in got.output.splitlines()]


def test_the_command_tells_rows_and_the_memoryless_world() -> None:
    cell = ("--answer-rate", "0.3", "--agents", "3", "--hours", "0.2", "--seeds", "1-2")
    assert [row["pacer"] for row in ran(*cell)] == ["ours", "progressive"]
    (world,) = ran(*cell, "--memoryless")
    assert 0.5 < world["optimum"] < 0.9
    assert set(world["part"]) == {"window", "strict"}


def test_the_command_prints_a_table() -> None:
    got = CliRunner().invoke(main, ["--answer-rate", "0.3", "--agents", "3", "--hours", "0.2", "--seeds", "1"])
    head, _, *rows = got.output.splitlines()
    assert "occupancy" in head
    assert [row.split()[2] for row in rows] == ["ours", "progressive"]


@pytest.mark.parametrize("seeds", ["x", "5-3", "-1"])
def test_seeds_that_are_no_range_are_refused(seeds: str) -> None:
    got = CliRunner().invoke(main, [f"--seeds={seeds}"])
    assert got.exit_code == 2
    assert "no range like 103-105" in got.output
