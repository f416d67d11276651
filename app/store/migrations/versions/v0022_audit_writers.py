"""An entry of the audit trail has no hash by default: a program of before the chain is refused, and breaks nothing.

What such a program wrote after the chain was begun has no hash: it is taken as it is, as the entries of before were.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

PAGE: Final = 1_000
AUDIT: Final = sa.table(
    "audit",
    sa.column("id", sa.BigInteger()),
    sa.column("at_ms", sa.BigInteger()),
    sa.column("details", sa.JSON()),
    *(sa.column(name, sa.String()) for name in ("who", "what", "subject", "hash")),
)


def upgrade() -> None:
    _chain_the_last_ones()
    with op.batch_alter_table("audit") as batch:
        batch.alter_column("hash", server_default=None, existing_type=sa.String(length=64), existing_nullable=False)


def _chain_the_last_ones() -> None:
    """Those without a hash at the end; one in the middle is left, and told by the check, as somebody put it there."""
    conn = op.get_bind()
    hashed = sa.select(sa.func.max(AUDIT.c.id)).where(AUDIT.c.hash != "")
    last_id = conn.execute(hashed).scalar() or 0
    entries, previous = conn.execute(sa.text("SELECT entries, hash FROM audit_head")).one()
    write = sa.update(AUDIT).where(AUDIT.c.id == sa.bindparam("of_id")).values(hash=sa.bindparam("to_hash"))
    while rows := conn.execute(sa.select(AUDIT).where(AUDIT.c.id > last_id).order_by(AUDIT.c.id).limit(PAGE)).all():
        hashes = []
        for row in rows:
            previous = _hash(previous, row)
            hashes.append({"of_id": row.id, "to_hash": previous})
        conn.execute(write, hashes)
        entries, last_id = entries + len(rows), rows[-1].id
    head = sa.text("UPDATE audit_head SET entries = :entries, hash = :hash")
    conn.execute(head, {"entries": entries, "hash": previous})


def _hash(previous: str, row: sa.Row[Any]) -> str:
    """As app.store.audit_chain has it; a copy, because a migration must mean the same for ever."""
    content = [previous, row.at_ms, row.who, row.what, row.subject, row.details]
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def downgrade() -> None:
    with op.batch_alter_table("audit") as batch:
        batch.alter_column("hash", server_default="", existing_type=sa.String(length=64), existing_nullable=False)
