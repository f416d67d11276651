"""What each campaign has had of a floor that several share: who is behind dials first, who is ahead makes room.

A risk budget alone is no fair judge: whoever is unlucky first may risk nothing, the other's calls fill the floor, and
with few answers the first one's budget hardly grows. So it is counted what each has had, over its weight, and the
campaign that is ahead risks the less the further it is ahead, until the other has caught up.

Only who wants and cannot is owed anything: not a campaign that stands at its own limit of lines, nor one that was
allotted calls and placed none because its list has nobody to call now.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

MOST_AHEAD: Final = 40.0
"""Answers, at an average weight, by which one may be ahead before it risks nothing; and the most that is ever owed."""
IDLE_MS: Final = 5_000
"""A campaign that was allotted calls and placed none for this long has nobody to call."""


class Standing:
    """Of one campaign; kept with its pacer."""

    def __init__(self) -> None:
        self.had: float | None = None
        """Answers over weight since it shares a floor; None: it never did."""
        self.is_owed = True
        """Whether it was refused a call it wanted, the last time."""
        self._answers = 0
        self._unused_since_ms: int | None = None

    def answered(self) -> None:
        """A person of its list answered."""
        self._answers += 1

    def placed(self) -> None:
        """It placed a call."""
        self._unused_since_ms = None

    def allotted(self, now_ms: int) -> None:
        """It may place calls."""
        if self._unused_since_ms is None:
            self._unused_since_ms = now_ms

    def has_nobody(self, now_ms: int) -> bool:
        """Whether it does not use what it is allotted."""
        return self._unused_since_ms is not None and now_ms - self._unused_since_ms >= IDLE_MS

    def count(self, weight: float) -> None:
        """Take in the answers since the last time, at this weight (1 is the average)."""
        if self.had is not None:
            self.had += self._answers / weight
        self._answers = 0


def settle(standings: Mapping[str, Standing], weights: Mapping[str, float], now_ms: int) -> dict[str, float]:
    """Bring campaigns of one priority and floor up to date; by name, how far each is ahead of the last one owed.

    Who is new, has nobody to call or was refused nothing starts level with the first.
    """
    mean = sum(weights.values()) / len(weights)
    for name, one in standings.items():
        one.count(weights[name] / mean)
    first = max((one.had for one in standings.values() if one.had is not None), default=0.0)
    had: dict[str, float] = {}
    for name, one in standings.items():
        is_level = one.had is None or not one.is_owed or one.has_nobody(now_ms)
        had[name] = one.had = first if is_level or one.had is None else max(one.had, first - MOST_AHEAD)
    last = min(had.values())
    return {name: each - last for name, each in had.items()}
