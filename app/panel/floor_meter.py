"""Figures over time that the wallboard needs and the dialer does not keep: abandonment, waits, contacts per agent hour.

A fold: calls that ended and pictures of the dialer go in, figures come out. Everything is kept in buckets of a minute,
so that a figure costs the same after ten calls as after a million.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from app.agents import AgentState
from app.dialing.snapshot import Snapshot
from app.store.ended_calls import EndedCall
from app.units import DAY_MS, HOUR_MS, MINUTE_MS, CampaignId

WINDOW_MS: Final = DAY_MS
"""Abandonment is counted over the last 24 hours (Ofcom, "Persistent misuse", 2016, A1.31: any 24-hour period)."""
HOUR_SPAN_MS: Final = HOUR_MS
PACE_SPAN_MS: Final = 10 * MINUTE_MS
MAX_WAITS: Final = 1_000
CAP: Final = 0.03
"""The most that may be abandoned: 3% of the live answers (47 CFR 64.1200(a)(7), Ofcom 2016)."""
TARGET: Final = 0.01
"""What is aimed at, under the cap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandonment:
    """How many of the people who answered were abandoned in the window, and how much of the budget that is."""

    abandoned: int = 0
    answered: int = 0

    @property
    def share(self) -> float:
        """Of the live answers; 0.0 while there are none."""
        return self.abandoned / self.answered if self.answered else 0.0

    @property
    def allowed(self) -> int:
        """How many may be abandoned among so many answers."""
        return math.floor(CAP * self.answered)

    @property
    def left(self) -> int:
        """How many more could be, before the cap is passed; below zero by how many it is."""
        return self.allowed - self.abandoned

    @property
    def used(self) -> float:
        """The share of the budget that is used: 1.0 at the cap."""
        return self.share / CAP


class _Counts:
    """Two running counts over a span, in minutes."""

    __slots__ = ("_minutes", "_span_ms", "first", "second")

    def __init__(self, span_ms: int) -> None:
        self._span_ms = span_ms
        self._minutes: deque[list[int]] = deque()  # minute, first, second
        self.first = 0
        self.second = 0

    def add(self, at_ms: int, first: int, second: int) -> None:
        minute = at_ms // MINUTE_MS
        last = self._minutes[-1] if self._minutes else None
        if last is not None and last[0] >= minute:
            last[1] += first
            last[2] += second
        else:
            self._minutes.append([minute, first, second])
        self.first += first
        self.second += second

    def forget(self, now_ms: int) -> None:
        oldest = (now_ms - self._span_ms) // MINUTE_MS
        while self._minutes and self._minutes[0][0] < oldest:
            _, first, second = self._minutes.popleft()
            self.first -= first
            self.second -= second


@dataclass(slots=True)
class _OfCampaign:
    answers: _Counts = field(default_factory=lambda: _Counts(WINDOW_MS))  # abandoned, answered
    pace: _Counts = field(default_factory=lambda: _Counts(PACE_SPAN_MS))  # calls, nothing
    waits: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=MAX_WAITS))  # when, how long
    placed: int | None = None


class FloorMeter:
    """Counts what ended and samples what goes on."""

    def __init__(self, now_ms: int) -> None:
        self._began_at_ms = now_ms
        self._campaigns: dict[CampaignId, _OfCampaign] = {}
        self._work = _Counts(HOUR_SPAN_MS)  # contacts, agents' milliseconds
        self._sampled_at_ms: int | None = None

    # --- in ----------------------------------------------------------------------------------------------------------

    def ended(self, call: EndedCall) -> None:
        """A call is over. Calls of before the meter began count for abandonment only."""
        campaign = self._of(call.campaign_id)
        campaign.answers.add(call.at_ms, int(call.is_abandoned), 1)
        if call.waited_ms is not None:
            campaign.waits.append((call.at_ms, call.waited_ms))
            if call.at_ms >= self._began_at_ms:
                self._work.add(call.at_ms, 1, 0)

    def sample(self, snapshot: Snapshot) -> None:
        """Look at the dialer again: about once a second."""
        now_ms = snapshot.at_ms
        if self._sampled_at_ms is not None:
            present = sum(1 for agent in snapshot.agents if agent.state is not AgentState.SIGNED_OUT)
            self._work.add(now_ms, 0, present * (now_ms - self._sampled_at_ms))
        self._sampled_at_ms = now_ms
        for picture in snapshot.campaigns:
            campaign = self._of(picture.id)
            if campaign.placed is not None:
                campaign.pace.add(now_ms, max(0, picture.placed - campaign.placed), 0)
            campaign.placed = picture.placed
        self._work.forget(now_ms)
        for campaign in self._campaigns.values():
            campaign.answers.forget(now_ms)
            campaign.pace.forget(now_ms)

    def _of(self, campaign_id: CampaignId) -> _OfCampaign:
        found = self._campaigns.get(campaign_id)
        if found is None:
            found = self._campaigns[campaign_id] = _OfCampaign()
        return found

    # --- out ---------------------------------------------------------------------------------------------------------

    def abandonment(self, campaign_id: CampaignId | None = None) -> Abandonment:
        """Of one campaign, or of all together."""
        if campaign_id is not None:
            found = [self._campaigns[campaign_id]] if campaign_id in self._campaigns else []
        else:
            found = list(self._campaigns.values())
        return Abandonment(
            abandoned=sum(one.answers.first for one in found), answered=sum(one.answers.second for one in found)
        )

    def wait_p95_ms(self, campaign_id: CampaignId, now_ms: int) -> int | None:
        """How long nineteen of twenty people waited for their agent at the most, in the last hour; None: nobody did."""
        found = self._campaigns.get(campaign_id)
        waits = sorted(wait for at_ms, wait in found.waits if at_ms > now_ms - HOUR_SPAN_MS) if found else []
        return waits[math.ceil(0.95 * len(waits)) - 1] if waits else None

    def contacts_per_agent_hour(self) -> float | None:
        """People talked with ÷ hours agents were signed in, over the last hour; None before a quarter of an hour."""
        return self._work.first * HOUR_MS / self._work.second if self._work.second >= HOUR_MS / 4 else None

    def calls_per_minute(self, campaign_id: CampaignId, now_ms: int) -> float:
        """New calls of a campaign, over the last ten minutes (or since the meter began)."""
        found = self._campaigns.get(campaign_id)
        span_ms = min(PACE_SPAN_MS, max(MINUTE_MS, now_ms - self._began_at_ms))
        return found.pace.first * MINUTE_MS / span_ms if found else 0.0
