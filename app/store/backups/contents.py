"""What a backup is, for whoever made it or wants it back."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alembic.script import ScriptDirectory

from app.store.errors import StoreError
from app.store.migrating import alembic_config, newest_version

COUNTED: Final = ("contacts", "attempts", "campaigns", "audit")


class Kind(enum.Enum):
    """Of which database a backup is; the value is SQLAlchemy's name for it."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"

    @property
    def words(self) -> str:
        """As people write it."""
        return "SQLite" if self is Kind.SQLITE else "PostgreSQL"


_BEGINNINGS: Final = {b"SQLite format 3\0": Kind.SQLITE, b"PGDMP": Kind.POSTGRESQL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """A backup. version: of its tables; rows: of the tables that matter most, where they can be counted."""

    kind: Kind
    version: str
    size_bytes: int
    rows: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A backup that is the database now. version: that its tables were brought to; kept: what was there before."""

    contents: Contents
    version: str
    kept: Path | None


def kind_of(source: Path) -> Kind:
    """By a file's first bytes. Raises StoreError for what is no backup, and what cannot be read."""
    try:
        with source.open("rb") as file:
            begins = file.read(16)
    except OSError as error:
        raise StoreError(f"{source}: {error.strerror}") from error
    for beginning, kind in _BEGINNINGS.items():
        if begins.startswith(beginning):
            return kind
    raise StoreError(f"{source} is no backup of Outring's: neither a SQLite file nor one of pg_dump")


def check_version(source: Path, version: str) -> str:
    """The version of a backup's tables, when this program can bring them up. Raises StoreError."""
    known = {script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()}
    if version not in known:
        raise StoreError(
            f"{source} has tables of version {version or 'none'}, which this program does not know (its newest is "
            f"{newest_version()}); restore it with the program that wrote it, or a newer one"
        )
    return version
