"""Calls per second, kept by a token bucket in integer arithmetic: no drift over a day."""

from __future__ import annotations

_UNIT = 10**12
"""One call. So fine that a rate of no round figure (⅔ a second) is not a thousandth of a call off in a day."""
_PER_MS = _UNIT // 1_000  # one call a second


class Rate:
    """At most `per_second`·t + burst calls in any stretch of t seconds.

    burst: 1, plus 50 ms worth of the rate, because calls are placed in small groups.
    """

    __slots__ = ("_as_of_ms", "_burst", "_level", "_per_ms")

    def __init__(self, per_second: float, now_ms: int) -> None:
        """Raises ValueError unless 0.001 ≤ per_second ≤ 1,000."""
        if not 0.001 <= per_second <= 1_000:
            raise ValueError(f"calls per second must be 0.001 to 1,000, not {per_second}")
        self._per_ms = int(per_second * _PER_MS)
        self._burst = _UNIT + 50 * self._per_ms
        self._level = _UNIT
        self._as_of_ms = now_ms

    def set(self, per_second: float, now_ms: int) -> None:
        """Change the rate; what was saved up is kept as far as the new burst allows."""
        self._refill(now_ms)
        level = self._level
        self.__init__(per_second, now_ms)  # type: ignore[misc]
        self._level = min(level, self._burst)

    def drain(self, now_ms: int) -> None:
        """Begin from nothing: what was placed a moment ago, before a restart, is not remembered."""
        self._level = 0
        self._as_of_ms = now_ms

    def available(self, now_ms: int) -> int:
        """Whole calls that may start now."""
        self._refill(now_ms)
        return self._level // _UNIT

    def take(self, now_ms: int) -> None:
        """Spend one call; the caller has seen that one is available."""
        self._refill(now_ms)
        assert self._level >= _UNIT, "a call was taken that the rate does not allow"
        self._level -= _UNIT

    def next_at_ms(self, now_ms: int) -> int:
        """When the next call may start: now, or later."""
        self._refill(now_ms)
        missing = _UNIT - self._level
        return now_ms if missing <= 0 else now_ms - (-missing // self._per_ms)

    def _refill(self, now_ms: int) -> None:
        if now_ms > self._as_of_ms:
            self._level = min(self._burst, self._level + (now_ms - self._as_of_ms) * self._per_ms)
            self._as_of_ms = now_ms
