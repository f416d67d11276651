"""An event loop in virtual time, one for each simulated process: nothing waits, and a process can be frozen or killed.

Whoever owns the loops says what time it is and lets each of them do what is due. A loop that is not run stands as still
as a process that the machine does not schedule: its timers are late when it wakes.
"""

from __future__ import annotations

import asyncio
import heapq
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, Final, TypeVar, TypeVarTuple, Unpack

from app.units import SECOND_MS

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
_GRAIN_MS: Final = 1e-6
"""What sums of seconds may be off."""


class VirtualLoop(asyncio.BaseEventLoop):
    """As much of an event loop as tasks, timers and locks need; no sockets, no threads.

    Its clock counts from `start_ms` and moves when `run_due` is called.
    """

    def __init__(self, start_ms: int) -> None:
        super().__init__()
        self.now_ms = start_ms
        self.failure: BaseException | None = None
        """What a task died of that nobody awaited."""
        self._start_ms = start_ms
        self._due: deque[asyncio.Handle] = deque()
        self._timers: list[asyncio.TimerHandle] = []

    # --- what asyncio asks of a loop ---------------------------------------------------------------------------------

    def time(self) -> float:
        return (self.now_ms - self._start_ms) / SECOND_MS

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._due.append(handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, handle)
        return handle

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]  # a coroutine is all that is given here
        self, coro: Coroutine[Any, Any, T], *, name: str | None = None, context: Context | None = None
    ) -> asyncio.Task[T]:
        return asyncio.Task(coro, loop=self, name=name, context=context)

    def get_debug(self) -> bool:
        return False

    def set_debug(self, enabled: bool) -> None:
        """There is nothing more to be told."""

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return True  # there is nothing to be closed

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Asked for by cancelled timers; they fall out when their moment comes."""

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        failure = context.get("exception")
        if isinstance(failure, BaseException):
            self.failure = self.failure or failure

    # --- what its owner asks -----------------------------------------------------------------------------------------

    def next_ms(self) -> int | None:
        """When something is due next; None: never."""
        if self._due:
            return self.now_ms
        while self._timers and self._timers[0].cancelled():
            heapq.heappop(self._timers)
        if not self._timers:
            return None
        due_ms = self._timers[0].when() * SECOND_MS - _GRAIN_MS
        return self._start_ms + max(int(due_ms) + (due_ms > int(due_ms)), self.now_ms - self._start_ms)

    def run_due(self, now_ms: int) -> bool:
        """Do what is due at this moment, once; False: nothing was."""
        self.now_ms = now_ms
        until = self.time() + _GRAIN_MS / SECOND_MS
        while self._timers and self._timers[0].when() <= until:
            self._due.append(heapq.heappop(self._timers))
        due = len(self._due)
        before = events._get_running_loop()
        events._set_running_loop(self)
        try:
            for _ in range(due):
                handle = self._due.popleft()
                if not handle.cancelled():
                    handle._run()
        finally:
            events._set_running_loop(before)
        return due > 0
