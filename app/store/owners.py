"""Owners: contacts of a campaign that one agent alone is to call."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, update

from app.store.schema import campaign_contacts
from app.units import AgentId, CampaignId, ContactId


def set_owner(
    conn: Connection, campaign_id: CampaignId, contact_ids: Sequence[ContactId], agent_id: AgentId | None
) -> int:
    """Give contacts of a campaign to one agent, who alone is to call them (None: to everybody); answers how many."""
    owned = update(campaign_contacts).where(
        campaign_contacts.c.campaign_id == campaign_id, campaign_contacts.c.contact_id.in_(contact_ids)
    )
    return conn.execute(owned.values(owner_id=agent_id)).rowcount
