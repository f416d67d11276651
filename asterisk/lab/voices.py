"""Hands, mouths and ears at one Asterisk of the laboratory: to speak into its calls, and record what is heard there."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp

from asterisk.lab.errors import LabError
from asterisk.lab.server import Server

PATIENCE_S = 10.0
"""How long anything may take that is asked for."""
OnEvent = Callable[[dict[str, Any]], Awaitable[None]]


class Voices:
    """An ARI application of its own on one Asterisk. on_event: called with each event, later ones beside earlier."""

    def __init__(self, server: Server, app: str, on_event: OnEvent | None = None) -> None:
        self.server = server
        self._app = app
        self._on_event = on_event
        self._snoops: dict[str, asyncio.Event] = {}
        self._written: set[str] = set()
        self._used = 0
        self._news = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: aiohttp.ClientSession | None = None
        self._reader: asyncio.Task[None] | None = None

    async def start(self, *, hears_all: bool = False) -> None:
        """Connect; hears_all: events of every channel, not of our own alone."""
        self._client = aiohttp.ClientSession(headers=self.server.ari_headers)
        url = f"{self.server.ari_url}/events?app={self._app}&subscribeAll={'true' if hears_all else 'false'}"
        self._reader = asyncio.create_task(self._read(await self._client.ws_connect(url, max_msg_size=0)))

    async def stop(self) -> None:
        """Leave."""
        tasks = [*self._tasks, *([self._reader] if self._reader else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.close()

    async def until(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait until something is so after an event. Raises LabError with `what` when it does not become so."""
        try:
            async with asyncio.timeout(PATIENCE_S), self._news:
                await self._news.wait_for(is_so)
        except TimeoutError:
            raise LabError(what) from None

    async def ask(self, method: str, path: str, *, missing: Mapping[str, Any] | None = None, **parameters: Any) -> Any:
        """One request; missing: the answer where Asterisk says 404. Raises LabError on any other refusal."""
        if self._client is None:
            raise LabError(f"Nobody is connected to the {self.server.name} Asterisk.")
        async with self._client.request(method, f"{self.server.ari_url}/{path}", params=parameters) as reply:
            if reply.status == 404 and missing is not None:
                return dict(missing)
            if reply.status >= 300:
                raise LabError(f"{method} {path} answered {reply.status}: {await reply.text()}")
            return await reply.json() if reply.status != 204 else {}

    async def speak(self, channel: str, frequency_hz: int) -> str:
        """Sound one frequency into a call, as if whoever has this channel said it; returns what `hush` ends."""
        snoop = await self.snoop(channel, whisper="out")
        await self.ask("POST", f"channels/{snoop}/play", media=f"tone:{frequency_hz}")
        return snoop

    async def hush(self, voice: str) -> None:
        """End a voice. Harmless when its call has ended."""
        await self.ask("DELETE", f"channels/{voice}", missing={})

    async def listen(self, channel: str) -> "Listening":
        """Record from now on what whoever has this channel hears."""
        snoop = await self.snoop(channel, spy="in")
        await self.ask("POST", f"channels/{snoop}/record", name=snoop, format="wav")
        return Listening(self, snoop)

    async def snoop(self, channel: str, **ways: Any) -> str:
        """A channel that hears (`spy`) or speaks on (`whisper`) another, without being in the call's way.

        A tone played on the channel itself would deafen it: Asterisk drops what comes in meanwhile.
        """
        self._used += 1
        snoop = f"{self._app}-{self._used}"
        is_there = self._snoops[snoop] = asyncio.Event()
        await self.ask("POST", f"channels/{channel}/snoop/{snoop}", app=self._app, **ways)
        async with asyncio.timeout(PATIENCE_S):
            await is_there.wait()
        return snoop

    async def written(self, recording: str) -> Path:
        """The file of a recording, once it is complete."""
        await self.until(lambda: recording in self._written, f"recording {recording} does not end")
        return self.server.recordings_dir / f"{recording}.wav"

    async def _read(self, events: aiohttp.ClientWebSocketResponse) -> None:
        async for message in events:
            task = asyncio.create_task(self._take(message.json()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _take(self, event: dict[str, Any]) -> None:
        channel: str = event.get("channel", {}).get("id", "")
        if event["type"] == "StasisStart" and channel in self._snoops:
            self._snoops[channel].set()
        elif event["type"] == "RecordingFinished":
            self._written.add(event["recording"]["name"])
        elif self._on_event is not None:
            with contextlib.suppress(LabError):  # a call that ended meanwhile
                await self._on_event(event)
        async with self._news:
            self._news.notify_all()


class Listening:
    """A recording of what one channel hears."""

    def __init__(self, voices: Voices, snoop: str) -> None:
        self._voices, self._snoop = voices, snoop

    async def stop(self) -> Path:
        """End it; returns the wav file (8 kHz, 16 bits, mono)."""
        await self._voices.ask("POST", f"recordings/live/{self._snoop}/stop", missing={})
        path = await self._voices.written(self._snoop)
        await self._voices.hush(self._snoop)
        return path
