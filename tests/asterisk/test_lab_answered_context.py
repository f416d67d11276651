"""The dialplan admins get: whoever answers reaches the program, and hears an apology where there is no program."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from asterisk.lab import Lab

pytestmark = pytest.mark.asterisk

APOLOGY_S = 4.7
"""Length of the three sounds of the apology in English."""


class Watcher:
    """A second application that sees all that happens, so that the first can be away."""

    def __init__(self, lab: Lab, client: aiohttp.ClientSession, events: aiohttp.ClientWebSocketResponse) -> None:
        self.url = lab.pbx.ari_url
        self.client = client
        self.events = events
        self.seen: list[dict[str, Any]] = []

    async def place(self, channel: str, number: str = "+12025550100", **more: str) -> None:
        query = {"endpoint": f"PJSIP/{number}@network", "channelId": channel, "timeout": "10"}
        query |= {"context": "outring-answered", "extension": channel, "priority": "1", **more}
        async with self.client.post(f"{self.url}/channels", params=query) as reply:
            assert reply.status == 200, await reply.text()

    async def until(self, kind: str, matches: Callable[[dict[str, Any]], bool] = lambda event: True) -> dict[str, Any]:
        async with asyncio.timeout(20):
            while True:
                event: dict[str, Any] = await self.events.receive_json()
                self.seen.append(event)
                if event["type"] == kind and matches(event):
                    return event

    def applications_run(self, channel: str) -> list[str]:
        return [
            event["dialplan_app"]
            for event in self.seen
            if event["type"] == "ChannelDialplan" and event["channel"]["id"] == channel
        ]


@asynccontextmanager
async def watching(lab: Lab) -> AsyncIterator[Watcher]:
    async with (
        aiohttp.ClientSession(headers=lab.pbx.ari_headers) as client,
        client.ws_connect(f"{lab.pbx.ari_url}/events?app=watcher&subscribeAll=true") as events,
    ):
        yield Watcher(lab, client, events)


@asynccontextmanager
async def program(lab: Lab) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with (
        aiohttp.ClientSession(headers=lab.pbx.ari_headers) as client,
        client.ws_connect(f"{lab.pbx.ari_url}/events?app=outring") as events,
    ):
        yield events


async def apology_heard(watcher: Watcher, channel: str) -> None:
    """The apology is played in full, and the call ends by itself."""
    playing = await watcher.until("ChannelDialplan", lambda event: event["dialplan_app"] == "Playback")
    assert playing["channel"]["id"] == channel
    assert playing["dialplan_app_data"] == "im-sorry&vm-nobodyavail&goodbye"
    started = asyncio.get_running_loop().time()
    destroyed = await watcher.until("ChannelDestroyed")
    assert asyncio.get_running_loop().time() - started > APOLOGY_S
    assert (destroyed["channel"]["id"], destroyed["cause"]) == (channel, 16)


async def test_apology_when_the_program_has_never_been_there(lab: Lab) -> None:
    async with watching(lab) as watcher:
        await watcher.place("never-there")
        await apology_heard(watcher, "never-there")
        assert watcher.applications_run("never-there")[1:3] == ["Stasis", "GotoIf"]


async def test_apology_when_the_program_went_away_before_the_answer(lab: Lab) -> None:
    async with watching(lab) as watcher:
        async with program(lab):
            pass
        await watcher.place("went-away")
        await apology_heard(watcher, "went-away")


async def test_apology_in_russian_sounds_for_a_russian_call(lab: Lab) -> None:
    russian = lab.pbx.sounds_dir / "ru"
    assert all((russian / f"{sound}.wav").is_file() for sound in ("im-sorry", "vm-nobodyavail", "goodbye"))


async def test_apology_when_the_lease_runs_out_with_the_program_dead(lab: Lab) -> None:
    async with watching(lab) as watcher:
        async with program(lab) as events:
            await watcher.place("lease-ran-out")
            async with asyncio.timeout(10):
                while (await events.receive_json())["type"] != "StasisStart":
                    pass
            query = {"variable": "TIMEOUT(absolute)", "value": "2"}
            await watcher.client.post(f"{watcher.url}/channels/lease-ran-out/variable", params=query)
        await apology_heard(watcher, "lease-ran-out")


async def test_a_call_sent_to_the_label_fallback_hears_the_apology(lab: Lab) -> None:
    async with watching(lab) as watcher, program(lab) as events:
        await watcher.place("sent-back")
        async with asyncio.timeout(10):
            while (await events.receive_json())["type"] != "StasisStart":
                pass
        query = {"context": "outring-answered", "extension": "sent-back", "label": "fallback"}
        await watcher.client.post(f"{watcher.url}/channels/sent-back/continue", params=query)
        await apology_heard(watcher, "sent-back")


async def test_a_call_given_back_without_a_word_ends_without_apology(lab: Lab) -> None:
    async with watching(lab) as watcher, program(lab) as events:
        await watcher.place("given-back")
        async with asyncio.timeout(10):
            while (await events.receive_json())["type"] != "StasisStart":
                pass
        await watcher.client.post(f"{watcher.url}/channels/given-back/continue")
        await watcher.until("ChannelDestroyed")
        assert "Playback" not in watcher.applications_run("given-back")


async def test_a_call_without_a_name_reaches_the_program_too(lab: Lab) -> None:
    async with watching(lab) as watcher, program(lab) as events:
        await watcher.place("no-name", extension="s")
        async with asyncio.timeout(10):
            while (event := await events.receive_json())["type"] != "StasisStart":
                pass
        assert event["args"] == ["answered", "s"]
        await watcher.client.delete(f"{watcher.url}/channels/no-name")


async def test_the_program_is_not_called_twice_when_a_person_hangs_up(lab: Lab) -> None:
    async with watching(lab) as watcher, program(lab):
        await watcher.place("hung-up", number="+12025550120")
        await watcher.until("ChannelDestroyed")
        assert watcher.applications_run("hung-up").count("Stasis") == 1
