"""Backups of the whole database into one file, taken while calls go on, and put back.

`back_up(url, file)` and `restore(url, file)` do it for either database; `examine(file)` says what a backup is, and
whether it is whole. SQLite is copied page by page from one moment's view of it; PostgreSQL by its own programs.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from app.store.backups import postgres, sqlite
from app.store.backups.contents import Contents, Kind, Restored, kind_of
from app.store.engines import database_url, is_in_memory
from app.store.errors import StoreError
from app.store.migrating import migrate

__all__ = ["Contents", "Kind", "Restored", "back_up", "examine", "restore"]


async def back_up(url: str, target: Path, *, may_overwrite: bool = False) -> Contents:
    """Write all there is into `target`, which is whole and looked through when this returns, or not there at all.

    Raises StoreError when the database cannot be read, a program is missing, or `target` exists; OSError for
    its folder.
    """
    parsed = database_url(url)
    if is_in_memory(parsed):
        raise StoreError("a database in memory is gone with its program; there is nothing to back up")
    if target.exists() and not may_overwrite:
        raise StoreError(f"{target} exists; choose another name, or write over it with --force")
    write = sqlite.copy if parsed.get_backend_name() == "sqlite" else postgres.dump
    with _unfinished(target) as part:
        await asyncio.to_thread(write, parsed, part)
        return await asyncio.to_thread(examine, part)


def examine(source: Path) -> Contents:
    """What a backup holds, read from its first byte to its last. Raises StoreError when it is none, or is damaged."""
    match kind_of(source):
        case Kind.SQLITE:
            return sqlite.examine(source)
        case Kind.POSTGRESQL:
            return postgres.examine(source)


async def restore(url: str, source: Path, *, may_overwrite: bool = False) -> Restored:
    """Put a backup in the place of the database, brought to this version of the tables.

    What was there is kept beside it. Raises StoreError, with everything as it was, when the backup is damaged, of the
    other kind of database or of a newer version, while another program has the database open, and where there is
    something already, unless `may_overwrite`.
    """
    parsed = database_url(url)
    contents = await asyncio.to_thread(examine, source)
    if contents.kind.value != parsed.get_backend_name():
        raise StoreError(
            f"{source} is a backup of {contents.kind.words}, and OUTRING_DATABASE_URL names "
            f"{Kind(parsed.get_backend_name()).words}: a backup goes back into the kind of database it came from"
        )
    stamp = datetime.now(tz=UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    put_back = sqlite.put_back if contents.kind is Kind.SQLITE else postgres.put_back
    kept = await asyncio.to_thread(put_back, parsed, source, stamp, may_overwrite=may_overwrite)
    _, version = await migrate(url)
    return Restored(contents=contents, version=version, kept=kept)


@contextmanager
def _unfinished(target: Path) -> Iterator[Path]:
    """A file beside `target` for nobody else's eyes, which takes its name when all went well."""
    part = target.with_name(f".{target.name}.{os.getpid()}.{time.monotonic_ns()}.part")
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield part
        sqlite.flush(part)
        part.replace(target)
        sqlite.flush(target.parent)
    finally:
        part.unlink(missing_ok=True)
