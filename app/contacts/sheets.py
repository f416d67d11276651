"""The door to a list's file: told by its content what it is, refused where it is not what its name says.

Two formats: text (CSV, semicolons, tabs; see text_sheets) and workbooks (XLSX, XLS, ODS; see workbooks). Both give
rows of texts in batches, with the line each stands on, and a header that may be missing.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol, Self

from app.contacts.encodings import marked_encoding
from app.contacts.problems import Limits, SheetProblem, shown
from app.contacts.text_sheets import Batch, Cells, TextFormat, batches, examine
from app.contacts.workbooks import Workbook, check_package

SAMPLE_ROWS: Final = 200
_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
_TEXT_NAMES: Final = {".csv", ".tsv", ".tab", ".txt", ""}
_ZIPPED_NAMES: Final = {".xlsx", ".xlsm", ".xlsb", ".ods"}
_STRANGERS: Final = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"{\\rtf", "an RTF document"),
    (b"SQLite format 3", "an SQLite database"),
    (b"RIFF", "a sound or picture"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
)
_MARKUP: Final = (b"<!doctype html", b"<html", b"<?xml", b"<table")


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetFacts:
    """What a file turned out to be. format: csv, xlsx, ods or xls. size: bytes of a text, rows of a workbook.

    encoding, delimiter: of a text. sheet, sheets: the one read and all visible ones, of a workbook.
    """

    format: str
    sha256: str
    size: int
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    sheets: tuple[str, ...] = ()


class OpenSheet(Protocol):
    """What the importer wants of a list: its facts, its first rows with their lines, and all of them in batches."""

    @property
    def file(self) -> str:
        """Its name, for messages."""

    @property
    def facts(self) -> SheetFacts:
        """What it turned out to be."""

    @property
    def sample(self) -> list[tuple[int, Cells]]:
        """The first rows, the header among them."""

    def batches(self, width: int | None = None) -> Generator[Batch]:
        """All rows, the header's too."""


class Sheet:
    """An open list: its facts, the first rows, and all rows in batches. Use it as a context.

    The rows of a workbook can be gone through once, those of a text again and again.
    """

    def __init__(
        self, stream: BinaryIO, file: str, facts: SheetFacts, limits: Limits, source: TextFormat | Workbook
    ) -> None:
        self.file: Final = file
        self.facts: Final = facts
        self._stream = stream
        self._limits = limits
        self._source = source
        self._rest: Iterator[Batch] = iter(())
        self._begun: list[Batch] = []
        if isinstance(source, Workbook):
            self._rest = source.batches()
        self.sample: Final = self._first_rows()

    def batches(self, width: int | None = None) -> Generator[Batch]:
        """All rows, the header's too. width: the number of columns (see text_sheets.batches). Raises SheetProblem."""
        if isinstance(self._source, TextFormat):
            yield from batches(self._stream, self._source, self.file, limits=self._limits, width=width)
            return
        while self._begun:
            yield self._begun.pop(0)
        yield from self._rest

    def close(self) -> None:
        """Close the file, and end what reads it."""
        if isinstance(self._source, Workbook):
            self._source.close()
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _first_rows(self) -> list[tuple[int, Cells]]:
        """Rows with anything in them, from the beginning: enough to guess by."""
        found: list[tuple[int, Cells]] = []
        text = isinstance(self._source, TextFormat)
        for batch in self.batches() if text else self._rest:
            if not text:
                self._begun.append(batch)
            found += [(line, cells) for line, cells in batch.rows if any(cells)]
            if len(found) > SAMPLE_ROWS:
                break
        if not found:
            raise SheetProblem(file=self.file, why="there is no row in it", mend="export the list again")
        widest = max(len(cells) for _, cells in found)
        if widest > self._limits.columns:
            raise SheetProblem(
                file=self.file,
                place=f"line {found[0][0]:,}",
                why=f"it has {widest:,} columns; a sheet has at most {self._limits.columns:,}",
                mend="check the delimiter, and leave out the columns that are not needed",
            )
        return found[:SAMPLE_ROWS]


def open_sheet(
    path: Path,
    *,
    limits: Limits | None = None,
    encoding: str | None = None,
    sheet: str = "",
    on_checked: Callable[[int], None] = lambda _: None,
) -> Sheet:
    """Open a list's file.

    encoding: of a text, where it is not to be guessed. sheet: of a workbook, the first visible one if empty.
    on_checked: told of the bytes of a text checked so far, before the first row comes. Raises SheetProblem.
    """
    limits = limits or Limits()
    stream = _opened(path)
    try:
        return _read(stream, path, limits, encoding, sheet, on_checked)
    except BaseException:
        stream.close()
        raise


def _opened(path: Path) -> BinaryIO:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe must not keep us waiting
    except FileNotFoundError:
        raise SheetProblem(file=path.name, why="there is no such file", mend=f"check the path {path}") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SheetProblem(
            file=path.name, why=f"it cannot be opened: {why}", mend="check the path and rights"
        ) from None
    stream = os.fdopen(descriptor, "rb") if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    if stream is None:
        os.close(descriptor)
        raise SheetProblem(file=path.name, why="it is not a file", mend="give the file with the contacts")
    return stream


def _read(
    stream: BinaryIO, path: Path, limits: Limits, encoding: str | None, sheet: str, on_checked: Callable[[int], None]
) -> Sheet:
    file, suffix = path.name, path.suffix.lower()
    head = stream.read(1 << 16)
    if head.startswith((_ZIP, _OLE)):
        format_ = _workbook_format(head, stream, file, suffix, limits)
        book = Workbook(stream, file, limits, sheet)
        heading = book.heading
        facts = SheetFacts(
            format=format_,
            sha256=_sha256(path),
            size=heading.rows,
            sheet=heading.sheet,
            sheets=tuple(heading.sheets),
        )
        try:
            return Sheet(stream, file, facts, limits, book)
        except BaseException:
            book.close()
            raise
    _refuse_strangers(head, file, suffix)
    form = examine(stream, file, limits=limits, encoding=encoding, on_checked=on_checked)
    facts = SheetFacts(
        format="csv",
        sha256=form.sha256,
        size=os.fstat(stream.fileno()).st_size,
        encoding=form.encoding,
        delimiter=form.delimiter,
    )
    return Sheet(stream, file, facts, limits, form)


def _workbook_format(head: bytes, stream: BinaryIO, file: str, suffix: str, limits: Limits) -> str:
    if head.startswith(_ZIP):
        if suffix not in _ZIPPED_NAMES:
            kind = "a workbook or ZIP archive"
            raise SheetProblem(file=file, why=f"it is {kind}, not what its name says", mend="name it .xlsx or .ods")
        check_package(stream, file, limits)
        return suffix[1:]
    if _ENCRYPTED in head or _ENCRYPTED in _tail(stream):
        raise SheetProblem(file=file, why="it is protected by a password", mend="save it without a password")
    if suffix != ".xls":
        raise SheetProblem(file=file, why="it is an old Excel workbook, not what its name says", mend="name it .xls")
    return "xls"


def _refuse_strangers(head: bytes, file: str, suffix: str) -> None:
    for beginning, kind in _STRANGERS:
        if head.startswith(beginning):
            raise SheetProblem(file=file, why=f"it is {kind}, not a list", mend="give a CSV or XLSX file")
    if head[:200].lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith(_MARKUP):
        raise SheetProblem(
            file=file, why="it is a web page or XML, not a list", mend="open it in a spreadsheet and save it as XLSX"
        )
    if suffix not in _TEXT_NAMES and suffix in _ZIPPED_NAMES | {".xls"} and head:
        why = f"it is text, not a workbook, though it is named {shown(suffix)}"
        if not _is_texty(head):
            why = "it is neither a workbook nor text"
        raise SheetProblem(file=file, why=why, mend="name it .csv if it is one, or save it again as a workbook")
    if not _is_texty(head):
        raise SheetProblem(file=file, why="it is not text (binary signs in it)", mend="give a CSV or XLSX file")


def _is_texty(head: bytes) -> bool:
    """Whether a beginning could be text: hardly any control characters (zero bytes are looked for by the check)."""
    if marked_encoding(head):
        return True
    strange = sum(head.count(sign) for sign in (*range(1, 9), *range(14, 26), 28, 29, 30, 31, 127))
    return strange <= len(head) // 100


def _tail(stream: BinaryIO) -> bytes:
    """The beginning and the end of a file: where an OLE container has its directory, mostly."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - (1 << 20)))
    return stream.read()


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
