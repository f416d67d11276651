"""The law: what it looks at of attempts, why somebody is not called, and the profiles that were used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("campaign_contacts", sa.Column("reason", sa.Text(), nullable=True))
    op.add_column("attempts", sa.Column("about", sa.JSON(), nullable=True))
    op.create_index("ix_attempts_number", "attempts", ["number", "opened_at_ms"])
    op.create_table(
        "compliance_versions",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("first_used_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "sha256"),
    )


def downgrade() -> None:
    op.drop_table("compliance_versions")
    op.drop_index("ix_attempts_number", table_name="attempts")
    op.drop_column("attempts", "about")
    op.drop_column("campaign_contacts", "reason")
