"""One call on one channel: its states, told as one table.

A call is asked for (PLACING), taken by Asterisk (DIALING), perhaps rings or has early media (RINGING), is answered and
in our hands (ANSWERED), may be handed to the admin's dialplan (LEFT), and ends. Asterisk's events are not ordered with
the reply to the request that caused them, nor `Dial` with `ChannelStateChange`: an answer can be heard of before the
call is known to be placed. So each pair of state and event that can meet has its row, and what comes late is None:
ignored, and counted.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import Final

from app.events import (
    CallAnswered,
    CallEnded,
    CallLeft,
    CallPlaced,
    CallProgressed,
    CallRefused,
    CallRinging,
    CallUnknown,
)
from app.model import CallFacts
from app.units import TrunkId


class CallState(enum.Enum):
    """Where a call is."""

    PLACING = "placing"
    """Asked for; no reply yet."""
    UNKNOWN = "unknown"
    """Asked for; the reply was lost."""
    DIALING = "dialing"
    RINGING = "ringing"
    """Ringing or early media: the far network is alive."""
    ANSWERED = "answered"
    LEFT = "left"
    """In the admin's dialplan."""
    REFUSED = "refused"
    """Certainly never placed. Final."""
    ENDED = "ended"
    """The channel is gone. Final."""


CallStep = CallPlaced | CallRefused | CallUnknown | CallRinging | CallProgressed | CallAnswered | CallLeft | CallEnded

_S = CallState
_EVENTS: Final = (
    CallPlaced, CallRefused, CallUnknown, CallRinging, CallProgressed, CallAnswered, CallLeft, CallEnded,
)  # fmt: skip
_ROWS: Final[dict[CallState, tuple[CallState | None, ...]]] = {
    # state      placed      refused     unknown     ringing     progressed  answered     left     ended
    _S.PLACING:  (_S.DIALING, _S.REFUSED, _S.UNKNOWN, _S.RINGING, _S.RINGING, _S.ANSWERED, _S.LEFT, _S.ENDED),
    _S.UNKNOWN:  (_S.DIALING, None,       None,       _S.RINGING, _S.RINGING, _S.ANSWERED, _S.LEFT, _S.ENDED),
    _S.DIALING:  (None,       None,       None,       _S.RINGING, _S.RINGING, _S.ANSWERED, _S.LEFT, _S.ENDED),
    _S.RINGING:  (None,       None,       None,       _S.RINGING, _S.RINGING, _S.ANSWERED, _S.LEFT, _S.ENDED),
    _S.ANSWERED: (None,       None,       None,       None,       None,       None,        _S.LEFT, _S.ENDED),
    _S.LEFT:     (None,       None,       None,       None,       None,       _S.ANSWERED, None,    _S.ENDED),
    _S.REFUSED:  (None,       None,       None,       None,       None,       None,        None,    None),
    _S.ENDED:    (None,       None,       None,       None,       None,       None,        None,    None),
}  # fmt: skip

TABLE: Final[dict[tuple[CallState, type[CallStep]], CallState | None]] = {
    (state, event): target for state, targets in _ROWS.items() for event, target in zip(_EVENTS, targets, strict=True)
}
"""Every pair of state and event: the state that follows, or None where the event comes late and is ignored."""

FINAL: Final = frozenset({CallState.REFUSED, CallState.ENDED})


@dataclass(slots=True, kw_only=True)
class Call:
    """One call: its state and the facts gathered so far."""

    trunk_id: TrunkId | None
    state: CallState = CallState.PLACING
    facts: CallFacts

    def step(self, event: CallStep, now_ms: int) -> bool:
        """Take an event; False when it came late and was ignored."""
        target = TABLE[self.state, type(event)]
        if target is None:
            return False
        self.state = target
        self.facts = _told(self.facts, event, now_ms)
        return True

    @property
    def is_over(self) -> bool:
        """The channel is gone, or never was."""
        return self.state in FINAL

    @property
    def has_shown_life(self) -> bool:
        """The far end rang, sent early media, or answered."""
        facts = self.facts
        return not (facts.ringing_at_ms is None and facts.progress_at_ms is None and facts.answered_at_ms is None)


def _told(facts: CallFacts, event: CallStep, now_ms: int) -> CallFacts:
    match event:
        case CallRinging() if facts.ringing_at_ms is None:
            return replace(facts, ringing_at_ms=now_ms)
        case CallProgressed() if facts.progress_at_ms is None:
            return replace(facts, progress_at_ms=now_ms)
        case CallAnswered() if facts.answered_at_ms is None:
            return replace(facts, answered_at_ms=now_ms)
        case CallRefused() | CallUnknown():
            return replace(facts, cause_text=event.reason)
        case CallEnded():
            return replace(
                facts, ended_at_ms=now_ms, sip_code=event.sip_code, cause=event.cause, cause_text=event.cause_text
            )
        case _:
            return facts
