"""Lists and floors that change within a day: what a pacer must live through without a burst of abandoned people."""

from __future__ import annotations

from typing import Any, Final

from app.pacing.predictive import PredictivePacer
from app.study.benchmark import policy
from app.study.floor import HOUR_MS, MINUTE_MS, Day, Floor

_H: Final = HOUR_MS
CHANGED_AT_MS: Final = 3 * _H

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
    "trunk out for 5 minutes, 30 agents": Day(
        answer_rate=((0, 0.3),), agents=((0, 30),), outages=((CHANGED_AT_MS, CHANGED_AT_MS + 5 * MINUTE_MS),)
    ),
}


def measure_change(name: str, seed: int) -> dict[str, Any]:
    """Shares of 1: of the day, of the quarter of an hour after the change, and the running rate half an hour after."""
    day = CHANGES[name]
    result = Floor(day, seed, PredictivePacer(policy(day))).play()
    return {
        "change": name,
        "seed": seed,
        "occupancy": round(result.occupancy, 4),
        "abandonment": round(result.abandonment, 4),
        "quarter_after": round(result.between(CHANGED_AT_MS, CHANGED_AT_MS + 15 * MINUTE_MS), 4),
        "running_half_hour_after": round(result.worst_running(CHANGED_AT_MS + 30 * MINUTE_MS), 4),
        "worst_running": round(result.worst_running(), 4),
        "first_quarter": round(result.between(0, 15 * MINUTE_MS), 4),
    }
