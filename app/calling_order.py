"""In which order a campaign calls those who are due. A setting of a campaign; priorities and promises go before it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlan:
    """by_time_zone: the zones that contacts live in take turns, so that a long list of one keeps no other waiting.

    best_hour: whoever was not reached is called again at the hour, and on the phone, at which people answer best, as
    the campaign's own calls teach; without, and until they do, after the delay of its tries.
    """

    by_time_zone: bool = False
    best_hour: bool = False
