"""What an observer on the wire sees: facts about calls, whatever the dialer was told of them and believes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.commands import PlaceCall
from app.units import AttemptId


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The dialer asked for a call, whether or not it was then placed."""

    at_ms: int
    call: PlaceCall


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A call is on the wire: the INVITE left, or would have."""

    at_ms: int
    call: PlaceCall


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The far end picked up."""

    at_ms: int
    attempt_id: AttemptId


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundBegan:
    """The person hears something from us: a prompt, or the dialplan's own message."""

    at_ms: int
    attempt_id: AttemptId


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRenewed:
    """The call may live until `until_ms`."""

    at_ms: int
    attempt_id: AttemptId
    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """The call was given to the admin's dialplan: what it hears and how long it lives is not ours any more."""

    at_ms: int
    attempt_id: AttemptId


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The call is off the wire. sip_code and cause as in `app.events.CallEnded`."""

    at_ms: int
    attempt_id: AttemptId
    sip_code: int | None
    cause: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfReach:
    """From now on the dialer can do nothing: the connection to Asterisk is gone."""

    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WithinReach:
    """The dialer can act again."""

    at_ms: int


CallFact = Asked | Placed | Answered | SoundBegan | LeaseRenewed | HandedOver | Ended
WireFact = CallFact | OutOfReach | WithinReach
Observer = Callable[[WireFact], None]
