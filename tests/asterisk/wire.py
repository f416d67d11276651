"""A carrier between the PBX and the telephone network that writes down every INVITE it sees.

It is a trunk of the PBX (`Lab(extra_trunks={"north": wire.uri})`) and the proof of what went out: it belongs to neither
Asterisk nor the dialer, lives on when either dies, and can be told to fail and to heal.
"""

from __future__ import annotations

import asyncio
import enum
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from asterisk.lab import BEHAVIOURS
from asterisk.lab.carriers import is_swallowed, refusal

HOST: Final = "127.0.0.1"
_REQUEST: Final = re.compile(rb"INVITE sips?:([^@;>\s]+)@")
_CALL_ID: Final = re.compile(rb"\r\n(?:Call-ID|i)\s*:\s*([^\r\n]+)", re.IGNORECASE)
_FROM: Final = re.compile(rb"\r\n(?:From|f)\s*:\s*([^\r\n]+)", re.IGNORECASE)
_SWALLOWED: Final = tuple(behaviour.suffix.encode() for behaviour in BEHAVIOURS if not behaviour.replies)


class Mode(enum.Enum):
    """What the carrier does with calls."""

    CARRYING = "carrying"
    REJECTING = "rejecting"
    """503 to everything."""
    SILENT = "silent"
    """Takes everything, says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite:
    """A call as it came to the carrier, once however often it was sent again. at_s: the event loop's time."""

    at_s: float
    number: str
    call_id: str
    caller: str
    datagram: bytes


class Wire:
    """One carrier. `await Wire.open()`, start the laboratory, then `lead_to` its network."""

    def __init__(self) -> None:
        self.mode = Mode.CARRYING
        self.invites: list[Invite] = []
        self.datagrams = 0
        self._seen: set[bytes] = set()
        self._caller: tuple[str, int] | None = None
        self._network: tuple[str, int] | None = None
        self._door: asyncio.DatagramTransport
        self._inner: asyncio.DatagramTransport

    @classmethod
    async def open(cls, port: int = 0) -> Wire:
        """Listen on a port of loopback, a free one unless it is named."""
        wire = cls()
        loop = asyncio.get_running_loop()
        wire._door, _ = await loop.create_datagram_endpoint(lambda: _Ear(wire._from_pbx), (HOST, port))
        wire._inner, _ = await loop.create_datagram_endpoint(lambda: _Ear(wire._from_network), (HOST, 0))
        return wire

    @property
    def uri(self) -> str:
        """Where the PBX sends its calls."""
        host, port = self._door.get_extra_info("sockname")
        return f"sip:{host}:{port}"

    def lead_to(self, sip_port: int) -> None:
        """Carry calls to the network at this port."""
        self._network = (HOST, sip_port)

    def close(self) -> None:
        """Listen no more."""
        self._door.close()
        self._inner.close()

    @property
    def numbers(self) -> list[str]:
        """The numbers called, in order, as they stood in the INVITEs."""
        return [invite.number for invite in self.invites]

    @property
    def calls(self) -> Counter[str]:
        """How often each number was called."""
        return Counter(self.numbers)

    def _from_pbx(self, datagram: bytes, caller: tuple[str, int]) -> None:
        self.datagrams += 1
        self._caller = caller
        self._note(datagram)
        if self.mode is Mode.SILENT:
            return
        if datagram.startswith(b"OPTIONS "):
            answer = refusal(datagram)
            assert answer is not None
            self._door.sendto(answer.replace(b"503 Service Unavailable", b"200 OK", 1), caller)
        elif self.mode is Mode.REJECTING:
            if (answer := refusal(datagram)) is not None:
                self._door.sendto(answer, caller)
        elif self._network is not None and not is_swallowed(datagram, _SWALLOWED):
            self._inner.sendto(datagram, self._network)

    def _from_network(self, datagram: bytes, _sender: tuple[str, int]) -> None:
        if self._caller is not None:
            self._door.sendto(datagram, self._caller)

    def _note(self, datagram: bytes) -> None:
        found, call_id, caller = _REQUEST.match(datagram), _CALL_ID.search(datagram), _FROM.search(datagram)
        if found is None or call_id is None or caller is None or call_id[1] in self._seen:
            return
        self._seen.add(call_id[1])
        self.invites.append(
            Invite(
                at_s=asyncio.get_running_loop().time(),
                number=found[1].decode(),
                call_id=call_id[1].decode(),
                caller=caller[1].decode(errors="replace"),
                datagram=datagram,
            )
        )


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, take: Callable[[bytes, tuple[str, int]], None]) -> None:
        self._take = take

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._take(data, addr)

    def error_received(self, exc: Exception) -> None:
        """A closed port at the other end (an Asterisk that was killed) is no news."""
