"""Supervisors who listen in: their phone and an ear at the agent's channel meet in a bridge of their own.

What is not whispered cannot be heard: an ear that only listens has no mouth, and changing the mode makes a new one. So
does somebody new in the agent's room: an ear converts what it hears, and with Debian's Asterisk a second speaker may
not come through what converted a first one (see Rooms): the supervisor would not hear that one, nor be heard.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import structlog

from app.agent_commands import Spy, StopSpying
from app.agents import SpyMode
from app.asterisk.ari import AriClient, AriConflict, AriError, AriNotFound
from app.asterisk.ari import models as ari
from app.asterisk.lanes import Lanes
from app.asterisk.names import attempt_of, leg_channel, leg_of, room_of, snoop_channel, spy_bridge
from app.asterisk.snoops import Direction, Snoops
from app.units import LegId

log = structlog.get_logger()


class Spying:
    """Begins and ends it."""

    def __init__(self, client: AriClient, lanes: Lanes[Any], snoops: Snoops) -> None:
        self._client = client
        self._lanes = lanes
        self._snoops = snoops
        self._spies: dict[LegId, Spy | None] = {}  # None: begun by a life of this program before this one
        self._locks: dict[LegId, asyncio.Lock] = {}

    async def begin(self, command: Spy) -> None:
        """Let the supervisor hear the agent's phone, and be heard by it alone when whispering.

        Raises AriError, TimeoutError; ValueError for BARGE, which is coming into the room.
        """
        if command.mode is SpyMode.BARGE:
            raise ValueError("who barges in comes into the room: connect the phone")
        async with self._locked(command.leg_id):
            self._spies[command.leg_id] = command
            await self._listen(command, leg_channel(command.leg_id))

    async def _listen(self, command: Spy, *who: str) -> None:
        """Bring these together with a new ear, in the place of the one there may be."""
        snoop, bridge = snoop_channel(command.leg_id), spy_bridge(command.leg_id)
        await self._snoops.close(snoop)
        await self._open_bridge(bridge)
        whisper: Direction = "out" if command.mode is SpyMode.WHISPER else "none"
        await self._snoops.open(snoop, on=leg_channel(command.target), spy="both", whisper=whisper)
        await self._client.bridges.addChannel(bridgeId=bridge, channel=[*who, snoop])

    async def _listen_anew(self, command: Spy) -> None:
        """A new ear for one that goes on, unless it has ended or changed meanwhile.

        The phone stays where it is: by now it may be on its way into the room.
        """
        async with self._locked(command.leg_id):
            if self._spies.get(command.leg_id) is not command:
                return
            try:
                await self._listen(command)
            except (AriError, TimeoutError) as error:
                log.warning("a supervisor may not hear who is new", leg=command.leg_id, reason=str(error))

    def _locked(self, leg_id: LegId) -> asyncio.Lock:
        """Ears of one supervisor are made and taken down one after the other."""
        return self._locks.setdefault(leg_id, asyncio.Lock())

    async def _open_bridge(self, bridge: str) -> None:
        try:
            await self._client.bridges.createWithId(bridgeId=bridge, type="mixing,dtmf_events", name="spy")
        except AriConflict:
            return

    async def end(self, leg_id: LegId) -> None:
        """Take ear and bridge down; the phone stays up, alone. Harmless when it did not spy. Raises AriError."""
        self._spies.pop(leg_id, None)
        async with self._locked(leg_id):
            await self._snoops.close(snoop_channel(leg_id))
            with contextlib.suppress(AriNotFound, AriConflict):  # one just destroyed is for a moment not ours
                await self._client.bridges.destroy(bridgeId=spy_bridge(leg_id))
        self._locks.pop(leg_id, None)

    async def end_if_spying(self, leg_id: LegId) -> None:
        """The same, without a word to Asterisk when it certainly did not spy."""
        if leg_id in self._spies:
            await self.end(leg_id)

    def adopt(self, spies: set[LegId]) -> None:
        """Who spies now, after the events broke off."""
        self._spies = {leg_id: self._spies.get(leg_id) for leg_id in spies}

    def hear(self, message: Any) -> None:
        """A supervisor who hung up leaves nothing behind; whom the agent meets, the supervisor hears too."""
        match message:
            case ari.ChannelDestroyed() if (leg_id := leg_of(message.channel.id)) in self._spies and leg_id is not None:
                self._lanes.put(leg_id, StopSpying(leg_id=leg_id))
            case ari.ChannelEnteredBridge() if room_of(message.bridge.id) is not None:
                self._met(set(filter(_is_ours, message.bridge.channels)))
            case _:
                pass

    def _met(self, inside: set[str]) -> None:
        """These are in a room together, one of them since now."""
        for command in self._spies.values():
            if command is None or leg_channel(command.leg_id) in inside:
                continue  # who barges in needs no ear
            if leg_channel(command.target) in inside and len(inside) > 1:
                self._lanes.begin(self._listen_anew(command))


def _is_ours(channel: str) -> bool:
    return attempt_of(channel) is not None or leg_of(channel) is not None
