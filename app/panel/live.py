"""The live page's wire: one websocket a viewer, at most one picture a second, only when it changed.

The server draws the page's live part anew and the browser morphs it in. A viewer that is slow gets fewer pictures,
never older ones.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import structlog
from aiohttp import WSCloseCode, web

from app.dialing.snapshot import Snapshot
from app.panel.view import RateMeter
from app.store.errors import StoreError

log = structlog.get_logger()

TICK_S: Final = 1.0
SEND_TIMEOUT_S: Final = 20.0
CLOSE_S: Final = 1.0
"""How long a browser may take to say goodbye back."""
MAX_VIEWERS: Final = 200
CHECK_EVERY: Final = 10
"""Ticks between looks whether the viewer is still signed in."""
SIGNED_OUT: Final = 4401
"""The close code that sends a page to the sign-in."""

Draw = Callable[[], Awaitable[tuple[str, str]]]
"""Answers the live part as HTML, and the words "as of 14:03:07"."""
StillWelcome = Callable[[], Awaitable[bool]]


class LivePage:
    """Samples the dialer once a second and wakes the viewers."""

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot
        self._ticked = asyncio.Condition()
        self._tick = 0
        self._viewers: set[web.WebSocketResponse] = set()
        self.rate = RateMeter()

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            self.rate.sample(self._snapshot())
            await self.poke()
            await asyncio.sleep(TICK_S)

    async def poke(self) -> None:
        """Something changed: let every viewer have a new picture now."""
        async with self._ticked:
            self._tick += 1
            self._ticked.notify_all()

    async def serve(self, request: web.Request, draw: Draw, is_welcome: StillWelcome) -> web.WebSocketResponse:
        """Show pictures to one viewer until they leave."""
        if len(self._viewers) >= MAX_VIEWERS:
            raise web.HTTPServiceUnavailable(text="too many live pages are open; close some")
        socket = web.WebSocketResponse(heartbeat=20.0, timeout=CLOSE_S, max_msg_size=4096)
        await socket.prepare(request)
        self._viewers.add(socket)
        showing = asyncio.create_task(self._show(socket, draw, is_welcome))
        try:
            async for _ in socket:  # nothing is expected; reading notices pings and the end
                pass
        finally:
            self._viewers.discard(socket)
            showing.cancel()
            with suppress(asyncio.CancelledError):
                await showing
        return socket

    async def _show(self, socket: web.WebSocketResponse, draw: Draw, is_welcome: StillWelcome) -> None:
        seen, shown, ticks = -1, "", 0
        while not socket.closed:
            async with self._ticked:
                await self._ticked.wait_for(lambda since=seen: self._tick != since)  # type: ignore[misc]
                seen = self._tick
            ticks += 1
            try:
                if ticks % CHECK_EVERY == 0 and not await is_welcome():
                    await socket.close(code=SIGNED_OUT, message=b"signed out")
                    return
                html, as_of = await draw()
            except StoreError as error:
                log.warning("live page has no picture", error=str(error))
                continue  # the page says by itself that what it shows is old
            message = {"as_of": as_of} if html == shown else {"as_of": as_of, "html": html}
            try:
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await socket.send_str(json.dumps(message, ensure_ascii=False))
            except (ConnectionError, TimeoutError):
                await socket.close(code=WSCloseCode.GOING_AWAY)
                return
            shown = html

    async def close(self) -> None:
        """Send every viewer away: their pages connect again by themselves."""
        closing = (socket.close(code=WSCloseCode.GOING_AWAY, message=b"stopping") for socket in self._viewers)
        await asyncio.gather(*closing)
