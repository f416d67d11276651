"""How much a figure of the wallboard asks for somebody: amber, red, and from when."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final


class Level(enum.Enum):
    """How much a figure asks for somebody. Its value is the class of its look, and its order that of urgency."""

    CALM = ""
    AMBER = "amber"
    RED = "red"


RANK: Final = {Level.CALM: 0, Level.AMBER: 1, Level.RED: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """From when a figure is amber, and red."""

    amber: float
    red: float

    def level(self, value: float) -> Level:
        """Of a figure that is bad when it is high."""
        return Level.RED if value >= self.red else Level.AMBER if value >= self.amber else Level.CALM


BUDGET: Final = Limit(amber=0.7, red=0.9)
"""Of an abandonment budget: the share that is used."""
