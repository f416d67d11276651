"""What may stand behind a PJSIP endpoint in the simulated network."""

from __future__ import annotations

import enum


class TrunkKind(enum.Enum):
    """How a trunk answers calls; an endpoint Asterisk does not know is refused by Asterisk itself."""

    GOOD = "good"
    """Carries calls: the number decides what happens."""
    REJECTING = "rejecting"
    """Answers every call with 503."""
    SILENT = "silent"
    """Swallows every call without a word, or nothing listens there: Asterisk cannot tell the two apart."""
