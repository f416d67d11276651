"""Virtual time: what happens next, and when. Nothing waits; time passes when it is told to."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Protocol

Action = Callable[[], None]


class Owner(Protocol):
    """Whose moment it is; what was planned for an owner that is gone does not happen."""

    @property
    def is_up(self) -> bool:
        """Whether it is still there."""


class Schedule:
    """Actions by their moment, in milliseconds since the epoch; on one moment, in the order planned."""

    __slots__ = ("_heap", "_planned", "now_ms")

    def __init__(self, start_ms: int) -> None:
        self.now_ms = start_ms
        self._heap: list[tuple[int, int, Owner | None, Action]] = []
        self._planned = 0

    def plan(self, wait_ms: int, action: Action, owner: Owner | None = None) -> None:
        """Let `action` happen `wait_ms` from now, if its owner is still up then."""
        self._planned += 1
        heapq.heappush(self._heap, (self.now_ms + max(0, wait_ms), self._planned, owner, action))

    def next_ms(self) -> int | None:
        """When something happens next; None: never."""
        while self._heap and _is_void(self._heap[0][2]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def run_to(self, at_ms: int) -> None:
        """Let time pass up to and including `at_ms`. Raises ValueError for a moment in the past."""
        if at_ms < self.now_ms:
            raise ValueError(f"time does not run backwards: {at_ms} is before {self.now_ms}")
        while self._heap and self._heap[0][0] <= at_ms:
            due_ms, _, owner, action = heapq.heappop(self._heap)
            if not _is_void(owner):
                self.now_ms = due_ms
                action()
        self.now_ms = at_ms


def _is_void(owner: Owner | None) -> bool:
    return owner is not None and not owner.is_up
