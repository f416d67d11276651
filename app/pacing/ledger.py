"""The abandonment budget of a campaign: people answered and abandoned in the window the law counts."""

from __future__ import annotations

from collections import deque
from typing import Any, Final, Self

BUCKETS: Final = 96
"""The window is kept in as many pieces: a day in quarters of an hour."""


class Ledger:
    """Answered and abandoned people of the last `window_ms`; can be written down and taken up again."""

    def __init__(self, window_ms: int) -> None:
        self._bucket_ms = max(1, window_ms // BUCKETS)
        self._buckets: deque[list[int]] = deque()  # [number, answered, abandoned]
        self.answered = 0
        self.abandoned = 0

    def count(self, at_ms: int, *, answered: int = 0, abandoned: int = 0) -> None:
        number = at_ms // self._bucket_ms
        if not self._buckets or self._buckets[-1][0] < number:
            self._buckets.append([number, 0, 0])
            self.forget(at_ms)
        self._buckets[-1][1] += answered
        self._buckets[-1][2] += abandoned
        self.answered += answered
        self.abandoned += abandoned

    def forget(self, now_ms: int) -> None:
        """Let go of what has left the window."""
        oldest = now_ms // self._bucket_ms - BUCKETS
        while self._buckets and self._buckets[0][0] <= oldest:
            _, answered, abandoned = self._buckets.popleft()
            self.answered -= answered
            self.abandoned -= abandoned

    @property
    def rate(self) -> float:
        """Abandoned of answered, 0 when nobody has answered."""
        return self.abandoned / self.answered if self.answered else 0.0

    def as_json(self) -> dict[str, Any]:
        return {"bucket_ms": self._bucket_ms, "buckets": [list(bucket) for bucket in self._buckets]}

    @classmethod
    def from_json(cls, written: dict[str, Any], window_ms: int) -> Self:
        """Take up what `as_json` wrote; pieces of another size are put where they ended.

        Raises ValueError when it is not what `as_json` writes.
        """
        ledger = cls(window_ms)
        try:
            for number, answered, abandoned in written["buckets"]:
                if min(number, answered, abandoned) < 0:
                    raise ValueError(f"not a ledger: {answered} answered and {abandoned} abandoned in a piece of it")
                ledger.count(number * written["bucket_ms"], answered=answered, abandoned=abandoned)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a ledger: {error!r}") from error
        return ledger
