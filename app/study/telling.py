"""What a list and its lines tell of calls: the contact's history beforehand, ringing, early media or silence after.

The calls are the very same as on a list that tells nothing: what is told is drawn from what becomes of them, so that
days with and without differ in nothing else.

history: a fifth of the contacts answered often before, three tenths sometimes, half never. Where 15% answer on the
whole, 45%, 12% and 5% of them do; where others answer, the odds stand in the same proportions.
line: a person's phone rings, as do 6 of 10 that nobody answers and 3 of 10 machines; the other machines are heard as
early media, the other phones (off, out of reach) as silence.
chatter: words that mean nothing, before and after.
"""

from __future__ import annotations

import enum
import functools
import math
from typing import Final

import numpy as np

from app.pacing.language import CallEnd


class Telling(enum.StrEnum):
    """What is told."""

    HISTORY = "history"
    LINE = "line"
    CHATTER = "chatter"


HISTORY: Final = (("answered often", 0.2, 2.74), ("answered sometimes", 0.3, 0.95), ("never answered", 0.5, 0.0))
"""Word, part of the list, and the logarithm of the odds to answer against those who never did."""
NO_ANSWER_RINGS: Final = 0.6
MACHINE_RINGS: Final = 0.3
RINGING_MS: Final = 2_000
EARLY_MEDIA_MS: Final = 3_000
SILENCE_MS: Final = 6_000
Heard = tuple[tuple[int, str], ...]
"""After how long, which word."""


@functools.cache
def answers_by_history(answer_rate: float) -> tuple[float, ...]:
    """The chance that a contact of each history answers, for this rate of the whole list."""
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        chances = tuple(1 / (1 + math.exp(-middle - odds)) for _, _, odds in HISTORY)
        if sum(part * chance for (_, part, _), chance in zip(HISTORY, chances, strict=True)) < answer_rate:
            low = middle
        else:
            high = middle
    return chances


class Teller:
    """Tells of the calls of one list, one after the other."""

    def __init__(self, told: frozenset[Telling], seed: int, campaign: int) -> None:
        self._told = told
        self._rng = np.random.default_rng([seed, 1_001 + campaign])

    def beforehand(self, *, is_person: bool, answer_rate: float) -> tuple[str, ...]:
        """What is known of a contact."""
        words: list[str] = []
        if Telling.HISTORY in self._told:
            chances = answers_by_history(answer_rate)
            parts = [
                part * (chance if is_person else 1 - chance)
                for (_, part, _), chance in zip(HISTORY, chances, strict=True)
            ]
            words.append(HISTORY[self._draw(parts)][0])
        if Telling.CHATTER in self._told:
            words += [f"trunk {self._draw([1, 1, 1])}", f"list {self._draw([5, 3, 1, 1])}"]
        return tuple(words)

    def heard(self, *, is_person: bool, end: CallEnd) -> Heard:
        """What the line tells, and when."""
        told: list[tuple[int, str]] = []
        if Telling.LINE in self._told:
            luck = float(self._rng.random())
            if is_person:
                told.append((RINGING_MS, "ringing"))
            elif end is CallEnd.NO_ANSWER:
                told.append((RINGING_MS, "ringing") if luck < NO_ANSWER_RINGS else (SILENCE_MS, "silence"))
            elif end is CallEnd.MACHINE:
                told.append((RINGING_MS, "ringing") if luck < MACHINE_RINGS else (EARLY_MEDIA_MS, "early media"))
        if Telling.CHATTER in self._told and self._draw([1, 1]):
            told.append((4_000, "a click"))
        return tuple(told)

    def _draw(self, parts: list[float] | list[int]) -> int:
        at = float(self._rng.random()) * sum(parts)
        for i, part in enumerate(parts):
            at -= part
            if at < 0:
                return i
        return len(parts) - 1
