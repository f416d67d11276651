"""What is known of a call before and while it rings, in words a pacer can learn from. Which of them mean anything, and
how much, is the pacer's to find out.

Words that belong together are one: evidence of several words is not counted in full.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import phonenumbers

from app.agents import PacingSignal
from app.dialing.attempt import AttemptRun
from app.model import CallFacts, ContactPast
from app.outcomes import LIVE_ANSWERS, MACHINES, Outcome
from app.units import HOUR_MS

RINGING: Final = "ringing"
EARLY_MEDIA: Final = "early media"
MOST_TRIES: Final = 3
_KINDS: Final = {
    phonenumbers.PhoneNumberType.MOBILE: "mobile",
    phonenumbers.PhoneNumberType.FIXED_LINE: "fixed",
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed or mobile",
    phonenumbers.PhoneNumberType.VOIP: "voip",
}


def features(attempt: AttemptRun, signals: Sequence[PacingSignal], now_ms: int) -> tuple[str, ...]:
    """What is known of a call that goes out now."""
    words = []
    if PacingSignal.PHONE in signals or PacingSignal.HOUR in signals:
        kind = phone_kind(attempt) if PacingSignal.PHONE in signals else "phone"
        hour = f" at {now_ms // HOUR_MS % 24} h" if PacingSignal.HOUR in signals else ""
        words.append(kind + hour)
    if PacingSignal.TRUNK in signals and attempt.line is not None and len(attempt.campaign.trunks) > 1:
        words.append(f"by {attempt.line.trunk.id}")
    if PacingSignal.HISTORY in signals and attempt.opened.past is not None:
        words.append(_past_in_words(attempt.opened.past))
    return tuple(words)


def phone_kind(attempt: AttemptRun) -> str:
    """As the list says, else as the number does."""
    past = attempt.opened.past
    if past is not None and past.phone_kind:
        return past.phone_kind
    try:
        parsed = phonenumbers.parse(attempt.opened.number)
    except phonenumbers.NumberParseException:
        return "other phone"
    return _KINDS.get(phonenumbers.number_type(parsed), "other phone")


def heard(facts: CallFacts) -> Iterator[str]:
    """What was heard on the line of a call that nobody has answered yet. That nothing was, a pacer notices itself."""
    if facts.ringing_at_ms is not None:
        yield RINGING
    if facts.progress_at_ms is not None:
        yield EARLY_MEDIA


def _past_in_words(past: ContactPast) -> str:
    """`tried 2, last no answer, answered before`."""
    if not past.tries:
        return "never tried"
    tries = f"{past.tries}" if past.tries < MOST_TRIES else f"{MOST_TRIES} or more"
    answered = "answered before" if past.answers else "never answered"
    return f"tried {tries}, last {_last_in_words(past.last)}, {answered}"


def _last_in_words(outcome: Outcome | None) -> str:
    if outcome in LIVE_ANSWERS:
        return "a person"
    if outcome in MACHINES:
        return "a machine"
    return outcome.label if outcome in (Outcome.BUSY, Outcome.NO_ANSWER) else "no person"
