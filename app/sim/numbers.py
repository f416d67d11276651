"""Numbers and trunks of simulated worlds: a country that is none, each number of a behaviour by its last two digits."""

from __future__ import annotations

import random
from typing import Final

from app.model import Trunk
from app.units import Number, TrunkId

_BEHAVIOURS: Final = {
    "00": 20, "10": 10, "11": 3, "12": 5, "13": 2, "14": 2, "15": 2, "16": 1, "17": 3, "18": 2, "19": 2, "20": 3,
    "21": 4, "22": 3, "23": 2, "24": 2, "30": 8, "31": 2, "32": 2, "40": 8, "41": 10, "42": 1, "43": 3, "44": 2,
    "45": 2, "46": 1, "47": 1, "48": 1, "49": 2, "50": 2, "51": 1, "52": 2, "53": 1, "54": 1, "55": 3, "56": 1,
    "57": 1, "58": 1, "59": 1, "60": 1,
}  # fmt: skip
"""How often each kind of number is met: last two digits (asterisk.lab.numbers) and weight."""


def numbers_of(rng: random.Random, count: int, first: int) -> list[Number]:
    """Numbers of a country that is none (+999), each of a behaviour by its last two digits, all different."""
    endings = rng.choices(list(_BEHAVIOURS), weights=list(_BEHAVIOURS.values()), k=count)
    return [Number(f"+999{place:08d}{ending}") for place, ending in enumerate(endings, start=first)]


def trunk_of(name: str, lines: int, calls_per_second: float) -> Trunk:
    """A trunk that carries that country."""
    return Trunk(
        id=TrunkId(name), endpoint=name, lines=lines, calls_per_second=round(calls_per_second, 2), prefixes=("+999",)
    )
