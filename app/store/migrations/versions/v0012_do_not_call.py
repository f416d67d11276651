"""Do-not-call by project, campaign, prefix and person; national lists; projects; numbers that are ours to show."""

from __future__ import annotations

import time
from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DNC_COLUMNS = "number, source, attempt_id, created_at_ms"


def upgrade() -> None:
    _create_projects()
    _widen_dnc()
    _create_national()
    _create_caller_ids()
    _own_what_is_shown()


def downgrade() -> None:
    op.drop_column("attempts", "caller_id")
    for table in ("caller_id_hours", "caller_ids", "campaign_national_lists"):
        op.drop_table(table)
    for table in ("national_numbers", "national_editions", "national_lists", "dnc_people"):
        op.drop_table(table)
    op.execute(
        f"CREATE TABLE dnc_kept AS SELECT {DNC_COLUMNS} FROM dnc "
        "WHERE project_id = 0 AND campaign_id = 0 AND number NOT LIKE '%*'"
    )
    op.drop_table("dnc")
    op.create_table(
        "dnc",
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("attempt_id", sa.String(length=40), nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_dnc"),
    )
    op.execute(f"INSERT INTO dnc ({DNC_COLUMNS}) SELECT {DNC_COLUMNS} FROM dnc_kept")
    op.drop_table("dnc_kept")
    op.drop_column("campaigns", "project_id")
    op.drop_table("projects")


def _create_projects() -> None:
    op.create_table(
        "projects",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_projects"),
        sa.UniqueConstraint("name", name="uq_projects_name"),
    )
    op.execute("INSERT INTO projects (name, created_at_ms) VALUES ('Default', 0)")
    op.add_column("campaigns", sa.Column("project_id", sa.BigInteger(), server_default=sa.text("1"), nullable=False))


def _of_whom() -> list[sa.Column[object]]:
    return [
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("who", sa.String(length=64), server_default="", nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("attempt_id", sa.String(length=40), nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
    ]


def _for_whom() -> list[sa.Column[object]]:
    return [
        sa.Column("project_id", sa.BigInteger(), server_default=sa.text("0"), autoincrement=False, nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), server_default=sa.text("0"), autoincrement=False, nullable=False),
    ]


def _widen_dnc() -> None:
    """Copied twice: a table of a name it has had keeps the names of its keys."""
    op.execute(f"CREATE TABLE dnc_kept AS SELECT {DNC_COLUMNS} FROM dnc")
    op.drop_table("dnc")
    op.create_table(
        "dnc",
        sa.Column("number", sa.String(length=16), nullable=False),
        *_for_whom(),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        *_of_whom(),
        sa.PrimaryKeyConstraint("number", "project_id", "campaign_id", name="pk_dnc"),
        sqlite_with_rowid=False,
    )
    op.execute(f"INSERT INTO dnc ({DNC_COLUMNS}) SELECT {DNC_COLUMNS} FROM dnc_kept ORDER BY number")
    op.drop_table("dnc_kept")
    op.create_table(
        "dnc_people",
        sa.Column("contact_id", Id, nullable=False),
        *_for_whom(),
        *_of_whom(),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name="fk_dnc_people_contact_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("contact_id", "project_id", "campaign_id", name="pk_dnc_people"),
        sqlite_with_rowid=False,
    )
    for table, columns in (("dnc", ("contact_id", "attempt_id")), ("dnc_people", ("attempt_id",))):
        for column in columns:
            _some_of(table, column)


def _some_of(table: str, column: str) -> None:
    condition = sa.text(f"{column} IS NOT NULL")
    name = f"ix_{table}_{column}"
    op.create_index(name, table, [column], sqlite_where=condition, postgresql_where=condition)


def _create_national() -> None:
    op.create_table(
        "national_lists",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("edition_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_national_lists"),
        sa.UniqueConstraint("name", name="uq_national_lists_name"),
    )
    of_list = sa.ForeignKeyConstraint(
        ["national_list_id"], ["national_lists.id"], name="fk_national_editions_national_list_id", ondelete="CASCADE"
    )
    op.create_table(
        "national_editions",
        sa.Column("id", Id, nullable=False),
        sa.Column("national_list_id", Id, nullable=False),
        sa.Column("as_of_ms", sa.BigInteger(), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("numbers", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("rejected", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("who", sa.String(length=64), server_default="", nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("started_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("finished_at_ms", sa.BigInteger(), nullable=True),
        of_list,
        sa.PrimaryKeyConstraint("id", name="pk_national_editions"),
    )
    op.create_index("ix_national_editions_national_list_id", "national_editions", ["national_list_id"])
    op.create_table(
        "national_numbers",
        sa.Column("key", Id, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_national_numbers"),
    )
    op.create_table(
        "campaign_national_lists",
        sa.Column("campaign_id", Id, nullable=False),
        sa.Column("national_list_id", Id, nullable=False),
        sa.Column("max_age_days", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name="fk_campaign_national_lists_campaign_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["national_list_id"], ["national_lists.id"], name="fk_campaign_national_lists_national_list_id"
        ),
        sa.PrimaryKeyConstraint("campaign_id", "national_list_id", name="pk_campaign_national_lists"),
    )


def _create_caller_ids() -> None:
    op.create_table(
        "caller_ids",
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("label", sa.String(length=64), server_default="", nullable=False),
        sa.Column("trunks", sa.JSON(), nullable=False),
        sa.Column("areas", sa.JSON(), nullable=False),
        sa.Column("per_hour", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("per_day", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("rest_after", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("rest_ms", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("is_resting", sa.Boolean(), server_default=sa.text("FALSE"), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_caller_ids"),
    )
    op.create_table(
        "caller_id_hours",
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("placed", sa.Integer(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", "hour", name="pk_caller_id_hours"),
        sqlite_with_rowid=False,
    )
    op.add_column("attempts", sa.Column("caller_id", sa.String(length=16), nullable=True))


def _own_what_is_shown() -> None:
    """What trunks and campaigns show already was the admin's to show: nobody's calls stop for this."""
    conn = op.get_bind()
    trunks = sa.table("trunks", sa.column("caller_id", sa.String()))
    campaigns = sa.table("campaigns", sa.column("settings", sa.JSON()))
    shown = {number for number in conn.execute(sa.select(trunks.c.caller_id)).scalars() if number}
    kept: Iterable[dict[str, object]] = conn.execute(sa.select(campaigns.c.settings)).scalars()
    shown |= {str(settings["caller_id"]) for settings in kept if settings.get("caller_id")}
    caller_ids = sa.table(
        "caller_ids",
        *(sa.column(name) for name in ("number", "created_at_ms")),
        *(sa.column(name, sa.JSON()) for name in ("trunks", "areas")),
    )
    now_ms = time.time_ns() // 1_000_000
    rows = [{"number": number, "trunks": [], "areas": [], "created_at_ms": now_ms} for number in sorted(shown)]
    if rows:
        conn.execute(sa.insert(caller_ids), rows)
