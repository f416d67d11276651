"""Several campaigns that share agents and lines: one decision, so that none counts on another's agents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.pacing.language import PacingDecision, PacingSnapshot
from app.pacing.limits import at_most
from app.pacing.predictive import PredictivePacer
from app.pacing.ringing import AHEAD
from app.pacing.tails import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """A campaign of several on one floor.

    snapshot: its own calls and waiting people; agents and free lines are those of the floor, the same for all.
    priority: the higher dials first. weight: share of the calls among campaigns of one priority.
    """

    name: str
    pacer: PredictivePacer
    snapshot: PacingSnapshot
    priority: int = 0
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not self.weight > 0:
            raise ValueError(f"the weight of {self.name} must be above 0, not {self.weight}")


def decide_jointly(campaigns: Sequence[Sharing]) -> dict[str, PacingDecision]:
    """What each campaign is to place and cancel now.

    Calls are given out one by one, to the highest priority that may take one, and within it to the campaign that has
    the fewest answers to expect for its weight. Each call must be allowed by the risk and budget of its own campaign,
    against the agents and the calls of all; and every campaign with calls in flight must have room for the excess.

    Raises ValueError when the campaigns do not see the same agents, lines and time, or two have one name.
    """
    if not campaigns:
        return {}
    first = campaigns[0].snapshot
    if len({one.name for one in campaigns}) < len(campaigns):
        raise ValueError("two campaigns have one name")
    for one in campaigns:
        if _floor(one.snapshot) != _floor(first):
            raise ValueError(f"{one.name} sees other agents, lines or another time than {campaigns[0].name}")
        one.pacer.look(one.snapshot)
    surplus = _surplus(campaigns)
    placed = dict.fromkeys((one.name for one in campaigns), 0)
    expected = {one.name: float(one.pacer.answers_ahead(one.snapshot)[AHEAD - 1]) for one in campaigns}
    in_flight = sum(len(one.snapshot.ringing_ms) for one in campaigns)
    bare = first.idle_agents - in_flight - sum(one.snapshot.people_waiting for one in campaigns)
    lines = first.free_lines
    most = {one.name: at_most(one.pacer.policy, one.snapshot) for one in campaigns}
    open_ones = list(campaigns)
    while open_ones and lines > 0:
        one = min(open_ones, key=lambda each: (-each.priority, expected[each.name] / each.weight))
        room = min((each.pacer.budget.room for each in campaigns if each is one or each.snapshot.ringing_ms), default=0)
        may = placed[one.name] < most[one.name] and (bare > 0 or one.pacer.allows_one_more(surplus, room))
        if not may:
            open_ones.remove(one)
            continue
        placed[one.name] += 1
        expected[one.name] += float(one.pacer.new_call[AHEAD - 1])
        surplus = surplus + one.pacer.new_call
        bare -= 1
        lines -= 1
    cancel = {} if any(placed.values()) else _cancel(campaigns, surplus)
    return {
        one.name: PacingDecision(
            place=placed[one.name],
            cancel=cancel.get(one.name, ()),
            why=f"{len(one.snapshot.ringing_ms)} of {in_flight} in flight, {expected[one.name]:.1f} answers to come, "
            f"{first.idle_agents} agents idle for {len(campaigns)} campaigns, budget {one.pacer.budget.left:.1f} left "
            f"→ {placed[one.name]}",
        )
        for one in campaigns
    }


def _floor(snapshot: PacingSnapshot) -> tuple[object, ...]:
    return (
        snapshot.now_ms,
        snapshot.idle_agents,
        tuple(snapshot.talking_ms),
        tuple(snapshot.wrapping_ms),
        snapshot.free_lines,
    )


def _surplus(campaigns: Sequence[Sharing]) -> Floats:
    """People of all campaigns without an agent. Of agents coming free, who has seen more talks is believed more."""
    known = np.array([1.0 + one.pacer.talks_seen for one in campaigns])
    freed = np.stack([one.pacer.freed_ahead(one.snapshot) for one in campaigns])
    surplus = np.asarray((known / known.sum()) @ freed)
    for one in campaigns:
        surplus = surplus + one.pacer.answers_ahead(one.snapshot)
        surplus[:AHEAD] += one.snapshot.people_waiting
    surplus[:AHEAD] -= campaigns[0].snapshot.idle_agents
    return surplus


def _cancel(campaigns: Sequence[Sharing], surplus: Floats) -> dict[str, tuple[object, ...]]:
    """The lowest priority gives way, when what is in flight is too much for it."""
    for one in sorted(campaigns, key=lambda each: each.priority):
        if one.pacer.policy.min_ring_ms is not None and one.pacer.is_too_much(surplus, one.pacer.budget.room):
            calls = one.pacer.to_cancel(one.snapshot, surplus)
            if calls:
                return {one.name: calls}
    return {}
