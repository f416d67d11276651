"""The agents' phones of the laboratory: they register at the PBX, ring, and do with a call what they are told to.

An Asterisk of their own plays them, so that each is a real SIP user agent with sound of its own. What they do can be
told beforehand (`on_ring`) and while they are in a call: answer, speak (a tone), listen (a recording), fall dead.
"""

import asyncio
import contextlib
import enum
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp

from asterisk.lab.errors import LabError
from asterisk.lab.phone_config import APP
from asterisk.lab.server import Server

PATIENCE_S = 10.0
"""How long a phone may take to do what it is told, or to be called."""
FIRST_NAME = 1001


class OnRing(enum.Enum):
    """What a phone does when it rings."""

    ANSWER = "answer"
    AUTO_ANSWER = "auto-answer"
    """It answers by itself when the call asks for that (Call-Info: answer-after=0), else it rings."""
    RING = "ring"
    """It rings until `answer`, `decline`, or the caller's patience is over."""
    DECLINE = "decline"
    BUSY = "busy"


_REFUSALS = {OnRing.DECLINE: "21", OnRing.BUSY: "17"}
"""Q.850 causes; Asterisk makes 403 and 486 of them."""


class Phone:
    """One phone. It has one call at a time, and is busy for others; `calls` counts those that came through."""

    def __init__(self, name: str, farm: "Phones") -> None:
        self.name = name
        self.on_ring = OnRing.ANSWER
        self.calls = 0
        self.keys = ""
        """The keys heard in the call, from the other side."""
        self.channel: str | None = None
        self.is_up = False
        self._farm = farm
        self._voice: str | None = None

    @property
    def is_ringing(self) -> bool:
        """Whether it rings now."""
        return self.channel is not None and not self.is_up

    # --- calls -------------------------------------------------------------------------------------------------------

    async def until(self, is_so: Callable[["Phone"], bool], what: str = "what was waited for") -> None:
        """Wait until something is so of this phone. Raises LabError when it does not become so."""
        await self._farm.until(lambda: is_so(self), f"phone {self.name}: {what}")

    async def until_ringing(self) -> None:
        """Wait for a call."""
        await self.until(lambda phone: phone.is_ringing, "it does not ring")

    async def until_up(self) -> None:
        """Wait until it is in a call, and its sound flows."""
        await self.until(lambda phone: phone.is_up, "it is in no call")

    async def until_idle(self) -> None:
        """Wait until its call is over."""
        await self.until(lambda phone: phone.channel is None, "its call does not end")

    async def answer(self) -> None:
        """Pick up."""
        await self._ask("POST", "answer")

    async def decline(self) -> None:
        """Refuse the call that rings, by the phone's own key."""
        await self._farm.ask("DELETE", f"channels/{self._in_call()}", reason_code=_REFUSALS[OnRing.DECLINE])

    async def hang_up(self) -> None:
        """End the call from this side."""
        await self._farm.ask("DELETE", f"channels/{self._in_call()}")

    async def press(self, digits: str) -> None:
        """Press keys (RFC 4733); then it is silent."""
        await self._ask("POST", "dtmf", dtmf=digits)
        await self._ask("POST", "silence")

    async def header(self, name: str) -> str:
        """A header of the INVITE of the call; empty where it has none."""
        variable = f"PJSIP_HEADER(read,{name})"
        path = f"channels/{self._in_call()}/variable"
        found = await self._farm.ask("GET", path, missing={"value": ""}, variable=variable)
        return str(found["value"])

    async def display(self) -> str:
        """Name and number on its display."""
        caller = (await self._farm.ask("GET", f"channels/{self._in_call()}"))["caller"]
        return f"{caller['name']} <{caller['number']}>"

    # --- sound -------------------------------------------------------------------------------------------------------

    async def play_tone(self, frequency_hz: int) -> None:
        """Speak: one frequency, until `fall_silent`."""
        await self.fall_silent()
        self._voice = voice = await self._farm.snoop(self._in_call(), whisper="out")
        await self._farm.ask("POST", f"channels/{voice}/play", media=f"tone:{frequency_hz}")

    async def fall_silent(self) -> None:
        """Say nothing, and go on sending it, as a phone does."""
        voice, self._voice = self._voice, None
        if voice is not None:
            await self._farm.ask("DELETE", f"channels/{voice}", missing={})

    async def stop_sound(self) -> None:
        """Send nothing at all any more, as a phone whose network broke; the call stays up."""
        await self.fall_silent()
        await self._ask("DELETE", "silence")

    async def listen(self) -> "Listening":
        """Record what the phone hears from now on."""
        return await self._farm.listen(self._in_call())

    async def hold(self, is_on: bool) -> None:
        """Put the other side on hold by the phone's own key (a re-INVITE), or take it back."""
        await self._ask("POST" if is_on else "DELETE", "hold")

    # --- registration ------------------------------------------------------------------------------------------------

    async def unregister(self) -> None:
        """Sign off from the PBX, as a phone does that is switched off."""
        await self._farm.server.cli(f"pjsip send unregister {self.name}")

    async def register(self) -> None:
        """Sign on again."""
        await self._farm.server.cli(f"pjsip send register {self.name}")

    # --- what the farm tells -----------------------------------------------------------------------------------------

    async def rang(self, channel: str) -> None:
        """A call came."""
        if self.channel is not None:
            await self._farm.ask("DELETE", f"channels/{channel}", missing={}, reason_code=_REFUSALS[OnRing.BUSY])
            return
        self.channel, self.is_up, self.keys, self._voice = channel, False, "", None
        self.calls += 1
        match self.on_ring:
            case OnRing.ANSWER:
                await self.answer()
            case OnRing.AUTO_ANSWER:
                if "answer-after=0" in await self.header("Call-Info"):
                    await self.answer()
            case OnRing.DECLINE | OnRing.BUSY:
                reason = _REFUSALS[self.on_ring]
                await self._farm.ask("DELETE", f"channels/{channel}", missing={}, reason_code=reason)
            case OnRing.RING:
                pass

    async def was_answered(self, channel: str) -> None:
        """The call is up: a phone sends sound at once."""
        if channel == self.channel:
            await self._ask("POST", "silence")
            self.is_up = True

    def ended(self, channel: str) -> None:
        """The call is over."""
        if channel == self.channel:
            self.channel, self.is_up, self._voice = None, False, None

    def _in_call(self) -> str:
        if self.channel is None:
            raise LabError(f"Phone {self.name} is in no call.")
        return self.channel

    async def _ask(self, method: str, what: str, **parameters: Any) -> dict[str, Any]:
        return await self._farm.ask(method, f"channels/{self._in_call()}/{what}", **parameters)


class Listening:
    """A recording of what one channel hears."""

    def __init__(self, farm: "Phones", snoop: str) -> None:
        self._farm, self._snoop = farm, snoop

    async def stop(self) -> Path:
        """End it; returns the wav file (8 kHz, 16 bits, mono)."""
        await self._farm.ask("POST", f"recordings/live/{self._snoop}/stop", missing={})
        await self._farm.ask("DELETE", f"channels/{self._snoop}", missing={})
        return self._farm.server.recordings_dir / f"{self._snoop}.wav"


class Phones(Mapping[str, Phone]):
    """All phones of a laboratory by name, and the Asterisk that plays them."""

    def __init__(self, server: Server, names: tuple[str, ...]) -> None:
        self.server = server
        self.names = names
        self._phones = {name: Phone(name, self) for name in names}
        self._by_channel: dict[str, Phone] = {}
        self._snoops: dict[str, asyncio.Event] = {}
        self._used = 0
        self._news = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: aiohttp.ClientSession | None = None
        self._reader: asyncio.Task[None] | None = None

    def __getitem__(self, name: str) -> Phone:
        return self._phones[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._phones)

    def __len__(self) -> int:
        return len(self._phones)

    async def start(self, pbx: Server) -> None:
        """Start them and wait until the PBX knows every one. Raises LabError when they do not register."""
        await self.server.start()
        self._client = aiohttp.ClientSession(headers=self.server.ari_headers)
        events = await self._client.ws_connect(f"{self.server.ari_url}/events?app={APP}", max_msg_size=0)
        self._reader = asyncio.create_task(self._read(events))
        await self.until_registered(pbx)

    async def until_registered(self, pbx: Server) -> None:
        """Wait until the PBX can reach every phone."""
        async with aiohttp.ClientSession(headers=pbx.ari_headers) as client:
            deadline = asyncio.get_running_loop().time() + PATIENCE_S
            while missing := set(self.names) - await _online(client, pbx):
                if asyncio.get_running_loop().time() > deadline:
                    raise LabError(f"Phones {', '.join(sorted(missing))} did not register; see {self.server.log_path}.")
                await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """End them all."""
        tasks = [*self._tasks, *([self._reader] if self._reader else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.close()
        await self.server.stop()

    async def until(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait until something is so. Raises LabError with `what` when it does not become so."""
        try:
            async with asyncio.timeout(PATIENCE_S), self._news:
                await self._news.wait_for(is_so)
        except TimeoutError:
            raise LabError(what) from None

    async def ask(
        self, method: str, path: str, *, missing: Mapping[str, Any] | None = None, **parameters: Any
    ) -> dict[str, Any]:
        """One request to the phones' Asterisk; missing: the answer where it says 404. Raises LabError on any other."""
        assert self._client is not None
        async with self._client.request(method, f"{self.server.ari_url}/{path}", params=parameters) as reply:
            if reply.status == 404 and missing is not None:
                return dict(missing)
            if reply.status >= 300:
                raise LabError(f"{method} {path} answered {reply.status}: {await reply.text()}")
            return dict(await reply.json()) if reply.status == 200 or reply.content_length else {}

    async def listen(self, channel: str) -> Listening:
        """Record what a channel of the phones hears."""
        snoop = await self.snoop(channel, spy="in")
        await self.ask("POST", f"channels/{snoop}/record", name=snoop, format="wav")
        return Listening(self, snoop)

    async def snoop(self, channel: str, **ways: Any) -> str:
        """A channel that hears (`spy`) or speaks on (`whisper`) another, without being in the call's way.

        A tone played on the channel itself would deafen it: Asterisk drops what comes in meanwhile.
        """
        self._used += 1
        snoop = f"snoop-{self._used}"
        is_there = self._snoops[snoop] = asyncio.Event()
        await self.ask("POST", f"channels/{channel}/snoop/{snoop}", app=APP, **ways)
        async with asyncio.timeout(PATIENCE_S):
            await is_there.wait()
        return snoop

    async def _read(self, events: aiohttp.ClientWebSocketResponse) -> None:
        async for message in events:
            self._begin(self._take(message.json()))

    def _begin(self, step: Awaitable[None]) -> None:
        async def take() -> None:
            with contextlib.suppress(LabError):  # a call that ended meanwhile
                await step
            async with self._news:
                self._news.notify_all()

        task = asyncio.create_task(take())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take(self, event: dict[str, Any]) -> None:
        channel: str = event.get("channel", {}).get("id", "")
        match event["type"]:
            case "StasisStart" if channel in self._snoops:
                self._snoops[channel].set()
            case "StasisStart" if event["args"]:
                phone = self._by_channel[channel] = self._phones[event["args"][0]]
                await phone.rang(channel)
            case "ChannelStateChange" if event["channel"]["state"] == "Up" and channel in self._by_channel:
                await self._by_channel[channel].was_answered(channel)
            case "ChannelDtmfReceived" if channel in self._by_channel:
                self._by_channel[channel].keys += event["digit"]
            case "StasisEnd" | "ChannelDestroyed" if channel in self._by_channel:
                self._by_channel[channel].ended(channel)


async def _online(client: aiohttp.ClientSession, pbx: Server) -> set[str]:
    async with client.get(f"{pbx.ari_url}/endpoints/PJSIP") as reply:
        return {each["resource"] for each in await reply.json() if each["state"] == "online"}
