"""The manager interface (AMI): one connection that comes back by itself, over panoramisk.

What is taken from panoramisk is its reading and writing of messages. What it does not do is done here: every action has
a time limit (a pending one of panoramisk's is never answered when the connection breaks), a wrong secret is told (it
goes on trying in silence), and reconnecting waits longer and longer. See docs/adr/0007.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager

from app.asterisk.ami_address import AmiAddress

log = structlog.get_logger()

Message = Mapping[str, str]
"""A message by its headers, their names in lower case; of a header that comes several times, the first."""

ACTION_TIMEOUT_S: Final = 5.0
PING_EVERY_S: Final = 5.0
"""A manager interface that does not answer a ping in time is given up and connected to anew."""
WAITS_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Between tries to connect; the last for good."""
WAIT_REFUSED_S: Final = 15.0
"""After the secret was refused: somebody has to mend it, and Asterisk's log is not to be filled."""


class AmiError(Exception):
    """An action was not done, or nobody knows; the message says why."""


class AmiUnavailable(AmiError):
    """There is no connection now."""


class AmiRefused(AmiError):
    """The manager interface said no."""


class AmiTimeout(AmiError):
    """No answer came in time; whether the action was carried out is not known."""


class AmiDownReason(enum.Enum):
    """Why there is no connection."""

    UNREACHABLE = "the manager interface cannot be reached"
    UNAUTHORIZED = "the manager interface refuses the user or secret"
    LOST = "the connection to the manager interface broke"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiUp:
    """Signed in; events flow from now on. version: of the interface, such as 11.0.0."""

    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiDown:
    """No connection: told once for each reason, not for each try. detail: for people."""

    reason: AmiDownReason
    detail: str


AmiNews = AmiUp | AmiDown


class AmiClient:
    """Signs in, hands on events, carries out actions; `start` it once.

    event_classes: what to be told of (Asterisk's classes, such as ("agent",)). on_event, on_news: called from the event
    loop's thread; they must not wait and not raise.
    """

    def __init__(
        self,
        address: AmiAddress,
        *,
        on_event: Callable[[Message], None],
        on_news: Callable[[AmiNews], None],
        event_classes: Sequence[str] = ("agent",),
        timeout_s: float = ACTION_TIMEOUT_S,
        ping_every_s: float = PING_EVERY_S,
    ) -> None:
        self.address = address
        self._on_event = on_event
        self._on_news = on_news
        self._event_mask = ",".join(event_classes) or "off"
        self._timeout_s = timeout_s
        self._ping_every_s = ping_every_s
        self._line: _Line | None = None
        self._news: AmiNews | None = None
        self._running: asyncio.Task[None] | None = None

    @property
    def is_up(self) -> bool:
        """Whether we are signed in."""
        return isinstance(self._news, AmiUp)

    @property
    def trouble(self) -> str:
        """Why there is no connection, in words; empty when there is one."""
        match self._news:
            case AmiUp():
                return ""
            case AmiDown():
                return f"{self._news.reason.value} at {self.address} ({self._news.detail})"
            case None:
                return f"the manager interface at {self.address} has not answered yet"

    def start(self) -> None:
        """Connect, and go on connecting."""
        assert self._running is None, "it runs already"
        self._running = asyncio.get_running_loop().create_task(self._run(), name="ami")

    async def close(self) -> None:
        """Let go of the connection."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
        self._tell(AmiDown(reason=AmiDownReason.STOPPED, detail="we stopped"))

    async def action(self, name: str, **fields: str) -> list[Message]:
        """Do something; answers with the response, and with the events of a list after it.

        Raises AmiUnavailable, AmiRefused, AmiTimeout; ValueError for a value that would be read as another header.
        """
        if self._line is None or not self.is_up:
            raise AmiUnavailable(self.trouble)
        return await self._ask(self._line, name, fields)

    # --- the connection ----------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        tries = 0
        while True:
            down = await self._live()
            tries = 0 if self.is_up else tries + 1
            self._tell(down)
            is_refused = down.reason is AmiDownReason.UNAUTHORIZED
            await asyncio.sleep(WAIT_REFUSED_S if is_refused else WAITS_S[min(tries, len(WAITS_S) - 1)])

    async def _live(self) -> AmiDown:
        """One connection from its beginning to its end."""
        line = _Line(self.address, self._hear)
        try:
            async with asyncio.timeout(self._timeout_s):
                await line.open()
        except (OSError, TimeoutError) as error:
            line.shut()
            return AmiDown(reason=AmiDownReason.UNREACHABLE, detail=str(error) or "no answer in time")
        self._line = line
        try:
            return await self._sign_in(line) or await self._stay(line)
        finally:
            self._line = None
            line.shut()

    async def _sign_in(self, line: _Line) -> AmiDown | None:
        login = {"Username": self.address.user, "Secret": self.address.secret, "Events": self._event_mask}
        try:
            await self._ask(line, "Login", login)
        except AmiRefused as error:
            mend = f"user {self.address.user!r}: compare ami_url with Asterisk's manager.conf; it says: {error}"
            return AmiDown(reason=AmiDownReason.UNAUTHORIZED, detail=mend)
        except AmiError as error:
            return AmiDown(reason=AmiDownReason.UNREACHABLE, detail=f"no manager interface answers there: {error}")
        self._tell(AmiUp(version=line.version))
        return None

    async def _stay(self, line: _Line) -> AmiDown:
        """Until the connection breaks, or does not answer any more."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._ping_every_s):
                    await line.lost.wait()
            if line.lost.is_set():
                return AmiDown(reason=AmiDownReason.LOST, detail="closed by the other side")
            try:
                await self._ask(line, "Ping", {})
            except AmiTimeout:
                return AmiDown(reason=AmiDownReason.LOST, detail="it does not answer any more")
            except AmiUnavailable:
                continue
            except AmiRefused:
                pass  # an answer all the same

    async def _ask(self, line: _Line, name: str, fields: Mapping[str, str]) -> list[Message]:
        for value in (name, *fields.values()):
            if not value.isprintable():
                raise ValueError(f"a value that cannot be sent to the manager interface: {value[:40]!r}")
        answer = asyncio.ensure_future(line.ask({"Action": name, **fields}))
        lost = asyncio.ensure_future(line.lost.wait())
        try:
            await asyncio.wait({answer, lost}, timeout=self._timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return _checked(answer.result())
            if lost.done():
                raise AmiUnavailable(AmiDownReason.LOST.value)
            raise AmiTimeout(f"no answer to {name} within {self._timeout_s:g} s")
        finally:
            answer.cancel()
            lost.cancel()

    def _hear(self, message: Any) -> None:
        self._on_event(_plain(message))

    def _tell(self, news: AmiNews) -> None:
        if news == self._news:
            return
        self._news = news
        match news:
            case AmiUp():
                log.info("manager interface up", version=news.version)
            case AmiDown():
                tell = log.debug if news.reason is AmiDownReason.STOPPED else log.warning
                tell("manager interface down", reason=news.reason.value, detail=news.detail)
        self._on_news(news)


class _Protocol(AMIProtocol):  # type: ignore[misc]  # panoramisk has no types
    """Knows from its first byte on whom to tell: panoramisk's own learns it a turn of the loop later."""

    def __init__(self, line: _Line) -> None:
        self._line = line

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.factory = self._line


class _Line(Manager):  # type: ignore[misc]
    """One connection. What panoramisk does when it breaks, to begin anew by itself, is left to AmiClient."""

    def __init__(self, address: AmiAddress, on_event: Callable[[Any], None]) -> None:
        super().__init__(
            host=address.host,
            port=address.port,
            ssl=address.is_tls,
            loop=asyncio.get_running_loop(),
            protocol_factory=lambda: _Protocol(self),
            on_connect=lambda line: None,
            on_disconnect=lambda line, error: None,
        )
        self.lost = asyncio.Event()
        self.register_event("*", lambda line, message: on_event(message))

    async def open(self) -> None:
        """Connect. Raises OSError."""
        await self.connect()

    @property
    def version(self) -> str:
        """The interface's version, as it greets."""
        return str(self.protocol.version or "")

    async def ask(self, action: dict[str, str]) -> list[Any]:
        """Send an action and wait for all of its answer."""
        answer = await self.send_action(action)
        return answer if isinstance(answer, list) else [answer]

    def connection_made(self, opening: asyncio.Future[Any]) -> None:
        if opening.cancelled() or opening.exception() is not None:
            return  # whoever opened the line learns of it
        super().connection_made(opening)
        if self.pinger is not None:
            self.pinger.cancel()

    def connection_lost(self, error: Any) -> None:
        self.lost.set()

    def shut(self) -> None:
        """Close it; harmless when it is."""
        self.close()
        self.lost.set()


def _plain(message: Any) -> Message:
    return {
        name.lower(): str(value[0] if isinstance(value, list) else value)
        for name, value in message.items()
        if name != "content"
    }


def _checked(answer: Sequence[Any]) -> list[Message]:
    messages = [_plain(one) for one in answer]
    first = messages[0]
    if first.get("response") not in ("Success", "Follows", "Goodbye"):
        raise AmiRefused(first.get("message") or "no reason given")
    return messages
