"""What a decision costs: the pacer's inputs on a floor, recorded, and given to a copy of it against the clock."""

from __future__ import annotations

import copy
import time
from typing import Final

from app.pacing import PacingDecision, PacingEvent, PacingPolicy, PacingSnapshot
from app.pacing.predictive import PredictivePacer
from app.study.day import MINUTE_MS, plain_day
from app.study.floor import Floor
from app.study.telling import Telling

LINES: Final = 20_000
GAP_MS: Final = 50
"""The dialer decides at most twenty times a second."""
LEARNED_MS: Final = 10 * MINUTE_MS
RECORDED_MS: Final = 2 * MINUTE_MS


class Recorder:
    """A pacer that keeps what it was told and asked from a moment on, and itself as it was then."""

    def __init__(self, inner: PredictivePacer, from_ms: int) -> None:
        self.inner = inner
        self._from_ms = from_ms
        self.before: PredictivePacer | None = None
        self.told: list[PacingEvent | PacingSnapshot] = []

    def observe(self, event: PacingEvent) -> None:
        if self.before is not None:
            self.told.append(event)
        self.inner.observe(event)

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        if self.before is None and snapshot.now_ms >= self._from_ms:
            self.before = copy.deepcopy(self.inner)
        if self.before is not None:
            self.told.append(snapshot)
        return self.inner.decide(snapshot)


def record(
    agents: int, *, answer_rate: float = 0.15, seed: int = 1, told: frozenset[Telling] = frozenset()
) -> Recorder:
    """The last two of twelve minutes of a floor, of whose calls and agents this is told."""
    day = plain_day(
        answer_rate, agents, length_ms=LEARNED_MS + RECORDED_MS, lines=LINES, least_gap_ms=GAP_MS,
        told=told,
    )  # fmt: skip
    recorder = Recorder(PredictivePacer(PacingPolicy(lines_limit=LINES)), LEARNED_MS)
    Floor(day, seed, recorder).play()
    return recorder


def decision_times_us(recorder: Recorder) -> list[float]:
    """How long each decision takes, in microseconds, the tables that are due computed in it."""
    assert recorder.before is not None, "nothing was recorded"
    pacer = copy.deepcopy(recorder.before)
    times = []
    for told in recorder.told:
        if isinstance(told, PacingSnapshot):
            began = time.perf_counter()
            pacer.decide(told)
            times.append((time.perf_counter() - began) * 1e6)
        else:
            pacer.observe(told)
    return times
