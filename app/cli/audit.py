"""`outring audit`."""

from __future__ import annotations

import sys

import click

from app.cli.shell import fail, json_option, run_async, say_json, settings
from app.store import SqlStore, StoreError
from app.store.audit_chain import ChainCheck, check_chain


@click.group()
def audit() -> None:
    """Look after the audit trail: who did what, and when. Reading it is for the panel and REST."""


@audit.command("check")
@click.option("--noted", metavar="HASH", help="A head you noted before: it must be in the trail still.")
@json_option
def check(noted: str | None, as_json: bool) -> None:
    """Look through the whole trail: has any entry been changed, removed or slipped in?

    Names the first entry that is not as it was written, and ends with exit code 1. Prints the head's hash: noted in
    another place and given as --noted later, it shows that everything up to it is still there.
    """
    try:
        found = run_async(_check(settings().database_url, noted))
    except StoreError as error:
        fail(str(error))
    if as_json:
        say_json(
            {
                "whole": found.is_whole, "entries": found.entries, "head": found.head, "broken": found.broken_id,
                "problem": found.problem, "noted_found": found.has_noted,
            }
        )  # fmt: skip
    elif found.problem:
        click.echo(f"✗ {found.problem}. {_counted(found.entries)} before are well.")
    elif found.has_noted is False:
        click.echo(f"✗ no entry has the hash {noted}: the trail is not the one it was noted from.")
    else:
        click.echo(f"✓ the audit trail is whole: {_counted(found.entries)}")
        click.echo(f"  head: {found.head}")
    if not found.is_whole:
        sys.exit(1)


def _counted(entries: int) -> str:
    return "1 entry" if entries == 1 else f"{entries:,} entries"


async def _check(url: str, noted: str | None) -> ChainCheck:
    async with await SqlStore.open(url, with_migrations=False) as store:
        return await store.read(check_chain, noted)
