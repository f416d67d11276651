"""What is told of calls and of talks: history and phone kind beforehand, the line's words after, the desks' words.

The calls are the very same as on a list that tells nothing: what is told is drawn from what becomes of them, so that
days with and without differ in nothing else.

history: a fifth of the contacts answered often before, three tenths sometimes, half never. Where 15% answer on the
whole, 45%, 12% and 5% of them do; where others answer, the odds stand in the same proportions.
phone: three in five are mobiles, whose odds to answer are 2.2 times those of others.
line: a person's phone rings, as do 6 of 10 that nobody answers and 3 of 10 machines; the other machines are heard as
early media, the other phones (off, out of reach) as silence.
desk: of four talks in five the key “nearly done”, some 12 s before the end; a result set within the wrap-up.
names: who is busy, so that each agent's own lengths are learned (`Day.agents_differ` says how far they differ).
chatter: words that mean nothing, before and after; desk chatter: steps of a script turned to at any time of a talk.
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
    PHONE = "phone"
    LINE = "line"
    DESK = "desk"
    NAMES = "names"
    CHATTER = "chatter"
    DESK_CHATTER = "desk chatter"


Kinds = tuple[tuple[str, float, float], ...]
"""Word, part of the list, and the logarithm of the odds to answer against the last."""
HISTORY: Final[Kinds] = (
    ("answered often", 0.2, 2.74),
    ("answered sometimes", 0.3, 0.95),
    ("never answered", 0.5, 0.0),
)
PHONE: Final[Kinds] = (("mobile", 0.6, 0.8), ("fixed", 0.4, 0.0))
CLOSING_SHARE: Final = 0.8
CLOSING_S: Final = 12.0
OF_AGENTS: Final = frozenset({Telling.DESK, Telling.NAMES, Telling.DESK_CHATTER})
"""What names agents."""
NO_ANSWER_RINGS: Final = 0.6
MACHINE_RINGS: Final = 0.3
RINGING_MS: Final = 2_000
EARLY_MEDIA_MS: Final = 3_000
SILENCE_MS: Final = 6_000
Heard = tuple[tuple[int, str], ...]
"""After how long, which word."""


@functools.cache
def answers_by_kind(kinds: Kinds, answer_rate: float) -> tuple[float, ...]:
    """The chance that a contact of each kind answers, for this rate of the whole list."""
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        chances = tuple(1 / (1 + math.exp(-middle - odds)) for _, _, odds in kinds)
        if sum(part * chance for (_, part, _), chance in zip(kinds, chances, strict=True)) < answer_rate:
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
        for telling, kinds in ((Telling.HISTORY, HISTORY), (Telling.PHONE, PHONE)):
            if telling in self._told:
                chances = answers_by_kind(kinds, answer_rate)
                parts = [
                    part * (chance if is_person else 1 - chance)
                    for (_, part, _), chance in zip(kinds, chances, strict=True)
                ]
                words.append(kinds[self._draw(parts)][0])
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

    def said(self, talk_ms: int, wrap_up_ms: int) -> Heard:
        """What the desk of the agent tells in a conversation, and how long after its beginning."""
        told: list[tuple[int, str]] = []
        if Telling.DESK_CHATTER in self._told:
            told += [(int(talk_ms * at), f"step {step}") for step, at in enumerate(self._rng.random(2).tolist())]
        if Telling.DESK in self._told:
            before_ms = int(1000 * self._rng.gamma(3.0, CLOSING_S / 3))
            if float(self._rng.random()) < CLOSING_SHARE and before_ms < talk_ms:
                told.append((talk_ms - before_ms, "closing"))
            told.append((talk_ms + int(wrap_up_ms * self._rng.uniform(0.3, 0.9)), "result"))
        return tuple(told)

    def _draw(self, parts: list[float] | list[int]) -> int:
        at = float(self._rng.random()) * sum(parts)
        for i, part in enumerate(parts):
            at -= part
            if at < 0:
                return i
        return len(parts) - 1
