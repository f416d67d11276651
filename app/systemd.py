"""What systemd wants to be told: that we are up, that we are alive, that we are stopping (sd_notify(3)).

Outside of systemd all of this does nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from typing import Final

MICROSECONDS: Final = 1_000_000


def tell(*states: str) -> bool:
    """Send lines such as `READY=1`; whether there was somebody to hear them. Never raises, never waits."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
        out.setblocking(False)
        out.sendto("\n".join(states).encode(), address)
        return True
    return False


def watchdog_s() -> float | None:
    """How often systemd wants to hear of us (WatchdogSec); None: it does not ask, or asks another process."""
    pid = os.environ.get("WATCHDOG_PID", "")
    if pid and pid != str(os.getpid()):
        return None
    try:
        interval_s = int(os.environ.get("WATCHDOG_USEC", "")) / MICROSECONDS
    except ValueError:
        return None
    return interval_s if interval_s > 0 else None


async def keep_alive() -> None:
    """Say so from the event loop, twice in each interval: a loop that is stuck says nothing, and we are restarted."""
    interval_s = watchdog_s()
    while interval_s is not None:
        tell("WATCHDOG=1")
        await asyncio.sleep(interval_s / 2)
