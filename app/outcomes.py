"""What came of an attempt: the field's numbered outcomes, and what each means for the contact.

The numbers up to 33 are the ones known from the large contact centres' exports and are kept for them; the ones above
are ours. Which outcome counts as an attempt, and how it is tried again, is this table and no code.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final


class Outcome(enum.IntEnum):
    """The network's answer to one attempt (technical result)."""

    DIAL_ERROR = 2
    NOT_IN_SERVICE = 3
    NO_RINGBACK = 4
    OPERATOR_INTERCEPT = 5
    NO_DIAL_TONE = 6
    INVALID_NUMBER = 7
    NO_ANSWER = 8
    BUSY = 9
    CONNECTED_TO_AGENT = 10
    FAX = 11
    ANSWERING_MACHINE = 12
    DIALER_STOPPED = 13
    CUSTOMER_ASKED_FOR_CALLBACK = 14
    MACHINE_ASKED_FOR_CALLBACK = 15
    ABANDONED_BY_DIALER = 16
    CALLBACK_AGENT_NOT_RESERVED = 17
    AGENT_REJECTED_PREVIEW = 18
    AGENT_REJECTED_AND_CLOSED = 19
    ABANDONED_TO_IVR = 20
    CUSTOMER_HUNG_UP = 21
    MACHINE_WITHOUT_TERMINATION = 22
    WRONG_NUMBER = 23
    WRONG_PERSON = 24
    RETURNED_UNDIALED = 25
    DO_NOT_CALL = 26
    NETWORK_DISCONNECT = 27
    DEAD_AIR = 28
    UNSUPPORTED = 29
    UNAUTHORIZED = 30
    SIP_ERROR = 31
    CONTROLLER_LOST = 32
    PREVIEW_TIMED_OUT = 33
    CALL_SCREENED = 34
    CONNECTED_TO_IVR = 35
    NOT_ALLOWED = 36

    @property
    def label(self) -> str:
        """The name for people and exports: `not in service`."""
        return OUTCOMES[self].label


class RetryClass(enum.Enum):
    """How an outcome asks to be tried again."""

    NEVER = "never"
    """The contact needs no more calls."""
    LATER = "later"
    """Try again after the campaign's delay, while attempts are left."""
    SOON = "soon"
    """A fault of ours or of the trunk: not the person's doing, not charged, tried again by itself."""
    FIX = "fix"
    """The number is wrong: kept, not dialed again until somebody mends it."""
    BACK = "back"
    """Never dialed, or taken back by us: the contact is as it was before."""
    UNKNOWN = "unknown"
    """Nobody knows what came of it: not dialed again on its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRule:
    """One row of the table: a name, whether the try counts against the contact's limit, and its retry class."""

    label: str
    is_charged: bool
    retry: RetryClass


def _rule(label: str, retry: RetryClass, *, is_charged: bool = True) -> OutcomeRule:
    return OutcomeRule(label=label, is_charged=is_charged, retry=retry)


OUTCOMES: Final[dict[Outcome, OutcomeRule]] = {
    Outcome.DIAL_ERROR: _rule("dial error", RetryClass.SOON, is_charged=False),
    Outcome.NOT_IN_SERVICE: _rule("not in service", RetryClass.FIX),
    Outcome.NO_RINGBACK: _rule("no ringback", RetryClass.SOON, is_charged=False),
    Outcome.OPERATOR_INTERCEPT: _rule("operator intercept", RetryClass.FIX),
    Outcome.NO_DIAL_TONE: _rule("no dial tone", RetryClass.SOON, is_charged=False),
    Outcome.INVALID_NUMBER: _rule("invalid number", RetryClass.FIX),
    Outcome.NO_ANSWER: _rule("no answer", RetryClass.LATER),
    Outcome.BUSY: _rule("busy", RetryClass.LATER),
    Outcome.CONNECTED_TO_AGENT: _rule("connected to agent", RetryClass.NEVER),
    Outcome.FAX: _rule("fax", RetryClass.FIX),
    Outcome.ANSWERING_MACHINE: _rule("answering machine", RetryClass.LATER),
    Outcome.DIALER_STOPPED: _rule("dialer stopped", RetryClass.BACK, is_charged=False),
    Outcome.CUSTOMER_ASKED_FOR_CALLBACK: _rule("customer asked for callback", RetryClass.NEVER),
    Outcome.MACHINE_ASKED_FOR_CALLBACK: _rule("machine asked for callback", RetryClass.LATER),
    Outcome.ABANDONED_BY_DIALER: _rule("abandoned by dialer", RetryClass.LATER),
    Outcome.CALLBACK_AGENT_NOT_RESERVED: _rule(
        "personal-callback agent not reserved", RetryClass.SOON, is_charged=False
    ),
    Outcome.AGENT_REJECTED_PREVIEW: _rule("agent rejected preview", RetryClass.LATER, is_charged=False),
    Outcome.AGENT_REJECTED_AND_CLOSED: _rule("agent rejected and closed", RetryClass.NEVER, is_charged=False),
    Outcome.ABANDONED_TO_IVR: _rule("abandoned to IVR", RetryClass.LATER),
    Outcome.CUSTOMER_HUNG_UP: _rule("customer hung up before the agent", RetryClass.LATER),
    Outcome.MACHINE_WITHOUT_TERMINATION: _rule("machine without termination", RetryClass.LATER),
    Outcome.WRONG_NUMBER: _rule("wrong number", RetryClass.FIX),
    Outcome.WRONG_PERSON: _rule("wrong person", RetryClass.LATER),
    Outcome.RETURNED_UNDIALED: _rule("returned undialed", RetryClass.BACK, is_charged=False),
    Outcome.DO_NOT_CALL: _rule("do-not-call", RetryClass.NEVER, is_charged=False),
    Outcome.NETWORK_DISCONNECT: _rule("network disconnect while ringing", RetryClass.LATER),
    Outcome.DEAD_AIR: _rule("dead air", RetryClass.LATER),
    Outcome.UNSUPPORTED: _rule("unsupported", RetryClass.SOON, is_charged=False),
    Outcome.UNAUTHORIZED: _rule("unauthorized", RetryClass.SOON, is_charged=False),
    Outcome.SIP_ERROR: _rule("SIP error", RetryClass.SOON, is_charged=False),
    Outcome.CONTROLLER_LOST: _rule("controller lost", RetryClass.UNKNOWN),
    Outcome.PREVIEW_TIMED_OUT: _rule("agent timed out on preview", RetryClass.LATER, is_charged=False),
    Outcome.CALL_SCREENED: _rule("call screened by the phone", RetryClass.LATER),
    Outcome.CONNECTED_TO_IVR: _rule("connected to IVR", RetryClass.NEVER),
    Outcome.NOT_ALLOWED: _rule("not allowed by law", RetryClass.NEVER, is_charged=False),
}


ABANDONED: Final = frozenset({Outcome.ABANDONED_BY_DIALER, Outcome.ABANDONED_TO_IVR})
"""A live person answered, and no agent came in time."""

LIVE_ANSWERS: Final = frozenset(
    {
        Outcome.CONNECTED_TO_AGENT,
        Outcome.CUSTOMER_ASKED_FOR_CALLBACK,
        Outcome.ABANDONED_BY_DIALER,
        Outcome.ABANDONED_TO_IVR,
        Outcome.CUSTOMER_HUNG_UP,
        Outcome.WRONG_NUMBER,
        Outcome.WRONG_PERSON,
        Outcome.CONNECTED_TO_IVR,
    }
)
"""A live person answered."""

MEANT_FOR_AGENTS: Final = LIVE_ANSWERS - {Outcome.CONNECTED_TO_IVR}
"""A live person answered who was to have an agent: the denominator of the abandonment rate."""


MACHINES: Final = frozenset(
    {
        Outcome.FAX,
        Outcome.ANSWERING_MACHINE,
        Outcome.MACHINE_ASKED_FOR_CALLBACK,
        Outcome.MACHINE_WITHOUT_TERMINATION,
    }
)
"""No person answered, whoever talked to it."""


def is_live_for_agent(outcome: Outcome, *, has_talked: bool) -> bool:
    """Whether an answered call counts for a campaign's abandonment rate: a live person answered, meant for an agent.

    All calls of the campaign count that a person answered, whoever placed them and for whom (16 CFR 310.4(b)(4)(i), 47
    CFR 64.1200(a)(7): of all calls answered live by a person, per campaign). Machines do not, even when an agent found
    out. has_talked: an agent met them.
    """
    return outcome not in MACHINES and (has_talked or outcome in MEANT_FOR_AGENTS)


class ContactStatus(enum.Enum):
    """Where a contact stands in a campaign."""

    PENDING = "pending"
    IN_PROGRESS = "in progress"
    CONNECTED = "connected"
    NOT_CONNECTED = "not connected"
    RETRIES_COMPLETED = "retries completed"
    DO_NOT_CALL = "do-not-call"
    INVALID_NUMBER = "invalid number"
    """Kept, and not dialed again until the number is mended."""
    NOT_ALLOWED = "not allowed"
    """A compliance profile forbids the call, and waiting would not help: consent is missing, say."""
    DANGLING = "dangling"
    """Placed, and its result never learned: not dialed again on its own."""
