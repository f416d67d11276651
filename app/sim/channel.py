"""One channel of the simulated Asterisk: its state, and the queue of what it is to play and record."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from app.commands import PlaceCall, Play, Record
from app.events import LiveCall
from app.sim.facts import Sound
from app.sim.farend import Talk
from app.units import AttemptId, RoomId


class ChannelState(enum.Enum):
    """Where a channel is."""

    DIALING = "dialing"
    IN_HAND = "in hand"
    """Answered, and in the Stasis application."""
    LEFT = "left"
    """In the dialplan: handed over, or in the fallback."""
    GONE = "gone"


@dataclass(slots=True, eq=False)
class MediaJob:
    """Something to play or record; began_at_ms is None while it waits for the one before it.

    is_stopped: it was stopped before its turn came, and will be over as soon as it comes.
    """

    command: Play | Record
    began_at_ms: int | None = None
    is_stopped: bool = False

    @property
    def name(self) -> str:
        """The name the dialer gave it."""
        return self.command.playback_id if isinstance(self.command, Play) else self.command.name


@dataclass(slots=True, eq=False, kw_only=True)
class Channel:
    """A call as Asterisk sees it. Asterisk plays and records one thing after the other, in the order asked."""

    call: PlaceCall
    lease_until_ms: int
    state: ChannelState = ChannelState.DIALING
    is_in_fallback: bool = False
    """It hears the dialplan's apology for the dialer's absence."""
    is_in_queue: bool = False
    """It is in a queue of the PBX's own."""
    media: deque[MediaJob] = field(default_factory=deque)
    when_silent: Callable[[], None] | None = None
    """What happens when all media are over: Asterisk keeps a hand-over in the same queue."""
    talks: tuple[Talk, ...] = ()
    """Sound from the far end, on the network's clock."""
    room_id: RoomId | None = None
    """The room the person is in."""
    has_music: bool = False
    hears: Sound = Sound.SILENCE
    """What the person is known to hear, once the call is in hand."""

    @property
    def attempt_id(self) -> AttemptId:
        """The channel's id is its attempt's."""
        return self.call.attempt_id

    @property
    def is_up(self) -> bool:
        """Whether the channel exists."""
        return self.state is not ChannelState.GONE

    @property
    def as_live(self) -> LiveCall:
        """The channel as it is listed to somebody who comes back."""
        return LiveCall(
            attempt_id=self.attempt_id,
            is_in_hand=self.state is ChannelState.IN_HAND,
            is_up=self.state in (ChannelState.IN_HAND, ChannelState.LEFT),
            is_in_fallback=self.is_in_fallback,
            is_in_queue=self.is_in_queue,
            endpoint=self.call.trunk.endpoint,
            room_id=self.room_id,
        )

    @property
    def is_playing(self) -> bool:
        """Whether something is being played to the person."""
        first = self.media[0] if self.media else None
        return first is not None and first.began_at_ms is not None and isinstance(first.command, Play)

    def job(self, name: str) -> MediaJob | None:
        """The job of this name, if it is not over."""
        return next((job for job in self.media if job.name == name), None)
