"""Predictive campaigns: what happens to their calls and agents is told to their pacers, which say how many to place.

Nothing is reserved: calls go out ahead of agents coming free, and whoever is free first takes who answers first. What
a pacer is and how it thinks is told in app.pacing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.agents import AgentState, DialingMode
from app.dialing.agent import IN_CALL, AgentRun
from app.dialing.attempt import AttemptRun, AttemptState
from app.dialing.campaign import CampaignRun
from app.dialing.crew import Crew
from app.dialing.snapshot import PacingPicture
from app.model import Campaign, CampaignStatus, PacingMemory
from app.outcomes import ABANDONED, Outcome
from app.pacing import (
    AgentFreed,
    CallEnd,
    CallEnded,
    CallPlaced,
    Pacer,
    PacingDecision,
    PacingEvent,
    PacingMode,
    PacingPolicy,
    PacingSnapshot,
    PersonAbandoned,
    PersonAnswered,
    PersonConnected,
    make_pacer,
)
from app.pacing.joint import Sharing, decide_jointly
from app.pacing.predictive import PredictivePacer
from app.units import MINUTE_MS, SECOND_MS, AttemptId, CampaignId

TICK_MS: Final = SECOND_MS // 2
"""How often a pacer decides when nothing happens."""
BREATH_MS: Final = 50
"""How often at the most, however much happens."""
SAVE_MS: Final = MINUTE_MS
"""How often what was learned is written down."""

_ENDS: Final[Mapping[Outcome, CallEnd]] = {
    Outcome.BUSY: CallEnd.BUSY,
    Outcome.NO_ANSWER: CallEnd.NO_ANSWER,
    Outcome.ANSWERING_MACHINE: CallEnd.MACHINE,
}


@dataclass(slots=True)
class _Seen:
    """How much of one attempt its pacer was told."""

    placed_at_ms: int
    has_answered: bool = False
    is_settled: bool = False  # with an agent, or abandoned


@dataclass(slots=True, kw_only=True)
class _Paced:
    """A campaign and its pacer. left: calls of the last decision that are not placed yet."""

    campaign: Campaign
    pacer: Pacer
    saved_at_ms: int
    calls: dict[AttemptId, _Seen] = field(default_factory=dict)
    decision: PacingDecision = field(default_factory=lambda: PacingDecision(place=0))
    decided_at_ms: int | None = None
    left: int = 0
    is_stale: bool = True

    def due_at_ms(self, now_ms: int) -> int:
        """When it is time to decide again."""
        if self.decided_at_ms is None:
            return now_ms
        return self.decided_at_ms + (BREATH_MS if self.is_stale else TICK_MS)


class Predictions:
    """All pacers of one process."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._paced: dict[CampaignId, _Paced] = {}

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
        pacer = make_pacer(policy)
        if known is not None:
            _go_on(pacer, known.pacer.as_json())
        elif memory is not None:
            _go_on(pacer, memory.learned)
            pacer.budget.recount(memory.counted)  # as the attempts on disk have it: the law does not forget
        calls = {} if known is None else known.calls
        self._paced[campaign.id] = _Paced(campaign=campaign, pacer=pacer, saved_at_ms=now_ms, calls=calls)
        if known is None:
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

    def next_save_ms(self) -> int | None:
        """When `take_memories` is wanted."""
        return min((paced.saved_at_ms + SAVE_MS for paced in self._paced.values()), default=None)

    # --- what happens ------------------------------------------------------------------------------------------------

    def placed(self, attempt: AttemptRun, now_ms: int) -> None:
        """A call of it goes out."""
        paced = self._paced_of(attempt)
        if paced is not None and attempt.id not in paced.calls:
            paced.calls[attempt.id] = _Seen(now_ms)
            paced.left -= 1
            self._tell(paced, CallPlaced(at_ms=now_ms, call_id=attempt.id), is_news=False)

    def look_at(self, attempt: AttemptRun, now_ms: int) -> None:
        """Something was done to an attempt: what of it is news to its pacer?"""
        paced = self._paced_of(attempt)
        if paced is None:
            return
        seen = paced.calls.get(attempt.id)
        if seen is None:
            if not attempt.is_on_the_line:
                return
            is_counted = attempt.visit.has_talked  # on disk, and so in the memory this pacer began with
            seen = _Seen(now_ms, has_answered=is_counted, is_settled=is_counted)
            paced.calls[attempt.id] = seen  # adopted from a life, or a mode, before this one
        age_ms = now_ms - seen.placed_at_ms
        if not seen.has_answered and (attempt.visit.sought is not None or _is_abandoned(attempt)):
            seen.has_answered = True
            self._tell(paced, PersonAnswered(at_ms=now_ms, call_id=attempt.id, ring_ms=age_ms))
        if seen.has_answered and not seen.is_settled:
            self._settle(paced, seen, attempt, now_ms)
        if attempt.state in (AttemptState.CLOSING, AttemptState.WRAP_UP):
            del paced.calls[attempt.id]
            self._tell(paced, CallEnded(at_ms=now_ms, call_id=attempt.id, outcome=_end_of(attempt), ring_ms=age_ms))

    def _settle(self, paced: _Paced, seen: _Seen, attempt: AttemptRun, now_ms: int) -> None:
        """A person who answered is with an agent, or will be with none."""
        person = self._crew.people.get(attempt.id)
        waited_ms = 0 if person is None else now_ms - person.waits_since_ms
        if attempt.visit.has_talked:
            waited_ms = waited_ms if person is None else person.waited_ms
            seen.is_settled = True
            is_late = waited_ms > paced.pacer.policy.connect_within_ms
            event = PersonAbandoned if is_late else PersonConnected
            self._tell(paced, event(at_ms=now_ms, call_id=attempt.id, waited_ms=waited_ms))
        elif _is_abandoned(attempt):
            seen.is_settled = True
            self._tell(paced, PersonAbandoned(at_ms=now_ms, call_id=attempt.id, waited_ms=waited_ms))

    def look_at_agents(self) -> None:
        """What has happened to agents since the last time is told."""
        crew = self._crew
        for one in crew.finished:
            paced = None if one.campaign_id is None else self._paced.get(one.campaign_id)
            if paced is not None:
                event = AgentFreed(
                    at_ms=crew.now_ms, agent_id=one.agent_id, talk_ms=one.talk_ms, wrap_up_ms=one.wrap_up_ms
                )
                self._tell(paced, event)
        for campaign_id in crew.stirred & self._paced.keys():
            self._paced[campaign_id].is_stale = True
        crew.finished.clear()
        crew.stirred.clear()

    def _paced_of(self, attempt: AttemptRun) -> _Paced | None:
        """Who paces it; nobody does what is dialed for an agent of its own."""
        paced = self._paced.get(attempt.campaign.id)
        is_reserved = attempt.opened.is_manual or attempt.opened.agent_id is not None
        return None if is_reserved else paced

    def _tell(self, paced: _Paced, event: PacingEvent, *, is_news: bool = True) -> None:
        paced.pacer.observe(event)
        paced.is_stale = paced.is_stale or is_news

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
        return tuple(one for one in cancelled if one in paced.calls and not paced.calls[one].has_answered)

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

    def _has_work(self, run: CampaignRun, paced: _Paced, now_ms: int) -> bool:
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
            abandoned=budget.ledger.abandoned,
            target=policy.abandonment_target,
            window_ms=policy.abandonment_window_ms,
            budget_left=budget.left,
            is_spent=budget.ledger.answered > 0 and budget.share == 0.0,
        )

    # --- inside ------------------------------------------------------------------------------------------------------

    def _decide(self, run: CampaignRun, paced: _Paced, now_ms: int) -> None:
        """Decide for a campaign, together with all that share its agents."""
        if not any(self._serving(run.campaign.id)):
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
        agents = {one: {agent.id for agent in self._serving(one)} for one in learning}
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

    def _serving(self, campaign_id: CampaignId) -> Iterator[AgentRun]:
        """Agents who take people of a campaign, now or when they are done with what they have."""
        for agent in self._crew.agents.values():
            is_here = not agent.is_leaving and agent.browser_lost_at_ms is None
            if campaign_id in agent.campaigns and is_here and agent.state is not AgentState.PAUSED:
                yield agent

    def _snapshot(self, run: CampaignRun, now_ms: int) -> PacingSnapshot:
        campaign_id = run.campaign.id
        talking, wrapping = [], []
        for agent in self._serving(campaign_id):
            if agent.state in IN_CALL:
                talking.append(now_ms - agent.busy_since_ms)
            elif agent.state is AgentState.WRAP_UP:
                wrapping.append(now_ms - agent.since_ms)
            elif agent.person_id is not None:
                talking.append(0)
        ringing, rung = {}, {}
        for attempt_id, seen in self._paced[campaign_id].calls.items():
            attempt = self._crew.work.attempts.get(attempt_id)
            if attempt is None or seen.has_answered or attempt.visit.course.is_taken_back or attempt.call is None:
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
        )


def policy_of(campaign: Campaign) -> PacingPolicy:
    """A campaign's settings as its pacer has them."""
    plan = campaign.agents.pacing
    return PacingPolicy(
        mode=PacingMode.FIXED_RATIO if plan.fixed_ratio else PacingMode.PREDICTIVE,
        abandonment_target=plan.abandonment_target,
        abandonment_window_ms=plan.window_ms,
        connect_within_ms=campaign.agents.connect_within_ms,
        min_ring_ms=plan.min_ring_ms or None,
        lines_limit=campaign.lines,
        calls_per_agent_limit=plan.calls_per_agent,
        fixed_ratio=plan.fixed_ratio or 1.0,
        guard=plan.guard,
    )


def _go_on(pacer: Pacer, learned: Mapping[str, Any]) -> None:
    """Take up what was learned; what another mode or version wrote is not understood, and learned anew."""
    try:
        pacer.take_up(dict(learned))
    except ValueError:
        return


def _is_abandoned(attempt: AttemptRun) -> bool:
    course = attempt.visit.course
    return (
        course.is_abandoned
        or course.is_unserved
        or (attempt.result is not None and attempt.result.outcome in ABANDONED)
    )


def _end_of(attempt: AttemptRun) -> CallEnd:
    if attempt.visit.course.is_taken_back:
        return CallEnd.CANCELLED
    outcome = None if attempt.result is None else attempt.result.outcome
    return CallEnd.FAILED if outcome is None else _ENDS.get(outcome, CallEnd.FAILED)
