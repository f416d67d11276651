"""Runs the sources when they are due, one after another, and holds a live list while its database is out of sight."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import structlog
from pydantic import SecretStr

from app.contacts.problems import SheetProblem
from app.sources.database import SourceDatabase, SourceProblem
from app.sources.syncing import SyncReport, SyncRun
from app.store import SqlStore, StoreError
from app.store import sources as kept
from app.store.errors import InUse
from app.store.holding import campaigns_of, hold_piece
from app.store.sources import Source, SourceConflict, SourceStatus
from app.units import SECOND_MS, CampaignId, ListId

log = structlog.get_logger()

LOOK_S: Final = 1.0
AGAIN_MS: Final = 10 * SECOND_MS
"""A database that cannot be reached is asked again after this long."""


class Sources:
    """All sources of the program. databases: names and addresses from the settings."""

    def __init__(
        self,
        *,
        store: SqlStore,
        databases: Mapping[str, SecretStr],
        now_ms: Callable[[], int],
        contacts_added: Callable[[Sequence[CampaignId]], None],
    ) -> None:
        self._now_ms = now_ms
        self._contacts_added = contacts_added
        self._store = store
        self._databases = databases
        self._one_at_a_time = asyncio.Lock()

    @property
    def databases(self) -> tuple[str, ...]:
        """The names of databases that a source may have."""
        return tuple(sorted(self._databases))

    async def run(self) -> None:
        """Look for what is due, until cancelled."""
        while True:
            try:
                for source in await self._store.read(kept.list_sources):
                    if source.next_at_ms is not None and source.next_at_ms <= self._now_ms():
                        await self.sync(source.id)
            except StoreError as error:
                log.warning("sources", error=str(error))
            await asyncio.sleep(LOOK_S)

    async def sync(self, source_id: int) -> Source:
        """Run one now; what goes wrong is in the answer's problem. Raises NotFound, StoreError."""
        async with self._one_at_a_time:
            source = await self._store.read(kept.get_source, source_id)
            try:
                report = await self._run(source)
            except SourceProblem as error:
                await self._failed(source, str(error), is_outage=error.is_outage)
            except (SheetProblem, ValueError) as error:
                await self._failed(source, str(error), is_outage=False)
            else:
                await self._done(source, report)
            return await self._store.read(kept.get_source, source_id)

    async def check(self, plan: kept.SourcePlan) -> None:
        """Whether a source can be read at all. Raises SourceProblem."""
        database = await asyncio.to_thread(self._opened, plan)
        try:
            await asyncio.to_thread(database.check_keys)
        finally:
            database.close()

    async def settle(self, source_id: int, conflict_id: int, taken: str) -> SourceConflict:
        """Take one of two values: ours is written over theirs. Raises NotFound, SourceProblem, InUse."""
        async with self._one_at_a_time:
            source = await self._store.read(kept.get_source, source_id)
            conflict = await self._store.read(kept.get_conflict, source_id, conflict_id)
            if conflict.taken:
                raise InUse(f"this conflict is settled already: {conflict.taken} was taken")
            if taken == "ours":
                await self._write_ours(source, conflict)
            await self._store.write(kept.settle_conflict, conflict_id, taken)
            await self._store.write(kept.note_source, source_id, next_at_ms=self._now_ms())
            return await self._store.read(kept.get_conflict, source_id, conflict_id)

    async def remove(self, source_id: int) -> None:
        """Forget a source; its list and contacts stay, and are dialed. Raises NotFound."""
        async with self._one_at_a_time:
            removed = await self._store.write(kept.remove_source, source_id)
            if removed.is_held:
                await self._hold(removed.list_id, is_held=False)

    # --- a run -------------------------------------------------------------------------------------------------------

    def _opened(self, plan: kept.SourcePlan) -> SourceDatabase:
        address = self._databases.get(plan.database)
        if address is None:
            raise SourceProblem(
                f"there is no database {plan.database!r} in the settings; add it under [databases] in outring.toml"
            )
        return SourceDatabase(address.get_secret_value(), plan.relation, plan.key)

    async def _run(self, source: Source) -> SyncReport:
        database = await asyncio.to_thread(self._opened, source.plan)
        try:
            return await self._sync_run(source, database).run()
        finally:
            database.close()

    async def _write_ours(self, source: Source, conflict: SourceConflict) -> None:
        database = await asyncio.to_thread(self._opened, source.plan)
        try:
            await self._sync_run(source, database).take_ours(conflict)
        finally:
            database.close()

    def _sync_run(self, source: Source, database: SourceDatabase) -> SyncRun:
        def added(campaign_id: CampaignId, _count: int) -> None:
            self._contacts_added([campaign_id])

        return SyncRun(self._store, source, database, on_contacts_added=added, now_ms=self._now_ms)

    async def _done(self, source: Source, report: SyncReport) -> None:
        if source.is_held:
            await self._hold(source.list_id, is_held=False)
        now_ms, every_ms = self._now_ms(), source.plan.every_ms
        await self._store.write(
            kept.note_source,
            source.id,
            status=(SourceStatus.FAILED if report.problem else SourceStatus.WAITING).value,
            problem=report.problem,
            ran_at_ms=now_ms,
            next_at_ms=now_ms + every_ms if every_ms else None,
            counts=report.counts,
            is_held=False,
        )
        if source.problem or report.counts.get("conflicts"):
            log.info("source", source=source.name, problem=report.problem or "none", **report.counts)

    async def _failed(self, source: Source, problem: str, *, is_outage: bool) -> None:
        now_ms, every_ms = self._now_ms(), source.plan.every_ms
        is_held = source.plan.is_live and is_outage
        again_ms = AGAIN_MS if is_outage else every_ms
        await self._store.write(
            kept.note_source,
            source.id,
            status=(SourceStatus.UNREACHABLE if is_outage else SourceStatus.FAILED).value,
            problem=problem,
            next_at_ms=now_ms + again_ms if again_ms else None,
            is_held=source.is_held or is_held,
        )
        if is_held:  # again at each try: what was called meanwhile may be due again
            await self._hold(source.list_id, is_held=True)
        if problem != source.problem:
            log.warning("source", source=source.name, problem=problem, list_is_held=is_held)

    async def _hold(self, list_id: ListId, *, is_held: bool) -> None:
        after: int | None = 0
        while after is not None:
            after = await self._store.write(hold_piece, list_id, after, is_held=is_held)
        self._contacts_added(await self._store.read(campaigns_of, list_id))
