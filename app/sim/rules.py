"""The rules of the wire: what must never be, whom an operator allows how much, and what is told of a breach."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from app.agents import DialingMode, RecordingPolicy
from app.units import DAY_MS, SECOND_MS, AttemptId, CampaignId, Number

SILENCE_LIMIT_MS: Final = 2 * SECOND_MS
"""From the answer to the first sound (the industry's two seconds)."""
LEASE_GRACE_MS: Final = 35 * SECOND_MS
"""What the dialplan's fallback may take after a lease ran out: 30 s by its own time limit."""


class Rule(enum.Enum):
    """What must never be."""

    ID_USED_TWICE = "an attempt id was used twice"
    CONTACT_TWICE = "two live calls to one contact"
    NUMBER_TWICE = "two live calls to one number"
    TRUNK_LINES = "more calls on a trunk than it has lines"
    CAMPAIGN_LINES = "more calls of a campaign than it may have"
    TRUNK_RATE = "calls faster than the trunk's rate"
    CAMPAIGN_RATE = "calls faster than the campaign's rate"
    DNC_CALLED = "a number on the do-not-call list was called"
    SILENCE = "a person who answered heard nothing"
    LEASE = "a call outlived its lease"
    OUTCOMES = "an attempt has not exactly one outcome"
    NOT_ON_DISK = "a call was placed that was not on disk"
    UNTRUE = "the database claims what did not happen"
    UNLIMITED = "a call nobody set limits for"
    AGENT_TWICE = "an agent was with two people"
    PERSON_TWICE = "a person was in two rooms"
    NO_AGENT = "a call was placed without an agent for it"
    AFTER_END = "somebody was connected after the end"
    NOT_ON_DUTY = "somebody acted who was not on duty"
    LEFT_OPEN = "an attempt without a call stayed open long after everything was well again"
    CHARGED = "an attempt was charged for what was not the contact's"
    MISCOUNTED = "a contact's count is not that of its attempts"
    TOO_OFTEN = "a contact was called more often than it may be"
    FORGOTTEN = "what was acknowledged is not in the database"
    REMOVED_CALLED = "somebody was called who is in no list any more"
    ABANDONED = "more people who answered met nobody than the target and luck allow"
    OUT_OF_HOURS = "somebody was called at an hour the law forbids"
    OVER_CAP = "somebody was called more often than the law allows"
    RECORDED = "a conversation was recorded against the policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One broken rule, when, and which calls."""

    rule: Rule
    at_ms: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an operator set: calls at once, and calls per second (any stretch of t seconds: rate·t + burst).

    silence_ms: from the answer to the first sound, for a campaign; a flow that listens first needs more. A campaign of
    another mode than broadcast leaves nobody in silence for longer at any time.
    campaign_id: whose agents count; lines_per_agent: calls at once for one of them (progressive).
    abandonment_target, abandonment_window_ms: people abandoned of people answered, and over which stretch;
    connect_within_ms: from the answer until an agent is there (predictive).
    """

    lines: int
    calls_per_second: float
    silence_ms: int = SILENCE_LIMIT_MS
    campaign_id: CampaignId | None = None
    mode: DialingMode = DialingMode.BROADCAST
    lines_per_agent: int = 1
    recording: RecordingPolicy = RecordingPolicy.NEVER
    abandonment_target: float = 0.03
    abandonment_window_ms: int = DAY_MS
    connect_within_ms: int = 2 * SECOND_MS

    @property
    def burst(self) -> float:
        """One call, and 50 ms worth of the rate."""
        return 1 + 0.05 * self.calls_per_second


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptClaim:
    """What the database says of an attempt. outcome: its number; None when there is none."""

    attempt_id: AttemptId
    number: Number
    opened_at_ms: int
    outcome: int | None
    answered_at_ms: int | None = None
    is_charged: bool = False
