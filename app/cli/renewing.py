"""Starting anew in the same process, while people talk on: a new version at noon. SIGUSR2, and `outring upgrade`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from typing import Final, NoReturn

import click
import structlog

from app import systemd
from app.cli.duty import on_duty
from app.cli.shell import fail, run_async, settings
from app.duty import process_of
from app.store import StoreError
from app.store.duty import DutyEntry

log = structlog.get_logger()

SIGNAL: Final = signal.SIGUSR2
CHECK_S: Final = 60.0
"""How long the program on disk may take to say that it can start, with what the conversations leave of the machine."""
LOOK_S: Final = 0.1
_CHECK: Final = "import os; os.nice(19); import app.service; from app.cli.shell import settings; settings()"


class Renewal:
    """Whether this dialer is to start anew, as the program that is on disk now. Made on its event loop."""

    def __init__(self) -> None:
        self.is_due = False
        self.is_standing_by = False
        self._main = asyncio.current_task()
        self._asked = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(SIGNAL, self._asked.set)

    async def wait(self) -> None:
        """Until somebody asks and the program on disk can start; what cannot is logged, and work goes on."""
        while not self.is_due:
            await self._asked.wait()
            self._asked.clear()
            if trouble := await self._trouble():
                log.error("the program on disk cannot start: this one goes on", why=trouble)
                systemd.tell(f"STATUS=Not upgraded: {trouble}")
            else:
                self.is_due = True

    async def watch(self) -> None:
        """While nobody is waited for but duty: end what stands by when it is to start anew."""
        await self.wait()
        if self.is_standing_by and self._main is not None:
            self._main.cancel()

    async def _trouble(self) -> str:
        """Why the program and the settings on disk would not start; empty: they would."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _CHECK,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(CHECK_S):
                _, said = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            return f"it did not say so within {CHECK_S:g} s"
        lines = said.decode(errors="replace").strip().splitlines()
        return "" if process.returncode == 0 else (lines[-1] if lines else f"exit code {process.returncode}")


def begin_anew() -> NoReturn:
    """Become the program that is on disk now, with the same words and surroundings. All of this one is closed."""
    log.info("starting anew")
    systemd.tell("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000}")
    signal.signal(SIGNAL, signal.SIG_IGN)  # asked twice: the new program is not ended by it before it can listen
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


@click.command()
@click.option(
    "--wait", "patience_s", type=click.FloatRange(1, 3_600), default=120.0, show_default=True,
    help="Seconds until it must be on duty again.",
)  # fmt: skip
def upgrade(patience_s: float) -> None:
    """Have the dialer on duty start anew, as the version that is on disk now, while people talk on.

    To be called on its machine, by root or whoever it runs as. It first sees whether the new program and its settings
    would start; if not, the old one goes on. Calls, agents' states and cards are taken over; nobody new is called for
    some seconds. Exit code 1 when it is not on duty again in time.
    """
    chosen = settings()
    try:
        began_s = time.monotonic()
        before = run_async(on_duty(chosen.database_url))
        if before is None:
            fail("no dialer is on duty; start one: outring run")
        _ask(before)
        after = run_async(_until_anew(chosen.database_url, before, patience_s))
    except StoreError as error:
        fail(str(error))
    if after is None:
        fail(
            f"{before.place} has not started anew within {patience_s:g} s; its log says why. Where the program on disk "
            "or its settings would not start, the old one goes on"
        )
    click.echo(f"on duty again after {time.monotonic() - began_s:.1f} s: {after.place}, panel at {after.url}")


def _ask(entry: DutyEntry) -> None:
    if (pid := process_of(entry.holder)) is None:
        fail(f"the dialer on duty is {entry.place}, which is no process of this machine; call `outring upgrade` there")
    try:
        os.kill(pid, SIGNAL)
    except PermissionError:
        fail(f"{entry.place} runs as somebody else; call this as root or as that user")
    except ProcessLookupError:
        fail(f"{entry.place} has just ended; start one: outring run")


async def _until_anew(url: str, before: DutyEntry, patience_s: float) -> DutyEntry | None:
    until_s = time.monotonic() + patience_s
    while time.monotonic() < until_s:
        found = await on_duty(url)
        if found is not None and found.epoch > before.epoch and found.url:
            return found
        await asyncio.sleep(LOOK_S)
    return None
