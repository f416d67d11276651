"""Loading national do-not-call registers, and files of opt-outs, while calls go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.commands import AddDnc
from app.contacts.number_files import Reading, read_numbers
from app.store.dnc import add_dnc_numbers
from app.store.door import SqlStore
from app.store.errors import StoreError
from app.store.national import (
    add_national_numbers,
    begin_edition,
    clear_piece,
    create_national_list,
    fail_edition,
    national_list_named,
    national_lists_by_name,
    publish_edition,
)
from app.store.telling import tell_imported
from app.units import Number


@dataclass(frozen=True, slots=True, kw_only=True)
class NumbersReport:
    """What an import of bare numbers did. lines = numbers + rejected + empty; new: of the numbers, not there before."""

    lines: int
    numbers: int
    new: int
    rejected: int
    problems: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {name: getattr(self, name) for name in self.__slots__}


Progress = Callable[[Reading], None]


class NothingRead(Exception):
    """No line of the file is a number: it would have emptied the list."""


async def import_national(
    store: SqlStore,
    file: Path,
    *,
    name: str,
    country: str,
    as_of_ms: int,
    who: str,
    now_ms: Callable[[], int],
    column: int = 0,
    on_progress: Progress = lambda _reading: None,
) -> NumbersReport:
    """Load an edition of a register, made where there is none of this name; it counts from its end on, and whole.

    as_of_ms: when the register was so. Until then, and when it fails, the edition before counts. Raises SheetProblem,
    NothingRead, StoreError, ValueError for an unknown country.
    """
    if name not in await store.read(national_lists_by_name):
        await store.write(create_national_list, name=name, country=country, now_ms=now_ms())
    national = await store.read(national_list_named, name)
    edition = await store.write(
        begin_edition, national.id, as_of_ms=as_of_ms, file_name=file.name, who=who, now_ms=now_ms()
    )
    reading, new = Reading(), 0
    try:
        async with store.long_writing():
            pieces = read_numbers(file, country, reading, column=column)
            while (piece := await asyncio.to_thread(_next, pieces)) is not None:
                digits = [int(number[1:]) for number in piece]
                new += await store.write(add_national_numbers, edition, digits)
                on_progress(reading)
        if not reading.numbers:
            raise NothingRead(f"no line of {file.name} is a number: {'; '.join(reading.problems[:1]) or 'it is empty'}")
        await store.write(publish_edition, edition, numbers=new, rejected=reading.rejected, now_ms=now_ms())
    except BaseException:
        await store.write(fail_edition, edition, rejected=reading.rejected, now_ms=now_ms())
        raise
    finally:
        await clear_away(store, now_ms)
    return _report(reading, new)


async def import_opt_outs(
    store: SqlStore,
    file: Path,
    *,
    country: str,
    like: AddDnc,
    now_ms: Callable[[], int],
    column: int = 0,
    on_progress: Progress = lambda _reading: None,
) -> NumbersReport:
    """Put the numbers of a file on the do-not-call list. like: for whom, who says so and why.

    Other processes may place calls to them for as long as a claim is good: see app.barring. Raises SheetProblem,
    NothingRead, StoreError.
    """
    reading, new = Reading(), 0
    pieces = read_numbers(file, country, reading, column=column)
    try:
        while (piece := await asyncio.to_thread(_next, pieces)) is not None:
            new += await store.write(add_dnc_numbers, piece, source=like.source, now_ms=now_ms(), like=like)
            on_progress(reading)
    finally:  # what was written before the file broke off counts too
        if new:
            counts = {"numbers": reading.numbers, "new": new, "rejected": reading.rejected}
            await store.write(tell_imported, store.listeners, like, file.name, counts, now_ms())
    if not reading.numbers:
        raise NothingRead(f"no line of {file.name} is a number: {'; '.join(reading.problems[:1]) or 'it is empty'}")
    return _report(reading, new)


async def clear_away(store: SqlStore, now_ms: Callable[[], int]) -> None:
    """Clear away the numbers of editions that count no more, piece by piece, with calls going on between them."""
    try:
        is_more = True
        while is_more:
            is_more = await store.write(clear_piece, now_ms())
    except StoreError:
        pass  # they take room and nothing else; the next import clears them away


def _next(pieces: Iterator[list[Number]]) -> list[Number] | None:
    return next(pieces, None)


def _report(reading: Reading, new: int) -> NumbersReport:
    return NumbersReport(
        lines=reading.lines,
        numbers=reading.numbers,
        new=new,
        rejected=reading.rejected,
        problems=tuple(reading.problems),
    )
