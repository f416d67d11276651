"""Several campaigns that share agents and lines: one decision, so that none counts on another's agents."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from app.pacing.language import PacingDecision, PacingSnapshot
from app.pacing.limits import at_most
from app.pacing.predictive import PredictivePacer
from app.pacing.ratio import RatioPacer
from app.pacing.ringing import AHEAD
from app.pacing.standing import MOST_AHEAD, settle
from app.pacing.tails import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """A campaign of several on one floor.

    snapshot: its own calls and waiting people, and the agents who serve it.
    reach: by the name of another campaign, the part of this one's agents who serve the other too, 0 to 1; all of them
    where nothing is said. Of this campaign's people so many may take an agent from the other.
    priority: the higher dials first. weight: share of the calls among campaigns of one priority.
    """

    name: str
    pacer: PredictivePacer
    snapshot: PacingSnapshot
    priority: int = 0
    weight: float = 1.0
    reach: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, part in self.reach.items():
            if not 0 <= part <= 1:
                raise ValueError(f"{self.name} shares 0 to 1 of its agents with {name}, not {part}")
        if not self.weight > 0:
            raise ValueError(f"the weight of {self.name} must be above 0, not {self.weight}")


class _Floor:
    """The agents of a campaign, or of several with the very same, and what may be wanted of them.

    surplus: people without an agent, by second. bare: idle agents for whom nobody waits and nothing rings.
    taken: by campaign, the idle agents that its people waiting and its calls in flight are likely to take; a call of a
    fixed ratio takes its part of one.
    """

    def __init__(self, campaigns: Sequence[Sharing], weights: Sequence[float], snapshot: PacingSnapshot) -> None:
        self.weights = dict(zip((one.name for one in campaigns), weights, strict=True))
        self.idle = snapshot.idle_agents
        known = np.array([1.0 + one.pacer.talks_seen for one in campaigns])
        # Of agents coming free, who has seen more talks is believed more.
        freed = np.stack([one.pacer.freed_ahead(snapshot) for one in campaigns])
        self.surplus: Floats = np.asarray((known / known.sum()) @ freed)
        self.surplus[:AHEAD] -= snapshot.idle_agents
        self.bare = float(snapshot.idle_agents)
        self.taken: dict[str, float] = {}
        for one, weight in zip(campaigns, weights, strict=True):
            waiting = one.snapshot.people_waiting
            answers = one.pacer.answers_ahead(one.snapshot)
            calls = float(answers[AHEAD - 1])
            if isinstance(one.pacer, RatioPacer):
                calls = len(one.snapshot.ringing_ms) / one.pacer.ratio
            self.taken[one.name] = weight * (waiting + calls)
            self.surplus = self.surplus + weight * answers
            self.surplus[:AHEAD] += weight * waiting
            self.bare -= weight * (len(one.snapshot.ringing_ms) + waiting)

    def add(self, one: Sharing) -> None:
        """One more call of a campaign is on its way."""
        weight = self.weights[one.name]
        self.surplus = self.surplus + weight * one.pacer.new_call
        self.bare -= weight
        new = 1 / one.pacer.ratio if isinstance(one.pacer, RatioPacer) else float(one.pacer.new_call[AHEAD - 1])
        self.taken[one.name] += weight * new

    def left_for(self, one: Sharing) -> float:
        """Idle agents that neither the others nor its own waiting people are likely to take."""
        others = sum(taken for name, taken in self.taken.items() if name != one.name)
        return self.idle - others - one.snapshot.people_waiting


def decide_jointly(campaigns: Sequence[Sharing]) -> dict[str, PacingDecision]:
    """What each campaign is to place and cancel now.

    Calls are given out one by one, to the highest priority that may take one, and within it to the campaign that has
    had and has to expect the fewest answers for its weight; one that has nobody to call comes last. Each call must be
    allowed by the risk of its own campaign, the less the further it is ahead of the others, against the agents of every
    campaign it may take one from and the calls of all; and every campaign must have room for what its own people, as
    many as they are of those to come, may suffer. A campaign of a fixed ratio has its number of calls for each idle
    agent that the others leave it, as far as their budgets can bear it.

    Raises ValueError when the campaigns do not see the same time, two have one name, or a name in `reach` is unknown.
    """
    if not campaigns:
        return {}
    names = {one.name for one in campaigns}
    if len(names) < len(campaigns):
        raise ValueError("two campaigns have one name")
    for one in campaigns:
        if one.snapshot.now_ms != campaigns[0].snapshot.now_ms:
            raise ValueError(f"{one.name} sees another time than {campaigns[0].name}")
        if unknown := one.reach.keys() - names:
            raise ValueError(f"{one.name} shares agents with {sorted(unknown)[0]}, which is not here")
        one.pacer.look(one.snapshot)
    floors = _floors(campaigns)
    _agree(campaigns, floors)
    now_ms = campaigns[0].snapshot.now_ms
    ahead = _ahead(campaigns)
    has_nobody = {one.name: one.pacer.standing.has_nobody(now_ms) for one in campaigns}
    placed = dict.fromkeys((one.name for one in campaigns), 0)
    expected = {one.name: float(one.pacer.answers_ahead(one.snapshot)[AHEAD - 1]) for one in campaigns}
    lines = max(one.snapshot.free_lines for one in campaigns)
    most = {one.name: at_most(one.pacer.policy, one.snapshot) for one in campaigns}
    means = {priority: _mean_weight(campaigns, priority) for priority in {one.priority for one in campaigns}}
    open_ones = list(campaigns)
    while open_ones and lines > 0:
        one = min(
            open_ones,
            key=lambda each: (
                has_nobody[each.name],
                -each.priority,
                ahead[each.name] + expected[each.name] * means[each.priority] / each.weight,
            ),
        )
        is_wanted = placed[one.name] < most[one.name] and _wants(one, placed[one.name], floors)
        if not (is_wanted and _may(one, campaigns, floors, expected, ahead[one.name])):
            one.pacer.standing.is_owed = is_wanted
            open_ones.remove(one)
            continue
        placed[one.name] += 1
        lines -= 1
        expected[one.name] += float(one.pacer.new_call[AHEAD - 1])
        for floor in _distinct(floors, one):
            floor.add(one)
    for one in campaigns:
        if placed[one.name]:
            one.pacer.standing.allotted(now_ms)
    cancel = {} if any(placed.values()) else _cancel(campaigns, floors, ahead)
    in_flight = sum(len(one.snapshot.ringing_ms) for one in campaigns)
    return {
        one.name: PacingDecision(
            place=placed[one.name],
            cancel=cancel.get(one.name, ()),
            why=f"{len(one.snapshot.ringing_ms)} of {in_flight} in flight, {expected[one.name]:.1f} answers to come, "
            f"agents idle: {one.snapshot.idle_agents}, campaigns: {len(campaigns)}, "
            f"budget {one.pacer.budget.left:.1f} left → {placed[one.name]}",
        )
        for one in campaigns
    }


def _floors(campaigns: Sequence[Sharing]) -> dict[str, _Floor]:
    """Each campaign's agents, by its name; where they are the very same agents, the very same floor."""
    by_agents: dict[object, _Floor] = {}
    floors: dict[str, _Floor] = {}
    for one in campaigns:
        weights = tuple(1.0 if each is one else each.reach.get(one.name, 1.0) for each in campaigns)
        seen = one.snapshot
        key = (seen.idle_agents, tuple(seen.talking_ms), tuple(seen.wrapping_ms), weights)
        if key not in by_agents:
            by_agents[key] = _Floor(campaigns, weights, seen)
        floors[one.name] = by_agents[key]
    return floors


def _agree(campaigns: Sequence[Sharing], floors: Mapping[str, _Floor]) -> None:
    """Campaigns with the very same agents have one risk level: how much is risked at once is the floor's to learn.

    Were it each one's own, whoever was unlucky first would be refused every call the others are still allowed, and with
    hardly an answer would not learn for hours that it need not be. What each may spend stays its own.
    """
    for floor in {id(floor): floor for floor in floors.values()}.values():
        learning = [one for one in campaigns if not isinstance(one.pacer, RatioPacer)]
        budgets = [one.pacer.budget for one in learning if floors[one.name] is floor]
        if len(budgets) > 1:
            level = math.exp(math.fsum(math.log(budget.level) for budget in budgets) / len(budgets))
            for budget in budgets:
                budget.agree(level)


def _distinct(floors: Mapping[str, _Floor], one: Sharing) -> list[_Floor]:
    """From whose agents a person of this campaign may take one."""
    return list({id(floor): floor for floor in floors.values() if floor.weights[one.name] > 0}.values())


def _ahead(campaigns: Sequence[Sharing]) -> dict[str, float]:
    """How far each campaign is ahead of those of its priority that share its agents; others are no rivals."""
    ahead: dict[str, float] = {}
    now_ms = campaigns[0].snapshot.now_ms
    for priority in {one.priority for one in campaigns}:
        rivals = [one for one in campaigns if one.priority == priority and _has_rival(one, campaigns)]
        standings = {one.name: one.pacer.standing for one in rivals}
        if rivals:
            ahead |= settle(standings, {one.name: one.weight for one in rivals}, now_ms)
    return {one.name: ahead.get(one.name, 0.0) for one in campaigns}


def _has_rival(one: Sharing, campaigns: Sequence[Sharing]) -> bool:
    return any(
        each is not one and each.priority == one.priority and one.reach.get(each.name, 1.0) > 0 for each in campaigns
    )


def _mean_weight(campaigns: Sequence[Sharing], priority: int) -> float:
    weights = [one.weight for one in campaigns if one.priority == priority]
    return sum(weights) / len(weights)


def _wants(one: Sharing, placed: int, floors: Mapping[str, _Floor]) -> bool:
    """Whether a campaign would have one more call, beside those in flight and those placed just now."""
    own = floors[one.name]
    if own.bare >= 1 or not isinstance(one.pacer, RatioPacer):
        return True
    return one.pacer.wants_one_more(len(one.snapshot.ringing_ms) + placed, own.left_for(one))


def _may(
    one: Sharing,
    campaigns: Sequence[Sharing],
    floors: Mapping[str, _Floor],
    expected: Mapping[str, float],
    ahead: float,
) -> bool:
    """Whether a campaign that is ahead by so much may have one more call on its way."""
    if floors[one.name].bare >= 1:
        return True
    part = max(0.0, 1 - ahead / MOST_AHEAD)
    for floor in _distinct(floors, one):
        people = {
            each.name: expected[each.name] + (one.pacer.new_call[AHEAD - 1] if each is one else 0.0)
            for each in campaigns
            if floor.weights[each.name] > 0
        }
        total = max(sum(people.values()), 1e-9)
        rooms: dict[int, float] = {}
        for each in campaigns:
            is_own = each is one
            if is_own and isinstance(one.pacer, RatioPacer):  # it takes its own risk
                continue
            if floors[each.name] is floor and people[each.name] > 0:
                room = each.pacer.budget.room if is_own else max(0, each.pacer.budget.room)
                rooms[room] = rooms.get(room, 0.0) + people[each.name] / total
        if rooms and not one.pacer.allows_one_more(floor.surplus, rooms, part):
            return False
    return True


def _cancel(
    campaigns: Sequence[Sharing], floors: Mapping[str, _Floor], ahead: Mapping[str, float]
) -> dict[str, tuple[object, ...]]:
    """The lowest priority gives way, and of one priority who is ahead, when what is in flight is too much for it."""
    for one in sorted(campaigns, key=lambda each: (each.priority, -ahead[each.name])):
        if isinstance(one.pacer, RatioPacer):  # whatever comes of them
            continue
        surplus = floors[one.name].surplus
        if one.pacer.policy.min_ring_ms is not None and one.pacer.is_too_much(surplus, one.pacer.budget.room):
            calls = one.pacer.to_cancel(one.snapshot, surplus)
            if calls:
                return {one.name: calls}
    return {}
