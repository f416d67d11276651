"""The agents' phones of the laboratory: they register at the PBX, ring, and do with a call what they are told to.

An Asterisk of their own plays them, so that each is a real SIP user agent with sound of its own. What they do can be
told beforehand (`on_ring`) and while they are in a call: answer, speak (a tone), listen (a recording), fall dead.
"""

import asyncio
import enum
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp

from asterisk.lab.errors import LabError
from asterisk.lab.phone_config import APP
from asterisk.lab.server import Server
from asterisk.lab.voices import PATIENCE_S, Listening, Voices

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

    def __init__(self, name: str, voices: Voices) -> None:
        self.name = name
        self.on_ring = OnRing.ANSWER
        self.calls = 0
        self.keys = ""
        """The keys heard in the call, from the other side."""
        self.channel: str | None = None
        self.is_up = False
        self.refused_with: int | None = None
        """The SIP code that ended the call it made itself."""
        self._voices = voices
        self._voice: str | None = None

    @property
    def is_ringing(self) -> bool:
        """Whether it rings now."""
        return self.channel is not None and not self.is_up

    # --- calls -------------------------------------------------------------------------------------------------------

    async def until(self, is_so: Callable[["Phone"], bool], what: str = "what was waited for") -> None:
        """Wait until something is so of this phone. Raises LabError when it does not become so."""
        await self._voices.until(lambda: is_so(self), f"phone {self.name}: {what}")

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
        await self._voices.ask("DELETE", f"channels/{self._in_call()}", reason_code=_REFUSALS[OnRing.DECLINE])

    async def hang_up(self) -> None:
        """End the call from this side."""
        await self._voices.ask("DELETE", f"channels/{self._in_call()}")

    async def press(self, digits: str) -> None:
        """Press keys (RFC 4733); then it is silent."""
        await self._ask("POST", "dtmf", dtmf=digits)
        await self._ask("POST", "silence")

    async def header(self, name: str) -> str:
        """A header of the INVITE of the call; empty where it has none."""
        path = f"channels/{self._in_call()}/variable"
        try:
            found = await self._voices.ask("GET", path, variable=f"PJSIP_HEADER(read,{name})")
        except LabError as error:
            if "Unable to read provided function" in str(error):
                return ""
            raise
        return str(found["value"])

    async def display(self) -> str:
        """Name and number on its display."""
        caller = (await self._voices.ask("GET", f"channels/{self._in_call()}"))["caller"]
        return f"{caller['name']} <{caller['number']}>"

    async def dial(self, number: str) -> int:
        """Call a number over the PBX, as whoever uses the phone's own keypad; returns the SIP code that refused it.

        0: it was answered, and hung up again.
        """
        channel = f"dials-{self.name}"
        self.refused_with = None
        endpoint = f"PJSIP/{number}@{self.name}"
        await self._voices.ask("POST", "channels", endpoint=endpoint, app=APP, channelId=channel, timeout="10")
        await self.until(lambda phone: phone.refused_with is not None, "its own call has no end")
        assert self.refused_with is not None
        return self.refused_with

    # --- sound -------------------------------------------------------------------------------------------------------

    async def play_tone(self, frequency_hz: int) -> None:
        """Speak: one frequency, until `fall_silent`."""
        await self.fall_silent()
        self._voice = await self._voices.speak(self._in_call(), frequency_hz)

    async def fall_silent(self) -> None:
        """Say nothing, and go on sending it, as a phone does."""
        voice, self._voice = self._voice, None
        if voice is not None:
            await self._voices.hush(voice)

    async def stop_sound(self) -> None:
        """Send nothing at all any more, as a phone whose network broke; the call stays up."""
        await self.fall_silent()
        await self._ask("DELETE", "silence")

    async def resume_sound(self) -> None:
        """Send again: silence, until `play_tone`."""
        await self._ask("POST", "silence")

    async def listen(self) -> Listening:
        """Record what the phone hears from now on."""
        return await self._voices.listen(self._in_call())

    async def hold(self, is_on: bool) -> None:
        """Put the other side on hold by the phone's own key (a re-INVITE), or take it back."""
        await self.fall_silent()
        await self._ask("POST" if is_on else "DELETE", "hold")

    # --- registration ------------------------------------------------------------------------------------------------

    async def unregister(self) -> None:
        """Sign off from the PBX, as a phone does that is switched off."""
        await self._voices.server.cli(f"pjsip send unregister {self.name}")

    async def register(self) -> None:
        """Sign on again."""
        await self._voices.server.cli(f"pjsip send register {self.name}")

    # --- what the farm tells -----------------------------------------------------------------------------------------

    async def rang(self, channel: str) -> None:
        """A call came."""
        if self.channel is not None:
            await self._voices.ask("DELETE", f"channels/{channel}", missing={}, reason_code=_REFUSALS[OnRing.BUSY])
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
                await self._voices.ask("DELETE", f"channels/{channel}", missing={}, reason_code=reason)
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

    async def _ask(self, method: str, what: str, **parameters: Any) -> Any:
        return await self._voices.ask(method, f"channels/{self._in_call()}/{what}", **parameters)


class Phones(Mapping[str, Phone]):
    """All phones of a laboratory by name, and the Asterisk that plays them."""

    def __init__(self, server: Server, names: tuple[str, ...]) -> None:
        self.server = server
        self.names = names
        self._voices = Voices(server, APP, on_event=self._take)
        self._phones = {name: Phone(name, self._voices) for name in names}
        self._by_channel: dict[str, Phone] = {}

    def __getitem__(self, name: str) -> Phone:
        return self._phones[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._phones)

    def __len__(self) -> int:
        return len(self._phones)

    async def start(self, pbx: Server) -> None:
        """Start them and wait until the PBX knows every one. Raises LabError when they do not register."""
        await self.server.start()
        await self._voices.start()
        await self.until_registered(pbx)

    async def until_registered(self, pbx: Server) -> None:
        """Wait until the PBX can reach every phone."""
        await until_online(pbx, set(self.names), self.server.log_path)

    async def let_go(self) -> None:
        """Leave them to themselves: from now on they answer everything at once and are silent. For load."""
        await self._voices.stop()

    async def stop(self) -> None:
        """End them all."""
        await self._voices.stop()
        await self.server.stop()

    async def _take(self, event: dict[str, Any]) -> None:
        channel: str = event.get("channel", {}).get("id", "")
        match event["type"]:
            case "StasisStart" if channel.startswith("dials-"):
                await self._voices.hush(channel)
            case "ChannelDestroyed" if channel.startswith("dials-"):
                self._phones[channel.removeprefix("dials-")].refused_with = event.get("tech_cause", 0)
            case "StasisStart" if event["args"]:
                phone = self._by_channel[channel] = self._phones[event["args"][0]]
                await phone.rang(channel)
            case "ChannelStateChange" if event["channel"]["state"] == "Up" and channel in self._by_channel:
                await self._by_channel[channel].was_answered(channel)
            case "ChannelDtmfReceived" if channel in self._by_channel:
                self._by_channel[channel].keys += event["digit"]
            case "StasisEnd" | "ChannelDestroyed" if channel in self._by_channel:
                self._by_channel.pop(channel).ended(channel)


async def until_online(pbx: Server, names: set[str], log_path: Path) -> None:
    """Wait until the PBX can reach these phones. Raises LabError, naming their log, when it cannot."""
    async with aiohttp.ClientSession(headers=pbx.ari_headers) as client:
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while missing := names - await _online(client, pbx):
            if asyncio.get_running_loop().time() > deadline:
                raise LabError(f"Phones {', '.join(sorted(missing))} did not register; see {log_path}.")
            await asyncio.sleep(0.05)


async def _online(client: aiohttp.ClientSession, pbx: Server) -> set[str]:
    async with client.get(f"{pbx.ari_url}/endpoints/PJSIP") as reply:
        return {each["resource"] for each in await reply.json() if each["state"] == "online"}
