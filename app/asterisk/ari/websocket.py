"""One websocket: the reader of events, and REST requests over it.

The reader decodes and hands on, and never waits for anything but the next frame: Asterisk disconnects a client that
stops reading for seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from itertools import count

import aiohttp

from .errors import AriUnavailable, AriUnknown
from .events import UnknownEvent, decode_message
from .models import AnyMessage, ApplicationReplaced, RESTResponse
from .request import BODY_METHODS, encode_json, error_of, query_value

OnMessage = Callable[[AnyMessage | UnknownEvent], None]
PING = b"outring"


class EventSocket:
    """An open events websocket. ``carries_rest`` turns true once Asterisk has answered a request over it."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse, application: str, on_message: OnMessage) -> None:
        self._ws = ws
        self._application = application
        self._on_message = on_message
        self._loop = asyncio.get_running_loop()
        self._pending: dict[str, asyncio.Future[RESTResponse]] = {}
        self._request_ids = count(1)
        self.carries_rest = False
        self.is_replaced = False
        self.heard_at_s = self._loop.time()

    @property
    def in_flight(self) -> int:
        """Requests over this websocket that wait for their answer."""
        return len(self._pending)

    async def read(self) -> str:
        """Read until the connection ends; answers why it ended. Pending requests then have an unknown result."""
        try:
            return await self._read()
        finally:
            for future in self._pending.values():
                if not future.done():
                    future.set_exception(AriUnknown("the websocket closed before the answer"))
            self._pending.clear()

    async def _read(self) -> str:
        receive, text, binary = self._ws.receive, aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY
        while True:
            frame = await receive()
            self.heard_at_s = self._loop.time()
            if frame.type is text or frame.type is binary:
                self._take(decode_message(frame.data))
                if self.is_replaced:
                    return "another program has taken the Stasis application over"
            elif frame.type is aiohttp.WSMsgType.PING:
                await self._ws.pong(frame.data)
            elif frame.type is not aiohttp.WSMsgType.PONG:
                return self._ending(frame)

    def _ending(self, frame: aiohttp.WSMessage) -> str:
        if frame.type is aiohttp.WSMsgType.ERROR:
            return f"the websocket broke: {frame.data!r}"
        return f"Asterisk closed the websocket (code {self._ws.close_code})"

    def _take(self, message: AnyMessage | UnknownEvent) -> None:
        if type(message) is RESTResponse:
            self._answered(message)
            return
        if type(message) is ApplicationReplaced and message.application == self._application:
            self.is_replaced = True
        self._on_message(message)

    def _answered(self, response: RESTResponse) -> None:
        self.carries_rest = True
        future = self._pending.pop(response.request_id, None)
        if future is not None and not future.done():
            future.set_result(response)

    async def ping(self) -> None:
        """Ask for a pong, which the reader notes like any other frame. A closed websocket is the reader's to report."""
        try:
            await self._ws.ping(PING)
        except ConnectionError:
            return

    async def close(self) -> None:
        await self._ws.close()

    async def request(
        self, method: str, path: str, parameters: Mapping[str, object] | None, *, timeout_s: float
    ) -> bytes:
        """As :meth:`HttpCalls.request`, over the websocket, where Asterisk serves one request after another."""
        if self._ws.closed:
            raise AriUnavailable("the websocket is closed", method=method, path=path)
        request_id = str(next(self._request_ids))
        future: asyncio.Future[RESTResponse] = self._loop.create_future()
        self._pending[request_id] = future
        try:
            async with asyncio.timeout(timeout_s):
                await self._ws.send_frame(rest_request(request_id, method, path, parameters), aiohttp.WSMsgType.TEXT)
                response = await future
        except TimeoutError as error:
            raise AriUnknown(f"no answer in {timeout_s:g} s", method=method, path=path) from error
        except ConnectionError as error:
            raise AriUnknown(f"the websocket broke: {error!r}", method=method, path=path) from error
        finally:
            self._pending.pop(request_id, None)
        answer = (response.message_body or "").encode()
        if response.status_code < 300:
            return answer
        raise error_of(response.status_code, answer, method, path)


def rest_request(request_id: str, method: str, path: str, parameters: Mapping[str, object] | None) -> bytes:
    """The message ARI calls RESTRequest; ``path`` begins with a slash, which the uri there must not."""
    message: dict[str, object] = {
        "type": "RESTRequest",
        "transaction_id": request_id,
        "request_id": request_id,
        "method": method,
        "uri": path[1:],
    }
    if parameters and method in BODY_METHODS:
        message["content_type"] = "application/json"
        message["message_body"] = encode_json(parameters).decode()
    elif parameters:
        message["query_strings"] = [{"name": name, "value": query_value(value)} for name, value in parameters.items()]
    return encode_json(message)
