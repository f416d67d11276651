"""Text from the websocket into typed events, never failing: what we do not know becomes an UnknownEvent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from .models import AnyMessage

#: What a dialer needs of the channels it placed, in and out of Stasis. Kept out: ChannelVarset, ChannelDialplan,
#: ChannelCreated and the like, half of all bytes.
DIALER_EVENTS: Final = (
    "BridgeDestroyed",
    "ChannelDestroyed",
    "ChannelDtmfReceived",
    "ChannelEnteredBridge",
    "ChannelHangupRequest",
    "ChannelHold",
    "ChannelLeftBridge",
    "ChannelStateChange",
    "ChannelTalkingFinished",
    "ChannelTalkingStarted",
    "ChannelToneDetected",
    "ChannelTransfer",
    "ChannelUnhold",
    "ChannelUserevent",
    "Dial",
    "PlaybackFinished",
    "PlaybackStarted",
    "RecordingFailed",
    "RecordingFinished",
    "RecordingStarted",
    "StasisEnd",
    "StasisStart",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownEvent:
    """A message this client has no model for (a newer Asterisk), or one that does not fit its model."""

    type: str
    text: str
    problem: str


class _Typed(msgspec.Struct, gc=False):
    type: str = ""


#: Let through every filter: without the one, answers over the websocket are lost; without the other, a takeover.
ALWAYS_ALLOWED: Final = frozenset({"ApplicationReplaced", "RESTResponse"})
decode_known: Callable[[str | bytes], AnyMessage] = msgspec.json.Decoder(AnyMessage).decode
_decode_type = msgspec.json.Decoder(_Typed).decode
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""No JSON, not this model, no Unicode (a lone surrogate too), or nested deeper than Python's stack."""


def decode_message(text: str | bytes) -> AnyMessage | UnknownEvent:
    """One websocket message as its model."""
    try:
        return decode_known(text)
    except _UNREADABLE as error:
        return _unknown(text, str(error))


def _unknown(text: str | bytes, problem: str) -> UnknownEvent:
    whole = text.encode(errors="replace") if isinstance(text, str) else text
    readable = whole.decode(errors="replace")
    try:
        kind = _decode_type(readable).type
    except _UNREADABLE:
        kind = ""
    return UnknownEvent(type=kind, text=readable, problem=problem)
