"""What is known of single calls: features beforehand, signals on the line. How much each is worth is learned.

A call's odds of being a person are those of an average call of its age, times what its words have meant so far: for
each word, how often a person answered calls of which it was said, and how often others ended (naive Bayes). Words
together are not counted in full, for they may say the same: their evidence is divided by the root of their number.
Once these very words were said together of many calls, it is what became of those that counts. A word that means
nothing converges to odds of one and changes nothing. Silence is a word too: where lines do tell something, a call of
which nothing was heard for three seconds is known to be quiet.

What words mean is counted by the age of calls, for it is calls of the same age they are compared with: a phone that
rings is no busy one, but after five seconds no other call in flight is either, and that it rings tells less.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from app.pacing.ringing import AGES, HALVES
from app.pacing.tails import Floats

QUIET: Final = "nothing heard yet"
QUIET_MS: Final = 3_000
"""A call is known to be quiet when its line has told nothing for so long."""
MOST_TOGETHER: Final = 2_000
"""Sets of words that are remembered: the latest."""
READY: Final = 32
"""Sets of words whose odds are reckoned together, before a call has them."""
MOST_EVIDENCE: Final = 3.0
"""Odds are at most e³ up or down."""
FIRST_AGE: Final = 5
"""Seconds after which few calls end at once: what words mean is learned of those that last longer."""
KEPT: Final = 20_000
FADE_AT: Final = 5_000.0
"""Counts are halved when a word was said of so many calls."""


class _Fates:
    """Of calls: how many a person answered, and how many ended otherwise, by the second at which they did."""

    def __init__(self) -> None:
        self._by_age = np.zeros((2, AGES))
        self._calls = 0.0

    def add(self, age: int, side: int) -> None:
        """One more: side 0 was answered, 1 was not."""
        self._by_age[side, age] += 1
        self._calls += 1
        if self._calls > FADE_AT:
            self._by_age /= 2
            self._calls /= 2

    @property
    def beyond(self) -> Floats:
        """Answered and otherwise ended at each age or later."""
        return np.asarray(self._by_age[:, ::-1].cumsum(axis=1)[:, ::-1])


class CallSignals:
    """The words of calls in flight, and what words have meant."""

    def __init__(self) -> None:
        self._words: dict[Any, tuple[str, ...]] = {}
        self._heard: dict[Any, tuple[str, ...]] = {}
        """Those of its words that were said on the line."""
        self._placed_ms: dict[Any, int] = {}
        self._unheard: dict[Any, int] = {}
        """Placed when, by call of which nothing was heard, the oldest first."""
        self._do_lines_tell = False
        """Whether anything was ever heard on a line: or else none is quiet."""
        self._said: dict[str, _Fates] = {}
        self._together: dict[tuple[str, ...], _Fates] = {}
        """The same by all words of a call, at each time in its life."""
        self._all = _Fates()
        self._base: Floats | None = None
        """Of all calls, answered and otherwise ended at each age or later; as of the last refresh, as what follows."""
        self._row_of: dict[tuple[str, ...], int] = {(): 0}
        self._table = np.ones((1, HALVES))
        """Odds by age in half seconds, a row for the words of some call."""

    def refresh(self) -> None:
        """Reckon anew with what was counted since the last time."""
        self._base = None
        self._row_of, self._table = {(): 0}, self._table[:1]

    def placed(self, call_id: Any, features: tuple[str, ...], at_ms: int) -> None:
        self._placed_ms[call_id] = self._unheard[call_id] = at_ms
        if len(self._placed_ms) > KEPT:
            oldest = next(iter(self._placed_ms))
            del self._placed_ms[oldest]
            self._unheard.pop(oldest, None)
        if features:
            self._words[call_id] = tuple(dict.fromkeys(features))
            if len(self._words) > KEPT:
                del self._words[next(iter(self._words))]

    def heard(self, call_id: Any, signal: str, at_ms: int) -> None:
        self._do_lines_tell = True
        self._notice_quiet(call_id, at_ms - self._placed_ms.get(call_id, at_ms))
        self._add(call_id, signal)

    def _add(self, call_id: Any, signal: str) -> None:
        self._unheard.pop(call_id, None)
        words = self._words.get(call_id, ())
        if signal not in words:
            self._words[call_id] = (*words, signal)
            self._heard[call_id] = (*self._heard.get(call_id, ()), signal)

    def _notice_quiet(self, call_id: Any, age_ms: int) -> None:
        """It is a word of this call that it was quiet, when nothing was heard of it until this age."""
        if self._do_lines_tell and age_ms >= QUIET_MS and call_id in self._unheard:
            self._add(call_id, QUIET)

    def ended(self, call_id: Any, ring_ms: int, *, is_person: bool | None) -> None:
        """Learn from the end of a call; None: nobody knows what would have become of it."""
        if call_id in self._placed_ms:
            self._notice_quiet(call_id, ring_ms)
            del self._placed_ms[call_id]
            self._unheard.pop(call_id, None)
        words = self._words.pop(call_id, ())
        heard = len(self._heard.pop(call_id, ()))
        if is_person is None:
            return
        side, age = (0 if is_person else 1), min(AGES - 1, ring_ms // 1000)
        self._all.add(age, side)
        for word in words:
            self._said.setdefault(word, _Fates()).add(age, side)
        for known in range(len(words) - heard, len(words) + 1):
            if known:
                self._learn_together(words[:known], age, side)

    def failed(self, call_id: Any, ring_ms: int) -> None:
        """A trunk failed it: what was known before says nothing, what was heard until then was no person's."""
        for known in (self._words, self._placed_ms, self._unheard):
            known.pop(call_id, None)
        for word in self._heard.pop(call_id, ()):
            self._said.setdefault(word, _Fates()).add(min(AGES - 1, ring_ms // 1000), 1)

    def _learn_together(self, words: tuple[str, ...], age: int, side: int) -> None:
        fates = self._together.pop(words, None) or _Fates()
        fates.add(age, side)
        self._together[words] = fates  # the latest last
        if len(self._together) > MOST_TOGETHER:
            del self._together[next(iter(self._together))]

    def evidence(self, words: tuple[str, ...]) -> Floats:
        """The logarithm of the odds these words give a call of each age in seconds, against the average one of it."""
        return np.asarray(self._evidence([words])[0])

    def _evidence(self, sets: Sequence[tuple[str, ...]]) -> Floats:
        if self._base is None:
            self._base = self._all.beyond
        answered, ended = self._base
        if not answered[0] or not ended[0]:
            return np.zeros((len(sets), AGES))
        share = (answered + answered[0] / (answered[0] + ended[0])) / (answered + ended + 1)
        base = np.log(share / (1 - share))
        said = dict.fromkeys(word for words in sets for word in words if word in self._said)
        place = {word: at for at, word in enumerate(said)}
        alone = _beyond_chance([self._said[word] for word in place], share, base)
        holds = np.zeros((len(sets), len(place)))
        for row, words_of in enumerate(sets):
            for word in words_of:
                if word in place:
                    holds[row, place[word]] = 1 / math.sqrt(len(words_of))
        total = holds @ alone
        known = [row for row, words_of in enumerate(sets) if words_of in self._together]
        fates = [self._together[sets[row]] for row in known]
        total[known] += _beyond_chance(fates, share, base + total[known])
        return np.asarray(np.clip(total, -MOST_EVIDENCE, MOST_EVIDENCE))

    def odds(self, ages_ms: Mapping[Any, int], halves: Any, now_ms: int) -> Floats | None:
        """Against the average, for each of these calls; None when no word is known of any: all ones.

        halves: their ages in half seconds, as far as those are told apart.
        """
        if self._do_lines_tell:
            quiet = []
            for call, placed_ms in self._unheard.items():
                if now_ms - placed_ms < QUIET_MS:
                    break
                quiet.append(call)
            for call in quiet:
                self._add(call, QUIET)
        if not self._words:
            return None
        said = [self._words.get(call, ()) for call in ages_ms]
        if not any(said):
            return None
        if new := [words for words in dict.fromkeys(said) if words not in self._row_of]:
            if len(self._row_of) == 1:  # the first since they were reckoned anew: then all that may be needed, at once
                lately = list(self._together)[-READY:]
                new = list(dict.fromkeys((*new, *lately)))
            self._row_of |= {words: len(self._table) + place for place, words in enumerate(new)}
            self._table = np.concatenate([self._table, np.repeat(np.exp(self._evidence(new)), 2, axis=1)])
        return np.asarray(self._table[[self._row_of[words] for words in said], halves])


def _beyond_chance(fates: Sequence[_Fates], share: Floats, expected: Floats) -> Floats:
    """How far the logarithm of odds of such calls is from what was expected, a row for each, by age.

    Less what chance alone may make of it (James and Stein, 1961): noise is nothing, and what is plain is kept. First of
    all calls that lasted a few seconds; and then of those of each age, as far as they differ.
    share: of calls of an age that are answered on the whole.
    """
    if not fates:
        return np.zeros((0, AGES))
    counted = np.stack([one.beyond for one in fates])
    answered = counted[:, 0] + 4 * share
    ended = counted[:, 1] + 4 * (1 - share)
    away = np.log(answered / ended) - expected
    variance = 1 / answered + 1 / ended
    at_first = _shrunk(away[:, FIRST_AGE, None], variance[:, FIRST_AGE, None])
    return np.asarray(at_first + _shrunk(away - at_first, variance))


def _shrunk(away: Floats, variance: Floats) -> Floats:
    return np.asarray(away * np.maximum(0.0, 1 - variance / np.maximum(away**2, 1e-12)))
