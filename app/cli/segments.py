"""`outring segment`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from app.cli.remote import Refused, Remote, ask, by_name, path_part
from app.cli.shell import counted, json_option, say_json, say_rows


@click.group()
def segment() -> None:
    """Segments on the running dialer: conditions on contacts and their calls. See docs/segments.md."""


@segment.command("list")
@json_option
def list_segments(as_json: bool) -> None:
    """All segments."""
    found = ask(lambda remote: remote.get("/segments"))
    say_rows(found, lambda one: f"{one['name']}: {one['title']}", "No segment yet: outring segment save --help",
             as_json=as_json)  # fmt: skip


@segment.command("save")
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def save(name: str, file: Path, as_json: bool) -> None:
    """Keep FILE as the segment NAME, in place of what had its name."""
    source = file.read_text(encoding="utf-8")
    kept = ask(lambda remote: remote.put(f"/segments/{path_part(name)}", {"source": source}))
    if as_json:
        say_json(kept)
    else:
        click.echo(f"{name}: {kept['title']}")


@segment.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Forget the segment NAME."""
    ask(lambda remote: remote.delete(f"/segments/{path_part(name)}"))
    click.echo(f"{name}: removed")


@segment.command("count")
@click.argument("name")
@click.option("--list", "list_name", help="Of this list.")
@click.option("--campaign", "campaign_name", help="Of this campaign.")
@json_option
def count(name: str, list_name: str | None, campaign_name: str | None, as_json: bool) -> None:
    """Say how many contacts the segment NAME means."""

    async def look(remote: Remote) -> Any:
        given: dict[str, str | int] = {}
        if list_name is not None:
            given["list"] = (await by_name(remote, "list", list_name))["id"]
        if campaign_name is not None:
            given["campaign"] = (await by_name(remote, "campaign", campaign_name))["id"]
        return await remote.get(f"/segments/{path_part(name)}/count", **given)

    found = ask(look)
    if as_json:
        say_json(found)
    else:
        click.echo(f"{name}: {found['contacts']:,} of {counted(found['asked'], 'contact')}")


@segment.command("export")
@click.argument("name")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--list", "list_name", help="Of this list.")
@click.option("--campaign", "campaign_name", help="Of this campaign.")
def export(name: str, file: Path, list_name: str | None, campaign_name: str | None) -> None:
    """Write the contacts whom the segment NAME means to FILE, as CSV."""

    async def order(remote: Remote) -> int:
        given: dict[str, str | int] = {}
        if list_name is not None:
            given["list"] = (await by_name(remote, "list", list_name))["id"]
        if campaign_name is not None:
            given["campaign"] = (await by_name(remote, "campaign", campaign_name))["id"]
        try:
            return await remote.save(f"/segments/{path_part(name)}/contacts.csv", file, **given)
        except OSError as error:
            raise Refused(f"{file} cannot be written: {error}") from error

    click.echo(f"{file}: {ask(order):,} bytes")


@segment.command("attach")
@click.argument("name")
@click.argument("campaign")
@click.option("--list", "list_name", help="Only of this list.")
def attach(name: str, campaign: str, list_name: str | None) -> None:
    """Attach whom the segment NAME means now to CAMPAIGN."""

    async def order(remote: Remote) -> Any:
        found = await by_name(remote, "campaign", campaign)
        query = "" if list_name is None else f"?list={(await by_name(remote, 'list', list_name))['id']}"
        return await remote.post(f"/campaigns/{found['id']}/segments/{path_part(name)}/attach{query}")

    click.echo(f"{campaign}: {counted(ask(order)['added'], 'contact')} added")


@segment.command("requeue")
@click.argument("name")
@click.argument("campaign")
def requeue(name: str, campaign: str) -> None:
    """Have those of CAMPAIGN called again whom the segment NAME means and who are done."""

    async def order(remote: Remote) -> Any:
        found = await by_name(remote, "campaign", campaign)
        return await remote.post(f"/campaigns/{found['id']}/segments/{path_part(name)}/requeue")

    click.echo(f"{campaign}: {counted(ask(order)['added'], 'contact')} will be called again")
