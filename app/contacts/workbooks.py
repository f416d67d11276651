"""Sheets in workbooks: XLSX, XLS, ODS, read by python-calamine in a process of its own (see workbook_process)."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Generator
from typing import BinaryIO, Final

import msgspec

from app.contacts.problems import Limits, SheetProblem
from app.contacts.text_sheets import Batch
from app.contacts.workbook_process import LENGTH, Frame, Heading, Refusal, Rows

_JUDGED_FROM: Final = 100 * 1024**2  # bytes unpacked, from which on the ratio tells something
_frames: Final[msgspec.msgpack.Decoder[Frame]] = msgspec.msgpack.Decoder(Frame)


def check_package(stream: BinaryIO, file: str, limits: Limits) -> None:
    """Refuse a zipped workbook (XLSX, ODS) that is cut short, broken, or unpacks to far too much."""
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as package:
            parts = package.infolist()
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError):
        raise SheetProblem(
            file=file,
            why="the workbook is cut short or broken",
            mend="copy or download it again, and see that it opens in a spreadsheet",
        ) from None
    names = {part.filename for part in parts}
    if not names & {"xl/workbook.xml", "xl/workbook.bin", "content.xml"} and "[Content_Types].xml" not in names:
        raise SheetProblem(
            file=file, why="it is a ZIP archive, not a workbook", mend="unpack it and import the list in it"
        )
    unpacked = sum(part.file_size for part in parts)
    packed = max(1, sum(part.compress_size for part in parts))
    if unpacked > limits.workbook or (unpacked > _JUDGED_FROM and unpacked / packed > limits.ratio):
        raise SheetProblem(
            file=file,
            why=f"it unpacks to {unpacked:,} bytes, {unpacked // packed} times its size",
            mend="save the sheet with the contacts alone, as CSV UTF-8",
        )


class Workbook:
    """A workbook being read in its own process; close it when done, or half-way."""

    def __init__(self, stream: BinaryIO, file: str, limits: Limits, sheet: str = "") -> None:
        """Begin to read. Raises SheetProblem when the workbook is broken, protected, too big, or has no such sheet."""
        self._file = file
        stream.seek(0)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "app.contacts.workbook_process", str(limits.reading_memory), sheet],
            stdin=stream,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            heading = self._next()
            assert isinstance(heading, Heading)
        except BaseException:
            self.close()
            raise
        self.heading: Final = heading

    def batches(self) -> Generator[Batch]:
        """The rows, once. Raises SheetProblem when the process comes to its end before them."""
        line = 1
        while True:
            frame = self._next()
            assert isinstance(frame, Rows)
            if not frame.rows:
                return
            rows = list(enumerate(frame.rows, line))
            line += len(rows)
            yield Batch(rows=rows, broken=[], done=line - 1)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _next(self) -> Heading | Rows:
        source = self._process.stdout
        assert source is not None
        head = source.read(LENGTH.size)
        body = source.read(LENGTH.unpack(head)[0]) if len(head) == LENGTH.size else b""
        if not body:
            raise SheetProblem(
                file=self._file,
                why="it asks for more memory than a list may, or is damaged",
                mend="save the sheet with the contacts alone, as CSV UTF-8",
            )
        frame = _frames.decode(body)
        if isinstance(frame, Refusal):
            raise SheetProblem(file=self._file, why=frame.why, mend=frame.mend)
        return frame
