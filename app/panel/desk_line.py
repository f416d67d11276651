"""One open desk: a websocket, what its page knows by now, and what it is told next.

Only what changed is sent. A page that is slow gets fewer pictures, never older ones; answers to its asks always come.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from app.panel.desk_state import changes

log = structlog.get_logger()

BEAT_S: Final = 2.0
"""A page that hears nothing for longer than this knows that its connection is gone."""
HEARTBEAT_S: Final = 3.0
"""A browser that does not answer a ping within half of this is taken for lost."""
SEND_TIMEOUT_S: Final = 10.0
CLOSE_S: Final = 1.0
CHECK_S: Final = 10.0
"""How often it is looked whether the agent is still signed in."""
MAX_MESSAGE: Final = 16_384
MAX_WAITING: Final = 200
"""Answers and notices a page may be behind."""
SIGNED_OUT: Final = 4401
ELSEWHERE: Final = 4409
"""The desk is open in another tab (or was taken over by one)."""

Draw = Callable[[], dict[str, Any]]
"""Everything the page should know now."""
Answer = Callable[[str], Awaitable[dict[str, Any]]]
"""Does what a message asks; answers what the page is told of it."""
StillWelcome = Callable[[], Awaitable[bool]]


class DeskLine:
    """The wire to one page."""

    def __init__(self, *, draw: Draw, answer: Answer, is_welcome: StillWelcome, now_ms: Callable[[], int]) -> None:
        self.socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, timeout=CLOSE_S, max_msg_size=MAX_MESSAGE)
        self._draw = draw
        self._answer = answer
        self._is_welcome = is_welcome
        self._now_ms = now_ms
        self._known: dict[str, Any] = {}
        self._told: deque[dict[str, Any]] = deque(maxlen=MAX_WAITING)
        self._news = asyncio.Event()

    def poke(self) -> None:
        """Something changed: look, and tell."""
        self._news.set()

    def tell(self, **what: Any) -> None:
        """Send something once, whatever the page knows."""
        self._told.append(what)
        self._news.set()

    async def serve(self, request: web.Request) -> None:
        """Talk with the page until it leaves."""
        await self.socket.prepare(request)
        self.poke()
        tasks = [asyncio.create_task(self._write(), name="desk"), asyncio.create_task(self._watch(), name="desk guard")]
        try:
            async for message in self.socket:
                if message.type is WSMsgType.TEXT:
                    self._told.append(await self._answer(message.data))
                    self._news.set()
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task

    async def close(self, code: int, reason: str) -> None:
        """End it from our side."""
        await self.socket.close(code=code, message=reason.encode())

    async def _write(self) -> None:
        while not self.socket.closed:
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT_S):
                    await self._news.wait()
            self._news.clear()
            message: dict[str, Any] = {"now": self._now_ms()}
            now = self._draw()
            if set_ := changes(self._known, now):
                message["set"] = set_
            self._known = now
            if self._told:
                message["told"], self._told = list(self._told), deque(maxlen=MAX_WAITING)
            try:
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await self.socket.send_str(json.dumps(message, ensure_ascii=False, separators=(",", ":")))
            except (ConnectionError, TimeoutError):
                await self.socket.close(code=WSCloseCode.GOING_AWAY)
                return

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(CHECK_S)
            if not await self._is_welcome():
                await self.close(SIGNED_OUT, "signed out")
                return
