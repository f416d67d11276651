"""`outring run` and `outring migrate`."""

from __future__ import annotations

import asyncio
from typing import Any

import click
import structlog

from app import logs
from app.cli.shell import console, fail, in_words, json_option, run_async, say_json, settings
from app.settings import Settings, SettingsError
from app.store import StoreError
from app.store.migrating import migrate as migrate_database

log = structlog.get_logger()


LAST_WRITES_S = 5.0


@click.command()
@click.option("--wait", "patience_s", type=click.FloatRange(0, 3600), default=30.0, show_default=True,
              help="At the end, seconds to let answered people hear the call out.")  # fmt: skip
def run(patience_s: float) -> None:
    """Run the dialer beside your Asterisk, with the panel, until Ctrl-C or SIGTERM.

    Settings come from outring.toml and OUTRING_… variables; see docs/admin.md. Try `outring doctor` first.
    """
    chosen = settings()
    logs.set_up(chosen.log_level)
    try:
        reason = run_async(_run(chosen, patience_s))
    except SettingsError as error:
        fail(str(error), code=2)
    except (StoreError, OSError) as error:
        fail(f"cannot start: {in_words(error)}")
    if reason:
        fail(reason)


async def _run(chosen: Settings, patience_s: float) -> str:
    from app.service import service
    from app.store import people

    unusable: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def give_up(reason: str) -> None:
        if not unusable.done():
            unusable.set_result(reason)

    async with service(chosen, on_unusable=give_up) as running:
        console().print(f"Panel at {running.url}; Asterisk at {chosen.ari_url}. Ctrl-C ends.")
        if await running.store.read(people.count_users) == 0:
            console().print("Nobody can sign in yet. Add the first user: outring user add NAME --role admin")
        try:
            await _first_of(unusable, running.ended)
        except asyncio.CancelledError:
            log.info("winding down", seconds=patience_s)
            await running.runtime.wind_down(patience_s)
            raise
        if running.ended.done():
            running.ended.result()
        await running.runtime.wind_down(LAST_WRITES_S)  # what is not on disk yet must not look lost at the next start
        return unusable.result() if unusable.done() else ""


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
