"""Our pacer with foresight no program has: when agents will be free, what becomes of the calls in flight, or both."""

from __future__ import annotations

import numpy as np

from app.pacing import PacingPolicy, PacingSnapshot
from app.pacing.predictive import PredictivePacer
from app.pacing.ringing import AHEAD
from app.pacing.tails import Floats
from app.study.floor import Floor


class Foresight(PredictivePacer):
    """Looks into the books of the floor it paces (`floor` is set once both exist)."""

    def __init__(self, policy: PacingPolicy, *, of_agents: bool, of_calls: bool) -> None:
        super().__init__(policy)
        self.floor: Floor | None = None
        self._of_agents = of_agents
        self._of_calls = of_calls

    def answers_ahead(self, snapshot: PacingSnapshot) -> Floats:
        if not self._of_calls or self.floor is None:
            return super().answers_ahead(snapshot)
        return _certain([at_ms - snapshot.now_ms for at_ms in self.floor.answers_at_ms()], 0)

    def freed_ahead(self, snapshot: PacingSnapshot) -> Floats:
        if not self._of_agents or self.floor is None:
            return super().freed_ahead(snapshot)
        in_ms = [at_ms - snapshot.now_ms for at_ms in self.floor.free_at_ms.values()]
        return -_certain(in_ms, self.policy.connect_within_ms)


def _certain(in_ms: list[int], grace_ms: int) -> Floats:
    """How many of these have happened by 1 … AHEAD s and the grace: no variance."""
    sums = np.zeros(3 * AHEAD)
    by_ms = np.arange(1, AHEAD + 1) * 1000 + grace_ms
    sums[:AHEAD] = np.searchsorted(np.sort(np.array(in_ms, dtype=np.int64)), by_ms, side="right")
    return sums
