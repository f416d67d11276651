"""Whoever is on a line: phones and people called, who speak a tone and whose hearing is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Protocol

from asterisk.lab import Lab
from asterisk.lab.voices import Listening, Voices
from tests.asterisk.tones import Sound, sound


class Ear(Protocol):
    """What is being heard."""

    async def stop(self) -> Path:
        """End it; the wav file (8 kHz, 16 bits, mono)."""


class Teller(Protocol):
    """Somebody on the line."""

    async def listen(self) -> Ear:
        """Keep what they hear from now on."""


class Callees:
    """The telephone network's side of every call. `async with Callees(lab, "name")`; name: of its ARI application."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.voices = Voices(lab.network, f"voices-{name}", on_event=self._follow)
        self.channels: dict[str, str] = {}
        """The last one of each number called, without its plus."""
        self.keys: dict[str, str] = {}
        """Heard on each channel."""

    async def __aenter__(self) -> Callees:
        await self.voices.start(hears_all=True)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.voices.stop()

    async def _follow(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "ChannelCreated" if event["channel"]["name"].startswith("PJSIP/"):
                number = event["channel"]["dialplan"]["exten"].removeprefix("+")
                self.channels[number] = event["channel"]["id"]
            case "ChannelDtmfReceived":
                channel = event["channel"]["id"]
                self.keys[channel] = self.keys.get(channel, "") + event["digit"]


class Callee:
    """Whoever is called at a number."""

    def __init__(self, callees: Callees, number: str) -> None:
        self.number = number
        self._callees = callees

    @property
    def channel(self) -> str:
        """Of their last call, in the telephone network."""
        return self._callees.channels[self.number.removeprefix("+")]

    @property
    def keys(self) -> str:
        """The keys that were pressed for them to hear."""
        return self._callees.keys.get(self.channel, "")

    async def speak(self, frequency_hz: int) -> None:
        """Sound one frequency from now on."""
        await self._callees.voices.speak(self.channel, frequency_hz)

    async def listen(self) -> Listening:
        """Record what they hear."""
        return await self._callees.voices.listen(self.channel)


async def heard(during: Coroutine[Any, Any, object] | float, *tellers: Teller) -> list[Sound]:
    """What each hears while something happens, or for some seconds."""
    ears = [await teller.listen() for teller in tellers]
    await (asyncio.sleep(during) if isinstance(during, float) else during)
    return [sound(await ear.stop()) for ear in ears]
