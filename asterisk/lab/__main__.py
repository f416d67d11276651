"""`python -m asterisk.lab build | up | status | down | numbers`: the laboratory by hand."""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from asterisk.lab import places, root
from asterisk.lab.document import numbers_table, trunks_table
from asterisk.lab.errors import LabError
from asterisk.lab.lab import Lab
from asterisk.lab.server import Server

_UP_WITHIN_S = 60.0


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it did what was asked, 1 with the reason on standard error when it could not."""
    parser = argparse.ArgumentParser(
        prog="python -m asterisk.lab", description="A private Asterisk and a pretend telephone network."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="build the private Asterisk once (as root, about half a minute)")
    up = commands.add_parser("up", help="start a laboratory in the background and print how to reach it")
    up.add_argument("--lines", type=int, default=250, help="calls at once there is room for (default: 250)")
    up.add_argument("--phones", type=int, default=0, help="agents' phones, named 1001 and on (default: none)")
    up.add_argument("--foreground", action="store_true", help="stay here until Ctrl-C")
    commands.add_parser("status", help="the laboratories started by `up`, as JSON lines")
    commands.add_parser("down", help="end the laboratories started by `up`")
    commands.add_parser("numbers", help="the tables of numbers and trunks")
    chosen = parser.parse_args(arguments)
    try:
        match chosen.command:
            case "build":
                print(_built())
            case "up" if chosen.foreground:
                asyncio.run(_hold(chosen.lines, chosen.phones, None))
            case "up":
                print(_up(chosen.lines, chosen.phones))
            case "status":
                print("\n".join(path.read_text() for path in _running()) or "No laboratory is up.")
            case "numbers":
                print(numbers_table(), trunks_table(), sep="\n\n")
            case _:
                print(f"Ended: {_down()}")
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


def _built() -> str:
    if root.find_installation() is None:
        print(f"Building a private Asterisk in {root.default_root()} (about half a minute) ...", file=sys.stderr)
    installation = root.build()
    return f"Asterisk {installation.version}, {installation.origin}"


def _up(lines: int, phones: int) -> str:
    """Start the holder of a lab in a session of its own, and wait for what it has to say."""
    before = set(_running())
    log = places.base_dir() / "up.log"
    command = [sys.executable, "-m", "asterisk.lab", "up", "--foreground"]
    command += ["--lines", str(lines), "--phones", str(phones)]
    with log.open("wb") as output:
        holder = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    deadline = time.monotonic() + _UP_WITHIN_S
    while time.monotonic() < deadline and holder.poll() is None:
        for path in set(_running()) - before:
            if json.loads(path.read_text())["pid"] == holder.pid:
                return path.read_text()
        time.sleep(0.05)
    raise LabError(f"The laboratory did not come up:\n{log.read_text(errors='replace').strip()}")


def _down() -> int:
    """Ask every holder to end, and wait until its laboratory is gone."""
    running = _running()
    for path in running:
        os.kill(json.loads(path.read_text())["pid"], signal.SIGTERM)
    deadline = time.monotonic() + 20
    while any(path.exists() for path in running):
        if time.monotonic() > deadline:
            raise LabError(f"Still there after 20 s: {', '.join(map(str, running))}")
        time.sleep(0.05)
    return len(running)


def _running() -> list[Path]:
    places.remove_stale()
    return sorted(places.base_dir().glob("lab-*/up.json"))


async def _hold(lines: int, phones: int, seconds: float | None) -> None:
    """Keep a laboratory up until SIGTERM or SIGINT (or for some seconds)."""
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    async with Lab(lines=lines, phones=phones) as lab:
        text = json.dumps(describe(lab), indent=1)
        print(text, flush=True)
        (lab.directory / "up.json.new").write_text(text)
        (lab.directory / "up.json.new").rename(lab.directory / "up.json")
        async with asyncio.timeout(seconds):
            await over.wait()


def describe(lab: Lab) -> dict[str, object]:
    """How to reach a running laboratory, for people and machines."""
    return {
        "pid": os.getpid(),
        "directory": str(lab.directory),
        "trunks": lab.trunks,
        "phones": lab.phones.names,
        "environment": {
            "OUTRING_ARI_URL": lab.pbx.ari_url,
            "OUTRING_ARI_USER": lab.pbx.ari_user,
            "OUTRING_ARI_PASSWORD": lab.pbx.ari_password,
        },
        "pbx": _doors(lab.pbx),
        "network": _doors(lab.network),
    }


def _doors(server: Server) -> dict[str, object]:
    return {
        "pid": server.pid,
        "ari_url": server.ari_url,
        "ari_password": server.ari_password,
        "ami_port": server.ami_port,
        "ami_password": server.ami_password,
        "sip_port": server.sip_port,
        "log": str(server.log_path),
        "recordings": str(server.recordings_dir),
    }


if __name__ == "__main__":
    sys.exit(main())
