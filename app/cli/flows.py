"""`outring flow`."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli.remote import ask
from app.cli.shell import fail, json_option, say_json
from app.ivr.load import FlowError, load_flow

MAX_BYTES = 1 << 20
flow_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def flow() -> None:
    """What people hear: IVR flows, as YAML or JSON files."""


@flow.command("check")
@click.argument("file", type=flow_file)
@json_option
def check_flow(file: Path, as_json: bool) -> None:
    """Tell all mistakes of FILE with their lines and mends. Needs no running dialer. Exit code 1 when there are any."""
    source = source_of(file)
    try:
        found = load_flow(source, name=str(file))
    except FlowError as error:
        if as_json:
            say_json({"ok": False, "problems": [str(problem) for problem in error.problems]})
            fail(f"{file}: {len(error.problems)} to mend")
        fail(str(error))
    warnings = [str(warning) for warning in found.warnings]
    if as_json:
        say_json({"ok": True, "name": found.name, "nodes": len(found.nodes), "warnings": warnings})
        return
    click.echo(f"{file}: {found.name}, {len(found.nodes)} steps, {', '.join(found.languages)}: good")
    for warning in warnings:
        click.echo(f"  {warning}")


@flow.command("add")
@click.argument("name")
@click.argument("file", type=flow_file)
@json_option
def add_flow(name: str, file: Path, as_json: bool) -> None:
    """Keep FILE as the newest version of the flow NAME. Campaigns made before keep theirs."""
    source = source_of(file)
    saved = ask(lambda remote: remote.post("/flows", {"name": name, "source": source}))
    if as_json:
        say_json(saved)
        return
    click.echo(f"{saved['name']}, version {saved['version']}")
    for warning in saved["warnings"]:
        click.echo(f"  {warning}")


@flow.command("list")
@json_option
def list_flows(as_json: bool) -> None:
    """The newest version of each flow."""
    found = ask(lambda remote: remote.get("/flows"))
    if as_json:
        say_json([{key: one[key] for key in ("id", "name", "version", "created_at_ms")} for one in found])
        return
    for one in found:
        click.echo(f"{one['name']}, version {one['version']}")
    if not found:
        click.echo("No flow yet: outring flow add NAME FILE.yaml")


def source_of(file: Path) -> str:
    """The file's text, or the end: it is too large, unreadable, or no text."""
    try:
        if file.stat().st_size > MAX_BYTES:
            fail(f"{file}: a flow has at most {MAX_BYTES >> 20} MB; this is no flow", code=2)
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        fail(f"{file}: not UTF-8 text (byte {error.start}): save it as UTF-8", code=2)
    except OSError as error:
        fail(f"{file}: {error.strerror}", code=2)
