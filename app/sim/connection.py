"""The way from the simulated Asterisk to the dialer: a websocket that may drop, and replies that come beside it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from app.agents import LivePhone
from app.events import CallPlaced, CallUnknown, Event, LiveCall, TelephonyDown, TelephonyUp
from app.sim.facts import Observer, OutOfReach, WithinReach
from app.sim.faults import NO_FAULTS, Faults
from app.sim.schedule import Schedule

_REPLY_MS: Final = (1, 1, 1, 2, 2, 2, 2, 3, 3, 5, 8, 16)
"""How long a reply takes: p50 2 ms, p99 16 ms, as measured."""


class Connection:
    """What the dialer is told, and when. `live` and `phones` list what is up for somebody who comes back.

    on_up: told when the websocket is there (again); True: for a dialer that knows nothing yet.
    """

    def __init__(
        self,
        schedule: Schedule,
        rng: random.Random,
        live: Callable[[], tuple[LiveCall, ...]],
        phones: Callable[[], tuple[LivePhone, ...]],
        on_wire: Observer,
        on_up: Callable[[bool], None],
        faults: Faults = NO_FAULTS,
    ) -> None:
        self.faults = faults
        self.is_alive = True
        """Asterisk runs."""
        self.is_connected = False
        """The websocket is there."""
        self.events_lost = 0
        self._schedule = schedule
        self._rng = rng
        self._live = live
        self._phones = phones
        self._on_wire = on_wire
        self._on_up = on_up
        self._told: list[Event] = []
        self._stream_at_ms = schedule.now_ms
        self._is_wanted = False
        self._connection = 0
        self._life = 0
        self._life_known: int | None = None

    def open(self) -> None:
        """The dialer comes, for the first time or again: it knows nothing of before."""
        self.close()
        self._is_wanted = True
        self._life_known = None
        self._come_up_after(0)

    def close(self) -> None:
        """The dialer goes; nothing more is told."""
        if self.is_connected:
            self._on_wire(OutOfReach(at_ms=self._schedule.now_ms))
        self._is_wanted = self.is_connected = False
        self._connection += 1
        self._told = []

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

        wait_ms = self._stream_at_ms - now_ms
        if self._strikes(self.faults.event_late):
            wait_ms += self._rng.randint(1, max(1, self.faults.event_late_ms))
        self._schedule.plan(wait_ms, arrive)
        if self._strikes(self.faults.event_doubled):
            self._schedule.plan(wait_ms + self._rng.randint(0, max(1, self.faults.event_late_ms)), arrive)

    def _strikes(self, rate: float) -> bool:
        return rate > 0 and self._rng.random() < rate

    def reply(self, event: Event, late_ms: int = 0) -> None:
        """Answer a request: not ordered with the events of the websocket."""
        life = self._life

        def arrive() -> None:
            if not self._is_wanted:
                return
            if life != self._life and isinstance(event, CallPlaced):
                self._told.append(CallUnknown(attempt_id=event.attempt_id, reason="Asterisk died while it was asked"))
            else:
                self._told.append(event)

        self._schedule.plan(self._rng.choice(_REPLY_MS) + late_ms, arrive)

    def lose_websocket(self, gap_ms: int) -> None:
        """The websocket drops now and is back after `gap_ms`."""
        if self.is_connected:
            self._drop("the websocket was closed")
            self._come_up_after(gap_ms)

    def die(self, boot_ms: int) -> bool:
        """Asterisk dies now and is back after `boot_ms`; False when it is dead already."""
        if not self.is_alive:
            return False
        if self.is_connected:
            self._drop("Asterisk is gone")
        self.is_alive = False
        self._life += 1
        self._schedule.plan(boot_ms, self._boot)
        return True

    def _boot(self) -> None:
        self.is_alive = True
        self._come_up_after(0)

    def _drop(self, reason: str) -> None:
        self.is_connected = False
        self._connection += 1
        self._on_wire(OutOfReach(at_ms=self._schedule.now_ms))
        self._told.append(TelephonyDown(reason=reason))

    def _come_up_after(self, wait_ms: int) -> None:
        def come_up() -> None:
            if not self.is_alive or not self._is_wanted or self.is_connected:
                return  # the boot brings it, or nobody wants it, or it came already
            is_first = self._life_known is None
            is_new_life = self._life_known not in (None, self._life)
            self.is_connected, self._life_known = True, self._life
            self._on_wire(WithinReach(at_ms=self._schedule.now_ms))
            self._told.append(TelephonyUp(is_new_life=is_new_life, live=self._live(), phones=self._phones()))
            self._on_up(is_first)

        self._schedule.plan(wait_ms, come_up)
