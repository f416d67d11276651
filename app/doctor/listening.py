"""Who listens at a TCP port of this machine, and who is connected to it: read from Linux's tables, no packet sent."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_ESTABLISHED, _LISTENS = "01", "0A"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Socket:
    local: str
    local_port: int
    remote_port: int
    state: str
    inode: str


def listeners(port: int) -> list[str]:
    """The addresses something listens at on this port: "127.0.0.1", "0.0.0.0", "::". Empty where that is not told."""
    return sorted({row.local for row in _sockets() if row.state == _LISTENS and row.local_port == port})


def is_open_to_others(address: str) -> bool:
    """Whether machines other than this one can connect to what listens at this address."""
    return not ipaddress.ip_address(address).is_loopback


def clients(port: int) -> dict[int, str]:
    """Processes (id → command) with a connection to this port; those of other users only for root."""
    inodes = {row.inode for row in _sockets() if row.state == _ESTABLISHED and row.remote_port == port}
    return {pid: command for pid, command in _processes() if inodes & _inodes_of(pid)} if inodes else {}


def is_connected_to_by_others(port: int) -> bool:
    """Whether anything but this very process has a connection to this port, from here or from another machine."""
    rows = [row for row in _sockets() if row.state == _ESTABLISHED]
    own_inodes = _inodes_of(os.getpid())
    own_ports = {row.local_port for row in rows if row.remote_port == port and row.inode in own_inodes}
    return any(row.local_port == port and row.remote_port not in own_ports for row in rows)


def is_of_this_machine(host: str) -> bool:
    """Whether an address or name is this machine's own: one can listen at it."""
    with suppress(OSError):
        for family, kind, protocol, _, address in socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM):
            with socket.socket(family, kind, protocol) as probe, suppress(OSError):
                probe.bind(address)
                return True
    return False


def _sockets() -> Iterator[_Socket]:
    for name in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (_PROC / "net" / name).read_text().splitlines()[1:]:
                fields = line.split()
                local, port = fields[1].split(":")
                remote_port = int(fields[2].split(":")[1], 16)
                yield _Socket(
                    local=_address(local),
                    local_port=int(port, 16),
                    remote_port=remote_port,
                    state=fields[3],
                    inode=fields[9],
                )


def _address(text: str) -> str:
    """As Linux writes it: words of 32 bits, each in the byte order of the machine."""
    order = -1 if sys.byteorder == "little" else 1
    words = [bytes.fromhex(text[at : at + 8])[::order] for at in range(0, len(text), 8)]
    address = ipaddress.ip_address(b"".join(words))
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _processes() -> Iterator[tuple[int, str]]:
    for path in _PROC.glob("[0-9]*"):
        with suppress(OSError):
            command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            yield int(path.name), command


def _inodes_of(pid: int) -> set[str]:
    found = set()
    with suppress(OSError):
        for descriptor in (_PROC / str(pid) / "fd").iterdir():
            with suppress(OSError):
                target = str(descriptor.readlink())
                if target.startswith("socket:["):
                    found.add(target[8:-1])
    return found
