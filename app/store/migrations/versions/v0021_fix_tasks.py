"""Numbers to be mended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = "done_at_ms IS NULL"


def upgrade() -> None:
    op.create_table(
        "fix_tasks",
        sa.Column("id", Id, nullable=False),
        sa.Column("contact_id", Id, nullable=False),
        sa.Column("campaign_id", Id, nullable=False),
        sa.Column("attempt_id", sa.String(40), nullable=False),
        sa.Column("number", sa.String(16), nullable=False),
        sa.Column("outcome", sa.Integer(), nullable=False),
        sa.Column("disposition", sa.String(32), server_default="", nullable=False),
        sa.Column("who", sa.String(64), server_default="", nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("done_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("done_by", sa.String(64), server_default="", nullable=False),
        sa.Column("done", sa.String(16), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_fix_tasks"),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name="fk_fix_tasks_contact_id_contacts", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name="fk_fix_tasks_campaign_id_campaigns", ondelete="CASCADE"
        ),
    )
    where = sa.text(OPEN)
    columns = ["contact_id", "number"]
    op.create_index("uq_fix_tasks_open", "fix_tasks", columns, unique=True, sqlite_where=where, postgresql_where=where)
    op.create_index("ix_fix_tasks_attempt_id", "fix_tasks", ["attempt_id"])


def downgrade() -> None:
    op.drop_table("fix_tasks")
