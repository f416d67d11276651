"""A real receiver of webhooks on loopback, which answers as a test wants and keeps what it was sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from app.store import SqlStore
from app.webhooks.courier import Courier
from app.webhooks.posting import Poster
from app.webhooks.receivers import networks

LOOPBACK = networks(["127.0.0.0/8"])
Behaviour = Callable[[int], Awaitable[int]]


async def takes(_place: int) -> int:
    return 204


@dataclass(slots=True)
class Receiver:
    """What came, in order. behave: the status for the n-th request, from 0."""

    url: str = ""
    behave: Behaviour = takes
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    @property
    def ids(self) -> list[str]:
        return [json.loads(body)["id"] for body in self.bodies]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        place = len(self.bodies)
        self.bodies.append(await request.read())
        self.headers.append(dict(request.headers))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            status = await self.behave(place)
        finally:
            self.at_once -= 1
        return web.Response(status=status, text="" if status == 204 else "words", headers={"Location": "/elsewhere"})


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", receiver.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()


@asynccontextmanager
async def delivering(store: SqlStore, now_ms: Callable[[], int], timeout_s: float = 10.0) -> AsyncIterator[Courier]:
    poster = Poster(LOOPBACK, timeout_s=timeout_s)
    courier = Courier(store=store, poster=poster, now_ms=now_ms, spread=lambda: 0.0, look_s=0.05)
    running = asyncio.create_task(courier.run())
    try:
        yield courier
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def until(is_so: Callable[[], Any], seconds: float = 20.0) -> None:
    """Wait until something is so; it may be a coroutine's answer."""
    async with asyncio.timeout(seconds):
        while True:
            found = is_so()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return
            await asyncio.sleep(0.01)
