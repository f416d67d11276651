"""The process that reads a workbook, apart from the dialer: `python -m app.contacts.workbook_process MEMORY SHEET`.

A workbook has to be unpacked into memory whole, by native code, and one made with ill intent asks for any amount of
it. Here it has a process of its own with a limit, whose end harms nobody. The workbook comes in on standard input; on
standard output go frames: four bytes of length and a msgpack value. First a heading, then batches of rows (texts), or
at any point a refusal.
"""

from __future__ import annotations

import datetime as dt
import io
import itertools
import resource
import struct
import sys
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import python_calamine

ROWS_A_FRAME: Final = 1_000
LENGTH: Final = struct.Struct(">I")


class Heading(msgspec.Struct, tag="heading"):
    """What a workbook has: its visible sheets, the one read, about how many lines that has."""

    sheets: list[str]
    sheet: str
    rows: int


class Rows(msgspec.Struct, tag="rows"):
    """The next rows, every cell as text; none: that was all."""

    rows: list[list[str]]


class Refusal(msgspec.Struct, tag="refusal"):
    """Why there is no more to come."""

    why: str
    mend: str


Frame = Heading | Rows | Refusal


def main() -> None:
    """Read a workbook from standard input and write its frames."""
    memory, asked = int(sys.argv[1]), sys.argv[2]
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        for frame in _frames(sys.stdin.buffer.read(), asked):
            packed = msgspec.msgpack.encode(frame)
            sys.stdout.buffer.write(LENGTH.pack(len(packed)) + packed)
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # nobody wants the rest
        sys.stderr.close()


def _frames(content: bytes, asked: str) -> Iterator[Frame]:
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheets = [
            found.name
            for found in book.sheets_metadata
            if found.typ == python_calamine.SheetTypeEnum.WorkSheet
            and found.visible == python_calamine.SheetVisibleEnum.Visible
        ]
        name = asked or next(iter(sheets), "")
        if name not in book.sheet_names:
            named = ", ".join(sheets) or "none"
            yield Refusal(why=f"there is no sheet {name!r} in it", mend=f"choose one of: {named}")
            return
        sheet = book.get_sheet_by_name(name)
    except python_calamine.PasswordError:
        yield Refusal(why="it is protected by a password", mend="save it without a password")
        return
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        yield Refusal(why=f"it is broken: {error}", mend="open it in a spreadsheet and save it again, or as CSV UTF-8")
        return
    yield Heading(sheets=sheets, sheet=name, rows=sheet.total_height)
    rows = sheet.iter_rows()  # from the first line on, the empty ones too
    while batch := list(itertools.islice(rows, ROWS_A_FRAME)):
        yield Rows(rows=[[_text(value) for value in row] for row in batch])
    yield Rows(rows=[])


def _text(value: Any) -> str:
    """A cell as a person sees it: no .0 behind whole numbers, dates without a midnight."""
    match value:
        case str():
            return value
        case bool():
            return "TRUE" if value else "FALSE"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e21 else format(value, ".15g")
        case dt.datetime():
            is_day = not (value.hour or value.minute or value.second or value.microsecond)
            return value.date().isoformat() if is_day else value.isoformat(sep=" ")
        case _:
            return str(value)


if __name__ == "__main__":
    main()
