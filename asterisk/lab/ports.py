"""Ports for laboratories that run side by side: blocks of a hundred, each held by a file lock for the life of a lab.

A lock held by the kernel goes away with the process that holds it, also after ``kill -9``: nothing to clean up.
All ports lie below the range the kernel gives to outgoing connections (32768 and up).
"""

import fcntl
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from asterisk.lab.errors import LabError

FIRST_PORT = 12_000
LAST_PORT = 32_000
BLOCK = 100
_BLOCKS = (LAST_PORT - FIRST_PORT) // BLOCK


@dataclass(slots=True)
class PortRange:
    """Ports ``first <= port < end``, ours until ``release``."""

    first: int
    end: int
    _locks: list[int]
    _next: int = 0

    def take(self) -> int:
        """The next port that is free for TCP and for UDP on loopback."""
        port = max(self._next, self.first)
        while port < self.end and not _is_free(port):
            port += 1
        if port >= self.end:
            raise LabError(f"No free port left between {self.first} and {self.end - 1}; end what listens there.")
        self._next = port + 1
        return port

    def release(self) -> None:
        """Give the ports to other labs."""
        for lock in self._locks:
            os.close(lock)
        self._locks.clear()


def reserve_ports(count: int, locks_dir: Path) -> PortRange:
    """Reserve ``count`` ports in a row, rounded up to whole blocks, that no other lab of this user has.

    Raises LabError when too many labs run already.
    """
    locks_dir.mkdir(parents=True, exist_ok=True)
    blocks = -(-count // BLOCK)
    run: list[int] = []
    for index in range(_BLOCKS):
        lock = _lock(locks_dir / f"{FIRST_PORT + index * BLOCK}.lock")
        if lock is None:
            _close(run)
            continue
        run.append(lock)
        if len(run) == blocks:
            first = FIRST_PORT + (index - blocks + 1) * BLOCK
            return PortRange(first, first + blocks * BLOCK, run)
    _close(run)
    raise LabError(
        f"No {count} ports in a row are free between {FIRST_PORT} and {LAST_PORT}: other laboratories hold them. "
        "End one (python -m asterisk.lab down) or ask for fewer lines."
    )


def _lock(path: Path) -> int | None:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _close(run: list[int]) -> None:
    for lock in run:
        os.close(lock)
    run.clear()


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
