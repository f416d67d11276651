"""The law's part of the checker on the wire: whose clock allowed the call, and how often somebody was rung before.

Written apart from `app.compliance`: hours and caps as a person would read them off a statute, asked of the wire alone.
A call counts when the phone rang or was answered, whatever the dialer learned of it.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from app.commands import PlaceCall
from app.sim.facts import Answered, Placed, Rang, WireFact
from app.sim.rules import Rule
from app.units import DAY_MS, AttemptId, Number

Violate = Callable[[Rule, int, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """At most so many calls to a number: since a local midnight so many days back, or within so many milliseconds.

    of_week: since the Monday of the callee's week.
    """

    most: int
    rolling_ms: int | None = None
    of_week: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Statute:
    """What a law says. hours: by ISO weekday (1 Monday), the stretches that are allowed, in minutes after midnight."""

    hours: Mapping[int, tuple[tuple[int, int], ...]]
    caps: tuple[Cap, ...] = ()


def _every_day(*stretches: tuple[int, int]) -> dict[int, tuple[tuple[int, int], ...]]:
    return dict.fromkeys(range(1, 8), stretches)


STATUTES: Final = {
    "careful": Statute(hours=_every_day((9 * 60, 20 * 60))),
    "us_fl": Statute(hours=_every_day((8 * 60, 20 * 60)), caps=(Cap(most=3, rolling_ms=DAY_MS),)),
    "ru_debt_230fz": Statute(
        hours=_every_day((8 * 60, 22 * 60)) | dict.fromkeys((6, 7), ((9 * 60, 20 * 60),)),
        caps=(Cap(most=2), Cap(most=4, of_week=True)),
    ),
}
"""Profiles of app/compliance/profiles, as far as recorded messages to people of no country come under them."""


class LawRules:
    """Takes facts in order of time; tells each call that should not have been made.

    statutes: by the number a campaign shows, all of which must allow. zone_of: where who has this number lives (IANA).
    """

    def __init__(
        self, statutes: Mapping[str, tuple[Statute, ...]], zone_of: Callable[[Number], str], violate: Violate
    ) -> None:
        self._statutes = statutes
        self._zone_of = zone_of
        self._violate = violate
        self._placed: dict[AttemptId, tuple[Number, int]] = {}
        self._rung: defaultdict[Number, dict[AttemptId, int]] = defaultdict(dict)

    def see(self, fact: WireFact) -> None:
        """Take the next fact; those that are no concern of the law pass by."""
        match fact:
            case Placed():
                self._see_placed(fact.call, fact.at_ms)
            case Rang() | Answered():
                number, placed_at_ms = self._placed.get(fact.attempt_id, (None, 0))
                if number is not None:
                    self._rung[number].setdefault(fact.attempt_id, placed_at_ms)
            case _:
                pass

    def _see_placed(self, call: PlaceCall, at_ms: int) -> None:
        self._placed[call.attempt_id] = call.number, at_ms
        zone = ZoneInfo(self._zone_of(call.number))
        local = dt.datetime.fromtimestamp(at_ms / 1_000, tz=zone)
        before = sorted(self._rung[call.number].values())
        for statute in self._statutes.get(call.caller_id, ()):
            minute = local.hour * 60 + local.minute
            if not any(begin <= minute < end for begin, end in statute.hours.get(local.isoweekday(), ())):
                self._violate(
                    Rule.OUT_OF_HOURS, at_ms, f"{call.attempt_id} to {call.number} at {local:%a %H:%M:%S} there"
                )
            for cap in statute.caps:
                count = len(before) - bisect_left(before, _since_ms(cap, local, at_ms))
                if count >= cap.most:
                    self._violate(
                        Rule.OVER_CAP,
                        at_ms,
                        f"{call.attempt_id} to {call.number}, rung {count} times, at most {cap.most}",
                    )


def _since_ms(cap: Cap, local: dt.datetime, at_ms: int) -> int:
    if cap.rolling_ms is not None:
        return at_ms - cap.rolling_ms + 1
    day = local.date() - dt.timedelta(days=local.weekday() if cap.of_week else 0)
    midnight = dt.datetime(day.year, day.month, day.day, tzinfo=local.tzinfo)
    return int(midnight.timestamp() * 1_000)
