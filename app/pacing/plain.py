"""Pacers that look at idle agents alone: one call for each, or a fixed number."""

from __future__ import annotations

from typing import Any

from app.pacing.budget import Budget
from app.pacing.language import (
    PacingDecision,
    PacingEvent,
    PacingMode,
    PacingPolicy,
    PacingSnapshot,
    PersonAbandoned,
    PersonAnswered,
)
from app.pacing.limits import at_least, at_most


class PlainPacer:
    """Progressive, or `fixed_ratio` calls per idle agent while the abandonment budget lasts."""

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
            case _:
                pass

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        is_ratio = self.policy.mode is PacingMode.FIXED_RATIO and self.budget.room >= 1
        ratio = self.policy.fixed_ratio if is_ratio else 1.0
        free = snapshot.idle_agents - snapshot.people_waiting
        most = at_most(self.policy, snapshot)
        wanted = int(ratio * free + 1e-9) - len(snapshot.ringing_ms)
        place = max(at_least(snapshot, most), min(wanted, most), 0)
        why = f"{len(snapshot.ringing_ms)} in flight for {snapshot.idle_agents} idle agents, {ratio:g} each"
        if self.policy.mode is PacingMode.FIXED_RATIO and not is_ratio:
            why += " (no abandonment budget for more)"
        return PacingDecision(place=place, why=f"{why} → {place}")

    def as_json(self) -> dict[str, Any]:
        return {"budget": self.budget.as_json()}

    def take_up(self, written: dict[str, Any]) -> None:
        """Go on from what any pacer wrote: the ledger is the same. Raises ValueError when it is something else."""
        try:
            self.budget.take_up(written["budget"], self.policy.abandonment_window_ms)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a written pacer: {error!r}") from error
