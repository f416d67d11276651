"""What abandonment and waits are counted from: calls that a live person answered and that were meant for an agent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.agents import AgentPlan, Conversation
from app.commands import CloseAttempt
from app.compliance.plan import AT_ANY_TIME
from app.model import Campaign, OpenedAttempt
from app.outcomes import Outcome
from app.store import SqlStore
from app.store.attaching import attach_list
from app.store.campaigns import create_campaign
from app.store.ended_calls import EndedCall, ended_of, ended_since
from app.units import CampaignId, FlowId, ListId, TrunkId
from tests.store.floor import hire, talk, talked
from tests.store.world import T0, build, claim, closing, phone

MEANT_FOR_AGENTS = (
    Outcome.CONNECTED_TO_AGENT,
    Outcome.CUSTOMER_ASKED_FOR_CALLBACK,
    Outcome.ABANDONED_BY_DIALER,
    Outcome.ABANDONED_TO_IVR,
    Outcome.CUSTOMER_HUNG_UP,
    Outcome.WRONG_NUMBER,
    Outcome.WRONG_PERSON,
)
ABANDONED = (Outcome.ABANDONED_BY_DIALER, Outcome.ABANDONED_TO_IVR)
CONNECT_WITHIN_MS = AgentPlan().connect_within_ms
ON_DISK_MS = T0 + 3


def answered(command: CloseAttempt) -> CloseAttempt:
    """The same end of a call that was answered."""
    facts = replace(command.result.facts, answered_at_ms=T0 + 1)
    return CloseAttempt(result=replace(command.result, facts=facts))


def met(attempt: OpenedAttempt, waited_ms: int, outcome: Outcome = Outcome.CONNECTED_TO_AGENT) -> CloseAttempt:
    """The end of a call in which an agent came after this wait."""
    conversation: Conversation = replace(talk(), waited_ms=waited_ms)
    return answered(talked(attempt, conversation, outcome=outcome))


async def ended(store: SqlStore, *commands: CloseAttempt) -> list[EndedCall]:
    """What is counted once these calls have ended."""
    await store.commit(list(commands), ON_DISK_MS)
    return await store.read(ended_since, T0)


@pytest.mark.parametrize("outcome", Outcome, ids=lambda outcome: outcome.name.lower())
async def test_a_call_without_an_agent_counts_by_its_outcome(store: SqlStore, outcome: Outcome) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    [attempt] = (await claim(store, campaign_id, 1)).attempts
    found = await ended(store, answered(closing(attempt, outcome=outcome)))
    assert [call.outcome for call in found] == ([outcome] if outcome in MEANT_FOR_AGENTS else [])
    assert [call.is_abandoned for call in found] == ([outcome in ABANDONED] if found else [])


async def test_a_call_that_nobody_answered_does_not_count(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    [attempt] = (await claim(store, campaign_id, 1)).attempts
    assert await ended(store, closing(attempt, outcome=Outcome.CUSTOMER_HUNG_UP)) == []


async def test_a_call_that_goes_on_does_not_count(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    await claim(store, campaign_id, 1)
    assert await store.read(ended_since, T0) == []


async def test_a_machine_that_an_agent_talked_to_does_not_count(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    await store.write(hire, "ann")
    [attempt] = (await claim(store, campaign_id, 1)).attempts
    assert await ended(store, met(attempt, 150, Outcome.ANSWERING_MACHINE)) == []


@pytest.mark.parametrize("outcome", [Outcome.CONNECTED_TO_AGENT, Outcome.DO_NOT_CALL])
async def test_whoever_an_agent_met_counts_whatever_came_of_it(store: SqlStore, outcome: Outcome) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    await store.write(hire, "ann")
    [attempt] = (await claim(store, campaign_id, 1)).attempts
    assert await ended(store, met(attempt, 150, outcome)) == [
        EndedCall(
            attempt_id=attempt.attempt_id,
            campaign_id=campaign_id,
            at_ms=ON_DISK_MS,
            outcome=outcome,
            waited_ms=150,
            limit_ms=CONNECT_WITHIN_MS,
        )
    ]


@pytest.mark.parametrize(("waited_ms", "is_late"), [(CONNECT_WITHIN_MS, False), (CONNECT_WITHIN_MS + 1, True)])
async def test_an_agent_who_came_too_late_is_an_abandoned_call(store: SqlStore, waited_ms: int, is_late: bool) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    await store.write(hire, "ann")
    [attempt] = (await claim(store, campaign_id, 1)).attempts
    [call] = await ended(store, met(attempt, waited_ms))
    assert call.is_abandoned is is_late


async def test_each_campaign_has_its_own_limit(store: SqlStore) -> None:
    [usual] = await store.write(build, [phone(1), phone(2)])  # one for each: a phone is claimed once at a time
    await store.write(hire, "ann")
    patient = Campaign(
        id=CampaignId(0), name="patient", flow_id=FlowId(1), trunks=(TrunkId("sip"),),
        agents=AgentPlan(connect_within_ms=5_000), compliance=AT_ANY_TIME,
    )  # fmt: skip
    patient_id = (await store.write(create_campaign, patient, now_ms=T0)).campaign.id
    await store.write(attach_list, patient_id, ListId(1), T0)
    attempts = [(await claim(store, campaign_id, 1)).attempts[0] for campaign_id in (usual, patient_id)]
    found = await ended(store, *(met(attempt, 3_000) for attempt in attempts))
    assert {call.campaign_id: (call.limit_ms, call.is_abandoned) for call in found} == {
        usual: (CONNECT_WITHIN_MS, True),
        patient_id: (5_000, False),
    }


async def test_since_when_goes_by_when_the_attempt_was_opened(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1), phone(2)])
    [early] = (await claim(store, campaign_id, 1, T0)).attempts
    [late] = (await claim(store, campaign_id, 1, T0 + 1_000)).attempts
    commands = [answered(closing(attempt, outcome=Outcome.ABANDONED_BY_DIALER)) for attempt in (early, late)]
    assert [call.attempt_id for call in await ended(store, *commands)] == [early.attempt_id, late.attempt_id]
    assert [call.attempt_id for call in await store.read(ended_since, T0 + 1_000)] == [late.attempt_id]


async def test_of_certain_attempts_only_theirs_are_found_however_many_are_asked_for(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(place) for place in range(1, 603)])
    attempts = (await claim(store, campaign_id, 602)).attempts
    commands = [answered(closing(attempt, outcome=Outcome.WRONG_NUMBER)) for attempt in attempts]
    assert len(await ended(store, *commands)) == 602
    asked = [attempt.attempt_id for attempt in attempts[1:]]
    assert sorted(call.attempt_id for call in await store.read(ended_of, asked)) == sorted(asked)
    assert await store.read(ended_of, []) == []
