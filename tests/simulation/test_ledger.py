"""The abandonment ledger that a dialer keeps while it runs equals the one counted from its database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, select

from app.agents import DialingMode
from app.model import Campaign
from app.sim.faults import CHAOS, NO_FAULTS, Faults
from app.sim.floor_plan import floor_plan_of
from app.sim.plan import START_MS, WorldPlan
from app.sim.world import World
from app.store.pacing import pacing_memory
from app.store.schema import pacing as written
from app.units import DAY_MS, HOUR_MS, MINUTE_MS

AGENTS, CALLS = 5, 30


def with_a_long_window(plan: WorldPlan) -> WorldPlan:
    """Whatever is counted stays in the window."""

    def longer(campaign: Campaign) -> Campaign:
        pacing = replace(campaign.agents.pacing, window_ms=30 * DAY_MS)
        return replace(campaign, agents=replace(campaign.agents, pacing=pacing))

    return replace(plan, campaigns=tuple(replace(one, campaign=longer(one.campaign)) for one in plan.campaigns))


def last_written(conn: Connection, campaign_id: int) -> tuple[int, ...]:
    """People answered, abandoned and machines, as the pacer wrote them down at the end."""
    learned: dict[str, Any] = conn.execute(
        select(written.c.learned).where(written.c.campaign_id == campaign_id)
    ).scalar_one()
    buckets = learned["budget"]["ledger"]["buckets"]
    return tuple(sum(bucket[place] for bucket in buckets) for place in (1, 2, 3))


def counted_on_disk(world: World, campaign: Campaign) -> tuple[int, ...]:
    """The same, counted from the attempts, as the next life would."""
    pieces = world.store.read(pacing_memory, campaign, world.now_ms).counted
    return tuple(sum(piece[place] for piece in pieces) for place in (1, 2, 3))


@pytest.mark.parametrize(
    ("faults", "kills", "seed"),
    [(NO_FAULTS, 0, 1), (NO_FAULTS, 4, 2), (CHAOS, 4, 3)],
    ids=["lives on", "killed", "killed, and chaos"],
)
def test_live_and_recount_are_one(faults: Faults, kills: int, seed: int) -> None:
    plan = with_a_long_window(floor_plan_of(seed, CALLS, agents=AGENTS, mode=DialingMode.PREDICTIVE))
    world = World(plan, seed=seed, faults=faults)
    for place in range(kills):
        world.plan_at(START_MS + (2 + 3 * place) * MINUTE_MS + 777 * seed, World.kill_dialer)
    assert world.run(72 * HOUR_MS)
    for campaign in world.campaigns:
        found = world.store.read(last_written, campaign.id)
        assert found == counted_on_disk(world, campaign), campaign.name
    world.store.close()
