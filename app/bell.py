"""What wakes the one task that waits for work: something came, or it is time."""

from __future__ import annotations

import asyncio


class Bell:
    """Rung by whoever brings work; rings by itself at the time asked for. One task waits at a time.

    The timer is left alone while the time stays the same: most waits end by work that comes.
    """

    def __init__(self) -> None:
        self._waiting: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._at_s: float | None = None

    def ring(self) -> None:
        """Whoever waits goes on; who does not wait yet will not be told: look whether there is work before waiting."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def wait(self, until_s: float | None) -> None:
        """Until it rings, or the loop's clock reads `until_s` (None: no such time). Lets others run in any case."""
        loop = asyncio.get_running_loop()
        if until_s is not None and until_s <= loop.time():
            await asyncio.sleep(0)
            return
        if until_s != self._at_s:
            self._set(loop, until_s)
        self._waiting = loop.create_future()
        try:
            await self._waiting
        finally:
            self._waiting = None

    def _set(self, loop: asyncio.AbstractEventLoop, until_s: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._at_s = until_s
        self._timer = None if until_s is None else loop.call_at(until_s, self._is_time)

    def _is_time(self) -> None:
        self._timer = self._at_s = None
        self.ring()
