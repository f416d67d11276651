"""Who is measured: our pacer, what others do as their own documentation tells it, and what foresight would reach."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.pacing import Guard, PacingPolicy
from app.pacing.predictive import PredictivePacer
from app.study.baselines import Erlang, LinesPerIdleAgent, LinesWithCorrection, VicidialAdapt, VicidialRatio
from app.study.bounds import Foresight
from app.study.campaign import Pacer
from app.study.day import Day

LINES: Final = 5_000
Setting = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A pacer in the benchmark.

    source: what it follows. make: a fresh one for a day, with a setting. settings: the best of them in hindsight is
    taken; one setting, where nothing is tuned. is_bolder: each setting places more than the one before, so that the
    boldest that keeps the target is found by halving; otherwise each is tried.
    """

    source: str
    make: Callable[..., Pacer]
    settings: tuple[Setting, ...] = ({},)
    is_bolder: bool = False


def our_policy(day: Day, guard: Guard = Guard.STRICT, **changes: Any) -> PacingPolicy:
    """Ours, with nothing set for the list at hand."""
    return PacingPolicy(lines_limit=day.lines, guard=guard, connect_within_ms=day.connect_within_ms, **changes)


def _ours(source: str, **changes: Any) -> Contender:
    return Contender(source=source, make=lambda day: PredictivePacer(our_policy(day, **changes)))


def _foresight(source: str, *, of_agents: bool, of_calls: bool) -> Contender:
    def make(day: Day) -> Pacer:
        return Foresight(our_policy(day, Guard.WINDOW), of_agents=of_agents, of_calls=of_calls)

    return Contender(source=f"bound: ours, told {source}, with the window guard", make=make)


def _other(source: str, kind: Callable[..., Pacer], settings: tuple[Setting, ...] = ({},), **how: Any) -> Contender:
    return Contender(source=source, make=lambda day, **setting: kind(**setting), settings=settings, **how)


def _steps(name: str, first: float, last: float, step: float) -> tuple[Setting, ...]:
    return tuple({name: round(first + step * i, 3)} for i in range(round((last - first) / step) + 1))


_ADAPT: Final = tuple(
    {"is_hard": hard, "intensity": intensity, "difference": difference, "most": most}
    for hard, intensity, difference, most in itertools.product(
        (True, False), (-50.0, 0.0, 50.0), (-2.0, -1.0, 0.0, 1.0), (1.2, 1.5, 2.0, 3.0, 5.0)
    )
)

OURS: Final = "ours"

CONTENDERS: Final[dict[str, Contender]] = {
    OURS: _ours("the production pacer, strict guard, the defaults"),
    "ours, window guard": _ours("the production pacer", guard=Guard.WINDOW),
    "ours, deterministic guard": _ours("the production pacer", guard=Guard.DETERMINISTIC),
    "ours, never cancels": _ours("the production pacer, strict guard", min_ring_ms=None),
    "ours, calls ring 17 s": _ours("the production pacer, strict guard", min_ring_ms=17_000),
    "progressive": _other("one call for each idle agent", LinesPerIdleAgent),
    "fixed ratio, hindsight": _other(
        "a fixed number of calls for each idle agent, the best in hindsight",
        LinesPerIdleAgent,
        _steps("lines", 1, 12, 0.1),
        is_bolder=True,
    ),
    "VICIdial RATIO, hindsight": _other(
        "VICIdial's manager manual, dial method RATIO: level × agents ready or in call, every 2.5 s; the best level in "
        "hindsight",
        VicidialRatio,
        _steps("level", 1, 5, 0.05),
        is_bolder=True,
    ),
    "VICIdial ADAPT, default": _other(
        "VICIdial's manager manual, dial method ADAPT_HARD_LIMIT, level at most 3, intensity and difference 0",
        VicidialAdapt,
    ),
    "VICIdial ADAPT, hindsight": _other(
        "VICIdial's manager manual, ADAPT_HARD_LIMIT and ADAPT_AVERAGE, the best of 120 settings in hindsight",
        VicidialAdapt,
        _ADAPT,
    ),
    "lines per agent, corrected": _other(
        "lines for each idle agent, corrected every minute by the drop rate (an adaptive power dialer), the best step "
        "in hindsight",
        LinesWithCorrection,
        _steps("step", 0.02, 0.1, 0.04),
    ),
    "Erlang, hindsight": _other(
        "in the manner of Issabel's call center module, prediction and overcommit on, at most so many calls for one "
        "agent as is best in hindsight (there: 5)",
        Erlang,
        _steps("most_each", 1, 12, 0.1),
        is_bolder=True,
    ),
    "knows free times": _foresight("when each busy agent will be free", of_agents=True, of_calls=False),
    "knows call fates": _foresight("what becomes of each call in flight", of_agents=False, of_calls=True),
    "knows both": _foresight("both", of_agents=True, of_calls=True),
}
"""By name."""
