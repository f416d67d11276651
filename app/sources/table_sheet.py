"""A table as the importer reads a sheet: a header, a sample, and rows of texts in batches."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Sequence
from typing import Any, Final

from app.contacts.problems import SheetProblem
from app.contacts.sheets import SAMPLE_ROWS, SheetFacts
from app.contacts.text_sheets import Batch, Cells
from app.sources.database import SourceDatabase, text_of


class TableSheet:
    """The rows of a table, once. `has` knows their keys afterwards, from a temporary file."""

    def __init__(self, database: SourceDatabase) -> None:
        """Read the first page. Raises SourceProblem, and SheetProblem for a table without rows."""
        self.file: Final = database.relation
        self.facts: Final = SheetFacts(format="table", sha256="", size=0)
        self._key_at = database.columns.index(database.key)
        self._pages = database.pages()
        first = next(self._pages, [])
        self._first: list[tuple[int, Cells]] = [(1, list(database.columns)), *self._texts(first, 2)]
        self.sample: Final = self._first[:SAMPLE_ROWS]
        if not first:
            raise SheetProblem(file=self.file, why="there is no row in it", mend="nothing was changed here")
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)  # private, gone when closed
        self._db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
        self._db.execute("CREATE TABLE seen (key TEXT PRIMARY KEY) WITHOUT ROWID")

    def batches(self, width: int | None = None) -> Generator[Batch]:
        """All rows, the header's too. Raises SourceProblem."""
        line = len(self._first) + 1
        yield self._batch(self._first)
        for page in self._pages:
            rows = self._texts(page, line)
            line += len(rows)
            yield self._batch(rows)

    def has(self, key: str) -> bool:
        """Whether a row with this key was read."""
        return self._db.execute("SELECT 1 FROM seen WHERE key = ?", (key,)).fetchone() is not None

    def close(self) -> None:
        """Drop the temporary file."""
        self._db.close()

    def _batch(self, rows: list[tuple[int, Cells]]) -> Batch:
        self._db.execute("BEGIN")
        keys = ((cells[self._key_at].strip(),) for _, cells in rows)
        self._db.executemany("INSERT OR IGNORE INTO seen VALUES (?)", keys)
        self._db.execute("COMMIT")
        return Batch(rows=rows, broken=[], done=rows[-1][0])

    @staticmethod
    def _texts(page: Sequence[Sequence[Any]], line: int) -> list[tuple[int, Cells]]:
        return [(at, [text_of(value) for value in row]) for at, row in enumerate(page, line)]
