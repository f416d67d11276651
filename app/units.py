"""Ids and units: the names every room uses for the same small values.

Time is integer milliseconds since the Unix epoch (`*_at_ms`) or a length (`*_ms`). The clock that gives it never steps
backwards while the program runs. Identifiers are distinct types, so that a contact's id is not taken for a campaign's.
"""

from __future__ import annotations

import re
from typing import Final, NewType

AttemptId = NewType("AttemptId", str)
CampaignId = NewType("CampaignId", int)
WebhookId = NewType("WebhookId", int)
FixTaskId = NewType("FixTaskId", int)
ProjectId = NewType("ProjectId", int)
ContactId = NewType("ContactId", int)
ListId = NewType("ListId", int)
TrunkId = NewType("TrunkId", str)
FlowId = NewType("FlowId", int)
AgentId = NewType("AgentId", int)
"""An agent is a user: the same id."""
SessionId = NewType("SessionId", str)
"""An agent's session, from sign-in to sign-out; looks like an attempt's id."""
LegId = NewType("LegId", str)
"""A phone's call: `<session>-p1` an agent's phone, `-c1` a consulted third party, `-s1` a supervisor's phone."""
RoomId = NewType("RoomId", str)
Number = NewType("Number", str)
"""A telephone number in E.164 with its plus: `+447700900123`."""

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60 * SECOND_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS

ATTEMPT_ID: Final = re.compile(r"[a-z0-9]{8,40}")
"""What an attempt's id may look like: it is part of the channel's id, a file's name and a log line."""
LEG_ID: Final = re.compile(r"[a-z0-9]{8,40}-[pcs][0-9]{1,6}")
"""What a leg's id looks like: the hyphen tells it from an attempt's."""
_BEGINNING: Final = re.compile(r"\+[1-9][0-9]{0,13}\*")
_NUMBER: Final = re.compile(r"\+[1-9][0-9]{4,14}")


def number(text: str) -> Number:
    """Take `text` for a number, as it is.

    Raises ValueError for anything but a plus and 5 to 15 digits (ITU-T E.164); nothing is stripped or guessed here:
    people's ways of writing numbers are read by `app.contacts`.
    """
    if not _NUMBER.fullmatch(text):
        shown = text if len(text) <= 24 else text[:24] + "…"
        raise ValueError(f"not a number in E.164: {shown!r}; expected a plus and 5 to 15 digits, such as +447700900123")
    return Number(text)


def beginning(text: str) -> str:
    """A beginning of numbers with its star, `+4470*`, as it is. Raises ValueError for anything else."""
    if not _BEGINNING.fullmatch(text):
        raise ValueError(
            f"not a beginning of numbers: {text[:24]!r}; expected a plus, 1 to 14 digits and a star, such as +4470*"
        )
    return text


def is_number(text: str) -> bool:
    """Whether `text` is a number in E.164 as it is."""
    return _NUMBER.fullmatch(text) is not None


def masked(text: str) -> str:
    """A number for the log: its country and last two digits, the rest hidden.

    >>> masked("+447700900123")
    '+44********23'
    """
    if len(text) <= 5:
        return "*" * len(text)
    return text[:3] + "*" * (len(text) - 5) + text[-2:]
