"""The whole program in a process of its own: `outring run`, to be killed, frozen and woken."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from app.cli.renewing import SIGNAL
from asterisk.lab.server import Server

PATIENCE_S = 60.0


@dataclass(slots=True, kw_only=True)
class OutringProcess:
    """One `outring run`. said: what it has printed so far; its log is beside its data."""

    process: Process
    log: Path
    said: list[str] = field(default_factory=list)
    _reading: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls,
        pbx: Server,
        folder: Path,
        database_url: str,
        *,
        options: tuple[str, ...] = (),
        settings: Mapping[str, str] | None = None,
    ) -> Self:
        """Start one on this PBX and database, its data in `folder`. It dies with the process that starts it.

        settings: more of its environment.
        """
        folder.mkdir(parents=True, exist_ok=True)
        told = {
            "OUTRING_ARI_URL": pbx.ari_url,
            "OUTRING_ARI_USER": pbx.ari_user,
            "OUTRING_ARI_PASSWORD": pbx.ari_password,
            "OUTRING_DATABASE_URL": database_url,
            "OUTRING_DATA_DIR": str(folder / "data"),
            "OUTRING_HTTP_PORT": "0",
            "PYTHONUNBUFFERED": "1",
        }
        log = folder / "outring.log"
        with log.open("ab") as stream:
            process = await asyncio.create_subprocess_exec(
                *("setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "app", "run", *options),
                env=os.environ | told | dict(settings or {}),
                stdout=PIPE,
                stderr=stream,
            )
        started = cls(process=process, log=log)
        started._reading = asyncio.create_task(started._read())
        return started

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.said.append(line.decode().strip())

    async def says(self, words: str, times: int = 1) -> None:
        """Wait until it has printed a line with these words so often."""
        async with asyncio.timeout(PATIENCE_S):
            while sum(words in line for line in self.said) < times:
                assert self.process.returncode is None, f"it ended: {self.said} {self.log.read_text()[-2_000:]}"
                await asyncio.sleep(0.02)

    async def logs(self, words: str) -> None:
        """Wait until these words are in its log."""
        async with asyncio.timeout(PATIENCE_S):
            while words not in self.log.read_text():  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    def renew(self) -> None:
        """Have it start anew, as the program that is on disk."""
        self.process.send_signal(SIGNAL)

    def freeze(self) -> None:
        """Have it stand still, as a machine does that is paused."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Have it go on."""
        self.process.send_signal(signal.SIGCONT)

    async def kill(self) -> None:
        """End it as a crash does; harmless for one that has ended."""
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        if self._reading is not None:
            await self._reading
