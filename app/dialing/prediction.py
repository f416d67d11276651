"""Predictive campaigns: what happens to their calls and agents is told to their pacers, which say how many to place.

Nothing is reserved: calls go out ahead of agents coming free, and whoever is free first takes who answers first. What
a pacer is and how it thinks is told in app.pacing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from app.agents import AgentState, DialingMode, PacingSignal
from app.dialing.agent import IN_CALL, AgentRun
from app.dialing.attempt import AttemptRun, AttemptState
from app.dialing.call_words import features
from app.dialing.campaign import CampaignRun
from app.dialing.crew import Crew
from app.dialing.paced import Paced, Seen, end_of, is_abandoned, policy_of
from app.dialing.snapshot import PacingPicture
from app.model import Campaign, CampaignStatus, PacingMemory
from app.pacing import (
    AgentFreed,
    AgentJoined,
    AgentLeft,
    BusyAgent,
    CallEnd,
    CallPlaced,
    Pacer,
    PacingDecision,
    PacingPolicy,
    PacingSnapshot,
    PersonConnected,
    make_pacer,
)
from app.pacing.joint import Sharing, decide_jointly
from app.pacing.predictive import PredictivePacer
from app.units import MINUTE_MS, AgentId, AttemptId, CampaignId

SAVE_MS: Final = MINUTE_MS
"""How often what was learned is written down."""


PacerOf = Callable[[PacingPolicy], Pacer]


class Predictions:
    """All pacers of one process."""

    def __init__(self, crew: Crew, make: PacerOf = make_pacer) -> None:
        self._crew = crew
        self._make = make
        self._paced: dict[CampaignId, Paced] = {}

    # --- campaigns ---------------------------------------------------------------------------------------------------

    def begin(self, campaign: Campaign, memory: PacingMemory | None, now_ms: int) -> None:
        """A campaign starts, goes on, or was changed. memory: what is known of it from before this process."""
        known = self._paced.get(campaign.id)
        if campaign.mode is not DialingMode.PREDICTIVE:
            self._paced.pop(campaign.id, None)
            return
        policy = policy_of(campaign)
        if known is not None and known.pacer.policy == policy:
            known.campaign, known.is_stale = campaign, True
            return
        pacer = self._make(policy)
        if known is not None:
            _go_on(pacer, known.pacer.as_json())
        elif memory is not None:
            _go_on(pacer, memory.learned)
            pacer.budget.recount(memory.counted)  # as the attempts on disk have it: the law does not forget
        paced = self._paced[campaign.id] = Paced(campaign=campaign, pacer=pacer, saved_at_ms=now_ms)
        if known is not None:
            paced.calls, paced.awaiting, paced.agents = known.calls, known.awaiting, known.agents
        else:
            for attempt in self._crew.work.attempts.values():  # of another mode, until now
                self.look_at(attempt, now_ms)

    def take_memories(self, now_ms: int) -> Iterator[tuple[CampaignId, Mapping[str, Any]]]:
        """What was learned since it was last written down, where that is due; pacers of campaigns that ended go."""
        for campaign_id, paced in list(self._paced.items()):
            run = self._crew.work.campaigns.get(campaign_id)
            is_over = run is None
            if is_over or now_ms - paced.saved_at_ms >= SAVE_MS:
                paced.saved_at_ms = now_ms
                yield campaign_id, paced.pacer.as_json()
            if is_over:
                del self._paced[campaign_id]

    def wants_pasts(self, campaign: Campaign) -> bool:
        """Whether contacts' earlier calls are learned from."""
        signals = campaign.agents.pacing.signals
        is_asked = PacingSignal.HISTORY in signals or PacingSignal.PHONE in signals
        return is_asked and campaign.id in self._paced

    def next_save_ms(self) -> int | None:
        """When `take_memories` is wanted."""
        return min((paced.saved_at_ms + SAVE_MS for paced in self._paced.values()), default=None)

    # --- what happens ------------------------------------------------------------------------------------------------

    def placed(self, attempt: AttemptRun, now_ms: int) -> None:
        """A call of it goes out."""
        paced = self._paced.get(attempt.campaign.id)
        if paced is None or attempt.id in paced.calls:
            return
        seen = paced.calls[attempt.id] = Seen(now_ms, is_own=_is_own(attempt))
        if not seen.is_own:
            paced.left -= 1
            words = features(attempt, paced.signals, now_ms)
            paced.tell(CallPlaced(at_ms=now_ms, call_id=attempt.id, features=words), is_news=False)

    def look_at(self, attempt: AttemptRun, now_ms: int) -> None:
        """Something was done to an attempt: what of it is news to its pacer?"""
        paced = self._paced.get(attempt.campaign.id)
        seen = None if paced is None else self._seen(paced, attempt, now_ms)
        if paced is None or seen is None:
            return
        if attempt.state is AttemptState.DIALING:
            paced.listen(attempt, seen, now_ms)
        if not seen.has_answered and (attempt.visit.sought is not None or is_abandoned(attempt)):
            paced.count_answered(attempt.id, seen, now_ms)
        if seen.has_answered and not seen.is_settled:
            self._settle(paced, seen, attempt, now_ms)
        if attempt.visit.is_machine and not seen.has_answered:
            paced.end(attempt.id, seen, CallEnd.MACHINE, now_ms)
        if attempt.state is AttemptState.WRAP_UP and attempt.id in paced.calls:
            paced.awaiting[attempt.id] = paced.calls.pop(attempt.id)
            paced.end(attempt.id, seen, end_of(attempt), now_ms)
        elif attempt.state is AttemptState.CLOSING:
            paced.calls.pop(attempt.id, None)
            paced.awaiting.pop(attempt.id, None)
            paced.end(attempt.id, seen, end_of(attempt), now_ms)
            paced.settle_ledger(seen, attempt, now_ms)

    def _seen(self, paced: Paced, attempt: AttemptRun, now_ms: int) -> Seen | None:
        """What is known of an attempt; one from a life, or a mode, before this one is taken up. None: no call yet."""
        seen = paced.calls.get(attempt.id) or paced.awaiting.get(attempt.id)
        if seen is not None or not (attempt.is_on_the_line or attempt.state is AttemptState.WRAP_UP):
            return seen
        seen = Seen(now_ms, is_own=_is_own(attempt))
        if attempt.visit.has_talked:  # on disk, and so in the memory this pacer began with
            talk = attempt.opened.conversation
            waited_ms = 0 if talk is None else talk.waited_ms
            seen.has_answered, seen.is_settled, seen.answered = True, True, 1
            seen.abandoned = int(waited_ms > paced.pacer.policy.connect_within_ms)
        place = paced.calls if attempt.is_on_the_line else paced.awaiting
        place[attempt.id] = seen
        return seen

    def _settle(self, paced: Paced, seen: Seen, attempt: AttemptRun, now_ms: int) -> None:
        """A person who answered is with an agent, or will be with none."""
        person = self._crew.people.get(attempt.id)
        waited_ms = 0 if person is None else now_ms - person.waits_since_ms
        if attempt.visit.has_talked:
            waited_ms = waited_ms if person is None else person.waited_ms
            is_late = waited_ms > paced.pacer.policy.connect_within_ms
        elif is_abandoned(attempt):
            is_late = True
        else:
            return
        seen.is_settled = True
        if is_late:
            paced.count_abandoned(attempt.id, seen, waited_ms, now_ms)
        elif not seen.is_own:
            paced.tell(PersonConnected(at_ms=now_ms, call_id=attempt.id, waited_ms=waited_ms))

    def look_at_agents(self) -> None:
        """What has happened to agents since the last time is told."""
        crew = self._crew
        for one in crew.finished:
            paced = None if one.campaign_id is None else self._paced.get(one.campaign_id)
            if paced is not None:
                event = AgentFreed(
                    at_ms=crew.now_ms, agent_id=one.agent_id, talk_ms=one.talk_ms, wrap_up_ms=one.wrap_up_ms
                )
                paced.tell(event)
        for word in crew.words:
            for campaign_id in word.campaigns:
                if (paced := self._paced.get(campaign_id)) is not None:
                    paced.hear_desk(word, crew.now_ms)
        crew.words.clear()
        for campaign_id in crew.stirred & self._paced.keys():
            self._paced[campaign_id].is_stale = True
        crew.finished.clear()
        crew.stirred.clear()

    # --- what is to be done ------------------------------------------------------------------------------------------

    def allows(self, run: CampaignRun, now_ms: int) -> int:
        """How many calls may be placed now."""
        paced = self._paced.get(run.campaign.id)
        if paced is None:
            return 0
        if paced.due_at_ms(now_ms) <= now_ms:
            self._decide(run, paced, now_ms)
        return max(0, paced.left)

    def take_cancelled(self, run: CampaignRun) -> tuple[AttemptId, ...]:
        """Calls the last decision takes back; each is told once."""
        paced = self._paced.get(run.campaign.id)
        if paced is None or not paced.decision.cancel:
            return ()
        cancelled = paced.decision.cancel
        paced.decision = PacingDecision(place=paced.decision.place, why=paced.decision.why)
        calls = paced.calls
        return tuple(one for one in cancelled if one in calls and not (calls[one].has_answered or calls[one].is_over))

    def next_look_ms(self, now_ms: int) -> int | None:
        """When a campaign that runs and has agents is to be decided upon again."""
        looks = [
            paced.due_at_ms(now_ms)
            for campaign_id, paced in self._paced.items()
            if (run := self._crew.work.campaigns.get(campaign_id)) is not None
            and run.status is CampaignStatus.RUNNING
            and self._has_work(run, paced, now_ms)
            and any(self._serving(campaign_id))
        ]
        return min(looks, default=None)

    def _has_work(self, run: CampaignRun, paced: Paced, now_ms: int) -> bool:
        """Whether time alone may change anything: calls are in flight, or somebody may be called."""
        return bool(paced.calls or run.stock or (run.next_due_ms is not None and run.next_due_ms <= now_ms))

    def picture(self, campaign_id: CampaignId) -> PacingPicture | None:
        """How it is paced; None: it is not."""
        paced = self._paced.get(campaign_id)
        if paced is None:
            return None
        budget, policy = paced.pacer.budget, paced.pacer.policy
        run = self._crew.work.campaigns.get(campaign_id)
        is_running = run is not None and run.status is CampaignStatus.RUNNING
        return PacingPicture(
            why=paced.decision.why if is_running else "",
            answered=budget.ledger.answered,
            mistaken=budget.mistaken,
            abandoned=budget.ledger.abandoned,
            target=policy.abandonment_target,
            window_ms=policy.abandonment_window_ms,
            budget_left=budget.left,
            is_spent=budget.ledger.answered > 0 and budget.share == 0.0,
        )

    # --- inside ------------------------------------------------------------------------------------------------------

    def _decide(self, run: CampaignRun, paced: Paced, now_ms: int) -> None:
        """Decide for a campaign, together with all that share its agents."""
        if not self._counted_on(run.campaign.id, now_ms):
            paced.decision, paced.left = PacingDecision(place=0, why="no agent serves it"), 0
            paced.decided_at_ms, paced.is_stale = now_ms, False
            return
        group = self._sharers(run)
        snapshots = {campaign_id: self._snapshot(sharer, now_ms) for campaign_id, sharer in group.items()}
        learning = {
            campaign_id: self._paced[campaign_id].pacer
            for campaign_id in group
            if isinstance(self._paced[campaign_id].pacer, PredictivePacer)
        }
        if len(learning) > 1 and run.campaign.id in learning:
            decisions = self._decide_jointly(group, learning, snapshots)  # type: ignore[arg-type]
        else:
            decisions = {run.campaign.id: paced.pacer.decide(snapshots[run.campaign.id])}
        for campaign_id, decision in decisions.items():
            decided = self._paced[campaign_id]
            decided.decision, decided.left = decision, decision.place
            decided.decided_at_ms, decided.is_stale = now_ms, False

    def _decide_jointly(
        self,
        group: Mapping[CampaignId, CampaignRun],
        learning: Mapping[CampaignId, PredictivePacer],
        snapshots: Mapping[CampaignId, PacingSnapshot],
    ) -> dict[CampaignId, PacingDecision]:
        agents = {one: self._paced[one].agents for one in learning}
        sharing = [
            Sharing(
                name=str(one),
                pacer=pacer,
                snapshot=snapshots[one],
                priority=group[one].campaign.agents.priority,
                reach={str(other): len(agents[one] & agents[other]) / max(1, len(agents[one])) for other in learning},
            )
            for one, pacer in learning.items()
        ]
        return {CampaignId(int(name)): decision for name, decision in decide_jointly(sharing).items()}

    def _sharers(self, run: CampaignRun) -> dict[CampaignId, CampaignRun]:
        """The running predictive campaigns that share agents with this one, itself among them."""
        shared = {campaign_id for agent in self._serving(run.campaign.id) for campaign_id in agent.campaigns}
        runs = self._crew.work.campaigns
        return {
            campaign_id: runs[campaign_id]
            for campaign_id in sorted(shared | {run.campaign.id})
            if campaign_id in self._paced
            and (found := runs.get(campaign_id)) is not None
            and found.status is CampaignStatus.RUNNING
        }

    def _counted_on(self, campaign_id: CampaignId, now_ms: int) -> frozenset[AgentId]:
        """Who serves a campaign now; its pacer is told who came and who left, or takes no more after this call."""
        paced, now = self._paced[campaign_id], frozenset(agent.id for agent in self._serving(campaign_id))
        for agent_id in sorted(now - paced.agents):
            paced.tell(AgentJoined(at_ms=now_ms, agent_id=agent_id))
        for agent_id in sorted(paced.agents - now):
            paced.tell(AgentLeft(at_ms=now_ms, agent_id=agent_id))
        paced.agents = now
        return now

    def _serving(self, campaign_id: CampaignId) -> Iterator[AgentRun]:
        """Agents who take people of a campaign, now or when they are done with what they have."""
        for agent in self._crew.agents.values():
            is_here = not agent.is_leaving and agent.browser_lost_at_ms is None
            if campaign_id in agent.campaigns and is_here and agent.state is not AgentState.PAUSED:
                yield agent

    def _snapshot(self, run: CampaignRun, now_ms: int) -> PacingSnapshot:
        campaign_id = run.campaign.id
        paced = self._paced[campaign_id]
        self._counted_on(campaign_id, now_ms)
        talking, wrapping = [], []
        busy: dict[AgentId, BusyAgent] = {}
        for agent in self._serving(campaign_id):
            if agent.state in IN_CALL:
                talking.append(now_ms - agent.busy_since_ms)
                busy[agent.id] = BusyAgent(talking[-1])
            elif agent.state is AgentState.WRAP_UP:
                wrapping.append(now_ms - agent.since_ms)
                busy[agent.id] = BusyAgent(wrapping[-1], is_wrapping=True)
            elif agent.person_id is not None:
                talking.append(0)
        ringing, rung = {}, {}
        for attempt_id, seen in paced.calls.items():
            attempt = self._crew.work.attempts.get(attempt_id)
            if (
                attempt is None
                or seen.is_own
                or seen.has_answered
                or seen.is_over
                or attempt.visit.course.is_taken_back
                or attempt.call is None
            ):
                continue
            ringing[attempt_id] = max(0, now_ms - seen.placed_at_ms)
            ringing_at_ms = attempt.call.facts.ringing_at_ms
            if ringing_at_ms is not None and attempt.state is AttemptState.DIALING:
                rung[attempt_id] = now_ms - ringing_at_ms
        room = sum(line.prospect(now_ms) for line in self._crew.work.lines_of(run))
        return PacingSnapshot(
            now_ms=now_ms,
            idle_agents=sum(agent.promised_to is None for agent in self._crew.idle(campaign_id)),
            talking_ms=talking,
            wrapping_ms=wrapping,
            ringing_ms=ringing,
            people_waiting=self._crew.count_waiting(campaign_id),
            free_lines=max(0, min(run.campaign.lines - len(run.on_the_line), room)),
            rung_ms=rung,
            busy=busy,
        )


def _go_on(pacer: Pacer, learned: Mapping[str, Any]) -> None:
    """Take up what was learned; what another mode or version wrote is not understood, and learned anew."""
    try:
        pacer.take_up(dict(learned))
    except ValueError:
        return


def _is_own(attempt: AttemptRun) -> bool:
    """Whether it is for an agent of its own, who is held for it: nobody has paced it."""
    return attempt.opened.is_manual or attempt.opened.agent_id is not None
