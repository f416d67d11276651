"""Deadlines of many attempts or agents, so that a turn costs the same with ten calls up as with a thousand."""

from __future__ import annotations

import heapq
from typing import Generic, TypeVar

from app.units import AgentId, AttemptId

Id = TypeVar("Id", AttemptId, AgentId)


class Alarms(Generic[Id]):
    """One deadline for each id. A changed or removed one stays in the heap and is passed over when it comes up."""

    __slots__ = ("_at", "_heap")

    def __init__(self) -> None:
        self._at: dict[Id, int] = {}
        self._heap: list[tuple[int, Id]] = []

    def set(self, id_: Id, at_ms: int | None) -> None:
        """Wake this one at `at_ms` (None: not at all) instead of whenever was said before."""
        if at_ms is None:
            self._at.pop(id_, None)
        elif self._at.get(id_) != at_ms:
            self._at[id_] = at_ms
            heapq.heappush(self._heap, (at_ms, id_))

    def due(self, now_ms: int) -> list[Id]:
        """Take out whose time has come, earliest first."""
        found: list[Id] = []
        while (at_ms := self.next_ms()) is not None and at_ms <= now_ms:
            _, id_ = heapq.heappop(self._heap)
            del self._at[id_]
            found.append(id_)
        return found

    def next_ms(self) -> int | None:
        """The earliest deadline."""
        while self._heap:
            at_ms, id_ = self._heap[0]
            if self._at.get(id_) == at_ms:
                return at_ms
            heapq.heappop(self._heap)
        return None
