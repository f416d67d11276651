"""Imports can be undone, and remember which columns they had."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contacts", sa.Column("import_id", sa.BigInteger(), nullable=True))
    op.add_column("imports", sa.Column("header", sa.String(64), nullable=False, server_default=""))
    op.add_column("imports", sa.Column("undone_at_ms", sa.BigInteger(), nullable=True))
    op.create_index("ix_imports_header", "imports", ["header", "id"])


def downgrade() -> None:
    op.drop_index("ix_imports_header", table_name="imports")
    op.drop_column("imports", "undone_at_ms")
    op.drop_column("imports", "header")
    op.drop_column("contacts", "import_id")
