"""What single agents tell of when they will be free: the words of their desks, and how long they usually take.

A word (“closing”, a step of the script, the result) is learned by how long after it agents came free. It is believed
only as far as it has foretold better than the length of the talk alone does, on the agents seen so far: one that means
nothing changes nothing. An agent's own lengths raise or lower their chances, at the weight of what was seen of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from app.pacing.freeing import FreeOdds, row_number
from app.pacing.language import BusyAgent
from app.pacing.ringing import AHEAD
from app.pacing.tails import Floats

BIN_S: Final = 2
BINS: Final = 45
"""Free so long after a word that it is told no more apart: a minute and a half."""
PRIOR_ENDS: Final = 2.0
PRIOR_TALKS: Final = 10.0
FEWEST: Final = 12
"""Agents free after a word before it is believed."""
LEAST_SCORE: Final = 3.0
"""How much better a word must have foretold, as the logarithm of the odds of all it foretold."""
JUDGED_AT: Final = (5, 12, 20, 30)
"""Seconds ahead at which words are judged."""
MOST_OWN: Final = 2.5
LEAST_OWN: Final = 0.05
"""How far from everybody's an agent's own pace must be to matter."""
KEEP: Final = 0.995
"""What was seen of a word weighs half after 140 more of it."""
MOST_AGENTS: Final = 5_000


@dataclass(slots=True)
class _Said:
    """The latest word of an agent: since when, and what was foretold then, by the talk alone and by the word."""

    word: str
    at_ms: int
    base: tuple[float, ...]
    own: tuple[float, ...] | None


class _Word:
    """Agents who came free after a word, by time since it."""

    def __init__(self, ahead_s: Floats) -> None:
        self.ends = np.zeros(BINS)
        self.exposure_s = np.zeros(BINS)
        self.score = 0.0
        self._seen = 0.0
        """The sum of the ends."""
        self._ahead_s = ahead_s
        self._chances: Floats | None = None

    def add(self, length_s: float, *, is_end: bool) -> None:
        self.ends *= KEEP
        self.exposure_s *= KEEP
        self._seen = KEEP * self._seen + is_end
        last = min(BINS - 1, int(length_s) // BIN_S)
        self.exposure_s[:last] += BIN_S
        self.exposure_s[last] += length_s - last * BIN_S
        self.ends[last] += is_end
        self._chances = None

    @property
    def chances(self) -> Floats:
        """To be free within each of the times ahead, a row for each second since the word; the last for all later."""
        if self._chances is None:
            rate = (self.ends.sum() + 0.1) / (self.exposure_s.sum() + 6.0)
            by_second = np.repeat((self.ends + PRIOR_ENDS) / (self.exposure_s + PRIOR_ENDS / rate), BIN_S)
            beyond = np.full(1 + math.ceil(self._ahead_s[-1]), by_second[-1])
            hazard = np.concatenate([[0.0], np.cumsum(np.concatenate([by_second, beyond]))])
            since = np.arange(len(by_second) + 1)
            whole, part = np.divmod(self._ahead_s, 1.0)
            at = since[:, None] + whole.astype(np.int64)
            ahead = hazard[at] + part * (hazard[at + 1] - hazard[at])
            self._chances = -np.expm1(hazard[since, None] - ahead)
        return self._chances

    @property
    def is_believed(self) -> bool:
        return self.score >= LEAST_SCORE and self._seen >= FEWEST


class Desks:
    """All agents, and what their words have meant."""

    def __init__(self, connect_within_s: float) -> None:
        self._ahead_s = np.arange(1.0, AHEAD + 1) + connect_within_s
        self._words: dict[str, _Word] = {}
        self._said: dict[Any, _Said] = {}
        self._own: dict[Any, list[float]] = {}
        """By agent: conversations, and how many of the average length theirs would have been."""
        self._power_of: dict[Any, float] = {}
        """By agent: how much sooner than others they come free."""
        self._mean_ms = 0.0
        self._seen = 0

    def heard(self, agent_id: Any, word: str, at_ms: int, busy: BusyAgent | None, free: FreeOdds) -> None:
        """An agent's desk says something. busy: since when they are, as of the last snapshot."""
        self._leave(agent_id, at_ms)
        if (known := self._words.get(word)) is None:
            known = self._words[word] = _Word(self._ahead_s)
        base = np.zeros(len(JUDGED_AT)) if busy is None else free.chance_of(busy)[[at - 1 for at in JUDGED_AT]]
        own = tuple(known.chances[0, [at - 1 for at in JUDGED_AT]]) if known.ends.sum() >= 1 else None
        self._said[agent_id] = _Said(word, at_ms, tuple(base) if busy is not None else (), own)

    def freed(self, agent_id: Any, talk_ms: int, wrap_up_ms: int, at_ms: int) -> None:
        """An agent is ready again."""
        length_ms = talk_ms + wrap_up_ms
        self._seen += 1
        self._mean_ms += (length_ms - self._mean_ms) / min(self._seen, 500)
        own = self._own.setdefault(agent_id, [0.0, 0.0])
        own[:] = [0.98 * own[0] + 1, 0.98 * own[1] + length_ms / max(1.0, self._mean_ms)]
        self._power_of[agent_id] = self._power(*own)
        if len(self._own) > MOST_AGENTS:
            oldest = next(iter(self._own))
            del self._own[oldest], self._power_of[oldest]
        said = self._said.pop(agent_id, None)
        if said is None:
            return
        after_s = max(0.0, (at_ms - said.at_ms) / 1000)
        word = self._words[said.word]
        if said.own is not None and said.base:
            for at, base, own_chance in zip(JUDGED_AT, said.base, said.own, strict=True):
                is_hit = after_s <= self._ahead_s[at - 1]
                word.score = 0.99 * word.score + _credit(own_chance, is_hit) - _credit(base, is_hit)
        word.add(after_s, is_end=True)

    def gone(self, agent_id: Any) -> None:
        """They are not counted on any more."""
        self._said.pop(agent_id, None)

    def _leave(self, agent_id: Any, at_ms: int) -> None:
        """Another word follows: of the one before only the time is known."""
        if (said := self._said.pop(agent_id, None)) is not None:
            self._words[said.word].add(max(0.0, (at_ms - said.at_ms) / 1000), is_end=False)

    def apart(
        self, busy: Mapping[Any, BusyAgent], now_ms: int, free: FreeOdds, *, with_lengths: bool
    ) -> tuple[list[int], Floats] | None:
        """Those of whom more is known than how long they have been busy; None: nobody.

        Their rows in the tables, and what there is instead of these: −mean, variance, −third cumulant of all of them.
        """
        rows: list[int] = []
        powers: list[float] = []
        foretold: dict[str, list[tuple[int, int]]] = {}
        said_by, power_of = self._said, self._power_of if with_lengths else {}
        believed = {word for word, known in self._words.items() if known.is_believed}
        for agent_id, one in busy.items():
            power = power_of.get(agent_id, 1.0)
            said = said_by.get(agent_id)
            if said is not None and said.word in believed:
                foretold.setdefault(said.word, []).append((len(rows), (now_ms - said.at_ms) // 1000))
            elif power == 1.0:
                continue
            rows.append(row_number(one))
            powers.append(power)
        if not rows:
            return None
        chance = free.stays[rows]  # the logarithm of the chance not to be free
        chance *= np.array(powers)[:, None]
        np.expm1(chance, out=chance)
        np.negative(chance, out=chance)
        for word, places in foretold.items():
            since_s = [min(max(since, 0), BINS * BIN_S) for _, since in places]
            chance[[place for place, _ in places]] = self._words[word].chances[since_s]
        squares = chance * chance
        first, second, third = chance.sum(0), squares.sum(0), np.einsum("ij,ij->j", squares, chance)
        return rows, np.concatenate([-first, first - second, 3 * second - first - 2 * third])

    def _power(self, seen: float, lengths: float) -> float:
        """How much sooner than others an agent comes free, as a factor of the rate; 1 where that is next to nothing."""
        power = min(max((PRIOR_TALKS + seen) / (PRIOR_TALKS + lengths), 1 / MOST_OWN), MOST_OWN)
        return power if abs(power - 1) > LEAST_OWN else 1.0


def _credit(chance: float, is_hit: bool) -> float:
    """The logarithm of what was foretold of what came."""
    chance = min(max(float(chance), 0.01), 0.99)
    return math.log(chance if is_hit else 1 - chance)
