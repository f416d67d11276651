"""Something to write when the database refused, to see whether it takes writes again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("duty", sa.Column("scratch", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("duty", "scratch")
