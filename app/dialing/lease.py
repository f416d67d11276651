"""How long a channel lives without us: a dead man's lease, renewed while we are there."""

from __future__ import annotations

from typing import Final

from app.commands import Command, RenewLease
from app.units import HOUR_MS, SECOND_MS, AttemptId

LEASE_MS: Final = 30 * SECOND_MS
"""How long a channel in our hands lives without us."""
TRANSFER_LEASE_MS: Final = 4 * HOUR_MS
"""How long a call may last in the admin's dialplan."""
RENEW_AGAIN_MS: Final = 5 * SECOND_MS
"""After a lease could not be renewed, how long until it is tried again: three times before it runs out."""
GRACE_MS: Final = 10 * SECOND_MS
"""After the lease has run out, how long until the call's end is taken as missed."""


class Lease:
    """The lease of one call's channel."""

    __slots__ = ("_attempt_id", "_before_ms", "_length_ms", "renew_at_ms", "until_ms")

    def __init__(self, attempt_id: AttemptId) -> None:
        self._attempt_id = attempt_id
        self._length_ms = LEASE_MS
        self._before_ms = 0  # until when it lived before the last word on it
        self.until_ms = 0
        self.renew_at_ms = 0

    def begin(self, length_ms: int, now_ms: int) -> None:
        """What the channel is placed with, or has from a life before this one; renewed as an ordinary one."""
        self.until_ms = now_ms + length_ms
        self.renew_at_ms = self.until_ms - LEASE_MS // 2

    def take(self, length_ms: int, now_ms: int) -> Command:
        """From now on the channel may be without us for so long."""
        self._length_ms = length_ms
        return self.renew(now_ms)

    def renew(self, now_ms: int) -> Command:
        """Say again that it may live."""
        self._before_ms = self.until_ms
        self.until_ms = now_ms + self._length_ms
        self.renew_at_ms = now_ms + self._length_ms // 2
        return RenewLease(attempt_id=self._attempt_id, lease_ms=self._length_ms)

    def fall_back(self, now_ms: int) -> None:
        """Who stays with us after all needs no long one: an ordinary one is to be had at once."""
        self._length_ms = LEASE_MS
        self.until_ms = min(self.until_ms, now_ms + LEASE_MS)
        self.renew_at_ms = now_ms

    def failed(self, now_ms: int) -> None:
        """It was not renewed, and lives as long as was said before: soon again, while there is time."""
        self.until_ms = self._before_ms
        self.renew_at_ms = now_ms + RENEW_AGAIN_MS

    def is_long(self, now_ms: int) -> bool:
        """Whether the channel may live much longer than an ordinary lease."""
        return self.until_ms > now_ms + 2 * LEASE_MS

    @property
    def missed_at_ms(self) -> int:
        """When the channel is certainly gone, though nobody told."""
        return self.until_ms + GRACE_MS
