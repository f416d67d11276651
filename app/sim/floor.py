"""What the simulated Asterisk does with commands for phones and rooms: in order for each phone and each person."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, assert_never

from app.agent_commands import (
    CloseRoom,
    Connect,
    ConnectPhone,
    DialParty,
    HangUpPhone,
    Music,
    MutePhone,
    OpenRoom,
    Part,
    PartPhone,
    PersonCommand,
    PhoneCommand,
    PlayToPhone,
    RecordRoom,
    RenewPhoneLease,
    RingPhone,
    RoomCommand,
    SendKeys,
    Spy,
    StopSpying,
)
from app.agent_events import PersonJoined, PhoneEnded, PhoneFailed, PhoneJoined
from app.events import CommandFailed
from app.sim.channel import Channel, ChannelState
from app.sim.connection import Connection
from app.sim.facts import Observer
from app.sim.faults import Faults
from app.sim.leg import Leg, LegState
from app.sim.legs import Legs
from app.sim.media import MediaPlayer
from app.sim.room_recordings import RoomRecordings
from app.sim.rooms import Rooms
from app.sim.schedule import Action, Schedule
from app.sim.trunks import TrunkKind
from app.units import AttemptId, LegId

TAKES_MS: Final = (1, 3)
"""How long a command takes, at the least and at the most."""
UNREACHABLE: Final = "Asterisk cannot be reached"
NOT_FOUND: Final = "Channel not found"
NOT_OURS: Final = "Channel not in Stasis application"
_HARMLESS: Final = (HangUpPhone, StopSpying)
"""What asks for an end that has come already is no failure."""
_MAY_FAIL: Final = (Connect, ConnectPhone, OpenRoom, RecordRoom, SendKeys)
"""What `Faults.room_failed` strikes: what nobody falls silent by."""


class Floor:
    """Phones and rooms. `channels`: the persons' calls, by attempt."""

    def __init__(
        self,
        *,
        schedule: Schedule,
        connection: Connection,
        rooms: Rooms,
        legs: Legs,
        media: MediaPlayer,
        channels: Mapping[AttemptId, Channel],
        trunks: Mapping[str, TrunkKind],
        length_of: Callable[[str], int | None],
        rng: random.Random,
        faults: Faults,
        on_wire: Observer,
    ) -> None:
        self.recordings = RoomRecordings(schedule=schedule, connection=connection, rng=rng, on_wire=on_wire)
        self._schedule = schedule
        self._connection = connection
        self._rooms = rooms
        self._legs = legs
        self._media = media
        self._channels = channels
        self._trunks = trunks
        self._length_of = length_of
        self._rng = rng
        self.faults = faults
        self._done_at_ms: dict[str, int] = {}

    def perform(self, command: RoomCommand) -> None:
        """Carry out a command, after those given before it for the same phone or person."""
        if not self._connection.is_connected:
            self._refuse(command, UNREACHABLE)
            return
        match command:
            case CloseRoom():
                self._in_turn(command.room_id, partial(self._close, command))
            case Connect() | Part() | Music() | SendKeys() | RecordRoom():
                self._in_turn(command.attempt_id, partial(self._do_for_person, command))
            case _:
                self._in_turn(command.leg_id, partial(self._do_for_phone, command))

    def _in_turn(self, whose: str, action: Action) -> None:
        done_ms = max(self._done_at_ms.get(whose, 0), self._schedule.now_ms + self._rng.randint(*TAKES_MS))
        self._done_at_ms[whose] = done_ms
        self._schedule.plan(done_ms - self._schedule.now_ms, action)

    def _refuse(self, command: RoomCommand, reason: str) -> None:
        """Tell that it was not done: a phone that was never rung has ended, for all that is known of it."""
        match command:
            case CloseRoom():
                pass
            case RingPhone() | DialParty():
                self._connection.reply(PhoneEnded(leg_id=command.leg_id, reason=reason, was_refused=True))
            case Connect() | Part() | Music() | SendKeys() | RecordRoom():
                name = type(command).__name__
                self._connection.reply(CommandFailed(attempt_id=command.attempt_id, command=name, reason=reason))
            case _:
                name = type(command).__name__
                self._connection.reply(PhoneFailed(leg_id=command.leg_id, command=name, reason=reason))

    def _fails(self, command: RoomCommand) -> bool:
        rate = self.faults.room_failed
        return rate > 0 and isinstance(command, _MAY_FAIL) and self._rng.random() < rate

    # --- phones ------------------------------------------------------------------------------------------------------

    def _do_for_phone(self, command: PhoneCommand) -> None:
        if isinstance(command, RingPhone | DialParty):
            self._call(command)
        elif self._fails(command):
            self._refuse(command, "Asterisk failed")
        elif isinstance(command, OpenRoom):
            self._rooms.open(command.room_id, is_musical=command.is_musical)
        elif (leg := self._legs.legs.get(command.leg_id)) is not None:
            self._act(command, leg)
        elif not isinstance(command, _HARMLESS):
            self._refuse(command, NOT_FOUND)

    def _call(self, command: RingPhone | DialParty) -> None:
        rate = self.faults.phone_refused
        if command.leg_id in self._legs.legs:
            exists = "Channel with given unique ID already exists"
            name = type(command).__name__
            self._connection.reply(PhoneFailed(leg_id=command.leg_id, command=name, reason=exists))
        elif rate > 0 and self._rng.random() < rate:
            self._refuse(command, "Asterisk failed")
        elif isinstance(command, RingPhone):
            handset = self._legs.handsets.get(command.endpoint)
            if handset is not None:
                self._legs.listen_to(command.endpoint)
            if handset is None or not handset.is_registered:
                self._refuse(command, "the phone is not registered")
            else:
                self._legs.ring(command, handset)
        elif (kind := self._trunks.get(command.trunk.endpoint)) is None:
            self._refuse(command, "Allocation failed")
        else:
            self._legs.dial(command, kind)

    def _act(
        self,
        command: HangUpPhone | RenewPhoneLease | PlayToPhone | MutePhone | ConnectPhone | PartPhone | Spy | StopSpying,
        leg: Leg,
    ) -> None:
        match command:
            case HangUpPhone():
                self._legs.hang_up(leg)
            case RenewPhoneLease(lease_ms=lease_ms):
                self._legs.lease(leg, lease_ms)
            case StopSpying():
                leg.target = None
            case _ if leg.state is not LegState.UP:
                self._refuse(command, NOT_OURS)
            case PlayToPhone(media=media):
                if any(self._length_of(name) is None for name in media if not name.startswith("tone:")):
                    self._refuse(command, "it could not be played")
            case MutePhone(is_on=is_on):
                leg.is_muted = is_on
            case ConnectPhone(room_id=room_id):
                self._enter(command, leg)
            case PartPhone(room_id=room_id):
                if leg.room_id == room_id:
                    self._rooms.exit_phone(leg)
                else:
                    self._refuse(command, "Channel not in this bridge")
            case Spy():
                self._spy(command, leg)
            case _:
                assert_never(command)

    def _enter(self, command: ConnectPhone, leg: Leg) -> None:
        if command.room_id not in self._rooms.rooms:
            self._refuse(command, "Bridge not found")
            return
        leg.target = None
        self._rooms.enter_phone(leg, command.room_id)
        self._connection.tell(PhoneJoined(leg_id=leg.leg_id, room_id=command.room_id))

    def _spy(self, command: Spy, leg: Leg) -> None:
        target = self._legs.legs.get(command.target)
        if target is None or target.state is not LegState.UP:
            self._refuse(command, NOT_FOUND)
        elif leg.room_id is not None:
            self._refuse(command, "Channel is in a bridge")
        else:
            leg.target, leg.spy_mode = command.target, command.mode

    # --- rooms and persons -------------------------------------------------------------------------------------------

    def _close(self, command: CloseRoom) -> None:
        self.recordings.end_in(command.room_id)
        self._rooms.close(command.room_id)

    def _do_for_person(self, command: PersonCommand) -> None:
        channel = self._channels.get(command.attempt_id)
        if channel is None:
            self._refuse(command, NOT_FOUND)
        elif channel.state is not ChannelState.IN_HAND:
            self._refuse(command, NOT_OURS)
        elif self._fails(command):
            self._refuse(command, "Asterisk failed")
        else:
            self._act_for(command, channel)

    def _act_for(self, command: PersonCommand, channel: Channel) -> None:
        match command:
            case Connect(room_id=room_id):
                if room_id not in self._rooms.rooms:
                    self._refuse(command, "Bridge not found")
                    return
                self._media.hush(channel)
                self._rooms.enter_person(channel, room_id)
                self._connection.tell(PersonJoined(attempt_id=channel.attempt_id, room_id=room_id))
            case Part(room_id=room_id):
                if channel.room_id == room_id:
                    self._rooms.exit_person(channel)
                else:
                    self._refuse(command, "Channel not in this bridge")
            case Music(is_on=is_on):
                channel.has_music = is_on
                self._rooms.listen(channel)
            case SendKeys():
                pass  # nobody at the far end of the simulated network listens to keys
            case RecordRoom(room_id=room_id):
                if room_id not in self._rooms.rooms:
                    self._refuse(command, "Bridge not found")
                elif not self.recordings.begin(command):
                    self._refuse(command, "a recording of this name exists")
            case _:
                assert_never(command)

    # --- listing -----------------------------------------------------------------------------------------------------

    def heard_by(self, whose: AttemptId | LegId) -> frozenset[str]:
        """Whose voices a person or a phone hears now."""
        leg = self._legs.legs.get(LegId(whose))
        if leg is not None:
            return self._rooms.heard_by(leg)
        channel = self._channels.get(AttemptId(whose))
        return frozenset() if channel is None else self._rooms.heard_by(channel)
