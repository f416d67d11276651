"""What the telephone network's own Asterisk says of the calls it got, and what the people called there hear."""

from __future__ import annotations

import asyncio
import contextlib
import wave
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import aiohttp
import numpy as np
import numpy.typing as npt

from asterisk.lab import Lab

APP: Final = "far-side"
Samples = npt.NDArray[np.int16]
RATE: Final = 8_000


@dataclass(slots=True, kw_only=True)
class FarCall:
    """A call as the network saw it; times by its own clock, in seconds. number: without the plus."""

    channel: str
    number: str
    caller: str
    began_s: float
    answered_s: float | None = None
    ended_s: float | None = None
    heard: str = field(default="", repr=False)
    """The name of the recording of what the person called heard."""


class FarSide:
    """Follows every call of the network. `async with FarSide(lab) as far`."""

    def __init__(self, lab: Lab) -> None:
        self.calls: list[FarCall] = []
        self._server = lab.network
        self._live: dict[str, FarCall] = {}
        self._snoops: dict[str, FarCall] = {}
        self._recorded: set[str] = set()
        self._listening_to: set[str] = set()
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: aiohttp.ClientSession
        self._reader: asyncio.Task[None]

    async def __aenter__(self) -> FarSide:
        self._client = aiohttp.ClientSession(headers=self._server.ari_headers)
        url = f"{self._server.ari_url}/events?app={APP}&subscribeAll=true"
        self._events = await self._client.ws_connect(url, max_msg_size=0)
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_exc: object) -> None:
        for task in (self._reader, *self._tasks):
            task.cancel()
        await asyncio.gather(self._reader, *self._tasks, return_exceptions=True)
        await self._client.close()

    def to(self, number: str) -> list[FarCall]:
        """The calls to one number."""
        return [call for call in self.calls if call.number == number.removeprefix("+")]

    @property
    def live(self) -> int:
        """Calls that are up or ringing now."""
        return len(self._live)

    def listen_to(self, *numbers: str) -> None:
        """Record what is heard at these numbers, from their answer on."""
        self._listening_to.update(number.removeprefix("+") for number in numbers)

    def heard(self, number: str) -> Samples:
        """What the last answered call to a number heard. Raises AssertionError when nothing was recorded."""
        names = [call.heard for call in self.to(number) if call.heard]
        assert names, f"nothing was recorded at {number}"
        return samples(self._server.recordings_dir / f"{names[-1]}.wav")

    async def until_heard(self, number: str, within_s: float = 30.0) -> Samples:
        """The same, once the recording is complete."""
        async with asyncio.timeout(within_s):
            while not self.is_heard(number):
                self._news.clear()
                await self._news.wait()
        return self.heard(number)

    def is_heard(self, number: str) -> bool:
        """Whether a recording of what was heard at a number is complete."""
        return any(call.heard in self._recorded for call in self.to(number))

    def most_at_once(self, slack_s: float, of: Callable[[FarCall], bool] = lambda _: True) -> int:
        """The most calls up at the same time. slack_s: a call's end is counted this much early, for packets cross."""
        steps: list[tuple[float, int]] = []
        for call in filter(of, self.calls):
            steps.append((call.began_s, 1))
            if call.ended_s is not None:
                steps.append((max(call.began_s, call.ended_s - slack_s), -1))
        most = now = 0
        for _, change in sorted(steps):
            now += change
            most = max(most, now)
        return most

    # --- events ------------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        async for message in self._events:
            self._take(message.json())
            self._news.set()

    def _take(self, event: dict[str, Any]) -> None:
        channel: dict[str, Any] = event.get("channel") or {}
        name: str = channel.get("id", "")
        at_s = datetime.fromisoformat(event["timestamp"]).timestamp() if "timestamp" in event else 0.0
        match event["type"]:
            case "ChannelCreated" if channel["name"].startswith("PJSIP/"):
                self._live[name] = FarCall(
                    channel=name,
                    number=channel["dialplan"]["exten"].removeprefix("+"),
                    caller=channel["caller"]["number"],
                    began_s=at_s,
                )
                self.calls.append(self._live[name])
            case "ChannelStateChange" if channel["state"] == "Up" and name in self._live:
                answered = self._live[name]
                answered.answered_s = at_s
                if answered.number in self._listening_to:
                    self._begin(self._listen(answered))
            case "StasisStart" if name in self._snoops:
                self._begin(self._record(name, self._snoops[name]))
            case "RecordingFinished":
                self._recorded.add(event["recording"]["name"])
            case "ChannelDestroyed" if name in self._live:
                self._live.pop(name).ended_s = at_s

    def _begin(self, step: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(step)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _listen(self, call: FarCall) -> None:
        snoop = f"heard-{call.channel}"
        self._snoops[snoop] = call
        await self._post(f"channels/{call.channel}/snoop/{snoop}", spy="in", app=APP)

    async def _record(self, snoop: str, call: FarCall) -> None:
        call.heard = f"heard-{call.number}-{call.channel}"
        await self._post(f"channels/{snoop}/record", name=call.heard, format="wav")

    async def _post(self, path: str, **query: str) -> None:
        async with self._client.post(f"{self._server.ari_url}/{path}", params=query) as reply:
            if reply.status >= 300:  # a call that ended before we listened
                with contextlib.suppress(aiohttp.ClientError):
                    await reply.read()


def samples(path: Path) -> Samples:
    """The sound of a telephone-quality wav file."""
    with wave.open(str(path)) as recording:
        assert (recording.getframerate(), recording.getnchannels(), recording.getsampwidth()) == (RATE, 1, 2)
        return np.frombuffer(recording.readframes(recording.getnframes()), dtype=np.int16)


def loud_ms(sound: Samples, *, above: int = 300) -> list[tuple[int, int]]:
    """Stretches of sound, as (from, to) in ms: 20 ms frames above a level, pauses below 300 ms bridged."""
    stretches: list[tuple[int, int]] = []
    for at_ms in _loud_frames(sound, above):
        if stretches and at_ms - stretches[-1][1] < 300:
            stretches[-1] = (stretches[-1][0], at_ms + 20)
        else:
            stretches.append((at_ms, at_ms + 20))
    return stretches


def sounding_ms(sound: Samples) -> int:
    """How much of a recording is sound."""
    return sum(end - start for start, end in loud_ms(sound))


def _loud_frames(sound: Samples, above: int) -> Iterator[int]:
    frame = RATE // 50
    for place in range(0, len(sound) - frame + 1, frame):
        if int(np.abs(sound[place : place + frame].astype(np.int32)).max(initial=0)) > above:
            yield place * 1_000 // RATE
