"""Who is signed in and who waits: agents by idle time, people by waiting time, and what is to be said about them.

The parts of the floor share it, as the dialer's parts share Work. A change is noted here and looked into once the
event that caused it is dealt with, so that nothing is decided halfway through.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from typing import NamedTuple

from app.agent_commands import CloseRoom
from app.agent_events import DeskWord
from app.agents import AgentPlan, AgentState, DialingMode, PauseReason
from app.commands import Command
from app.dialing.agent import IN_CALL, AgentRun, AgentStep
from app.dialing.alarms import Alarms
from app.dialing.attempt import AttemptRun
from app.dialing.consult import Party
from app.dialing.person import Person, PersonStage
from app.dialing.work import Work
from app.units import AgentId, AttemptId, CampaignId, LegId, SessionId

_Rank = tuple[int, int, AgentId]
"""Less skill, idle since, and who."""


class Finished(NamedTuple):
    """An agent is done with a conversation and its card."""

    agent_id: AgentId
    campaign_id: CampaignId | None
    talk_ms: int
    wrap_up_ms: int


class Word(NamedTuple):
    """An agent's desk told how far the conversation is."""

    agent_id: AgentId
    campaigns: tuple[CampaignId, ...]
    word: DeskWord
    step: int


class Crew:
    """The floor's books."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.now_ms = 0
        self.agents: dict[AgentId, AgentRun] = {}
        self.sessions: dict[SessionId, AgentRun] = {}
        self.people: dict[AttemptId, Person] = {}
        self.owners: dict[AttemptId, AgentRun] = {}
        """For whom a call is on its way: the contact is claimed, dialed or just answered."""
        self.agent_alarms: Alarms[AgentId] = Alarms()
        self.people_alarms: Alarms[AttemptId] = Alarms()
        self.ring_alarms: Alarms[AttemptId] = Alarms()
        """When calls that ring for nobody may be taken back."""
        self.changed: set[AgentId] = set()
        self.freed: dict[AgentId, None] = {}
        self.seekers: dict[AttemptId, None] = {}
        self.parties: dict[LegId, Party] = {}
        self.touched: list[AttemptRun] = []
        self.unclosed: list[CloseRoom] = []
        self.broken: dict[AgentId, str] = {}
        """Whose phone has turned out to be no good, and why."""
        self.unowned: dict[CampaignId, dict[AttemptId, None]] = {}
        """Calls that ring, and that no agent waits for (yet)."""
        self.undialed: dict[AgentId, None] = {}
        """Agents reserved in a progressive campaign for whom nothing is dialed yet."""
        self.ringing: dict[AgentId, None] = {}
        """Agents for whom calls ring that were placed because they were idle."""
        self.stirred: set[CampaignId] = set()
        """Campaigns whose agents changed state, or came, or went."""
        self.finished: list[Finished] = []
        self.words: list[Word] = []
        self._idle: dict[CampaignId, list[_Rank]] = {}
        self._ranked: dict[AgentId, tuple[_Rank, tuple[CampaignId, ...]]] = {}
        self._waiting: dict[CampaignId, list[tuple[bool, int, AttemptId]]] = {}
        self._out: list[Command] = []

    # --- saying ------------------------------------------------------------------------------------------------------

    def do(self, *commands: Command) -> None:
        """Have something done. A room that is closed while Asterisk is away is closed when it is back."""
        self._out += commands
        if not self.work.is_up:
            self.unclosed += [command for command in commands if isinstance(command, CloseRoom)]

    def take_out(self) -> list[Command]:
        """What was asked for since the last time."""
        out, self._out = self._out, []
        return out

    def did(self, attempt: AttemptRun, commands: list[Command]) -> None:
        """Something was done to an attempt: have its commands done, and look at it again."""
        self._out += commands
        self.work.settle(attempt)
        self.touched.append(attempt)

    # --- agents ------------------------------------------------------------------------------------------------------

    def step(
        self,
        agent: AgentRun,
        step: AgentStep,
        *,
        reason: PauseReason | None = None,
        campaign_id: CampaignId | None = None,
        attempt_id: AttemptId | None = None,
    ) -> None:
        """An agent's next state, written down."""
        now, before, was = self.now_ms, agent.state, agent.stint
        self.do(agent.step(step, now, reason=reason, campaign_id=campaign_id, attempt_id=attempt_id))
        self.touch(agent)
        self.stirred.update(agent.campaigns)
        is_done = before is AgentState.WRAP_UP or (before in IN_CALL and agent.state is AgentState.AVAILABLE)
        if was is not None and is_done:
            wrap_up_ms = now - was.from_ms if before is AgentState.WRAP_UP else 0
            self.finished.append(
                Finished(agent.id, was.campaign_id, max(0, now - wrap_up_ms - agent.busy_since_ms), wrap_up_ms)
            )

    def tell_word(self, agent: AgentRun, word: DeskWord, step: int = 0) -> None:
        """How far a conversation is, for whoever counts on the agent."""
        self.words.append(Word(agent.id, agent.campaigns, word, step))

    def touch(self, agent: AgentRun) -> None:
        """Something about an agent changed: the picture, the next deadline, the place among the idle."""
        self.changed.add(agent.id)
        if agent.id not in self.agents:
            self.agent_alarms.set(agent.id, None)
            self.undialed.pop(agent.id, None)
            self.ringing.pop(agent.id, None)
            self._unrank(agent.id)
            return
        self.do(*agent.log_latch())
        self.agent_alarms.set(agent.id, agent.next_deadline_ms())
        if agent.state is AgentState.RESERVED and agent.mode is DialingMode.PROGRESSIVE:
            self.undialed[agent.id] = None
        else:
            self.undialed.pop(agent.id, None)
        if agent.state is AgentState.RINGING and agent.mode is DialingMode.PROGRESSIVE and not agent.is_leaving:
            self.ringing[agent.id] = None
        else:
            self.ringing.pop(agent.id, None)
        if not agent.is_free:
            self._unrank(agent.id)
        elif agent.id not in self._ranked:
            self._rank(agent)
            self.freed[agent.id] = None

    def _rank(self, agent: AgentRun) -> None:
        rank = (-agent.seat.skill, agent.since_ms, agent.id)
        self._ranked[agent.id] = (rank, agent.campaigns)
        for campaign_id in agent.campaigns:
            insort(self._idle.setdefault(campaign_id, []), rank)

    def _unrank(self, agent_id: AgentId) -> None:
        self.freed.pop(agent_id, None)
        if (found := self._ranked.pop(agent_id, None)) is None:
            return
        rank, campaigns = found
        for campaign_id in campaigns:
            self._idle[campaign_id].remove(rank)

    def serve(self, agent: AgentRun, campaigns: tuple[CampaignId, ...]) -> None:
        """An agent serves other campaigns from now on."""
        self._unrank(agent.id)
        self.stirred.update(agent.campaigns, campaigns)
        agent.campaigns = campaigns
        self.touch(agent)
        for campaign_id in campaigns:  # whose own call only rings may be wanted by who waits there
            person = self.first_waiting(campaign_id)
            if person is not None and (agent in self.could_leave_off(campaign_id) or agent in self.ringing_for()):
                self.seekers[person.id] = None
                break

    def idle(self, campaign_id: CampaignId) -> Iterator[AgentRun]:
        """Who could take a person of a campaign now: by skill, then longest idle first."""
        for _, _, agent_id in self._idle.get(campaign_id, ()):
            yield self.agents[agent_id]

    def could_leave_off(self, campaign_id: CampaignId) -> Iterator[AgentRun]:
        """Who serves a campaign and is reserved for somebody not dialed yet: a person on the line comes before."""
        for agent_id in self.undialed:
            agent = self.agents[agent_id]
            if campaign_id in agent.campaigns and agent.phone.is_fit and agent.browser_lost_at_ms is None:
                yield agent

    def ringing_for(self) -> Iterator[AgentRun]:
        """Who waits for calls that were placed for them and not by their will, and could take a person instead."""
        for agent_id in self.ringing:
            agent = self.agents[agent_id]
            is_there = agent.phone.is_fit and agent.browser_lost_at_ms is None
            if agent.calls and agent.person_id is None and agent.consulted_by is None and is_there:
                yield agent

    def count_idle(self, campaign_id: CampaignId) -> int:
        """How many could."""
        return len(self._idle.get(campaign_id, ()))

    def agent_of_leg(self, leg_id: LegId) -> AgentRun | None:
        """Whose phone or consulted party a leg is."""
        return self.sessions.get(SessionId(leg_id.partition("-")[0]))

    # --- people ------------------------------------------------------------------------------------------------------

    def person_of(self, agent: AgentRun) -> Person | None:
        """Whose card is before an agent, who has talked or talks with them."""
        return None if agent.person_id is None else self.people.get(agent.person_id)

    def await_agent(self, person: Person) -> None:
        """A person has to have an agent of their queue."""
        self.leave_queue(person)
        rank = (not person.is_front, person.waits_since_ms, person.id)
        insort(self._waiting.setdefault(person.queue_id, []), rank)
        self.seekers[person.id] = None

    def leave_queue(self, person: Person) -> None:
        """A person waits no longer."""
        self.seekers.pop(person.id, None)
        line = self._waiting.get(person.queue_id, [])
        line[:] = [rank for rank in line if rank[2] != person.id]

    def first_waiting(self, campaign_id: CampaignId) -> Person | None:
        """Who is next in a campaign's queue."""
        line = self._waiting.get(campaign_id)
        return self.people[line[0][2]] if line else None

    def count_waiting(self, campaign_id: CampaignId) -> int:
        """How many wait there."""
        return len(self._waiting.get(campaign_id, ()))

    def waiting(self, campaign_id: CampaignId) -> Iterator[Person]:
        """All of them, the next one first."""
        for _, _, attempt_id in self._waiting.get(campaign_id, ()):
            yield self.people[attempt_id]

    def rank_of(self, person: Person) -> tuple[bool, int, int, AttemptId]:
        """Who comes first of all who wait: whose agent vanished, then by campaign, then who waits longest."""
        priority = self.plan_of(person.queue_id).priority
        return (not person.is_front, -priority, person.waits_since_ms, person.id)

    def touch_person(self, person: Person) -> None:
        """Something about a person changed: their deadline, and what their agent sees."""
        self.people_alarms.set(person.id, person.deadline_ms if person.id in self.people else None)
        if person.agent_id is not None:
            self.changed.add(person.agent_id)

    def turn_person(self, person: Person, stage: PersonStage) -> None:
        """A person's next stage."""
        person.turn_to(stage, self.now_ms)
        self.touch_person(person)

    # --- campaigns ---------------------------------------------------------------------------------------------------

    def plan_of(self, campaign_id: CampaignId) -> AgentPlan:
        """How a campaign uses its agents; one that is not in work has the ordinary plan."""
        run = self.work.campaigns.get(campaign_id)
        return AgentPlan() if run is None else run.campaign.agents
