"""The abandonment budget's part of the checker on the wire: who answered, and who of them met nobody in time.

A person who waits is counted as abandoned until somebody comes: at every instant what was spent, and what may just be
being spent, stays within what the campaign allows and luck explains.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from app.agents import DialingMode
from app.sim.facts import (
    Answered,
    Ended,
    HandedOver,
    Hears,
    OutOfReach,
    Placed,
    Sound,
    TakenBack,
    WireFact,
    WithinReach,
)
from app.sim.rules import Limits, Rule
from app.units import AttemptId

Violate = Callable[[Rule, int, str], None]
AT_FIRST: Final = 2.0
"""People whom any floor may abandon, however few have answered yet."""
LUCK: Final = 3.0
"""How many standard deviations beyond the target are still luck (one breach in some seven hundred by chance alone)."""


@dataclass(slots=True, eq=False)
class _Window:
    """People of one campaign in the window: when they answered, and when they were known to be abandoned."""

    limits: Limits
    answered: deque[int] = field(default_factory=deque)
    abandoned: deque[int] = field(default_factory=deque)
    waiting: dict[AttemptId, int] = field(default_factory=dict)

    def most(self) -> float:
        """How many may be abandoned of those who answered."""
        due = self.limits.abandonment_target * len(self.answered)
        return AT_FIRST + due + LUCK * math.sqrt(due)

    def forget(self, before_ms: int) -> None:
        for times in (self.answered, self.abandoned):
            while times and times[0] <= before_ms:
                times.popleft()


class AbandonmentRules:
    """Takes facts in order of time; tells each abandonment beyond the budget. campaigns: limits by the number shown.

    People whom a lost connection kept waiting count as answered alone: no pacer can foresee it.
    """

    def __init__(self, campaigns: Mapping[str, Limits], violate: Violate) -> None:
        self._windows = {
            shown: _Window(limits) for shown, limits in campaigns.items() if limits.mode is DialingMode.PREDICTIVE
        }
        self._violate = violate
        self._of: dict[AttemptId, _Window] = {}
        self._is_out = False

    def see(self, fact: WireFact) -> None:
        """Take the next fact; those that are no concern of the budget pass by."""
        if not self._windows:
            return
        match fact:
            case Placed() if (window := self._windows.get(fact.call.caller_id)) is not None:
                self._of[fact.call.attempt_id] = window
            case Answered() if (window := self._of.get(fact.attempt_id)) is not None:
                window.answered.append(fact.at_ms)
                if not self._is_out:
                    window.waiting[fact.attempt_id] = fact.at_ms
                    self._check(window, fact.at_ms, fact.attempt_id)
            case Hears(sound=Sound.COMPANY) | Ended() | HandedOver():
                self._settle(fact.attempt_id, fact.at_ms)
            case TakenBack():
                self._settle(fact.attempt_id, fact.at_ms, is_ours=True)
            case OutOfReach():
                self._is_out = True
                for window in self._windows.values():
                    window.waiting.clear()
            case WithinReach():
                self._is_out = False
            case _:
                pass

    def _settle(self, attempt_id: AttemptId, at_ms: int, *, is_ours: bool = False) -> None:
        """Somebody came, or it is over: in time, or too late."""
        window = self._of.get(attempt_id)
        answered_at_ms = None if window is None else window.waiting.pop(attempt_id, None)
        if window is None or answered_at_ms is None:
            return
        if is_ours or at_ms - answered_at_ms > window.limits.connect_within_ms:
            window.abandoned.append(at_ms)
            self._check(window, at_ms, attempt_id)

    def _check(self, window: _Window, at_ms: int, attempt_id: AttemptId) -> None:
        window.forget(at_ms - window.limits.abandonment_window_ms)
        late = [one for one, since in window.waiting.items() if at_ms - since > window.limits.connect_within_ms]
        count = len(window.abandoned) + len(late)
        if count > window.most():
            self._violate(
                Rule.ABANDONED, at_ms, f"{attempt_id}: {count} of {len(window.answered)}, at most {window.most():.1f}"
            )
