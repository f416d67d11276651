"""`outring run` and `outring migrate`."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import click
import structlog

from app import logs, systemd
from app.cli.renewing import Renewal, begin_anew
from app.cli.shell import console, counted, fail, in_words, json_option, run_async, say_json, settings
from app.settings import Settings, SettingsError
from app.store import StoreError
from app.store.duty import DutyEntry
from app.store.migrating import migrate as migrate_database

if TYPE_CHECKING:
    from app.service import Service

log = structlog.get_logger()


LAST_WRITES_S: Final = 5.0
_PASSWORD: Final = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")
TELL_EVERY_S: Final = 10.0
"""While people finish talking, how often the log says how many there are."""
MARGIN_S: Final = 30.0
"""What systemd is asked to wait beyond our own patience."""


@click.command()
@click.option(
    "--wait",
    "patience_s",
    type=click.FloatRange(0, 86_400),
    help="At the end, seconds to let people finish talking; without it, stop_wait_s of the settings.",
)
@click.option(
    "--standby",
    is_flag=True,
    help="While another dialer is on duty on this database wait, and take over when it fails. Without it, that is an "
    "error.",
)
def run(patience_s: float | None, standby: bool) -> None:
    """Run the dialer beside your Asterisk, with the panel, until Ctrl-C or SIGTERM.

    Then nobody new is called, and calls that are up are waited for; a second Ctrl-C or SIGTERM ends at once. SIGUSR2,
    or `outring upgrade`, starts it anew while people talk on. Settings come from outring.toml and OUTRING_… variables;
    see docs/admin.md. Try `outring doctor` first. Of several on one database one is on duty: see docs/standby.md.
    """
    chosen = settings(**({"standby": True} if standby else {}))
    try:
        begin_log(chosen)
        reason = run_async(_run(chosen, chosen.stop_wait_s if patience_s is None else patience_s))
    except SettingsError as error:
        fail(str(error), code=2)
    except (StoreError, OSError) as error:
        fail(f"cannot start: {in_words(error)}")
    if reason is None:
        begin_anew()
    if reason:
        fail(reason)


def begin_log(chosen: Settings) -> None:
    """Log as the settings say. Raises OSError when the log file cannot be opened."""
    stream = None
    if chosen.log_file is not None:
        stream = logs.BoundedFile(chosen.log_file, max_bytes=chosen.log_max_mb * logs.MEGABYTE, keep=chosen.log_keep)
    logs.set_up(chosen.log_level, stream=stream, form=chosen.log_format, secrets=secrets_of(chosen))


def secrets_of(chosen: Settings) -> Iterator[str]:
    """Every text of the settings that no log may hold."""
    yield chosen.ari_password.get_secret_value()
    yield chosen.metrics_token.get_secret_value()
    own = (one.get_secret_value() for one in chosen.databases.values())
    for address in (chosen.ami_url, chosen.database_url, *own):
        for found in _PASSWORD.findall(address):
            yield found
            yield unquote(found)


async def _run(chosen: Settings, patience_s: float) -> str | None:
    """Dial until the end; who was relieved of duty stands by again if it is to. Why it ended; None: to start anew."""
    alive = asyncio.create_task(systemd.keep_alive(), name="watchdog")
    renewal = Renewal()
    watch = asyncio.create_task(renewal.watch(), name="renewal")
    try:
        while True:
            reason, is_relieved = await _dial(chosen, patience_s, renewal, watch)
            if renewal.is_due:
                return None
            if not (is_relieved and chosen.standby):
                return reason
    except asyncio.CancelledError:
        if renewal.is_due and renewal.is_standing_by:
            return None
        raise
    finally:
        alive.cancel()
        watch.cancel()


async def _dial(chosen: Settings, patience_s: float, renewal: Renewal, asked: asyncio.Future[None]) -> tuple[str, bool]:
    from app.service import service
    from app.store import people

    unusable: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def give_up(reason: str) -> None:
        if not unusable.done():
            unusable.set_result(reason)

    def on_standby(entry: DutyEntry) -> None:
        renewal.is_standing_by = True
        console().print(f"Standing by: {entry.place} is on duty. Ctrl-C ends.")
        systemd.tell("READY=1", f"STATUS=Standing by: {entry.place} is on duty")

    async with service(chosen, on_unusable=give_up, on_standby=on_standby) as running:
        renewal.is_standing_by = False
        where = f"Panel at {running.url}" if running.url else "The panel opens when its port is free"
        console().print(f"On duty. {where}; Asterisk at {chosen.ari_url}. Ctrl-C ends.")
        if await running.store.read(people.count_users) == 0:
            console().print("Nobody can sign in yet. Add the first user: outring user add NAME --role admin")
        systemd.tell("READY=1", f"STATUS=Panel at {running.url}")
        try:
            await _first_of(unusable, running.ended, asked)
        except asyncio.CancelledError:
            await _let_finish(running, patience_s)
            raise
        if running.ended.done():
            running.ended.result()
        elif renewal.is_due and not unusable.done():
            await running.runtime.write_all(LAST_WRITES_S)
            return "", False
        # Asterisk says that another took the application before the database says why.
        await asyncio.wait({running.duty.relieved}, timeout=chosen.lease_s)
        if running.duty.relieved.done():
            return running.duty.relieved.result(), True
        await running.runtime.wind_down(LAST_WRITES_S)  # what is not on disk yet must not look lost at the next start
        return unusable.result() if unusable.done() else "", False


async def _let_finish(running: Service, patience_s: float) -> None:
    """No new calls; until those up have ended, patience runs out, or a second signal says: at once.

    Whoever talks goes on talking either way: Asterisk holds their calls, and the next start takes them over.
    """
    loop, hurry = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, hurry.set)
    systemd.tell("STOPPING=1", f"EXTEND_TIMEOUT_USEC={int((patience_s + MARGIN_S) * systemd.MICROSECONDS)}")
    up = _calls_up(running)
    log.info("winding down", calls=up, seconds=patience_s)
    if up:
        console().print(
            f"No new calls. {counted(up, 'call')} up: waiting for their end, {patience_s:g} s at the most. "
            "Ctrl-C again ends at once; people go on talking, and the next start takes them over."
        )
    ending = asyncio.create_task(running.runtime.wind_down(patience_s))
    hurried = asyncio.create_task(hurry.wait())
    try:
        while not (ending.done() or hurried.done() or running.ended.done()):
            await asyncio.wait({ending, hurried, running.ended}, timeout=TELL_EVERY_S, return_when="FIRST_COMPLETED")
            if not ending.done():
                log.info("winding down", calls=_calls_up(running))
                systemd.tell(f"STATUS=Stopping: {counted(_calls_up(running), 'call')} up")
    finally:
        ending.cancel()
        hurried.cancel()
        await asyncio.gather(ending, hurried, return_exceptions=True)
    if not running.ended.done():
        await running.runtime.write_all(LAST_WRITES_S)
    if left := _calls_up(running):
        log.warning("stopped with calls up", calls=left, why="asked to hurry" if hurry.is_set() else "patience ran out")


def _calls_up(running: Service) -> int:
    """Calls that exist: people who listen or talk, and phones that ring."""
    return sum(one.dialing + one.ringing + one.answered for one in running.operations.snapshot().campaigns)


async def _first_of(*futures: asyncio.Future[Any]) -> None:
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)


@click.command()
@json_option
def migrate(as_json: bool) -> None:
    """Bring the database's tables to this version (done by `outring run` too)."""
    chosen = settings()
    try:
        before, after = run_async(migrate_database(chosen.database_url))
    except StoreError as error:
        fail(str(error))
    if as_json:
        say_json({"before": before, "after": after})
    else:
        click.echo(f"tables are at version {after}" + ("" if before == after else f" (were at {before or 'none'})"))
