"""Random floors, and a pacer that has lived through some."""

from __future__ import annotations

import copy
import functools
import random

from app.pacing import (
    AgentFreed,
    CallEnded,
    CallPlaced,
    PacingPolicy,
    PacingSnapshot,
    PersonAbandoned,
    PersonAnswered,
    PersonConnected,
)
from app.pacing.predictive import PredictivePacer

NOW_MS = 10_000_000


@functools.cache
def _experienced(policy: PacingPolicy, answers: int, chance: float) -> PredictivePacer:
    rng = random.Random(1)
    pacer = PredictivePacer(policy)
    pacer.decide(PacingSnapshot(now_ms=0, idle_agents=0))
    seen, call, at_ms = 0, 0, int(NOW_MS - 1_000 * answers / chance)
    while seen < answers:
        call += 1
        at_ms = min(at_ms + 700, NOW_MS - 1_000)
        if call % 12 == 0:
            pacer.decide(PacingSnapshot(now_ms=at_ms, idle_agents=0))
        pacer.observe(CallPlaced(at_ms=at_ms, call_id=call))
        if rng.random() < chance:
            seen += 1
            pacer.observe(PersonAnswered(at_ms=at_ms, call_id=call, ring_ms=int(2000 + rng.gammavariate(3, 3300))))
            pacer.observe(PersonConnected(at_ms=at_ms, call_id=call, waited_ms=0))
            pacer.observe(
                AgentFreed(
                    at_ms=at_ms,
                    agent_id=1,
                    talk_ms=int(rng.expovariate(1 / 120_000)),
                    wrap_up_ms=int(rng.expovariate(1 / 20_000)),
                )
            )
        else:
            pacer.observe(
                CallEnded(at_ms=at_ms, call_id=call, outcome="no answer", ring_ms=rng.randint(24_000, 30_000))
            )
    return pacer


def experienced(policy: PacingPolicy | None = None, *, answers: int = 400, chance: float = 0.3) -> PredictivePacer:
    """A pacer that has seen so many answers on a list where `chance` of the calls is answered, at 10 s or so."""
    return copy.deepcopy(_experienced(policy or PacingPolicy(), answers, chance))


def abandon(pacer: PredictivePacer, people: int) -> None:
    """So many people found nobody."""
    for i in range(people):
        pacer.observe(PersonAbandoned(at_ms=NOW_MS - 1_000, call_id=f"lost {i}", waited_ms=2_000))


def floor(rng: random.Random, *, now_ms: int = NOW_MS) -> PacingSnapshot:
    """Any floor of up to 40 agents, with any calls in flight."""
    agents = rng.randint(0, 40)
    talking = rng.randint(0, agents)
    wrapping = rng.randint(0, agents - talking)
    return PacingSnapshot(
        now_ms=now_ms,
        idle_agents=agents - talking - wrapping,
        talking_ms=[rng.randint(0, 900_000) for _ in range(talking)],
        wrapping_ms=[rng.randint(0, 200_000) for _ in range(wrapping)],
        ringing_ms={i: rng.randint(0, 90_000) for i in range(rng.randint(0, 60))},
        people_waiting=rng.choice((0, 0, 0, 1, 3)),
        free_lines=rng.choice((0, 1, 5, 500)),
    )
