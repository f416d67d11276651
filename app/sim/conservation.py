"""What must add up in a database after a run, whatever happened: counts of contacts against their attempts."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, select

from app.store.schema import attempts, campaign_contacts
from app.units import CampaignId, ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A contact in a campaign. attempts: as its row counts them; charged: of its attempts."""

    campaign_id: CampaignId
    contact_id: ContactId
    status: str
    attempts: int
    charged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Every contact that has a place."""

    places: tuple[Place, ...]


def books(conn: Connection) -> Books:
    """Read both sides of the books."""
    of, tried = campaign_contacts.c, attempts.c
    mine = and_(tried.contact_id == of.contact_id, tried.campaign_id == of.campaign_id, tried.is_charged.is_(True))
    charged = select(func.count()).select_from(attempts).where(mine).scalar_subquery()
    rows = select(of.campaign_id, of.contact_id, of.status, of.attempts, charged.label("charged"))
    return Books(
        places=tuple(
            Place(
                campaign_id=CampaignId(row.campaign_id),
                contact_id=ContactId(row.contact_id),
                status=row.status,
                attempts=row.attempts,
                charged=row.charged,
            )
            for row in conn.execute(rows)
        )
    )
