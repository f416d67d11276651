"""Our pacer, what others do and what foresight would reach, on the same days: occupancy at the abandonment allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from app.pacing import Guard, PacingPolicy
from app.pacing.predictive import PredictivePacer
from app.study.baselines import Erlang, LinesPerIdleAgent, LinesWithCorrection, VicidialAdapt, VicidialRatio
from app.study.bounds import Foresight
from app.study.floor import HOUR_MS, MINUTE_MS, Day, DayResult, Floor, Pacer, plain_day

Factory = Callable[[Day], Pacer]

ANSWER_RATES: Final = (0.15, 0.3, 0.6)
FLOORS: Final = (5, 10, 30, 100, 300)
LINES: Final = 5_000
TARGET: Final = 0.03


def policy(day: Day, guard: Guard = Guard.STRICT) -> PacingPolicy:
    """Ours, with nothing set for the list at hand."""
    return PacingPolicy(lines_limit=LINES, guard=guard, connect_within_ms=day.connect_within_ms)


def _ours(guard: Guard, **changes: Any) -> Factory:
    return lambda day: PredictivePacer(
        PacingPolicy(lines_limit=LINES, guard=guard, connect_within_ms=day.connect_within_ms, **changes)
    )


def _foresight(*, of_agents: bool, of_calls: bool) -> Factory:
    return lambda day: Foresight(policy(day, Guard.WINDOW), of_agents=of_agents, of_calls=of_calls)


def _each(make: Callable[..., Pacer], settings: Iterable[Mapping[str, Any]]) -> tuple[Factory, ...]:
    return tuple((lambda day, one=one: make(**one)) for one in settings)


PACERS: Final[dict[str, tuple[Factory, ...]]] = {
    "ours": (_ours(Guard.STRICT),),
    "ours, window guard": (_ours(Guard.WINDOW),),
    "ours, deterministic guard": (_ours(Guard.DETERMINISTIC),),
    "ours, never cancels": (_ours(Guard.STRICT, min_ring_ms=None),),
    "ours, calls ring 17 s": (_ours(Guard.STRICT, min_ring_ms=17_000),),
    "progressive": (lambda day: LinesPerIdleAgent(),),
    "fixed lines, hindsight": _each(LinesPerIdleAgent, ({"lines": 1 + 0.25 * i} for i in range(40))),
    "VICIdial RATIO, hindsight": _each(VicidialRatio, ({"level": 1 + 0.1 * i} for i in range(40))),
    "VICIdial ADAPT hard, default": (lambda day: VicidialAdapt(),),
    "VICIdial ADAPT, hindsight": _each(
        VicidialAdapt,
        (
            {"is_hard": hard, "intensity": intensity, "difference": difference, "most": most}
            for hard in (True, False)
            for intensity in (-50.0, 0.0, 50.0)
            for difference in (-2.0, -1.0, 0.0, 1.0)
            for most in (1.2, 1.5, 2.0, 3.0, 5.0)
        ),
    ),
    "lines per agent, corrected": _each(LinesWithCorrection, ({"step": step} for step in (0.02, 0.05, 0.1))),
    "Erlang, hindsight": _each(Erlang, ({"boldness": 0.25 * i} for i in range(9))),
    "knows free times": (_foresight(of_agents=True, of_calls=False),),
    "knows call fates": (_foresight(of_agents=False, of_calls=True),),
    "knows both": (_foresight(of_agents=True, of_calls=True),),
}
"""Pacers by name; of several settings the best in hindsight is taken: the most occupancy with the target kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One pacer on one list. Shares of 1; abandonment, worst_running and first_quarter are those of the worst seed."""

    pacer: str
    answer_rate: float
    agents: int
    hours: float
    seeds: tuple[int, ...]
    occupancy: float
    occupancy_spread: float
    """Between the best seed and the worst."""
    abandonment: float
    worst_abandonment: float
    worst_running: float
    """After the first half hour."""
    first_quarter: float
    """In the first quarter of an hour."""
    attempts_per_connection: float
    setting: int
    """Which of the settings, where the best was taken in hindsight."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"p={self.answer_rate:<4} N={self.agents:<4} {self.pacer:<30} {100 * self.occupancy:5.1f} "
            f"±{50 * self.occupancy_spread:<4.1f} {100 * self.abandonment:5.2f} {100 * self.worst_abandonment:6.2f} "
            f"{100 * self.worst_running:8.2f} {100 * self.first_quarter:8.1f} {self.attempts_per_connection:9.2f}"
        )


HEADER: Final = (
    f"{'list':<13} {'pacer':<30} {'occupancy':>11} {'ab.':>5} {'worst':>6} "
    f"{'running':>8} {'first 15':>8} {'attempts':>9}"
)


def play_one(day: Day, seed: int, factory: Factory) -> DayResult:
    """One day with one pacer; foresight is handed the floor's books."""
    pacer = factory(day)
    floor = Floor(day, seed, pacer)
    if isinstance(pacer, Foresight):
        pacer.floor = floor
    return floor.play()


def measure(name: str, *, answer_rate: float, agents: int, seeds: tuple[int, ...], hours: float = 8) -> Row:
    """Play all settings of a pacer on all seeds and keep the best."""
    day = plain_day(answer_rate, agents, length_ms=int(hours * HOUR_MS), lines=LINES)
    best: tuple[bool, float, int, list[DayResult]] | None = None
    for setting, factory in enumerate(PACERS[name]):
        played = [play_one(day, seed, factory) for seed in seeds]
        abandonment = sum(one.abandoned for one in played) / max(1, sum(one.answered for one in played))
        occupancy = sum(one.occupancy for one in played) / len(played)
        keeps = abandonment <= TARGET
        rank = (keeps, occupancy if keeps else -abandonment)
        if best is None or rank > best[:2]:
            best = (*rank, setting, played)
    assert best is not None
    _, _, setting, played = best
    occupancies = [one.occupancy for one in played]
    return Row(
        pacer=name,
        answer_rate=answer_rate,
        agents=agents,
        hours=hours,
        seeds=seeds,
        occupancy=sum(occupancies) / len(played),
        occupancy_spread=max(occupancies) - min(occupancies),
        abandonment=sum(one.abandoned for one in played) / max(1, sum(one.answered for one in played)),
        worst_abandonment=max(one.abandonment for one in played),
        worst_running=max(one.worst_running() for one in played),
        first_quarter=max(one.between(0, 15 * MINUTE_MS) for one in played),
        attempts_per_connection=sum(one.attempts_per_connection for one in played) / len(played),
        setting=setting,
    )


def benchmark(
    pacers: Iterable[str], cells: Iterable[tuple[float, int]], *, seeds: tuple[int, ...], hours: float = 8
) -> Iterator[Row]:
    """Row by row, as they are done."""
    names = tuple(pacers)
    for answer_rate, agents in cells:
        for name in names:
            yield measure(name, answer_rate=answer_rate, agents=agents, seeds=seeds, hours=hours)
