"""Channels that hear or speak on another channel without being in its way (ARI's snoop channels)."""

from __future__ import annotations

import asyncio
from typing import Any, Final, Literal

from app.asterisk.ari import AriClient, AriNotFound
from app.asterisk.ari import models as ari

BEGINS_WITHIN_S: Final = 5.0
"""How long Asterisk may take to put a snooping channel into our hands; it takes 3 ms."""
Direction = Literal["none", "in", "out", "both"]


class Snoops:
    """Opens and closes snooping channels. One ends by itself with the channel it snoops on."""

    def __init__(self, client: AriClient) -> None:
        self._client = client
        self._opening: dict[str, asyncio.Event] = {}
        self._closing: dict[str, asyncio.Event] = {}
        self.open_now: set[str] = set()
        """Those that exist."""

    async def open(self, snoop: str, *, on: str, spy: Direction = "none", whisper: Direction = "none") -> None:
        """Make the channel `snoop` on the channel `on` and wait until it is in our hands.

        Raises AriError when it cannot be made, TimeoutError when Asterisk does not hand it over.
        """
        begun = self._opening[snoop] = asyncio.Event()
        try:
            await self._client.channels.snoopChannelWithId(
                channelId=on, snoopId=snoop, app=self._client.app, spy=spy, whisper=whisper
            )
            self.open_now.add(snoop)
            async with asyncio.timeout(BEGINS_WITHIN_S):
                await begun.wait()
        finally:
            del self._opening[snoop]

    async def close(self, snoop: str) -> None:
        """End it, and wait until its name is free again. Harmless when there is none. Raises AriError, TimeoutError."""
        if snoop not in self.open_now:
            return
        ended = self._closing.setdefault(snoop, asyncio.Event())
        try:
            await self._client.channels.hangup(channelId=snoop)
            async with asyncio.timeout(BEGINS_WITHIN_S):
                await ended.wait()
        except AriNotFound:
            self.open_now.discard(snoop)
        finally:
            self._closing.pop(snoop, None)

    def hear(self, message: Any) -> None:
        """What Asterisk says of them."""
        match message:
            case ari.StasisStart() if message.channel.id in self._opening:
                self._opening[message.channel.id].set()
            case ari.ChannelDestroyed():
                self.open_now.discard(message.channel.id)
                if (ended := self._closing.get(message.channel.id)) is not None:
                    ended.set()
            case _:
                pass
