"""The abandonment budget of a campaign: people answered and abandoned in the window the law counts, and machines."""

from __future__ import annotations

from collections import deque
from typing import Any, Final, Self

BUCKETS: Final = 96
"""The window is kept in as many pieces: a day in quarters of an hour."""


class Ledger:
    """Answered and abandoned people and machines of the last `window_ms`; can be written down and taken up again."""

    def __init__(self, window_ms: int) -> None:
        self._bucket_ms = max(1, window_ms // BUCKETS)
        self._buckets: deque[list[int]] = deque()  # [number, answered, abandoned, machines]
        self.answered = 0
        self.abandoned = 0
        self.machines = 0

    def count(self, at_ms: int, *, answered: int = 0, abandoned: int = 0, machines: int = 0) -> None:
        """Count people and machines; below 0: they were counted before, and are taken from the latest there are."""
        number = at_ms // self._bucket_ms
        if not self._buckets or self._buckets[-1][0] < number:
            self._buckets.append([number, 0, 0, 0])
            self.forget(at_ms)
        self.answered += self._add(1, answered)
        self.abandoned += self._add(2, abandoned)
        self.machines += self._add(3, machines)

    def _add(self, column: int, count: int) -> int:
        """Into the latest piece, or out of the latest that have any; answers how many it were."""
        if count >= 0:
            self._buckets[-1][column] += count
            return count
        left = -count
        for bucket in reversed(self._buckets):
            taken = min(left, bucket[column])
            bucket[column] -= taken
            left -= taken
        return count + left

    def forget(self, now_ms: int) -> None:
        """Let go of what has left the window."""
        oldest = now_ms // self._bucket_ms - BUCKETS
        while self._buckets and self._buckets[0][0] <= oldest:
            _, answered, abandoned, machines = self._buckets.popleft()
            self.answered -= answered
            self.abandoned -= abandoned
            self.machines -= machines

    @property
    def rate(self) -> float:
        """Abandoned of answered, 0 when nobody has answered."""
        return self.abandoned / self.answered if self.answered else 0.0

    def as_json(self) -> dict[str, Any]:
        return {"bucket_ms": self._bucket_ms, "buckets": [list(bucket) for bucket in self._buckets]}

    @classmethod
    def from_json(cls, written: dict[str, Any], window_ms: int) -> Self:
        """Take up what `as_json` wrote; pieces of another size are put where they ended.

        Raises ValueError when it is not what `as_json` writes. What was written before machines were counted has none.
        """
        ledger = cls(window_ms)
        try:
            for number, *people in written["buckets"]:
                answered, abandoned, machines = people if len(people) > 2 else (*people, 0)
                if min(number, answered, abandoned, machines) < 0:
                    raise ValueError(f"not a ledger: {answered} answered and {abandoned} abandoned in a piece of it")
                at_ms = number * written["bucket_ms"]
                ledger.count(at_ms, answered=answered, abandoned=abandoned, machines=machines)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a ledger: {error!r}") from error
        return ledger
