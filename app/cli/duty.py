"""`outring duty`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from sqlalchemy import make_url

from app.cli.shell import fail, iso_utc, json_option, run_async, say_json, settings
from app.store import SqlStore, StoreError
from app.store.duty import DutyEntry, look_at_duty


@click.command()
@json_option
def duty(as_json: bool) -> None:
    """Say which dialer is on duty on this database. Exit code 1 when none is.

    It is read from the database itself, so it works while no dialer answers.
    """
    chosen = settings()
    try:
        entry = run_async(_look(chosen.database_url))
    except StoreError as error:
        fail(str(error))
    is_held = entry is not None and entry.is_held
    if as_json:
        say_json({} if entry is None else {"is_held": is_held, **_document(entry)})
    else:
        click.echo(_words(entry))
    sys.exit(0 if is_held else 1)


async def on_duty(url: str) -> DutyEntry | None:
    """Who is on duty now; None: nobody. Raises StoreError when the database cannot be read."""
    entry = await _look(url)
    return entry if entry is not None and entry.is_held else None


async def _look(url: str) -> DutyEntry | None:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists():
        raise StoreError(f"there is no database {parsed.database} yet; `outring run` makes it")
    async with await SqlStore.open(url, with_migrations=False) as store:
        return await store.read(look_at_duty)


def _words(entry: DutyEntry | None) -> str:
    if entry is None:
        return "no dialer was ever on duty on this database; start one: outring run"
    heard_s = max(0, entry.now_ms - entry.renewed_at_ms) / 1_000
    if entry.is_held:
        panel = f", panel at {entry.url}" if entry.url else ""
        return (
            f"on duty: {entry.place}{panel}, since {iso_utc(entry.taken_at_ms)}, heard of {heard_s:.1f} s ago; "
            f"a standby takes over after {entry.lease_ms / 1_000:g} s of silence"
        )
    if not entry.holder:
        return f"no dialer is on duty: {entry.place} left in order; start one: outring run"
    return f"no dialer is on duty: {entry.place} is not heard of since {iso_utc(entry.renewed_at_ms)}"


def _document(entry: DutyEntry) -> dict[str, object]:
    return {
        "epoch": entry.epoch,
        "place": entry.place,
        "url": entry.url,
        "since": iso_utc(entry.taken_at_ms),
        "renewed_at": iso_utc(entry.renewed_at_ms),
        "lease_ms": entry.lease_ms,
    }
