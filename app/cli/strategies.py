"""`outring strategy`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from app.cli.flows import flow_file, source_of
from app.cli.remote import ask, path_part
from app.cli.shell import counted, fail, json_option, say_json, say_rows
from app.panel.strategy_view import step_rows
from app.plain_yaml import FileError
from app.strategy.load import load_strategy


@click.group()
def strategy() -> None:
    """Who is called again, when, and on which phone: call strategies, as YAML files."""


@strategy.command("check")
@click.argument("file", type=flow_file)
@json_option
def check(file: Path, as_json: bool) -> None:
    """Tell what is wrong with FILE, its line and mend. Needs no running dialer. Exit code 1 when it is not good."""
    try:
        found = load_strategy(source_of(file), str(file))
    except FileError as error:
        if as_json:
            say_json({"ok": False, "line": error.line, "problem": error.reason, "mend": error.mend})
        fail(str(error))
    rows = [{"after": list(row.after), "steps": [step.words for step in row.steps]} for row in step_rows(found)]
    if as_json:
        say_json({"ok": True, "title": found.title, "rows": rows})
        return
    click.echo(f"{file}: {found.title}: good; at most {counted(found.max_attempts, 'call')} of a contact")
    for row in rows:
        click.echo(f"  after {', '.join(row['after'])}: {'; then '.join(row['steps']) or 'no more'}")


@strategy.command("add")
@click.argument("name")
@click.argument("file", type=flow_file)
@json_option
def add(name: str, file: Path, as_json: bool) -> None:
    """Keep FILE as the newest version of the strategy NAME; the campaigns that follow it do so at once."""
    source = source_of(file)
    saved = ask(lambda remote: remote.put(f"/strategies/{path_part(name)}", {"source": source}))
    if as_json:
        say_json(saved)
        return
    followed = counted(len(saved["campaigns"]), "campaign")
    click.echo(f"{saved['name']}, version {saved['version']}; followed by {followed}")


@strategy.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """The newest version of each strategy."""
    found = ask(lambda remote: remote.get("/strategies"))
    say_rows(found, _line, "No strategy yet: outring strategy add NAME FILE.yaml", as_json=as_json)


@strategy.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Forget the strategy NAME, which no campaign follows."""
    ask(lambda remote: remote.delete(f"/strategies/{path_part(name)}"))
    click.echo(f"{name} is gone")


def _line(one: dict[str, Any]) -> str:
    followed = counted(len(one["campaigns"]), "campaign")
    return f"{one['name']}, version {one['version']}: {one['title']}; {followed}"
