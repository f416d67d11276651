"""How many calls to place now: pure pacers, snapshot in, decision out. Nothing else of the program is needed.

    pacer = make_pacer(PacingPolicy(mode=PacingMode.PREDICTIVE))
    pacer.observe(PersonAnswered(at_ms=now, call_id="c7", ring_ms=9_400))
    decision = pacer.decide(PacingSnapshot(now_ms=now, idle_agents=2, ringing_ms={"c8": 4_000}, free_lines=50))

How it thinks is told in docs/pacing.md.
"""

from __future__ import annotations

from typing import Any, Protocol

from app.pacing.budget import Budget
from app.pacing.language import (
    AgentFreed,
    AgentJoined,
    AgentLeft,
    AgentSignal,
    BusyAgent,
    CallEnd,
    CallEnded,
    CallPlaced,
    CallSignal,
    Guard,
    LedgerCounted,
    PacingDecision,
    PacingEvent,
    PacingMode,
    PacingPolicy,
    PacingSnapshot,
    PersonAbandoned,
    PersonAnswered,
    PersonConnected,
)
from app.pacing.plain import PlainPacer
from app.pacing.predictive import PredictivePacer
from app.pacing.ratio import RatioPacer


class Pacer(Protocol):
    """Any pacer: takes what happened and a snapshot, and answers with a decision. Same input, same output."""

    policy: PacingPolicy
    budget: Budget

    def observe(self, event: PacingEvent) -> None:
        """What happened, in the order of time."""

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        """How many calls to place now, and which to cancel."""

    def as_json(self) -> dict[str, Any]:
        """What is to survive a restart."""

    def take_up(self, written: dict[str, Any]) -> None:
        """Go on from it."""


def make_pacer(policy: PacingPolicy) -> Pacer:
    """The pacer for a policy."""
    match policy.mode:
        case PacingMode.PREDICTIVE:
            return PredictivePacer(policy)
        case PacingMode.FIXED_RATIO:
            return RatioPacer(policy)
        case PacingMode.PROGRESSIVE:
            return PlainPacer(policy)


__all__ = [
    "AgentFreed", "AgentJoined", "AgentLeft", "AgentSignal", "BusyAgent", "CallEnd", "CallEnded", "CallPlaced",
    "CallSignal", "Guard", "LedgerCounted", "Pacer", "PacingDecision", "PacingEvent", "PacingMode", "PacingPolicy",
    "PacingSnapshot", "PersonAbandoned", "PersonAnswered", "PersonConnected", "make_pacer",
]  # fmt: skip
