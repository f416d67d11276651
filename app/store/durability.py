"""Whether what PostgreSQL has taken is on disk, as the connections of these settings see it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Durability:
    """PostgreSQL's settings: synchronous_commit, as a role, a database or the server sets it; fsync, the server's."""

    synchronous_commit: str
    fsync: str


def durability(conn: Connection) -> Durability | None:
    """How durable a commit is. None on SQLite: our connections say it (app.store.engines), and nothing else."""
    if conn.dialect.name != "postgresql":
        return None
    row = conn.execute(text("SELECT current_setting('synchronous_commit'), current_setting('fsync')")).one()
    return Durability(synchronous_commit=row[0], fsync=row[1])
