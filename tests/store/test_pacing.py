"""What outlives a restart of a predictive campaign: what its pacer learned, and whom the law counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app.agent_commands import SaveConversation
from app.agents import AgentPlan, PacingPlan
from app.commands import SavePacing
from app.events import PacingSaved
from app.model import PacingMemory
from app.outcomes import Outcome
from app.store import SqlStore
from app.store.campaigns import get_campaign
from app.store.pacing import PIECE_MS, pacing_memory
from app.units import HOUR_MS, CampaignId, SessionId
from tests.store.floor import ANN, hire
from tests.store.test_ended_calls import answered, met
from tests.store.world import T0, build, claim, closing, phone


async def memory(store: SqlStore, campaign_id: CampaignId, now_ms: int = T0 + 10, **changes: Any) -> PacingMemory:
    """What is known of a campaign, with other settings than it was made with."""
    plan = (await store.read(get_campaign, campaign_id)).campaign
    return await store.read(pacing_memory, replace(plan, agents=AgentPlan(pacing=PacingPlan(**changes))), now_ms)


async def test_nothing_is_known_of_a_new_campaign(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [])
    assert await memory(store, campaign_id) == PacingMemory(learned={}, counted=())


async def test_the_last_that_was_learned_is_kept(store: SqlStore) -> None:
    [campaign_id, other] = await store.write(build, [], 2)
    for learned in ({"level": 0.1}, {"level": 0.2, "odds": [1, 2.5]}):
        [event] = await store.commit([SavePacing(campaign_id=campaign_id, learned=learned)], T0)
        assert event == PacingSaved(campaign_id=campaign_id)
    assert (await memory(store, campaign_id)).learned == {"level": 0.2, "odds": [1, 2.5]}
    assert (await memory(store, other)).learned == {}


async def test_people_are_counted_in_pieces_of_time_and_the_abandoned_among_them(store: SqlStore) -> None:
    [campaign_id, other] = await store.write(build, [phone(place) for place in range(1, 8)], 2)
    await store.write(hire, "ann")
    [first, second, third, fourth] = (await claim(store, campaign_id, 4)).attempts
    [elsewhere] = (await claim(store, other, 1)).attempts
    await store.commit([met(first, 150), met(second, 2_001), met(elsewhere, 150)], T0)
    late = [Outcome.ABANDONED_BY_DIALER, Outcome.ANSWERING_MACHINE]
    ends = [answered(closing(attempt, outcome=one)) for attempt, one in zip((third, fourth), late, strict=True)]
    await store.commit(ends, T0 + PIECE_MS)
    begins_ms = T0 // PIECE_MS * PIECE_MS
    known = await memory(store, campaign_id, T0 + 2 * PIECE_MS)
    assert known.counted == ((begins_ms, 3, 2, 1),)


async def test_who_talks_with_an_agent_has_answered_and_is_counted_once_when_the_call_is_closed(
    store: SqlStore,
) -> None:
    [campaign_id] = await store.write(build, [phone(1), phone(2), phone(3)])
    await store.write(hire, "ann")
    begins_ms = T0 // PIECE_MS * PIECE_MS
    prompt, late, _ringing = (await claim(store, campaign_id, 3)).attempts
    for attempt, waited_ms in ((prompt, 150), (late, 2_001)):
        saved = SaveConversation(
            attempt_id=attempt.attempt_id,
            agent_id=ANN,
            session_id=SessionId("session1"),
            answered_at_ms=T0,
            connected_at_ms=T0 + 9_000 + waited_ms,
            waited_ms=waited_ms,
        )
        await store.commit([saved], T0 + waited_ms)
    assert (await memory(store, campaign_id, T0 + PIECE_MS)).counted == ((begins_ms, 2, 1, 0),)
    await store.commit([met(prompt, 150), met(late, 2_001)], T0 + 10)
    assert (await memory(store, campaign_id, T0 + PIECE_MS)).counted == ((begins_ms, 2, 1, 0),)


async def test_only_the_window_counts(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1), phone(2)])
    [old] = (await claim(store, campaign_id, 1, T0)).attempts
    [new] = (await claim(store, campaign_id, 1, T0 + 2 * HOUR_MS)).attempts
    ends = [answered(closing(attempt, outcome=Outcome.ABANDONED_BY_DIALER)) for attempt in (old, new)]
    await store.commit(ends, T0 + 2 * HOUR_MS)
    now_ms = T0 + 3 * HOUR_MS
    assert sum(piece[1] for piece in (await memory(store, campaign_id, now_ms, window_ms=4 * HOUR_MS)).counted) == 2
    assert sum(piece[1] for piece in (await memory(store, campaign_id, now_ms, window_ms=HOUR_MS)).counted) == 1
