"""Work in lanes: what belongs to one call is done in the order given, what belongs to others beside it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, TypeVar

T_ = TypeVar("T_")


class Lanes(Generic[T_]):
    """`work` is awaited for each piece of work put; one after another in a lane."""

    def __init__(self, work: Callable[[T_], Awaitable[None]]) -> None:
        self._work = work
        self._waiting: dict[str, deque[T_]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def put(self, lane: str, piece: T_) -> None:
        """Do it after what was put in the same lane before; returns at once."""
        waiting = self._waiting.get(lane)
        if waiting is not None:
            waiting.append(piece)
            return
        self._waiting[lane] = deque((piece,))
        self.begin(self._run(lane))

    def begin(self, step: Coroutine[Any, Any, None]) -> None:
        """Do it now, in no lane."""
        task = asyncio.get_running_loop().create_task(step)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, lane: str) -> None:
        waiting = self._waiting[lane]
        try:
            while waiting:
                await self._work(waiting.popleft())
        finally:
            del self._waiting[lane]

    async def stop(self) -> None:
        """Drop what is not done."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
