"""After an attempt: is the contact done, or when may it be tried again?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, assert_never

from app.agents import CallbackPlan, Conversation, DialingMode, Disposition, DispositionEffect
from app.model import Campaign, ContactNext, OpenedAttempt, RetryPolicy
from app.outcomes import ABANDONED, OUTCOMES, ContactStatus, Outcome, RetryClass
from app.strategy.choose import next_good_phone, next_try
from app.strategy.rows import CallStrategy, Closing, NextTry, Phones, Try
from app.units import HOUR_MS, CampaignId

_CLOSED: Final = {
    Closing.DONE: ContactStatus.RETRIES_COMPLETED,
    Closing.NO_PHONE: ContactStatus.INVALID_NUMBER,
}


def next_for(
    opened: OpenedAttempt,
    outcome: Outcome,
    policy: RetryPolicy,
    now_ms: int,
    *,
    rows: CallStrategy | None = None,
    is_opted_out: bool = False,
) -> ContactNext:
    """What becomes of the contact of `opened`, whose attempt ended now with `outcome`; rows: the campaign's strategy.

    Charged tries count against max_attempts; faults of the trunk or ours are counted apart and spaced wider each time,
    so that a number whose every call fails does not go on for ever.
    """
    rule = OUTCOMES[outcome]
    attempts = opened.attempts + (1 if rule.is_charged else 0)
    faults = opened.faults + (1 if rule.retry is RetryClass.SOON else 0)

    def then(status: ContactStatus, due_at_ms: int | None = None, phone: int | None = None) -> ContactNext:
        return ContactNext(status=status, due_at_ms=due_at_ms, attempts=attempts, faults=faults, phone=phone)

    def by_strategy(rows: CallStrategy) -> ContactNext:
        phones = opened.phones if opened.phones.places else Phones(numbers=(opened.number,))
        match next_try(rows, phones, opened.tries, _last_try(opened, outcome, now_ms), now_ms):
            case NextTry(due_at_ms=due_at_ms, phone=phone):
                return then(ContactStatus.PENDING, due_at_ms, phone)
            case closing:
                return then(_CLOSED[closing])

    if is_opted_out or outcome is Outcome.DO_NOT_CALL:
        return then(ContactStatus.DO_NOT_CALL)
    if outcome is Outcome.NOT_ALLOWED:
        return then(ContactStatus.NOT_ALLOWED)
    match rule.retry:
        case RetryClass.NEVER:
            return then(ContactStatus.CONNECTED)
        case RetryClass.FIX | RetryClass.LATER if rows is not None:
            return by_strategy(rows)
        case RetryClass.FIX:
            phone = next_good_phone(opened.phones, opened.tries, _last_try(opened, outcome, now_ms))
            if phone is None:
                return then(ContactStatus.INVALID_NUMBER)
            if attempts >= policy.max_attempts:
                return then(ContactStatus.RETRIES_COMPLETED)
            return then(ContactStatus.PENDING, now_ms, phone)
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


def _last_try(opened: OpenedAttempt, outcome: Outcome, now_ms: int) -> Try:
    is_charged = OUTCOMES[outcome].is_charged
    return Try(number=opened.number, outcome=outcome, opened_at_ms=now_ms, is_charged=is_charged)


def after_call(
    opened: OpenedAttempt, outcome: Outcome, campaign: Campaign, now_ms: int, *, is_opted_out: bool
) -> ContactNext:
    """As `next_for`; who answered a predictive campaign and found nobody is left in peace for its cool-down."""
    then = next_for(opened, outcome, campaign.retry, now_ms, rows=campaign.strategy, is_opted_out=is_opted_out)
    if outcome in ABANDONED and campaign.mode is DialingMode.PREDICTIVE and then.due_at_ms is not None:
        cool_at_ms = now_ms + campaign.agents.pacing.cool_down_ms
        then = replace(then, due_at_ms=max(then.due_at_ms, cool_at_ms))
    return then


def left_to_agents(opened: OpenedAttempt, then: ContactNext, campaign: Campaign, *, has_talked: bool) -> ContactNext:
    """What becomes of a number somebody typed: no list has it, so the campaign does not dial it by itself.

    Unless the campaign says so, or a call at a time was promised and is still owed.
    """
    is_owed = then.callback is not None or (opened.is_callback and not has_talked)
    if not opened.is_typed or campaign.agents.redials_typed or then.status is not ContactStatus.PENDING or is_owed:
        return then
    return replace(then, status=ContactStatus.CONNECTED if has_talked else ContactStatus.NOT_CONNECTED, due_at_ms=None)


def kept(then: ContactNext, campaign: Campaign, talk: Conversation | None) -> ContactNext:
    """Who talked with somebody first keeps them, where the campaign's rule of ownership says so."""
    if talk is None or talk.agent_id is None or not campaign.ownership.keeps:
        return then
    return replace(then, keeper=talk.agent_id)


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
    DispositionEffect.INVALID_NUMBER: Outcome.INVALID_NUMBER,
    DispositionEffect.WRONG_PERSON: Outcome.WRONG_PERSON,
    DispositionEffect.ANSWERING_MACHINE: Outcome.ANSWERING_MACHINE,
}
"""Dispositions that speak of who answered; all others are of people who were connected to an agent."""


def after_conversation(
    opened: OpenedAttempt,
    disposition: Disposition | None,
    callback: CallbackPlan | None,
    campaign: Campaign,
    now_ms: int,
) -> Word:
    """What follows from an agent's disposition; None: there is none, and the contact was connected.

    A callback that was promised is kept however often the contact was tried; one without a time is a plain retry.
    """
    effect = DispositionEffect.CLOSE if disposition is None else disposition.effect
    outcome = _OUTCOMES.get(effect, Outcome.CONNECTED_TO_AGENT)
    policy, rows = campaign.retry, campaign.strategy
    max_attempts = policy.max_attempts if rows is None else rows.max_attempts
    plain = next_for(opened, outcome, policy, now_ms, rows=rows)

    def then(status: ContactStatus, due_at_ms: int | None = None, callback: CallbackPlan | None = None) -> Word:
        return Word(
            outcome=outcome,
            next=ContactNext(
                status=status,
                due_at_ms=due_at_ms,
                attempts=plain.attempts,
                faults=plain.faults,
                callback=callback,
                phone=opened.phones.place_of(opened.number) if status is ContactStatus.PENDING else None,
            ),
            is_barred=status is ContactStatus.DO_NOT_CALL,
        )

    match effect:
        case DispositionEffect.DO_NOT_CALL:
            return then(ContactStatus.DO_NOT_CALL)
        case DispositionEffect.CALLBACK if callback is not None:
            return then(ContactStatus.PENDING, max(callback.at_ms, now_ms), callback)
        case DispositionEffect.CALLBACK | DispositionEffect.RETRY:
            if plain.attempts >= max_attempts:
                return then(ContactStatus.RETRIES_COMPLETED)
            wait_ms = 0 if disposition is None else disposition.retry_ms
            return then(ContactStatus.PENDING, now_ms + (wait_ms or policy.retry_ms))
        case DispositionEffect.OTHER_CAMPAIGN if disposition is not None and disposition.opens:
            return Word(outcome=outcome, next=replace(plain, opens=CampaignId(disposition.opens)))
        case _:
            return Word(outcome=outcome, next=plain)
