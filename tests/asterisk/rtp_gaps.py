"""How even sound flows: the times of all RTP packets on loopback, as the kernel stamped them. Needs root.

A raw socket with a filter for packets of 20 ms of G.711 (200 bytes of IP); nothing is read while it listens, so that
looking costs the processes that are looked at nothing.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_EVERYTHING: Final = 0x0003
_ATTACH_FILTER: Final = 26
_STAMPS_NS: Final = 35
_FORCE_BUFFER: Final = 33
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


class RtpTimes:
    """Listens from its making on; `gaps` reads what came."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, _FORCE_BUFFER, _BUFFER)
        self._socket.setsockopt(socket.SOL_SOCKET, _STAMPS_NS, 1)
        code = b"".join(struct.pack("HBBI", *one) for one in _PROGRAM)
        kept = ctypes.create_string_buffer(code)
        program = struct.pack("HL", len(_PROGRAM), ctypes.addressof(kept))
        self._socket.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, program)
        self._socket.bind(("lo", _EVERYTHING))
        self._socket.setblocking(False)

    def gaps(self, ports: range | None = None) -> Gaps:
        """The streams since it began. ports: only streams to these. A stream of under a second does not count."""
        times: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        while True:
            try:
                packet, told, _, _ = self._socket.recvmsg(64, 64)
            except BlockingIOError:
                break
            seconds, nanoseconds = struct.unpack("ll", told[0][2][:16])
            way = _HEADER.unpack_from(packet, 34)
            if packet[42] >> 6 == 2 and (ports is None or way[1] in ports):
                times[way].append(seconds * 10**9 + nanoseconds)
        long = [stamps for stamps in times.values() if len(stamps) > 50]
        largest = tuple(max(later - earlier for earlier, later in pairwise(one)) / 1e6 for one in long)
        return Gaps(
            flows=len(long),
            packets=sum(map(len, long)),
            largest_ms=max(largest, default=float("nan")),
            per_flow_ms=largest,
        )

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()
