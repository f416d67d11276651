"""One phone's call in the simulated Asterisk: an agent's, a supervisor's, or a third party's."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from app.agents import LivePhone, SpyMode
from app.units import LegId, RoomId


class LegState(enum.Enum):
    """Where a phone's call is."""

    RINGING = "ringing"
    UP = "up"
    """Picked up, and in the Stasis application."""
    LEFT = "left"
    """Picked up, and told by the dialplan that nobody is there to take the call."""
    GONE = "gone"


@dataclass(slots=True, eq=False, kw_only=True)
class Leg:
    """A phone's call as Asterisk sees it. endpoint: of the phone, or of the trunk that leads to a third party."""

    leg_id: LegId
    endpoint: str
    lease_until_ms: int
    is_third_party: bool = False
    state: LegState = LegState.RINGING
    room_id: RoomId | None = None
    is_muted: bool = False
    is_dumb: bool = False
    """No sound comes from the phone any more; Asterisk has not noticed yet."""
    target: LegId | None = None
    """Whom it spies on."""
    spy_mode: SpyMode = SpyMode.LISTEN

    @property
    def is_up(self) -> bool:
        """Whether the channel exists."""
        return self.state is not LegState.GONE

    @property
    def as_live(self) -> LivePhone:
        """The channel as it is listed to somebody who comes back."""
        return LivePhone(leg_id=self.leg_id, is_up=self.state is LegState.UP, room_id=self.room_id)
