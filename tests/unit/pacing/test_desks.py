"""What desks tell of when agents come free: believed as far as it has foretold."""

from __future__ import annotations

import random

import pytest

from app.pacing import AgentFreed, AgentSignal, BusyAgent, PacingPolicy, PacingSnapshot
from app.pacing.predictive import PredictivePacer
from app.pacing.ringing import AHEAD

TALK_MS, WRAP_UP_MS = 120_000, 10_000


def lived(*, before_ms: int | None, talks: int = 200, use_signals: bool = True) -> tuple[PredictivePacer, int]:
    """One agent after the other talks; each says “closing” so long before the end, or (None) ten after its
    beginning, which tells nothing."""
    rng = random.Random(1)
    pacer = PredictivePacer(PacingPolicy(use_signals=use_signals))
    now = 0
    for _ in range(talks):
        talk_ms = max(20_000, int(rng.expovariate(1 / TALK_MS)))
        said_ms = 10_000 if before_ms is None else talk_ms - before_ms
        for at_ms in (0, said_ms):
            busy = {1: BusyAgent(at_ms)}
            pacer.look(PacingSnapshot(now_ms=now + at_ms, idle_agents=0, talking_ms=[at_ms], busy=busy))
        pacer.observe(AgentSignal(at_ms=now + said_ms, agent_id=1, signal="closing"))
        now += talk_ms + WRAP_UP_MS
        pacer.observe(AgentFreed(at_ms=now, agent_id=1, talk_ms=talk_ms, wrap_up_ms=WRAP_UP_MS))
    return pacer, now


def free_soon(pacer: PredictivePacer, now: int, *, says: bool, agent: int = 2) -> float:
    """Within half a minute, of an agent who has talked for a minute."""
    busy = {agent: BusyAgent(60_000)}
    snapshot = PacingSnapshot(now_ms=now, idle_agents=0, talking_ms=[60_000], busy=busy)
    pacer.look(snapshot)
    if says:
        pacer.observe(AgentSignal(at_ms=now, agent_id=agent, signal="closing"))
    return float(-pacer.freed_ahead(snapshot)[AHEAD - 1])


def test_a_word_before_the_end_is_learned_and_believed() -> None:
    pacer, now = lived(before_ms=8_000)
    silent = free_soon(pacer, now, says=False)
    assert free_soon(pacer, now, says=True) > 0.9 > 2 * silent


def test_a_word_that_means_nothing_changes_nothing() -> None:
    pacer, now = lived(before_ms=None)
    silent = free_soon(pacer, now, says=False)
    assert free_soon(pacer, now, says=True) == pytest.approx(silent, abs=0.05)


def test_signals_that_are_switched_off_are_not_heard() -> None:
    pacer, now = lived(before_ms=8_000, use_signals=False)
    assert free_soon(pacer, now, says=True) == pytest.approx(free_soon(pacer, now, says=False))


def test_who_talks_longer_than_others_is_counted_on_less() -> None:
    pacer = PredictivePacer(PacingPolicy())
    for at in range(60):
        for agent, talk_ms in ((1, 60_000), (2, 180_000)):
            pacer.observe(AgentFreed(at_ms=at * 200_000, agent_id=agent, talk_ms=talk_ms, wrap_up_ms=0))
    now = 60 * 200_000
    quick, slow = free_soon(pacer, now, says=False, agent=1), free_soon(pacer, now, says=False, agent=2)
    assert quick > 1.3 * slow
