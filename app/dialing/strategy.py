"""After an attempt: is the contact done, or when may it be tried again?"""

from __future__ import annotations

from typing import assert_never

from app.model import ContactNext, OpenedAttempt, RetryPolicy
from app.outcomes import OUTCOMES, ContactStatus, Outcome, RetryClass
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


def without_route(opened: OpenedAttempt) -> ContactNext:
    """No trunk of the campaign carries the number: waiting would not mend it."""
    return ContactNext(status=ContactStatus.NOT_CONNECTED, attempts=opened.attempts, faults=opened.faults)
