"""Running counts of a campaign, gathered through a transaction and written once at its end.

Kinds: `status` (contacts by ContactStatus), `outcome` (by its number: of each closed attempt, and of each contact that
was settled without a call), `attempts` (opened), `total` (contacts), `disposition` (of conversations, by its code),
`turn` (of time zones that passed, by their pool: app.store.mixing), `heard` and `answered` (calls by the hour of the
callee's clock and the kind of phone: app.store.timing) and `hour` (closed attempts by hour and outcome, see
`hour_key`: any window of whole hours is read without counting).
"""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Connection

from app.model import AttemptResult
from app.outcomes import ContactStatus, Outcome
from app.store.sql import execute, to_json
from app.units import HOUR_MS, CampaignId, ContactId


def hour_key(at_ms: int, outcome: Outcome | None = None) -> str:
    """The key of an hour since the epoch and an outcome, `0500012.16`; without one, its beginning."""
    hour = f"{at_ms // HOUR_MS:07}"
    return hour if outcome is None else f"{hour}.{int(outcome)}"


class TallyBook:
    """What is to be added to the running counts at the end of this transaction."""

    __slots__ = ("_changes", "settled")

    def __init__(self) -> None:
        self.settled: list[tuple[CampaignId, ContactId, str]] = []
        """Who came to an end in this transaction, and as what: for those who want to be told."""
        self._changes: Counter[tuple[CampaignId, str, str]] = Counter()

    def moved(self, campaign_id: CampaignId, before: ContactStatus, after: str, count: int = 1) -> None:
        """Contacts went from one status to another."""
        self._changes[campaign_id, "status", before.value] -= count
        self._changes[campaign_id, "status", after] += count

    def changed(self, campaign_id: CampaignId, kind: str, before: str, after: str) -> None:
        """What was counted under one key counts under another."""
        self._changes[campaign_id, kind, before] -= 1
        self._changes[campaign_id, kind, after] += 1

    def joined(self, campaign_id: CampaignId, status: ContactStatus, count: int) -> None:
        """Contacts were attached to the campaign."""
        self._changes[campaign_id, "status", status.value] += count
        self._changes[campaign_id, "total", ""] += count

    def opened(self, campaign_id: CampaignId, count: int) -> None:
        """Attempts were opened."""
        self._changes[campaign_id, "attempts", ""] += count

    def turned(self, campaign_id: CampaignId, pool: int, turns: int) -> None:
        """So many time zones had their turn."""
        self._changes[campaign_id, "turn", str(pool)] += turns

    def heard(self, campaign_id: CampaignId, kind: str, hour: int, *, is_answered: bool) -> None:
        """A phone of a kind was called at an hour of the callee's clock."""
        self._changes[campaign_id, "heard", f"{hour:02}.{kind}"] += 1
        self._changes[campaign_id, "answered", f"{hour:02}.{kind}"] += is_answered

    def ended(self, campaign_id: CampaignId, outcome: Outcome, count: int = 1) -> None:
        """Attempts, or contacts settled without one, came to an outcome."""
        self._changes[campaign_id, "outcome", str(int(outcome))] += count

    def closed(self, result: AttemptResult, now_ms: int) -> None:
        """An attempt came to its end."""
        self.ended(result.campaign_id, result.outcome)
        self._changes[result.campaign_id, "hour", hour_key(now_ms, result.outcome)] += 1
        if result.conversation is not None and result.conversation.agent_id is not None:
            self._changes[result.campaign_id, "disposition", result.conversation.disposition] += 1

    def write(self, conn: Connection) -> None:
        """Add the changes, in one order everywhere, so that two writers never wait for each other in a circle."""
        rows = [[*key, change] for key, change in sorted(self._changes.items()) if change]
        if rows:
            execute(conn, "add_tallies", {"rows_json": to_json(rows)})
        self._changes.clear()
