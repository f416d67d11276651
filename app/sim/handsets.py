"""The phones of the simulated floor: who sits at one, and what they do when it rings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from app.units import SECOND_MS, LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneHabit:
    """What happens when a phone is rung. Times in milliseconds; None: it does not come to that.

    ring_ms: until the phone says that it rings; answer_ms: from then until somebody picks up; decline_ms: until
    somebody presses the red button; hang_up_ms: from picking up until they put it down. auto_answer_ms: until the phone
    answers by itself when asked to; None for one that does not know how. misses: share of rings that nobody hears.
    """

    ring_ms: int = 40
    answer_ms: int | None = 1_000
    decline_ms: int | None = None
    hang_up_ms: int | None = None
    auto_answer_ms: int | None = None
    misses: float = 0.0


ANSWERS: Final = PhoneHabit(auto_answer_ms=60)
"""Somebody is there, and the phone knows how to answer by itself."""
RINGS_ON: Final = PhoneHabit(answer_ms=None)
DECLINES: Final = PhoneHabit(answer_ms=None, decline_ms=800)
PUTS_DOWN: Final = PhoneHabit(hang_up_ms=4 * SECOND_MS)


@dataclass(slots=True, eq=False)
class Handset:
    """A phone. in_use: the calls it takes part in. told: whether the dialer thinks that it can be reached; None: it was
    told nothing."""

    habit: PhoneHabit
    is_registered: bool = True
    in_use: set[LegId] = field(default_factory=set)
    is_listened_to: bool = False
    told: bool | None = None
