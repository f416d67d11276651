"""What signals are worth: the same days, told more or less of their calls."""

from __future__ import annotations

import math
import statistics
from dataclasses import asdict, dataclass
from typing import Any, Final

from app.pacing.predictive import PredictivePacer
from app.study.contenders import LINES, our_policy
from app.study.day import HOUR_MS, DayResult, plain_day
from app.study.floor import Floor
from app.study.telling import Telling

_T = Telling
TOLD: Final[dict[str, frozenset[Telling]]] = {
    "nothing": frozenset(),
    "history": frozenset({_T.HISTORY}),
    "phone": frozenset({_T.PHONE}),
    "line": frozenset({_T.LINE}),
    "desk": frozenset({_T.DESK}),
    "all": frozenset({_T.HISTORY, _T.PHONE, _T.LINE, _T.DESK}),
    "names": frozenset({_T.NAMES}),
    "chatter": frozenset({_T.CHATTER}),
    "desk chatter": frozenset({_T.DESK_CHATTER}),
}
"""What the pacer is told, by the name of the column. Names (all agents take as long here) and chatter carry nothing,
and must do no harm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorthRow:
    """Ours on one list. By what is told: occupancy of each day by seed, abandonment of all, the worst running rate."""

    answer_rate: float
    agents: int
    hours: float
    agents_differ: float
    occupancy: dict[str, dict[int, float]]
    abandonment: dict[str, float]
    running: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"gain": {name: self.gain(name) for name in self.occupancy if name != "nothing"}}

    def gain(self, name: str) -> tuple[float, float]:
        """What the same days gain by it on the mean, and the standard error of that (0 with a single day)."""
        without = self.occupancy["nothing"]
        gains = [got - without[seed] for seed, got in self.occupancy[name].items()]
        error = statistics.stdev(gains) / math.sqrt(len(gains)) if len(gains) > 1 else 0.0
        return round(statistics.mean(gains), 5), round(error, 5)

    def __str__(self) -> str:
        lines = [f"p={self.answer_rate:<4} N={self.agents:<4}"]
        for name, days in self.occupancy.items():
            gain, error = self.gain(name)
            lines.append(
                f"  {name:<13} {100 * statistics.mean(days.values()):5.1f} {100 * gain:+6.2f} ± {100 * error:4.2f}"
                f"   {100 * self.abandonment[name]:4.2f} {100 * self.running[name]:6.2f}"
            )
        return "\n".join(lines)


WORTH_HEADER: Final = (
    f"  {'told':<13} {'mean':>5} {'gain':>6}   {'':>4}   {'ab.':>4} {'running':>7}  %, the worst running rate"
)


def measure_worth(
    answer_rate: float, agents: int, seeds: tuple[int, ...], hours: float, agents_differ: float = 0.0
) -> WorthRow:
    """Ours on days that differ in nothing but what is told; where agents differ, only what naming them is worth."""
    occupancy, abandonment, running = {}, {}, {}
    for name, told in TOLD.items():
        if agents_differ and name not in ("nothing", "names"):
            continue
        day = plain_day(
            answer_rate, agents, length_ms=int(hours * HOUR_MS), lines=LINES, told=told, agents_differ=agents_differ
        )
        played: list[DayResult] = [Floor(day, seed, PredictivePacer(our_policy(day))).play() for seed in seeds]
        occupancy[name] = {seed: round(one.occupancy, 5) for seed, one in zip(seeds, played, strict=True)}
        answered = sum(one.answered for one in played)
        abandonment[name] = round(sum(one.abandoned for one in played) / max(1, answered), 5)
        running[name] = round(max(one.worst_running() for one in played), 5)
    return WorthRow(
        answer_rate=answer_rate, agents=agents, hours=hours, agents_differ=agents_differ,
        occupancy=occupancy, abandonment=abandonment, running=running,
    )  # fmt: skip
