"""How much risk a call may carry: steered so that abandonment ends just under the target and never passes it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

from app.pacing.language import Guard, LedgerCounted, PacingPolicy
from app.pacing.ledger import Ledger

FIRST_RISK: Final = 0.05
LEAST_RISK: Final = 1e-4
MOST_RISK: Final = 0.7
STEP: Final = 0.05
FIRST_STEP: Final = 0.15
SETTLED: Final = 10.0
"""How far one abandonment moves the risk allowed, in logarithm: in the end, at first, and how many lie between."""
LOAN_ANSWERS: Final = 100
"""Answers still to come that the window guard counts on."""
NOTHING_LEFT: Final = 0.8
COMFORT: Final = {Guard.STRICT: 4.0, Guard.WINDOW: 2.4, Guard.DETERMINISTIC: 4.0}
"""Budget, in people, under which nothing is risked, and how much more it takes until all of the target is spent.

A reserve costs little, once a day: some people who might have been abandoned are not. Without it the backstop against
passing the target is at work all day, and that costs more.

In between the spending goes with the root of the budget. What agents work rises steeply with the first abandonments
that are risked and flatly with the last (floor of five, 15% answered: 59% at none, 69% at a fifth of the target, 73% at
less than a half, 77% at all of it), so little is gained by saving up for later. The root is within a few hundredths of
what dynamic programming finds best for a budget that grows with each answer, falls with each abandonment and must never
fall under nothing.
"""
SMALL_FLOOR: Final = 8.0
"""Agents beyond which comfort takes more, as the square root of the floor: so much its luck may vary at once."""
KEPT_BACK: Final = 0.6
MOST_SHARE: Final = 1.3


class Budget:
    """The ledger of a campaign, and the risk of a new call that it allows.

    The risk level is learned: each abandonment lowers it, each person served raises it a little, so that it settles
    where abandonments come at the wanted rate. The wanted rate is the target when the budget is comfortable, less when
    little is left, nothing when another abandonment would pass the target.
    """

    def __init__(self, policy: PacingPolicy) -> None:
        self._target = policy.abandonment_target
        self._guard = policy.guard
        self._window_ms = policy.abandonment_window_ms
        self._machine_error = policy.machine_error
        self.ledger = Ledger(self._window_ms)
        self._level = FIRST_RISK
        self._moves = 0
        self.agents = 0
        """Signed in: what the reserve is measured by."""

    @property
    def mistaken(self) -> float:
        """People who were taken for machines, as far as one can estimate: they answered, and met nobody."""
        return self._machine_error * self.ledger.machines

    @property
    def left(self) -> float:
        """People who could be abandoned now without passing the target."""
        loan = LOAN_ANSWERS if self._guard is Guard.WINDOW else 0
        mistaken = self.mistaken
        return self._target * (self.ledger.answered + mistaken + loan) - self.ledger.abandoned - mistaken

    @property
    def room(self) -> int:
        """Whole people of it, on a large floor with a little kept back; below 0 when the target is passed."""
        kept_back = KEPT_BACK * (1 - math.sqrt(SMALL_FLOOR / max(SMALL_FLOOR, self.agents)))
        return math.floor(self.left - kept_back + 1e-9)

    @property
    def share(self) -> float:
        """What part of the target may be spent now: 0 with no budget left, over 1 when there is plenty."""
        comfort = COMFORT[self._guard] * math.sqrt(max(1.0, self.agents / SMALL_FLOOR))
        return min(MOST_SHARE, math.sqrt(max(0.0, self.left - NOTHING_LEFT) / comfort))

    @property
    def level(self) -> float:
        """The risk level that was learned."""
        return self._level

    def agree(self, level: float) -> None:
        """Take a level that campaigns on one floor have in common."""
        self._level = min(max(level, LEAST_RISK), MOST_RISK)

    @property
    def risk(self) -> float:
        """The chance of harm a new call may carry: the level at most.

        What is left over is spent by the level, slowly: more at once, and a change of the list would find too much in
        flight (from 0.2 to 0.5 answered, 30 agents: 5.5% instead of 4% abandoned in the quarter of an hour after).
        """
        return 0.0 if self._target == 0 else self._level * min(1.0, self.share + 0.02)

    def answered(self, at_ms: int) -> None:
        self.ledger.count(at_ms, answered=1)

    def connected(self) -> None:
        wanted = self._target * self.share
        self._move(wanted / (1 - wanted))

    def abandoned(self, at_ms: int) -> None:
        self.ledger.count(at_ms, abandoned=1)
        self._moves += 1
        self._move(-1.0)

    def recount(self, counted: Iterable[tuple[int, ...]]) -> None:
        """Count the window anew: each (at_ms, people answered, people abandoned, machines if any), in order of time."""
        self.ledger = Ledger(self._window_ms)
        for at_ms, answered, abandoned, *machines in counted:
            self.ledger.count(at_ms, answered=answered, abandoned=abandoned, machines=sum(machines))

    def counted(self, counted: LedgerCounted) -> None:
        """People of another way of dialing, or who were none."""
        self.ledger.count(
            counted.at_ms, answered=counted.answered, abandoned=counted.abandoned, machines=counted.machines
        )

    def machine(self, at_ms: int) -> None:
        """A call was taken for a machine's."""
        self.ledger.count(at_ms, machines=1)

    def _move(self, by: float) -> None:
        step = STEP + (FIRST_STEP - STEP) / (1 + self._moves / SETTLED)
        self._level = min(max(self._level * math.exp(step * by), LEAST_RISK), MOST_RISK)

    def as_json(self) -> dict[str, Any]:
        return {"ledger": self.ledger.as_json(), "level": self._level, "moves": self._moves}

    def take_up(self, written: dict[str, Any], window_ms: int) -> None:
        """Go on from what `as_json` wrote. Raises ValueError when it is something else, and changes nothing."""
        try:
            level, moves = float(written["level"]), int(written["moves"])
            ledger = Ledger.from_json(written["ledger"], window_ms)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a written budget: {error!r}") from error
        if not LEAST_RISK <= level <= MOST_RISK:
            raise ValueError(f"a risk level of {level} is not between {LEAST_RISK} and {MOST_RISK}")
        self.ledger, self._level, self._moves = ledger, level, moves
