"""The reading half of an import: from an open sheet to chunks of contacts, in a thread of its own, no database."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Self

from app.contacts.chunks import Chunk, repeated
from app.contacts.column_types import seen_types
from app.contacts.contact_rows import ContactRow, Flaw, RowReader
from app.contacts.mapping import ColumnMapping, column_names, guess, is_header
from app.contacts.numbers import NumberReader
from app.contacts.problems import Limits, RowProblem
from app.contacts.rejects import REASONS, RejectsFile, restored
from app.contacts.sheets import OpenSheet
from app.contacts.text_sheets import Cells

ROWS_WHILE_DIALING: Final = 5_000
"""Rows in a chunk while a campaign is running: some tens of milliseconds, which is what a call may have to wait."""
ROWS_AT_REST: Final = 20_000
"""Rows in a chunk otherwise: the more at once, the less often each page of the index is written."""
_CHUNK_BATCHES: Final = 32
"""Batches in a chunk at most, each a quarter of a million characters: for sheets with very wide rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How to read and write a list.

    mapping: role → column over the guess, such as {"phone1": "Tel"}. duplicates: "skip" leaves contacts that are there
    as they are, "update" brings them up to date. key_column: what makes a contact the same one again; its first phone
    where empty. has_header: None looks. encoding, sheet: see sheets.open_sheet. rejected_to: where rejected rows go.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    duplicates: Literal["skip", "update"] = "skip"
    key_column: str = ""
    has_header: bool | None = None
    encoding: str | None = None
    sheet: str = ""
    rejected_to: Path | None = None
    limits: Limits = field(default_factory=Limits)

    @property
    def told(self) -> dict[str, str]:
        """The mapping, with the key in it."""
        return dict(self.mapping) | ({"key": self.key_column} if self.key_column else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetPlan:
    """How the rows of a sheet are read. header_line: 0 for none. skipped: columns at the left not of the list.

    column_types: of the columns that are not text, as a sample shows them.
    """

    header_line: int
    columns: tuple[str, ...]
    skipped: int
    mapping: ColumnMapping
    column_types: Mapping[str, str] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Columns of the sheet."""
        return len(self.columns) + self.skipped


def plan_sheet(sheet: OpenSheet, numbers: NumberReader, options: ImportOptions) -> SheetPlan:
    """Find header, columns and mapping. Raises SheetProblem."""
    line, first = sheet.sample[0]
    has_header = is_header(first, numbers) if options.has_header is None else options.has_header
    rows = [cells for _, cells in sheet.sample[1 if has_header else 0 :]]
    width = len(first) if has_header else max(map(len, rows))
    columns = column_names(first if has_header else [], width)
    skipped = len(REASONS) if columns[: len(REASONS)] == REASONS else 0
    columns, rows = columns[skipped:], [cells[skipped:] for cells in rows]
    mapping = guess(columns, rows, numbers, told=options.told, file=sheet.file)
    return SheetPlan(
        header_line=line if has_header else 0,
        columns=columns,
        skipped=skipped,
        mapping=mapping,
        column_types=seen_types(columns, rows),
    )


class ChunkReader:
    """All chunks of a sheet, one after another. Use it as a context; `next_chunk` may be called from any one thread.

    is_dialing may be set at any time: whether the chunks from then on are small.
    """

    def __init__(self, sheet: OpenSheet, plan: SheetPlan, numbers: NumberReader, options: ImportOptions) -> None:
        self.is_dialing = True
        self._plan = plan
        self._rows = RowReader(plan.columns, plan.mapping, numbers)
        self._seen = SeenKeys() if options.duplicates == "update" else None
        self._rejects = RejectsFile(options.rejected_to, plan.columns) if options.rejected_to else None
        self._batches = sheet.batches(plan.width)
        self._chunks = self._all()

    def next_chunk(self) -> Chunk | None:
        """The next chunk; None at the end. Raises SheetProblem."""
        return next(self._chunks, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._chunks.close()
        self._batches.close()
        if self._rejects is not None:
            self._rejects.close()
        if self._seen is not None:
            self._seen.close()

    def _all(self) -> Generator[Chunk]:
        draft = _Draft()
        for batch in self._batches:
            draft.batches += 1
            draft.done = batch.done
            for text, problem in batch.broken:
                self._reject(draft, [text], problem)
            rows = batch.rows
            while rows:
                size = ROWS_WHILE_DIALING if self.is_dialing else ROWS_AT_REST
                room = max(1, size - draft.size)
                self._read(draft, rows[:room])
                rows = rows[room:]
                if draft.size >= size:
                    yield self._finished(draft)
                    draft = _Draft(done=batch.done)
            if draft.batches >= _CHUNK_BATCHES:
                yield self._finished(draft)
                draft = _Draft(done=batch.done)
        yield self._finished(draft)

    def _read(self, draft: _Draft, rows: Sequence[tuple[int, Cells]]) -> None:
        read, skipped, keep = self._rows.read, self._plan.skipped, draft.rows.append
        for line, cells in rows:
            if line == self._plan.header_line or not any(cells):
                continue
            if skipped:
                cells = [restored(cell) for cell in cells[skipped:]]
            result = read(line, cells)
            if type(result) is ContactRow:
                keep(result)
            elif isinstance(result, Flaw):
                keep(result.row)
                draft.kept_invalid += 1
                draft.problems += result.problems
            elif isinstance(result, RowProblem) and any(map(str.strip, cells)):
                self._reject(draft, cells, result)

    def _reject(self, draft: _Draft, cells: Sequence[str], problem: RowProblem) -> None:
        draft.rejected += 1
        draft.problems.append(problem)
        if self._rejects is not None:
            self._rejects.add(cells, problem)

    def _finished(self, draft: _Draft) -> Chunk:
        rows, repeats = draft.rows, 0
        if self._seen is not None:
            rows, problems = self._seen.fresh(rows)
            repeats = len(problems)
            draft.problems += problems
        return Chunk(
            rows=rows,
            written=self._rows.written,
            problems=draft.problems,
            rejected=draft.rejected,
            repeats=repeats,
            kept_invalid=draft.kept_invalid,
            done=draft.done,
        )


class _Draft:
    """A chunk being filled."""

    __slots__ = ("batches", "done", "kept_invalid", "problems", "rejected", "rows")

    def __init__(self, done: int = 0) -> None:
        self.rows: list[ContactRow] = []
        self.problems: list[RowProblem] = []
        self.rejected = 0
        self.kept_invalid = 0
        self.batches = 0
        self.done = done

    @property
    def size(self) -> int:
        return len(self.rows) + self.rejected


class SeenKeys:
    """The keys of a file so far, in a temporary file, so that updating from a file takes each contact's first row.

    Otherwise two rows of one contact would change it to and fro at each import.
    """

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)  # private, gone when closed
        self._db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
        self._db.execute("CREATE TABLE seen (key TEXT PRIMARY KEY, line INTEGER NOT NULL) WITHOUT ROWID")

    def fresh(self, rows: Sequence[ContactRow]) -> tuple[list[ContactRow], list[RowProblem]]:
        """The rows whose key was not seen before, and a note on each of the others."""
        fresh: list[ContactRow] = []
        notes: list[RowProblem] = []
        self._db.execute("BEGIN")
        for row in rows:
            added = self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (row.key, row.source_line)).rowcount
            if added:
                fresh.append(row)
                continue
            line = self._db.execute("SELECT line FROM seen WHERE key = ?", (row.key,)).fetchone()[0]
            notes.append(repeated(row, line))
        self._db.execute("COMMIT")
        return fresh, notes

    def close(self) -> None:
        """Drop the temporary file."""
        self._db.close()
