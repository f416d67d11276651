"""What is known of single calls: features beforehand, signals on the line. How much each is worth is learned.

A call's odds of being a person are those of an average call of its age, times what its words have meant so far: for
each word, how often it was said of calls that a person answered, and how often of others (naive Bayes). Words
together are not counted in full, for they may say the same: their evidence is divided by the root of their number.
Once these very words were said together of many calls, it is what became of those that counts. A word that means
nothing converges to odds of one and changes nothing. Silence is a word too: where lines do tell something, a call of
which nothing was heard for three seconds is known to be quiet.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from app.pacing.tails import Floats

QUIET: Final = "nothing heard yet"
QUIET_MS: Final = 3_000
"""A call is known to be quiet when its line has told nothing for so long."""
MOST_TOGETHER: Final = 2_000
"""Sets of words that are remembered: the latest."""
MOST_EVIDENCE: Final = 3.0
"""Odds are at most e³ up or down."""
KEPT: Final = 20_000
FADE_AT: Final = 5_000.0
"""Counts are halved when a word was said of so many calls."""


class CallSignals:
    """The words of calls in flight, and what words have meant."""

    def __init__(self) -> None:
        self._words: dict[Any, tuple[str, ...]] = {}
        self._heard: dict[Any, tuple[str, ...]] = {}
        """Those of its words that were said on the line."""
        self._placed_ms: dict[Any, int] = {}
        self._do_lines_tell = False
        """Whether anything was ever heard on a line: or else none is quiet."""
        self._said: dict[str, list[float]] = {}
        """By word: of calls answered, of calls ended otherwise."""
        self._together: dict[tuple[str, ...], list[float]] = {}
        """The same by all words of a call, at each time in its life."""
        self._all = [0.0, 0.0]

    def placed(self, call_id: Any, features: tuple[str, ...], at_ms: int) -> None:
        self._placed_ms[call_id] = at_ms
        if len(self._placed_ms) > KEPT:
            del self._placed_ms[next(iter(self._placed_ms))]
        if features:
            self._words[call_id] = tuple(dict.fromkeys(features))
            if len(self._words) > KEPT:
                del self._words[next(iter(self._words))]

    def heard(self, call_id: Any, signal: str, at_ms: int) -> None:
        self._do_lines_tell = True
        self._notice_quiet(call_id, at_ms - self._placed_ms.get(call_id, at_ms))
        self._add(call_id, signal)

    def _add(self, call_id: Any, signal: str) -> None:
        words = self._words.get(call_id, ())
        if signal not in words:
            self._words[call_id] = (*words, signal)
            self._heard[call_id] = (*self._heard.get(call_id, ()), signal)

    def _notice_quiet(self, call_id: Any, age_ms: int) -> None:
        """It is a word of this call that it was quiet, when nothing was heard of it until this age."""
        if self._do_lines_tell and age_ms >= QUIET_MS and call_id not in self._heard:
            self._add(call_id, QUIET)

    def ended(self, call_id: Any, ring_ms: int, *, is_person: bool | None) -> None:
        """Learn from the end of a call; None: nobody knows what would have become of it."""
        if call_id in self._placed_ms:
            self._notice_quiet(call_id, ring_ms)
            del self._placed_ms[call_id]
        words = self._words.pop(call_id, ())
        heard = len(self._heard.pop(call_id, ()))
        if is_person is None:
            return
        side = 0 if is_person else 1
        self._all[side] += 1
        self._learn(words, side)
        for known in range(len(words) - heard, len(words) + 1):
            if known:
                self._learn_together(words[:known], side)
        if sum(self._all) > 4 * FADE_AT:
            self._all = [self._all[0] / 2, self._all[1] / 2]

    def failed(self, call_id: Any) -> None:
        """A trunk failed it: what was known before says nothing, what was heard until then was no person's."""
        self._words.pop(call_id, None)
        self._placed_ms.pop(call_id, None)
        self._learn(self._heard.pop(call_id, ()), 1)

    def _learn(self, words: tuple[str, ...], side: int) -> None:
        for word in words:
            said = self._said.setdefault(word, [0.0, 0.0])
            said[side] += 1
            if sum(said) > FADE_AT:
                said[:] = [said[0] / 2, said[1] / 2]

    def _learn_together(self, words: tuple[str, ...], side: int) -> None:
        said = self._together.pop(words, None) or [0.0, 0.0]
        said[side] += 1
        if sum(said) > FADE_AT:
            said = [said[0] / 2, said[1] / 2]
        self._together[words] = said  # the latest last
        if len(self._together) > MOST_TOGETHER:
            del self._together[next(iter(self._together))]

    def evidence(self, words: tuple[str, ...]) -> float:
        """The logarithm of the odds these words give a call, against the average call."""
        answered, ended = self._all
        if not answered or not ended:
            return 0.0
        base = math.log(answered / ended)
        total = sum(self._beyond_chance(self._said.get(word), base) for word in words) / math.sqrt(max(1, len(words)))
        total += self._beyond_chance(self._together.get(words), base + total)
        return min(max(total, -MOST_EVIDENCE), MOST_EVIDENCE)

    def _beyond_chance(self, said: list[float] | None, expected: float) -> float:
        """How far the logarithm of odds of calls of which this was said is from what was expected.

        Less what chance alone may make of it (James and Stein, 1961): noise is nothing, and what is plain is kept.
        """
        if said is None:
            return 0.0
        share = self._all[0] / (self._all[0] + self._all[1])
        answered, ended = said[0] + 4 * share, said[1] + 4 * (1 - share)
        away = math.log(answered / ended) - expected
        variance = 1 / answered + 1 / ended
        return away * max(0.0, 1 - variance / away**2) if away else 0.0

    def odds(self, ages_ms: Mapping[Any, int]) -> Floats | None:
        """Against the average, for each of these calls; None when no word is known of any: all ones."""
        if self._do_lines_tell:
            for call, age_ms in ages_ms.items():
                if call in self._placed_ms:
                    self._notice_quiet(call, age_ms)
        if not self._words:
            return None
        known = [self._words.get(call) for call in ages_ms]
        if not any(known):
            return None
        memory: dict[tuple[str, ...], float] = {}
        odds = np.ones(len(known))
        for i, words in enumerate(known):
            if words:
                if words not in memory:
                    memory[words] = math.exp(self.evidence(words))
                odds[i] = memory[words]
        return odds
