"""Calls by the hour of their end, and how many answered people were abandoned: running counts, nothing is counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from app.outcomes import LIVE_ANSWERS, Outcome
from app.store.schema import tallies
from app.store.tallies import hour_key
from app.units import HOUR_MS, CampaignId


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveAnswers:
    """Calls a live person answered in a stretch of whole hours, and those of them the dialer abandoned (outcome 16)."""

    from_ms: int
    until_ms: int
    answered: int
    abandoned: int

    @property
    def abandoned_share(self) -> float:
        """Abandoned ÷ answered live, 0 to 1; 0 when nobody answered."""
        return self.abandoned / self.answered if self.answered else 0.0


def outcomes_by_hour(
    conn: Connection, campaign_id: CampaignId, from_ms: int, until_ms: int
) -> dict[int, Mapping[Outcome, int]]:
    """Closed attempts by the hour of their end and their outcome: {start of the hour in ms: {outcome: count}}.

    The hours that the stretch touches, whole.
    """
    found = select(tallies.c.key, tallies.c.count).where(
        tallies.c.campaign_id == campaign_id,
        tallies.c.kind == "hour",
        tallies.c.key >= hour_key(from_ms),
        tallies.c.key < hour_key(until_ms + HOUR_MS - 1),
    )
    hours: dict[int, dict[Outcome, int]] = {}
    for key, count in conn.execute(found.order_by(tallies.c.key)):
        hour, _, outcome = key.partition(".")
        hours.setdefault(int(hour) * HOUR_MS, {})[Outcome(int(outcome))] = count
    return dict(hours)


def live_answers(conn: Connection, campaign_id: CampaignId, from_ms: int, until_ms: int) -> LiveAnswers:
    """How many people answered in the hours that the stretch touches, and how many of them were abandoned."""
    hours = outcomes_by_hour(conn, campaign_id, from_ms, until_ms)
    return LiveAnswers(
        from_ms=from_ms // HOUR_MS * HOUR_MS,
        until_ms=-(-until_ms // HOUR_MS) * HOUR_MS,
        answered=sum(counts.get(outcome, 0) for counts in hours.values() for outcome in LIVE_ANSWERS),
        abandoned=sum(counts.get(Outcome.ABANDONED_BY_DIALER, 0) for counts in hours.values()),
    )
