"""The bare API loop with agents, for comparison: agents connected beforehand, each who answers put into a free one's
bridge. No product around it: what anybody writes in an afternoon.

Run as a process of its own (`python -m app.bench.bare_bridge`), so that its CPU time is its own.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections import deque
from datetime import datetime
from typing import Any

import aiohttp

from app.bench import run_measured


class BareFloor:
    """Everything the loop knows. waits_ms: from StasisStart to ChannelEnteredBridge by Asterisk's own clock, a call."""

    def __init__(self, spec: dict[str, Any], session: aiohttp.ClientSession) -> None:
        self.spec = spec
        self.session = session
        self.url = spec["url"]
        self.free: deque[str] = deque()
        self.waiting: deque[str] = deque()
        self.bridge_of: dict[str, str] = {}
        self.answered: dict[str, datetime] = {}
        self.waits_ms: list[float] = []
        self.ended = 0
        self.is_done = asyncio.Event()
        self.are_agents_ready = asyncio.Event()
        self.tasks: set[asyncio.Task[None]] = set()

    def go(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def ask(self, method: str, path: str, **body: Any) -> None:
        async with self.session.request(method, f"{self.url}/{path}", json=body or None) as reply:
            await reply.read()

    async def place(self, kind: str, number: int) -> None:
        await self.ask(
            "POST",
            "channels",
            endpoint=f"PJSIP/4477009{number:05d}@{self.spec['endpoint']}",
            app="bare",
            channelId=f"{kind}-{self.spec['run']}-{number}",
            timeout=20,
        )

    async def read(self, events: aiohttp.ClientWebSocketResponse) -> None:
        async for message in events:
            self.hear(json.loads(message.data))

    def hear(self, event: dict[str, Any]) -> None:
        channel = event.get("channel", {}).get("id", "")
        match event["type"], channel.split("-")[0]:
            case "StasisStart", "agent":
                self.go(self.seat(channel))
            case "StasisStart", "person":
                self.answered[channel] = datetime.fromisoformat(event["timestamp"])
                self.connect(channel)
            case "ChannelEnteredBridge", "agent":
                self.free.append(f"room-{channel}")
                if len(self.free) == self.spec["agents"]:
                    self.are_agents_ready.set()
            case "ChannelEnteredBridge", "person":
                began = self.answered.pop(channel)
                self.waits_ms.append((datetime.fromisoformat(event["timestamp"]) - began).total_seconds() * 1_000)
                self.go(self.talk(channel))
            case "ChannelDestroyed", "person":
                self.free_agent(channel)

    async def seat(self, agent: str) -> None:
        await self.ask("POST", f"bridges/room-{agent}", type="mixing")
        await self.ask("POST", f"bridges/room-{agent}/addChannel", channel=agent)

    def connect(self, person: str) -> None:
        if not self.free:
            self.waiting.append(person)
            return
        self.bridge_of[person] = self.free.popleft()
        self.go(self.ask("POST", f"bridges/{self.bridge_of[person]}/addChannel", channel=person))

    async def talk(self, person: str) -> None:
        await asyncio.sleep(self.spec["talk_s"])
        await self.ask("DELETE", f"channels/{person}")

    def free_agent(self, person: str) -> None:
        self.ended += 1
        if (room := self.bridge_of.pop(person, None)) is not None:
            self.free.append(room)
        if self.waiting:
            self.connect(self.waiting.popleft())
        if self.ended == self.spec["calls"]:
            self.is_done.set()


async def bare_bridge(spec: dict[str, Any]) -> dict[str, Any]:
    """Place spec["calls"] calls at spec["rate"] a second for spec["agents"] agents who talk spec["talk_s"] seconds.

    Answers done, cpu_s and waits_ms. spec: url, user, password, endpoint, run besides.
    """
    headers = {"Authorization": aiohttp.encode_basic_auth(spec["user"], spec["password"])}
    async with (
        aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=16)) as session,
        session.ws_connect(f"{spec['url']}/events", params={"app": "bare"}, max_msg_size=0) as events,
    ):
        floor = BareFloor(spec, session)
        reader = asyncio.create_task(floor.read(events))
        for number in range(spec["agents"]):
            await floor.place("agent", number)
        async with asyncio.timeout(30):
            await floor.are_agents_ready.wait()
        before, began = _cpu_s(), time.monotonic()
        for number in range(spec["calls"]):
            await asyncio.sleep(max(0.0, began + number / spec["rate"] - time.monotonic()))
            floor.go(floor.place("person", number))
        try:
            async with asyncio.timeout(60):
                await floor.is_done.wait()
        except TimeoutError:
            print(f"bare bridging: only {floor.ended} of {spec['calls']} calls ended", file=sys.stderr)
        cpu_s = _cpu_s() - before
        for number in range(spec["agents"]):
            await floor.ask("DELETE", f"channels/agent-{spec['run']}-{number}")
            await floor.ask("DELETE", f"bridges/room-agent-{spec['run']}-{number}")
        reader.cancel()
    return {"done": floor.ended, "cpu_s": cpu_s, "waits_ms": floor.waits_ms}


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    print(json.dumps(run_measured(bare_bridge(json.loads(sys.argv[1])))))
