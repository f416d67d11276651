"""The first calls, then a pause: a campaign makes so many, waits for their ends, and pauses by itself."""

from __future__ import annotations

import pytest

from app.agents import DialingMode
from app.events import CampaignStarted
from app.model import CampaignStatus
from tests.unit.dialing.build import campaign, phone, trunk
from tests.unit.dialing.test_dialer import ONE
from tests.unit.dialing.world import World


def world_of(contacts: int, first: int | None, **changes: object) -> World:
    world = World()
    world.set_trunk(trunk("north", lines=100, calls_per_second=100.0))
    plan = campaign(1, **({"lines": 100, "calls_per_second": 100.0, "pause_at": first or 0} | changes))
    world.start(plan)
    started = world.inbox[-1]
    assert isinstance(started, CampaignStarted)
    world.inbox[-1] = CampaignStarted(campaign=plan, flow=started.flow, first_calls=first)
    world.add_contacts(ONE, *(phone(place) for place in range(contacts)))
    world.connect()
    return world


def idle(world: World) -> str:
    (picture,) = world.dialer.snapshot(world.now).campaigns
    return picture.waiting_for


@pytest.mark.parametrize("first", [1, 4, 9])
def test_so_many_calls_are_made_and_no_more(first: int) -> None:
    world = world_of(30, first)
    world.advance(10_000)
    assert len(world.calls) == first
    assert world.disk.status[ONE] is CampaignStatus.RUNNING
    assert idle(world) == "its first calls are made: it pauses when the last of them is over"
    for attempt_id in list(world.calls):
        world.end(attempt_id, sip_code=486, cause=17)
        world.settle()
    world.advance(1_000)
    assert world.disk.status[ONE] is CampaignStatus.PAUSED
    assert len(world.calls) == first


def test_a_list_that_ends_before_is_finished_not_paused() -> None:
    world = world_of(3, 50, lines=2)
    world.run_to_the_end()
    assert world.disk.status[ONE] is CampaignStatus.FINISHED


def test_a_change_meanwhile_does_not_begin_to_count_anew() -> None:
    world = world_of(30, 5, lines=3)
    world.advance(1_000)
    assert len(world.calls) == 3
    changed = campaign(1, lines=100, calls_per_second=100.0, pause_at=5)
    flow = world.dialer._work.campaigns[ONE].flow
    world.inbox.append(CampaignStarted(campaign=changed, flow=flow, first_calls=5))
    world.advance(2_000)
    assert len(world.calls) == 5


def test_resumed_it_goes_on_to_the_end() -> None:
    world = world_of(6, 2)
    world.advance(1_000)
    for attempt_id in list(world.calls):
        world.end(attempt_id, sip_code=404, cause=1)
        world.settle()
    world.advance(1_000)
    assert world.disk.status[ONE] is CampaignStatus.PAUSED
    world.start(campaign(1, lines=100, calls_per_second=100.0, pause_at=2))
    world.advance(2_000)
    assert len(world.calls) == 6


def test_one_dialed_by_hand_is_not_stopped() -> None:
    world = world_of(2, 0, mode=DialingMode.MANUAL)
    world.advance(1_000)
    assert world.disk.status[ONE] is CampaignStatus.PAUSED
