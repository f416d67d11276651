"""What our channels and bridges are called, so that any event and any listing tells whose it is.

| name | what it is |
|---|---|
| `outring-<attempt>` | the channel of a person |
| `outring-<leg>` | the channel of a phone, or of a third party |
| `outring-<room>` | the bridge of a room |
| `outring-<leg>-snoop`, `outring-<leg>-spy` | a supervisor's ear at an agent's channel, and the bridge of the two |
| `outring-<leg>-say-…` | a voice in one phone's ear, mixed with what else it hears |
"""

from __future__ import annotations

import re
from typing import Final

from app.units import ATTEMPT_ID, LEG_ID, AttemptId, LegId, RoomId

PREFIX: Final = "outring-"
_HELPER: Final = re.compile(rf"{PREFIX}({LEG_ID.pattern})-(snoop|say-[0-9a-f]+)")
_SPY: Final = "-spy"
_BEGINS_WITH_ATTEMPT: Final = re.compile(rf"({ATTEMPT_ID.pattern})(?![a-z0-9])")


def channel_id(attempt_id: AttemptId) -> str:
    """The channel of an attempt's person."""
    return PREFIX + attempt_id


def attempt_of(channel: str) -> AttemptId | None:
    """The attempt a channel belongs to; None: not a person of ours."""
    rest = channel.removeprefix(PREFIX)
    return AttemptId(rest) if rest != channel and "-" not in rest else None


def leg_channel(leg_id: LegId) -> str:
    """The channel of a phone's call."""
    return PREFIX + leg_id


def leg_of(channel: str) -> LegId | None:
    """The leg a channel is; None: not a phone's call of ours."""
    rest = channel.removeprefix(PREFIX)
    return LegId(rest) if rest != channel and LEG_ID.fullmatch(rest) else None


def bridge_id(room_id: RoomId) -> str:
    """The bridge of a room."""
    return PREFIX + room_id


def room_of(bridge: str) -> RoomId | None:
    """The room a bridge is; None: not one of ours."""
    if not bridge.startswith(PREFIX) or bridge.endswith(_SPY):
        return None
    return RoomId(bridge.removeprefix(PREFIX))


def snoop_channel(leg_id: LegId) -> str:
    """The ear of a supervisor's phone."""
    return f"{PREFIX}{leg_id}-snoop"


def spy_bridge(leg_id: LegId) -> str:
    """Where a supervisor's phone and its ear meet."""
    return f"{PREFIX}{leg_id}{_SPY}"


def say_channel(leg_id: LegId, token: str) -> str:
    """A voice in the ear of a phone; token: hexadecimal, another for each."""
    return f"{PREFIX}{leg_id}-say-{token}"


def helper_of(channel: str) -> LegId | None:
    """The leg a snooping channel of ours serves; None: it is no such channel."""
    found = _HELPER.fullmatch(channel)
    return LegId(found[1]) if found else None


def spied_by(bridge: str) -> LegId | None:
    """The leg a spying bridge of ours serves; None: it is no such bridge."""
    leg = leg_of(bridge.removesuffix(_SPY))
    return leg if bridge.endswith(_SPY) else None


def attempt_in(recording: str) -> AttemptId | None:
    """The attempt a recording of a room is named by."""
    found = _BEGINS_WITH_ATTEMPT.match(recording)
    return AttemptId(found[1]) if found else None
