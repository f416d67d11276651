"""Rooms: mixing bridges where agents, people and third parties hear each other.

Joining is on the shortest way: a person who answered is put into the agent's room by one request, and what else has to
be done (ending music or a message) is asked for at the same moment, beside it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Container, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, assert_never

import structlog

from app.agent_commands import (
    CloseRoom,
    Connect,
    ConnectPhone,
    Music,
    OpenRoom,
    Part,
    PartPhone,
    PersonCommand,
    RecordRoom,
    SendKeys,
)
from app.agent_events import PersonJoined, PhoneJoined
from app.asterisk.ari import AriClient, AriConflict, AriError, AriNotFound
from app.asterisk.ari import models as ari
from app.asterisk.calls import in_seconds
from app.asterisk.lanes import Lanes
from app.asterisk.names import attempt_of, bridge_id, channel_id, leg_channel, leg_of, room_of
from app.ports import Inbox
from app.units import AttemptId, LegId, RoomId

log = structlog.get_logger()

KIND: Final = "mixing,dtmf_events"
"""dtmf_events: keys are told in a room too; without it two phones may be joined past Asterisk's ears."""
MUSICAL, SILENT = "musical", "silent"
"""Names of bridges, for whoever comes after a restart."""
MUSIC_CLASS: Final = "outring"
"""The class in asterisk/conf/musiconhold.conf; where there is none, Asterisk plays its default."""
KEY_MS, BETWEEN_KEYS_MS = 120, 100
LINGERS_S: Final = 2.0
"""How long Asterisk may hold a name after it said that the bridge is destroyed; it takes 7 ms, in one of 200."""
LOOK_AGAIN_S: Final = 0.01
TRIES: Final = round(LINGERS_S / LOOK_AGAIN_S)


@dataclass(slots=True, kw_only=True)
class Room:
    """What is known of one. inside: channels of ours; coming: those on their way in."""

    is_musical: bool = False
    has_music: bool = False
    inside: set[str] = field(default_factory=set)
    coming: set[str] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class Door:
    """Of a room that is being opened or closed. users: who goes through it, or waits."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class Rooms:
    """What is asked of rooms and of the people in them. playing: the playbacks a person may hear now."""

    def __init__(
        self, client: AriClient, tell: Inbox, lanes: Lanes[Any], *, playing: Callable[[AttemptId], Iterable[str]]
    ) -> None:
        self._client = client
        self._tell = tell
        self._lanes = lanes
        self._playing = playing
        self._rooms: dict[RoomId, Room] = {}
        self._doors: dict[RoomId, Door] = {}
        self._destroyed_s: dict[RoomId, float] = {}  # when, of those of late
        self._with_music: set[AttemptId] = set()
        self._acquainted: set[str] = set()  # channels of ours that have heard somebody in a room

    def has_company(self, leg_id: LegId) -> bool:
        """Whether a phone is in a room with somebody, or about to be."""
        channel = leg_channel(leg_id)
        return any(
            channel in room.inside | room.coming and len(room.inside | room.coming) > 1 for room in self._rooms.values()
        )

    def expect(self, command: Connect | ConnectPhone) -> None:
        """Somebody is about to come into a room."""
        channel = channel_id(command.attempt_id) if isinstance(command, Connect) else leg_channel(command.leg_id)
        self._room(command.room_id).coming.add(channel)

    def adopt(
        self, bridges: Iterable[ari.Bridge], waiting: Iterable[AttemptId], *, without: Container[RoomId] = ()
    ) -> None:
        """What there is now, after the events broke off. waiting: people in our hands and in no room.

        without: rooms that are to be swept away.

        Who waits may hear music, and whoever is alone in a musical room does.
        """
        self._rooms.clear()
        for bridge in bridges:
            if (room_id := room_of(bridge.id)) is not None and room_id not in without:
                inside = {channel for channel in bridge.channels if _is_ours(channel)}
                is_musical = bridge.name == MUSICAL
                has_music = is_musical and len(inside) == 1
                self._rooms[room_id] = Room(is_musical=is_musical, has_music=has_music, inside=inside)
                self._acquainted |= inside
        self._with_music = set(waiting)
        self._acquainted |= {channel_id(attempt_id) for attempt_id in self._with_music}

    def left_behind(self, empty: Iterable[RoomId]) -> frozenset[RoomId]:
        """Those of the empty rooms that this program did not open."""
        return frozenset(empty) - self._rooms.keys()

    # --- rooms -------------------------------------------------------------------------------------------------------

    async def open(self, command: OpenRoom) -> None:
        """Make a room. Raises AriError."""
        name = MUSICAL if command.is_musical else SILENT
        async with self._locked(command.room_id):
            self._room(command.room_id).is_musical = command.is_musical
            for _ in range(TRIES):
                if await self._is_made(command.room_id, name):
                    return
                await asyncio.sleep(LOOK_AGAIN_S)

    async def _is_made(self, room_id: RoomId, name: str) -> bool:
        """Whether it is there now; not yet: the one of before is on its way out. Raises AriError."""
        try:
            await self._client.bridges.createWithId(bridgeId=bridge_id(room_id), type=KIND, name=name)
        except AriConflict:
            destroyed_s = self._destroyed_s.get(room_id)
            return destroyed_s is None or asyncio.get_running_loop().time() - destroyed_s > LINGERS_S
        self._destroyed_s.pop(room_id, None)
        return True

    async def _destroy(self, room_id: RoomId) -> None:
        """Raises AriError."""
        now_s = asyncio.get_running_loop().time()
        for old in [one for one, at_s in self._destroyed_s.items() if now_s - at_s > LINGERS_S]:
            del self._destroyed_s[old]
        await self._client.bridges.destroy(bridgeId=bridge_id(room_id))
        self._destroyed_s[room_id] = asyncio.get_running_loop().time()

    async def close(self, command: CloseRoom) -> None:
        """Take a room down."""
        async with self._locked(command.room_id):
            self._rooms.pop(command.room_id, None)
            try:
                await self._destroy(command.room_id)
            except AriNotFound:
                return
            except AriError as error:
                log.warning("a room could not be closed", room=command.room_id, reason=str(error))

    async def sweep(self, rooms: Iterable[RoomId]) -> None:
        """Take down rooms a life before this one left empty, unless they were opened anew: nobody else closes them."""
        for room_id in rooms:
            async with self._locked(room_id):
                if room_id in self._rooms:
                    continue
                try:
                    await self._destroy(room_id)
                except AriError as error:
                    log.info("what is left over could not be cleared away", reason=str(error))

    @asynccontextmanager
    async def _locked(self, room_id: RoomId) -> AsyncIterator[None]:
        """Opening and closing one room go in the order they were asked for."""
        door = self._doors.setdefault(room_id, Door())
        door.users += 1
        try:
            async with door.lock:
                yield
        finally:
            door.users -= 1
            if not door.users:
                del self._doors[room_id]

    def _room(self, room_id: RoomId) -> Room:
        return self._rooms.setdefault(room_id, Room())

    # --- people ------------------------------------------------------------------------------------------------------

    async def do(self, command: PersonCommand) -> None:
        """Carry out what is asked of a person. Raises AriError or ValueError where that fails."""
        channel = channel_id(command.attempt_id)
        bridges, channels = self._client.bridges, self._client.channels
        match command:
            case Connect():
                await self._connect(command)
            case Part():
                await bridges.removeChannel(bridgeId=bridge_id(command.room_id), channel=channel)
            case Music(is_on=True):
                self._with_music.add(command.attempt_id)
                await channels.startMoh(channelId=channel, mohClass=MUSIC_CLASS)
            case Music():
                self._with_music.discard(command.attempt_id)
                await channels.stopMoh(channelId=channel)
            case SendKeys():
                await channels.sendDTMF(
                    channelId=channel, dtmf=command.digits, duration=KEY_MS, between=BETWEEN_KEYS_MS
                )
            case RecordRoom():
                await bridges.record(
                    bridgeId=bridge_id(command.room_id),
                    name=command.name,
                    format="wav",
                    maxDurationSeconds=in_seconds(command.max_length_ms),
                    ifExists="fail",
                )
            case _:
                assert_never(command)

    async def _connect(self, command: Connect) -> None:
        """One request, and beside it those that end what the person or the room hears.

        Music goes on in a room until it is stopped, and a message keeps its channel from being joined.
        """
        channel = channel_id(command.attempt_id)
        hush: list[Coroutine[Any, Any, None]] = [
            self._client.playbacks.stop(playbackId=playback) for playback in self._playing(command.attempt_id)
        ]
        if command.attempt_id in self._with_music:
            self._with_music.discard(command.attempt_id)
            hush.append(self._client.channels.stopMoh(channelId=channel))
        room = self._room(command.room_id)
        if room.has_music:
            room.has_music = False
            hush.append(self._client.bridges.stopMoh(bridgeId=bridge_id(command.room_id)))
        for request in hush:
            self._lanes.begin(_quietly(request))
        await self._enter(command.room_id, channel)

    async def _enter(self, room_id: RoomId, channel: str) -> None:
        """Put a channel into a room, out of the one it may be in. Raises AriError."""
        try:
            await self._client.bridges.addChannel(
                bridgeId=bridge_id(room_id), channel=channel, inhibitConnectedLineUpdates=True
            )
        finally:
            if (room := self._rooms.get(room_id)) is not None:
                room.coming.discard(channel)

    def _introduce(self, newcomer: str, inside: set[str]) -> None:
        """Wake whoever of two hears another one than before, and remember who has heard somebody.

        The phone that a call just answered comes to needs no request: it is beeped at, which does the same. For three
        or more Asterisk mixes, and makes the conversion anew by itself.
        """
        is_new_call = attempt_of(newcomer) is not None and newcomer not in self._acquainted
        if len(inside) == 2 and not is_new_call:
            for channel in inside & self._acquainted:
                self._lanes.begin(self._wake(channel))
        if len(inside) > 1:
            self._acquainted |= inside

    async def _wake(self, channel: str) -> None:
        """Have Asterisk make anew what converts the sound that a channel hears.

        Debian builds Asterisk with a change that drops, while converting (A-law to u-law), every packet numbered lower
        than the last one: with a new speaker, whose numbers begin anywhere, the listener hears nothing for up to eleven
        minutes, in every second try. A moment of silence, begun and ended at once, makes the conversion forget.
        """
        await _quietly(self._client.channels.startSilence(channelId=channel))
        await _quietly(self._client.channels.stopSilence(channelId=channel))

    # --- phones ------------------------------------------------------------------------------------------------------

    async def connect_phone(self, command: ConnectPhone) -> None:
        """Put a phone into a room. Raises AriError."""
        await self._enter(command.room_id, leg_channel(command.leg_id))

    async def part_phone(self, command: PartPhone) -> None:
        """Take a phone out of a room. Raises AriError."""
        await self._client.bridges.removeChannel(
            bridgeId=bridge_id(command.room_id), channel=leg_channel(command.leg_id)
        )

    # --- events ------------------------------------------------------------------------------------------------------

    def hear(self, message: Any) -> None:
        """What Asterisk says of rooms and who comes and goes."""
        match message:
            case ari.ChannelEnteredBridge(channel=ari.Channel() as channel) if room_id := room_of(message.bridge.id):
                self._entered(room_id, channel.id)
            case ari.ChannelLeftBridge() if room_id := room_of(message.bridge.id):
                self._left(room_id, message.channel.id)
            case ari.ChannelDestroyed():
                self._acquainted.discard(message.channel.id)
                if attempt_id := attempt_of(message.channel.id):
                    self._with_music.discard(attempt_id)
            case _:
                pass

    def _entered(self, room_id: RoomId, channel: str) -> None:
        room = self._room(room_id)
        if attempt_id := attempt_of(channel):
            self._tell(PersonJoined(attempt_id=attempt_id, room_id=room_id))
        elif leg_id := leg_of(channel):
            self._tell(PhoneJoined(leg_id=leg_id, room_id=room_id))
        else:
            return  # a recorder, a player of music
        room.inside.add(channel)
        self._introduce(channel, room.inside)
        room.coming.discard(channel)  # the reply to the request may come after this event
        self._tune(room_id, room)

    def _left(self, room_id: RoomId, channel: str) -> None:
        if (room := self._rooms.get(room_id)) is not None and channel in room.inside:
            room.inside.discard(channel)
            self._tune(room_id, room)

    def _tune(self, room_id: RoomId, room: Room) -> None:
        """Music for whoever is alone in a musical room, and for nobody else."""
        wants_music = room.is_musical and len(room.inside) == 1 and not room.coming
        if wants_music is room.has_music:
            return
        room.has_music = wants_music
        bridge, bridges = bridge_id(room_id), self._client.bridges
        request = (
            bridges.startMoh(bridgeId=bridge, mohClass=MUSIC_CLASS) if wants_music else bridges.stopMoh(bridgeId=bridge)
        )
        self._lanes.begin(_quietly(request))


async def _quietly(request: Coroutine[Any, Any, None]) -> None:
    """What ends by itself may have ended already."""
    try:
        await request
    except AriError as error:
        log.debug("nothing to end", reason=str(error))


def _is_ours(channel: str) -> bool:
    return attempt_of(channel) is not None or leg_of(channel) is not None
