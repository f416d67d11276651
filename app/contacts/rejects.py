"""Rejected rows as a CSV file with their reasons, to be mended and imported again. Nothing of a list is lost.

A spreadsheet runs a cell that begins with `=`, `+`, `-` or `@` (or a tab or line break before one) as a formula, and
a list may come from a stranger. Such cells get an apostrophe before them, which spreadsheets show as text. The
importer knows the columns that are added here, leaves them out, and takes the apostrophes away again.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TextIO

from app.contacts.problems import RowProblem, SheetProblem

REASONS: Final = ("rejected: line", "rejected: column", "rejected: why", "rejected: mend")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def neutralised(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula.

    >>> neutralised('=HYPERLINK("http://example.com")')
    '\\'=HYPERLINK("http://example.com")'
    """
    return "'" + cell if cell.startswith(_FORMULA) else cell


def restored(cell: str) -> str:
    """A cell as it was before `neutralised`."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


class RejectsFile:
    """Writes rejected rows as they come; no file is made where there is nothing to write."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._path = path
        self._columns = tuple(columns)
        self._stream: TextIO | None = None

    def add(self, cells: Sequence[str], problem: RowProblem) -> None:
        """Write one row with the reason it was not taken. Raises SheetProblem when the file cannot be written."""
        reasons = [str(problem.line), problem.column, f"{problem.why}, found {problem.what!r}", problem.mend]
        self._write([*reasons, *cells])

    def close(self) -> None:
        """Finish the file."""
        if self._stream is not None:
            self._stream.close()

    def _write(self, row: Sequence[str]) -> None:
        try:
            if self._stream is None:
                # The byte order mark tells Excel that it is UTF-8.
                self._stream = self._path.open("w", encoding="utf-8-sig", newline="")
                csv.writer(self._stream).writerow([neutralised(name) for name in (*REASONS, *self._columns)])
            csv.writer(self._stream).writerow([neutralised(cell) for cell in row])
        except OSError as error:
            raise SheetProblem(
                file=self._path.name,
                why=f"rejected rows cannot be written to it: {error.strerror or error}",
                mend="choose another place for them and import again: what is in stays in",
            ) from error
