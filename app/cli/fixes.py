"""`outring fix`."""

from __future__ import annotations

from typing import Any

import click

from app.cli.remote import ask
from app.cli.shell import json_option, say_json, say_rows


@click.group()
def fix() -> None:
    """Numbers to be mended, on the running dialer: found bad by an agent, or the last of a contact's."""


@fix.command("list")
@click.option("--done", is_flag=True, help="Those that are done.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@json_option
def list_tasks(done: bool, limit: int, as_json: bool) -> None:
    """Tasks that are open, the newest first."""
    found = ask(lambda remote: remote.get("/fix-tasks", done=str(done).lower(), limit=limit))["tasks"]
    say_rows(found, _line, "No number waits to be mended.", as_json=as_json)


@fix.command("mend")
@click.argument("task_id", type=click.IntRange(min=1))
@click.argument("number", default="")
@json_option
def mend(task_id: int, number: str, as_json: bool) -> None:
    """Write the right NUMBER of task TASK_ID: the contact is called again. Without it: it was mended elsewhere."""
    _say(ask(lambda remote: remote.post(f"/fix-tasks/{task_id}/mend", {"number": number})), as_json=as_json)


@fix.command("close")
@click.argument("task_id", type=click.IntRange(min=1))
@json_option
def close(task_id: int, as_json: bool) -> None:
    """Say of task TASK_ID that there is no right number: the contact stays as it is."""
    _say(ask(lambda remote: remote.post(f"/fix-tasks/{task_id}/close")), as_json=as_json)


def _say(task: Any, *, as_json: bool) -> None:
    if as_json:
        say_json(task)
    else:
        click.echo(_line(task))


def _line(one: Any) -> str:
    said = f"{one['outcome_label']}, {one['who'] or 'the network'}"
    done = f"; {one['done']} by {one['done_by']}" if one["done"] else ""
    return f"{one['id']:4}  {one['number']:16}  {one['contact_name']} ({one['list']}): {said}{done}"
