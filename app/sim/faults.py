"""What may go wrong in the simulated network, and how often. All of it is off unless asked for."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Final

_OF_DIALERS: Final = (
    "kills_per_hour", "freezes_per_hour", "commit_refused", "commit_unheard", "disk_full_per_hour",
    "database_gone_per_hour", "database_stalled_per_hour", "clock_steps_per_hour", "opt_outs_per_hour",
    "opt_outs_elsewhere_per_hour", "edits_per_hour", "trunk_flaps_per_hour",
)  # fmt: skip


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
    event_doubled: float = 0.0
    """An event comes twice, the second time behind others."""
    event_late: float = 0.0
    """An event comes late, and later ones before it."""
    event_late_ms: int = 400
    """How late at the most."""
    trunk_flaps_per_hour: float = 0.0
    """A good trunk rejects everything, or falls silent, for a while."""
    trunk_flap_ms: int = 90_000
    """How long at the most."""
    kills_per_hour: float = 0.0
    """A dialer is killed, within a few steps of a commit or of a word to Asterisk, and begun anew."""
    kill_gap_ms: int = 8_000
    """How long until it is begun anew, at the most."""
    freezes_per_hour: float = 0.0
    """A dialer stands still with all it has begun, and wakes: another has taken over meanwhile, or not."""
    freeze_ms: int = 20_000
    """How long at the most."""
    commit_refused: float = 0.0
    """The database is busy too long, and refuses."""
    commit_unheard: float = 0.0
    """The line to the database breaks just after it committed: nobody hears that it did."""
    disk_full_per_hour: float = 0.0
    """The database takes no writes for a while; opt-outs are kept beside it."""
    database_gone_per_hour: float = 0.0
    """The database cannot be reached at all for a while."""
    database_stalled_per_hour: float = 0.0
    """The database answers nothing for a while, and then everything."""
    database_ill_ms: int = 40_000
    """How long such a while is at the most."""
    clock_steps_per_hour: float = 0.0
    """The database's clock, and that of dialers begun from now on, is stepped: by an hour, as for daylight saving, or
    by up to a day."""
    opt_outs_per_hour: float = 0.0
    """Somebody is put on the do-not-call list from outside, in mid-call too."""
    opt_outs_elsewhere_per_hour: float = 0.0
    """Somebody is put on the list by another process on the same database, which tells the dialer nothing."""
    edits_per_hour: float = 0.0
    """A list is changed under the running campaign: a contact goes, or new ones come."""

    def __post_init__(self) -> None:
        for rate in dataclasses.fields(self):
            value = getattr(self, rate.name)
            is_share = not rate.name.endswith(("_per_hour", "_ms"))
            if value < 0 or (is_share and value > 1):
                raise ValueError(f"{rate.name} = {value}: expected {'0 to 1' if is_share else '0 or more'}")
        if self.unknown_placed + self.unknown_lost > 1:
            raise ValueError("unknown_placed and unknown_lost together are more than 1")

    @property
    def are_of_dialers(self) -> bool:
        """Whether any of them befalls the dialers' processes or their disk: what only `app.sim.house` plays."""
        return any(getattr(self, name) for name in _OF_DIALERS)

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
"""Everything that can go wrong between a dialer and its Asterisk, far more often than it does."""

STORM = dataclasses.replace(
    CHAOS,
    event_doubled=0.01,
    event_late=0.01,
    trunk_flaps_per_hour=20,
    kills_per_hour=60,
    freezes_per_hour=20,
    freeze_ms=60_000,
    commit_refused=0.01,
    commit_unheard=0.01,
    disk_full_per_hour=15,
    database_gone_per_hour=10,
    database_stalled_per_hour=10,
    clock_steps_per_hour=2,
    opt_outs_per_hour=240,
    edits_per_hour=120,
)
"""And everything that befalls the dialers themselves, their database, their lists and their clocks."""
