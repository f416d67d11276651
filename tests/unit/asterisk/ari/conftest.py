"""A small real HTTP and websocket server that puts ARI into the states a real Asterisk cannot be put in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

INFO = {"status": {"startup_time": "life-1", "last_reload_time": ""}, "system": {"version": "22", "entity_id": ""}}
PING = {"asterisk_id": "a", "ping": "pong", "timestamp": ""}
APPLICATION: dict[str, object] = {
    "name": "test",
    "channel_ids": [],
    "bridge_ids": [],
    "endpoint_ids": [],
    "device_names": [],
    "events_allowed": [],
    "events_disallowed": [],
}
Answer = Callable[[web.Request], web.StreamResponse]


class FakeAri:
    """ARI as far as a test says: ``answer`` takes precedence for every request while it is set."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, bytes]] = []
        self._received = asyncio.Condition()
        self.answer: Answer | None = None
        self.startup_time = "life-1"
        self.sockets: list[web.WebSocketResponse] = []
        self.answers_pings = True
        self.answers_rest = False
        self.hold: asyncio.Event | None = None
        """While set and not yet happened, requests are taken but not answered."""
        self.drops_requests = False
        """Requests are taken and then the connection is cut."""
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._serve)
        self.server = TestServer(application)

    @property
    def url(self) -> str:
        return f"http://{self.server.host}:{self.server.port}/ari"

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        async with self._received:
            self.requests.append((request.method, request.raw_path.removeprefix("/ari"), body))
            self._received.notify_all()
        if self.hold is not None:
            await self.hold.wait()
        if self.drops_requests:
            assert request.transport is not None
            request.transport.abort()
        if self.answer is not None:
            return self.answer(request)
        path = request.path.removeprefix("/ari")
        if path == "/events":
            return await self._events(request)
        if path == "/asterisk/info":
            status = {"startup_time": self.startup_time, "last_reload_time": ""}
            return web.json_response(INFO | {"status": status})
        if path.startswith("/applications"):
            return web.json_response(APPLICATION)
        return web.json_response(PING)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        self.sockets.append(socket)
        async for message in socket:
            if message.type is aiohttp.WSMsgType.PING and self.answers_pings:
                await socket.pong(message.data)
            if message.type is aiohttp.WSMsgType.TEXT and self.answers_rest:
                await self._answer_rest(socket, json.loads(message.data))
        return socket

    async def _answer_rest(self, socket: web.WebSocketResponse, request: dict[str, Any]) -> None:
        await self.send_event(
            "RESTResponse",
            transaction_id=request["transaction_id"],
            request_id=request["request_id"],
            status_code=200,
            reason_phrase="OK",
            uri=request["uri"],
            message_body=json.dumps(PING),
        )

    async def send_event(self, kind: str, application: str = "test", **fields: object) -> None:
        await self.send({"type": kind, "application": application, "timestamp": "now", **fields})

    async def send(self, message: object) -> None:
        await self.sockets[-1].send_str(message if isinstance(message, str) else json.dumps(message))

    async def has_received(self, requests: int) -> None:
        """Wait until that many requests have come in."""
        async with self._received:
            await self._received.wait_for(lambda: len(self.requests) >= requests)

    def paths(self) -> list[str]:
        return [f"{method} {path}" for method, path, _ in self.requests]


@pytest.fixture
async def fake() -> AsyncIterator[FakeAri]:
    """A running FakeAri."""
    one = FakeAri()
    await one.server.start_server()
    yield one
    if one.hold is not None:
        one.hold.set()
    for socket in one.sockets:
        await socket.close()
    await one.server.close()
