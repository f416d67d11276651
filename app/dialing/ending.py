"""What the end of a call means: for the outcome that is written, and for the trunk it went out by."""

from __future__ import annotations

from app.dialing import strategy, verdict
from app.dialing.call import Call
from app.dialing.trunk import TrunkLine
from app.model import AttemptResult, CallFacts, OpenedAttempt, RetryPolicy
from app.outcomes import OUTCOMES, Outcome


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


def undialed(opened: OpenedAttempt, now_ms: int) -> AttemptResult:
    """The end of an attempt that was opened without our knowing, and never dialed: the contact is as it was."""
    outcome = Outcome.RETURNED_UNDIALED
    return AttemptResult(
        attempt_id=opened.attempt_id,
        campaign_id=opened.campaign_id,
        contact_id=opened.contact_id,
        outcome=outcome,
        is_charged=OUTCOMES[outcome].is_charged,
        facts=CallFacts(cause_text="the database failed while it was claimed"),
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
