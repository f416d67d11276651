"""Agents before they talk: contacts are claimed for the idle, cards previewed, calls placed, answers awaited.

A claim promises agents to a campaign without changing their state; what it brings reserves them. Nothing is placed for
a campaign that dials for its agents unless an agent is reserved for that very call.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

from app.agent_commands import OpenManual
from app.agent_events import ManualDialAsked, ManualRefused, PreviewAccepted, PreviewRefused
from app.agents import AgentState, DialingMode, PreviewDefault
from app.dialing.agent import AWAY, AgentRun, AgentStep
from app.dialing.attempt import AttemptRun, AttemptState
from app.dialing.campaign import CampaignRun
from app.dialing.crew import Crew
from app.dialing.leaving import Leaving
from app.dialing.unattended import Unattended
from app.outcomes import Outcome
from app.units import DAY_MS, SECOND_MS, AgentId, AttemptId, CampaignId, number

MANUAL_PATIENCE_MS: Final = 30 * SECOND_MS
"""How long the disk may take to say whether a number may be dialed by hand."""
BEFORE_TALK: Final = frozenset({AgentState.RESERVED, AgentState.RINGING})


class Reservations:
    """Which calls are on their way to whom."""

    def __init__(self, crew: Crew, leaving: Leaving, unattended: Unattended) -> None:
        self._crew = crew
        self._leaving = leaving
        self._unattended = unattended
        self._promised: dict[CampaignId, list[AgentId]] = {}
        self._short: dict[CampaignId, dict[AgentId, None]] = {}  # who may be reserved with fewer calls than they could

    # --- claiming for agents -----------------------------------------------------------------------------------------

    def room(self, run: CampaignRun, most: int) -> int:
        """For how many contacts, `most` at the most, a campaign has agents who take no other's."""
        found = -self._unattended.count(run.campaign.id)
        for agent in self._takers(run):
            found += self._lines_for(run) - len(agent.calls)
            if found >= most:
                return most
        return max(0, found)

    def promise(self, run: CampaignRun, count: int) -> tuple[AgentId, ...]:
        """A claim for `count` contacts is on its way: who they are for, until it is answered."""
        chosen: list[AgentId] = []
        for agent in self._takers(run):
            if count <= 0:
                break
            count -= self._lines_for(run) - len(agent.calls)
            chosen.append(agent.id)
        for agent_id in chosen:
            self._crew.agents[agent_id].promised_to = run.campaign.id
        self._promised[run.campaign.id] = chosen
        return tuple(chosen)

    def keep_promise(self, campaign_id: CampaignId) -> None:
        """The claim was answered, or failed: whoever got nothing is anybody's again."""
        for agent_id in self._promised.pop(campaign_id, ()):
            agent = self._crew.agents.get(agent_id)
            if agent is not None and agent.promised_to == campaign_id:
                agent.promised_to = None

    def _takers(self, run: CampaignRun) -> Iterator[AgentRun]:
        for agent in chain(self._short_of(run), self._crew.idle(run.campaign.id)):
            if agent.promised_to is None:
                yield agent

    def _short_of(self, run: CampaignRun) -> Iterator[AgentRun]:
        """Who is reserved and could have more calls on the way; who no longer is, is struck off."""
        noted = self._short.get(run.campaign.id, {})
        for agent_id in list(noted):
            agent = self._crew.agents.get(agent_id)
            if agent is not None and self._is_short(run, agent):
                yield agent
            else:
                noted.pop(agent_id, None)

    def _lines_for(self, run: CampaignRun) -> int:
        return run.campaign.agents.lines_per_agent if run.campaign.mode is DialingMode.PROGRESSIVE else 1

    # --- what a claim brings -----------------------------------------------------------------------------------------

    def assign(self, run: CampaignRun, attempt: AttemptRun) -> AgentRun | None:
        """Reserve an agent for an attempt that was just opened; None: there is none any more."""
        if attempt.opened.is_manual:
            return self._assign_manual(attempt)
        agent = self._taker_of(run, attempt)
        if agent is None:
            return None
        mode = run.campaign.mode
        agent.mode = mode
        self._give(agent, attempt)
        if agent.state is AgentState.AVAILABLE:
            self._crew.step(agent, AgentStep.RESERVE, campaign_id=run.campaign.id, attempt_id=attempt.id)
        if mode is DialingMode.PREVIEW:
            attempt.is_held = True
            agent.deadline_ms = self._crew.now_ms + run.campaign.agents.preview_ms
            self._crew.touch(agent)
        self._note_room(run.campaign.id, agent)
        return agent

    def _taker_of(self, run: CampaignRun, attempt: AttemptRun) -> AgentRun | None:
        """The attempt's own agent; else whom the claim was for; else whoever is idle."""
        own = attempt.opened.agent_id
        lines = self._lines_for(run)
        promised = (self._crew.agents.get(agent_id) for agent_id in self._promised.get(run.campaign.id, ()))
        for agent in chain((one for one in promised if one is not None), self._takers(run)):
            if (own is None or agent.id == own) and self._may_take(run, agent, lines):
                return agent
        return None

    def _may_take(self, run: CampaignRun, agent: AgentRun, lines: int) -> bool:
        if run.campaign.id not in agent.campaigns or len(agent.calls) >= lines:
            return False
        return agent.is_free or self._is_short(run, agent)

    def _give(self, agent: AgentRun, attempt: AttemptRun) -> None:
        agent.calls[attempt.id] = None
        self._crew.owners[attempt.id] = agent

    def _note_room(self, campaign_id: CampaignId, agent: AgentRun) -> None:
        """An agent, reserved for several lines, may be short of calls from now on, or no longer."""
        run = self._crew.work.campaigns.get(campaign_id)
        if run is not None and self._is_short(run, agent):
            self._short.setdefault(campaign_id, {})[agent.id] = None
        else:
            self._short.get(campaign_id, {}).pop(agent.id, None)

    def _is_short(self, run: CampaignRun, agent: AgentRun) -> bool:
        """Whether an agent, reserved for several lines of this campaign, could have more calls on the way now."""
        return (
            agent.mode is DialingMode.PROGRESSIVE
            and agent.state in BEFORE_TALK
            and agent.stint is not None
            and agent.stint.campaign_id == run.campaign.id
            and run.campaign.id in agent.campaigns
            and agent.person_id is None
            and 0 < len(agent.calls) < self._lines_for(run)
            and not agent.is_leaving
            and agent.browser_lost_at_ms is None
            and not any(self._crew.work.attempts[one].is_answered for one in agent.calls)
        )

    # --- calls on their way ------------------------------------------------------------------------------------------

    def placed(self, attempt: AttemptRun) -> None:
        """A call for an agent goes out."""
        agent = self._crew.owners.get(attempt.id)
        if agent is not None and agent.state is AgentState.RESERVED:
            self._ring(agent, attempt)

    def _ring(self, agent: AgentRun, attempt: AttemptRun) -> None:
        self._crew.step(agent, AgentStep.RING, campaign_id=attempt.campaign.id, attempt_id=attempt.id)

    def answered(self, attempt: AttemptRun) -> None:
        """The first who answers is the agent's; the others that ring for them are taken back."""
        agent = self._crew.owners[attempt.id]
        for other in [self._crew.work.attempts[one] for one in agent.calls if one != attempt.id]:
            if not other.is_answered:
                self.forget(other.id)
                self._crew.did(other, other.take_back(self._crew.now_ms, is_tried_later=True))
        self._note_room(attempt.campaign.id, agent)

    def ended(self, attempt: AttemptRun) -> None:
        """A call for an agent came to nothing."""
        agent = self._crew.owners.get(attempt.id)
        if agent is None:
            if attempt.opened.is_manual:  # before it was ever on its way
                self.refuse_manual(attempt.opened.agent_id)
            return
        self.forget(attempt.id)
        self._note_room(attempt.campaign.id, agent)
        self.free_if_idle(agent)

    def forget(self, attempt_id: AttemptId) -> None:
        """A call is no longer on its way to its agent."""
        agent = self._crew.owners.pop(attempt_id, None)
        if agent is not None:
            agent.calls.pop(attempt_id, None)
            self._crew.changed.add(agent.id)

    def free_if_idle(self, agent: AgentRun) -> None:
        """Whom nothing is on its way to any more is available again."""
        if agent.state in BEFORE_TALK and not agent.calls and agent.person_id is None and agent.consulted_by is None:
            self._leaving.free(agent)

    def drop_calls(self, agent: AgentRun) -> None:
        """The agent takes none of what is on its way: it goes to others who are idle, or is taken back."""
        for attempt in [self._crew.work.attempts[one] for one in list(agent.calls)]:
            self.forget(attempt.id)
            self._note_room(attempt.campaign.id, agent)
            if attempt.is_answered or self._pass_on(attempt, agent):
                continue
            self._crew.did(attempt, attempt.take_back(self._crew.now_ms, is_tried_later=True))

    def own(self, run: CampaignRun) -> None:
        """What rings for nobody waits for agents who are free, now or next."""
        attempts = (self._crew.work.attempts.get(attempt_id) for attempt_id in run.on_the_line)
        ringing = [one for one in attempts if one is not None and one.state is AttemptState.DIALING]
        for attempt in ringing:
            if attempt.id not in self._crew.owners and not attempt.visit.course.is_taken_back:
                self._unattended.add(attempt)
        for agent in list(self._crew.idle(run.campaign.id)):
            self.adopt(agent)

    def adopt(self, agent: AgentRun) -> None:
        """A free agent waits for the calls that ring for nobody, as many as the campaign has lines for one."""
        for campaign_id in agent.campaigns:
            run = self._crew.work.campaigns.get(campaign_id)
            while run is not None and (agent.is_free or self._is_short(run, agent)):
                attempt = self._unattended.take(campaign_id, agent.id)
                if attempt is None:
                    break
                self.resume(agent, attempt)

    def resume(self, agent: AgentRun, attempt: AttemptRun) -> None:
        """An agent waits for a call that is on its way already."""
        mode = attempt.campaign.mode
        by_will = DialingMode.MANUAL if attempt.opened.is_manual else mode
        agent.mode = by_will if by_will in (DialingMode.MANUAL, DialingMode.PREVIEW) else DialingMode.PROGRESSIVE
        self._give(agent, attempt)
        if agent.state not in BEFORE_TALK:
            self._crew.step(agent, AgentStep.RESERVE, campaign_id=attempt.campaign.id, attempt_id=attempt.id)
            self._ring(agent, attempt)
        self._note_room(attempt.campaign.id, agent)

    def who_could_turn(self, campaign_id: CampaignId) -> AgentRun | None:
        """Who serves a campaign and waits for calls that only ring: a person who is there comes before.

        Of several, whose calls may be taken back soonest, so that as few as may be ring for nobody.
        """
        found = [agent for agent in self._crew.ringing_for() if campaign_id in agent.campaigns]
        attempts = self._crew.work.attempts
        able = [agent for agent in found if not any(attempts[one].is_answered for one in agent.calls)]
        return min(able, key=self._spared_ms, default=None)

    def _spared_ms(self, agent: AgentRun) -> tuple[int, int, AgentId]:
        times = (self._unattended.may_end_ms(self._crew.work.attempts[one]) for one in agent.calls)
        wait_ms = max((self._crew.now_ms + DAY_MS if time is None else time for time in times), default=0)
        return (max(wait_ms, self._crew.now_ms), -agent.seat.skill, agent.id)

    def turn(self, agent: AgentRun) -> None:
        """The agent waits for their calls no longer: others do, or the calls end as soon as they may."""
        for attempt in [self._crew.work.attempts[one] for one in list(agent.calls)]:
            self.forget(attempt.id)
            if not (attempt.is_answered or self._pass_on(attempt, agent)):
                self._unattended.leave(attempt)
        self._crew.step(agent, AgentStep.RELEASE)

    def _pass_on(self, attempt: AttemptRun, agent: AgentRun) -> bool:
        """Give a call that rings to another agent. What an agent chose, or is theirs alone, is nobody else's."""
        run = self._crew.work.run_of(attempt)
        if agent.mode is not DialingMode.PROGRESSIVE or attempt.opened.agent_id is not None:
            return False
        others = chain(self._crew.idle(run.campaign.id), self._short_of(run))
        other = next((one for one in others if one is not agent), None)
        if other is None:
            return False
        other.mode = DialingMode.PROGRESSIVE
        self._give(other, attempt)
        if other.state is AgentState.AVAILABLE:
            self._crew.step(other, AgentStep.RESERVE, campaign_id=run.campaign.id, attempt_id=attempt.id)
        if attempt.state is AttemptState.DIALING and other.state is AgentState.RESERVED:
            self._ring(other, attempt)
        self._note_room(run.campaign.id, other)
        return True

    # --- previews ----------------------------------------------------------------------------------------------------

    def accept(self, agent: AgentRun, event: PreviewAccepted) -> None:
        """The agent wants the call: their phone first, where it is not up; then the person."""
        attempt = self._crew.work.attempts[event.attempt_id]
        if event.number and event.number != attempt.opened.number:
            attempt.choose(number(event.number))
        self._ring(agent, attempt)
        self._dial(agent, attempt)

    def _dial(self, agent: AgentRun, attempt: AttemptRun) -> None:
        if agent.phone.is_in_room:
            self._crew.work.let_go(attempt, self._crew.now_ms)
        else:
            shown = {"shown_name": attempt.campaign.name, "shown_number": attempt.opened.number}
            self._crew.do(*agent.phone.ring(self._crew.now_ms, **shown))

    def phone_joined(self, agent: AgentRun) -> None:
        """The agent's phone is there: whom they wanted to call is called."""
        for attempt in [self._crew.work.attempts[one] for one in agent.calls]:
            if attempt.is_held and agent.state is AgentState.RINGING:
                self._crew.work.let_go(attempt, self._crew.now_ms)

    def refuse(self, agent: AgentRun, event: PreviewRefused) -> None:
        """The agent does not want the call: later, or never."""
        attempt = self._crew.work.attempts[event.attempt_id]
        outcome = Outcome.AGENT_REJECTED_AND_CLOSED if event.is_closed else Outcome.AGENT_REJECTED_PREVIEW
        self._crew.did(attempt, attempt.refuse(outcome, event.reason, self._crew.now_ms))

    def expire(self, agent: AgentRun) -> None:
        """The time to answer a preview is over; it never becomes a call."""
        attempt = self._crew.work.attempts[next(iter(agent.calls))]
        if attempt.campaign.agents.preview_default is PreviewDefault.PAUSE:
            agent.pause_next = agent.pause_next or AWAY
        reason = "the agent did not answer the preview"
        self._crew.did(attempt, attempt.refuse(Outcome.PREVIEW_TIMED_OUT, reason, self._crew.now_ms))

    # --- by hand -----------------------------------------------------------------------------------------------------

    def dial(self, agent: AgentRun, event: ManualDialAsked) -> None:
        """The agent calls somebody: the disk says whether it may be. Who was paused is paused again afterwards."""
        if agent.state is AgentState.PAUSED:
            agent.pause_next = agent.reason
        agent.mode = DialingMode.MANUAL
        self._crew.step(agent, AgentStep.RESERVE, campaign_id=event.campaign_id)
        agent.deadline_ms = self._crew.now_ms + MANUAL_PATIENCE_MS
        self._crew.touch(agent)
        self._crew.do(
            OpenManual(
                agent_id=agent.id, campaign_id=event.campaign_id, number=event.number, contact_id=event.contact_id
            )
        )

    def refused(self, event: ManualRefused) -> None:
        """It may not be."""
        self.refuse_manual(event.agent_id)

    def refuse_manual(self, agent_id: AgentId | None) -> None:
        """An agent who waits for a number to be dialed by hand waits no longer."""
        agent = None if agent_id is None else self._crew.agents.get(agent_id)
        if agent is not None and self._is_awaiting(agent):
            self._leaving.free(agent)

    def _assign_manual(self, attempt: AttemptRun) -> AgentRun | None:
        assert attempt.opened.agent_id is not None, "a call by hand is some agent's"
        agent = self._crew.agents.get(attempt.opened.agent_id)
        if agent is None or not self._is_awaiting(agent):
            return None
        self._give(agent, attempt)
        agent.deadline_ms = None
        self._crew.touch(agent)
        if not agent.phone.is_in_room:
            attempt.is_held = True
            self._ring(agent, attempt)
            self._dial(agent, attempt)
        return agent

    def _is_awaiting(self, agent: AgentRun) -> bool:
        return agent.state is AgentState.RESERVED and agent.mode is DialingMode.MANUAL and not agent.calls
