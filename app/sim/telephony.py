"""The Telephony port on the simulated network: the runtime works on it as on an Asterisk, in real or faster time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from app.commands import TelephonyCommand
from app.events import Event
from app.ports import Inbox
from app.sim.network import SimNetwork


class ScaledClock:
    """A clock that begins at a fixed moment and runs `speed` times as fast as the world's.

    Give the same one to the runtime and to the telephony. Raises ValueError for a speed that is not above 0.
    """

    def __init__(self, start_ms: int, speed: float = 1.0) -> None:
        if speed <= 0:
            raise ValueError(f"speed must be above 0, not {speed}")
        self.speed = speed
        self._start_ms = start_ms
        self._origin_ns = time.monotonic_ns()

    def now_ms(self) -> int:
        """Milliseconds since the epoch, in the simulated world."""
        return self._start_ms + int((time.monotonic_ns() - self._origin_ns) * self.speed / 1_000_000)

    def wait_s(self, until_ms: int) -> float:
        """How long the real world waits until then, in seconds; 0 for the past."""
        return max(0.0, (until_ms - self.now_ms()) / 1_000 / self.speed)


class SimTelephony:
    """A SimNetwork whose virtual time follows a clock. The network's own faults happen by themselves."""

    def __init__(self, network: SimNetwork, clock: ScaledClock) -> None:
        self.network = network
        self._clock = clock
        self._inbox: Inbox = _nowhere
        self._timer: asyncio.TimerHandle | None = None
        self._is_running = False

    async def start(self, inbox: Inbox) -> None:
        """Connect; the first event is TelephonyUp."""
        self._inbox = inbox
        self._is_running = True
        self._catch_up()
        self.network.connect()
        self._follow()

    def perform(self, command: TelephonyCommand) -> None:
        """Carry out a command now; what came of it arrives as events."""
        self._catch_up()
        self.network.perform(command)
        self._follow()

    def disturb(self, mishap: Callable[[SimNetwork], None]) -> None:
        """Let something befall the network now: `lambda network: network.lose_websocket(2_000)`."""
        self._catch_up()
        mishap(self.network)
        self._catch_up()
        self._follow()

    async def stop(self) -> None:
        """Leave; the network and its calls go on when another telephony takes it over."""
        self._catch_up()
        self._is_running = False
        self._inbox = _nowhere
        self.network.disconnect()
        if self._timer is not None:
            self._timer.cancel()

    def _catch_up(self) -> None:
        """Let happen what has happened by now."""
        for event in self.network.advance_to(max(self._clock.now_ms(), self.network.now_ms)):
            self._inbox(event)

    def _follow(self) -> None:
        """Wake when the network has something next."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        next_ms = self.network.next_event_ms()
        if self._is_running and next_ms is not None:
            self._timer = asyncio.get_running_loop().call_later(self._clock.wait_s(next_ms), self._wake)

    def _wake(self) -> None:
        self._catch_up()
        self._follow()


def _nowhere(_: Event) -> None:
    """Nobody listens."""
