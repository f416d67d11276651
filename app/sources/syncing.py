"""One run of a source: what was done here is written back, and then its table is read.

Written back first: a page read before would undo an edit. What could not be written stays in the trail and is written
by a later run, so that an outage of the other side loses nothing.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from app.contacts.contact_rows import ContactRow, Flaw, RowReader
from app.contacts.importing import OnContactsAdded, import_sheet
from app.contacts.mapping import ColumnMapping
from app.contacts.numbers import NumberReader, reader_for
from app.contacts.problems import Limits
from app.contacts.reading import ImportOptions, plan_sheet
from app.contacts.report import ImportReport
from app.sources.database import SourceDatabase, SourceProblem
from app.sources.table_sheet import TableSheet
from app.store import SqlStore
from app.store import sources as kept
from app.store.errors import NotFound
from app.store.lists import get_list
from app.store.removing import remove_contact
from app.store.sources import Edit, Result, Source, SourceConflict, Written
from app.units import MINUTE_MS, ContactId

RESULTS: Final = ("outcome", "disposition", "note", "agent", "number", "status", "attempts", "at")
"""What of an attempt can be written back."""
SETTLED_MS: Final = MINUTE_MS
"""An attempt that ended so long ago had every older one on disk before it."""
KEPT_PROBLEMS: Final = 200
MOST_GONE: Final = 0.5
FEW: Final = 100
"""Of a list with more contacts than these, at most half are taken out at once: a table being reloaded looks empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReport:
    """What a run did. removed: contacts whose row is gone; conflicts: edits that met another one."""

    report: ImportReport | None
    results: int = 0
    edits: int = 0
    conflicts: int = 0
    removed: int = 0
    problem: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """All of it by name."""
        read = asdict(self.report.counts) if self.report else {}
        mine = {"results": self.results, "edits": self.edits, "conflicts": self.conflicts, "removed": self.removed}
        return {name: int(count) for name, count in read.items()} | mine


class SyncRun:
    """One run on an open database."""

    def __init__(
        self,
        store: SqlStore,
        source: Source,
        database: SourceDatabase,
        *,
        on_contacts_added: OnContactsAdded,
        now_ms: Callable[[], int],
    ) -> None:
        self._store = store
        self._source = source
        self._plan = source.plan
        self._database = database
        self._on_contacts_added = on_contacts_added
        self._now_ms = now_ms
        self._numbers: NumberReader = reader_for(source.plan.country)

    async def run(self) -> SyncReport:
        """Raises SourceProblem, SheetProblem, StoreError."""
        results = edits = conflicts = 0
        if self._plan.is_live:
            self._check_columns()
            results = await self._write_results()
        sheet = await asyncio.to_thread(TableSheet, self._database)
        try:
            options = self._options()
            plan = await asyncio.to_thread(plan_sheet, sheet, self._numbers, options)
            if self._plan.is_live:
                edits, conflicts = await self._write_edits(plan.columns, plan.mapping)
                if edits:  # the sample was read before them
                    sheet.close()
                    sheet = await asyncio.to_thread(TableSheet, self._database)
            found = await self._store.read(get_list, self._source.list_id)
            report = await import_sheet(
                self._store,
                sheet,
                found.name,
                self._numbers,
                options,
                on_contacts_added=self._on_contacts_added,
                now_ms=self._now_ms,
            )
            if not (report.counts.imported or report.counts.updated):
                await self._store.write(kept.forget_import, report.import_id)
            removed, problem = await self._remove_gone(sheet) if self._plan.is_live else (0, "")
        finally:
            sheet.close()
        return SyncReport(
            report=report, results=results, edits=edits, conflicts=conflicts, removed=removed, problem=problem
        )

    async def take_ours(self, conflict: SourceConflict) -> None:
        """Write our value over theirs. Raises SourceProblem."""
        sheet = await asyncio.to_thread(TableSheet, self._database)
        try:
            plan = await asyncio.to_thread(plan_sheet, sheet, self._numbers, self._options())
        finally:
            sheet.close()
        column = column_of(conflict.field, plan.columns, plan.mapping)
        assert column, "a conflict is about a column that is there"
        if not await asyncio.to_thread(self._database.write, [(conflict.key, {column: conflict.ours})]):
            raise SourceProblem("the row is gone")

    def _options(self) -> ImportOptions:
        return ImportOptions(
            mapping=self._plan.mapping,
            duplicates="update",
            key_column=self._plan.key,
            has_header=True,
            limits=Limits(kept_problems=KEPT_PROBLEMS),
        )

    def _check_columns(self) -> None:
        for fact, column in self._plan.results.items():
            if column not in self._database.columns:
                known = ", ".join(self._database.columns[:30])
                raise SourceProblem(f"{self._plan.relation} has no column {column!r} for {fact}; choose of {known}")

    # --- results -----------------------------------------------------------------------------------------------------

    async def _write_results(self) -> int:
        written, count = self._source.written, 0
        oldest_open = await self._store.read(kept.oldest_open_attempt)
        settled_ms = self._now_ms() - SETTLED_MS
        done, to, after, is_settled = set(written.attempts), written.attempts_to, written.attempts_to, True
        while page := await self._store.read(kept.results_after, self._source.list_id, after):
            fresh = [one for one in page if one.attempt_id not in done]
            if fresh and self._plan.results:
                await asyncio.to_thread(self._database.write, [self._row_of(one) for one in fresh])
                count += len(fresh)
            for one in page:
                is_old = oldest_open is None or one.attempt_id < oldest_open
                is_settled = is_settled and is_old and one.closed_at_ms <= settled_ms
                if is_settled:
                    to = one.attempt_id
            done |= {one.attempt_id for one in page}
            done = {one for one in done if one > to}
            after = page[-1].attempt_id
            await self._keep(attempts_to=to, attempts=tuple(sorted(done)))
        return count

    def _row_of(self, result: Result) -> tuple[str, Mapping[str, Any]]:
        at = dt.datetime.fromtimestamp(result.closed_at_ms / 1_000, tz=dt.UTC).replace(tzinfo=None)
        values = {**result.values, "at": at}
        return result.key, {column: values[fact] for fact, column in self._plan.results.items()}

    async def _keep(self, **changed: Any) -> None:
        """Note what was written; it is done again where this fails, which changes nothing."""
        now: dict[str, Any] = asdict(await self._written()) | changed
        await self._store.write(kept.note_source, self._source.id, written=asdict(Written(**now)))

    async def _written(self) -> Written:
        return (await self._store.read(kept.get_source, self._source.id)).written

    # --- edits -------------------------------------------------------------------------------------------------------

    async def _write_edits(self, columns: Sequence[str], mapping: ColumnMapping) -> tuple[int, int]:
        reader = RowReader(columns, mapping, self._numbers)
        after, is_last, count, conflicts = self._source.written.edits_to, False, 0, 0
        while not is_last:
            edits, after, is_last = await self._store.read(kept.edits_after, self._source.list_id, after)
            met: list[tuple[Edit, str]] = []
            for edit in edits:
                column = column_of(edit.field, columns, mapping)
                if not column or column == self._plan.key:
                    continue
                theirs = await asyncio.to_thread(
                    self._database.change, edit.key, column, _expected(reader, edit), edit.after
                )
                count += theirs is None
                if theirs is not None:
                    met.append((edit, theirs))
            if met:
                await self._store.write(kept.add_conflicts, self._source.id, met, self._now_ms())
                conflicts += len(met)
            await self._keep(edits_to=after)
        return count, conflicts

    # --- rows that are gone ------------------------------------------------------------------------------------------

    async def _remove_gone(self, sheet: TableSheet) -> tuple[int, str]:
        """Take out whose row is not there any more: how many, or why not."""
        gone: list[ContactId] = []
        after, count = 0, 0
        while page := await self._store.read(kept.keys_page, self._source.list_id, after):
            gone += [ContactId(contact_id) for contact_id, key in page if not sheet.has(key)]
            after, count = page[-1][0], count + len(page)
        if count > FEW and len(gone) > count * MOST_GONE:
            return 0, (
                f"{len(gone):,} of {count:,} contacts have no row in {self._plan.relation} any more: nobody was taken "
                "out, in case the table is being reloaded"
            )
        by = f"source {self._source.name}"
        for contact_id in gone:
            try:
                await self._store.write(remove_contact, contact_id, by=by, now_ms=self._now_ms())
            except NotFound:
                continue
        return len(gone), ""


def column_of(field: str, columns: Sequence[str], mapping: ColumnMapping) -> str:
    """The column of the table that a field of a contact is written to; empty: there is none."""
    return mapping.as_roles().get(field, "") or (field if field in columns else "")


def _expected(reader: RowReader, edit: Edit) -> Callable[[list[str]], bool]:
    """Whether a row still holds what the editor saw: as written for a column, as read for a fact such as a number."""

    def is_expected(cells: list[str]) -> bool:
        row = reader.read(1, cells)
        contact = row.row if isinstance(row, Flaw) else row
        if not isinstance(contact, ContactRow):
            return False
        if edit.field in ContactRow._fields:
            return str(getattr(contact, edit.field)) == edit.before
        return contact.fields.get(edit.field, "") == edit.before

    return is_expected
