"""Ids of attempts: 26 characters that sort by time, so that the newest attempts are the last of an index."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final

from app.units import AttemptId

NewAttemptId = Callable[[int], AttemptId]
"""Makes an id never made before; told the time in milliseconds since the epoch."""

_DIGITS: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, lower case
_RANDOM_BITS: Final = 80


def new_attempt_id(now_ms: int) -> AttemptId:
    """Ten characters of time and sixteen of chance (a ULID in lower case): sorts by time, never twice the same."""
    left = (now_ms << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)
    characters = []
    for _ in range(26):
        characters.append(_DIGITS[left & 31])
        left >>= 5
    return AttemptId("".join(reversed(characters)))
