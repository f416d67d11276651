"""How often somebody may try to sign in: a delay that grows with each failure, per name and per address.

A name is slowed early but never for long, so that a stranger cannot lock its owner out; an address is slowed later and
for longer. Tries that are under way count as failures until they pass, so many at once gain nothing.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

FORGET_S: Final = 3_600.0
MAX_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Failures without a delay, and the longest delay that follows; each failure more doubles it, from one second."""

    free: int
    longest_s: float

    def delay_s(self, failures: int) -> float:
        """The wait after so many failures."""
        if failures < self.free:
            return 0.0
        return float(min(2.0 ** min(failures - self.free, 30), self.longest_s))


NAME: Final = Patience(free=5, longest_s=60.0)
ADDRESS: Final = Patience(free=20, longest_s=900.0)


@dataclass(slots=True)
class _Tries:
    failures: int = 0
    not_before: float = 0.0
    last: float = 0.0


class Throttle:
    """Counts tries. Remembers a bounded number of names and addresses, the latest ones, for an hour."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tries: OrderedDict[tuple[Patience, str], _Tries] = OrderedDict()

    def begin(self, name: str, address: str) -> float:
        """Begin a try: 0.0 when it may go on, else the seconds to wait; a try that must wait counts for nothing."""
        now = self._clock()
        keys = ((NAME, name), (ADDRESS, address))
        wait_s = max(self._of(key, now).not_before - now for key in keys)
        if wait_s > 0:
            return wait_s
        for key in keys:
            tries = self._of(key, now)
            tries.failures += 1
            tries.last = now
            tries.not_before = now + key[0].delay_s(tries.failures)
        return 0.0

    def passed(self, name: str, address: str) -> None:
        """The try that was begun was right: the name starts anew, the address is not charged for this try."""
        self._tries.pop((NAME, name), None)
        tries = self._tries.get((ADDRESS, address))
        if tries is not None:
            tries.failures = max(0, tries.failures - 1)
            tries.not_before = 0.0

    def _of(self, key: tuple[Patience, str], now: float) -> _Tries:
        tries = self._tries.get(key)
        if tries is None or now - tries.last > FORGET_S:
            tries = self._tries[key] = _Tries(last=now)
        self._tries.move_to_end(key)
        while len(self._tries) > MAX_REMEMBERED:
            self._tries.popitem(last=False)
        return tries
