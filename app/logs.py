"""Logs: one line an event, for people on a terminal and as JSON otherwise. Only the shell logs.

Whatever is logged, at any level and by any library, goes by `Masking` first: numbers are shown by their country and
last two digits, and passwords, keys and tokens not at all. A log that goes to a file is bounded, and a full disk loses
lines, never the program.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import structlog

from app.units import masked

Format = Literal["auto", "json", "text"]
HIDDEN: Final = "•••"
MEGABYTE: Final = 1_000_000
_SHORTEST_SECRET: Final = 4
_OURS: Final = frozenset({"timestamp", "level"})
_SUSPECT: Final = r"[0-9]{7}|outring_|://|=|(?i:bearer|basic)"
"""What a text has that holds something to be hidden; most have not, and cost one look."""
_NUMBER: Final = re.compile(r"(?:\+|%2[Bb])[1-9][0-9]{6,14}(?![0-9])|(?<![\w.+-])[0-9]{9,15}(?![\w.-])")
_KEY: Final = re.compile(r"\boutring_[A-Za-z0-9_-]{20,}")
_HEADER: Final = re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
_IN_ADDRESS: Final = re.compile(r"(://[^/\s:@]*):[^/\s@]+@")
_IN_QUERY: Final = re.compile(r"\b(api_key|password|secret|token)=[^&\s\"']+", re.IGNORECASE)


class Sink(Protocol):
    """Where lines go."""

    def write(self, text: str, /) -> object:
        """Take a line, or a part of one."""

    def flush(self) -> object:
        """Let go of what was taken."""


class Masking:
    """Hides numbers and secrets in every text of an event, also in what an exception says."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        long_enough = {one for one in secrets if len(one) >= _SHORTEST_SECRET}
        self._secrets = sorted(long_enough, key=len, reverse=True)  # one may be a part of another
        self._suspect = re.compile("|".join([_SUSPECT, *map(re.escape, self._secrets)]))

    def __call__(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """As a processor of structlog."""
        look = self._suspect.search
        for name, value in event.items():
            if type(value) is str:
                if name not in _OURS and look(value) is not None:
                    event[name] = self.text(value)
            elif type(value) is not int:
                event[name] = self._value(value)
        return event

    def _value(self, value: Any) -> Any:
        match value:
            case str():
                return self.text(value)
            case bool() | int() | float() | None:
                return value
            case Mapping():
                return {self._value(name): self._value(one) for name, one in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self._value(one) for one in value]
            case _:
                return self.text(str(value))

    def text(self, text: str) -> str:
        """A text without its secrets, its numbers masked."""
        if self._suspect.search(text) is None:
            return text
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        text = _KEY.sub(f"outring_{HIDDEN}", text)
        text = _HEADER.sub(rf"\1 {HIDDEN}", text)
        text = _IN_ADDRESS.sub(rf"\1:{HIDDEN}@", text)
        text = _IN_QUERY.sub(rf"\1={HIDDEN}", text)
        return _NUMBER.sub(lambda found: masked(found[0]), text)


class BoundedFile:
    """A log file that never grows past its share: FILE, then FILE.1 … FILE.<keep> for what came before it.

    Where the disk is full or the file is closed to us, lines are lost and counted, and the next that can be written
    says how many. Where no new file can be begun (the folder is closed to us), the old one goes on past its share, and
    a new one is tried for each tenth of it.
    """

    def __init__(self, path: Path, *, max_bytes: int, keep: int) -> None:
        """Raises OSError when the file cannot be opened at all."""
        self._path, self._max_bytes, self._keep = path, max_bytes, keep
        self.lost = 0
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        self._file = os.fdopen(descriptor, "ab", buffering=0)
        self._size = self._file.tell() or os.fstat(descriptor).st_size
        self._full_bytes = max_bytes

    def write(self, text: str, /) -> None:
        """Append; begins a new file first where this one is full."""
        line = text.encode("utf-8", "replace")
        try:
            if self._size and self._size + len(line) > self._full_bytes:
                self._begin_anew()
            if self.lost:
                line = f'{{"event": "log lines lost", "lines": {self.lost}}}\n'.encode() + line
            self._file.write(line)
        except (OSError, ValueError):  # ValueError: the file is closed
            self.lost += 1
            return
        self._size += len(line)
        self.lost = 0

    def _begin_anew(self) -> None:
        """Put a new file in this one's place; where that fails, this one stays open and is written on."""
        old, new = self._file, self._path.with_name(f"{self._path.name}.new")
        try:
            new.unlink(missing_ok=True)
            made = os.open(new, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o640)
        except OSError:
            self._full_bytes = self._size + self._max_bytes // 10
            return
        try:
            self._shift()
            new.replace(self._path)
        except OSError:
            os.close(made)
            with suppress(OSError):
                new.unlink(missing_ok=True)
            self._full_bytes = self._size + self._max_bytes // 10
            return
        self._file, self._size, self._full_bytes = os.fdopen(made, "ab", buffering=0), 0, self._max_bytes
        with suppress(OSError):
            old.close()

    def _shift(self) -> None:
        """Move each older file on by one, up to the first free place: what failed halfway loses none when repeated."""
        if not self._keep or not self._path.exists():
            return
        places = [self._path, *(self._path.with_name(f"{self._path.name}.{n}") for n in range(1, self._keep + 1))]
        free = next((n for n, place in enumerate(places) if not place.exists()), self._keep)
        for n in range(free, 0, -1):
            places[n - 1].replace(places[n])

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def set_up(
    level: str = "INFO", *, stream: Sink | None = None, form: Format = "auto", secrets: Iterable[str] = ()
) -> None:
    """Send all logs to `stream` (standard error when None), ours and those of libraries, in one form.

    form: `auto` is text for a terminal and JSON otherwise. secrets: texts that no line may hold.
    """
    target: Any = stream or sys.stderr
    for_machines = form == "json" or (form == "auto" and not (hasattr(target, "isatty") and target.isatty()))
    renderer: Any = structlog.processors.JSONRenderer() if for_machines else structlog.dev.ConsoleRenderer()
    number = logging.getLevelNamesMapping()[level]
    common: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        Masking(secrets),
    ]
    structlog.configure(
        processors=[*common, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=target),
        cache_logger_on_first_use=True,
    )
    _set_up_libraries(number, target, [structlog.stdlib.add_logger_name, *common], renderer)


def _set_up_libraries(number: int, target: Any, processors: list[Any], renderer: Any) -> None:
    """What speaks through Python's own logging: from WARNING up, our own modules from DEBUG where that is wanted."""
    handler = logging.StreamHandler(target)
    last = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=last, foreign_pre_chain=processors))
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)
    logging.getLogger("app").setLevel(number if number < logging.INFO else max(number, logging.WARNING))
