"""A fixed number of calls for each idle agent, that learns all the same: who shares its agents must know its calls."""

from __future__ import annotations

from collections.abc import Mapping

from app.pacing.language import PacingDecision, PacingSnapshot
from app.pacing.limits import at_least, at_most
from app.pacing.predictive import EXCESS, PredictivePacer
from app.pacing.tails import Floats, Surplus


class RatioPacer(PredictivePacer):
    """`fixed_ratio` calls per idle agent, whatever comes of them, while the abandonment budget lasts.

    What it learns of answers does not change how many it places: campaigns that decide with it count on it.
    """

    @property
    def ratio(self) -> float:
        """Calls for each idle agent now: one when the budget is spent."""
        return self.policy.fixed_ratio if self.budget.room >= 1 else 1.0

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        """So many for each idle agent nobody waits for, less those in flight."""
        self.look(snapshot)
        free = snapshot.idle_agents - snapshot.people_waiting
        in_flight, most = len(snapshot.ringing_ms), at_most(self.policy, snapshot)
        place = max(at_least(snapshot, most), min(int(self.ratio * free + 1e-9) - in_flight, most), 0)
        spent = "" if self.budget.room >= 1 else " (no abandonment budget for more)"
        why = f"{in_flight} in flight, agents idle: {snapshot.idle_agents}, {self.ratio:g} each{spent} → {place}"
        return PacingDecision(place=place, why=why)

    def wants_one_more(self, in_flight: int, free: float) -> bool:
        """Whether its ratio asks for another call, where `free` idle agents are left for it by those it shares with."""
        return in_flight + 1 <= self.ratio * free + 1e-9

    def allows_one_more(self, surplus: Floats, rooms: Mapping[int, float], part: float) -> bool:
        """It takes its own risk, unless it is so far ahead that no part is left it.

        rooms: what the other campaigns' budgets could bear of it, and which part of the people to come are theirs.
        """
        case = Surplus((surplus + self.new_call)[None, :])
        return part > 0 and all(concerned * case.worst(room + 1)[0] <= EXCESS for room, concerned in rooms.items())
