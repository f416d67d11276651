"""A checker beside the wire: sees every call the network saw and counts what must never be.

It knows the rules and the limits an operator set, not the dialer, nor its database; what the database says at the end
is taken as claims to verify. Each rule is a safety property: one violation is one too many.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, assert_never

from app.agents import DialingMode
from app.commands import PlaceCall
from app.sim.abandonment import AbandonmentRules
from app.sim.facts import (
    Answered,
    Asked,
    Ended,
    HandedOver,
    Hears,
    LeaseRenewed,
    OutOfReach,
    PhoneGone,
    PhoneRung,
    Placed,
    Sound,
    SoundBegan,
    WireFact,
    WithinReach,
)
from app.sim.floor_rules import FloorRules
from app.sim.law import LawRules, Statute
from app.sim.rules import LEASE_GRACE_MS, SILENCE_LIMIT_MS, AttemptClaim, Limits, Rule, Violation
from app.units import SECOND_MS, AttemptId, LegId, Number, TrunkId

NO_STATUTES: Final[Mapping[str, tuple[Statute, ...]]] = {}


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
    """The checker's count of such time when the silence began."""
    silent_since_ms: int | None = None
    """Since when the person hears nothing though they should; None: they do, or need not."""
    is_ours: bool = True


class WireChecker:
    """Takes facts in order of time (`see`) and, at the end, the database's claims (`verify`); gathers `violations`.

    trunks: limits by trunk. campaigns: limits by the number shown to the called (each campaign shows one of its own).
    contact_of: who is reached at a number. statutes, zone_of: what campaigns come under, and where people live (see
    app.sim.law).
    """

    def __init__(
        self,
        *,
        trunks: Mapping[TrunkId, Limits],
        campaigns: Mapping[str, Limits],
        contact_of: Callable[[Number], object] = lambda number: number,
        lease_grace_ms: int = LEASE_GRACE_MS,
        statutes: Mapping[str, tuple[Statute, ...]] = NO_STATUTES,
        zone_of: Callable[[Number], str] = lambda number: "UTC",
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
        self._parties: dict[LegId, TrunkId] = {}
        self._floor = FloorRules(campaigns, self._violate)
        self._abandonment = AbandonmentRules(campaigns, self._violate)
        self._law = LawRules(statutes, zone_of, self._violate) if statutes else None

    def see(self, fact: WireFact) -> None:
        """Take the next fact."""
        self._floor.see(fact)
        self._abandonment.see(fact)
        if self._law is not None:
            self._law.see(fact)
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
            case Answered() | SoundBegan() | Hears() | LeaseRenewed() | HandedOver():
                if (seen := self._live.get(fact.attempt_id)) is not None:
                    self._see_live(fact, seen)
            case PhoneRung() | PhoneGone():
                self._see_party(fact)
            case _:
                pass  # the floor's own rules

    def add_dnc(self, number: Number) -> None:
        """The dialer was told that the number is on the do-not-call list: from here on it is not called."""
        self._dnc.add(number)

    def drop_dnc(self, number: Number) -> None:
        """Only who cannot say so now knows that it is on the list."""
        self._dnc.discard(number)

    def verify(self, claims: Iterable[AttemptClaim], now_ms: int, *, has_stepped: bool = False) -> None:
        """The run is over: hold the database's rows against the wire.

        has_stepped: the database's times are not the wire's.
        """
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
            self._check_on_disk(seen, rows.get(attempt_id), has_stepped=has_stepped)

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
            self._take(rule, key, most, at_ms, call.attempt_id)
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

    def _see_party(self, fact: PhoneRung | PhoneGone) -> None:
        """A third party takes a line of the trunk, as any call does."""
        if isinstance(fact, PhoneGone):
            if (trunk_id := self._parties.pop(fact.leg_id, None)) is not None:
                self._up["trunk", trunk_id] -= 1
        elif fact.trunk_id is not None:
            if fact.number in self._dnc:
                self._violate(Rule.DNC_CALLED, fact.at_ms, f"{fact.leg_id} to {fact.number}")
            self._parties[fact.leg_id] = fact.trunk_id
            trunk = self._trunks.get(fact.trunk_id)
            self._take(Rule.TRUNK_LINES, ("trunk", fact.trunk_id), trunk.lines if trunk else 0, fact.at_ms, fact.leg_id)

    def _take(self, rule: Rule, key: tuple[str, object], most: int, at_ms: int, whose: str) -> None:
        self._up[key] += 1
        if self._up[key] > most:
            self._violate(rule, at_ms, f"{whose}: {self._up[key]} on {key[1]}, at most {most}")

    def _see_live(self, fact: Answered | SoundBegan | Hears | LeaseRenewed | HandedOver, seen: _WireCall) -> None:
        match fact:
            case Answered():
                self.answered += 1
                seen.answered_at_ms = fact.at_ms
                self._begin_silence(seen, fact.at_ms)
            case Hears(sound=Sound.SILENCE):
                if self._is_never_silent(seen) and seen.silent_since_ms is None:
                    self._begin_silence(seen, fact.at_ms)
            case SoundBegan() | Hears():
                self._check_silence(seen, fact.at_ms)
                seen.silent_since_ms = None
            case LeaseRenewed():
                self._check_lease(seen, fact.at_ms)
                seen.lease_until_ms = fact.until_ms
            case HandedOver():
                self._check_silence(seen, fact.at_ms)
                self._check_lease(seen, fact.at_ms)
                seen.silent_since_ms, seen.is_ours = None, False
            case _:
                assert_never(fact)

    # --- rules -------------------------------------------------------------------------------------------------------

    def _is_never_silent(self, seen: _WireCall) -> bool:
        limits = self._campaigns.get(seen.call.caller_id)
        return limits is not None and limits.mode is not DialingMode.BROADCAST

    def _begin_silence(self, seen: _WireCall, at_ms: int) -> None:
        seen.silent_since_ms, seen.out_of_reach_ms = at_ms, self._out_of_reach_until(at_ms)

    def _check_silence(self, seen: _WireCall, now_ms: int) -> None:
        """Time in which the dialer could do nothing does not count."""
        if seen.silent_since_ms is None:
            return
        limits = self._campaigns.get(seen.call.caller_id)
        silent_ms = now_ms - seen.silent_since_ms - (self._out_of_reach_until(now_ms) - seen.out_of_reach_ms)
        if silent_ms > (limits.silence_ms if limits else SILENCE_LIMIT_MS):
            self._violate(Rule.SILENCE, now_ms, f"{seen.call.attempt_id} for {silent_ms} ms")
            seen.silent_since_ms = None

    def _out_of_reach_until(self, now_ms: int) -> int:
        return self._out_of_reach_ms + (0 if self._lost_at_ms is None else now_ms - self._lost_at_ms)

    def _check_lease(self, seen: _WireCall, now_ms: int) -> None:
        if not seen.is_ours or seen.lease_until_ms is None:
            return
        over_ms = now_ms - seen.lease_until_ms
        if over_ms > self._lease_grace_ms:
            self._violate(Rule.LEASE, now_ms, f"{seen.call.attempt_id} by {over_ms} ms")

    def _check_on_disk(self, seen: _WireCall, row: AttemptClaim | None, *, has_stepped: bool) -> None:
        attempt_id = seen.call.attempt_id
        if row is None:
            self._violate(Rule.NOT_ON_DISK, seen.placed_at_ms, f"{attempt_id} has no row")
        elif row.opened_at_ms > seen.placed_at_ms and not has_stepped:
            self._violate(Rule.NOT_ON_DISK, seen.placed_at_ms, f"{attempt_id} was opened at {row.opened_at_ms}")
        elif row.number != seen.call.number:
            self._violate(Rule.NOT_ON_DISK, seen.placed_at_ms, f"{attempt_id} is for {row.number}")

    def _violate(self, rule: Rule, at_ms: int, detail: str) -> None:
        self.violations.append(Violation(rule=rule, at_ms=at_ms, detail=detail))
