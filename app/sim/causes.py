"""How a call ends, in Asterisk's words: SIP code, Q.850 cause and its text, as measured on Asterisk 22.10."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CAUSE_TEXTS: Final = {
    0: "Unknown",
    1: "Unallocated (unassigned) number",
    16: "Normal Clearing",
    17: "User busy",
    18: "No user responding",
    19: "User alerting, no answer",
    21: "Call Rejected",
    22: "Number changed",
    27: "Destination out of order",
    28: "Invalid number format",
    34: "Circuit/channel congestion",
    38: "Network out of order",
    58: "Bearer capability not available",
    102: "Recover on timer expiry",
    127: "Interworking, unspecified",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a channel ends: sip_code None where the event carries none."""

    sip_code: int | None
    cause: int

    @property
    def cause_text(self) -> str:
        """Asterisk's text for the cause."""
        return CAUSE_TEXTS.get(self.cause, "Unknown")


OVER: Final = Ending(sip_code=None, cause=16)
"""An answered call ended, by either side; or we took it back before the answer."""
TIMED_OUT: Final = Ending(sip_code=480, cause=19)
"""The ring timeout (or the lease) ran out before the answer: the 480 is Asterisk's own, not the network's."""
NO_REPLY: Final = Ending(sip_code=408, cause=18)
"""Not a word for 32 s (timer B, RFC 3261 §17.1.1.2), where the ring timeout is longer."""
REJECTED_BY_TRUNK: Final = Ending(sip_code=503, cause=34)
UNSAID: Final = Ending(sip_code=None, cause=0)
"""Asterisk died: nobody was told."""
