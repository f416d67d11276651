"""Files of bare numbers, of any length, read in bounded memory: national registers and lists of opt-outs.

Plain text or CSV, alone, in a .gz, or one or several in a .zip. A line has a number in it, or fields of which one is
the number; the United States' register gives the area code and the number as two fields (`201,5551234`). Lines that
are no number are counted, and the first of them told.
"""

from __future__ import annotations

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, cast

from app.contacts.numbers import NumberProblem, NumberReader, reader_for
from app.contacts.problems import SheetProblem, shown
from app.units import Number

PIECE: Final = 10_000
"""Numbers read at once: what is held in memory, and written in one transaction."""
LONGEST_LINE: Final = 4_096
SAMPLES: Final = 10
_DELIMITERS: Final = ",;\t|"
_US_AREA: Final = re.compile(r"[2-9][0-9]{2}")
_US_LINE: Final = re.compile(r"[2-9][0-9]{6}")
_ENDINGS: Final = (".txt", ".csv", ".tsv", ".dat", "")


@dataclass(slots=True)
class Reading:
    """How far a file is. rejected: lines that hold no number; problems: the first of them, in words."""

    lines: int = 0
    numbers: int = 0
    rejected: int = 0
    problems: list[str] = field(default_factory=list)

    def reject(self, text: str, why: str) -> None:
        """Count a line that is not taken."""
        self.rejected += 1
        if len(self.problems) < SAMPLES:
            self.problems.append(f"line {self.lines}: {why}, found {shown(text)!r}")


def read_numbers(path: Path, country: str, reading: Reading, *, column: int = 0) -> Iterator[list[Number]]:
    """The numbers of a file in pieces of up to `PIECE`, each sorted and without repeats.

    country: how numbers without a country code are read. column: of the number, counted from 1; 0: the first field
    that is one. Raises SheetProblem for a file that cannot be read, ValueError for an unknown country.
    """
    reader = reader_for(country)
    piece: set[Number] = set()
    for line in _lines(path):
        reading.lines += 1
        text = line.strip()
        if not text:
            continue
        found = _number_in(text, reader, column)
        if isinstance(found, NumberProblem):
            if reading.lines > 1 or any(sign.isdigit() for sign in text):  # the first may be a heading
                reading.reject(text, found.why)
            continue
        reading.numbers += 1
        piece.add(found)
        if len(piece) >= PIECE:
            yield sorted(piece)
            piece = set()
    if piece:
        yield sorted(piece)


def _number_in(text: str, reader: NumberReader, column: int) -> Number | NumberProblem:
    """The number of a line, or why there is none."""
    delimiter = next((sign for sign in _DELIMITERS if sign in text), None)
    if delimiter is None:
        return reader.read(text.strip("\"' "))
    fields = [part.strip().strip("\"'") for part in text.split(delimiter)]
    if column:
        if column > len(fields):
            return NumberProblem(found=shown(text), why=f"there is no field {column}", mend="check the column")
        return reader.read(fields[column - 1])
    if reader.region in ("US", "CA") and _US_AREA.fullmatch(fields[0]) and _US_LINE.fullmatch(fields[1]):
        return reader.read(fields[0] + fields[1])
    found: Number | NumberProblem = NumberProblem(found=shown(text), why="no field is a number", mend="")
    for part in fields:
        read = reader.read(part)
        if not isinstance(read, NumberProblem):
            return read
        if found == NumberProblem(found=shown(text), why="no field is a number", mend=""):
            found = read
    return found


# --- files -----------------------------------------------------------------------------------------------------------


def _lines(path: Path) -> Iterator[str]:
    """Every line, decoded; one that never ends is cut."""
    try:
        for stream in _streams(path):
            yield from _decoded(stream)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError) as error:
        raise SheetProblem(
            file=path.name, why=f"it cannot be read to its end: {error}", mend="get or make the file again"
        ) from error
    except RuntimeError as error:  # what zipfile says of a password
        raise SheetProblem(file=path.name, why="it is locked with a password", mend="unpack it first") from error


def _streams(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as plain:
        magic = plain.read(4)
    if magic[:2] == b"\x1f\x8b":
        with gzip.open(path) as packed:
            yield cast(IO[bytes], packed)
    elif magic == b"PK\x03\x04":
        yield from _zipped(path)
    else:
        if b"\x00" in magic and magic[:2] not in (b"\xff\xfe", b"\xfe\xff"):
            raise SheetProblem(file=path.name, why="it is no text", mend="give plain text, CSV, .gz or .zip of them")
        with path.open("rb") as plain:
            yield plain


def _zipped(path: Path) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(path) as packed:
        members = [
            one for one in packed.infolist() if not one.is_dir() and Path(one.filename).suffix.lower() in _ENDINGS
        ]
        if not members:
            raise SheetProblem(file=path.name, why="there is no text in it", mend="pack a .txt or .csv")
        for one in members:
            with packed.open(one) as stream:
                yield stream


def _decoded(stream: IO[bytes]) -> Iterator[str]:
    """Lines of a byte stream. Numbers are ASCII in every encoding but UTF-16, which says so itself."""
    with _wrapped(stream) as text:
        while line := text.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE and not line.endswith("\n"):
                while (rest := text.readline(LONGEST_LINE)) and not rest.endswith("\n"):
                    pass
            yield line


@contextmanager
def _wrapped(stream: IO[bytes]) -> Iterator[io.TextIOWrapper]:
    buffered = io.BufferedReader(stream, 1 << 16)  # type: ignore[type-var]
    start = buffered.peek(3)[:3]
    encoding = (
        "utf-8-sig" if start == b"\xef\xbb\xbf" else "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1"
    )
    text = io.TextIOWrapper(buffered, encoding=encoding, errors="replace")
    try:
        yield text
    finally:
        text.detach()
