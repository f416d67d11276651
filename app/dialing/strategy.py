"""After an attempt: is the contact done, or when may it be tried again?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, assert_never

from app.agents import CallbackPlan, DialingMode, Disposition, DispositionEffect
from app.model import Campaign, ContactNext, OpenedAttempt, RetryPolicy
from app.outcomes import ABANDONED, OUTCOMES, ContactStatus, Outcome, RetryClass
from app.units import HOUR_MS


def next_for(
    opened: OpenedAttempt, outcome: Outcome, policy: RetryPolicy, now_ms: int, *, is_opted_out: bool = False
) -> ContactNext:
    """What becomes of the contact of `opened`, whose attempt ended now with `outcome`.

    Charged tries count against max_attempts; faults of the trunk or ours are counted apart and spaced wider each time,
    so that a number whose every call fails does not go on for ever.
    """
    rule = OUTCOMES[outcome]
    attempts = opened.attempts + (1 if rule.is_charged else 0)
    faults = opened.faults + (1 if rule.retry is RetryClass.SOON else 0)

    def then(status: ContactStatus, due_at_ms: int | None = None) -> ContactNext:
        return ContactNext(status=status, due_at_ms=due_at_ms, attempts=attempts, faults=faults)

    if is_opted_out or outcome is Outcome.DO_NOT_CALL:
        return then(ContactStatus.DO_NOT_CALL)
    match rule.retry:
        case RetryClass.NEVER:
            return then(ContactStatus.CONNECTED)
        case RetryClass.FIX:
            return then(ContactStatus.INVALID_NUMBER)
        case RetryClass.UNKNOWN:
            return then(ContactStatus.DANGLING)
        case RetryClass.BACK:
            return then(ContactStatus.PENDING, now_ms)
        case RetryClass.LATER:
            if attempts >= policy.max_attempts:
                return then(ContactStatus.RETRIES_COMPLETED)
            return then(ContactStatus.PENDING, now_ms + policy.retry_ms)
        case RetryClass.SOON:
            if faults >= policy.max_faults:
                return then(ContactStatus.NOT_CONNECTED)
            wait_ms = min(policy.fault_retry_ms << min(opened.faults, 20), HOUR_MS)
            return then(ContactStatus.PENDING, now_ms + wait_ms)
        case _:
            assert_never(rule.retry)


def after_call(
    opened: OpenedAttempt, outcome: Outcome, campaign: Campaign, now_ms: int, *, is_opted_out: bool
) -> ContactNext:
    """As `next_for`; who answered a predictive campaign and found nobody is left in peace for its cool-down."""
    policy = campaign.retry
    if outcome in ABANDONED and campaign.mode is DialingMode.PREDICTIVE:
        policy = replace(policy, retry_ms=max(policy.retry_ms, campaign.agents.pacing.cool_down_ms))
    return next_for(opened, outcome, policy, now_ms, is_opted_out=is_opted_out)


def without_route(opened: OpenedAttempt) -> ContactNext:
    """No trunk of the campaign carries the number: waiting would not mend it."""
    return ContactNext(status=ContactStatus.NOT_CONNECTED, attempts=opened.attempts, faults=opened.faults)


# --- after a conversation --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What an agent's word means: the outcome, what becomes of the contact, and whether the number is barred."""

    outcome: Outcome
    next: ContactNext
    is_barred: bool = False


_OUTCOMES: Final = {
    DispositionEffect.WRONG_NUMBER: Outcome.WRONG_NUMBER,
    DispositionEffect.WRONG_PERSON: Outcome.WRONG_PERSON,
    DispositionEffect.ANSWERING_MACHINE: Outcome.ANSWERING_MACHINE,
}
"""Dispositions that speak of who answered; all others are of people who were connected to an agent."""


def after_conversation(
    opened: OpenedAttempt,
    disposition: Disposition | None,
    callback: CallbackPlan | None,
    policy: RetryPolicy,
    now_ms: int,
) -> Word:
    """What follows from an agent's disposition; None: there is none, and the contact was connected.

    A callback that was promised is kept however often the contact was tried; one without a time is a plain retry.
    """
    effect = DispositionEffect.CLOSE if disposition is None else disposition.effect
    outcome = _OUTCOMES.get(effect, Outcome.CONNECTED_TO_AGENT)
    plain = next_for(opened, outcome, policy, now_ms)

    def then(status: ContactStatus, due_at_ms: int | None = None, callback: CallbackPlan | None = None) -> Word:
        return Word(
            outcome=outcome,
            next=ContactNext(
                status=status, due_at_ms=due_at_ms, attempts=plain.attempts, faults=plain.faults, callback=callback
            ),
            is_barred=status is ContactStatus.DO_NOT_CALL,
        )

    match effect:
        case DispositionEffect.DO_NOT_CALL:
            return then(ContactStatus.DO_NOT_CALL)
        case DispositionEffect.CALLBACK if callback is not None:
            return then(ContactStatus.PENDING, max(callback.at_ms, now_ms), callback)
        case DispositionEffect.CALLBACK | DispositionEffect.RETRY:
            if plain.attempts >= policy.max_attempts:
                return then(ContactStatus.RETRIES_COMPLETED)
            wait_ms = 0 if disposition is None else disposition.retry_ms
            return then(ContactStatus.PENDING, now_ms + (wait_ms or policy.retry_ms))
        case _:
            return Word(outcome=outcome, next=plain)
