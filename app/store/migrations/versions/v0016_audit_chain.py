"""The audit trail is a chain: each entry holds a hash over the one before it and its own content."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

PAGE: Final = 1_000


def upgrade() -> None:
    op.add_column("audit", sa.Column("hash", sa.String(length=64), server_default="", nullable=False))
    op.create_table(
        "audit_head",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    entries, head = _chain_what_is_there()
    op.get_bind().execute(
        sa.text("INSERT INTO audit_head (id, entries, hash) VALUES (1, :entries, :hash)"),
        {"entries": entries, "hash": head},
    )


def _chain_what_is_there() -> tuple[int, str]:
    """Entries of before are taken as they are: how many there were, and the last one's hash."""
    conn = op.get_bind()
    names = ("who", "what", "subject", "hash")
    audit = sa.table(
        "audit",
        sa.column("id", sa.BigInteger()),
        sa.column("at_ms", sa.BigInteger()),
        sa.column("details", sa.JSON()),
        *(sa.column(name, sa.String()) for name in names),
    )
    write = sa.update(audit).where(audit.c.id == sa.bindparam("of_id")).values(hash=sa.bindparam("to_hash"))
    entries, previous, last_id = 0, "0" * 64, 0
    while rows := conn.execute(sa.select(audit).where(audit.c.id > last_id).order_by(audit.c.id).limit(PAGE)).all():
        hashes = []
        for row in rows:
            previous = _hash(previous, row)
            hashes.append({"of_id": row.id, "to_hash": previous})
        conn.execute(write, hashes)
        entries, last_id = entries + len(rows), rows[-1].id
    return entries, previous


def _hash(previous: str, row: sa.Row[Any]) -> str:
    """As app.store.audit_chain has it; a copy, because a migration must mean the same for ever."""
    content = [previous, row.at_ms, row.who, row.what, row.subject, row.details]
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def downgrade() -> None:
    op.drop_table("audit_head")
    op.drop_column("audit", "hash")
