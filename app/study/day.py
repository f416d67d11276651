"""A day to be played: its list and its floor, what becomes of every call and talk, and what the day came to.

World of the study: post-dial delay 2 s, then a gamma ring (shape 3, mean 10 s) to a person's answer; otherwise, counted
from the moment the call is placed, no answer in 25–30 s (55%), a machine at about 24 s (30%), busy in 2–5 s (15%).
Talk is lognormal (120 s, cv 1), wrap-up lognormal (20 s, cv 0.7). A person not with an agent within 2 s is abandoned.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from app.pacing.language import CallEnd
from app.study.telling import Telling

HOUR_MS: Final = 3_600_000
MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day to be played.

    answer_rate: chance that a person answers, by the time the call is placed: ((from_ms, chance), …).
    agents: how many are signed in: ((from_ms, agents), …). outages: stretches in which every call fails at once.
    beside: the answer rates of further campaigns, served by the same agents over the same lines.
    told: what lists and lines tell of their calls.
    do_agents_tell: agents who are to go and still talk are known, and no longer counted among those who come free;
    otherwise whoever comes free next goes, and nobody knows before.
    agents_differ: how far agents differ in how long they take, as the deviation of its logarithm.
    """

    answer_rate: tuple[tuple[int, float], ...]
    agents: tuple[tuple[int, int], ...]
    outages: tuple[tuple[int, int], ...] = ()
    beside: tuple[tuple[tuple[int, float], ...], ...] = ()
    told: frozenset[Telling] = frozenset()
    do_agents_tell: bool = False
    agents_differ: float = 0.0
    length_ms: int = 8 * HOUR_MS
    lines: int = 5_000
    connect_within_ms: int = 2_000
    is_memoryless: bool = False
    talk_s: float = 120.0
    talk_cv: float = 1.0
    wrap_up_s: float = 20.0
    wrap_up_cv: float = 0.7
    post_dial_delay_s: float = 2.0
    ring_s: float = 10.0
    tick_ms: int = 500
    least_gap_ms: int = 0
    """Decisions after events are at least this far apart (large floors: 100 ms); 0: after every event."""


CHUNK: Final = 4096


class Fates:
    """What becomes of the n-th call and the n-th conversation: the same for every pacer with the same seed."""

    def __init__(self, day: Day, seed: int, campaign: int = 0) -> None:
        self._day = day
        self._calls = np.random.default_rng([seed, 1 + 2 * campaign])
        self._talks = np.random.default_rng([seed, 2 + 2 * campaign])
        self.luck: list[float] = []
        self.answer_ms: list[int] = []
        self.end_ms: list[int] = []
        self.end: list[CallEnd] = []
        self.talk_ms: list[int] = []
        self.wrap_up_ms: list[int] = []

    def more_calls(self) -> None:
        rng, day = self._calls, self._day
        self.luck += rng.random(CHUNK).tolist()
        if day.is_memoryless:
            answer = rng.exponential(day.ring_s, CHUNK)
            end = rng.exponential(day.ring_s, CHUNK)
            kinds = [CallEnd.NO_ANSWER] * CHUNK
        else:
            answer = day.post_dial_delay_s + rng.gamma(3.0, day.ring_s / 3, CHUNK)
            kind = rng.random(CHUNK)
            end = np.where(
                kind < 0.55,
                rng.uniform(25, 30, CHUNK),
                np.where(kind < 0.85, rng.normal(24, 1, CHUNK), rng.uniform(2, 5, CHUNK)),
            )
            kinds = [
                CallEnd.NO_ANSWER if x < 0.55 else CallEnd.MACHINE if x < 0.85 else CallEnd.BUSY for x in kind.tolist()
            ]
        self.answer_ms += np.maximum(1, answer * 1000).astype(int).tolist()
        self.end_ms += np.maximum(1, end * 1000).astype(int).tolist()
        self.end += kinds

    def more_talks(self) -> None:
        rng, day = self._talks, self._day
        if day.is_memoryless:
            self.talk_ms += np.maximum(1, rng.exponential(day.talk_s * 1000, CHUNK)).astype(int).tolist()
            self.wrap_up_ms += [0] * CHUNK
            return
        for lengths, mean, cv in (
            (self.talk_ms, day.talk_s, day.talk_cv),
            (self.wrap_up_ms, day.wrap_up_s, day.wrap_up_cv),
        ):
            sigma = math.sqrt(math.log(1 + cv * cv))
            lengths += (
                np.maximum(1, 1000 * mean * np.exp(sigma * rng.standard_normal(CHUNK) - sigma**2 / 2))
                .astype(int)
                .tolist()
            )


@dataclass(slots=True, kw_only=True)
class DayResult:
    """What a day of a campaign came to.

    worked_ms: talk and wrap-up; talked_ms: talk; signed_in_ms: of all agents, whomever they serve; line_ms: of calls in
    flight; most_lines: calls in flight, waiting and with agents at one time, of all campaigns.
    """

    worked_ms: int = 0
    talked_ms: int = 0
    signed_in_ms: int = 0
    attempts: int = 0
    answered: int = 0
    connected: int = 0
    abandoned: int = 0
    cancelled: int = 0
    line_ms: int = 0
    most_lines: int = 0
    history: list[tuple[int, int, int]] = field(default_factory=list)
    """At each end of a wait: when, answered so far, abandoned so far."""

    @property
    def occupancy(self) -> float:
        return self.worked_ms / self.signed_in_ms if self.signed_in_ms else 0.0

    @property
    def talk_minutes_an_hour(self) -> float:
        """Minutes an agent talks in an hour signed in."""
        return 60 * self.talked_ms / self.signed_in_ms if self.signed_in_ms else 0.0

    @property
    def abandonment(self) -> float:
        return self.abandoned / self.answered if self.answered else 0.0

    @property
    def attempts_per_connection(self) -> float:
        return self.attempts / max(1, self.connected)

    def worst_running(self, from_ms: int = 30 * MINUTE_MS, to_ms: int = 10**12) -> float:
        return max((ab / an for at, an, ab in self.history if from_ms <= at <= to_ms and an), default=0.0)

    def between(self, from_ms: int, to_ms: int) -> float:
        """Abandoned of answered in a stretch."""
        before, last = (0, 0), (0, 0)
        for at, an, ab in self.history:
            if at < from_ms:
                before = (an, ab)
            if at < to_ms:
                last = (an, ab)
        answered = last[0] - before[0]
        return (last[1] - before[1]) / answered if answered > 0 else 0.0

    def worst_stretch(self, stretch_ms: int = 5 * MINUTE_MS) -> float:
        """Abandoned of answered in the worst stretch of this length, wherever it begins."""
        worst, first = 0.0, 0
        before = [(0, 0, 0), *self.history]
        for at, an, ab in self.history:
            while before[first + 1][0] <= at - stretch_ms:
                first += 1
            if at >= stretch_ms and an > before[first][1]:
                worst = max(worst, (ab - before[first][2]) / (an - before[first][1]))
        return worst


def plain_day(answer_rate: float, agents: int, **changes: Any) -> Day:
    """A day of the study: one answer rate, one number of agents."""
    changes.setdefault("least_gap_ms", 0 if agents <= 30 else 100)
    return Day(answer_rate=((0, answer_rate),), agents=((0, agents),), **changes)
