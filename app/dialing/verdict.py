"""From what the network told to one of the numbered outcomes: a table, and the few rules around it.

Sources: RFC 3261 §21 (responses), RFC 8197 (607), RFC 8688 (608), ITU-T Q.850 §2.2.5 (causes); what the real Asterisk
reports for each is in docs/lab.md.
"""

from __future__ import annotations

from typing import Final

from app.model import CallFacts
from app.outcomes import Outcome

SIP_OUTCOMES: Final[dict[int, Outcome]] = {
    401: Outcome.UNAUTHORIZED,
    403: Outcome.UNAUTHORIZED,
    404: Outcome.NOT_IN_SERVICE,
    407: Outcome.UNAUTHORIZED,
    410: Outcome.NOT_IN_SERVICE,
    415: Outcome.UNSUPPORTED,
    480: Outcome.NO_ANSWER,
    484: Outcome.INVALID_NUMBER,
    486: Outcome.BUSY,
    487: Outcome.NO_ANSWER,
    488: Outcome.UNSUPPORTED,
    600: Outcome.BUSY,
    603: Outcome.BUSY,  # the person pressed “decline”
    604: Outcome.NOT_IN_SERVICE,
    606: Outcome.UNSUPPORTED,
    607: Outcome.CALL_SCREENED,
    608: Outcome.CALL_SCREENED,
}
"""By the final SIP response, when nobody answered. Anything else from 300 up is a SIP error."""

CAUSE_OUTCOMES: Final[dict[int, Outcome]] = {
    1: Outcome.NOT_IN_SERVICE,
    17: Outcome.BUSY,
    18: Outcome.NO_ANSWER,
    19: Outcome.NO_ANSWER,
    21: Outcome.BUSY,
    22: Outcome.NOT_IN_SERVICE,
    28: Outcome.INVALID_NUMBER,
    34: Outcome.SIP_ERROR,
    38: Outcome.SIP_ERROR,
    58: Outcome.UNSUPPORTED,
    127: Outcome.CALL_SCREENED,
}
"""By the Q.850 cause, where there was no SIP response (older Asterisks do not tell it)."""

TRUNK_FAULTS: Final = frozenset(
    {
        Outcome.DIAL_ERROR,
        Outcome.NO_RINGBACK,
        Outcome.NO_DIAL_TONE,
        Outcome.UNSUPPORTED,
        Outcome.UNAUTHORIZED,
        Outcome.SIP_ERROR,
    }
)
"""Outcomes that speak against the trunk rather than the person: the breaker counts them, the contact does not pay."""

REFUSALS: Final = frozenset({Outcome.NOT_IN_SERVICE, Outcome.INVALID_NUMBER, Outcome.CALL_SCREENED})
"""Outcomes that speak of the number, and which a trunk that refuses everything gives too."""

HUNG_UP_AT_ONCE_MS: Final = 1_500
"""Somebody who hangs up this soon after answering has heard nothing."""


def unanswered(facts: CallFacts, *, ring_timeout_ms: int) -> Outcome:
    """The outcome of a call that ended before anybody answered.

    A call that rang until our own timeout is a plain no answer. One that reached the timeout in silence (no ringing, no
    early media) never reached a person: Asterisk invents a 480 for it, which is not the network's word.
    """
    has_rung = facts.ringing_at_ms is not None or facts.progress_at_ms is not None
    if _has_timed_out(facts, ring_timeout_ms):
        return Outcome.NO_ANSWER if has_rung else Outcome.NO_RINGBACK
    if facts.sip_code is not None and facts.sip_code >= 300:
        if facts.sip_code == 408:
            return Outcome.NO_ANSWER if has_rung else Outcome.NO_RINGBACK
        return SIP_OUTCOMES.get(facts.sip_code, Outcome.SIP_ERROR)
    if has_rung and facts.cause in (0, 16, 27, 41):
        return Outcome.NETWORK_DISCONNECT
    return CAUSE_OUTCOMES.get(facts.cause or 0, Outcome.SIP_ERROR)


def answered(facts: CallFacts, *, suggested: Outcome | None, by_person: bool) -> Outcome:
    """The outcome of a call that was answered; `suggested` is the flow's own finding, by_person: the person hung up."""
    if suggested is not None:
        return suggested
    lasted_ms = (facts.ended_at_ms or 0) - (facts.answered_at_ms or 0)
    if by_person and lasted_ms < HUNG_UP_AT_ONCE_MS:
        return Outcome.CUSTOMER_HUNG_UP
    return Outcome.CONNECTED_TO_IVR


def _has_timed_out(facts: CallFacts, ring_timeout_ms: int) -> bool:
    """Whether our own ring timeout ended the call: half a second of grace covers Asterisk's rounding."""
    if facts.placed_at_ms is None or facts.ended_at_ms is None:
        return False
    return facts.ended_at_ms - facts.placed_at_ms >= ring_timeout_ms - 500
