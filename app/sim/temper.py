"""What kinds of agents there are on the simulated floor: how fast they work, and what they do wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.units import SECOND_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Temper:
    """What kind of agent a robot is. Times are medians, in milliseconds, of long-tailed distributions.

    Shares are 0 to 1: of previews, conversations or wrap-ups that go so, or of moments in which it comes to mind.
    """

    talk_ms: int = 40 * SECOND_MS
    talk_spread: float = 0.6
    wrap_up_ms: int = 8 * SECOND_MS
    wrap_up_spread: float = 0.6
    """Standard deviation of the logarithm."""
    pause_ms: int = 60 * SECOND_MS
    preview_ms: int = 5 * SECOND_MS
    skips: float = 0.1
    closes: float = 0.05
    ignores: float = 0.05
    walks_away: float = 0.06
    """Lets the wrap-up run out."""
    doubles: float = 0.05
    """Asks for the same thing twice, within a moment."""
    errs: float = 0.03
    """Asks for something that makes no sense now."""
    breaks: float = 0.08
    leaves: float = 0.02
    """Signs out, in mid-call too, and comes back later."""
    reloads: float = 0.05
    drops_phone: float = 0.02
    holds: float = 0.1
    mutes: float = 0.1
    transfers: float = 0.08
    records: float = 0.1
    results: float = 0.3
    """Sets the result while talking."""
    dials: float = 0.02
    """Dials by hand in a campaign that dials by itself."""
    closing_ms: int = 0
    """Presses “nearly done” so long before the end of a talk; 0: never."""
    joins: float = 0.03
    """Serves other campaigns from now on."""


GOOD: Final = Temper(
    skips=0,
    closes=0,
    ignores=0,
    walks_away=0,
    doubles=0,
    errs=0,
    breaks=0,
    leaves=0,
    reloads=0,
    drops_phone=0,
    holds=0,
    mutes=0,
    transfers=0,
    records=0,
    dials=0,
    joins=0,
)
"""An agent who only works."""
