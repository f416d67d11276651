"""How far a campaign is, read from its running counts: never by counting contacts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from app.outcomes import ContactStatus, Outcome
from app.store.schema import tallies
from app.units import CampaignId

_KINDS = ("attempts", "disposition", "outcome", "status", "total")
_OPEN = (ContactStatus.PENDING, ContactStatus.IN_PROGRESS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A campaign's counts. Empty kinds are left out of the mappings.

    total: contacts. attempts: opened so far. statuses: contacts by status, together the total. outcomes: of closed
    attempts, and of contacts settled without a call (do-not-call, invalid number). dispositions: of conversations, by
    code.
    """

    total: int = 0
    attempts: int = 0
    statuses: Mapping[ContactStatus, int] = field(default_factory=dict)
    outcomes: Mapping[Outcome, int] = field(default_factory=dict)
    dispositions: Mapping[str, int] = field(default_factory=dict)

    @property
    def waiting(self) -> int:
        """Contacts in the waiting line, due or not yet."""
        return self.statuses.get(ContactStatus.PENDING, 0)

    @property
    def live(self) -> int:
        """Contacts with an open attempt."""
        return self.statuses.get(ContactStatus.IN_PROGRESS, 0)

    @property
    def settled(self) -> int:
        """Contacts that need no more calls."""
        return self.total - sum(self.statuses.get(status, 0) for status in _OPEN)


def get_progress(conn: Connection, campaign_id: CampaignId) -> Progress:
    """A campaign's counts; all zero for one without contacts."""
    return progress_of(conn, campaign_id).get(campaign_id, Progress())


def progress_of(conn: Connection, *campaign_ids: CampaignId) -> dict[CampaignId, Progress]:
    """The counts of these campaigns, or of all when none is named."""
    found = select(tallies).where(tallies.c.kind.in_(_KINDS), tallies.c.count != 0)
    if campaign_ids:
        found = found.where(tallies.c.campaign_id.in_(campaign_ids))
    counts: defaultdict[CampaignId, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for row in conn.execute(found):
        counts[CampaignId(row.campaign_id)][row.kind][row.key] = row._mapping["count"]
    return {campaign_id: _progress(kinds) for campaign_id, kinds in counts.items()}


def _progress(kinds: Mapping[str, Mapping[str, int]]) -> Progress:
    return Progress(
        total=kinds["total"].get("", 0),
        attempts=kinds["attempts"].get("", 0),
        statuses={ContactStatus(key): count for key, count in kinds["status"].items()},
        outcomes={Outcome(int(key)): count for key, count in sorted(kinds["outcome"].items(), key=lambda k: int(k[0]))},
        dispositions=dict(sorted(kinds["disposition"].items())),
    )
