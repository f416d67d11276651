"""Several profiles as one law, asked about one callee after another: may they be called now, else from when.

What is decided of somebody who was never called before holds for everybody at the same place with the same consent, so
it is worked out once and kept while it holds: fifty thousand people who sleep cost little more than one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.compliance.rules import (
    Calendar,
    Callee,
    CallKind,
    Consent,
    ConsentRule,
    CooldownRule,
    FrequencyRule,
    PastCall,
    Profile,
    Rule,
    Verdict,
    WindowRule,
)
from app.compliance.verdict import is_allowed, judge, next_allowed
from app.compliance.windows import closes
from app.compliance.zones import Place, place_of, zone
from app.units import DAY_MS, HOUR_MS

LOOK_AHEAD_MS: Final = DAY_MS
"""How far ahead the end of what is allowed is looked for."""
_KEPT_MS: Final = HOUR_MS
"""How long "never" is kept: a day may come on which a rule begins or ends."""
_MOST_KEPT: Final = 10_000
_REACH: Final = {Calendar.DAY: 2 * DAY_MS, Calendar.WEEK: 9 * DAY_MS, Calendar.MONTH: 33 * DAY_MS}
"""How far back a period of some callee's calendar may begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the law says of one call. from_ms: the first instant that every rule allows, from the one asked about on.

    None: waiting does not help. until_ms: allowed up to then, without it; LOOK_AHEAD_MS at the most; None: not now.
    """

    from_ms: int | None
    until_ms: int | None = None

    @property
    def is_allowed(self) -> bool:
        """Whether the call may be made now."""
        return self.until_ms is not None


_Kind = tuple[Place, CallKind, Consent, bool, bool]


class Law:
    """The rules of these profiles. Decisions are kept inside; the same question has the same answer."""

    def __init__(self, profiles: Sequence[Profile]) -> None:
        self.profiles = tuple(profiles)
        self.rules: tuple[Rule, ...] = tuple(
            {(owner, rule.id): rule for p in profiles for owner, rule in p.owned}.values()
        )
        self._kept: dict[_Kind, tuple[int, int, Decision]] = {}

    @property
    def reach_ms(self) -> int:
        """How far back calls are looked at; 0: nothing of the past matters."""
        return max((_reach_ms(rule) for rule in self.rules), default=0)

    def judge(self, callee: Callee, history: Sequence[PastCall], at_ms: int) -> tuple[Verdict, ...]:
        """Every rule with its verdict; see app.compliance.verdict."""
        return judge(self.profiles, callee, history, at_ms)

    def decide(self, callee: Callee, history: Sequence[PastCall], at_ms: int) -> Decision:
        """May be called at `at_ms`, and until when, if nobody calls meanwhile; else from when."""
        if history:
            return self._decide(callee, history, at_ms)
        place = place_of(callee)
        kind = (place, callee.kind, callee.consent, callee.is_autodialed, callee.agent_guaranteed)
        kept = self._kept.get(kind)
        if kept is not None and kept[0] <= at_ms < kept[1]:
            return replace(kept[2], from_ms=at_ms) if kept[2].is_allowed else kept[2]
        decision = self._decide(callee, (), at_ms)
        until_ms = decision.until_ms or decision.from_ms or at_ms + _KEPT_MS
        if until_ms == at_ms + LOOK_AHEAD_MS:  # it goes on: look ahead again before that is near
            until_ms = at_ms + _KEPT_MS
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[kind] = (at_ms, until_ms, decision)
        return decision

    def _decide(self, callee: Callee, history: Sequence[PastCall], at_ms: int) -> Decision:
        from_ms = next_allowed(self.profiles, callee, history, at_ms)
        if from_ms != at_ms:
            return Decision(from_ms=from_ms)
        return Decision(from_ms=at_ms, until_ms=self._allowed_until(callee, at_ms))

    def _allowed_until(self, callee: Callee, at_ms: int) -> int:
        """The first instant after `at_ms` that a rule forbids: hours and coming days do; caps and rests wear off."""
        place = place_of(callee)
        until_ms = at_ms + LOOK_AHEAD_MS
        for rule in self.rules:
            match rule:
                case WindowRule():
                    until_ms = closes(rule, place, at_ms, until_ms)
                case ConsentRule(from_date=date) if date:
                    begins_ms = min((one for one in _begins(date, place) if one > at_ms), default=until_ms)
                    if begins_ms < until_ms and not is_allowed(judge(self.profiles, callee, (), begins_ms)):
                        until_ms = begins_ms
                case _:
                    pass
        return until_ms


def _reach_ms(rule: Rule) -> int:
    match rule:
        case CooldownRule():
            return rule.period.length_ms
        case FrequencyRule(period=Calendar() as period):
            return _REACH[period]
        case FrequencyRule():
            assert not isinstance(rule.period, Calendar)
            return rule.period.length_ms
        case _:
            return 0


def _begins(date: str, place: Place) -> Iterator[int]:
    """When a day begins in each zone of a place."""
    day = dt.date.fromisoformat(date)
    for name in place.zones:
        yield int(dt.datetime(day.year, day.month, day.day, tzinfo=zone(name)).timestamp() * 1_000)
