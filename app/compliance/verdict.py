"""Every rule in turn, with its verdict: the one place that decides, and the words that say why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, assert_never

from app.compliance.caps import cold_until, is_looked_at, tally
from app.compliance.rules import (
    Basis,
    Callee,
    ConsentRule,
    CooldownRule,
    FrequencyRule,
    PastCall,
    Profile,
    Rolling,
    Rule,
    Verdict,
    WindowRule,
)
from app.compliance.windows import local_date, opens, spans_of_day
from app.compliance.zones import Place, place_of, zone
from app.units import DAY_MS

ZONE_RULE: Final = "zone"
_ZONE_BASIS: Final = Basis(source="nobody is called whose time of day is not known")
HORIZON_MS: Final = 400 * DAY_MS
"""What is not allowed within so long is said never to be."""
_EASTMOST: Final = dt.timezone(dt.timedelta(hours=14))
Said = tuple[bool, str, int | None]


def judge(
    profiles: Iterable[Profile], callee: Callee, history: Sequence[PastCall], instant_ms: int
) -> tuple[Verdict, ...]:
    """What every rule of these profiles says of calling then; the call may be made when all allow it.

    So the strictest of several profiles wins. A rule that two of them inherit is asked once. The first verdict is
    whether the callee's zone is known, which holds without any profile.
    """
    place = place_of(callee)
    verdicts = [_of_zone(place, instant_ms)]
    asked: set[tuple[str, str]] = set()
    for profile in profiles:
        for owner, rule in profile.owned:
            if (owner, rule.id) not in asked:
                asked.add((owner, rule.id))
                is_allowed, why, from_ms = _said(rule, callee, place, history, instant_ms)
                verdicts.append(
                    Verdict(
                        profile=owner,
                        rule=rule.id,
                        is_allowed=is_allowed,
                        why=why,
                        basis=rule.basis,
                        from_ms=from_ms,
                    )
                )
    return tuple(verdicts)


def is_allowed(verdicts: Iterable[Verdict]) -> bool:
    """Whether all of them allow the call."""
    return all(verdict.is_allowed for verdict in verdicts)


def next_allowed(
    profiles: Sequence[Profile], callee: Callee, history: Sequence[PastCall], instant_ms: int
) -> int | None:
    """The first instant from `instant_ms` on that every rule allows, if no call is made until then.

    None: waiting does not help, or not within HORIZON_MS.
    """
    at_ms = instant_ms
    while at_ms <= instant_ms + HORIZON_MS:
        later = at_ms
        for verdict in judge(profiles, callee, history, at_ms):
            if verdict.from_ms is None:
                return None
            later = max(later, verdict.from_ms)
        if later == at_ms:
            return at_ms
        at_ms = later
    return None


def _of_zone(place: Place, at_ms: int) -> Verdict:
    if not place.zones:
        why = f"time zone unknown: {place.why}"
    elif len(place.zones) == 1:
        why = f"{_clock(place.zones[0], at_ms)}, from {place.why}"
    else:
        clocks = sorted(_clock(name, at_ms) for name in place.zones)
        why = f"{len(clocks)} possible zones, from {place.why}; all must allow: {clocks[0]} … {clocks[-1]}"
    known = bool(place.zones)
    return Verdict(
        profile="",
        rule=ZONE_RULE,
        is_allowed=known,
        why=why,
        basis=_ZONE_BASIS,
        from_ms=at_ms if known else None,
    )


def _said(rule: Rule, callee: Callee, place: Place, history: Sequence[PastCall], at_ms: int) -> Said:
    match rule:
        case WindowRule():
            return _of_window(rule, place, at_ms)
        case FrequencyRule():
            return _of_frequency(rule, callee, place, history, at_ms)
        case CooldownRule():
            return _of_cooldown(rule, callee, place, history, at_ms)
        case ConsentRule():
            return _of_consent(rule, callee, place, at_ms)
        case _ as never:
            assert_never(never)


def _of_window(rule: WindowRule, place: Place, at_ms: int) -> Said:
    if not place.zones:
        return False, "the time of day is not known", None
    opened = opens(rule, place, at_ms)
    if opened == at_ms:
        return True, f"within {'; '.join(_hours_of_day(rule, place, at_ms))}", at_ms
    hours = "; ".join(_hours_of_day(rule, place, at_ms))
    if opened is None:
        return False, f"outside {hours}, and the hours of all possible zones do not meet", None
    return False, f"outside {hours}; opens {_say(place, opened)}", opened


def _of_frequency(rule: FrequencyRule, callee: Callee, place: Place, history: Sequence[PastCall], at_ms: int) -> Said:
    if not is_looked_at(rule, callee):
        return True, f"not asked of a {callee.kind.value} call", at_ms
    count, from_ms = tally(rule, callee, place, history, at_ms)
    period = rule.period.text if isinstance(rule.period, Rolling) else f"a {rule.period.value}"
    same = " and ".join(sorted(key.value for key in rule.keys))
    figure = f"{count} of at most {rule.most} calls in {period} to the same {same}"
    if from_ms == at_ms:
        return True, figure, at_ms
    if from_ms is None:
        return False, f"{figure}; not by waiting", None
    return False, f"{figure}; from {_say(place, from_ms)}", from_ms


def _of_cooldown(rule: CooldownRule, callee: Callee, place: Place, history: Sequence[PastCall], at_ms: int) -> Said:
    until = cold_until(rule, callee, history)
    rest = f"{rule.period.text} of rest after {rule.after.value}"
    if until is None:
        waived = rule.unless_agent and callee.agent_guaranteed
        return True, f"{rest}: {'an agent is guaranteed' if waived else 'there was none'}", at_ms
    if until <= at_ms:
        return True, f"{rest}: over", at_ms
    return False, f"{rest}; from {_say(place, until)}", until


def _of_consent(rule: ConsentRule, callee: Callee, place: Place, at_ms: int) -> Said:
    if exempt := _exempt(rule, callee, place, at_ms):
        return True, exempt, at_ms
    if rule.needs is None:
        return False, f"{'autodialed ' if rule.only_autodialed else ''}calls of this kind are forbidden", None
    if callee.consent >= rule.needs:
        return True, f"needs {rule.needs.label} consent, given: {callee.consent.label}", at_ms
    return False, f"needs {rule.needs.label} consent, given: {callee.consent.label}", None


def _exempt(rule: ConsentRule, callee: Callee, place: Place, at_ms: int) -> str:
    """Why the rule is not asked of this call; "" where it is."""
    if callee.kind not in rule.kinds:
        return f"not asked of a {callee.kind.value} call"
    if rule.only_autodialed and not callee.is_autodialed:
        return "a person dials it"
    if rule.only_mobile and not place.may_be_mobile:
        return "not a mobile number"
    if rule.from_date and _latest_date(place, at_ms) < dt.date.fromisoformat(rule.from_date):
        return f"asked from {rule.from_date} on"
    return ""


def _latest_date(place: Place, at_ms: int) -> dt.date:
    """The date of the possible clock that is furthest ahead."""
    if not place.zones:
        return dt.datetime.fromtimestamp(at_ms // 1_000, tz=_EASTMOST).date()
    return max(local_date(name, at_ms) for name in place.zones)


def _hours_of_day(rule: WindowRule, place: Place, at_ms: int) -> Iterator[str]:
    """The hours of the day that it is, for each date that a possible clock shows."""
    for day in sorted({local_date(name, at_ms) for name in place.zones}):
        spans = spans_of_day(rule, day, place)
        hours = ", ".join(f"{_minute(begin)}–{_minute(end)}" for begin, end in spans) or "no hour"
        yield f"{hours} of {day:%A} {day.isoformat()}"


def _minute(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _say(place: Place, at_ms: int) -> str:
    """An instant on a callee's clock; where several are possible, on the one furthest behind."""
    if not place.zones:
        return f"{dt.datetime.fromtimestamp(at_ms // 1_000, tz=dt.UTC):%Y-%m-%d %H:%M} UTC"
    clocks = sorted(_clock(name, at_ms) for name in place.zones)
    shown = {clock.partition(" in ")[0] for clock in clocks}
    return f"{shown.pop()} of their clock" if len(clocks) > 1 and len(shown) == 1 else clocks[0]


def _clock(name: str, at_ms: int) -> str:
    return f"{dt.datetime.fromtimestamp(at_ms // 1_000, tz=zone(name)):%Y-%m-%d %H:%M} in {name}"
