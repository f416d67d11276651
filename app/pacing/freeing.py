"""When agents come free: how talks and wrap-ups end, by how long they have lasted, learned online."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from app.pacing.language import BusyAgent
from app.pacing.ringing import AHEAD, HALF_LIFE_S, counts
from app.pacing.tails import Floats

TALK_BIN_S: Final = 10
TALK_BINS: Final = 72
"""Talks longer than 12 minutes count as this long."""
WRAP_BIN_S: Final = 3
WRAP_BINS: Final = 60
TALK_ROW_S: Final = 5
_TALK_ROW_MS: Final = 1000 * TALK_ROW_S
TALK_ROWS: Final = TALK_BINS * TALK_BIN_S // TALK_ROW_S
WRAP_ROWS: Final = WRAP_BINS * WRAP_BIN_S
ROWS: Final = TALK_ROWS + WRAP_ROWS
"""Rows of the tables: talks by age in 5 s, then wrap-ups by age in seconds."""
PRIOR_TALKS: Final = 4.0
PRIOR_TALK_S: Final = 180.0
PRIOR_WRAP_S: Final = 30.0
LEAST_STAYING: Final = 1e-15
"""The chance not to be free is never taken for less."""


ENDS_REMEMBERED: Final = 6.0
"""Agents who came free over which it is noticed that they leave instead."""


class Staying:
    """Of the agents who come free, how many stay: at a lunch break or the end of a shift they leave in a bunch.

    Told from the number of agents alone: an agent less is one who left, an agent freed and none less one who stayed.
    """

    def __init__(self) -> None:
        self.chance = 1.0
        self._agents = 0
        self._freed = 0

    def freed(self) -> None:
        """An agent came free, and either stays or leaves."""
        self._freed += 1

    def look(self, agents: int) -> None:
        """So many agents are on the floor now."""
        left = max(0, self._agents - agents)
        came = max(0, agents - self._agents)
        stayed = max(0, self._freed - left) + came
        keep = 1 - 1 / ENDS_REMEMBERED
        self.chance *= keep**left
        self.chance = 1 - (1 - self.chance) * keep**stayed
        self._agents, self._freed = agents, 0

    def thin(self, freed: Floats) -> Floats:
        """−mean, variance, −third of agents coming free, of whom some leave."""
        if self.chance > 1 - 1e-3:
            return freed
        mean, variance = -freed[:AHEAD], freed[AHEAD : 2 * AHEAD]
        squares = mean - variance
        stay = self.chance
        return np.concatenate([-stay * mean, stay * mean - stay**2 * squares, stay * freed[2 * AHEAD :]])


class _Ends:
    """Ends and exposure by age, in bins of some seconds; the prior is a constant rate."""

    def __init__(self, bin_s: int, bins: int, prior_s: float) -> None:
        self._bin_s = bin_s
        self._last = bins - 1
        self._prior_s = prior_s
        self._ends = np.zeros(bins)
        self._exposure_s = np.zeros(bins)

    def add(self, length_ms: int) -> None:
        length_s = length_ms / 1000
        last = min(self._last, int(length_s) // self._bin_s)
        self._exposure_s[:last] += self._bin_s
        self._exposure_s[last] += length_s - last * self._bin_s
        self._ends[last] += 1

    def as_json(self) -> dict[str, Any]:
        return {"ends": self._ends.tolist(), "exposure_s": self._exposure_s.tolist()}

    def take_up(self, written: dict[str, Any]) -> None:
        self._ends, self._exposure_s = counts(written, "ends", "exposure_s", length=self._last + 1)

    def fade(self, keep: float) -> None:
        self._ends *= keep
        self._exposure_s *= keep

    @property
    def seen(self) -> float:
        return float(self._ends.sum())

    def per_second(self, ages_s: Any) -> Floats:
        """The chance per second to end, by bin; ages_s: those that go on now."""
        exposure_s = self._exposure_s
        if len(ages_s):
            bins = np.minimum(ages_s.astype(np.int64) // self._bin_s, self._last)
            here = np.bincount(bins, minlength=self._last + 1)
            beyond = here[::-1].cumsum()[::-1] - here
            into = np.bincount(bins, weights=ages_s - bins * self._bin_s, minlength=self._last + 1)
            exposure_s = exposure_s + beyond * self._bin_s + into
        # A bin with few ends leans on all: the overall rate, itself leaning on the prior, at the weight of two ends.
        overall = (self._ends.sum() + PRIOR_TALKS) / (exposure_s.sum() + PRIOR_TALKS * self._prior_s)
        return np.asarray((self._ends + 2.0) / (exposure_s + 2.0 / overall))


def row_number(one: BusyAgent) -> int:
    """Where an agent stands in the tables."""
    if one.is_wrapping:
        return TALK_ROWS + min(one.for_ms // 1000, WRAP_ROWS - 1)
    return min(one.for_ms // _TALK_ROW_MS, TALK_ROWS - 1)


class FreeOdds:
    """Learns from agents that came free; tells how many of those talking and wrapping up will be, and when."""

    def __init__(self, connect_within_s: float) -> None:
        self._within = round(connect_within_s)
        self._talk = _Ends(TALK_BIN_S, TALK_BINS, PRIOR_TALK_S)
        self._wrap = _Ends(WRAP_BIN_S, WRAP_BINS, PRIOR_WRAP_S)
        self._as_of_ms = 0
        self.chances = np.zeros((ROWS, 3 * AHEAD))
        """By row, within 1 … AHEAD s and the time to connect: −chance to be free, its variance, −its third cumulant."""
        self._stays: Floats | None = None
        self.refresh(0, (), ())

    @property
    def stays(self) -> Floats:
        """By row, the logarithm of the chance not to be free: computed when it is asked for."""
        if self._stays is None:
            self._stays = np.log1p(np.maximum(self.chances[:, :AHEAD], LEAST_STAYING - 1))
        return self._stays

    def ahead(self, talking_ms: Sequence[int], wrapping_ms: Sequence[int], without: Sequence[int] = ()) -> Floats:
        """Of these agents, how many come free by 1 … AHEAD s and the time to connect: −mean, variance, −third.

        without: rows of those among them who are counted elsewhere.
        """
        talks = np.array(talking_ms, dtype=np.int64) // (1000 * TALK_ROW_S)
        counts = np.bincount(np.minimum(talks, TALK_ROWS - 1), minlength=ROWS)
        if len(wrapping_ms):
            wraps = np.array(wrapping_ms, dtype=np.int64) // 1000
            counts += np.bincount(np.minimum(wraps, WRAP_ROWS - 1) + TALK_ROWS, minlength=ROWS)
        if without:
            counts = counts - np.bincount(without, minlength=ROWS)
        return np.asarray(counts @ self.chances)

    def row_of(self, one: BusyAgent) -> Floats:
        """−chance, variance, −third cumulant of one agent."""
        return np.asarray(self.chances[row_number(one)])

    def chance_of(self, one: BusyAgent) -> Floats:
        """The chance of one agent to be free within 1 … AHEAD s and the time to connect."""
        return np.asarray(-self.row_of(one)[:AHEAD])

    def freed(self, talk_ms: int, wrap_up_ms: int) -> None:
        self._talk.add(talk_ms)
        self._wrap.add(wrap_up_ms)

    @property
    def seen(self) -> float:
        """Talks the estimate rests on."""
        return self._talk.seen

    def refresh(self, now_ms: int, talking_ms: Sequence[int], wrapping_ms: Sequence[int]) -> None:
        """Compute the table anew, from the ends that were counted and the talks and wrap-ups that go on."""
        talking_s, wrapping_s = np.array(talking_ms) / 1000, np.array(wrapping_ms) / 1000
        elapsed_s = min(3600.0, (now_ms - self._as_of_ms) / 1000) if self._as_of_ms else 0.0
        self._as_of_ms = now_ms
        keep = 0.5 ** (elapsed_s / (2 * HALF_LIFE_S))
        self._talk.fade(keep)
        self._wrap.fade(keep)
        span = AHEAD + self._within
        wrap = np.repeat(self._wrap.per_second(wrapping_s), WRAP_BIN_S)
        wrap = np.concatenate([wrap, np.full(span, wrap[-1])])
        hazard = np.concatenate([[0.0], np.cumsum(wrap)])
        ahead = np.arange(1 + self._within, span + 1)
        rows = np.arange(WRAP_ROWS)[:, None]
        wrap_free = 1 - np.exp(hazard[rows] - hazard[rows + ahead])
        wrapped = 1 - np.exp(-hazard[: span + 1])  # by 0 … span seconds after the talk
        talk = np.repeat(self._talk.per_second(talking_s), TALK_BIN_S)
        talk = np.concatenate([talk, np.full(span + 1, talk[-1])])
        hazard = np.concatenate([[0.0], np.cumsum(talk)])
        starts = TALK_ROW_S * np.arange(TALK_ROWS)[:, None] + 2  # the middle of the row
        stays = np.exp(hazard[starts] - hazard[starts + np.arange(span + 1)])
        ends = stays[:, :-1] - stays[:, 1:]
        # ends[:, j] in second j ahead; then the wrap-up has ahead − j − ½ seconds
        left = ahead[None, :] - np.arange(span)[:, None]
        done = np.where(left > 0, 0.5 * (wrapped[np.maximum(left, 0)] + wrapped[np.maximum(left - 1, 0)]), 0.0)
        talk_free = ends @ done
        chance = np.concatenate([talk_free, wrap_free])
        self._stays = None
        self.chances[:, :AHEAD] = -chance
        self.chances[:, AHEAD : 2 * AHEAD] = chance * (1 - chance)
        self.chances[:, 2 * AHEAD :] = -chance * (1 - chance) * (1 - 2 * chance)

    def as_json(self) -> dict[str, Any]:
        return {"talk": self._talk.as_json(), "wrap_up": self._wrap.as_json()}

    def take_up(self, written: dict[str, Any]) -> None:
        """Go on from what `as_json` wrote. Raises ValueError, KeyError or TypeError when it is something else."""
        self._talk.take_up(written["talk"])
        self._wrap.take_up(written["wrap_up"])
