"""Agents for the store's tests: people, seats, talks and what dispositions make of contacts."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from app.agents import AgentState, AgentStint, CallbackPlan, Conversation, Seat
from app.commands import ClaimContacts, CloseAttempt
from app.events import AttemptsOpened
from app.model import OpenedAttempt
from app.outcomes import ContactStatus, Outcome
from app.store import SqlStore
from app.store.people import Role, add_user
from app.units import AgentId, CampaignId, SessionId
from tests.store.world import T0, closing

ANN, BOB = AgentId(1), AgentId(2)


def hire(conn: Connection, *names: str) -> list[AgentId]:
    """People who are agents; ids count from 1."""
    return [AgentId(add_user(conn, name=name, password_hash="x", role=Role.AGENT, now_ms=T0).id) for name in names]


def seat(agent_id: AgentId = ANN, **changed: object) -> Seat:
    made = Seat(
        agent_id=agent_id, session_id=SessionId(f"session{agent_id}"), name=f"agent {agent_id}", endpoint=f"p{agent_id}"
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def stint(state: AgentState, from_ms: int, until_ms: int | None = None, agent_id: AgentId = ANN) -> AgentStint:
    return AgentStint(
        agent_id=agent_id, session_id=SessionId(f"session{agent_id}"), state=state, from_ms=from_ms, until_ms=until_ms
    )


def talk(agent_id: AgentId = ANN, *, at_ms: int = T0 + 2, disposition: str = "success", note: str = "") -> Conversation:
    return Conversation(
        agent_id=agent_id,
        session_id=SessionId(f"session{agent_id}"),
        connected_at_ms=at_ms,
        waited_ms=150,
        talk_ms=60_000,
        hold_ms=5_000,
        wrap_up_ms=9_000,
        disposition=disposition,
        note=note,
        recordings=("a-1",),
        transfers=("to Bob",),
    )


def talked(
    attempt: OpenedAttempt,
    conversation: Conversation,
    *,
    status: ContactStatus = ContactStatus.CONNECTED,
    due_at_ms: int | None = None,
    callback: CallbackPlan | None = None,
    outcome: Outcome = Outcome.CONNECTED_TO_AGENT,
) -> CloseAttempt:
    """The end of an attempt in which somebody talked with an agent."""
    ended = closing(attempt, outcome=outcome, status=status, due_at_ms=due_at_ms).result
    then = replace(ended.next, callback=callback)
    return CloseAttempt(result=replace(ended, conversation=conversation, next=then))


async def claim_for(
    store: SqlStore, campaign_id: CampaignId, count: int, *agents: AgentId, now_ms: int = T0
) -> AttemptsOpened:
    [event] = await store.commit([ClaimContacts(campaign_id=campaign_id, count=count, agents=agents)], now_ms)
    assert isinstance(event, AttemptsOpened)
    return event
