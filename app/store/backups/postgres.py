"""Backups of a PostgreSQL database: pg_dump's custom format, which sees one moment and keeps nobody waiting.

A restore is one transaction: our tables of before go and those of the backup come, or nothing changes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess  # nosec B404 # PostgreSQL's own programs, by their full paths and with no shell
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import psycopg
from sqlalchemy import URL

from app.store.backups.contents import Contents, Kind, check_version
from app.store.errors import StoreError
from app.store.schema import metadata

_FOLDERS: Final = Path("/usr/lib/postgresql")
_DASHES: Final = re.compile(r"^COPY .*alembic_version.* FROM stdin;\n(\S+)\n", re.MULTILINE)
_NEWER_SETTING: Final = b"\nSET transaction_timeout = 0;\n"
_SETTINGS_BYTES: Final = 4_096
"""How far into a script its settings may be."""
_NO_TIMEOUT: Final = "SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'transaction_timeout'"
MEND: Final = (
    "install PostgreSQL's client programs, of the server's version or newer (Debian: apt-get install postgresql-client)"
)


def dump(url: URL, part: Path) -> None:
    """Write the database into `part` while others use it. Raises StoreError."""
    _run("pg_dump", ["--format=custom", "--no-owner", "--no-privileges", f"--file={part}", *_database(url)], url)


def examine(source: Path) -> Contents:
    """Read a backup to its end. Raises StoreError when it is damaged, or has tables this program does not know."""
    _run("pg_restore", ["--file=/dev/null", str(source)])
    told = _run("pg_restore", ["--data-only", "--table=alembic_version", "--file=-", str(source)])
    found = _DASHES.search(told)
    version = check_version(source, found[1] if found else "")
    return Contents(kind=Kind.POSTGRESQL, version=version, size_bytes=source.stat().st_size, rows={})


def put_back(url: URL, source: Path, stamp: str, *, may_overwrite: bool) -> Path | None:
    """Let a backup take the place of our tables; where those that were there are kept. Raises StoreError."""
    has_tables, others = _look(url)
    if others:
        raise StoreError(
            f"{others} other connections of Outring's are open on {url.database}: stop `outring run` wherever it uses "
            "this database, and try again"
        )
    kept = None
    if has_tables:
        if not may_overwrite:
            raise StoreError(
                f"the database {url.database} holds data already; with --force it is dumped beside the backup, and the "
                "backup takes its place"
            )
        kept = source.absolute().with_name(f"outring-before-restore-{stamp}.dump")
        os.close(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        dump(url, kept)
    with TemporaryDirectory(prefix="outring-restore-") as folder:
        script = Path(folder) / "restore.sql"
        _run("pg_restore", ["--no-owner", "--no-privileges", f"--file={script}", str(source)])
        _leave_out_what_only_newer_servers_know(script)
        names = ", ".join(f'"{name}"' for name in ("alembic_version", *metadata.tables))
        drop = f"DROP TABLE IF EXISTS {names} CASCADE; DROP SEQUENCE IF EXISTS result_numbers"
        options = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction"]
        commands = [f"--command={_NO_TIMEOUT}", f"--command={drop}", f"--file={script}"]
        _run("psql", [*options, *commands, *_database(url)], url)
    return kept


def _leave_out_what_only_newer_servers_know(script: Path) -> None:
    """pg_restore 17 sets a timeout that servers up to 16 refuse; `_NO_TIMEOUT` stands for it on all of them.

    Three bytes in place, as a script may be as large as the database; only before the first row of a table.
    """
    with script.open("r+b") as file:
        settings = file.read(_SETTINGS_BYTES).partition(b"\nCOPY ")[0]
        if (place := settings.find(_NEWER_SETTING)) >= 0:
            file.seek(place + 1)
            file.write(b"-- ")


def _look(url: URL) -> tuple[bool, int]:
    """Whether our tables are there, and how many other connections of ours."""
    try:
        with psycopg.connect(**_parameters(url), application_name="outring restore", connect_timeout=10) as conn:
            found = conn.execute(
                "SELECT to_regclass('alembic_version') IS NOT NULL, (SELECT count(*) FROM pg_stat_activity WHERE"
                " datname = current_database() AND application_name = 'outring' AND pid <> pg_backend_pid())"
            ).fetchone()
    except psycopg.Error as error:
        raise StoreError(f"the database cannot be reached: {error}") from error
    assert found is not None
    return bool(found[0]), int(found[1])


def _parameters(url: URL) -> dict[str, Any]:
    """For libpq, of the same address SQLAlchemy is given."""
    host = url.host or url.query.get("host")
    given = {"host": host, "port": url.port, "user": url.username, "password": url.password, "dbname": url.database}
    if "ssl" in url.query:
        given["sslmode"] = url.query["ssl"]
    return {name: value for name, value in given.items() if value}


def _database(url: URL) -> list[str]:
    """The same as options of a program; the password goes through its environment, where nobody else can read it."""
    names = {"host": "host", "port": "port", "user": "username", "dbname": "dbname"}
    given = _parameters(url)
    return ["--no-password", *(f"--{option}={given[name]}" for name, option in names.items() if name in given)]


def _run(program: str, options: Sequence[str], url: URL | None = None) -> str:
    """Run one of PostgreSQL's programs; what it says. Raises StoreError with its own last words."""
    path = _find(program)
    env = dict(os.environ)
    if url is not None:
        given = _parameters(url)
        env |= {
            name: str(given[key])
            for name, key in (("PGPASSWORD", "password"), ("PGSSLMODE", "sslmode"))
            if key in given
        }
    done = subprocess.run([path, *options], env=env, capture_output=True, text=True, check=False)  # nosec B603
    if done.returncode != 0:
        words = [line for line in done.stderr.strip().splitlines() if line.strip()] or [f"exit code {done.returncode}"]
        mend = f"; {MEND}" if "version mismatch" in done.stderr else ""
        raise StoreError(f"{program}: {words[0].removeprefix(f'{program}: ').removeprefix('error: ')}{mend}")
    return done.stdout


def _find(program: str) -> str:
    """The newest of Debian's versions, else the one on the path. Raises StoreError."""
    found = sorted(_FOLDERS.glob(f"*/bin/{program}"), key=lambda path: float(path.parts[-3]))
    path = str(found[-1]) if found else shutil.which(program)
    if path is None:
        raise StoreError(f"{program} is not there: {MEND}")
    return path
