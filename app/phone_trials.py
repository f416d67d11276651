"""A phone is tried before somebody works with it: rung, heard, and heard from; what was seen of it, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class TrialStep(Enum):
    """How far a trial is. Each step is reached when the one before it went well."""

    RINGING = "ringing"
    """The phone is asked to ring; it may ring already."""
    KEY = "key"
    """It was picked up: beeps are played until a key is pressed."""
    VOICE = "voice"
    """Whoever holds it speaks, and is recorded."""
    PLAYBACK = "playback"
    """They hear themselves."""
    DONE = "done"


class TrialProblem(Enum):
    """Why a trial ended before its last step."""

    UNKNOWN = "unknown"
    """Asterisk has no such endpoint."""
    NOT_REGISTERED = "not registered"
    NO_RESPONSE = "no response"
    """The phone says nothing to the invitation: a firewall, or a registration of an address that is gone."""
    NOT_ANSWERED = "not answered"
    BUSY = "busy"
    DECLINED = "declined"
    NO_CODEC = "no codec"
    """Phone and endpoint have no codec in common."""
    PUT_DOWN = "put down"
    NO_KEY = "no key"
    """It was picked up, and no key came."""
    NOT_HEARD = "not heard"
    """Nothing was heard of who spoke into it."""
    ASTERISK = "asterisk"
    """Asterisk did not do what was asked; its words are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneTrial:
    """One trial as it stands. has_rung: the phone said that it rings; key: which one was pressed.

    talked_s: seconds of speech among those recorded, rounded up; told: Asterisk's own words for the problem.
    """

    endpoint: str
    step: TrialStep = TrialStep.RINGING
    has_rung: bool = False
    key: str = ""
    talked_s: int | None = None
    problem: TrialProblem | None = None
    told: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens in it."""
        return self.problem is not None or self.step is TrialStep.DONE


class PhoneTrials(Protocol):
    """Where phones are tried: see app.asterisk.phone_trial."""

    def begin_trial(self, endpoint: str, language: str) -> None:
        """Ring the phone; harmless while it is tried already. Raises ValueError for what is no phone's name."""

    def trial(self, endpoint: str) -> PhoneTrial | None:
        """The last trial of the phone since the program began."""
