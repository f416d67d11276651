"""`outring doctor`."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from app.cli.shell import fail, json_option, run_async, say_json, settings
from app.doctor import Finding, examine
from app.model import Trunk
from app.settings import Settings
from app.store import SqlStore, StoreError, trunks

MARKS = {True: "✓", False: "✗", None: "·"}


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Examine your Asterisk and these settings: what is missing, where, and how to mend it.

    Exit code 1 when something must be mended.
    """
    chosen = settings()
    findings = run_async(_examine(chosen, quiet=as_json))
    failed = [finding for finding in findings if finding.ok is False]
    if as_json:
        say_json({"ok": not failed, "findings": [asdict(finding) for finding in findings]})
    elif failed:
        click.echo(f"\n{len(failed)} to mend.")
    else:
        click.echo("\nAll is well. Next: outring run")
    if failed:
        sys.exit(1)


async def _examine(chosen: Settings, *, quiet: bool) -> list[Finding]:
    findings: list[Finding] = []
    async for finding in examine(chosen, trunks=await _trunks(chosen)):
        findings.append(finding)
        if not quiet:
            _say(finding)
    return findings


async def _trunks(chosen: Settings) -> list[Trunk]:
    try:
        async with await SqlStore.open(chosen.database_url) as store:
            return await store.read(trunks.list_trunks)
    except StoreError as error:
        fail(f"the database cannot be used: {error}")


def _say(finding: Finding) -> None:
    click.echo(f"{MARKS[finding.ok]} {finding.what}")
    if finding.ok is False:
        if finding.place:
            click.echo(f"    where: {finding.place}")
        click.echo(f"    mend:  {finding.mend}")
