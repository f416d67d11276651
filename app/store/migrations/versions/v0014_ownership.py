"""Whose contacts are: groups of agents, who added a contact, and whose owner did not come in time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_OWNED = sa.text("status = 'pending' AND owner_id IS NOT NULL AND callback_at_ms IS NULL")


def upgrade() -> None:
    op.create_table(
        "agent_groups",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_agent_groups"),
        sa.UniqueConstraint("name", name="uq_agent_groups_name"),
    )
    op.create_table(
        "agent_group_members",
        sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["agent_groups.id"], name="fk_agent_group_members_group_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["users.id"], name="fk_agent_group_members_agent_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("group_id", "agent_id", name="pk_agent_group_members"),
    )
    op.create_index("ix_agent_group_members_agent_id", "agent_group_members", ["agent_id"])
    op.add_column("campaigns", sa.Column("owners_after", sa.BigInteger()))
    op.add_column("contacts", sa.Column("creator", sa.String(length=64), server_default="", nullable=False))
    op.create_index(
        "ix_campaign_contacts_escalating",
        "campaign_contacts",
        ["campaign_id", "due_at_ms", "contact_id"],
        sqlite_where=_OWNED,
        postgresql_where=_OWNED,
    )


def downgrade() -> None:
    op.drop_index("ix_campaign_contacts_escalating", table_name="campaign_contacts")
    op.drop_column("contacts", "creator")
    op.drop_column("campaigns", "owners_after")
    op.drop_table("agent_group_members")
    op.drop_table("agent_groups")
