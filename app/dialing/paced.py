"""What a pacer is told of one campaign's calls and people, in its own words. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from app.agent_events import DeskWord
from app.agents import PacingSignal
from app.dialing import verdict
from app.dialing.attempt import AttemptRun
from app.dialing.call_words import heard
from app.dialing.crew import Word
from app.model import Campaign
from app.outcomes import ABANDONED, Outcome, is_live_for_agent
from app.pacing import (
    AgentSignal,
    CallEnd,
    CallEnded,
    CallSignal,
    LedgerCounted,
    Pacer,
    PacingDecision,
    PacingEvent,
    PacingMode,
    PacingPolicy,
    PersonAbandoned,
    PersonAnswered,
)
from app.units import SECOND_MS, AgentId, AttemptId

TICK_MS: Final = SECOND_MS // 2
"""How often a pacer decides when nothing happens."""
BREATH_MS: Final = 50
"""How often at the most, however much happens."""

_ENDS: Final[Mapping[Outcome, CallEnd]] = {
    Outcome.BUSY: CallEnd.BUSY,
    Outcome.NO_ANSWER: CallEnd.NO_ANSWER,
    Outcome.CONTROLLER_LOST: CallEnd.FAULT,
    Outcome.ANSWERING_MACHINE: CallEnd.MACHINE,
    **dict.fromkeys(verdict.TRUNK_FAULTS, CallEnd.FAULT),
}
"""What a trunk or we ourselves failed must not be taken for the list's: it says nothing of who would have answered."""


DESK_SIGNALS: Final = {
    DeskWord.CLOSING: PacingSignal.CLOSING,
    DeskWord.STEP: PacingSignal.SCRIPT,
    DeskWord.RESULT: PacingSignal.RESULT,
}


@dataclass(slots=True)
class Seen:
    """How much of one attempt its pacer was told.

    is_own: it is for an agent of its own, who is held for it, or was dialed by hand: the law counts its person, and the
    pacer is told no more. is_over: a machine answered, or the call ended, and the pacer knows. answered, abandoned,
    machines: how it stands in the ledger.
    """

    placed_at_ms: int
    is_own: bool = False
    has_answered: bool = False
    is_settled: bool = False  # with an agent, or abandoned
    is_over: bool = False
    said: tuple[str, ...] = ()  # what was heard on its line
    answered: int = 0
    abandoned: int = 0
    machines: int = 0


@dataclass(slots=True, kw_only=True)
class Paced:
    """A campaign and its pacer. left: calls of the last decision that are not placed yet; agents: who is counted on.

    calls: up; awaiting: over, and their agents' words are to come.
    """

    campaign: Campaign
    pacer: Pacer
    saved_at_ms: int
    calls: dict[AttemptId, Seen] = field(default_factory=dict)
    awaiting: dict[AttemptId, Seen] = field(default_factory=dict)
    agents: frozenset[AgentId] = frozenset()
    decision: PacingDecision = field(default_factory=lambda: PacingDecision(place=0))
    decided_at_ms: int | None = None
    left: int = 0
    is_stale: bool = True

    def due_at_ms(self, now_ms: int) -> int:
        """When it is time to decide again."""
        if self.decided_at_ms is None:
            return now_ms
        return self.decided_at_ms + (BREATH_MS if self.is_stale else TICK_MS)

    def tell(self, event: PacingEvent, *, is_news: bool = True) -> None:
        """Something happened; is_news: the next decision may be another one for it."""
        self.pacer.observe(event)
        self.is_stale = self.is_stale or is_news

    @property
    def signals(self) -> tuple[PacingSignal, ...]:
        """What it learns from besides."""
        return self.campaign.agents.pacing.signals

    def listen(self, attempt: AttemptRun, seen: Seen, now_ms: int) -> None:
        """What is heard on the line of a call in flight, each once."""
        if seen.is_own or seen.has_answered or attempt.call is None or PacingSignal.LINE not in self.signals:
            return
        for signal in heard(attempt.call.facts):
            if signal not in seen.said:
                seen.said = (*seen.said, signal)
                self.tell(CallSignal(at_ms=now_ms, call_id=attempt.id, signal=signal), is_news=False)

    def hear_desk(self, word: Word, now_ms: int) -> None:
        """An agent's desk told how far the conversation is."""
        if DESK_SIGNALS[word.word] in self.signals:
            signal = f"step {word.step}" if word.word is DeskWord.STEP else word.word.value
            self.tell(AgentSignal(at_ms=now_ms, agent_id=word.agent_id, signal=signal))

    def count_answered(self, attempt_id: AttemptId, seen: Seen, now_ms: int) -> None:
        """A person answered."""
        seen.has_answered, seen.answered = True, 1
        if seen.is_own:
            self.tell(LedgerCounted(at_ms=now_ms, answered=1))
        else:
            self.tell(PersonAnswered(at_ms=now_ms, call_id=attempt_id, ring_ms=now_ms - seen.placed_at_ms))

    def count_abandoned(self, attempt_id: AttemptId, seen: Seen, waited_ms: int, now_ms: int) -> None:
        """They were not with an agent in time."""
        seen.abandoned = 1
        if seen.is_own:
            self.tell(LedgerCounted(at_ms=now_ms, abandoned=1))
        else:
            self.tell(PersonAbandoned(at_ms=now_ms, call_id=attempt_id, waited_ms=waited_ms))

    def end(self, attempt_id: AttemptId, seen: Seen, outcome: CallEnd, now_ms: int) -> None:
        """Its call is over, or a machine's."""
        if seen.is_over:
            return
        seen.is_over = True
        if not seen.is_own:
            seen.machines = int(outcome is CallEnd.MACHINE and not seen.has_answered)
            ring_ms = now_ms - seen.placed_at_ms
            self.tell(CallEnded(at_ms=now_ms, call_id=attempt_id, outcome=outcome, ring_ms=ring_ms))

    def settle_ledger(self, seen: Seen, attempt: AttemptRun, now_ms: int) -> None:
        """An attempt is over: it counts as it is written to disk, where the next life of the ledger is counted from."""
        answered, abandoned, machines = counted(attempt)
        change = LedgerCounted(
            at_ms=now_ms,
            answered=answered - seen.answered,
            abandoned=abandoned - seen.abandoned,
            machines=machines - seen.machines,
        )
        if change.answered or change.abandoned or change.machines:
            self.tell(change)


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
        machine_error=plan.machine_error,
        use_own_lengths=PacingSignal.LENGTHS in plan.signals,
    )


def is_abandoned(attempt: AttemptRun) -> bool:
    """Whether its person found no agent in time, as far as it is known."""
    course = attempt.visit.course
    is_so_written = attempt.result is not None and attempt.result.outcome in ABANDONED
    return course.is_abandoned or course.is_unserved or is_so_written


def counted(attempt: AttemptRun) -> tuple[int, int, int]:
    """People answered and abandoned, and machines, of a closed attempt: as the disk is counted (app.store.pacing)."""
    result = attempt.result
    assert result is not None, f"attempt {attempt.id} is not closed"
    talk = result.conversation
    is_live = is_live_for_agent(result.outcome, has_talked=talk is not None)
    if result.facts.answered_at_ms is None or not is_live:
        is_machine = result.outcome is Outcome.ANSWERING_MACHINE and talk is None
        return 0, 0, int(is_machine and result.facts.answered_at_ms is not None)
    if talk is None:
        return 1, int(result.outcome in ABANDONED), 0
    return 1, int(talk.waited_ms > attempt.campaign.agents.connect_within_ms), 0


def end_of(attempt: AttemptRun) -> CallEnd:
    """How a call ended that no person answered."""
    if attempt.visit.course.is_taken_back:
        return CallEnd.CANCELLED
    outcome = None if attempt.result is None else attempt.result.outcome
    return CallEnd.FAILED if outcome is None else _ENDS.get(outcome, CallEnd.FAILED)
