"""How fast a list is imported, beside reading the same file with csv and inserting it raw into an equal table."""

from __future__ import annotations

import csv
import random
import resource
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from app.bench import BenchRow
from app.contacts.importing import import_list
from app.store import SqlStore

LEAST_RATIO: Final = 0.3
MOST_MEMORY_MB: Final = 300.0
_HEADER: Final = ("id", "name", "language", "phone", "amount", "city")
_RAW_TABLE: Final = """
CREATE TABLE raw (
    id INTEGER PRIMARY KEY, list_id BIGINT NOT NULL, key VARCHAR(200) NOT NULL, name VARCHAR(200) NOT NULL DEFAULT '',
    language VARCHAR(16) NOT NULL DEFAULT '', time_zone VARCHAR(64) NOT NULL DEFAULT '',
    phone1 VARCHAR(16) NOT NULL DEFAULT '', phone2 VARCHAR(16) NOT NULL DEFAULT '',
    phone3 VARCHAR(16) NOT NULL DEFAULT '', phone4 VARCHAR(16) NOT NULL DEFAULT '',
    phone5 VARCHAR(16) NOT NULL DEFAULT '', fields JSON NOT NULL, source_line INTEGER NOT NULL DEFAULT 0,
    created_at_ms BIGINT NOT NULL, updated_at_ms BIGINT NOT NULL, UNIQUE (list_id, key)
)
"""


def generate_list(path: Path, rows: int, seed: int = 1) -> None:
    """Write a CSV of made-up people whose British numbers are written in four ways."""
    chance = random.Random(seed)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_HEADER)
        for at in range(1, rows + 1):
            digits = str(chance.randrange(7_000_000_000, 8_000_000_000))
            phone = (
                f"+44{digits}",
                f"0{digits}",
                f"+44 {digits[:4]} {digits[4:]}",
                f"(0{digits[:4]}) {digits[4:7]}-{digits[7:]}",
            )[at % 4]
            writer.writerow((at, f"Person {at}", "en", phone, chance.randrange(100_000) / 100, "Anytown"))


def raw_rows_a_second(path: Path, database: Path, rows: int) -> float:
    """Read a file with csv.reader and insert it with executemany, nothing looked at, in one transaction."""
    started = time.perf_counter()
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(_RAW_TABLE)
    connection.execute("BEGIN")
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        next(reader)
        connection.executemany(
            "INSERT OR IGNORE INTO raw (list_id, key, name, language, phone1, fields, created_at_ms, updated_at_ms)"
            " VALUES (1, ?, ?, ?, ?, ?, 0, 0)",
            ((row[3], row[1], row[2], row[3][:16], ",".join(row)) for row in reader),
        )
    connection.execute("COMMIT")
    connection.close()
    return rows / (time.perf_counter() - started)


async def bench_importing(rows: int, say: Callable[[str], None]) -> list[BenchRow]:
    """Rows a second of an import and of the same again, and memory; takes a gigabyte of disk for a million rows."""
    with tempfile.TemporaryDirectory(prefix="outring-bench-") as name:
        folder = Path(name)
        say(f"importing a list of {rows:,}")
        path = folder / "list.csv"
        generate_list(path, rows)
        raw = raw_rows_a_second(path, folder / "raw.db", rows)
        async with await SqlStore.open(f"sqlite+aiosqlite:///{folder / 'outring.db'}") as store:
            first = await _imported(store, path, rows)
            again = await _imported(store, path, rows)
    peak = _peak_mb()
    memory = BenchRow(
        name=f"most memory while importing {rows:,}",
        value=round(peak),
        baseline=None,
        ratio=None,
        goal=f"≤ {MOST_MEMORY_MB:.0f} MB at any length",
        holds=peak <= MOST_MEMORY_MB,
        unit="MB",
    )
    return [_rate(f"import of {rows:,}", first, raw), _rate(f"the same {rows:,} again", again, raw), memory]


async def _imported(store: SqlStore, path: Path, rows: int) -> float:
    started = time.perf_counter()
    report = await import_list(store, path, "bench", "GB")
    assert report.counts.rows == rows, report.counts
    return rows / (time.perf_counter() - started)


def _rate(name: str, value: float, baseline: float) -> BenchRow:
    return BenchRow(
        name=name,
        value=round(value),
        baseline=round(baseline),
        ratio=round(value / baseline, 2),
        goal=f"≥ {LEAST_RATIO} × raw",
        holds=value / baseline >= LEAST_RATIO,
        unit="rows/s",
    )


def _peak_mb() -> float:
    """The most memory this process ever had; measured after imports, so that it says most when run as the only part."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
