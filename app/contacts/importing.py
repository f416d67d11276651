"""A file into a list: read in a thread, written chunk by chunk, in constant memory, with a report row by row.

Each chunk is all or nothing, with its counts and problems. Killed half-way, an import is finished by doing it again:
rows that are in are duplicates then. A file that is broken as a whole loads nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.contacts.chunks import Begun, Chunk, Written, begin_import, finish_import, write_chunk
from app.contacts.mapping import ColumnMapping
from app.contacts.numbers import NumberReader, country, reader_for
from app.contacts.problems import RowProblem
from app.contacts.reading import ChunkReader, ImportOptions, SheetPlan, plan_sheet
from app.contacts.report import Counts, ImportProgress, ImportReport
from app.contacts.sheets import OpenSheet, Sheet, SheetFacts, open_sheet
from app.store import SqlStore
from app.store.sources import live_source
from app.units import CampaignId

SHOWN_PROBLEMS: Final = 100
"""Problems in the report itself; the table import_problems has more."""

OnProgress = Callable[[ImportProgress], None]
OnContactsAdded = Callable[[CampaignId, int], None]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What an import would make of a file: its facts, columns with their role, and the first rows."""

    facts: SheetFacts
    has_header: bool
    columns: tuple[str, ...]
    mapping: ColumnMapping
    samples: tuple[tuple[str, ...], ...]


def preview(path: Path, country_code: str, options: ImportOptions | None = None) -> Preview:
    """Look at a file without loading it. Raises SheetProblem, and ValueError for an unknown country."""
    options = options or ImportOptions()
    numbers = reader_for(country(country_code))
    with open_sheet(path, limits=options.limits, encoding=options.encoding, sheet=options.sheet) as sheet:
        plan = plan_sheet(sheet, numbers, options)
        rows = [cells for _, cells in sheet.sample[1 if plan.header_line else 0 :]]
        return Preview(
            facts=sheet.facts,
            has_header=bool(plan.header_line),
            columns=plan.columns,
            mapping=plan.mapping,
            samples=tuple(tuple(cells) for cells in rows[:5]),
        )


async def import_list(
    store: SqlStore,
    path: Path,
    list_name: str,
    country_code: str,
    options: ImportOptions | None = None,
    *,
    on_progress: OnProgress = lambda _: None,
    on_contacts_added: OnContactsAdded = lambda _campaign, _count: None,
    now_ms: Callable[[], int] = _now_ms,
) -> ImportReport:
    """Load a file into the list of this name, which is made where there is none.

    country_code: ISO 3166, how numbers without a country code are read. on_progress: called on the event loop, after
    each chunk. on_contacts_added: for campaigns that have the list already, after each chunk that added to them.

    Raises SheetProblem with nothing loaded when the file cannot be read as a list, ValueError for an unknown country
    or an impossible name, StoreError when the database refuses: chunks written before it stay.
    """
    options = options or ImportOptions()
    numbers = reader_for(country(country_code))
    name = list_name.strip()
    if not 0 < len(name) <= 128:
        raise ValueError(f"a list's name has 1 to 128 characters, not {len(name)}; choose another one")
    if options.rejected_to is not None:
        _check_rejected_to(options.rejected_to, path)
    if (live := await store.read(live_source, name)) is not None:
        table = f"{live.plan.database}, {live.plan.relation}"
        raise ValueError(f"the list {name!r} lives in {table}; add rows there, or import into another list")
    with await _open(path, options, on_progress) as sheet:
        return await import_sheet(
            store,
            sheet,
            name,
            numbers,
            options,
            on_progress=on_progress,
            on_contacts_added=on_contacts_added,
            now_ms=now_ms,
        )


async def import_sheet(
    store: SqlStore,
    sheet: OpenSheet,
    name: str,
    numbers: NumberReader,
    options: ImportOptions,
    *,
    on_progress: OnProgress = lambda _: None,
    on_contacts_added: OnContactsAdded = lambda _campaign, _count: None,
    now_ms: Callable[[], int] = _now_ms,
) -> ImportReport:
    """Load an open sheet, or what reads like one, into the list of this name. Raises as import_list does."""
    plan = await asyncio.to_thread(plan_sheet, sheet, numbers, options)
    begun = await store.write(
        begin_import,
        list_name=name,
        country=numbers.region,
        columns=plan.columns,
        file=sheet.file,
        sha256=sheet.facts.sha256,
        mapping=plan.mapping.as_roles(),
        now_ms=now_ms(),
        column_types=plan.column_types,
    )
    run = _Run(store, begun, options, sheet.facts.size, on_progress, on_contacts_added)
    async with store.long_writing():
        with ChunkReader(sheet, plan, numbers, options) as chunks:
            await run.write_all(chunks, now_ms)
    await store.write(finish_import, begun.import_id, run.counts, now_ms())
    return run.report(name, sheet.file, plan)


def _check_rejected_to(rejected_to: Path, path: Path) -> None:
    """Raises ValueError where rejected rows would overwrite the list itself, or have no folder to go to."""
    if rejected_to.exists() and path.exists() and rejected_to.samefile(path):
        raise ValueError(f"{rejected_to.name} is the list itself; give rejected rows a file of their own")
    if not rejected_to.absolute().parent.is_dir():
        raise ValueError(f"there is no folder {rejected_to.absolute().parent} for rejected rows; make it first")


async def _open(path: Path, options: ImportOptions, on_progress: OnProgress) -> Sheet:
    """Open a sheet in a thread, telling how far its check is."""
    loop = asyncio.get_running_loop()
    total = path.stat().st_size if path.is_file() else 0

    def on_checked(done: int) -> None:
        if done % (1 << 24) == 0 or done == total:
            loop.call_soon_threadsafe(on_progress, ImportProgress(stage="checking", done=done, total=total))

    return await asyncio.to_thread(
        open_sheet,
        path,
        limits=options.limits,
        encoding=options.encoding,
        sheet=options.sheet,
        on_checked=on_checked,
    )


class _Run:
    """The writing half of one import, and what came of it so far."""

    def __init__(
        self,
        store: SqlStore,
        begun: Begun,
        options: ImportOptions,
        total: int,
        on_progress: OnProgress,
        on_contacts_added: OnContactsAdded,
    ) -> None:
        self._store = store
        self._begun = begun
        self._options = options
        self._total = total
        self._on_progress = on_progress
        self._on_contacts_added = on_contacts_added
        self.counts = Counts()
        self._problems: list[RowProblem] = []
        self._problem_count = 0
        self._mends: Counter[str] = Counter()
        self._campaigns: Counter[CampaignId] = Counter()

    async def write_all(self, chunks: ChunkReader, now_ms: Callable[[], int]) -> None:
        """Write chunk after chunk, reading the next one meanwhile."""
        chunks.is_dialing = self._begun.is_dialing
        upcoming = asyncio.create_task(asyncio.to_thread(chunks.next_chunk))
        try:
            while (chunk := await asyncio.shield(upcoming)) is not None:
                upcoming = asyncio.create_task(asyncio.to_thread(chunks.next_chunk))
                written = await self._write(chunk, now_ms())
                chunks.is_dialing = written.is_dialing
                self._note(chunk, written)
        finally:
            await asyncio.wait([upcoming])  # a thread cannot be cancelled, and it reads from what is closed next

    def report(self, name: str, file: str, plan: SheetPlan) -> ImportReport:
        """What came of it."""
        return ImportReport(
            import_id=self._begun.import_id,
            list_id=self._begun.list_id,
            list_name=name,
            file=file,
            counts=self.counts,
            columns=plan.columns,
            mapping=plan.mapping.as_roles(),
            problems=tuple(self._problems),
            problem_count=self._problem_count,
            mends=dict(self._mends),
            campaigns=dict(self._campaigns),
        )

    async def _write(self, chunk: Chunk, now_ms: int) -> Written:
        return await self._store.write(
            write_chunk,
            self._begun,
            chunk,
            with_updates=self._options.duplicates == "update",
            before=self.counts,
            room=max(0, self._options.limits.kept_problems - self._problem_count),
            now_ms=now_ms,
        )

    def _note(self, chunk: Chunk, written: Written) -> None:
        self.counts += written.counts
        self._problem_count += len(written.problems)
        self._problems += written.problems[: max(0, SHOWN_PROBLEMS - len(self._problems))]
        self._mends.update(problem.mend for problem in written.problems)
        self._campaigns.update(written.campaigns)
        for campaign_id, count in written.campaigns.items():
            self._on_contacts_added(campaign_id, count)
        self._on_progress(
            ImportProgress(
                stage="importing",
                done=chunk.done,
                total=self._total,
                counts=self.counts,
                import_id=self._begun.import_id,
            )
        )
