"""`outring demo`."""

from __future__ import annotations

from pathlib import Path

import click

from app import logs
from app.cli.shell import console, fail, in_words, json_option, run_async, say_json
from app.contacts.problems import SheetProblem
from app.settings import SettingsError
from asterisk.lab import LabError


@click.command()
@click.option("--exit-when-done", is_flag=True, help="End with the campaign instead of keeping the live page open.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Port of the live page.")
@click.option("--list", "list_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Another list.")
@click.option("--country", default="US", show_default=True, help="Country of numbers without a code, for --list.")
@json_option
def demo(exit_when_done: bool, port: int, list_file: Path | None, country: str, as_json: bool) -> None:
    """Run a real broadcast campaign on this machine: two private Asterisks on loopback, a live page, outcomes.

    Nobody outside is called. Exit code 1 when a contact is left without an end.
    """
    from app.demo import as_json as result_json
    from app.demo import run_demo

    logs.set_up("WARNING")
    try:
        result = run_async(
            run_demo(
                console(as_json=as_json), exit_when_done=exit_when_done, port=port, list_file=list_file, country=country
            )
        )
    except (LabError, SheetProblem, SettingsError, OSError, ValueError) as error:
        fail(in_words(error))
    if as_json:
        say_json(result_json(result))
    if result.unaccounted:
        fail(f"{result.unaccounted} contacts have no end")
