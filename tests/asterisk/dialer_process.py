"""A dialer in a process of its own, to be killed: `python -m tests.asterisk.dialer_process SPEC`, SPEC as JSON.

It works on the database and the PBX it is given until it is killed; "up" on its output says that it has begun.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from app import logs
from app.asterisk.telephony import AsteriskTelephony
from app.dialing.dialer import Dialer
from app.events import TelephonyUp
from app.ivr.prompts import PromptStudio
from app.operations import Operations
from app.runtime import Runtime
from app.store import SqlStore
from asterisk.lab.server import Server


async def start_dialer(pbx: Server, folder: Path) -> Process:
    """Start one on this PBX, with database and prompts in `folder`; it is at work when this returns.

    It dies with the process that starts it.
    """
    spec = {"url": pbx.ari_url, "user": pbx.ari_user, "password": pbx.ari_password, "folder": str(folder)}
    with (folder / "dialer.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *("setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "tests.asterisk.dialer_process"),
            json.dumps(spec),
            stdout=PIPE,
            stderr=log,
        )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        said = await process.stdout.readline()
    assert said == b"up\n", (folder / "dialer.log").read_text()[-4_000:]
    return process


async def kill(process: Process) -> None:
    """End it as a crash does."""
    process.send_signal(signal.SIGKILL)
    await process.wait()


async def _run(spec: dict[str, str]) -> None:
    telephony = AsteriskTelephony(url=spec["url"], user=spec["user"], password=spec["password"])
    studio = PromptStudio(Path(spec["folder"]) / "prompts")
    async with await SqlStore.open(f"sqlite+aiosqlite:///{spec['folder']}/outring.db") as store:
        runtime = Runtime(dialer=Dialer(), telephony=telephony, store=store, prompts=studio)
        operations = Operations(store=store, runtime=runtime, studio=studio)
        runtime.watch(lambda event: print("up", flush=True) if isinstance(event, TelephonyUp) else None)
        await runtime.run(await operations.first_events())


if __name__ == "__main__":
    logs.set_up("INFO")
    asyncio.run(_run(json.loads(sys.argv[1])))
