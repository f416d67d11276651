"""Results in an order that can be read on from, webhooks, and what they are to be told yet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NUMBERED = """
UPDATE attempts SET result_no = numbered.place
FROM (
    SELECT id AS closed_id, ROW_NUMBER() OVER (ORDER BY closed_at_ms, id) AS place
    FROM attempts WHERE closed_at_ms IS NOT NULL
) AS numbered
WHERE attempts.id = numbered.closed_id
"""


def upgrade() -> None:
    op.add_column("attempts", sa.Column("result_no", sa.BigInteger(), nullable=True))
    op.execute(NUMBERED)
    if op.get_context().dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE result_numbers")
        op.execute("SELECT setval('result_numbers', (SELECT COALESCE(MAX(result_no), 0) + 1 FROM attempts))")
    _index("ix_attempts_result_no", "attempts", ["result_no"], "result_no IS NOT NULL")
    op.create_table(
        "webhooks",
        sa.Column("id", Id, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.String(64), nullable=False),
        sa.Column("kinds", sa.JSON(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("delivered", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("delivered_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failing_since_ms", sa.BigInteger(), nullable=True),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
    )
    op.create_table(
        "webhook_outbox",
        sa.Column("id", Id, nullable=False),
        sa.Column("webhook_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("queued_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("next_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_outbox"),
    )
    waiting = ["webhook_id", "next_at_ms", "id"]
    _index("ix_webhook_outbox_waiting", "webhook_outbox", waiting, "next_at_ms IS NOT NULL")
    _index("ix_webhook_outbox_dead", "webhook_outbox", ["webhook_id", "id"], "next_at_ms IS NULL")


def downgrade() -> None:
    op.drop_table("webhook_outbox")
    op.drop_table("webhooks")
    op.drop_index("ix_attempts_result_no", "attempts")
    op.drop_column("attempts", "result_no")
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP SEQUENCE result_numbers")


def _index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
