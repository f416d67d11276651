"""The ARI client: one websocket of events and one pool of requests, kept alive against whatever Asterisk does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from enum import Enum
from types import TracebackType
from typing import Self, assert_never
from urllib.parse import quote

import aiohttp

from .callbacks import Callbacks
from .connection import AriDown, AriState, AriUp, Backoff, ConnectionNews, DownReason, down_reason
from .errors import AriError, AriUnauthorized, AriUnavailable
from .events import ALWAYS_ALLOWED, DIALER_EVENTS, UnknownEvent
from .models import AnyMessage, AsteriskInfo
from .operations import Resources
from .request import Call, checked_url
from .rest import CONNECT_TIMEOUT_S, HttpCalls, new_session
from .websocket import EventSocket

log = logging.getLogger(__name__)
Sink = Callable[[AnyMessage | UnknownEvent], None]
Listener = Callable[[ConnectionNews], None]

#: A ping this often while nothing is heard; frozen after FROZEN_AFTER_S of silence. Together under 2 s.
PULSE_S = 0.4
FROZEN_AFTER_S = 1.5
#: A frozen Asterisk keeps its websocket (and, on thaw, every event in it) this long before it is given up.
ABANDONED_AFTER_S = 10.0
#: Opening requests wait this long: a frozen Asterisk answers them at once when it thaws.
OPENING_TIMEOUT_S = 5.0
#: Half the CPU and two thirds of the time over the websocket, and never long there: Asterisk serves that one request
#: after another, pongs included. What waits for a channel or a name server goes over HTTP.
QUICK_OPERATIONS = frozenset({"channels.get", "channels.getChannelVar", "channels.hangup", "playbacks.stop"})


class Via(Enum):
    """How a request travels. AUTO: over the websocket for the operations chosen for it, else over HTTP."""

    AUTO = "auto"
    HTTP = "http"
    WEBSOCKET = "websocket"


class AriClient(Resources, Callbacks):
    """ARI of one Asterisk for one Stasis application; see the package's docstring for an example.

    ``url`` is the address with its ``/ari``. ``sink`` gets every decoded event, ``listener`` every AriUp and AriDown;
    both are called on the event loop, in order, and must only
    enqueue; one that raises is logged and counted in ``sink_failures``. ``subscriptions`` and ``event_filter`` are
    made anew after every reconnect; ``event_filter=None`` lets every event through.
    ``websocket_operations`` (``"channels.hangup"``) travel over the websocket where Asterisk can do that.
    ``gate`` is asked right before anything is sent, connecting included: while it says no, requests fail as never sent.
    """

    def __init__(
        self,
        url: str,
        user: str,
        password: str,
        app: str,
        *,
        sink: Sink | None = None,
        listener: Listener | None = None,
        pool_limit: int = 16,
        request_timeout_ms: int = 10_000,
        subscriptions: Collection[str] = ("channel:",),
        event_filter: Collection[str] | None = DIALER_EVENTS,
        websocket_operations: Collection[str] = QUICK_OPERATIONS,
        gate: Callable[[], bool] = lambda: True,
    ) -> None:
        Callbacks.__init__(self)
        Resources.__init__(self, self._calling(Via.AUTO, request_timeout_ms / 1000))
        self.app = app
        self.state = AriState.IDLE
        self.unknown_events = 0
        self.sink_failures = 0
        self._url = checked_url(url)
        self._user, self._password, self._pool_limit = user, password, pool_limit
        self._sink, self._listener, self._gate = sink, listener, gate
        self._request_timeout_s = request_timeout_ms / 1000
        self._subscriptions = tuple(subscriptions)
        self._event_filter = None if event_filter is None else sorted({*event_filter, *ALWAYS_ALLOWED})
        self._websocket_operations = frozenset(websocket_operations)
        self._session: aiohttp.ClientSession | None = None
        self._http: HttpCalls | None = None
        self._socket: EventSocket | None = None
        self._life: asyncio.Task[None] | None = None
        self._first_up: asyncio.Future[AriUp] | None = None
        self._last_up: AriUp | None = None
        self._last_down: AriDown | None = None

    # ------------------------------------------------------------ life

    def start(self) -> None:
        """Begin connecting and go on for as long as it takes; the listener hears of it. Needs a running loop.

        A password that is not taken is told as AriDown UNAUTHORIZED and tried again now and then.
        """
        if self._life is not None and not self._life.done():
            raise RuntimeError("this client is already started")
        self._session = self._session or new_session(self._user, self._password, self._pool_limit, self._gate)
        self._http = HttpCalls(self._url, self._session)
        self.state = AriState.CONNECTING
        self._life = asyncio.create_task(self._live(), name=f"ari {self.app}")

    async def connect(self, timeout_s: float | None = None) -> AriUp:
        """Start and wait for the first AriUp.

        Raises AriUnauthorized when Asterisk does not take the password; with a timeout, AriUnavailable with the
        last reason. After either the client is closed.
        """
        first_up: asyncio.Future[AriUp] = asyncio.get_running_loop().create_future()
        self.start()
        self._first_up = first_up
        try:
            async with asyncio.timeout(timeout_s):
                return await first_up
        except TimeoutError as error:
            last = self._last_down
            await self.close()
            why = last.detail if last else "no answer"
            raise AriUnavailable(f"no ARI at {self._url} within {timeout_s:g} s: {why}") from error
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Leave: the application loses its websocket; calls go on by their dialplan."""
        life, self._life = self._life, None
        if life is not None:
            life.cancel()
            with suppress(asyncio.CancelledError):
                await life
        self._first_up = None
        if self.state is not AriState.IDLE:
            self._down(DownReason.STOPPED, "closed by this program")
        self.state = AriState.IDLE
        session, self._session, self._http = self._session, None, None
        if session is not None:
            await session.close()

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _live(self) -> None:
        backoff = Backoff()
        while self.state is not AriState.REPLACED:
            await asyncio.sleep(backoff.next_wait_s())
            try:
                await self._connection(backoff)
            except AriError as error:
                self._down(down_reason(error), str(error))
                if isinstance(error, AriUnauthorized) and self._give_up(error):
                    return
            except Exception as error:
                # A mistake of ours: told loudly, and not the end of dialing; the next connection may do without it.
                log.exception("ari connection ended by a mistake of the program")
                self._down(DownReason.FAILED, f"mistake in the ARI client: {error!r}")
                if self._give_up(error):
                    return

    async def _connection(self, backoff: Backoff) -> None:
        """One connection from its opening to its end. Raises AriError when it cannot be opened."""
        socket, info = await self._open()
        backoff.reset()
        try:
            self._up(info)
            await self._watch(socket)
        finally:
            self._socket = None
            await self._close_socket(socket)

    def _give_up(self, error: Exception) -> bool:
        """Whoever waits in connect() is told what waiting does not mend; otherwise Asterisk's admin may be at work."""
        if self._first_up is None or self._first_up.done():
            return False
        self._first_up.set_exception(error)
        return True

    async def _open(self) -> tuple[EventSocket, AsteriskInfo]:
        """A websocket with its subscriptions, and who is at the other end. Raises AriError."""
        resources = Resources(self._opening_call)
        await resources.asterisk.ping()  # tells refused, booting and unauthorised apart, which the handshake cannot
        socket = await self._open_websocket()
        try:
            if self._event_filter is not None:
                allowed = [{"type": name} for name in self._event_filter]
                await resources.applications.filter(applicationName=self.app, filter={"allowed": allowed})
            if self._subscriptions:
                await resources.applications.subscribe(applicationName=self.app, eventSource=self._subscriptions)
            # After the websocket, or a restart in between would go unnoticed.
            return socket, await resources.asterisk.getInfo()
        except BaseException:
            await self._close_socket(socket)
            raise

    async def _open_websocket(self) -> EventSocket:
        assert self._session is not None
        try:
            async with asyncio.timeout(OPENING_TIMEOUT_S):
                ws = await self._session.ws_connect(
                    f"{self._url}/events?app={quote(self.app, safe='')}", autoping=False, max_msg_size=64 * 2**20
                )
        except aiohttp.WSServerHandshakeError as error:
            raise AriUnavailable(f"events websocket refused: {error.message}", status=error.status) from error
        except (aiohttp.ClientError, OSError) as error:
            raise AriUnavailable(f"no events websocket: {error!r}") from error
        return EventSocket(ws, self.app, self._take)

    async def _opening_call(
        self, operation: str, method: str, path: str, parameters: Mapping[str, object] | None = None, /
    ) -> bytes:
        assert self._http is not None
        return await self._http.request(method, path, parameters, timeout_s=OPENING_TIMEOUT_S)

    async def _close_socket(self, socket: EventSocket) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await socket.close()

    async def _watch(self, socket: EventSocket) -> None:
        """Read until the websocket ends, taking its pulse: tells of a frozen Asterisk and of its thaw."""
        loop = asyncio.get_running_loop()
        reader = asyncio.create_task(socket.read(), name=f"ari {self.app} reader")
        probe = asyncio.create_task(self._probe_rest(socket))
        self._socket = socket
        try:
            while True:
                due_s = loop.time() + PULSE_S
                await asyncio.wait({reader}, timeout=PULSE_S)
                if reader.done():
                    reason = DownReason.REPLACED if socket.is_replaced else DownReason.CLOSED
                    self._down(reason, reader.result())
                    return
                if loop.time() - due_s > PULSE_S:
                    continue  # this very program was held up: what Asterisk said meanwhile is still unread
                silence_s = loop.time() - socket.heard_at_s
                if silence_s > ABANDONED_AFTER_S:
                    return
                self._judge_silence(silence_s)
                if silence_s >= PULSE_S:
                    await socket.ping()
        finally:
            for task in (reader, probe):
                task.cancel()
            await asyncio.gather(reader, probe, return_exceptions=True)

    def _judge_silence(self, silence_s: float) -> None:
        if silence_s > FROZEN_AFTER_S:
            self._down(DownReason.FROZEN, f"Asterisk has said nothing for {silence_s:.1f} s, not even to a ping")
        elif self.state is AriState.LOST:
            assert self._last_up is not None
            self._tell_up(self._last_up.startup_time, self._last_up.asterisk_version)

    async def _probe_rest(self, socket: EventSocket) -> None:
        """Older versions never answer a request over the websocket; then all goes over HTTP."""
        with suppress(AriError):
            await socket.request("GET", "/asterisk/ping", None, timeout_s=OPENING_TIMEOUT_S)

    # ------------------------------------------------------------ news and events

    def _up(self, info: AsteriskInfo) -> None:
        startup_time = info.status.startup_time if info.status else ""
        self._tell_up(startup_time, info.system.version if info.system else "")

    def _tell_up(self, startup_time: str, version: str) -> None:
        last = self._last_up
        news = AriUp(
            startup_time=startup_time,
            asterisk_version=version,
            reconnected=last is not None,
            new_life=last is not None and last.startup_time != startup_time,
        )
        self._last_up, self._last_down = news, None
        self.state = AriState.CONNECTED
        log.info("ari up: app %s, %s", self.app, news)
        self._tell(news)
        if self._first_up is not None and not self._first_up.done():
            self._first_up.set_result(news)

    def _down(self, reason: DownReason, detail: str) -> None:
        match reason:
            case DownReason.REPLACED:
                self.state = AriState.REPLACED
            case DownReason.BOOTING:
                self.state = AriState.BOOTING
            case _:
                self.state = AriState.LOST if self._last_up else AriState.CONNECTING
        if self._last_down is not None and self._last_down.reason is reason:
            return
        self._last_down = AriDown(reason=reason, detail=detail)
        level = logging.DEBUG if reason is DownReason.STOPPED else logging.WARNING
        log.log(level, "ari down: app %s, %s: %s", self.app, reason.value, detail)
        self._tell(self._last_down)

    def _tell(self, news: ConnectionNews) -> None:
        if self._listener is None:
            return
        try:
            self._listener(news)
        except Exception:
            self.sink_failures += 1
            log.exception("ari listener failed on %s", news)

    def _take(self, event: AnyMessage | UnknownEvent) -> None:
        if isinstance(event, UnknownEvent):
            self.unknown_events += 1
            log.warning("ari event not understood: %.60s: %.200s", event.type, event.problem)
        if self._sink is not None:
            try:
                self._sink(event)
            except Exception:
                self.sink_failures += 1
                log.exception("ari sink failed on %s", type(event).__name__)
        self.deliver(event)

    # ------------------------------------------------------------ requests

    @property
    def has_websocket_rest(self) -> bool:
        """Whether requests can go over the websocket now: it stands, and Asterisk has answered one."""
        return self._socket is not None and self._socket.carries_rest

    def calling(self, *, via: Via = Via.AUTO, timeout_ms: int | None = None) -> Resources:
        """The same operations with another way or another timeout; make it once and keep it."""
        timeout_s = self._request_timeout_s if timeout_ms is None else timeout_ms / 1000
        return Resources(self._calling(via, timeout_s))

    def _calling(self, via: Via, timeout_s: float) -> Call:
        async def call(
            operation: str, method: str, path: str, parameters: Mapping[str, object] | None = None, /
        ) -> bytes:
            if self.state is not AriState.CONNECTED or self._http is None:
                raise AriUnavailable(f"ARI is {self.state.value}, nothing was sent", method=method, path=path)
            if not self._gate():
                raise AriUnavailable("nothing was sent: this dialer may not now", method=method, path=path)
            socket = self._socket
            if socket is not None and socket.carries_rest and self._goes_by_websocket(via, operation):
                return await socket.request(method, path, parameters, timeout_s=timeout_s)
            return await self._http.request(method, path, parameters, timeout_s=timeout_s)

        return call

    def _goes_by_websocket(self, via: Via, operation: str) -> bool:
        match via:
            case Via.AUTO:
                return operation in self._websocket_operations
            case Via.WEBSOCKET:
                return True
            case Via.HTTP:
                return False
            case _:
                assert_never(via)
