"""Agents: their skill and language, the campaigns they serve, their sessions, and their own figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from app.agents import AgentState, AgentStint, PauseReason, PhoneMode, Seat
from app.store.errors import InUse, NotFound
from app.store.ids import earliest_id
from app.store.owners import mark_owners
from app.store.schema import agent_sessions, agent_stints, attempts, campaign_agents, campaigns, users
from app.units import AgentId, AttemptId, CampaignId, SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentProfile:
    """What a person is as an agent. skill: higher is served first; language: of their prompts."""

    agent_id: AgentId
    name: str
    skill: int = 0
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignAgent:
    """Somebody who may serve a campaign. skill: theirs there, None: their own."""

    agent_id: AgentId
    skill: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSession:
    """An agent at work: what brings the session back after a restart. present: what they did last, and since when.

    signed_out_at_ms None: it goes on. pause_next, signs_out_next: what they asked for to come after their call.
    """

    seat: Seat
    campaigns: tuple[CampaignId, ...]
    signed_in_at_ms: int
    signed_out_at_ms: int | None
    present: AgentStint
    pause_next: PauseReason | None = None
    signs_out_next: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFigures:
    """An agent's own figures of a stretch of time. calls: people they talked with; contacts: different ones.

    talk_ms: with hold. times_ms: time in each state, the present stint up to now. dispositions: by code.
    """

    calls: int = 0
    contacts: int = 0
    talk_ms: int = 0
    wrap_up_ms: int = 0
    times_ms: Mapping[AgentState, int] = field(default_factory=dict)
    dispositions: Mapping[str, int] = field(default_factory=dict)


# --- who they are ----------------------------------------------------------------------------------------------------


def agent_profile(conn: Connection, agent_id: AgentId) -> AgentProfile:
    """Raises NotFound."""
    row = conn.execute(select(users).where(users.c.id == agent_id)).first()
    if row is None:
        raise NotFound("user", agent_id)
    return AgentProfile(agent_id=AgentId(row.id), name=row.name, skill=row.skill, language=row.language)


def set_agent_profile(
    conn: Connection, agent_id: AgentId, *, skill: int | None = None, language: str | None = None
) -> AgentProfile:
    """Change what is not None; a session that goes on keeps what it began with. Raises NotFound."""
    given = {"skill": skill, "language": language}
    values = {name: value for name, value in given.items() if value is not None}
    if values:
        conn.execute(update(users).where(users.c.id == agent_id).values(values))
    return agent_profile(conn, agent_id)


def set_campaign_agents(conn: Connection, campaign_id: CampaignId, agents: Iterable[CampaignAgent]) -> None:
    """Say who may serve a campaign, and nobody else. Raises NotFound for the campaign or an agent."""
    if conn.execute(select(campaigns.c.id).where(campaigns.c.id == campaign_id)).first() is None:
        raise NotFound("campaign", campaign_id)
    wanted = {agent.agent_id: agent for agent in agents}
    known = set(conn.execute(select(users.c.id).where(users.c.id.in_(wanted))).scalars())
    for agent_id in wanted:
        if agent_id not in known:
            raise NotFound("user", agent_id)
    conn.execute(delete(campaign_agents).where(campaign_agents.c.campaign_id == campaign_id))
    rows = [{"campaign_id": campaign_id, "agent_id": agent.agent_id, "skill": agent.skill} for agent in wanted.values()]
    if rows:
        conn.execute(insert(campaign_agents), rows)
    mark_owners(conn, [campaign_id])


def list_campaign_agents(conn: Connection, campaign_id: CampaignId) -> list[CampaignAgent]:
    """Who may serve a campaign, by id."""
    found = select(campaign_agents).where(campaign_agents.c.campaign_id == campaign_id)
    return [
        CampaignAgent(agent_id=AgentId(row.agent_id), skill=row.skill)
        for row in conn.execute(found.order_by(campaign_agents.c.agent_id))
    ]


def campaigns_of_agent(conn: Connection, agent_id: AgentId) -> tuple[CampaignId, ...]:
    """The campaigns an agent may serve, whatever their status, by id."""
    found = select(campaign_agents.c.campaign_id).where(campaign_agents.c.agent_id == agent_id)
    return tuple(CampaignId(one) for one in conn.execute(found.order_by(campaign_agents.c.campaign_id)).scalars())


# --- sessions --------------------------------------------------------------------------------------------------------


def sign_in(
    conn: Connection, seat: Seat, campaigns_served: Sequence[CampaignId], *, reason: str = "signed-in", now_ms: int
) -> None:
    """Begin a session on disk, paused. Raises InUse for an agent or a phone with a session that goes on, NotFound."""
    row = conn.execute(select(users.c.id).where(users.c.id == seat.agent_id)).first()
    if row is None:
        raise NotFound("user", seat.agent_id)
    for session in open_agent_sessions(conn):
        if session.seat.agent_id == seat.agent_id:
            raise InUse(f"{seat.name} is signed in already, on phone {session.seat.endpoint}; sign out there first")
        if session.seat.endpoint == seat.endpoint:
            raise InUse(f"phone {seat.endpoint} is in use by {session.seat.name}; choose another phone")
    conn.execute(
        insert(agent_sessions).values(
            id=seat.session_id,
            agent_id=seat.agent_id,
            endpoint=seat.endpoint,
            phone_mode=seat.phone_mode.value,
            has_auto_answer=seat.has_auto_answer,
            name=seat.name,
            skill=seat.skill,
            language=seat.language,
            campaigns=list(campaigns_served),
            signed_in_at_ms=now_ms,
            state=AgentState.PAUSED.value,
            since_ms=now_ms,
            reason=reason,
            is_paid=True,
        )
    )


def set_session_campaigns(conn: Connection, session_id: SessionId, campaigns_served: Sequence[CampaignId]) -> None:
    """The agent serves these campaigns from now on. Raises NotFound for a session that is over."""
    goes_on = update(agent_sessions).where(
        agent_sessions.c.id == session_id, agent_sessions.c.signed_out_at_ms.is_(None)
    )
    if conn.execute(goes_on.values(campaigns=list(campaigns_served))).rowcount == 0:
        raise NotFound("session", session_id)


def open_agent_sessions(conn: Connection) -> list[AgentSession]:
    """The sessions that go on, oldest first: to be taken up again after a restart."""
    found = select(agent_sessions).where(agent_sessions.c.signed_out_at_ms.is_(None))
    return [_session(row) for row in conn.execute(found.order_by(agent_sessions.c.signed_in_at_ms))]


def agent_sessions_since(conn: Connection, agent_id: AgentId, since_ms: int) -> list[AgentSession]:
    """An agent's sessions that began since then, newest first."""
    found = select(agent_sessions).where(
        agent_sessions.c.agent_id == agent_id, agent_sessions.c.signed_in_at_ms >= since_ms
    )
    return [_session(row) for row in conn.execute(found.order_by(agent_sessions.c.signed_in_at_ms.desc()))]


def end_agent_session(conn: Connection, session_id: SessionId, now_ms: int) -> None:
    """Sign out a session that nothing will take up again; harmless for one that is over."""
    goes_on = update(agent_sessions).where(
        agent_sessions.c.id == session_id, agent_sessions.c.signed_out_at_ms.is_(None)
    )
    conn.execute(goes_on.values(signed_out_at_ms=now_ms, state=AgentState.SIGNED_OUT.value, since_ms=now_ms))


# --- figures ---------------------------------------------------------------------------------------------------------


def agent_stints_between(conn: Connection, agent_id: AgentId, from_ms: int, until_ms: int) -> list[AgentStint]:
    """An agent's finished stints that touch a stretch of time, in order.

    One that began more than a day before it is not looked for: no stint lasts as long.
    """
    found = select(agent_stints).where(
        agent_stints.c.agent_id == agent_id,
        agent_stints.c.from_ms.between(from_ms - _LONGEST_STINT_MS, until_ms - 1),
        agent_stints.c.until_ms > from_ms,
    )
    ordered = found.order_by(agent_stints.c.from_ms, agent_stints.c.until_ms)
    return [_stint(row, row.session_id, row.until_ms) for row in conn.execute(ordered)]


def agent_figures(conn: Connection, agent_id: AgentId, *, since_ms: int, now_ms: int) -> AgentFigures:
    """An agent's figures since then (their day, so far), along indexes of theirs alone."""
    mine = (
        attempts.c.agent_id == agent_id,
        attempts.c.id >= earliest_id(since_ms),
        attempts.c.connected_at_ms.is_not(None),
    )
    sums = select(
        func.count(),
        func.count(attempts.c.contact_id.distinct()),
        func.coalesce(func.sum(attempts.c.talk_ms), 0) + func.coalesce(func.sum(attempts.c.hold_ms), 0),
        func.coalesce(func.sum(attempts.c.wrap_up_ms), 0),
    )
    calls, contacts, talk_ms, wrap_up_ms = conn.execute(sums.where(*mine)).one()
    codes = select(attempts.c.disposition, func.count()).where(*mine, attempts.c.disposition.is_not(None))
    found = conn.execute(codes.group_by(attempts.c.disposition).order_by(attempts.c.disposition))
    return AgentFigures(
        calls=calls,
        contacts=contacts,
        talk_ms=int(talk_ms),
        wrap_up_ms=int(wrap_up_ms),
        times_ms=_times(conn, agent_id, since_ms, now_ms),
        dispositions={row[0]: row[1] for row in found},
    )


_LONGEST_STINT_MS = 24 * 3_600_000


def _times(conn: Connection, agent_id: AgentId, since_ms: int, now_ms: int) -> dict[AgentState, int]:
    times: Counter[AgentState] = Counter()
    for stint in agent_stints_between(conn, agent_id, since_ms, now_ms):
        times[stint.state] += min(stint.until_ms or now_ms, now_ms) - max(stint.from_ms, since_ms)
    open_one = select(agent_sessions).where(
        agent_sessions.c.agent_id == agent_id, agent_sessions.c.signed_out_at_ms.is_(None)
    )
    row = conn.execute(open_one).first()
    if row is not None:
        times[AgentState(row.state)] += max(0, now_ms - max(row.since_ms, since_ms))
    return dict(times)


def _session(row: Row[Any]) -> AgentSession:
    return AgentSession(
        seat=Seat(
            agent_id=AgentId(row.agent_id),
            session_id=SessionId(row.id),
            name=row.name,
            endpoint=row.endpoint,
            phone_mode=PhoneMode(row.phone_mode),
            skill=row.skill,
            has_auto_answer=bool(row.has_auto_answer),
            language=row.language,
        ),
        campaigns=tuple(CampaignId(one) for one in row.campaigns),
        signed_in_at_ms=row.signed_in_at_ms,
        signed_out_at_ms=row.signed_out_at_ms,
        present=_stint(row, row.id, None),
        pause_next=None if row.pause_next is None else PauseReason(**row.pause_next),
        signs_out_next=bool(row.signs_out_next),
    )


def _stint(row: Row[Any], session_id: str, until_ms: int | None) -> AgentStint:
    return AgentStint(
        agent_id=AgentId(row.agent_id),
        session_id=SessionId(session_id),
        state=AgentState(row.state),
        from_ms=row.from_ms if until_ms is not None else row.since_ms,
        until_ms=until_ms,
        reason=row.reason,
        is_paid=bool(row.is_paid),
        campaign_id=None if row.campaign_id is None else CampaignId(row.campaign_id),
        attempt_id=None if row.attempt_id is None else AttemptId(row.attempt_id),
    )
