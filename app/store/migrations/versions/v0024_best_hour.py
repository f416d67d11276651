"""Contacts that are called again at the hour they answer best at: why, with their place in the campaign."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("campaign_contacts", sa.Column("timing", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("campaign_contacts", "timing")
