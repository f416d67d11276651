"""What signals are worth: the same days, told more or less of their calls."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from app.pacing.predictive import PredictivePacer
from app.study.contenders import LINES, our_policy
from app.study.day import HOUR_MS, DayResult, plain_day
from app.study.floor import Floor
from app.study.telling import Telling

TOLD: Final[dict[str, frozenset[Telling]]] = {
    "nothing": frozenset(),
    "history": frozenset({Telling.HISTORY}),
    "line": frozenset({Telling.LINE}),
    "both": frozenset({Telling.HISTORY, Telling.LINE}),
    "chatter": frozenset({Telling.CHATTER}),
}
"""What the pacer is told, by the name of the column; chatter: words that mean nothing, which must do no harm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorthRow:
    """Ours on one list. By what is told: occupancy (mean of the seeds), abandonment of all, the worst running rate."""

    answer_rate: float
    agents: int
    hours: float
    seeds: tuple[int, ...]
    occupancy: dict[str, float]
    abandonment: dict[str, float]
    running: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        told = "".join(
            f" {100 * self.occupancy[name]:7.1f} ({100 * self.abandonment[name]:4.2f})" for name in self.occupancy
        )
        return f"p={self.answer_rate:<4} N={self.agents:<4}{told}"


WORTH_HEADER: Final = f"{'told:':<13}" + "".join(f" {name:>14}" for name in TOLD)


def measure_worth(answer_rate: float, agents: int, seeds: tuple[int, ...], hours: float) -> WorthRow:
    """Ours on days that differ in nothing but what is told of the calls."""
    occupancy, abandonment, running = {}, {}, {}
    for name, told in TOLD.items():
        day = plain_day(answer_rate, agents, length_ms=int(hours * HOUR_MS), lines=LINES, told=told)
        played: list[DayResult] = [Floor(day, seed, PredictivePacer(our_policy(day))).play() for seed in seeds]
        occupancy[name] = round(sum(one.occupancy for one in played) / len(played), 5)
        answered = sum(one.answered for one in played)
        abandonment[name] = round(sum(one.abandoned for one in played) / max(1, answered), 5)
        running[name] = round(max(one.worst_running() for one in played), 5)
    return WorthRow(
        answer_rate=answer_rate, agents=agents, hours=hours, seeds=seeds,
        occupancy=occupancy, abandonment=abandonment, running=running,
    )  # fmt: skip
