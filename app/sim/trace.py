"""The trace of a simulated run: one line for everything that happened, and a fingerprint of all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from app.commands import Command
from app.events import CampaignStarted, Event


class Trace:
    """Lines of moment, direction and all fields. Same seed, same lines, whatever the machine or the hash seed.

    out: takes each line, for people who look for the first difference.
    """

    def __init__(self, out: Callable[[str], None] | None = None) -> None:
        self.lines = 0
        self._sha256 = hashlib.sha256()
        self._out = out

    def heard(self, at_ms: int, event: Event) -> None:
        """The dialer was told something."""
        # A flow is the same for the whole run, and long.
        self._add(f"{at_ms} < {event.campaign!r}" if isinstance(event, CampaignStarted) else f"{at_ms} < {event!r}")

    def given(self, at_ms: int, command: Command) -> None:
        """The dialer gave a command."""
        self._add(f"{at_ms} > {command!r}")

    def _add(self, line: str) -> None:
        self.lines += 1
        self._sha256.update(line.encode())
        self._sha256.update(b"\n")
        if self._out is not None:
            self._out(line)

    @property
    def sha256(self) -> str:
        """The fingerprint so far, in hexadecimal."""
        return self._sha256.hexdigest()
