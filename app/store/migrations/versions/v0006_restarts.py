"""What a restart in the midst of a call must not lose: what its agent goes on to, and which recording runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("agent_sessions", sa.Column("pause_next", sa.JSON(), nullable=True))
    op.add_column(
        "agent_sessions", sa.Column("signs_out_next", sa.Boolean(), server_default=sa.text("FALSE"), nullable=False)
    )
    op.add_column("attempts", sa.Column("recording", sa.String(length=64), nullable=True))


def downgrade() -> None:
    op.drop_column("attempts", "recording")
    op.drop_column("agent_sessions", "signs_out_next")
    op.drop_column("agent_sessions", "pause_next")
