"""The pacer that looks at idle agents alone: one call for each."""

from __future__ import annotations

from typing import Any

from app.pacing.budget import Budget
from app.pacing.language import (
    CallEnd,
    CallEnded,
    LedgerCounted,
    PacingDecision,
    PacingEvent,
    PacingPolicy,
    PacingSnapshot,
    PersonAbandoned,
    PersonAnswered,
)
from app.pacing.limits import at_least, at_most


class PlainPacer:
    """Progressive: one call for each idle agent."""

    def __init__(self, policy: PacingPolicy) -> None:
        self.policy = policy
        self.budget = Budget(policy)

    def observe(self, event: PacingEvent) -> None:
        """Answers and abandonments go to the ledger; nothing else is of interest."""
        match event:
            case PersonAnswered():
                self.budget.answered(event.at_ms)
            case PersonAbandoned():
                self.budget.abandoned(event.at_ms)
            case LedgerCounted():
                self.budget.counted(event)
            case CallEnded(outcome=CallEnd.MACHINE):
                self.budget.machine(event.at_ms)
            case _:
                pass

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        free = snapshot.idle_agents - snapshot.people_waiting
        most = at_most(self.policy, snapshot)
        wanted = free - len(snapshot.ringing_ms)
        place = max(at_least(snapshot, most), min(wanted, most), 0)
        why = f"{len(snapshot.ringing_ms)} in flight, agents idle: {snapshot.idle_agents}, 1 each → {place}"
        return PacingDecision(place=place, why=why)

    def as_json(self) -> dict[str, Any]:
        return {"budget": self.budget.as_json()}

    def take_up(self, written: dict[str, Any]) -> None:
        """Go on from what any pacer wrote: the ledger is the same. Raises ValueError when it is something else."""
        try:
            self.budget.take_up(written["budget"], self.policy.abandonment_window_ms)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a written pacer: {error!r}") from error
