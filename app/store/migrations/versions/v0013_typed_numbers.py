"""Numbers typed by hand are told from the contacts of lists: the campaign does not dial them by itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contacts", sa.Column("is_typed", sa.Boolean(), server_default=sa.text("FALSE"), nullable=False))
    op.execute(
        "UPDATE contacts SET is_typed = TRUE"
        " WHERE list_id IN (SELECT id FROM lists WHERE name LIKE '% – dialed by hand')"
    )


def downgrade() -> None:
    op.drop_column("contacts", "is_typed")
