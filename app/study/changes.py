"""Lists and floors that change within a day: what a pacer must live through without a burst of abandoned people."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from app.pacing.predictive import PredictivePacer
from app.study.contenders import our_policy
from app.study.day import HOUR_MS, MINUTE_MS, Day, DayResult
from app.study.floor import Floor

_H: Final = HOUR_MS
CHANGED_AT_MS: Final = 3 * _H
QUARTER_MS: Final = 15 * MINUTE_MS

CHANGES: Final[dict[str, Day]] = {
    **{
        f"answer rate 0.2 → 0.5 → 0.2, {agents} agents": Day(
            answer_rate=((0, 0.2), (CHANGED_AT_MS, 0.5), (6 * _H, 0.2)),
            agents=((0, agents),),
            least_gap_ms=0 if agents <= 30 else 100,
        )
        for agents in (10, 30, 100)
    },
    "30 → 18 agents": Day(answer_rate=((0, 0.3),), agents=((0, 30), (CHANGED_AT_MS, 18))),
    "lunch: 30 → 8 → 30 agents": Day(
        answer_rate=((0, 0.3),), agents=((0, 30), (CHANGED_AT_MS, 8), (CHANGED_AT_MS + 45 * MINUTE_MS, 30))
    ),
    "lunch, agents tell: 30 → 8 → 30": Day(
        answer_rate=((0, 0.3),),
        agents=((0, 30), (CHANGED_AT_MS, 8), (CHANGED_AT_MS + 45 * MINUTE_MS, 30)),
        do_agents_tell=True,
    ),
    "trunk out for 5 minutes, 30 agents": Day(
        answer_rate=((0, 0.3),), agents=((0, 30),), outages=((CHANGED_AT_MS, CHANGED_AT_MS + 5 * MINUTE_MS),)
    ),
    "two campaigns share 30 agents": Day(
        answer_rate=((0, 0.15),), beside=(((0, 0.4), (CHANGED_AT_MS, 0.6)),), agents=((0, 30),), lines=200
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AfterChange:
    """One day of one campaign. Shares of 1.

    quarter_after: abandonment in the quarter of an hour after the change; running_after: the worst of the running rates
    from half an hour after it.
    """

    occupancy: float
    abandonment: float
    first_quarter: float
    quarter_after: float
    running_after: float
    running: float
    answered: int

    @classmethod
    def of(cls, day: DayResult, occupancy: float) -> AfterChange:
        return cls(
            occupancy=round(occupancy, 5),
            abandonment=round(day.abandonment, 5),
            first_quarter=round(day.between(0, QUARTER_MS), 5),
            quarter_after=round(day.between(CHANGED_AT_MS, CHANGED_AT_MS + QUARTER_MS), 5),
            running_after=round(day.worst_running(CHANGED_AT_MS + 2 * QUARTER_MS), 5),
            running=round(day.worst_running(), 5),
            answered=day.answered,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """A change over the seeds; days: by seed, one entry a campaign, each with the occupancy of the whole floor."""

    change: str
    days: dict[int, list[AfterChange]]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        campaigns = [campaign for day in self.days.values() for campaign in day]
        occupancy = sum(one.occupancy for one in campaigns) / len(campaigns)
        worst = "".join(
            f" {100 * max(getattr(one, name) for one in campaigns):8.2f}"
            for name in ("abandonment", "first_quarter", "quarter_after", "running_after", "running")
        )
        return f"{self.change:<40} {100 * occupancy:9.1f}{worst}"


CHANGE_HEADER: Final = (
    f"{'change after 3 hours':<40} {'occupancy':>9} {'day':>8} {'first 15':>8} {'15 after':>8} {'30 after':>8} "
    f"{'running':>8}\n{'':<40} {'mean':>9} abandoned %, worst of seeds and campaigns"
)


def measure_change(name: str, seeds: tuple[int, ...]) -> ChangeRow:
    """Ours, on a day that changes, once a seed."""
    return ChangeRow(change=name, days={seed: _play(CHANGES[name], seed) for seed in seeds})


def _play(day: Day, seed: int) -> list[AfterChange]:
    pacers = [PredictivePacer(our_policy(day)) for _ in range(1 + len(day.beside))]
    floor = Floor(day, seed, *pacers)
    floor.play()
    worked_ms = sum(one.result.worked_ms for one in floor.campaigns)
    occupancy = worked_ms / max(1, floor.result.signed_in_ms)
    return [AfterChange.of(one.result, occupancy) for one in floor.campaigns]
