"""Asterisk's own record of calls (cdr_csv): what came of calls whose end we did not see.

The channel's unique id is ours, `outring-<attempt>`, and is in a record when `loguniqueid = yes` stands in cdr.conf's
section [csv]. Looked at is the end of the file, and of the one before it, which logrotate calls `.1`. A record is one
line, and each is read for itself: half a line, of a full disk or an Asterisk that was killed, spoils no other.
"""

from __future__ import annotations

import csv
import enum
import io
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from app.asterisk.names import PREFIX, attempt_of
from app.units import AttemptId

TAIL_BYTES: Final = 64 << 20
"""A third of a million calls: what is further back is not looked for."""
_LAST_APP, _DURATION, _BILLSEC, _DISPOSITION, _UNIQUE_ID = 7, 12, 13, 14, 16
_OURS: Final = re.compile(rf"{PREFIX}([a-z0-9]+)".encode())


class CallEnding(enum.Enum):
    """What Asterisk wrote of a call's end; what it writes besides says nothing that is sure."""

    ANSWERED = "ANSWERED"
    BUSY = "BUSY"
    NO_ANSWER = "NO ANSWER"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """A call as Asterisk saw it. lasted_ms: from its beginning to its end; talked_ms: from the answer to the end.

    last_app: the application of the dialplan it was in at its end.
    """

    attempt_id: AttemptId
    ending: CallEnding
    lasted_ms: int
    talked_ms: int
    last_app: str


def read_records(
    file: Path, wanted: Collection[AttemptId], tail_bytes: int = TAIL_BYTES
) -> dict[AttemptId, CallRecord]:
    """What the files say of these attempts; records of one call are put together. Raises OSError."""
    before = file.with_name(f"{file.name}.1")
    files = [one for one in (before, file) if one.exists()] or [file]
    found: dict[AttemptId, CallRecord] = {}
    for line in (line for one in files for line in _lines_about(one, frozenset(wanted), tail_bytes)):
        record = _record(line, wanted)
        if record is not None:
            found[record.attempt_id] = _together(found.get(record.attempt_id), record)
    return found


def _lines_about(file: Path, wanted: Collection[str], tail_bytes: int) -> Iterator[str]:
    """The lines that name one of them: few of very many, so that reading holds nobody up."""
    with file.open("rb") as stream:
        size = stream.seek(0, io.SEEK_END)
        stream.seek(max(0, size - tail_bytes))
        if size > tail_bytes:
            stream.readline()  # the rest of a line
        for line in stream:
            if any(name.decode() in wanted for name in _OURS.findall(line)):
                yield line.decode(errors="replace")


def _together(before: CallRecord | None, record: CallRecord) -> CallRecord:
    """A call that went from one place to another has a record of each; once answered it stays so."""
    if before is None or before.ending is not CallEnding.ANSWERED:
        return record
    if record.ending is not CallEnding.ANSWERED:
        return before
    return replace(record, lasted_ms=before.lasted_ms + record.lasted_ms, talked_ms=before.talked_ms + record.talked_ms)


def _record(line: str, wanted: Collection[AttemptId]) -> CallRecord | None:
    """A line of the file; None: of another channel, of no ending that tells, or not whole.

    Only by the unique id: further on, another channel's record may name the first one of its call (newcdrcolumns).
    """
    try:
        row = next(csv.reader([line]))
    except csv.Error:
        return None
    attempt_id = attempt_of(row[_UNIQUE_ID]) if len(row) > _UNIQUE_ID else None
    if attempt_id is None or attempt_id not in wanted or row[_DISPOSITION] not in CallEnding._value2member_map_:
        return None
    return CallRecord(
        attempt_id=attempt_id,
        ending=CallEnding(row[_DISPOSITION]),
        lasted_ms=_ms(row[_DURATION]),
        talked_ms=_ms(row[_BILLSEC]),
        last_app=row[_LAST_APP],
    )


def _ms(text: str) -> int:
    """Whole seconds, or with a fraction where cdr.conf says so."""
    try:
        return round(float(text) * 1_000)
    except ValueError:
        return 0
