"""Campaigns whose time zones take turns: each zone of a list is a waiting line of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_WAITING = sa.text("status = 'pending' AND owner_id IS NULL AND callback_at_ms IS NULL")
_NAME = "ix_campaign_contacts_waiting"


def upgrade() -> None:
    op.create_table(
        "campaign_zones",
        sa.Column("campaign_id", _Id, nullable=False),
        sa.Column("list_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("zone", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("fk_campaign_zones_campaign_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("campaign_id", "list_id", "zone", name=op.f("pk_campaign_zones")),
        sqlite_with_rowid=False,
    )
    op.add_column(
        "campaign_contacts", sa.Column("zone", sa.SmallInteger(), server_default=sa.text("0"), nullable=False)
    )
    _lead(["campaign_id", "list_id", "zone", "due_at_ms", "contact_id"])


def downgrade() -> None:
    _lead(["campaign_id", "list_id", "due_at_ms", "contact_id"])
    op.drop_column("campaign_contacts", "zone")
    op.drop_table("campaign_zones")


def _lead(columns: list[str]) -> None:
    op.drop_index(_NAME, table_name="campaign_contacts")
    op.create_index(_NAME, "campaign_contacts", columns, sqlite_where=_WAITING, postgresql_where=_WAITING)
