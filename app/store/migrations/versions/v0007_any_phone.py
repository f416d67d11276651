"""Contacts are found by any of their phones, not by the first alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_PLACES = (2, 3, 4, 5)


def upgrade() -> None:
    for place in _PLACES:
        condition = sa.text(f"phone{place} <> ''")
        op.create_index(
            f"ix_contacts_phone{place}",
            "contacts",
            [f"phone{place}"],
            sqlite_where=condition,
            postgresql_where=condition,
        )


def downgrade() -> None:
    for place in _PLACES:
        op.drop_index(f"ix_contacts_phone{place}", table_name="contacts")
