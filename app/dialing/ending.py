"""What the end of a call means: for the outcome that is written, and for the trunk it went out by."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.agents import Conversation
from app.dialing import strategy, verdict
from app.dialing.call import Call, CallState
from app.dialing.trunk import TrunkLine
from app.ivr.result import FlowResult
from app.model import AttemptResult, CallFacts, Campaign, OpenedAttempt, RetryPolicy
from app.outcomes import OUTCOMES, Outcome


@dataclass(slots=True)
class Course:
    """What an attempt's call has been through that its outcome depends on.

    is_ours: the hang-up was our doing. is_taken_back: we gave up on it before an answer; is_tried_later: and not at
    once again. is_sent_on: into the admin's dialplan. is_abandoned: answered, and no agent: while we were away, or
    none was free. is_unserved: no agent came, and the flow had a way of its own for it. is_barred: they
    were told so, and want no more calls. sought_at_ms: since when they
    wait for an agent. queue_talk: with a member of a queue of the PBX's own, whose word we do not ask; lost_in_queue:
    why nobody knows what became of them there.
    """

    is_ours: bool = False
    is_taken_back: bool = False
    is_tried_later: bool = False
    is_sent_on: bool = False
    is_abandoned: bool = False
    is_unserved: bool = False
    is_barred: bool = False
    sought_at_ms: int | None = None
    queue_talk: Conversation | None = None
    lost_in_queue: str = ""


def outcome_of(call: Call, course: Course, heard: FlowResult | None, campaign: Campaign, now_ms: int) -> Outcome:
    """The outcome of a call that ended before our eyes; heard: what came of its flow."""
    facts = call.facts
    if course.queue_talk is not None:
        return Outcome.CONNECTED_TO_AGENT
    if course.lost_in_queue:
        return Outcome.CONTROLLER_LOST
    if call.state is CallState.REFUSED:
        return Outcome.DIAL_ERROR if course.is_ours else Outcome.NO_DIAL_TONE
    if course.is_taken_back:
        is_too_late = facts.answered_at_ms is not None  # a person answered just then, and heard nothing
        return Outcome.ABANDONED_BY_DIALER if is_too_late else Outcome.DIALER_STOPPED
    if course.is_abandoned:
        return Outcome.ABANDONED_BY_DIALER
    if course.sought_at_ms is not None:  # they waited; whose fault it was is a question of time (47 CFR 64.1200(a)(7))
        is_late = now_ms - course.sought_at_ms > campaign.agents.connect_within_ms
        return Outcome.ABANDONED_BY_DIALER if is_late else Outcome.CUSTOMER_HUNG_UP
    if facts.answered_at_ms is None:
        return verdict.unanswered(facts, ring_timeout_ms=campaign.ring_timeout_ms)
    suggested = None if heard is None else heard.suggested_outcome
    if suggested is None and course.is_unserved:
        return Outcome.ABANDONED_TO_IVR
    by_person = heard is not None and not heard.keys and not course.is_ours and not course.is_sent_on
    return verdict.answered(facts, suggested=suggested, by_person=by_person)


def outcome_unseen(call: Call, course: Course, heard: FlowResult | None) -> Outcome:
    """The end was not seen. Who was heard in the flow was connected; of all others nobody knows."""
    if course.queue_talk is not None:
        return Outcome.CONNECTED_TO_AGENT
    if course.is_abandoned or course.sought_at_ms is not None:
        return Outcome.ABANDONED_BY_DIALER
    if heard is None:
        return Outcome.CONTROLLER_LOST
    return verdict.answered(call.facts, suggested=heard.suggested_outcome, by_person=False)


def talk_in_queue(course: Course, now_ms: int) -> Conversation | None:
    """What talking with a member of a queue of the PBX's own left; one whose end was not told ended now."""
    talk = course.queue_talk
    return talk if talk is None or talk.talk_ms else replace(talk, talk_ms=now_ms - talk.connected_at_ms)


def tell_trunk(line: TrunkLine, call: Call, outcome: Outcome, now_ms: int, stretch: int, *, is_ours: bool) -> None:
    """Give the line back, and let the trunk learn from the call's end.

    is_ours: how it ended was our own doing, or Asterisk's, and says nothing of the trunk.
    """
    line.release()
    if is_ours or outcome is Outcome.CONTROLLER_LOST:
        line.forget(stretch)
    elif call.has_shown_life:
        line.show_life()
    elif outcome in verdict.TRUNK_FAULTS:
        line.fault(_reason(call.facts, outcome), now_ms, stretch)
    elif outcome in verdict.REFUSALS:
        line.refusal(_reason(call.facts, outcome), now_ms, stretch)
    else:
        line.show_life()


def _reason(facts: CallFacts, outcome: Outcome) -> str:
    """An outcome in words, with what the network or Asterisk said."""
    why = facts.cause_text if facts.sip_code is None else f"SIP {facts.sip_code}"
    return f"{outcome.label} ({why})" if why else outcome.label


def undialed(opened: OpenedAttempt, reason: str, now_ms: int) -> AttemptResult:
    """The end of an attempt that was opened without our knowing, and never dialed: the contact is as it was."""
    outcome = Outcome.RETURNED_UNDIALED
    return AttemptResult(
        attempt_id=opened.attempt_id,
        campaign_id=opened.campaign_id,
        contact_id=opened.contact_id,
        outcome=outcome,
        is_charged=OUTCOMES[outcome].is_charged,
        facts=CallFacts(cause_text=reason),
        next=strategy.next_for(opened, outcome, RetryPolicy(), now_ms),
    )


def lost(opened: OpenedAttempt, now_ms: int) -> AttemptResult:
    """The end of an attempt whose call nobody can lead any more, and whose fate nobody knows."""
    outcome = Outcome.CONTROLLER_LOST
    return AttemptResult(
        attempt_id=opened.attempt_id,
        campaign_id=opened.campaign_id,
        contact_id=opened.contact_id,
        outcome=outcome,
        is_charged=OUTCOMES[outcome].is_charged,
        facts=CallFacts(cause_text="its campaign was not there any more after a restart"),
        next=strategy.next_for(opened, outcome, RetryPolicy(), now_ms),
        conversation=opened.conversation,
    )
