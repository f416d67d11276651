"""Whether and when a person answers: competing risks by the age of a call, learned online.

At each age a call in flight may be answered by a person or end some other way. Both chances are counts over exposure:
answers at this age over the seconds calls have spent at this age, calls still ringing included. So the estimate is
honest from the first second, when only the quick ends are known.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from app.pacing.tails import Floats

AGES: Final = 64
"""Ages in seconds that are told apart; older calls count as this old."""
HALVES: Final = 2 * AGES
AHEAD: Final = 32
"""Seconds the pacer looks ahead."""
HALF_LIFE_S: Final = 25 * 60.0
PRIOR_CHANCE: Final = 0.7
PRIOR_CALLS: Final = 8.0
FAST_PRIOR: Final = 8.0
FAST_MEMORIES: Final = (15.0, 60.0)
"""Answers expected over which the list is watched for a jump, at least."""
IN_FLIGHT_MEMORY: Final = 3.0
"""And so many times those expected of calls in flight."""
UNREMARKABLE: Final = 1.0
REMARKABLE: Final = 2.0
"""Standard deviations up to which more or fewer answers are taken for chance, and from which for a change."""

_AT = np.minimum(np.arange(HALVES)[:, None] + 2 * np.arange(1, AHEAD + 1)[None, :], HALVES)


def _prior() -> tuple[Floats, Floats, Floats]:
    """Answers, other ends and exposure of the calls we pretend to have seen: most answered, around 10 s, some later."""
    age = np.arange(AGES) + 0.5
    answered = age**2 * np.exp(-age / 4.0)
    answered *= PRIOR_CALLS * PRIOR_CHANCE / answered.sum()
    ended = np.where((age > 20) & (age < 40), 1.0, 0.05)
    ended *= PRIOR_CALLS * (1 - PRIOR_CHANCE) / ended.sum()
    gone = np.cumsum(answered + ended)
    return answered, ended, PRIOR_CALLS - gone + 0.5 * (answered + ended) + 1e-3


def counts(written: dict[str, Any], *names: str, length: int) -> list[Floats]:
    """Arrays of counts as they were written. Raises ValueError unless each has this length and no value below 0."""
    arrays = [np.array(written[name], dtype=np.float64) for name in names]
    for name, array in zip(names, arrays, strict=True):
        if array.shape != (length,) or not np.all(np.isfinite(array)) or np.any(array < 0):
            raise ValueError(f"{name} must be {length} counts of at least 0")
    return arrays


class AnswerOdds:
    """Learns from calls that were answered or ended; tells how many people will answer, and when."""

    def __init__(self) -> None:
        self._prior_answered, self._prior_ended, self._prior_exposure = _prior()
        self._answered = np.zeros(AGES)
        self._ended = np.zeros(AGES)
        self._exposure = np.zeros(AGES)
        self._lately = [[0.0, 0.0] for _ in FAST_MEMORIES]
        self._as_of_ms = 0
        self.chances = np.zeros((HALVES, 3 * AHEAD))
        """By age in half seconds: the chance of an answer within 1 … AHEAD s, its variance, its third cumulant."""
        self.powers = np.zeros((2, HALVES, AHEAD))
        """The chances, squared and cubed."""
        self._cumulative = np.zeros(HALVES + 1)
        """By age in half seconds: answers expected of a call until then, before the fast correction."""
        self._in_flight_expected = 0.0
        self.refresh(0, np.zeros(HALVES, dtype=np.int64))

    def as_json(self) -> dict[str, Any]:
        return {
            "answered": self._answered.tolist(),
            "ended": self._ended.tolist(),
            "exposure": self._exposure.tolist(),
        }

    def take_up(self, written: dict[str, Any]) -> None:
        """Go on from what `as_json` wrote. Raises ValueError, KeyError or TypeError when it is something else."""
        self._answered, self._ended, self._exposure = counts(written, "answered", "ended", "exposure", length=AGES)

    def answered(self, ring_ms: int) -> None:
        age = min(AGES - 1, ring_ms // 1000)
        self._expose(ring_ms)
        self._answered[age] += 1
        for lately in self._lately:
            lately[0] += 1
        self._expect(ring_ms)

    def ended(self, ring_ms: int, *, is_cancelled: bool) -> None:
        self._expose(ring_ms)
        self._expect(ring_ms)
        if not is_cancelled:
            self._ended[min(AGES - 1, ring_ms // 1000)] += 1

    def _expose(self, ring_ms: int) -> None:
        age = ring_ms // 1000
        if age >= AGES:
            self._exposure += 1
            return
        self._exposure[:age] += 1
        self._exposure[age] += (ring_ms % 1000) / 1000

    def _expect(self, ring_ms: int) -> None:
        """A call rang for this long: so many answers were to be expected of it."""
        expected = float(self._cumulative[min(HALVES, ring_ms // 500)])
        for lately, least in zip(self._lately, FAST_MEMORIES, strict=True):
            memory = max(least, IN_FLIGHT_MEMORY * self._in_flight_expected)  # or what rings outweighs what was seen
            lately[1] += expected
            if lately[1] > memory:
                lately[0] *= memory / lately[1]
                lately[1] = memory

    @property
    def correction(self) -> float:
        """Answers lately over answers expected, of calls still ringing too: catches a jump of the answer rate.

        Of a short memory and a long one the more surprising is believed, and only as far as it is no chance.
        """
        ratio, surprise = 1.0, 0.0
        for seen, resolved in self._lately:
            expected = resolved + self._in_flight_expected
            deviation = abs(seen - expected) / math.sqrt(FAST_PRIOR + expected)
            if deviation > surprise:
                ratio, surprise = (FAST_PRIOR + seen) / (FAST_PRIOR + expected), deviation
        belief = min(max((surprise - UNREMARKABLE) / (REMARKABLE - UNREMARKABLE), 0.0), 1.0)
        return float(ratio**belief)

    def ahead(self, halves: Any, odds: Floats) -> Floats:
        """People who will answer of calls of these ages, each with its own odds: mean, variance, third cumulant.

        A call still in flight is a person's with the chance P of its age; at odds o it is o P / (1 − P + o P).
        """
        person = self.chances[halves, AHEAD - 1]
        weight = odds / (1 - person + odds * person)
        first = np.bincount(halves, weight, HALVES) @ self.chances[:, :AHEAD]
        second = np.bincount(halves, weight**2, HALVES) @ self.powers[0]
        third = np.bincount(halves, weight**3, HALVES) @ self.powers[1]
        return np.concatenate([first, first - second, first - 3 * second + 2 * third])

    def rows(self, halves: Any, odds: Floats | None) -> Floats:
        """The same of each call by itself, a row for each."""
        if odds is None:
            return np.asarray(self.chances[halves])
        person = self.chances[halves, AHEAD - 1]
        chance = (odds / (1 - person + odds * person))[:, None] * self.chances[halves, :AHEAD]
        variance = chance * (1 - chance)
        return np.concatenate([chance, variance, variance * (1 - 2 * chance)], axis=1)

    @property
    def seen(self) -> float:
        """Answers the estimate rests on."""
        return float(self._answered.sum())

    def refresh(self, now_ms: int, in_flight: Any) -> None:
        """Compute the tables anew, from all that was counted and the calls still in flight."""
        elapsed_s = min(3600.0, (now_ms - self._as_of_ms) / 1000) if self._as_of_ms else 0.0
        self._as_of_ms = now_ms
        keep = 0.5 ** (elapsed_s / HALF_LIFE_S)
        for kept in (self._answered, self._ended, self._exposure):
            kept *= keep
        by_second = in_flight.reshape(AGES, 2).sum(axis=1)
        still = by_second[::-1].cumsum()[::-1] - 0.5 * by_second
        exposure = self._exposure + self._prior_exposure + still
        person = np.repeat((self._answered + self._prior_answered) / exposure, 2)
        other = np.repeat((self._ended + self._prior_ended) / exposure, 2)
        np.cumsum(0.5 * person, out=self._cumulative[1:])
        self._in_flight_expected = float(in_flight @ self._cumulative[:-1])
        person = person * self.correction
        both = person + other
        stays = np.exp(-0.5 * both)
        alive = np.empty(HALVES + 1)
        alive[0] = 1.0
        np.cumprod(stays, out=alive[1:])
        answered = np.empty(HALVES + 1)
        answered[0] = 0.0
        np.cumsum(alive[:-1] * (1 - stays) * person / both, out=answered[1:])
        chance = (answered[_AT] - answered[:HALVES, None]) / np.maximum(alive[:HALVES, None], 1e-12)
        self.chances[:, :AHEAD] = chance
        np.multiply(chance, chance, out=self.powers[0])
        np.multiply(self.powers[0], chance, out=self.powers[1])
        self.chances[:, AHEAD : 2 * AHEAD] = chance * (1 - chance)
        self.chances[:, 2 * AHEAD :] = chance * (1 - chance) * (1 - 2 * chance)
