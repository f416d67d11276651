"""A checker beside the wire: sees every call the network saw and counts what must never be.

It knows the rules and the limits an operator set, not the dialer, nor its database; what the database says at the
taken as claims to verify. Each rule is a safety property: one violation is one too many.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, assert_never

from app.commands import PlaceCall
from app.sim.facts import (
    Answered,
    Asked,
    Ended,
    HandedOver,
    LeaseRenewed,
    OutOfReach,
    Placed,
    SoundBegan,
    WireFact,
    WithinReach,
)
from app.units import SECOND_MS, AttemptId, Number, TrunkId

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One broken rule, when, and which calls."""

    rule: Rule
    at_ms: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an operator set: calls at once, and calls per second (any stretch of t seconds: rate·t + burst).

    silence_ms: from the answer to the first sound, for a campaign; a flow that listens first needs more.
    """

    lines: int
    calls_per_second: float
    silence_ms: int = SILENCE_LIMIT_MS

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


class _Bucket:
    """Tokens for calls: a call that finds less than one is too fast."""

    def __init__(self, limits: Limits) -> None:
        self._rate_per_ms = limits.calls_per_second / SECOND_MS
        self._burst = limits.burst
        self._level = limits.burst
        self._as_of_ms: int | None = None

    def takes(self, at_ms: int) -> bool:
        passed_ms = 0 if self._as_of_ms is None else at_ms - self._as_of_ms
        self._level = min(self._burst, self._level + passed_ms * self._rate_per_ms)
        self._as_of_ms = at_ms
        is_allowed = self._level >= 1 - 1e-6
        if is_allowed:
            self._level -= 1
        return is_allowed


@dataclass(slots=True, eq=False)
class _WireCall:
    """A call as seen on the wire."""

    call: PlaceCall
    placed_at_ms: int
    lease_until_ms: int | None = None
    answered_at_ms: int | None = None
    out_of_reach_ms: int = 0
    """The checker's count of such time when the call was answered."""
    is_heard: bool = False
    is_ours: bool = True


class WireChecker:
    """Takes facts in order of time (`see`) and, at the end, the database's claims (`verify`); gathers `violations`.

    trunks: limits by trunk. campaigns: limits by the number shown to the called (each campaign shows one of its own).
    contact_of: who is reached at a number.
    """

    def __init__(
        self,
        *,
        trunks: Mapping[TrunkId, Limits],
        campaigns: Mapping[str, Limits],
        contact_of: Callable[[Number], object] = lambda number: number,
        lease_grace_ms: int = LEASE_GRACE_MS,
    ) -> None:
        self.violations: list[Violation] = []
        self.calls = 0
        self.answered = 0
        self._trunks = trunks
        self._campaigns = campaigns
        self._contact_of = contact_of
        self._lease_grace_ms = lease_grace_ms
        self._trunk_buckets = {trunk_id: _Bucket(limits) for trunk_id, limits in trunks.items()}
        self._campaign_buckets = {caller_id: _Bucket(limits) for caller_id, limits in campaigns.items()}
        self._asked: set[AttemptId] = set()
        self._live: dict[AttemptId, _WireCall] = {}
        self._seen: dict[AttemptId, _WireCall] = {}
        self._up: Counter[tuple[str, object]] = Counter()
        self._dnc: set[Number] = set()
        self._out_of_reach_ms = 0
        self._lost_at_ms: int | None = None

    def see(self, fact: WireFact) -> None:
        """Take the next fact."""
        match fact:
            case Asked():
                self._see_asked(fact)
            case Placed():
                self._see_placed(fact)
            case Ended():
                self._see_ended(fact)
            case OutOfReach():
                self._lost_at_ms = fact.at_ms
            case WithinReach():
                self._out_of_reach_ms = self._out_of_reach_until(fact.at_ms)
                self._lost_at_ms = None
            case Answered() | SoundBegan() | LeaseRenewed() | HandedOver():
                if (seen := self._live.get(fact.attempt_id)) is not None:
                    self._see_live(fact, seen)
            case _:
                assert_never(fact)

    def add_dnc(self, number: Number) -> None:
        """The dialer was told that the number is on the do-not-call list: from here on it is not called."""
        self._dnc.add(number)

    def verify(self, claims: Iterable[AttemptClaim], now_ms: int) -> None:
        """The run is over: hold the database's rows against the wire."""
        for seen in self._live.values():
            self._check_silence(seen, now_ms)
            self._check_lease(seen, now_ms)
        rows: dict[AttemptId, AttemptClaim] = {}
        for claim in claims:
            if claim.attempt_id in rows or claim.outcome is None:
                self._violate(Rule.OUTCOMES, now_ms, f"{claim.attempt_id} outcome {claim.outcome}")
            rows[claim.attempt_id] = claim
            seen_call = self._seen.get(claim.attempt_id)
            if claim.answered_at_ms is not None and (seen_call is None or seen_call.answered_at_ms is None):
                self._violate(Rule.UNTRUE, now_ms, f"{claim.attempt_id} was not answered")
        for attempt_id, seen in self._seen.items():
            self._check_on_disk(seen, rows.get(attempt_id))

    # --- facts -------------------------------------------------------------------------------------------------------

    def _see_asked(self, fact: Asked) -> None:
        call, at_ms = fact.call, fact.at_ms
        if call.attempt_id in self._asked:
            self._violate(Rule.ID_USED_TWICE, at_ms, call.attempt_id)
        self._asked.add(call.attempt_id)
        for rule, bucket, key in (
            (Rule.TRUNK_RATE, self._trunk_buckets.get(call.trunk.id), call.trunk.id),
            (Rule.CAMPAIGN_RATE, self._campaign_buckets.get(call.caller_id), call.caller_id),
        ):
            if bucket is None:
                self._violate(Rule.UNLIMITED, at_ms, f"{call.attempt_id} on {key}")
            elif not bucket.takes(at_ms):
                self._violate(rule, at_ms, f"{call.attempt_id} on {key}")

    def _see_placed(self, fact: Placed) -> None:
        call, at_ms = fact.call, fact.at_ms
        self.calls += 1
        if call.number in self._dnc:
            self._violate(Rule.DNC_CALLED, at_ms, f"{call.attempt_id} to {call.number}")
        trunk, campaign = self._trunks.get(call.trunk.id), self._campaigns.get(call.caller_id)
        for rule, key, most in (
            (Rule.NUMBER_TWICE, ("number", call.number), 1),
            (Rule.CONTACT_TWICE, ("contact", self._contact_of(call.number)), 1),
            (Rule.TRUNK_LINES, ("trunk", call.trunk.id), trunk.lines if trunk else 0),
            (Rule.CAMPAIGN_LINES, ("campaign", call.caller_id), campaign.lines if campaign else 0),
        ):
            self._up[key] += 1
            if self._up[key] > most:
                self._violate(rule, at_ms, f"{call.attempt_id}: {self._up[key]} on {key[1]}, at most {most}")
        self._live[call.attempt_id] = self._seen[call.attempt_id] = _WireCall(call, at_ms)

    def _see_ended(self, fact: Ended) -> None:
        seen = self._live.pop(fact.attempt_id, None)
        if seen is None:
            return
        call = seen.call
        for key in (
            ("number", call.number),
            ("contact", self._contact_of(call.number)),
            ("trunk", call.trunk.id),
            ("campaign", call.caller_id),
        ):
            self._up[key] -= 1
        self._check_silence(seen, fact.at_ms)
        self._check_lease(seen, fact.at_ms)

    def _see_live(self, fact: Answered | SoundBegan | LeaseRenewed | HandedOver, seen: _WireCall) -> None:
        match fact:
            case Answered():
                self.answered += 1
                seen.answered_at_ms = fact.at_ms
                seen.out_of_reach_ms = self._out_of_reach_until(fact.at_ms)
            case SoundBegan():
                self._check_silence(seen, fact.at_ms)
                seen.is_heard = True
            case LeaseRenewed():
                self._check_lease(seen, fact.at_ms)
                seen.lease_until_ms = fact.until_ms
            case HandedOver():
                self._check_silence(seen, fact.at_ms)
                self._check_lease(seen, fact.at_ms)
                seen.is_heard, seen.is_ours = True, False
            case _:
                assert_never(fact)

    # --- rules -------------------------------------------------------------------------------------------------------

    def _check_silence(self, seen: _WireCall, now_ms: int) -> None:
        """Time in which the dialer could do nothing does not count."""
        if seen.answered_at_ms is None or seen.is_heard:
            return
        limits = self._campaigns.get(seen.call.caller_id)
        silent_ms = now_ms - seen.answered_at_ms - (self._out_of_reach_until(now_ms) - seen.out_of_reach_ms)
        if silent_ms > (limits.silence_ms if limits else SILENCE_LIMIT_MS):
            self._violate(Rule.SILENCE, now_ms, f"{seen.call.attempt_id} for {silent_ms} ms")
            seen.is_heard = True

    def _out_of_reach_until(self, now_ms: int) -> int:
        return self._out_of_reach_ms + (0 if self._lost_at_ms is None else now_ms - self._lost_at_ms)

    def _check_lease(self, seen: _WireCall, now_ms: int) -> None:
        if not seen.is_ours or seen.lease_until_ms is None:
            return
        over_ms = now_ms - seen.lease_until_ms
        if over_ms > self._lease_grace_ms:
            self._violate(Rule.LEASE, now_ms, f"{seen.call.attempt_id} by {over_ms} ms")

    def _check_on_disk(self, seen: _WireCall, row: AttemptClaim | None) -> None:
        attempt_id = seen.call.attempt_id
        if row is None:
            self._violate(Rule.NOT_ON_DISK, seen.placed_at_ms, f"{attempt_id} has no row")
        elif row.opened_at_ms > seen.placed_at_ms:
            self._violate(Rule.NOT_ON_DISK, seen.placed_at_ms, f"{attempt_id} was opened at {row.opened_at_ms}")
        elif row.number != seen.call.number:
            self._violate(Rule.NOT_ON_DISK, seen.placed_at_ms, f"{attempt_id} is for {row.number}")

    def _violate(self, rule: Rule, at_ms: int, detail: str) -> None:
        self.violations.append(Violation(rule=rule, at_ms=at_ms, detail=detail))
