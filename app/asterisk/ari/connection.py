"""The words for a connection's life: its states, what the listener is told, how long to wait between tries."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from .errors import AriError, AriUnauthorized, AriUnavailable


class AriState(Enum):
    """Where a client's connection is. Operations are carried out in CONNECTED only."""

    IDLE = "idle"
    """Not started, or closed."""
    CONNECTING = "connecting"
    """Trying for the first time."""
    BOOTING = "booting"
    """Something answers at the address, but not ARI yet."""
    CONNECTED = "connected"
    LOST = "lost"
    """Was connected and is trying again, or Asterisk is frozen."""
    REPLACED = "replaced"
    """Another program took the Stasis application; this client is out until it connects anew."""


class DownReason(Enum):
    """Why there is no connection."""

    REFUSED = "refused"
    """Nothing listens at the address, or the host is not there."""
    BOOTING = "booting"
    """HTML 404 or JSON 503: Asterisk is starting, or has no ARI."""
    CLOSED = "closed"
    """The websocket ended."""
    FROZEN = "frozen"
    """The connection stands but Asterisk says nothing."""
    UNAUTHORIZED = "unauthorized"
    REPLACED = "replaced"
    """Another dialer took the application."""
    FAILED = "failed"
    """Asterisk answered the opening requests with something else; the detail says what."""
    STOPPED = "stopped"
    """close() was called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AriUp:
    """ARI is there, subscribed and filtered; events follow. Reconcile now: what happened while down left no trace.

    ``startup_time`` is as Asterisk writes it and names its life. ``reconnected`` is false the first time only;
    ``new_life`` is true when Asterisk has been restarted since the last AriUp: all channels died with it.
    """

    startup_time: str
    asterisk_version: str
    reconnected: bool
    new_life: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AriDown:
    """ARI is not there. Told once when it goes and again whenever the reason changes."""

    reason: DownReason
    detail: str


ConnectionNews: TypeAlias = AriUp | AriDown


class Backoff:
    """Waits between tries, in seconds: none before the first, then doubling from ``least`` to ``most``, jittered.

    The most is what an Asterisk that is back waits for us: a try costs it one refused connection.
    """

    def __init__(self, least_s: float = 0.1, most_s: float = 1.0, chance: random.Random | None = None) -> None:
        self._least_s, self._most_s = least_s, most_s
        self._chance = chance or random.Random()
        self._tries = 0

    def reset(self) -> None:
        self._tries = 0

    def next_wait_s(self) -> float:
        self._tries += 1
        if self._tries == 1:
            return 0.0
        whole: float = min(self._most_s, self._least_s * 2.0 ** min(self._tries - 2, 20))
        return whole * self._chance.uniform(0.5, 1.0)


def down_reason(error: AriError) -> DownReason:
    """What a failed opening request says about the other side."""
    if isinstance(error, AriUnauthorized):
        return DownReason.UNAUTHORIZED
    if isinstance(error, AriUnavailable):
        return DownReason.BOOTING if error.status else DownReason.REFUSED
    if error.status:
        return DownReason.FAILED
    return DownReason.FROZEN if isinstance(error.__cause__, TimeoutError) else DownReason.CLOSED
