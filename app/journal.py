"""Opt-outs that the database does not take: kept in a file whose room was reserved while there was some.

Somebody who asks never to be called again is heard also when the disk is full or the database is away. The file is
written in full when the program starts, so that later entries overwrite bytes the disk has given already; each is
synced before it counts. The next commit that passes takes them over, this process's or that of the next start.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import structlog

from app.commands import AddDnc

log = structlog.get_logger()

ROOM: Final = 1 << 20
"""Bytes: some five thousand opt-outs."""
FILE: Final = "opt-outs.journal"

_entries = msgspec.json.Encoder()
_entry = msgspec.json.Decoder(AddDnc)


class Journal:
    """The file. Raises OSError when it cannot be made."""

    def __init__(self, folder: Path, *, room: int = ROOM) -> None:
        self._path = folder / FILE
        self._room = room
        self._kept: list[AddDnc] = []
        self._end = 0
        self._read()
        self._reserve()

    @property
    def kept(self) -> Sequence[AddDnc]:
        """What the database has not taken over yet, oldest first."""
        return tuple(self._kept)

    def keep(self, command: AddDnc) -> bool:
        """Write one down; whether it is on disk now. False when the room is used up, or the disk fails."""
        if command in self._kept:
            return True
        line = _entries.encode(command) + b"\n"
        if self._end + len(line) > self._room:
            log.error("opt-out kept in memory only: the journal is full", file=str(self._path))
            return False
        try:
            self._write(self._end, line)
        except OSError as error:
            log.error("opt-out kept in memory only", file=str(self._path), error=str(error))
            return False
        self._end += len(line)
        self._kept.append(command)
        return True

    def clear(self) -> None:
        """The database has all of them."""
        if not self._kept:
            return
        try:
            self._write(0, b"\0" * self._end)
        except OSError as error:  # they are given to the database once more at the next start, which changes nothing
            log.warning("the journal of opt-outs is not cleared", file=str(self._path), error=str(error))
            return
        self._kept, self._end = [], 0

    def _read(self) -> None:
        try:
            written = self._path.read_bytes()
        except FileNotFoundError:
            return
        for line in written.rstrip(b"\0").splitlines(keepends=True):
            try:
                self._kept.append(_entry.decode(line))
            except msgspec.DecodeError:
                log.error("a line of the journal of opt-outs cannot be read", file=str(self._path), at=self._end)
                if not line.endswith(b"\n"):
                    break  # it was torn, and never counted: the next one takes its place
            self._end += len(line)

    def _reserve(self) -> None:
        """Have the disk give the room now: bytes, not a hole."""
        size = self._path.stat().st_size if self._path.exists() else 0
        if size < self._room:
            self._write(size, b"\0" * (self._room - size))

    def _write(self, at: int, content: bytes) -> None:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            view = memoryview(content)
            while view:
                written = os.pwrite(file, view, at)
                view, at = view[written:], at + written
            os.fsync(file)
        finally:
            os.close(file)
