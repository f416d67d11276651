"""Rooms of the simulated Asterisk, and who hears whom: mixing bridges, music, supervisors who listen in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from app.agents import SpyMode
from app.sim.channel import Channel, ChannelState
from app.sim.facts import Entered, Exited, Hears, Observer, Sound
from app.sim.leg import Leg, LegState
from app.sim.schedule import Schedule
from app.units import AttemptId, LegId, RoomId

MUSIC: Final = "music"
"""What stands among the voices somebody hears when there is music."""


@dataclass(slots=True, eq=False, kw_only=True)
class Room:
    """A mixing bridge. is_musical: whoever is alone in it hears music."""

    room_id: RoomId
    is_musical: bool
    persons: dict[AttemptId, Channel] = field(default_factory=dict)
    legs: dict[LegId, Leg] = field(default_factory=dict)

    @property
    def has_one(self) -> bool:
        """Whether somebody is alone in it."""
        return len(self.persons) + len(self.legs) == 1


class Rooms:
    """All rooms. Whenever what a person hears may have changed, the wire is told what they hear now."""

    def __init__(self, schedule: Schedule, on_wire: Observer) -> None:
        self.rooms: dict[RoomId, Room] = {}
        self._legs: dict[LegId, Leg] = {}
        self._schedule = schedule
        self._on_wire = on_wire

    def open(self, room_id: RoomId, *, is_musical: bool) -> None:
        """Make a room, or set what plays in it."""
        room = self.rooms.setdefault(room_id, Room(room_id=room_id, is_musical=is_musical))
        room.is_musical = is_musical
        self._listen(room)

    def close(self, room_id: RoomId) -> None:
        """Take a room down: whoever is in it stays up, alone."""
        room = self.rooms.get(room_id)
        if room is None:
            return
        for channel in list(room.persons.values()):
            self.exit_person(channel)
        for leg in list(room.legs.values()):
            self.exit_phone(leg)
        del self.rooms[room_id]

    def sweep(self) -> None:
        """Rooms that a life before this one left empty go: nobody would ever close them."""
        for room in list(self.rooms.values()):
            if not room.persons and not room.legs:
                self.close(room.room_id)

    def clear(self) -> None:
        """Asterisk died: there are no rooms any more."""
        for room_id in list(self.rooms):
            self.close(room_id)
        self._legs.clear()

    def learn(self, leg: Leg) -> None:
        """A phone's call has begun."""
        self._legs[leg.leg_id] = leg

    # --- persons -----------------------------------------------------------------------------------------------------

    def enter_person(self, channel: Channel, room_id: RoomId) -> None:
        """Into the room, out of the one before; music ends. Raises KeyError where there is no such room."""
        room = self.rooms[room_id]
        if channel.room_id != room_id:
            self.exit_person(channel)
            room.persons[channel.attempt_id] = channel
            channel.room_id = room_id
            self._on_wire(Entered(at_ms=self._schedule.now_ms, room_id=room_id, attempt_id=channel.attempt_id))
        channel.has_music = False
        self._listen(room)

    def exit_person(self, channel: Channel) -> None:
        """Out of the room, if they are in one."""
        if channel.room_id is None:
            return
        room = self.rooms[channel.room_id]
        del room.persons[channel.attempt_id]
        channel.room_id = None
        self._on_wire(Exited(at_ms=self._schedule.now_ms, room_id=room.room_id, attempt_id=channel.attempt_id))
        self._listen(room)
        self.listen(channel)

    def forget_person(self, channel: Channel) -> None:
        """The call is over, or not in our hands any more."""
        channel.has_music = False
        self.exit_person(channel)

    # --- phones ------------------------------------------------------------------------------------------------------

    def enter_phone(self, leg: Leg, room_id: RoomId) -> None:
        """Into the room, out of the one before. Raises KeyError where there is no such room."""
        room = self.rooms[room_id]
        if leg.room_id != room_id:
            self.exit_phone(leg)
            room.legs[leg.leg_id] = leg
            leg.room_id = room_id
            self._on_wire(Entered(at_ms=self._schedule.now_ms, room_id=room_id, leg_id=leg.leg_id))
            self._listen(room)

    def exit_phone(self, leg: Leg) -> None:
        """Out of the room, if it is in one."""
        if leg.room_id is None:
            return
        room = self.rooms[leg.room_id]
        del room.legs[leg.leg_id]
        leg.room_id = None
        self._on_wire(Exited(at_ms=self._schedule.now_ms, room_id=room.room_id, leg_id=leg.leg_id))
        self._listen(room)

    def forget_phone(self, leg: Leg) -> None:
        """The phone's call is over: nobody spies on it any more."""
        self.exit_phone(leg)
        self._legs.pop(leg.leg_id, None)
        for other in self._legs.values():
            if other.target == leg.leg_id:
                other.target = None

    # --- what is heard -----------------------------------------------------------------------------------------------

    def listen(self, channel: Channel) -> None:
        """Tell the wire what the person hears, if it is something else than before."""
        if channel.state is not ChannelState.IN_HAND:
            return
        sound = self._sound(channel)
        if sound is not channel.hears:
            channel.hears = sound
            self._on_wire(Hears(at_ms=self._schedule.now_ms, attempt_id=channel.attempt_id, sound=sound))

    def _listen(self, room: Room) -> None:
        for channel in room.persons.values():
            self.listen(channel)

    def _sound(self, channel: Channel) -> Sound:
        room = None if channel.room_id is None else self.rooms[channel.room_id]
        if channel.is_playing:
            return Sound.PROMPT
        if channel.has_music or (room is not None and room.is_musical and room.has_one):
            return Sound.MUSIC
        return Sound.COMPANY if room is not None and room.legs else Sound.SILENCE

    def heard_by(self, who: Channel | Leg) -> frozenset[str]:
        """Whose voices somebody hears now: ids of attempts and legs, and MUSIC."""
        if isinstance(who, Channel):
            return frozenset({MUSIC}) if who.has_music else self._in_room(who.room_id, who.attempt_id)
        if who.state is not LegState.UP:
            return frozenset()
        heard = self._in_room(who.room_id, who.leg_id)
        heard |= {
            spy.leg_id
            for spy in self._legs.values()
            if spy.target == who.leg_id and spy.spy_mode is SpyMode.WHISPER and _is_audible(spy)
        }
        target = None if who.target is None else self._legs.get(who.target)
        if target is not None:
            heard |= self._in_room(target.room_id, target.leg_id) | ({target.leg_id} if _is_audible(target) else set())
        return heard

    def _in_room(self, room_id: RoomId | None, listener: str) -> frozenset[str]:
        room = None if room_id is None else self.rooms.get(room_id)
        if room is None:
            return frozenset()
        if room.is_musical and room.has_one:
            return frozenset({MUSIC})
        voices = {str(attempt_id) for attempt_id in room.persons}
        voices |= {leg.leg_id for leg in room.legs.values() if _is_audible(leg)}
        return frozenset(voices - {listener})


def _is_audible(leg: Leg) -> bool:
    return leg.state is LegState.UP and not leg.is_muted and not leg.is_dumb
