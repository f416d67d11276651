"""Supervisors who listen in: their phone and an ear at the agent's channel meet in a bridge of their own.

What is not whispered cannot be heard: an ear that only listens has no mouth, and changing the mode makes a new one.
"""

from __future__ import annotations

from typing import Any

from app.agent_commands import Spy, StopSpying
from app.agents import SpyMode
from app.asterisk.ari import AriClient, AriConflict, AriNotFound
from app.asterisk.ari import models as ari
from app.asterisk.lanes import Lanes
from app.asterisk.names import leg_channel, leg_of, snoop_channel, spy_bridge
from app.asterisk.snoops import Direction, Snoops
from app.units import LegId


class Spying:
    """Begins and ends it."""

    def __init__(self, client: AriClient, lanes: Lanes[Any], snoops: Snoops) -> None:
        self._client = client
        self._lanes = lanes
        self._snoops = snoops
        self._spies: set[LegId] = set()

    async def begin(self, command: Spy) -> None:
        """Let the supervisor hear the agent's phone, and be heard by it alone when whispering.

        Raises AriError, TimeoutError; ValueError for BARGE, which is coming into the room.
        """
        if command.mode is SpyMode.BARGE:
            raise ValueError("who barges in comes into the room: connect the phone")
        snoop, bridge = snoop_channel(command.leg_id), spy_bridge(command.leg_id)
        await self._snoops.close(snoop)
        self._spies.add(command.leg_id)
        await self._open_bridge(bridge)
        whisper: Direction = "out" if command.mode is SpyMode.WHISPER else "none"
        await self._snoops.open(snoop, on=leg_channel(command.target), spy="both", whisper=whisper)
        await self._client.bridges.addChannel(bridgeId=bridge, channel=[leg_channel(command.leg_id), snoop])

    async def _open_bridge(self, bridge: str) -> None:
        try:
            await self._client.bridges.createWithId(bridgeId=bridge, type="mixing,dtmf_events", name="spy")
        except AriConflict:
            return

    async def end(self, leg_id: LegId) -> None:
        """Take ear and bridge down; the phone stays up, alone. Harmless when it did not spy. Raises AriError."""
        self._spies.discard(leg_id)
        await self._snoops.close(snoop_channel(leg_id))
        try:
            await self._client.bridges.destroy(bridgeId=spy_bridge(leg_id))
        except (AriNotFound, AriConflict):  # a bridge just destroyed is for a moment one that is not ours
            return

    async def end_if_spying(self, leg_id: LegId) -> None:
        """The same, without a word to Asterisk when it certainly did not spy."""
        if leg_id in self._spies:
            await self.end(leg_id)

    def adopt(self, spies: set[LegId]) -> None:
        """Who spies now, after the events broke off."""
        self._spies = spies

    def hear(self, message: Any) -> None:
        """A supervisor who hung up leaves nothing behind."""
        if isinstance(message, ari.ChannelDestroyed) and leg_of(message.channel.id) in self._spies:
            leg_id = LegId(message.channel.id.removeprefix("outring-"))
            self._lanes.put(leg_id, StopSpying(leg_id=leg_id))
