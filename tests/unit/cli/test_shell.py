"""What all commands share: how they are interrupted, and how errors are put into words."""

from __future__ import annotations

import asyncio
import errno
import signal
import sys
from pathlib import Path

from app.cli.shell import in_words, iso_utc

ROOT = Path(__file__).parents[3]
PROGRAM = """
import asyncio, sys
from app.cli.shell import run_async

async def work():
    try:
        print("working", flush=True)
        await asyncio.Event().wait()
    finally:
        print("cleaning up", flush=True)
        while "goes on" not in await asyncio.to_thread(sys.stdin.readline):
            pass
        await asyncio.sleep(0)
        print("clean", flush=True)

run_async(work())
"""


async def test_a_second_interruption_does_not_stop_the_cleaning_up() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    async with asyncio.timeout(60):
        assert await process.stdout.readline() == b"working\n"
        process.send_signal(signal.SIGINT)
        assert await process.stdout.readline() == b"cleaning up\n"
        for number in (signal.SIGINT, signal.SIGTERM):
            process.send_signal(number)
        process.stdin.write(b"the cleaning up goes on\n")
        rest, _ = await process.communicate()
    assert (rest, process.returncode) == (b"clean\n", 130)


def test_the_operating_systems_number_is_left_out() -> None:
    assert in_words(OSError(errno.EADDRINUSE, "port 8080 is taken")) == "port 8080 is taken"
    assert in_words(FileNotFoundError(errno.ENOENT, "No such file", "x.csv")) == "x.csv: No such file"
    assert in_words(OSError("in our own words")) == "in our own words"
    assert in_words(ValueError("no number")) == "no number"


def test_moments_are_told_in_utc() -> None:
    assert iso_utc(1_700_000_000_999) == "2023-11-14T22:13:20Z"
