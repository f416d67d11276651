"""Migrations: bring a database's tables to this version of the program, or back.

Each runs inside one transaction, on SQLite too: a migration that fails leaves the tables as they were.
"""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, inspect, text

from app.store.duty import DutyEntry, look_at_duty
from app.store.engines import database_url
from app.store.errors import StoreError
from app.store.lanes import writing_lane

_MIGRATIONS: Final = Path(__file__).with_name("migrations")
_one_at_a_time: Final = threading.Lock()  # Alembic keeps the migration under way in a global
_LOCK: Final = 0x6F757472  # any number of our own: programs that start together migrate one after another
_LOOKS_AGAIN_S: Final = 0.2


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


def _versions() -> set[str]:
    """All that this program's tables had."""
    return {one.revision for one in ScriptDirectory.from_config(alembic_config()).walk_revisions()}


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

    Tables are not changed under a dialer on duty, which would not know them any more: one that is killed is waited for
    until its lease is over, one that renews it is not.
    Raises StoreError when the database cannot be reached, refuses, is of a newer version than the program, or has
    other tables and a dialer on duty.
    """

    def run(conn: Connection) -> tuple[str | None, str] | DutyEntry:
        _take_turn(conn)
        before = version(conn)
        if (entry := _in_the_way(conn, before)) is not None:
            return entry
        upgrade(conn, target)
        return before, version(conn) or ""

    lane = writing_lane(database_url(url))
    try:
        seen: DutyEntry | None = None
        while isinstance(done := await lane.run(run), DutyEntry):
            if seen is not None and (done.epoch, done.renewed_at_ms) != (seen.epoch, seen.renewed_at_ms):
                raise StoreError(
                    f"the tables are of an older version than this program, and {done.place} is on duty on them: stop "
                    "it first (systemctl stop outring), then start this one, which brings the tables up to date; calls "
                    "that are up go on meanwhile"
                )
            seen = done
            await asyncio.sleep(_LOOKS_AGAIN_S)
        return done
    finally:
        await lane.close()


def _in_the_way(conn: Connection, before: str | None) -> DutyEntry | None:
    """Who is on duty on tables that are to be changed; nobody takes or renews duty until the transaction is over.

    Tables of a version that is not known are not to be changed: that is refused whoever is on duty.
    """
    if before in (None, newest_version()) or before not in _versions() or not inspect(conn).has_table("duty"):
        return None
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT 1 FROM duty FOR UPDATE"))
    entry = look_at_duty(conn)
    return entry if entry is not None and entry.is_held else None


def _take_turn(conn: Connection) -> None:
    """Wait until no other program migrates this database; on SQLite the transaction has waited already."""
    if conn.dialect.name == "postgresql":
        conn.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
