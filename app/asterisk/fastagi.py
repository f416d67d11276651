"""FastAGI: what the admin's dialplan may ask of us while a call is in it. Over panoramisk's server, with limits.

A script is asked for by its path (`agi://127.0.0.1:4573/lookup?country=GB`); it sets variables on the channel, and the
dialplan goes on. Panoramisk's own reading of a request has no limit in size or time and spins when the other side goes
away, so that is done here; its commands and answers are used as they are. Nobody signs in to FastAGI: the port belongs
on loopback, or behind a firewall.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

import structlog
from panoramisk.fast_agi import Application, Request

from app.asterisk.names import attempt_of
from app.units import AttemptId

log = structlog.get_logger()

MAX_CONNECTIONS: Final = 100
HEAD_TIMEOUT_S: Final = 5.0
REQUEST_TIMEOUT_S: Final = 10.0
"""For the whole of a request: a person waits in the dialplan meanwhile."""
MAX_HEAD_BYTES: Final = 16_384
MAX_VALUE: Final = 250
"""Characters of a variable's value; Asterisk takes 2,048 bytes a command."""
_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,79}")
_MEANS_SOMETHING: Final = str.maketrans(
    {'"': "'", "\\": "/", "$": " ", "{": "(", "}": ")", "[": "(", "]": ")", "`": "'"}
)
"""Signs that would mean something to a dialplan that puts the value into an expression: `$["${OUTRING_NAME}" = …]`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the dialplan asked. caller: the number on the line, or the script's first argument where it has one.

    attempt_id: the attempt whose call asks, where the channel is one of ours.
    """

    caller: str
    options: Mapping[str, str]
    attempt_id: AttemptId | None = None


Script = Callable[[Asked], Awaitable[Mapping[str, str]]]
"""Answers with the channel's variables to be set."""


class FastAgi:
    """The server. scripts: by path, without the slash. port 0: any free one."""

    def __init__(self, scripts: Mapping[str, Script], *, host: str = "127.0.0.1", port: int = 4573) -> None:
        self.host = host
        self.port = port
        self._scripts = scripts
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._emptied = asyncio.Condition()

    @property
    def connections(self) -> int:
        """Requests being answered."""
        return len(self._open)

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        door = _Door(self._serve)
        self._server = await asyncio.start_server(door.handler, self.host, self.port, limit=MAX_HEAD_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]
        log.info("fastagi listens", host=self.host, port=self.port)

    async def stop(self) -> None:
        """Listen no more; requests under way are broken off."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HEAD_TIMEOUT_S), self._emptied:
                await self._emptied.wait_for(lambda: not self._open)

    async def _serve(self, door: _Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= MAX_CONNECTIONS:
            log.warning("fastagi refused a request: too many at once", connections=len(self._open))
            return
        self._open.add(writer)
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                await self._answer(door, reader, writer)
        except TimeoutError:
            log.warning("fastagi request took too long")
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            log.warning("fastagi request broke off", reason=str(error))
        finally:
            self._open.discard(writer)
            async with self._emptied:
                self._emptied.notify_all()

    async def _answer(self, door: _Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(HEAD_TIMEOUT_S):
            head = await reader.readuntil(b"\n\n")
        headers: dict[str, str] = {}
        for name, value in (_header(line) for line in head.decode("utf-8", "replace").split("\n")):
            headers.setdefault(name, value)  # what a caller's name smuggles in comes later
        name, _, query = headers.get("agi_network_script", "").partition("?")
        script = self._scripts.get(name.strip("/"))
        if script is None:
            log.warning("fastagi: no such script", script=name[:40], known=sorted(self._scripts))
            return
        asked = Asked(
            caller=headers.get("agi_arg_1") or headers.get("agi_callerid", ""),
            options=dict(parse_qsl(query, max_num_fields=10)),
            attempt_id=attempt_of(headers.get("agi_uniqueid", "")),
        )
        request = Request(app=door, headers=headers, reader=reader, writer=writer)
        for variable, value in (await script(asked)).items():
            await _set_variable(request, variable, value)


class _Door(Application):  # type: ignore[misc]  # panoramisk has no types
    """Panoramisk's server, whose own way of taking a request is replaced."""

    def __init__(self, serve: Callable[[_Door, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self._serve = serve

    async def handler(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve(self, reader, writer)
        finally:
            writer.close()


async def _set_variable(request: Request, variable: str, value: str) -> None:
    """Set a variable of the channel. Raises ValueError for a name that is none, OSError when the call is gone."""
    if not _VARIABLE.fullmatch(variable):
        raise ValueError(f"no name of a variable: {variable[:40]!r}")
    answer = await request.send_command(f'SET VARIABLE {variable} "{harmless(value)}"')
    if answer.get("status_code") != 200:
        raise OSError(f"Asterisk did not take {variable}: {answer.get('msg') or answer}")


def harmless(value: str) -> str:
    """A value that is text and nothing else, wherever a dialplan puts it; no longer than MAX_VALUE.

    >>> harmless('Ann "${EVAL(x)}"')
    "Ann ' (EVAL(x))'"
    """
    printable = "".join(sign if sign.isprintable() else " " for sign in value[: 2 * MAX_VALUE])
    return " ".join(printable.translate(_MEANS_SOMETHING).split())[:MAX_VALUE].rstrip()


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()
