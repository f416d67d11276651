"""What is known of single calls: features beforehand, signals on the line. How much each is worth is learned.

A call's odds of being a person are those of an average call of its age, times what its words have meant so far: for
each word, how often it was said of calls that a person answered, and how often of others (naive Bayes). Words
together are not counted in full: their evidence is divided by the root of their number. One that means nothing
converges to odds of one and changes nothing.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from app.pacing.tails import Floats

PRIOR_CALLS: Final = 20.0
"""Calls of a word before its odds are half believed."""
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
        self._said: dict[str, list[float]] = {}
        """By word: of calls answered, of calls ended otherwise."""
        self._all = [0.0, 0.0]

    def placed(self, call_id: Any, features: tuple[str, ...]) -> None:
        if features:
            self._words[call_id] = tuple(dict.fromkeys(features))
            if len(self._words) > KEPT:
                del self._words[next(iter(self._words))]

    def heard(self, call_id: Any, signal: str) -> None:
        words = self._words.get(call_id, ())
        if signal not in words:
            self._words[call_id] = (*words, signal)
            self._heard[call_id] = (*self._heard.get(call_id, ()), signal)

    def ended(self, call_id: Any, *, is_person: bool | None) -> None:
        """Learn from the end of a call; None: nobody knows what would have become of it."""
        words = self._words.pop(call_id, ())
        self._heard.pop(call_id, None)
        if is_person is None:
            return
        side = 0 if is_person else 1
        self._all[side] += 1
        self._learn(words, side)
        if sum(self._all) > 4 * FADE_AT:
            self._all = [self._all[0] / 2, self._all[1] / 2]

    def failed(self, call_id: Any) -> None:
        """A trunk failed it: what was known before says nothing, what was heard until then was no person's."""
        self._words.pop(call_id, None)
        self._learn(self._heard.pop(call_id, ()), 1)

    def _learn(self, words: tuple[str, ...], side: int) -> None:
        for word in words:
            said = self._said.setdefault(word, [0.0, 0.0])
            said[side] += 1
            if sum(said) > FADE_AT:
                said[:] = [said[0] / 2, said[1] / 2]

    def evidence(self, words: tuple[str, ...]) -> float:
        """The logarithm of the odds these words give a call, against the average call."""
        answered, ended = self._all
        if not answered or not ended:
            return 0.0
        total = 0.0
        base = math.log(answered / ended)
        for word in words:
            said = self._said.get(word)
            if said is None:
                continue
            count = said[0] + said[1]
            share = answered / (answered + ended)
            odds = (said[0] + 4 * share) / (said[1] + 4 * (1 - share))
            total += (math.log(odds) - base) * count / (count + PRIOR_CALLS)
        return min(max(total / math.sqrt(max(1, len(words))), -MOST_EVIDENCE), MOST_EVIDENCE)

    def odds(self, calls: Any, count: int) -> Floats | None:
        """Against the average, for each of these calls; None when no word is known of any: all ones."""
        if not self._words:
            return None
        known = [self._words.get(call) for call in calls]
        if not any(known):
            return None
        memory: dict[tuple[str, ...], float] = {}
        odds = np.ones(count)
        for i, words in enumerate(known):
            if words:
                if words not in memory:
                    memory[words] = math.exp(self.evidence(words))
                odds[i] = memory[words]
        return odds
