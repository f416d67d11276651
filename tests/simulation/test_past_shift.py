"""A scenario made from what a campaign has lived through."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from app.agents import DialingMode
from app.sim.laboratory import world_of
from app.sim.past_shift import scenario_of
from app.sim.scenario import Scenario, ScenarioError, read_scenario, write_scenario
from app.sim.world import World
from app.units import HOUR_MS, MINUTE_MS

LIVED = """
name: Lived
hours: 2
agents:
  - {count: 6}
  - {count: 3, from_h: 1}
talk: {mean: 60, spread: 0.8}
wrap_up: {mean: 10, spread: 0.5}
campaigns:
  - name: Offer
    answered:
      - {rate: 0.2}
      - {rate: 0.5, from_h: 1}
    contacts: 5000
    rings: {mean: 9, spread: 0.4}
    otherwise: {no_answer: 0.6, busy: 0.4, invalid: 0}
"""


def lived(minutes: int) -> World:
    world = world_of(read_scenario(LIVED), DialingMode.PROGRESSIVE, 1)
    world.run(minutes * MINUTE_MS, is_whole=False)
    return world


def of(world: World) -> Scenario:
    def read(conn: Connection) -> Scenario:
        return scenario_of(conn, world.campaigns[0], world.now_ms)

    return world.store.read(read)


def test_rates_by_the_hour_lengths_and_agents_are_as_they_were() -> None:
    world = lived(121)
    found = of(world)
    [campaign] = found.campaigns
    assert [one.from_h for one in campaign.answered[:2]] == [0, 1]
    assert campaign.answered[0].rate == pytest.approx(0.2, abs=0.05)
    assert campaign.answered[1].rate == pytest.approx(0.5, abs=0.08)
    assert found.talk.mean == pytest.approx(60, rel=0.2)
    assert found.wrap_up.mean == pytest.approx(10, rel=0.25)
    assert campaign.rings.mean == pytest.approx(9, rel=0.2)
    assert campaign.otherwise.busy == pytest.approx(0.4, abs=0.08)
    assert campaign.contacts < 5_000, "those who were called are not called again"
    assert sorted((one.count, one.from_h) for one in found.agents) == [(3, 1.0), (6, 0.0)]
    world.store.close()


def test_what_was_found_is_a_file_that_is_read_again() -> None:
    world = lived(60)
    found = of(world)
    assert read_scenario(write_scenario(found)) == found
    world.store.close()


def test_too_little_is_told_with_what_would_be_enough() -> None:
    world = lived(1)
    with pytest.raises(ScenarioError, match="at least 100 calls and 20 conversations"):
        of(world)
    world.now_ms += 30 * 24 * HOUR_MS
    with pytest.raises(ScenarioError, match="0 calls"):
        of(world)
    world.store.close()
