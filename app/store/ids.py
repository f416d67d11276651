"""Ids of attempts: 26 characters that sort by time, so that the newest attempts are the last of an index."""

from __future__ import annotations

import secrets
from base64 import b32hexencode
from collections.abc import Callable

from app.units import AttemptId

NewAttemptId = Callable[[int], AttemptId]
"""Makes an id never made before; told the time in milliseconds since the epoch."""


def new_attempt_id(now_ms: int) -> AttemptId:
    """48 bits of time and 80 of chance in base 32 (RFC 4648 §7, lower case): sorts by time, never twice the same."""
    return AttemptId(b32hexencode(now_ms.to_bytes(6) + secrets.token_bytes(10))[:26].decode().lower())


def earliest_id(at_ms: int) -> AttemptId:
    """The least id of those made since then: where an index of ids begins for them. Any time may be asked for."""
    return AttemptId(b32hexencode(min(max(at_ms, 0), 2**48 - 1).to_bytes(6) + bytes(10))[:26].decode().lower())
