"""Opt-outs that the database does not take: kept in a file whose room was reserved while there was some.

Somebody who asks never to be called again is heard also when the disk is full or the database is away. The file is
written in full when the program starts, so that later entries overwrite bytes the disk has given already; each is
synced before it counts. The next commit that passes takes them over, this process's or that of the next start, which
does not wait for its turn to dial.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import structlog

from app.commands import AddDnc
from app.ports import DncList
from app.store.errors import Misfit, NotFound, StoreError

log = structlog.get_logger()

ROOM: Final = 1 << 20
"""Bytes: some five thousand opt-outs."""
FILE: Final = "opt-outs.journal"
HANDED_OVER: Final = 500
"""Opt-outs in one transaction at the most."""

_entries = msgspec.json.Encoder()
_entry = msgspec.json.Decoder(AddDnc)


class Journal:
    """The file. Raises OSError when it cannot be made."""

    def __init__(self, folder: Path, *, room: int = ROOM) -> None:
        self._path = folder / FILE
        self._room = room
        self._kept: dict[AddDnc, None] = {}  # in the order of the file
        self._end = 0
        self._read()
        self._reserve()

    @property
    def kept(self) -> Sequence[AddDnc]:
        """What the database has not taken over yet, oldest first."""
        return tuple(self._kept)

    def keep(self, commands: Sequence[AddDnc]) -> Sequence[AddDnc]:
        """Write down those that are new, synced once; which of them are on disk: not what room or disk refuse."""
        lines: dict[AddDnc, bytes] = {}
        end = self._end
        missing = [command for command in dict.fromkeys(commands) if command not in self._kept]
        for command in missing:
            line = _entries.encode(command) + b"\n"
            if end + len(line) <= self._room:
                lines[command] = line
                end += len(line)
        if left := len(missing) - len(lines):
            log.error("opt-outs kept in memory only: the journal is full", file=str(self._path), opt_outs=left)
        if not lines:
            return ()
        try:
            self._write(self._end, b"".join(lines.values()))
        except OSError as error:
            log.error("opt-outs kept in memory only", file=str(self._path), error=str(error), opt_outs=len(lines))
            return ()
        self._end = end
        self._kept.update(dict.fromkeys(lines))
        return tuple(lines)

    async def hand_over(self, store: DncList, now_ms: int) -> bool:
        """Bring all of them into the database, whoever is on duty. False: it refuses now; they stay here."""
        kept = self.kept
        try:
            for start in range(0, len(kept), HANDED_OVER):
                await _bar(store, kept[start : start + HANDED_OVER], now_ms)
        except StoreError as error:
            log.error("the database refuses opt-outs kept beside it", error=str(error), opt_outs=len(kept))
            return False
        self.clear()
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
        self._kept, self._end = {}, 0

    def _read(self) -> None:
        try:
            written = self._path.read_bytes()
        except FileNotFoundError:
            return
        for line in written.rstrip(b"\0").splitlines(keepends=True):
            try:
                # another dialer of this folder may have cleared what was before it
                self._kept[_entry.decode(line.lstrip(b"\0"))] = None
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


async def _bar(store: DncList, opt_outs: Sequence[AddDnc], now_ms: int) -> None:
    """As one; or, with one among them that can never be written, each by itself without that one."""
    try:
        await store.bar(opt_outs, now_ms)
    except (NotFound, Misfit) as error:
        if len(opt_outs) > 1:
            for one in opt_outs:
                await _bar(store, [one], now_ms)
            return
        log.error("opt-out dropped", source=opt_outs[0].source, error=str(error))
