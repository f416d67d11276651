"""Calls that ring for nobody: their agent took a person who waits, or the dialer was restarted meanwhile.

Such a call is the next free agent's. Where none comes free, it ends as soon as it may: a phone that has begun to ring
is not hung up on before the campaign's minimum ring (15 s or four rings in 47 CFR 64.1200(a)(6)).
"""

from __future__ import annotations

from collections.abc import Iterator

from app.dialing.attempt import AttemptRun, AttemptState
from app.dialing.crew import Crew
from app.units import AgentId, AttemptId, CampaignId


class Unattended:
    """Which calls ring for nobody, and until when."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew

    def add(self, attempt: AttemptRun) -> None:
        """A call rings for nobody from now on."""
        self._crew.unowned.setdefault(attempt.campaign.id, {})[attempt.id] = None

    def leave(self, attempt: AttemptRun) -> None:
        """Its agent is with another person: it rings on for as long as it has to, and ends then."""
        over_ms = self.may_end_ms(attempt)
        if over_ms is not None and over_ms <= self._crew.now_ms:
            self._crew.did(attempt, attempt.take_back(self._crew.now_ms, is_tried_later=True))
            return
        self.add(attempt)
        self._crew.ring_alarms.set(attempt.id, over_ms)

    def may_end_ms(self, attempt: AttemptRun) -> int | None:
        """From when the call may be taken back; None: it never is. One that does not ring yet may at once."""
        if attempt.state is not AttemptState.DIALING or attempt.call is None:
            return self._crew.now_ms
        facts = attempt.call.facts
        began_ms = facts.ringing_at_ms or facts.progress_at_ms
        least_ms = attempt.campaign.agents.pacing.min_ring_ms
        if began_ms is None:
            return self._crew.now_ms
        return began_ms + least_ms if least_ms else None

    def expire(self, attempt_id: AttemptId) -> None:
        """It has rung as long as it must; an agent who came for it meanwhile keeps it."""
        attempt = self._crew.work.attempts.get(attempt_id)
        if attempt is not None and self._crew.unowned.get(attempt.campaign.id, {}).pop(attempt_id, 0) is None:
            self._crew.did(attempt, attempt.take_back(self._crew.now_ms, is_tried_later=True))

    def take(self, campaign_id: CampaignId, agent_id: AgentId) -> AttemptRun | None:
        """The oldest of a campaign's, for an agent who is there for it now; None: there is none."""
        for attempt in self._ringing(campaign_id):
            if attempt.opened.agent_id in (None, agent_id):
                del self._crew.unowned[campaign_id][attempt.id]
                return attempt
        return None

    def count(self, campaign_id: CampaignId) -> int:
        """How many of a campaign's there are."""
        return sum(1 for _ in self._ringing(campaign_id))

    def _ringing(self, campaign_id: CampaignId) -> Iterator[AttemptRun]:
        """Those that still ring; the others are struck off."""
        noted = self._crew.unowned.get(campaign_id, {})
        for attempt_id in list(noted):
            attempt = self._crew.work.attempts.get(attempt_id)
            if attempt is not None and attempt.state is AttemptState.DIALING:
                yield attempt
            else:
                del noted[attempt_id]
