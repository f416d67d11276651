"""Sheets in text files: CSV, semicolons, tabs. Checked whole before the first row is given, then read in a stream.

The check goes over every byte once (encoding, zero bytes, endless lines, SHA-256), so that a file that is broken near
its end loads nothing. Rows then come in batches, in constant memory. A quote that is never closed would swallow the
rest of the file: the row that opens it is reported, and reading goes on at the line after it.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import itertools
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import BinaryIO, Final

from app.contacts.encodings import is_mostly_utf8, marked_encoding, one_byte_encoding
from app.contacts.problems import Limits, RowProblem, SheetProblem, shown

DELIMITERS: Final = (",", ";", "\t", "|")
_BLOCK_BYTES: Final = 1 << 18
_BATCH_CHARACTERS: Final = 1 << 18
_SAMPLE_BYTES: Final = 1 << 20

Cells = list[str]
Checked = Callable[[int], None]
"""Called with the bytes checked so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some rows of a sheet in their order: (line, cells), and the lines that could not be read. done: bytes or rows."""

    rows: list[tuple[int, Cells]]
    broken: list[tuple[str, RowProblem]]
    done: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFormat:
    """How a text file is written. first_line: where its rows begin; 2 after a line `sep=;`."""

    encoding: str
    delimiter: str
    sha256: str
    first_line: int = 1


def examine(
    stream: BinaryIO, file: str, *, limits: Limits, encoding: str | None = None, on_checked: Checked = lambda _: None
) -> TextFormat:
    """Check a whole text file and tell how it is written; `stream` is read from its beginning.

    Raises SheetProblem with line and byte for what cannot be decoded, is not text, or never ends a line.
    """
    head = _from(stream, 0, 1 << 16)
    if not head.strip():
        raise SheetProblem(file=file, why="the file is empty", mend="export the list again")
    check = _Check(stream, file, limits, on_checked)
    found = encoding or marked_encoding(head) or "utf-8"
    try:
        sha256 = check.whole(found)
    except _Undecodable as undecodable:
        if encoding is not None or found != "utf-8":
            raise undecodable.problem(file) from None
        sample = _from(stream, max(0, undecodable.offset - _SAMPLE_BYTES // 2), _SAMPLE_BYTES)
        if is_mostly_utf8(sample):
            raise undecodable.problem(file) from None
        found = one_byte_encoding(sample)
        try:
            sha256 = check.whole(found)
        except _Undecodable as again:
            raise again.problem(file) from None
    lines = io.StringIO(_beginning(stream, found), newline="").readlines()
    if lines and lines[0].lower().startswith("sep=") and len(lines[0].strip()) <= 5:
        return TextFormat(encoding=found, delimiter=lines[0][4:5].strip("\r\n") or ",", sha256=sha256, first_line=2)
    return TextFormat(encoding=found, delimiter=_delimiter(lines), sha256=sha256)


def batches(
    stream: BinaryIO, form: TextFormat, file: str, *, limits: Limits, width: int | None = None
) -> Generator[Batch]:
    """The rows of an examined file from its beginning, in batches of a quarter of a million characters.

    width: how many columns the sheet has, where that is known: a quoted cell that holds whole rows is then noticed.
    Raises SheetProblem when the file has changed since it was examined.
    """
    stream.seek(0)
    text = io.TextIOWrapper(stream, encoding=form.encoding, newline="")
    try:
        for _ in range(1, form.first_line):
            text.readline()
        records = _Records(form.delimiter, limits, width, form.first_line)
        is_end = False
        while not is_end:
            lines = text.readlines(_BATCH_CHARACTERS)
            is_end = not lines
            rows, broken = records.take(lines, is_end=is_end)
            yield Batch(rows=rows, broken=broken, done=stream.tell())
    except UnicodeDecodeError:
        raise SheetProblem(file=file, why="the file changed while it was read", mend="import it again") from None
    finally:
        text.detach()


class _Records:
    """Lines into rows, whatever the quotes in them do."""

    def __init__(self, delimiter: str, limits: Limits, width: int | None, first_line: int) -> None:
        self._delimiter = delimiter
        self._limits = limits
        self._width = width
        self._line = first_line  # the number of the first of the lines kept
        self._kept: list[str] = []  # the beginning of a row that goes on in the next batch

    def take(self, fresh: list[str], *, is_end: bool) -> tuple[list[tuple[int, Cells]], list[tuple[str, RowProblem]]]:
        """The rows that end within `fresh`, with the line each begins on, and the rows that are broken."""
        lines = self._kept + fresh
        rows: list[tuple[int, Cells]] = []
        broken: list[tuple[str, RowProblem]] = []
        at = 0
        while at < len(lines):
            at, why = self._read(lines, at, rows)
            if not why:
                break
            if why == _OPEN and not is_end and len(lines) - at <= self._limits.cell_lines:
                break
            text = lines[at].rstrip("\r\n")
            broken.append((text, _broken_quote(self._line + at, text, why)))
            at += 1
        self._line += at
        self._kept = lines[at:]
        return rows, broken

    def _read(self, lines: list[str], begin: int, rows: list[tuple[int, Cells]]) -> tuple[int, str]:
        """Read rows from the line at index `begin` on. The index after the last good one, and what is wrong there."""
        reader = csv.reader(itertools.islice(lines, begin, None), delimiter=self._delimiter, strict=True)
        at = begin
        try:
            for cells in reader:
                after = begin + reader.line_num
                if after - at > 1 and self._holds_rows(lines[at:after]):
                    return at, _OPEN
                rows.append((self._line + at, cells))
                at = after
        except csv.Error as error:
            return at, str(error)
        return at, ""

    def _holds_rows(self, lines: list[str]) -> bool:
        """Whether lines read as one row, because of a quoted cell, look rather like rows of their own."""
        if len(lines) > self._limits.cell_lines:
            return True
        if self._width is None or self._width < 2:
            return False
        opened = lines[0].rpartition(self._delimiter + '"')[2]
        inner = [(lines[0], opened.partition(self._delimiter)[2]), *((line, line) for line in lines[1:-1])]
        return any(line.count(self._delimiter) + 1 == self._width and _has_number(part) for line, part in inner)


_OPEN: Final = "unexpected end of data"  # as the csv module says it


def _has_number(text: str) -> bool:
    return sum(sign.isdigit() for sign in text) >= 7


def _broken_quote(line: int, text: str, why: str) -> RowProblem:
    if "field larger" in why:
        return RowProblem(
            line=line,
            column="",
            what=shown(text),
            why=f"a cell has more than {csv.field_size_limit():,} characters",
            mend="shorten the cell",
        )
    told = "a quote is opened and never closed" if why == _OPEN else "a quoted cell goes on after its closing quote"
    return RowProblem(
        line=line,
        column="",
        what=shown(text),
        why=told,
        mend='close the quote, or write a quote within a cell twice: ""',
    )


class _Undecodable(Exception):
    def __init__(self, encoding: str, offset: int, line: int, byte: int) -> None:
        super().__init__(encoding, offset)
        self.encoding = encoding
        self.offset = offset
        self.line = line
        self.byte = byte

    def problem(self, file: str) -> SheetProblem:
        return SheetProblem(
            file=file,
            place=f"line {self.line:,}, byte {self.offset:,}",
            why=f"the byte 0x{self.byte:02X} is no text in {self.encoding}",
            mend="save the list as CSV UTF-8, or say which encoding it is in",
        )


class _Check:
    """One pass over all bytes of a file."""

    def __init__(self, stream: BinaryIO, file: str, limits: Limits, on_checked: Checked) -> None:
        self._stream = stream
        self._file = file
        self._limits = limits
        self._on_checked = on_checked

    def whole(self, encoding: str) -> str:
        """Check the file as text in `encoding`; its SHA-256. Raises _Undecodable, SheetProblem."""
        decoder = _decoder(encoding, self._file)
        digest = hashlib.sha256()
        offset, line, length = 0, 1, 0
        self._stream.seek(0)
        while True:
            block = self._stream.read(_BLOCK_BYTES)
            digest.update(block)
            pending = decoder.getstate()[0]
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                whole = _text_before(encoding, error)
                at = offset - len(pending) + error.start
                raise _Undecodable(encoding, at, line + whole.count("\n"), error.object[error.start]) from None
            if "\0" in text:
                raise self._zero_byte(line + text.count("\n", 0, text.index("\0")))
            length = self._line_length(text, length, line)
            line += text.count("\n")
            offset += len(block)
            self._on_checked(offset)
            if not block:
                return digest.hexdigest()

    def _zero_byte(self, line: int) -> SheetProblem:
        return SheetProblem(
            file=self._file,
            place=f"line {line:,}",
            why="there is a zero byte in it: it is not text, or was damaged on its way",
            mend="export the list again as CSV",
        )

    def _line_length(self, text: str, before: int, line: int) -> int:
        """Characters of the line that `text` ends in, `before` of them ahead of `text`."""
        end = "\n" if "\n" in text else "\r"
        first = text.find(end)
        longest = before + (len(text) if first < 0 else first)
        if longest > self._limits.line:
            raise SheetProblem(
                file=self._file,
                place=f"line {line:,}",
                why=f"the line has more than {self._limits.line:,} characters",
                mend="put each contact on a line of its own",
            )
        return longest if first < 0 else len(text) - text.rfind(end) - 1


def _decoder(encoding: str, file: str) -> codecs.IncrementalDecoder:
    try:
        return codecs.getincrementaldecoder(encoding)(errors="strict")
    except LookupError:
        raise SheetProblem(
            file=file, why=f"no encoding is called {encoding!r}", mend="try utf-8, cp1251, cp1252 or utf-16"
        ) from None


def _text_before(encoding: str, error: UnicodeDecodeError) -> str:
    """What could be decoded before the error."""
    return error.object[: error.start].decode(encoding, errors="replace")


def _from(stream: BinaryIO, offset: int, count: int) -> bytes:
    stream.seek(offset)
    return stream.read(count)


def _beginning(stream: BinaryIO, encoding: str) -> str:
    return codecs.getincrementaldecoder(encoding)(errors="replace").decode(_from(stream, 0, 1 << 16))


def _delimiter(lines: list[str]) -> str:
    """The sign that splits the lines of a file's beginning into the most even columns; a comma where none does."""
    lines = lines[:200] if len(lines) < 3 else lines[:200][:-1]  # the last one may be cut
    scored = [(_evenness(lines, sign), -at, sign) for at, sign in enumerate(DELIMITERS)]
    best, _, sign = max(scored)
    return sign if best[2] > 1 else ","


def _evenness(lines: list[str], delimiter: str) -> tuple[bool, float, int]:
    try:
        widths = [len(cells) for cells in csv.reader(lines, delimiter=delimiter) if any(cells)]
    except csv.Error:
        return (False, 0.0, 0)
    if not widths:
        return (False, 0.0, 0)
    width, count = Counter(widths).most_common(1)[0]
    return (width > 1 and widths[0] == width, count / len(widths) if width > 1 else 0.0, width)
