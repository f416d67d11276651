"""What commands share: running a coroutine with clean interruption, errors as one sentence, JSON out."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Coroutine
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


def say_json(value: object) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=None, sort_keys=False, default=str))


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end. Ctrl-C and SIGTERM cancel the work, let it clean up, and end with exit code 130.

    A second Ctrl-C changes nothing: cleaning up takes a second or two, and leaves nothing behind.
    """

    async def supervised() -> T:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        return await task

    try:
        return asyncio.run(supervised())
    except asyncio.CancelledError:
        sys.exit(130)
