"""A trunk in use: its lines, its rate, and whether it can be trusted.

A trunk that rejects everything burns two hundred contacts a second if nothing stops it, and a dead one swallows them in
silence. So no more than `PROBATION` calls are ever placed since the trunk last showed life (ringing, early media, an
answer, or a word about the person such as busy). When `FAULTS_TO_LEAVE` calls in a row end in trunk faults it is taken
out, and later tried with a single call: life brings it back, another fault sends it out for twice as long.

Calls take long to fail: when a trial is on its way, calls of before it may still be ending. So each call belongs to a
stretch, from one sign of life or rest to the next, and only those of the present stretch decide about it.
"""

from __future__ import annotations

import enum
from typing import Final

from app.dialing.rate import Rate
from app.model import Trunk
from app.units import MINUTE_MS, SECOND_MS, Number

PROBATION: Final = 10
FAULTS_TO_LEAVE: Final = 5
FAULT_WEIGHT: Final = PROBATION // FAULTS_TO_LEAVE
FIRST_REST_MS: Final = 5 * SECOND_MS
LONGEST_REST_MS: Final = 5 * MINUTE_MS


class TrunkState(enum.Enum):
    """Whether calls go out on it."""

    IN_SERVICE = "in service"
    OUT = "out of service"
    PROBING = "on trial"


class TrunkLine:
    """One trunk: takes calls, hears of their fate, says whether it can take one more."""

    __slots__ = (
        "_doubts", "_has_worked", "_rest_ms", "_since_life", "_stretch", "lines_used", "out_until_ms", "rate",
        "reason", "state", "trunk",
    )  # fmt: skip

    def __init__(self, trunk: Trunk, now_ms: int) -> None:
        self.trunk = trunk
        self.rate = Rate(trunk.calls_per_second, now_ms)
        self.lines_used = 0
        self.state = TrunkState.IN_SERVICE
        self.reason = ""
        self.out_until_ms = 0
        self._stretch = 0
        self._since_life = 0  # calls of this stretch
        self._doubts = 0
        self._has_worked = False  # in this time of service
        self._rest_ms = FIRST_REST_MS

    def set(self, trunk: Trunk, now_ms: int) -> None:
        """New settings; calls up go on. Changing the endpoint clears its bad name."""
        if trunk.endpoint != self.trunk.endpoint:
            self._come_back()
        self.trunk = trunk
        self.rate.set(trunk.calls_per_second, now_ms)

    def covers(self, number: Number) -> bool:
        """Whether the trunk is for numbers like this one, switched on or not."""
        return bool(self.trunk.prefixes) and number.startswith(self.trunk.prefixes)

    def carries(self, number: Number) -> bool:
        """Whether this number may go out here at all."""
        return self.trunk.is_enabled and self.covers(number)

    def room(self, now_ms: int) -> int:
        """How many calls may start now."""
        return min(self.capacity(now_ms), self.rate.available(now_ms))

    def take(self, now_ms: int) -> int:
        """A call goes out here; the caller has seen that there is room. Answers its stretch, for its end."""
        assert self.room(now_ms) > 0, f"trunk {self.trunk.id} has no room"
        self.rate.take(now_ms)
        self.lines_used += 1
        self._since_life += 1
        return self._stretch

    def adopt(self) -> int:
        """A call that a life before this one placed is out here; answers a stretch that is over."""
        self.lines_used += 1
        return -1

    def release(self) -> None:
        """A call that was out here is gone."""
        assert self.lines_used > 0, f"trunk {self.trunk.id} released a line it had not"
        self.lines_used -= 1

    def show_life(self) -> None:
        """The far network answered for the trunk: it works."""
        self._has_worked = True
        self._begin_stretch()
        if self.state is not TrunkState.IN_SERVICE or self._doubts:
            self._come_back()

    def fault(self, reason: str, now_ms: int, stretch: int) -> None:
        """A call of `stretch` ended in a fault that speaks against the trunk."""
        self._doubt(FAULT_WEIGHT, reason, now_ms, stretch)

    def refusal(self, reason: str, now_ms: int, stretch: int) -> None:
        """A call of `stretch` was refused without any sign of life, with words about the number (SIP 404, 484 …).

        Such a word is believed. Call after call, and nothing else, it is a trunk that refuses everything, perhaps
        because it wants numbers written in another way: it weighs half a fault.
        """
        self._doubt(1, f"it refuses every number: {reason}", now_ms, stretch)

    def _doubt(self, weight: int, reason: str, now_ms: int, stretch: int) -> None:
        """Calls in a row without life: as many as may be out in all, and at the latest then, take the trunk out."""
        self._doubts += weight
        has_failed_trial = self.state is TrunkState.PROBING and stretch == self._stretch
        if has_failed_trial or (self.state is TrunkState.IN_SERVICE and self._doubts >= PROBATION):
            self.state = TrunkState.OUT
            self._has_worked = False
            self.reason = reason
            self.out_until_ms = now_ms + self._rest_ms
            self._rest_ms = min(self._rest_ms * 2, LONGEST_REST_MS)

    def forget(self, stretch: int) -> None:
        """A call of `stretch` ended by our own doing: it says nothing of the trunk."""
        if stretch == self._stretch:
            self._since_life -= 1

    def capacity(self, now_ms: int) -> int:
        """Lines that could be used as soon as the rate allows."""
        if not self.trunk.is_enabled:
            return 0
        self._look_at_the_clock(now_ms)
        if self.state is TrunkState.OUT:
            return 0
        trusted = PROBATION if self.state is TrunkState.IN_SERVICE else 1
        return max(0, min(self.trunk.lines - self.lines_used, trusted - self._since_life))

    def is_shut(self, now_ms: int) -> bool:
        """Whether nobody may wait for it: switched off, out of service, or its fate hangs on the one call on trial."""
        self._look_at_the_clock(now_ms)
        is_on_trial = self.state is TrunkState.PROBING and self._since_life > 0
        return not self.trunk.is_enabled or self.state is TrunkState.OUT or is_on_trial

    def prospect(self, now_ms: int) -> int:
        """Calls worth claiming contacts for: on a trunk that works, signs of life make room as fast as it is used."""
        if not self._has_worked or self.state is not TrunkState.IN_SERVICE or not self.trunk.is_enabled:
            return self.capacity(now_ms)
        return max(0, self.trunk.lines - self.lines_used)

    def next_at_ms(self, now_ms: int) -> int | None:
        """When room may appear by time alone (rate, rest); None when only an event can make room."""
        if not self.trunk.is_enabled or self.trunk.lines <= self.lines_used:
            return None
        if self.state is TrunkState.OUT:
            return self.out_until_ms
        trusted = PROBATION if self.state is TrunkState.IN_SERVICE else 1
        return None if self._since_life >= trusted else self.rate.next_at_ms(now_ms)

    def _look_at_the_clock(self, now_ms: int) -> None:
        if self.state is TrunkState.OUT and now_ms >= self.out_until_ms:
            self.state = TrunkState.PROBING
            self._begin_stretch()

    def _begin_stretch(self) -> None:
        self._stretch += 1
        self._since_life = 0

    def _come_back(self) -> None:
        self.state = TrunkState.IN_SERVICE
        self.reason = ""
        self._doubts = 0
        self._rest_ms = FIRST_REST_MS
        self._begin_stretch()
