"""How even sound flows: the times of all RTP packets on loopback, as the kernel stamped them. Needs root.

A raw socket with a filter for packets of 20 ms of G.711 (200 bytes of IP). The kernel keeps some two minutes of fifty
conversations; who listens for longer calls `read` in moments that do not matter, so that looking costs the processes
that are looked at nothing in those that do.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from dataclasses import dataclass
from typing import Final

_EVERYTHING: Final = 0x0003
_ATTACH_FILTER: Final = 26
_STAMPS_NS: Final = 35
_FORCE_BUFFER: Final = 33
_PACKET_LEVEL: Final = 263
_STATISTICS: Final = 6
_BUFFER: Final = 512 << 20
_PACKET_BYTES: Final = 200
_HEADER: Final = struct.Struct("!HH")
# Loopback, seen on its way in (not out): IPv4, UDP, of 200 bytes in all.
_PROGRAM: Final = (
    (0x20, 0, 0, 0xFFFFF000 + 4),  # the packet's type
    (0x15, 7, 0, 4),  # outgoing: no
    (0x28, 0, 0, 12),
    (0x15, 0, 5, 0x0800),
    (0x28, 0, 0, 16),
    (0x15, 0, 3, _PACKET_BYTES),
    (0x30, 0, 0, 23),
    (0x15, 0, 1, 17),
    (0x06, 0, 0, 0x40),  # the first 64 bytes
    (0x06, 0, 0, 0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """What was seen. flows: streams of sound; packets: of all; largest_ms: between two packets of one stream."""

    flows: int
    packets: int
    largest_ms: float
    per_flow_ms: tuple[float, ...]


@dataclass(slots=True)
class _Stream:
    """One way of sound so far: its packets, the time of the last, and the longest time between two."""

    packets: int
    last_ns: int
    largest_ns: int = 0

    def add(self, at_ns: int) -> None:
        self.packets += 1
        self.largest_ns = max(self.largest_ns, at_ns - self.last_ns)
        self.last_ns = at_ns


class RtpTimes:
    """Listens from its making on; `read` takes in what came, `gaps` tells of it all. ports: only streams to these."""

    def __init__(self, ports: range | None = None) -> None:
        self._ports = ports
        self._streams: dict[tuple[int, int], _Stream] = {}
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, _FORCE_BUFFER, _BUFFER)
        self._socket.setsockopt(socket.SOL_SOCKET, _STAMPS_NS, 1)
        code = b"".join(struct.pack("HBBI", *one) for one in _PROGRAM)
        kept = ctypes.create_string_buffer(code)
        program = struct.pack("HL", len(_PROGRAM), ctypes.addressof(kept))
        self._socket.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, program)
        self._socket.bind(("lo", _EVERYTHING))
        self._socket.setblocking(False)

    def read(self) -> None:
        """Take in what has come since the last time.

        Raises RuntimeError when the kernel had no room for some of it: look more often.
        """
        while True:
            try:
                packet, told, _, _ = self._socket.recvmsg(64, 64)
            except BlockingIOError:
                break
            seconds, nanoseconds = struct.unpack("ll", told[0][2][:16])
            at_ns = seconds * 10**9 + nanoseconds
            way = _HEADER.unpack_from(packet, 34)
            if packet[42] >> 6 != 2 or (self._ports is not None and way[1] not in self._ports):
                continue
            if (stream := self._streams.get(way)) is None:
                self._streams[way] = _Stream(1, at_ns)
            else:
                stream.add(at_ns)
        _, lost = struct.unpack("II", self._socket.getsockopt(_PACKET_LEVEL, _STATISTICS, 8))
        if lost:
            raise RuntimeError(f"{lost} packets came for which there was no room: read more often")

    def gaps(self) -> Gaps:
        """The streams since it began. A stream of under a second does not count."""
        self.read()
        long = [one for one in self._streams.values() if one.packets > 50]
        largest = tuple(one.largest_ns / 1e6 for one in long)
        return Gaps(
            flows=len(long),
            packets=sum(one.packets for one in long),
            largest_ms=max(largest, default=float("nan")),
            per_flow_ms=largest,
        )

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()
