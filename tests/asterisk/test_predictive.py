"""Predictive campaigns on the real PBX: nobody is reserved, who finds nobody hears why, and the ledger outlives us."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.agent_events import AgentPaused
from app.agents import AgentPlan, AgentState, DialingMode, PauseReason
from app.dialing.snapshot import CampaignPicture, PacingPicture
from app.outcomes import ContactStatus, Outcome
from app.store import dnc
from app.units import AttemptId, CampaignId, Number
from asterisk.lab import Lab
from tests.asterisk.shift import Shift, Worker, one_life

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session")]

BREAK = PauseReason(code="break", label="Break")
BUSY, PRESSES_9 = "+447700900140", "+447700900112"
PLAN = AgentPlan(wrap_up_ms=20_000, hold_ms=20_000)


def picture(floor: Shift, campaign_id: CampaignId) -> CampaignPicture:
    """A campaign as it stands."""
    return next(one for one in floor.site.operations.snapshot().campaigns if one.id == campaign_id)


def pacing(floor: Shift, campaign_id: CampaignId) -> PacingPicture:
    """How it is paced."""
    found = picture(floor, campaign_id).pacing
    assert found is not None
    return found


async def test_agents_without_a_reservation_meet_whoever_answers(floor: Shift) -> None:
    numbers = ["+447700900101", "+447700900201", BUSY, "+447700900301"]
    campaign_id = await floor.campaign(DialingMode.PREDICTIVE, numbers, PLAN, lines=10, calls_per_second=10)
    workers = [await floor.worker(place) for place in range(2)]
    for worker in workers:
        await worker.sign_in(campaign_id)
    assert await floor.site.attempts(campaign_id) == [], "nobody is dialed before somebody is ready"
    for worker in workers:
        await worker.ready()
    met: set[AttemptId] = set()

    def new() -> list[Worker]:
        talking = [one for one in workers if one.picture.state is AgentState.TALKING]
        return [one for one in talking if one.card.attempt_id not in met]

    while len(met) < 3:
        await floor.site.until(new, "somebody is talked with")
        for worker in new():
            met.add(worker.card.attempt_id)
            counted = pacing(floor, campaign_id)
            await worker.done()
    assert (counted.answered, counted.abandoned) == (3, 0)
    await floor.site.tried(campaign_id, 4)
    ended = await floor.site.attempts(campaign_id)
    outcomes = sorted(one.outcome.label for one in ended if one.outcome is not None)
    assert outcomes == sorted([Outcome.CONNECTED_TO_AGENT.label] * 3 + [Outcome.BUSY.label])
    waited = [one.conversation.waited_ms for one in ended if one.conversation is not None]
    assert max(waited) < PLAN.connect_within_ms


async def test_whoever_finds_nobody_hears_it_may_opt_out_and_is_counted_also_after_a_restart(
    house: Lab, tmp_path: Path
) -> None:
    async with one_life(house, tmp_path) as floor:
        campaign_id = await floor.campaign(DialingMode.PREDICTIVE, [PRESSES_9, BUSY], PLAN)
        anna = await floor.worker()
        await anna.sign_in(campaign_id)
        await anna.ready()
        await floor.site.until(lambda: picture(floor, campaign_id).placed, "a call is placed")
        await anna.ask(AgentPaused(agent_id=anna.id, reason=BREAK))
        ended = await floor.the_attempt(campaign_id)
        assert ended.outcome is Outcome.ABANDONED_BY_DIALER
        assert ended.flow["keys"], "what was pressed is kept"
        assert await floor.site.store.read(dnc.is_dnc, Number(PRESSES_9))
        standing = (await floor.site.standings(campaign_id))[PRESSES_9]
        assert standing.status is ContactStatus.DO_NOT_CALL
        assert (pacing(floor, campaign_id).answered, pacing(floor, campaign_id).abandoned) == (1, 1)
        await floor.site.operations.pause_campaign(campaign_id)
    async with one_life(house, tmp_path) as floor:
        await floor.site.operations.start_campaign(campaign_id)
        assert (pacing(floor, campaign_id).answered, pacing(floor, campaign_id).abandoned) == (1, 1)
        await floor.site.operations.stop_campaign(campaign_id)
