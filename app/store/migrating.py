"""Migrations: bring a database's tables to this version of the program, or back.

Each runs inside one transaction, on SQLite too: a migration that fails leaves the tables as they were.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text

from app.store.engines import database_url
from app.store.errors import StoreError
from app.store.lanes import writing_lane

_MIGRATIONS: Final = Path(__file__).with_name("migrations")
_one_at_a_time: Final = threading.Lock()  # Alembic keeps the migration under way in a global
_LOCK: Final = 0x6F757472  # any number of our own: programs that start together migrate one after another


def alembic_config(conn: Connection | None = None) -> Config:
    """Alembic's configuration without its ini file; `conn` is what the migrations run on."""
    config = Config(attributes={"connection": conn})
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


def newest_version() -> str:
    """The version this program's tables have."""
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    assert head is not None
    return head


def version(conn: Connection) -> str | None:
    """The version a database's tables have; None when it has none of ours."""
    return MigrationContext.configure(conn).get_current_revision()


def upgrade(conn: Connection, target: str = "head") -> None:
    """Migrate upwards within the transaction of `conn`. Raises StoreError for tables newer than the program."""
    _take_turn(conn)
    try:
        with _one_at_a_time:
            command.upgrade(alembic_config(conn), target)
    except CommandError as error:
        raise StoreError(
            f"the tables are of version {version(conn)}, which this program does not know (its newest is "
            f"{newest_version()}); run the program that wrote them, or a newer one"
        ) from error


def downgrade(conn: Connection, target: str) -> None:
    """Migrate downwards within the transaction of `conn`; `base` removes every table."""
    with _one_at_a_time:
        command.downgrade(alembic_config(conn), target)


async def migrate(url: str, target: str = "head") -> tuple[str | None, str]:
    """Bring the database at `url` to this version; answers the versions before and after.

    Raises StoreError when it cannot be reached, refuses, or is of a newer version than the program.
    """

    def run(conn: Connection) -> tuple[str | None, str]:
        _take_turn(conn)
        before = version(conn)
        upgrade(conn, target)
        return before, version(conn) or ""

    lane = writing_lane(database_url(url))
    try:
        return await lane.run(run)
    finally:
        await lane.close()


def _take_turn(conn: Connection) -> None:
    """Wait until no other program migrates this database; on SQLite the transaction has waited already."""
    if conn.dialect.name == "postgresql":
        conn.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
