"""Contacts: kinds of phones, e-mail, region, priority, owner, consent, channels; taken out but kept; column types."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TEXTS = {"email": 254, "region": 16, "owner": 64, "consent": 16, "channels": 32, "phone_kinds": 48}


def upgrade() -> None:
    for name, length in _TEXTS.items():
        op.add_column("contacts", sa.Column(name, sa.String(length), nullable=False, server_default=""))
    op.add_column("contacts", sa.Column("priority", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column("contacts", sa.Column("deleted_at_ms", sa.BigInteger(), nullable=True))
    op.add_column("lists", sa.Column("column_types", sa.JSON(), nullable=False, server_default="{}"))


def downgrade() -> None:
    # What was taken out has no place in older tables: its attempts would be dialed on.
    op.execute("DELETE FROM contacts WHERE deleted_at_ms IS NOT NULL")
    op.drop_column("lists", "column_types")
    for name in ("deleted_at_ms", "priority", *reversed(_TEXTS)):
        op.drop_column("contacts", name)
