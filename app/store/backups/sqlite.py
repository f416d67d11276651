"""Backups of a SQLite file: SQLite's own online copy, which sees one moment and keeps no writer waiting."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sqlalchemy import URL

from app.store.backups.contents import COUNTED, Contents, Kind, check_version
from app.store.errors import StoreError

WAIT_S: Final = 5.0
"""For a writer that holds the file at the very moment."""
LOOK_S: Final = 0.5
"""How long somebody else may have the file open before they are taken to keep it."""


def copy(url: URL, part: Path) -> None:
    """Copy the database into `part`, an empty file, while others write. Raises StoreError."""
    path = _path(url)
    if not path.exists():
        raise StoreError(f"there is no database {path}; see OUTRING_DATABASE_URL")
    with _refusals(path), closing(_connect(path, WAIT_S)) as source, closing(_connect(part, WAIT_S)) as target:
        source.backup(target)  # in one step: a copy in several begins anew whenever somebody writes
        target.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it


def examine(source: Path) -> Contents:
    """Look through a backup. Raises StoreError when it is damaged, or has tables this program does not know."""
    with _refusals(source), closing(_connect(source, WAIT_S, "mode=ro&immutable=1")) as conn:
        problems = [row[0] for row in conn.execute("PRAGMA integrity_check(5)")]
        if problems != ["ok"]:
            raise StoreError(f"{source} is damaged: {'; '.join(problems)}")
        names = {row[0] for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "alembic_version" not in names:
            raise StoreError(f"{source} is a SQLite file, but not Outring's: it has no alembic_version")
        found = conn.execute("SELECT version_num FROM alembic_version").fetchone()
        version = check_version(source, found[0] if found else "")
        rows = {
            name: conn.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0]  # nosec B608
            for name in COUNTED
            if name in names
        }
    return Contents(kind=Kind.SQLITE, version=version, size_bytes=source.stat().st_size, rows=rows)


def put_back(url: URL, source: Path, stamp: str, *, may_overwrite: bool) -> Path | None:
    """Let a backup take the database's place; where the one that was there is kept. Raises StoreError."""
    path = _path(url)
    fresh = path.with_name(f"{path.name}.restoring")
    kept = path.with_name(f"{path.name}.before-restore-{stamp}") if path.exists() else None
    try:
        _copy_for_the_owner(source, fresh)
        _give_to_whom_it_was(fresh, path)
        flush(fresh)
        if kept is not None:
            _check_may_go(path, may_overwrite=may_overwrite)
            _keep(path, kept)
        for leftover in ("-wal", "-shm"):
            path.with_name(path.name + leftover).unlink(missing_ok=True)
        fresh.replace(path)  # in one step: whatever happens, a database is there, the one or the other
        flush(path.parent)
    except OSError as error:
        raise StoreError(f"{error.filename or path}: {error.strerror}") from error
    finally:
        fresh.unlink(missing_ok=True)
    return kept


def flush(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _keep(path: Path, kept: Path) -> None:
    """Give what is at `path` a second name, as it stays there until its successor takes the first."""
    try:
        os.link(path, kept)
    except OSError:  # a file system without links, or a file of somebody else's
        _copy_for_the_owner(path, kept)
        _give_to_whom_it_was(kept, path)
        flush(kept)
    flush(path.parent)


def _copy_for_the_owner(source: Path, target: Path) -> None:
    """Copy with nobody else able to read the copy at any moment: numbers are in it."""
    target.unlink(missing_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as copy_of_it, source.open("rb") as original:
        shutil.copyfileobj(original, copy_of_it, 1024 * 1024)


def _check_may_go(path: Path, *, may_overwrite: bool) -> None:
    """Raises StoreError when another program has the file open, and when it holds something."""
    try:
        with closing(_connect(path, LOOK_S)) as conn:
            conn.execute("PRAGMA journal_mode = DELETE").fetchall()  # only who is alone with a file may leave its log
            tables = conn.execute("SELECT COUNT(*) FROM sqlite_master WHERE name = 'alembic_version'").fetchone()[0]
    except sqlite3.OperationalError as error:
        raise StoreError(
            f"another program has {path} open ({error}): stop `outring run` and whatever else uses it, and try again"
        ) from error
    except sqlite3.DatabaseError:
        tables = 1  # it cannot be read: all the more reason to ask
    if tables and not may_overwrite:
        raise StoreError(
            f"{path} holds data already; with --force it is kept beside it, and the backup takes its place"
        )


def _give_to_whom_it_was(fresh: Path, path: Path) -> None:
    """Root restores for the user Outring runs as: whose the database was, else whose its folder is."""
    owner = (path if path.exists() else path.parent).stat()
    if os.geteuid() == 0:
        os.chown(fresh, owner.st_uid, owner.st_gid)


def _path(url: URL) -> Path:
    assert url.database, "a database in memory has no file"
    return Path(url.database)


def _connect(path: Path, timeout_s: float, options: str = "mode=rw") -> sqlite3.Connection:
    address = f"file:{quote(str(path.absolute()))}?{options}"
    return sqlite3.connect(address, uri=True, timeout=timeout_s, isolation_level=None)


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path}: {error}") from error
