"""The way from the simulated Asterisk to the dialer: a websocket that may drop, and replies that come beside it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from app.events import CallPlaced, CallUnknown, Event, LiveCall, TelephonyDown, TelephonyUp
from app.sim.schedule import Schedule

_REPLY_MS: Final = (1, 1, 1, 2, 2, 2, 2, 3, 3, 5, 8, 16)
"""How long a reply takes: p50 2 ms, p99 16 ms, as measured."""


class Connection:
    """What the dialer is told, and when. `live` lists the channels for somebody who comes back."""

    def __init__(self, schedule: Schedule, rng: random.Random, live: Callable[[], tuple[LiveCall, ...]]) -> None:
        self.is_alive = True
        """Asterisk runs."""
        self.is_connected = True
        """The websocket is there."""
        self.events_lost = 0
        self._schedule = schedule
        self._rng = rng
        self._live = live
        self._told: list[Event] = []
        self._stream_at_ms = schedule.now_ms
        self._connection = 0
        self._life = 0
        schedule.plan(0, lambda: self._told.append(TelephonyUp(is_new_life=False, live=live())))

    def heard(self) -> list[Event]:
        """What has arrived since the last time, in order."""
        told, self._told = self._told, []
        return told

    def tell(self, event: Event) -> None:
        """Send an event down the websocket: in order, and lost when the connection is."""
        if not self.is_connected:
            self.events_lost += 1
            return
        connection = self._connection
        now_ms = self._schedule.now_ms
        self._stream_at_ms = max(self._stream_at_ms, now_ms + self._rng.randint(1, 3))

        def arrive() -> None:
            if connection == self._connection:
                self._told.append(event)
            else:
                self.events_lost += 1

        self._schedule.plan(self._stream_at_ms - now_ms, arrive)

    def reply(self, event: Event, late_ms: int = 0) -> None:
        """Answer a request: not ordered with the events of the websocket."""
        life = self._life

        def arrive() -> None:
            if life != self._life and isinstance(event, CallPlaced):
                self._told.append(CallUnknown(attempt_id=event.attempt_id, reason="Asterisk died while it was asked"))
            else:
                self._told.append(event)

        self._schedule.plan(self._rng.choice(_REPLY_MS) + late_ms, arrive)

    def lose_websocket(self, gap_ms: int) -> None:
        """The websocket drops now and is back after `gap_ms`."""
        if self.is_alive and self.is_connected:
            self._disconnect("the websocket was closed")
            self._come_back_after(gap_ms, is_new_life=False)

    def die(self, boot_ms: int) -> bool:
        """Asterisk dies now and is back after `boot_ms`; False when it is dead already."""
        if not self.is_alive:
            return False
        if self.is_connected:
            self._disconnect("Asterisk is gone")
        self.is_alive = False
        self._life += 1
        self._come_back_after(boot_ms, is_new_life=True)
        return True

    def _disconnect(self, reason: str) -> None:
        self.is_connected = False
        self._connection += 1
        self._told.append(TelephonyDown(reason=reason))

    def _come_back_after(self, wait_ms: int, *, is_new_life: bool) -> None:
        life = self._life

        def come_back() -> None:
            if life == self._life:  # if Asterisk died meanwhile, its own boot brings the connection back
                self.is_alive = self.is_connected = True
                self._told.append(TelephonyUp(is_new_life=is_new_life, live=self._live()))

        self._schedule.plan(wait_ms, come_back)
