"""Drawing the floor for people: agents with their cards, a campaign's agents and those who wait for them."""

from __future__ import annotations

from dataclasses import dataclass

from app.agents import AgentState, Card, DialingMode, SpyMode
from app.dialing.agent import AgentRun
from app.dialing.attempt import AttemptRun
from app.dialing.campaign import CampaignRun
from app.dialing.crew import Crew
from app.dialing.person import Person, PersonStage
from app.dialing.snapshot import AgentPicture, PacingPicture
from app.model import CampaignStatus
from app.units import CampaignId


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignFloor:
    """A campaign's share of the floor. trouble: why its agents cannot be seen, in words."""

    with_agents: int = 0
    seeking: int = 0
    longest_wait_ms: int = 0
    agents: int = 0
    available: int = 0
    trouble: str = ""
    pacing: PacingPicture | None = None


def campaign_floor(crew: Crew, campaign_id: CampaignId, now_ms: int) -> CampaignFloor:
    """How many of its people talk and wait, how many agents it has."""
    waiting = list(crew.waiting(campaign_id))
    return CampaignFloor(
        with_agents=sum(
            person.is_with_agent and person.attempt.campaign.id == campaign_id for person in crew.people.values()
        ),
        seeking=len(waiting),
        longest_wait_ms=max((now_ms - person.waits_since_ms for person in waiting), default=0),
        agents=sum(campaign_id in agent.campaigns for agent in crew.agents.values()),
        available=crew.count_idle(campaign_id),
    )


def agent_picture(crew: Crew, agent: AgentRun, spies: tuple[tuple[str, SpyMode], ...], now_ms: int) -> AgentPicture:
    """An agent as they stand."""
    person = crew.person_of(agent)
    stint = agent.stint
    assert stint is not None, f"agent {agent.id} is signed out"
    running_ms = now_ms - stint.from_ms if agent.state in (AgentState.TALKING, AgentState.ON_HOLD) else 0
    return AgentPicture(
        agent_id=agent.id,
        session_id=agent.seat.session_id,
        name=agent.seat.name,
        endpoint=agent.seat.endpoint,
        phone_mode=agent.seat.phone_mode,
        state=agent.state,
        since_ms=stint.from_ms,
        deadline_ms=agent.deadline_ms,
        reason="" if agent.reason is None else agent.reason.code,
        reason_label="" if agent.reason is None else agent.reason.label,
        pause_limit_ms=0 if agent.reason is None else agent.reason.limit_ms,
        pause_next="" if agent.pause_next is None else agent.pause_next.label,
        signs_out_next=agent.signs_out_next,
        campaigns=agent.campaigns,
        campaign_id=stint.campaign_id,
        card=_card(crew, agent, person),
        is_phone_up=agent.phone.is_up,
        phone_note=_phone_note(agent),
        is_browser_lost=agent.browser_lost_at_ms is not None,
        is_muted=agent.is_muted,
        is_recording=person is not None and bool(person.recording),
        disposition="" if person is None or person.disposition_of(person.disposition) is None else person.disposition,
        extensions=agent.extensions if agent.state is AgentState.WRAP_UP else 0,
        consult="" if agent.consult is None else agent.consult.who,
        is_consult_up=agent.consult is not None and agent.consult.is_up,
        is_conference=agent.consult is not None and agent.consult.is_conference,
        spies=spies,
        calls=agent.calls_taken,
        talked_ms=agent.talked_ms + running_ms,
        waiting_for=_why_nobody(crew, agent) if agent.state is AgentState.AVAILABLE else "",
    )


def _phone_note(agent: AgentRun) -> str:
    if agent.phone.is_up or (agent.phone.is_per_call and agent.phone.is_reachable and not agent.phone.note):
        return ""
    if agent.phone.note:
        return agent.phone.note
    return "not connected" if agent.phone.leg_id is None else "ringing"


def _card(crew: Crew, agent: AgentRun, person: Person | None) -> Card | None:
    """Who is before the agent: whom they talk with, else the one whose call is on its way."""
    if person is None and agent.consulted_by is not None and agent.consulted_by in crew.agents:
        person = crew.person_of(crew.agents[agent.consulted_by])
    if person is not None:
        return _card_of(person.attempt, agent, person)
    if len(agent.calls) != 1:
        return None
    attempt = crew.work.attempts.get(next(iter(agent.calls)))
    return None if attempt is None else _card_of(attempt, agent, None)


def _card_of(attempt: AttemptRun, agent: AgentRun, person: Person | None) -> Card:
    opened = attempt.opened
    facts = None if attempt.call is None else attempt.call.facts
    is_preview = person is None and agent.state is AgentState.RESERVED and attempt.is_held
    return Card(
        attempt_id=attempt.id,
        campaign_id=opened.campaign_id,
        contact_id=opened.contact_id,
        number=opened.number,
        fields=opened.fields,
        language=attempt.visit.language,
        mode=DialingMode.MANUAL if opened.is_manual else attempt.campaign.mode,
        is_preview=is_preview,
        is_callback=opened.is_callback,
        keys=attempt.visit.keys,
        answered_at_ms=None if facts is None else facts.answered_at_ms,
        connected_at_ms=None if person is None else person.connected_at_ms,
        ended_at_ms=person.since_ms if person is not None and person.stage is PersonStage.GONE else None,
    )


def _why_nobody(crew: Crew, agent: AgentRun) -> str:
    """Why an available agent has nobody, by the campaign that comes first."""
    if agent.browser_lost_at_ms is not None:
        return "the page is not connected"
    if not agent.phone.is_fit:
        return "the phone is not connected"
    runs = [run for one in agent.campaigns if (run := crew.work.campaigns.get(one)) is not None]
    running = [run for run in runs if run.status is CampaignStatus.RUNNING]
    if not running:
        return "none of your campaigns is running" if agent.campaigns else "you serve no campaign"
    run = max(running, key=lambda one: one.campaign.agents.priority)
    return _why_idle(crew, run)


def _why_idle(crew: Crew, run: CampaignRun) -> str:
    if not crew.work.is_up:
        return "Asterisk cannot be reached"
    if run.campaign.mode is DialingMode.MANUAL:
        return "this campaign is dialed by hand"
    if run.campaign.mode is DialingMode.BROADCAST:
        return _on_the_line(crew, run)
    if run.is_ahead and run.on_the_line:
        return _on_the_line(crew, run)  # who answers of these comes to whoever is free
    if len(run.on_the_line) + len(run.held) >= run.campaign.lines:
        return "all of its lines are in use"
    if run.claiming or run.stock:
        return "the next person is being looked for"
    if run.next_due_ms is None:
        return "nobody is left to call"
    if run.is_ahead and run.next_due_ms <= crew.now_ms:
        return "the next person is being looked for"  # the pacer lets nobody be claimed just now
    return "everybody left waits for a later try"


def _on_the_line(crew: Crew, run: CampaignRun) -> str:
    attempts = [crew.work.attempts[one] for one in run.on_the_line if one in crew.work.attempts]
    answered = sum(attempt.is_answered for attempt in attempts)
    return f"{len(attempts) - answered} ringing, {answered} answered" if attempts else "nobody is on the line"
