"""The floor: agents' sessions and time, phones, pause reasons, who serves a campaign; callbacks, notes and audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MINUTE_MS = 60_000
PAUSE_REASONS = (
    ("break", "Break", True, 15 * MINUTE_MS),
    ("lunch", "Lunch", False, 60 * MINUTE_MS),
    ("training", "Training", True, 0),
    ("meeting", "Meeting", True, 0),
    ("back-office", "Back office", True, 0),
)
ATTEMPT_COLUMNS = (
    ("agent_id", sa.BigInteger()),
    ("session_id", sa.String(length=40)),
    ("connected_at_ms", sa.BigInteger()),
    ("waited_ms", sa.BigInteger()),
    ("talk_ms", sa.BigInteger()),
    ("hold_ms", sa.BigInteger()),
    ("wrap_up_ms", sa.BigInteger()),
    ("disposition", sa.String(length=32)),
    ("note", sa.Text()),
    ("recordings", sa.JSON()),
    ("transfers", sa.JSON()),
    ("queue_member", sa.String(length=80)),
)
LINE_COLUMNS = (
    ("owner_id", sa.BigInteger()),
    ("callback_at_ms", sa.BigInteger()),
    ("callback_until_ms", sa.BigInteger()),
    ("callback_agent_id", sa.BigInteger()),
)


def upgrade() -> None:
    op.add_column("users", sa.Column("skill", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("users", sa.Column("language", sa.String(length=16), server_default="", nullable=False))
    for name, kind in ATTEMPT_COLUMNS:
        op.add_column("attempts", sa.Column(name, kind, nullable=True))
    op.add_column("attempts", sa.Column("is_manual", sa.Boolean(), server_default=sa.text("FALSE"), nullable=False))
    _partial("ix_attempts_agent_id", "attempts", ["agent_id", "id"], "agent_id IS NOT NULL")
    _partial("ix_attempts_disposition", "attempts", ["disposition", "id"], "disposition IS NOT NULL")
    _partial("ix_contacts_phone1", "contacts", ["phone1"], "phone1 <> ''")
    for name, kind in LINE_COLUMNS:
        op.add_column("campaign_contacts", sa.Column(name, kind, nullable=True))
    op.drop_index("ix_campaign_contacts_waiting", table_name="campaign_contacts")
    _line("waiting", ["due_at_ms"], "owner_id IS NULL AND callback_at_ms IS NULL")
    _line("owned", ["owner_id", "due_at_ms"], "owner_id IS NOT NULL AND callback_at_ms IS NULL")
    _line("callbacks", ["callback_at_ms"], "callback_at_ms IS NOT NULL")
    _create_floor()
    _create_papers()


def _create_floor() -> None:
    op.create_table(
        "campaign_agents",
        sa.Column("campaign_id", Id, nullable=False),
        sa.Column("agent_id", Id, nullable=False),
        sa.Column("skill", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name="fk_campaign_agents_campaign_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["users.id"], name="fk_campaign_agents_agent_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("campaign_id", "agent_id", name="pk_campaign_agents"),
    )
    op.create_index("ix_campaign_agents_agent_id", "campaign_agents", ["agent_id"], unique=False)
    op.create_table(
        "phones",
        sa.Column("endpoint", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=128), nullable=False),
        sa.Column("agent_id", Id, nullable=True),
        sa.Column("phone_mode", sa.String(length=16), nullable=False),
        sa.Column("has_auto_answer", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["users.id"], name="fk_phones_agent_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("endpoint", name="pk_phones"),
    )
    pause_reasons = op.create_table(
        "pause_reasons",
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("label", sa.String(length=128), nullable=False),
        sa.Column("is_paid", sa.Boolean(), nullable=False),
        sa.Column("limit_ms", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_pause_reasons"),
    )
    names = ("code", "label", "is_paid", "limit_ms", "position")
    op.bulk_insert(
        pause_reasons,
        [dict(zip(names, (*row, position), strict=True)) for position, row in enumerate(PAUSE_REASONS, 1)],
    )
    op.create_table(
        "agent_sessions",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("agent_id", Id, nullable=False),
        sa.Column("endpoint", sa.String(length=64), nullable=False),
        sa.Column("phone_mode", sa.String(length=16), nullable=False),
        sa.Column("has_auto_answer", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("skill", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("campaigns", sa.JSON(), nullable=False),
        sa.Column("signed_in_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("signed_out_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=128), nullable=False),
        sa.Column("is_paid", sa.Boolean(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=True),
        sa.Column("attempt_id", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["users.id"], name="fk_agent_sessions_agent_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_agent_sessions"),
    )
    op.create_index("ix_agent_sessions_agent_id", "agent_sessions", ["agent_id", "signed_in_at_ms"], unique=False)
    for column in ("agent_id", "endpoint"):
        name = f"uq_agent_sessions_open_{column}"
        _partial(name, "agent_sessions", [column], "signed_out_at_ms IS NULL", is_unique=True)
    op.create_table(
        "agent_stints",
        sa.Column("agent_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("from_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("until_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("session_id", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=128), nullable=False),
        sa.Column("is_paid", sa.Boolean(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=True),
        sa.Column("attempt_id", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("agent_id", "from_ms", "until_ms", "state", name="pk_agent_stints"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_agent_stints_from_ms", "agent_stints", ["from_ms"], unique=False)


def _create_papers() -> None:
    op.create_table(
        "contact_notes",
        sa.Column("id", Id, nullable=False),
        sa.Column("contact_id", Id, nullable=False),
        sa.Column("attempt_id", sa.String(length=40), nullable=True),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name="fk_contact_notes_contact_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_contact_notes"),
    )
    op.create_index("ix_contact_notes_contact_id", "contact_notes", ["contact_id", "id"], unique=False)
    op.create_table(
        "audit",
        sa.Column("id", Id, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("what", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_subject", "audit", ["subject", "id"], unique=False)
    op.create_index("ix_audit_who", "audit", ["who", "id"], unique=False)


def _partial(name: str, table: str, columns: list[str], where: str, *, is_unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=is_unique, sqlite_where=condition, postgresql_where=condition)


def _line(name: str, columns: list[str], where: str) -> None:
    place = ["campaign_id", *columns, "contact_id"]
    _partial(f"ix_campaign_contacts_{name}", "campaign_contacts", place, f"status = 'pending' AND {where}")


def downgrade() -> None:
    for table in ("audit", "contact_notes", "agent_stints", "agent_sessions", "pause_reasons", "phones"):
        op.drop_table(table)
    op.drop_table("campaign_agents")
    for line in ("waiting", "owned", "callbacks"):
        op.drop_index(f"ix_campaign_contacts_{line}", table_name="campaign_contacts")
    for name, _kind in LINE_COLUMNS:
        op.drop_column("campaign_contacts", name)
    _partial(
        "ix_campaign_contacts_waiting",
        "campaign_contacts",
        ["campaign_id", "due_at_ms", "contact_id"],
        "status = 'pending'",
    )
    op.drop_index("ix_contacts_phone1", table_name="contacts")
    for column in ("agent_id", "disposition"):
        op.drop_index(f"ix_attempts_{column}", table_name="attempts")
    for name in ("is_manual", *(name for name, _kind in ATTEMPT_COLUMNS)):
        op.drop_column("attempts", name)
    for name in ("skill", "language"):
        op.drop_column("users", name)
