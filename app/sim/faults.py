"""What may go wrong in the simulated network, and how often. All of it is off unless asked for."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Rates of faults: shares are 0 to 1 per call or command, `*_per_hour` are means of random moments.

    Each one was first seen on a real Asterisk. Raises ValueError for a rate that cannot be.
    """

    refused: float = 0.0
    """Asterisk refuses a call for reasons of its own (an error 500): nothing was placed."""
    unknown_placed: float = 0.0
    """The connection breaks while a call is asked for, and the call goes out all the same."""
    unknown_lost: float = 0.0
    """The connection breaks while a call is asked for, and the call never went out."""
    placed_late: float = 0.0
    """The answer to the request comes long after what the network says of the call, even after its end."""
    playback_failed: float = 0.0
    """Something asked to be played is not: unreadable file, wrong sample rate."""
    phone_refused: float = 0.0
    """Asterisk refuses to ring a phone or to dial a third party, for reasons of its own."""
    room_failed: float = 0.0
    """Something asked of a room is not done: bringing somebody in, recording, sending keys."""
    phones_lost_per_hour: float = 0.0
    """A phone of the floor is cut off from the network, and its calls with it."""
    phone_gap_ms: int = 60_000
    """How long such a phone is away at the most."""
    websocket_losses_per_hour: float = 0.0
    """The websocket drops: what happens in the gap is never told."""
    websocket_gap_ms: int = 3_000
    """How long such a gap is at the most."""
    restarts_per_hour: float = 0.0
    """Asterisk dies and boots: all calls are gone."""
    boot_ms: int = 4_000
    """How long a boot takes."""

    def __post_init__(self) -> None:
        for rate in dataclasses.fields(self):
            value = getattr(self, rate.name)
            is_share = not rate.name.endswith(("_per_hour", "_ms"))
            if value < 0 or (is_share and value > 1):
                raise ValueError(f"{rate.name} = {value}: expected {'0 to 1' if is_share else '0 or more'}")
        if self.unknown_placed + self.unknown_lost > 1:
            raise ValueError("unknown_placed and unknown_lost together are more than 1")

    def __str__(self) -> str:
        """All rates, for the line that is printed with the seed."""
        return " ".join(f"{rate.name}={getattr(self, rate.name)}" for rate in dataclasses.fields(self))


NO_FAULTS = Faults()

CHAOS = Faults(
    refused=0.01,
    unknown_placed=0.02,
    unknown_lost=0.02,
    placed_late=0.02,
    playback_failed=0.02,
    phone_refused=0.02,
    room_failed=0.02,
    phones_lost_per_hour=20,
    websocket_losses_per_hour=60,
    websocket_gap_ms=6_000,
    restarts_per_hour=6,
)
"""Everything that can go wrong, far more often than it does."""
