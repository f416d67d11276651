"""The memoryless world, where the best pacing there is can be computed: dynamic programming.

Calls last exponential times and are answered by chance p at their end; conversations are exponential; a person who
finds no agent free is abandoned at once; no call is cancelled. The state is agents busy and calls in flight; placing is
free and takes no time. Policy iteration finds from how many calls in flight up none is placed, by agents busy, for the
largest busy share less a price on each abandonment; the price at which the target is just met is searched for, and the
two policies around it are mixed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from app.pacing import Guard
from app.pacing.predictive import PredictivePacer
from app.pacing.tails import Floats
from app.study.contenders import our_policy
from app.study.day import HOUR_MS, plain_day
from app.study.floor import Floor

MOST_PRICE_S: Final = 2_000.0
"""Seconds of an agent's time that an abandonment may cost at most in the search."""
GUARDS: Final = (Guard.WINDOW, Guard.STRICT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimum:
    """occupancy at abandonment, both as shares of 1."""

    occupancy: float
    abandonment: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Memoryless:
    """A floor of agents; calls of mean length ring_s answered with chance answer_rate; conversations of mean talk_s."""

    answer_rate: float
    agents: int
    ring_s: float = 18.0
    talk_s: float = 140.0

    @property
    def most_calls(self) -> int:
        """Calls in flight beyond which no good policy goes."""
        return int(
            1.6 * self.agents * self.ring_s / self.talk_s / self.answer_rate + self.agents / 4 + 8 / self.answer_rate
        )

    def optimum(self, target: float = 0.03) -> Optimum:
        """The best occupancy at this abandonment."""
        low, high = 0.0, MOST_PRICE_S
        up_to = np.minimum(np.arange(self.agents, -1, -1), self.most_calls)
        bold = careful = self._solve(low, up_to)[1]
        for _ in range(18):
            price = (low + high) / 2
            up_to, got = self._solve(price, up_to)
            if got.abandonment > target:
                low, bold = price, got
            else:
                high, careful = price, got
        part = (target - careful.abandonment) / max(1e-12, bold.abandonment - careful.abandonment)
        part = min(max(part, 0.0), 1.0)
        return Optimum(
            occupancy=careful.occupancy + part * (bold.occupancy - careful.occupancy),
            abandonment=careful.abandonment + part * (bold.abandonment - careful.abandonment),
        )

    def _solve(self, price_s: float, up_to: np.ndarray) -> tuple[np.ndarray, Optimum]:
        """Policy iteration from this policy on."""
        for _ in range(60):
            value, got = self._evaluate(up_to, price_s)
            better = value.argmax(axis=1)
            if np.array_equal(better, up_to):
                break
            up_to = better
        return up_to, got

    def _evaluate(self, up_to: np.ndarray, price_s: float) -> tuple[Floats, Optimum]:
        """The relative value of having r calls in flight with b agents busy until the next event, and the shares.

        Solves for expected busy time, abandonments and time until a state of reference is met again: the system is
        block tridiagonal in the number of busy agents, so elimination by blocks is cheap. The reference has everybody
        busy: a floor of thirty is never seen with nobody busy, and times of e³⁰ would drown everything else.
        """
        n, most = self.agents, self.most_calls
        ring, end = 1 / self.ring_s, 1 / self.talk_s
        r = np.arange(most + 1)
        fewer = np.maximum(r - 1, 0)
        reference = int(min(up_to[n], most))
        upper: list[Floats] = []
        solved: list[Floats] = []
        for b in range(n + 1):
            here = np.diag(r * ring + b * end)
            more, less = np.zeros_like(here), np.zeros_like(here)
            np.add.at(here, (r, np.maximum(fewer, up_to[b])), -r * ring * (1 - self.answer_rate))
            above = min(b + 1, n)
            np.add.at(more if b < n else here, (r, np.maximum(fewer, up_to[above])), -r * ring * self.answer_rate)
            if b:
                np.add.at(less, (r, np.maximum(r, up_to[b - 1])), -b * end)
            right = np.stack(
                [np.full(most + 1, b / n), r * ring * self.answer_rate * (b == n), np.ones(most + 1)], axis=1
            )
            if b == 0:  # with no call in flight and nobody busy nothing ever happens: as good as placing at once
                here[0], more[0], right[0] = 0.0, 0.0, 0.0
                here[0, 0], here[0, up_to[0]] = 1.0, -1.0
            if b == n:
                once = (here[reference].copy(), less[reference].copy(), right[reference].copy())
                here[reference], less[reference], right[reference] = 0.0, 0.0, 0.0
                here[reference, reference] = 1.0
            if b:
                here = here - less @ upper[-1]
                right = right - less @ solved[-1]
            factors = np.linalg.solve(here, np.concatenate([more, right], axis=1))
            upper.append(factors[:, : most + 1])
            solved.append(factors[:, most + 1 :])
        parts = [solved[n]]
        for b in range(n - 1, -1, -1):
            parts.append(solved[b] - upper[b] @ parts[-1])
        totals = np.stack(parts[::-1])  # by busy, in flight: busy share, abandonments, time until the reference
        cycle = once[2] - once[0] @ totals[n] - once[1] @ totals[n - 1]
        busy, abandoned = float(cycle[0] / cycle[2]), float(cycle[1] / cycle[2])
        gain = busy - price_s / n * abandoned
        value = totals[:, :, 0] - price_s / n * totals[:, :, 1] - gain * totals[:, :, 2]
        value[0, 0] = -np.inf
        served = busy * n * end
        return value, Optimum(occupancy=busy, abandonment=abandoned / (abandoned + served))


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorylessRow:
    """Ours beside the optimum, by guard: occupancy (mean of the seeds), its part of the optimum, abandonment of all."""

    answer_rate: float
    agents: int
    hours: float
    seeds: tuple[int, ...]
    optimum: float
    reached: dict[str, float]
    part: dict[str, float]
    abandonment: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        guards = "".join(
            f" {100 * self.reached[guard]:9.2f} {100 * self.part[guard]:8.2f} {100 * self.abandonment[guard]:8.2f}"
            for guard in self.reached
        )
        return f"p={self.answer_rate:<4} N={self.agents:<4} {100 * self.optimum:8.2f}{guards}"


MEMORYLESS_HEADER: Final = f"{'world':<13} {'optimum':>8}" + "".join(
    f" {guard.value + ' %':>9} {'of opt.':>8} {'aband.':>8}" for guard in GUARDS
)


def measure_memoryless(world: Memoryless, seeds: tuple[int, ...], hours: float) -> MemorylessRow:
    """Ours in this world beside the optimum. It meets the target on the whole (window guard), as the optimum does."""
    day = plain_day(
        world.answer_rate, world.agents, is_memoryless=True, ring_s=world.ring_s, talk_s=world.talk_s,
        connect_within_ms=0, length_ms=int(hours * HOUR_MS),
    )  # fmt: skip
    optimum = world.optimum().occupancy
    reached, abandonment = {}, {}
    for guard in GUARDS:
        policy = our_policy(day, guard, min_ring_ms=None)
        played = [Floor(day, seed, PredictivePacer(policy)).play() for seed in seeds]
        reached[guard.value] = round(sum(one.occupancy for one in played) / len(played), 5)
        answered = sum(one.answered for one in played)
        abandonment[guard.value] = round(sum(one.abandoned for one in played) / max(1, answered), 5)
    return MemorylessRow(
        answer_rate=world.answer_rate,
        agents=world.agents,
        hours=hours,
        seeds=seeds,
        optimum=round(optimum, 5),
        reached=reached,
        part={guard: round(occupancy / optimum, 5) for guard, occupancy in reached.items()},
        abandonment=abandonment,
    )
