"""Call strategies, and which of a contact's phones is called next."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "strategies",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_strategies"),
        sa.UniqueConstraint("name", "version", name="uq_strategies_name_version"),
    )
    op.add_column("campaigns", sa.Column("strategy", sa.String(length=64), nullable=True))
    op.add_column("campaign_contacts", sa.Column("phone", sa.SmallInteger(), server_default="1", nullable=False))


def downgrade() -> None:
    op.drop_column("campaign_contacts", "phone")
    op.drop_column("campaigns", "strategy")
    op.drop_table("strategies")
