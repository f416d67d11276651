"""`outring doctor`."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import click
from sqlalchemy import make_url

from app.cli.shell import fail, json_option, run_async, say_json, settings
from app.doctor import Finding, Report, examine
from app.doctor.database import kept
from app.doctor.duty import on_duty
from app.model import Trunk
from app.settings import Settings
from app.store import SqlStore, StoreError, agents, phones, trunks
from app.store.audit_chain import ChainCheck, check_chain
from app.store.durability import Durability, durability
from app.store.duty import DutyEntry, look_at_duty
from app.store.migrating import newest_version, version


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Examine your Asterisk and these settings: what is missing, where, and how to mend it.

    Exit code 1 when something must be mended. Nobody is called, and nothing is changed.
    """
    chosen = settings()
    report = Report(findings=tuple(run_async(_examine(chosen, is_quiet=as_json))))
    if as_json:
        say_json(report.document())
    elif report.is_healthy:
        click.echo("\nAll is well. Next: outring run")
    else:
        click.echo(f"\n{len(report.failed)} to mend.")
    if not report.is_healthy:
        sys.exit(1)


async def _examine(chosen: Settings, *, is_quiet: bool) -> list[Finding]:
    findings: list[Finding] = []
    known, endpoints, entry, trail, kept_how = await _on_disk(chosen)

    async def all_of_them() -> AsyncIterator[Finding]:
        if kept_how is not None:
            yield kept(kept_how)
        yield on_duty(entry)
        async for finding in examine(chosen, trunks=known, phones=endpoints, trail=trail):
            yield finding

    async for finding in all_of_them():
        findings.append(finding)
        if not is_quiet:
            click.echo(str(finding))
    return findings


async def _on_disk(
    chosen: Settings,
) -> tuple[list[Trunk], list[str], DutyEntry | None, ChainCheck | None, Durability | None]:
    """Trunks, phones, who is on duty, how the audit trail and the database are.

    A database that is not there is not made by looking.
    """
    url = make_url(chosen.database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return [], [], None, None, None
    try:
        async with await SqlStore.open(chosen.database_url, with_migrations=False) as store:
            endpoints = [phone.endpoint for phone in await store.read(phones.list_phones)]
            endpoints += [session.seat.endpoint for session in await store.read(agents.open_agent_sessions)]
            trail = None
            if await store.read(version) == newest_version():  # the trail of before was no chain
                trail = await store.read(check_chain)
            kept_how = await store.read(durability)
            return await store.read(trunks.list_trunks), endpoints, await store.read(look_at_duty), trail, kept_how
    except StoreError as error:
        fail(f"the database cannot be used: {error}")
