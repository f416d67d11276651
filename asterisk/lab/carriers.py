"""The parts of the telephone network that are not an Asterisk: run as a program of its own, standard library only.

- the front door of the network: hands SIP datagrams on unchanged, and swallows the INVITEs to numbers that never get a
  reply (an Asterisk always says 100 Trying);
- a carrier that refuses everything with 503;
- a carrier that is there and never says a word.

`python carriers.py FRONT NETWORK REJECTING SILENT SUFFIX...`: four ports on 127.0.0.1, and last digits to swallow.
"""

import contextlib
import re
import selectors
import socket
import sys
from collections.abc import Callable

HOST = "127.0.0.1"
_INVITE = re.compile(rb"INVITE sips?:([^@;>\s]+)")
_ECHOED = (b"via:", b"v:", b"from:", b"f:", b"to:", b"t:", b"call-id:", b"i:", b"cseq:")
Address = tuple[str, int]


def open_port(port: int) -> socket.socket:
    """A UDP socket on loopback with room for a burst of calls."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    opened.bind((HOST, port))
    opened.setblocking(False)
    return opened


def is_swallowed(datagram: bytes, suffixes: tuple[bytes, ...]) -> bool:
    """Whether this is an INVITE to a number whose last digits are among `suffixes`."""
    found = _INVITE.match(datagram)
    return found is not None and found[1].endswith(suffixes)


def refusal(request: bytes) -> bytes | None:
    """The 503 to a SIP request; None for what takes no reply (ACK, and replies themselves)."""
    head = request.split(b"\r\n\r\n", 1)[0].split(b"\r\n")
    if head[0].startswith((b"ACK ", b"SIP/2.0 ")) or not head[0].endswith(b" SIP/2.0"):
        return None
    lines = [b"SIP/2.0 503 Service Unavailable"]
    for line in head[1:]:
        if not line.lower().replace(b" ", b"").startswith(_ECHOED):
            continue
        is_to = line.lower().startswith((b"to", b"t:"))
        lines.append(line + b";tag=refused" if is_to and b";tag=" not in line else line)
    return b"\r\n".join([*lines, b"Content-Length: 0", b"", b""])


class Front:
    """Hands datagrams between callers and the network; each caller has a port of its own towards the network."""

    def __init__(self, port: int, network: int, suffixes: tuple[bytes, ...], watch: selectors.BaseSelector) -> None:
        self._door = open_port(port)
        self._network = (HOST, network)
        self._suffixes = suffixes
        self._watch = watch
        self._inner: dict[Address, socket.socket] = {}
        watch.register(self._door, selectors.EVENT_READ, self._from_caller)

    def _from_caller(self) -> None:
        for datagram, caller in received(self._door):
            if not is_swallowed(datagram, self._suffixes):
                self._towards_network(caller).sendto(datagram, self._network)

    def _towards_network(self, caller: Address) -> socket.socket:
        if caller not in self._inner:
            inner = self._inner[caller] = open_port(0)

            def back() -> None:
                for datagram, _ in received(inner):
                    with contextlib.suppress(OSError):
                        self._door.sendto(datagram, caller)

            self._watch.register(inner, selectors.EVENT_READ, back)
        return self._inner[caller]


def received(opened: socket.socket) -> list[tuple[bytes, Address]]:
    """What has come in, at most 64 datagrams. Refusals of earlier datagrams by a closed port are no news."""
    found: list[tuple[bytes, Address]] = []
    for _ in range(64):
        try:
            found.append(opened.recvfrom(65_535))
        except BlockingIOError:
            break
        except ConnectionError:
            continue
    return found


def main(front: int, network: int, rejecting: int, silent: int, suffixes: tuple[bytes, ...]) -> None:
    """Serve until killed; says "ready" once all ports are open."""
    watch = selectors.DefaultSelector()
    Front(front, network, suffixes, watch)
    rejecting_port, silent_port = open_port(rejecting), open_port(silent)

    def reject() -> None:
        for datagram, caller in received(rejecting_port):
            if (reply := refusal(datagram)) is not None:
                rejecting_port.sendto(reply, caller)

    def stay_silent() -> None:
        received(silent_port)

    watch.register(rejecting_port, selectors.EVENT_READ, reject)
    watch.register(silent_port, selectors.EVENT_READ, stay_silent)
    print("ready", flush=True)
    while True:
        for key, _ in watch.select():
            act: Callable[[], None] = key.data
            act()


if __name__ == "__main__":
    _front, _network, _rejecting, _silent = (int(argument) for argument in sys.argv[1:5])
    main(_front, _network, _rejecting, _silent, tuple(argument.encode() for argument in sys.argv[5:]))
