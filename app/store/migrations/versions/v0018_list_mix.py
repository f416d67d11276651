"""Campaigns take their lists by weight, in order, or not at all for now: the waiting line is one for each list."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_WAITING = sa.text("status = 'pending' AND owner_id IS NULL AND callback_at_ms IS NULL")
_NAME = "ix_campaign_contacts_waiting"


def upgrade() -> None:
    for name in ("weight", "priority"):
        op.add_column("campaign_lists", sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False))
    for name in ("is_active", "is_whole"):
        op.add_column("campaign_lists", sa.Column(name, sa.Boolean(), server_default=sa.text("TRUE"), nullable=False))
    op.add_column(
        "campaign_contacts", sa.Column("list_id", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.execute("UPDATE campaign_contacts SET list_id = (SELECT list_id FROM contacts WHERE contacts.id = contact_id)")
    _lead(["campaign_id", "list_id", "due_at_ms", "contact_id"])


def downgrade() -> None:
    _lead(["campaign_id", "due_at_ms", "contact_id"])
    op.drop_column("campaign_contacts", "list_id")
    for name in ("weight", "priority", "is_active", "is_whole"):
        op.drop_column("campaign_lists", name)


def _lead(columns: list[str]) -> None:
    op.drop_index(_NAME, table_name="campaign_contacts")
    op.create_index(_NAME, "campaign_contacts", columns, sqlite_where=_WAITING, postgresql_where=_WAITING)
