"""Deadlines of many attempts, so that a turn costs the same with ten calls up as with a thousand."""

from __future__ import annotations

import heapq

from app.units import AttemptId


class Alarms:
    """One deadline an attempt. A changed or removed one stays in the heap and is passed over when it comes up."""

    __slots__ = ("_at", "_heap")

    def __init__(self) -> None:
        self._at: dict[AttemptId, int] = {}
        self._heap: list[tuple[int, AttemptId]] = []

    def set(self, attempt_id: AttemptId, at_ms: int | None) -> None:
        """Wake this attempt at `at_ms` (None: not at all) instead of whenever was said before."""
        if at_ms is None:
            self._at.pop(attempt_id, None)
        elif self._at.get(attempt_id) != at_ms:
            self._at[attempt_id] = at_ms
            heapq.heappush(self._heap, (at_ms, attempt_id))

    def due(self, now_ms: int) -> list[AttemptId]:
        """Take out whose time has come, earliest first."""
        found: list[AttemptId] = []
        while (at_ms := self.next_ms()) is not None and at_ms <= now_ms:
            _, attempt_id = heapq.heappop(self._heap)
            del self._at[attempt_id]
            found.append(attempt_id)
        return found

    def next_ms(self) -> int | None:
        """The earliest deadline."""
        while self._heap:
            at_ms, attempt_id = self._heap[0]
            if self._at.get(attempt_id) == at_ms:
                return at_ms
            heapq.heappop(self._heap)
        return None
