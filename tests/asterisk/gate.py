"""A door of TCP between the dialer and Asterisk's REST interface that a test can cut, shut and open again."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

HOST: Final = "127.0.0.1"
_CHUNK: Final = 65_536


class Gate:
    """Hands bytes both ways. `await Gate.to(port)`, then use `port` in place of the one behind it."""

    def __init__(self, behind: int) -> None:
        self._behind = behind
        self._pairs: set[asyncio.Task[None]] = set()
        self._is_open = True
        self._server: asyncio.Server

    @classmethod
    async def to(cls, port: int) -> Gate:
        """An open gate before this port of loopback."""
        gate = cls(port)
        gate._server = await asyncio.start_server(gate._pass, HOST, 0)
        return gate

    @property
    def port(self) -> int:
        """The gate's own port."""
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def cut(self) -> None:
        """Break every connection; new ones get through."""
        pairs = list(self._pairs)
        for pair in pairs:
            pair.cancel()
        await asyncio.gather(*pairs, return_exceptions=True)

    async def shut(self) -> None:
        """Break every connection and let no new one through."""
        self._is_open = False
        await self.cut()

    def open(self) -> None:
        """Let connections through again."""
        self._is_open = True

    async def close(self) -> None:
        """End it for good."""
        self._server.close()
        await self.cut()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pair = asyncio.current_task()
        assert pair is not None
        self._pairs.add(pair)
        try:
            if self._is_open:
                await self._join(reader, writer)
        except asyncio.CancelledError:
            pass  # cut: the connection ends here, and the server's task with it
        finally:
            self._pairs.discard(pair)
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            inner_reader, inner_writer = await asyncio.open_connection(HOST, self._behind)
            try:
                ways = (_copy(reader, inner_writer), _copy(inner_reader, writer))
                tasks = [asyncio.create_task(way) for way in ways]
                try:
                    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for task in tasks:
                        task.cancel()
                    await asyncio.gather(*tasks, return_exceptions=True)
            finally:
                inner_writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
