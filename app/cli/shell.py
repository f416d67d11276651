"""What commands share: running a coroutine with clean interruption, errors as one sentence, JSON out."""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeVar

import click
from rich.console import Console

from app import settings as settings_module
from app.settings import Settings, SettingsError

T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output, for machines.")


def console(*, as_json: bool = False) -> Console:
    """Where words go: standard output, or standard error when that is for JSON."""
    return Console(stderr=as_json, highlight=False, soft_wrap=True)


def settings(**overrides: Any) -> Settings:
    """The settings, or the end with exit code 2 and a line a problem."""
    try:
        return settings_module.load(**overrides)
    except SettingsError as error:
        fail(str(error), code=2)


def fail(message: str, *, code: int = 1) -> NoReturn:
    """Say what went wrong, on standard error, and end."""
    click.echo(message, err=True)
    sys.exit(code)


def in_words(error: Exception) -> str:
    """What an error says to people: without the operating system's number."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"
    return str(error)


def counted(count: int, noun: str) -> str:
    """So many of something: 1 contact, 2 contacts, 1,204 contacts."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def iso_utc(at_ms: int) -> str:
    """A moment as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(at_ms // 1_000, tz=UTC).isoformat().replace("+00:00", "Z")


def say_json(value: object) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=None, sort_keys=False, default=str))


def say_rows(found: list[Any], line: Callable[[Any], str], nothing: str, *, as_json: bool) -> None:
    """A list, a line each; nothing: what is said of an empty one, which tells how to make the first."""
    if as_json:
        say_json(found)
        return
    for one in found:
        click.echo(line(one))
    if not found:
        click.echo(nothing)


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end. Ctrl-C and SIGTERM cancel the work, let it clean up, and end with exit code 130.

    A second Ctrl-C changes nothing, so that cleaning up leaves nothing behind.
    """
    gc.freeze()  # what is loaded by now stays to the end: collections need not look through it again and again
    is_interrupted = False

    async def supervised() -> T:
        task = asyncio.ensure_future(work)

        def interrupt() -> None:
            nonlocal is_interrupted
            if not is_interrupted:
                is_interrupted = True
                task.cancel()

        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, interrupt)
        return await task

    try:
        return asyncio.run(supervised())
    except asyncio.CancelledError:
        sys.exit(130)
