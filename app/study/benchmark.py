"""Pacers side by side on the same days: each day's score, and over the seeds the middle and the spread."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from app.study.bounds import Foresight
from app.study.contenders import CONTENDERS, LINES, Contender, Setting
from app.study.day import HOUR_MS, MINUTE_MS, Day, DayResult, plain_day
from app.study.floor import Floor

ANSWER_RATES: Final = (0.15, 0.3, 0.6)
FLOORS: Final = (5, 10, 30, 100, 300)
TARGET: Final = 0.03
TRIED_PART: Final = 0.25
TRIED_BEST: Final = 8
"""Of many settings each is tried on a quarter of the first day, and the best of them on all of all days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What one day came to. Shares of 1, unless the name says otherwise.

    running: the worst of the running rates of abandonment after the first half hour. first_quarter: abandonment in the
    first quarter of an hour. worst_5_min: in the worst five minutes. most_lines: used at one time.
    """

    occupancy: float
    talk_minutes_an_hour: float
    abandonment: float
    running: float
    first_quarter: float
    worst_5_min: float
    attempts_per_connection: float
    most_lines: int

    @classmethod
    def of(cls, day: DayResult) -> Score:
        return cls(
            occupancy=round(day.occupancy, 5),
            talk_minutes_an_hour=round(day.talk_minutes_an_hour, 3),
            abandonment=round(day.abandonment, 5),
            running=round(day.worst_running(), 5),
            first_quarter=round(day.between(0, 15 * MINUTE_MS), 5),
            worst_5_min=round(day.worst_stretch(), 5),
            attempts_per_connection=round(day.attempts_per_connection, 3),
            most_lines=day.most_lines,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A measure over the seeds."""

    least: float
    median: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One pacer on one list. setting: the one taken in hindsight; empty where nothing was tuned."""

    pacer: str
    source: str
    answer_rate: float
    agents: int
    hours: float
    setting: Setting
    days: dict[int, Score]
    """By seed."""

    def spread(self, measure: str) -> Spread:
        values = [getattr(score, measure) for score in self.days.values()]
        return Spread(least=min(values), median=statistics.median(values), most=max(values))

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"spread": {one.name: asdict(self.spread(one.name)) for one in fields(Score)}}

    def __str__(self) -> str:
        occupancy = self.spread("occupancy")
        percent = "".join(
            f" {100 * self.spread(name).median:5.2f} {100 * self.spread(name).most:5.2f}"
            for name in ("abandonment", "running")
        )
        return (
            f"p={self.answer_rate:<4} N={self.agents:<4} {self.pacer:<26} "
            f"{100 * occupancy.median:5.1f} {100 * occupancy.least:5.1f}–{100 * occupancy.most:<5.1f}"
            f"{self.spread('talk_minutes_an_hour').median:5.1f} {percent} "
            f"{100 * self.spread('first_quarter').most:6.1f} {100 * self.spread('worst_5_min').most:6.1f} "
            f"{self.spread('attempts_per_connection').median:8.2f} {self.spread('most_lines').most:6.0f}"
        )


HEADER: Final = (
    f"{'list':<13} {'pacer':<26} {'occupancy %':<17}{'talk':>6} {'abandoned %':>11} {'running %':>11} "
    f"{'15 min':>6} {'5 min':>6} {'attempts':>8} {'lines':>6}\n"
    f"{'':<40} {'median, range':<17}{'min/h':>6} {'median worst':>11} {'med. worst':>11} "
    f"{'worst':>6} {'worst':>6} {'per conn':>8} {'most':>6}"
)


def play_one(day: Day, seed: int, contender: Contender, setting: Setting) -> DayResult:
    """One day with one pacer; foresight is handed the floor's books."""
    pacer = contender.make(day, **setting)
    floor = Floor(day, seed, pacer)
    if isinstance(pacer, Foresight):
        pacer.floor = floor
    return floor.play()


class _Trial:
    """Settings of a contender on the days of a list, each played once."""

    def __init__(self, contender: Contender, day: Day, seeds: tuple[int, ...]) -> None:
        self._contender, self._day, self._seeds = contender, day, seeds
        self._played: dict[int, list[DayResult]] = {}

    def days(self, at: int) -> list[DayResult]:
        if at not in self._played:
            setting = self._contender.settings[at]
            self._played[at] = [play_one(self._day, seed, self._contender, setting) for seed in self._seeds]
        return self._played[at]

    def rank(self, at: int) -> tuple[bool, float]:
        """Those that keep the target over all days together by occupancy, then the others by how far they miss it."""
        days = self.days(at)
        abandonment = sum(one.abandoned for one in days) / max(1, sum(one.answered for one in days))
        keeps = abandonment <= TARGET
        return keeps, sum(one.occupancy for one in days) if keeps else -abandonment


def best_setting(contender: Contender, day: Day, seeds: tuple[int, ...]) -> tuple[int, list[DayResult]]:
    """The setting that, in hindsight, works agents most on these very days at the target: a favour to the contender."""
    trial, settings = _Trial(contender, day, seeds), contender.settings
    if contender.is_bolder:
        low, high = 0, len(settings) - 1
        while low < high:
            middle = (low + high + 1) // 2
            if trial.rank(middle)[0]:
                low = middle
            else:
                high = middle - 1
        return low, trial.days(low)
    candidates = list(range(len(settings)))
    if len(candidates) > TRIED_BEST:
        part = Day(**{one.name: getattr(day, one.name) for one in fields(day)} | {"length_ms": _part_ms(day)})
        short = _Trial(contender, part, seeds[:1])
        candidates = sorted(candidates, key=short.rank)[-TRIED_BEST:]
    best = max(candidates, key=trial.rank)
    return best, trial.days(best)


def _part_ms(day: Day) -> int:
    return int(TRIED_PART * day.length_ms)


def measure(name: str, *, answer_rate: float, agents: int, seeds: tuple[int, ...], hours: float = 8) -> Row:
    """Play a contender on a list, once a seed."""
    contender = CONTENDERS[name]
    day = plain_day(answer_rate, agents, length_ms=int(hours * HOUR_MS), lines=LINES)
    at, played = best_setting(contender, day, seeds)
    return Row(
        pacer=name,
        source=contender.source,
        answer_rate=answer_rate,
        agents=agents,
        hours=hours,
        setting=dict(contender.settings[at]),
        days={seed: Score.of(one) for seed, one in zip(seeds, played, strict=True)},
    )


def benchmark(
    pacers: Iterable[str], cells: Iterable[tuple[float, int]], *, seeds: tuple[int, ...], hours: float = 8
) -> Iterator[Row]:
    """Row by row, as they are done; cells: answer rate and agents."""
    names = tuple(pacers)
    for answer_rate, agents in cells:
        for name in names:
            yield measure(name, answer_rate=answer_rate, agents=agents, seeds=seeds, hours=hours)
