"""What can be wrong with a file or a row of it, in words for the person who has to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LARGEST_SHEET_COLUMNS: Final = 16_384  # as many as a spreadsheet has


def shown(text: str, length: int = 40) -> str:
    """`text` for a message: one line, at most `length` characters, what cannot be seen written as an escape."""
    cut = text if len(text) <= length else text[:length] + "…"
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in cut)


class SheetProblem(Exception):
    """A file cannot be read as a list; nothing of it is loaded.

    file: its name. place: where in it, such as "line 7, byte 1,204" (may be empty). why and mend: for people.
    """

    def __init__(self, *, file: str, why: str, mend: str, place: str = "") -> None:
        where = f"{file}, {place}" if place else file
        super().__init__(f"{where}: {why}; {mend}")
        self.file = file
        self.place = place
        self.why = why
        self.mend = mend


@dataclass(frozen=True, slots=True, kw_only=True)
class RowProblem:
    """Why a row, or one cell of it, was not taken. line: in the file, from 1. column: its header; empty for the row."""

    line: int
    column: str
    what: str
    why: str
    mend: str

    def __str__(self) -> str:
        place = f"line {self.line}, {self.column}" if self.column else f"line {self.line}"
        return f"{place}: {self.why}, found {self.what!r}; {self.mend}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of a file is too much. The size of a text file has no limit: it is read in a stream.

    line: characters. cell_lines: lines that one quoted cell may go over; more is taken for a quote never closed.
    workbook: what a workbook unpacks to, in bytes; ratio: unpacked to packed, judged from 100 MB unpacked on.
    reading_memory: of the process that reads a workbook, in bytes. kept_problems: rows an import remembers.
    """

    columns: int = LARGEST_SHEET_COLUMNS
    line: int = 1_000_000
    cell_lines: int = 500
    workbook: int = 4 * 1024**3
    ratio: int = 250
    reading_memory: int = 3 * 1024**3
    kept_problems: int = 10_000
