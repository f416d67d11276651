"""Whole campaigns whose agents sit in a queue of the PBX's own: from the list to the attempt on disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from app.agents import AgentPlan, DialingMode, RecordingPolicy
from app.ivr.builtin import CONNECT_SOURCE
from app.operations import NotNow, OperationError
from app.outcomes import ContactStatus, Outcome
from app.store.attempts import AttemptEntry
from app.units import CampaignId
from asterisk.lab import Lab
from asterisk.lab.phones import OnRing, Phone
from tests.asterisk.campaign import Site, site
from tests.asterisk.queue_lab import ami_of, queue_lab
from tests.contract.stage import PATIENCE_S

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]
PLAN = AgentPlan(queue="sales", hold_ms=60_000, safe_harbor="Nobody is free now. Goodbye.")
SURVEY = """
name: survey
start: agent
nodes:
  agent: {type: agents, next: mark}
  mark: {type: digits, sound: vm-press, into: mark, max_digits: 1, repeats: 0, next: bye}
  bye: {type: hangup}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def queues() -> AsyncIterator[Lab]:
    async with queue_lab() as lab:
        yield lab


@pytest_asyncio.fixture(loop_scope="module")
async def here(queues: Lab, tmp_path: Path) -> AsyncIterator[Site]:
    for phone in queues.phones.values():
        await phone.until_idle()
        phone.on_ring = OnRing.ANSWER
    async with site(queues.pbx, tmp_path, ami=ami_of(queues.pbx)) as here:

        async def is_followed() -> bool:
            return await here.telephony.queue_problem("sales") is None

        await here.until(is_followed, "the manager interface is there")
        yield here


async def started(
    here: Site, people: list[str], *, flow: str = CONNECT_SOURCE, plan: AgentPlan = PLAN, lines: int = 10
) -> CampaignId:
    """A progressive campaign on the queue."""
    trunk = await here.trunk("network")
    return await here.start(flow, [trunk], people, mode=DialingMode.PROGRESSIVE, agents=plan, lines=lines)


def person(place: int) -> str:
    """Somebody who picks up and listens."""
    return f"+4477009{place:03}99"


async def only(here: Site, campaign_id: CampaignId) -> AttemptEntry:
    [attempt] = await here.attempts(campaign_id)
    return attempt


async def talks(here: Site, phone: Phone) -> None:
    """Wait until a member is in a call."""
    async with asyncio.timeout(PATIENCE_S):
        await phone.until_up()


async def test_agent_waiting_talk_and_result_land_in_the_attempt(queues: Lab, here: Site) -> None:
    ann = queues.phones["1001"]
    ann.on_ring = OnRing.RING
    campaign_id = await started(here, [person(1)])
    async with asyncio.timeout(PATIENCE_S):
        await ann.until_ringing()
    await asyncio.sleep(1)  # the person waits
    await ann.answer()
    await talks(here, ann)
    await here.until(lambda: here.operations.snapshot().campaigns[0].with_agents == 1, "one talks")
    await asyncio.sleep(1)  # they talk
    await ann.hang_up()
    await here.finished(campaign_id)
    attempt = await only(here, campaign_id)
    talk = attempt.conversation
    assert talk is not None
    assert (attempt.outcome, attempt.is_charged) == (Outcome.CONNECTED_TO_AGENT, True)
    assert (talk.agent_id, talk.queue_member, talk.transfers) == (None, "Ann", ("queue sales", "the agent hung up"))
    assert talk.waited_ms >= 900
    assert talk.talk_ms >= 900
    assert attempt.facts.answered_at_ms is not None
    assert attempt.facts.ended_at_ms is not None
    assert attempt.facts.answered_at_ms + talk.waited_ms <= talk.connected_at_ms + 50
    assert talk.connected_at_ms + talk.talk_ms <= attempt.facts.ended_at_ms
    [standing] = (await here.standings(campaign_id)).values()
    assert standing.status is ContactStatus.CONNECTED


async def test_a_queue_of_one_member_takes_a_list_one_by_one(queues: Lab, here: Site) -> None:
    ann = queues.phones["1001"]
    before = ann.calls
    campaign_id = await started(here, [person(place) for place in range(10, 14)])
    for _ in range(4):
        await talks(here, ann)
        assert len([one for one in await here.attempts(campaign_id) if one.closed_at_ms is None]) <= 1
        await ann.hang_up()
        await ann.until_idle()
    await here.finished(campaign_id)
    assert [one.outcome for one in await here.attempts(campaign_id)] == [Outcome.CONNECTED_TO_AGENT] * 4
    assert ann.calls - before == 4


async def test_nobody_takes_them_and_they_are_told_so(queues: Lab, here: Site) -> None:
    queues.phones["1001"].on_ring = OnRing.RING
    plan = AgentPlan(queue="sales", hold_ms=2_000, safe_harbor="Nobody is free now. Goodbye.")
    campaign_id = await started(here, [person(20)], plan=plan)
    await here.finished(campaign_id)
    attempt = await only(here, campaign_id)
    assert (attempt.outcome, attempt.conversation) == (Outcome.ABANDONED_BY_DIALER, None)
    assert attempt.facts.answered_at_ms is not None
    assert attempt.facts.ended_at_ms is not None
    assert attempt.facts.ended_at_ms - attempt.facts.answered_at_ms >= 3_000, "the message was heard"


async def test_a_survey_after_the_talk(queues: Lab, here: Site) -> None:
    ann = queues.phones["1001"]
    campaign_id = await started(here, [person(30)], flow=SURVEY)
    await talks(here, ann)
    await ann.hang_up()
    await here.finished(campaign_id)
    attempt = await only(here, campaign_id)
    assert attempt.outcome is Outcome.CONNECTED_TO_AGENT
    assert attempt.conversation is not None
    assert [step["node"] for step in attempt.flow["path"]] == ["agent", "mark"]


async def test_the_person_hangs_up_in_the_talk(queues: Lab, here: Site) -> None:
    ann = queues.phones["1001"]
    campaign_id = await started(here, ["+447700900121"])  # hangs up three seconds after the answer
    await talks(here, ann)
    await here.finished(campaign_id)
    attempt = await only(here, campaign_id)
    assert attempt.conversation is not None
    assert attempt.conversation.transfers == ("queue sales", "the person hung up")


async def test_members_who_are_busy_are_dialed_for_by_nobody(queues: Lab, here: Site) -> None:
    await queues.pbx.cli("queue pause member PJSIP/1001 queue sales")
    try:
        campaign_id = await started(here, [person(40)])
        await here.until(
            lambda: here.operations.snapshot().campaigns[0].waiting_for == "no agent is available", "it waits"
        )
        assert await here.attempts(campaign_id) == []
    finally:
        await queues.pbx.cli("queue unpause member PJSIP/1001 queue sales")
    await talks(here, queues.phones["1001"])
    await queues.phones["1001"].hang_up()
    await here.finished(campaign_id)


async def test_a_campaign_that_cannot_be_followed_is_refused_with_the_mend(queues: Lab, tmp_path: Path) -> None:
    async with site(queues.pbx, tmp_path / "one") as here:
        with pytest.raises(NotNow, match="write ami_url = "):
            await started(here, [person(50)])
    async with site(queues.pbx, tmp_path / "two", ami=ami_of(queues.pbx, secret="wrong")) as here:

        async def is_refused() -> bool:
            return "refuses the user or secret" in (await here.telephony.queue_problem("sales") or "")

        await here.until(is_refused, "the secret is refused")
        with pytest.raises(NotNow, match=r"compare ami_url with Asterisk's manager\.conf"):
            await started(here, [person(51)])


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (AgentPlan(queue="missing"), "Asterisk has no queue 'missing' .it has both, nobody, sales, support."),
        (AgentPlan(queue="a"), "cannot be dialed"),
        (AgentPlan(queue="sales", recording=RecordingPolicy.ALWAYS, consent_notice="Recorded."), "monitor-format"),
    ],
)
async def test_what_a_queue_cannot_do_is_said_beforehand(here: Site, plan: AgentPlan, words: str) -> None:
    with pytest.raises(OperationError, match=words):
        await started(here, [person(60)], plan=plan)
