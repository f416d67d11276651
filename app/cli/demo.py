"""`outring demo`."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Final

import click

from app import logs
from app.cli.shell import console, fail, in_words, json_option, run_async, say_json
from app.contacts.problems import SheetProblem
from app.settings import SettingsError
from asterisk.lab import LabError

USUAL_PORT: Final = 8080


@click.command()
@click.option("--exit-when-done", is_flag=True, help="End with the campaign instead of keeping the live page open.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port of the live page: 8080, or a free one if taken.")
@click.option(
    "--list", "list_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Dial this list instead."
)
@click.option("--country", default="US", show_default=True, help="Country of numbers without a code, for --list.")
@json_option
def demo(exit_when_done: bool, port: int | None, list_file: Path | None, country: str, as_json: bool) -> None:
    """Run real campaigns on this machine, on private Asterisks over loopback: a broadcast, and ten robot agents.

    With --list that list alone is dialed, by the broadcast.
    Nobody outside is called. On a terminal the live page stays open at the end, until Ctrl-C. Exit code 1 when a
    contact is left without an end.
    """
    from app.demo import as_json as result_json
    from app.demo import run_demo

    logs.set_up("WARNING")
    try:
        result = run_async(
            run_demo(
                console(as_json=as_json),
                exit_when_done=exit_when_done,
                port=_usual_or_free() if port is None else port,
                list_file=list_file,
                country=country,
            )
        )
    except (LabError, SheetProblem, SettingsError, OSError, ValueError) as error:
        fail(in_words(error))
    if as_json:
        say_json(result_json(result))
    if result.unaccounted:
        fail(f"{result.unaccounted} contacts have no end")


def _usual_or_free() -> int:
    """8080, or 0 (any free one) where somebody has it: a demo must not fail for that."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", USUAL_PORT))
        except OSError:
            return 0
    return USUAL_PORT
