"""The abandonment budget of a predictive campaign, as its bar shows it: what is used, what is left, what comes of it.

Pure. The pacer lives close to its target by design: a day that went well ends with nine tenths of the budget used. So
the bar alone goes amber and red on the way, and an alert waits until the budget is spent.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

from app.dialing.snapshot import PacingPicture
from app.panel.floor_meter import CAP
from app.panel.levels import BUDGET, Level


class Stage(enum.Enum):
    """What the budget lets the pacer do."""

    AHEAD = "ahead"
    """Calls go out ahead of agents coming free."""
    EARNING = "earning"
    """The target is kept, with too little left to risk anybody: progressive until more people have answered."""
    SPENT = "spent"
    """The target is reached: progressive until it is kept again."""
    NO_RISK = "no risk"
    """The target is 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRow:
    """A budget at one moment. used: its share, 1.0 when it is gone; left: whole people, below 0: so many too many.

    answers_needed: about so many more answers until calls go out ahead again; 0 where they do, or never will.
    level: of the bar; alarm: of the campaign, for the wallboard's alerts. why: the pacer's last sentence.
    mistaken: whole people who, as is estimated, were taken for machines.
    """

    answered: int
    abandoned: int
    share: float
    target: float
    window_ms: int
    used: float
    left: int
    stage: Stage
    answers_needed: int
    level: Level
    alarm: Level
    why: str
    mistaken: int = 0

    @property
    def width(self) -> float:
        """Of the bar, in percent."""
        return round(min(100.0, 100 * self.used), 1)


def budget_row(pacing: PacingPicture | None) -> BudgetRow | None:
    """What is shown of a campaign's pacing; None: it is not paced."""
    if pacing is None:
        return None
    share, lost = pacing.share, pacing.abandoned + pacing.mistaken
    allowed = lost + pacing.budget_left  # with what the window guard lends
    used = lost / allowed if allowed else math.inf if lost else 0.0
    stage = _stage(pacing, used)
    is_waiting = stage in (Stage.EARNING, Stage.SPENT)
    return BudgetRow(
        answered=pacing.answered,
        abandoned=pacing.abandoned,
        share=share,
        target=pacing.target,
        window_ms=pacing.window_ms,
        used=used,
        left=math.floor(pacing.budget_left + 1e-9),
        stage=stage,
        answers_needed=max(0, math.ceil((1 - pacing.budget_left) / pacing.target - 1e-9)) if is_waiting else 0,
        level=BUDGET.level(used) if lost else Level.CALM,
        alarm=_alarm(stage, share),
        why=pacing.why,
        mistaken=round(pacing.mistaken),
    )


def _stage(pacing: PacingPicture, used: float) -> Stage:
    if not pacing.target:
        return Stage.NO_RISK
    if not pacing.is_spent:
        return Stage.AHEAD
    return Stage.SPENT if used >= 1 else Stage.EARNING


def _alarm(stage: Stage, share: float) -> Level:
    """Spent, agents wait longer; past the law's cap, it is no longer about waiting."""
    if share >= CAP:
        return Level.RED
    return Level.AMBER if stage is Stage.SPENT else Level.CALM
