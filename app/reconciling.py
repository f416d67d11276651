"""What came of calls that ended while nobody looked: learned from Asterisk's own records, where it can be.

Who is dangling is not dialed; with a record the contact goes on as after any call so ended, else nothing changes.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import structlog

from app.agents import DialingMode
from app.asterisk.call_records import CallEnding, CallRecord, read_records
from app.dialing.strategy import after_call
from app.events import AttemptClosed, Event
from app.model import Campaign, ContactNext, OpenedAttempt
from app.operations import Operations
from app.outcomes import Outcome
from app.store.amending import Learned, dangling_attempts, reconcile_attempt
from app.store.attempts import get_attempt
from app.store.campaigns import get_campaign
from app.store.door import SqlStore
from app.store.errors import NotFound, StoreError
from app.units import CampaignId

log = structlog.get_logger()

SOURCE: Final = "learned from Asterisk's call record"
AGAIN_S: Final = (1.0, 29.0, 270.0)
"""When the file is looked at after a call was lost: it may still go on, in the dialplan, till its record is written."""


class Reconciling:
    """Looks at the records after each call that was lost, and at the start for those of a life before."""

    def __init__(self, store: SqlStore, operations: Operations, file: Path) -> None:
        self._store = store
        self._operations = operations
        self._file = file
        self._lost = asyncio.Event()

    async def run(self) -> None:
        """Until it is cancelled."""
        end = self._operations.watch(self._seen)
        self._lost.set()
        try:
            while True:
                await self._lost.wait()
                self._lost.clear()
                for wait_s in AGAIN_S:
                    await asyncio.sleep(wait_s)
                    await self._look_safely()
        finally:
            end()

    def _seen(self, event: Event) -> None:
        if isinstance(event, AttemptClosed) and event.outcome is Outcome.CONTROLLER_LOST:
            self._lost.set()

    async def _look_safely(self) -> None:
        try:
            await self.look()
        except (OSError, StoreError) as error:
            log.warning("call records not read", file=str(self._file), reason=str(error))

    async def look(self) -> int:
        """Give dangling attempts the outcomes of their records; answers how many. Raises OSError, StoreError."""
        asked = frozenset(await self._store.read(dangling_attempts))
        if not asked:
            return 0
        found = await asyncio.to_thread(read_records, self._file, asked)
        changed = [one for one in [await self._reconcile(record) for record in found.values()] if one is not None]
        self._operations.contacts_added(sorted(set(changed)))
        log.info("call records read", dangling=len(asked), learned=len(changed))
        return len(changed)

    async def _reconcile(self, record: CallRecord) -> CampaignId | None:
        """The campaign whose contact goes on; None: something else came of it meanwhile, or it is gone."""
        try:
            entry = await self._store.read(get_attempt, record.attempt_id)
            plan = (await self._store.read(get_campaign, entry.campaign_id)).campaign
        except NotFound as error:
            log.warning("a call record is of no attempt any more", reason=str(error))
            return None
        now_ms = self._operations.now_ms
        outcome = outcome_of(record, plan)

        def decide(opened: OpenedAttempt) -> tuple[Outcome, ContactNext]:
            return outcome, after_call(opened, outcome, plan, now_ms, is_opted_out=False)

        learned = Learned(
            is_answered=record.ending is CallEnding.ANSWERED,
            lasted_ms=record.lasted_ms,
            talked_ms=record.talked_ms,
            source=SOURCE,
        )
        is_done = await self._store.write(
            reconcile_attempt, record.attempt_id, decide, learned, now_ms, self._store.listeners
        )
        return entry.campaign_id if is_done else None


def outcome_of(record: CallRecord, plan: Campaign) -> Outcome:
    """What the record says. Who answered, and was in no broadcast's flow when it ended, was left without anybody."""
    match record.ending:
        case CallEnding.BUSY:
            return Outcome.BUSY
        case CallEnding.NO_ANSWER:
            return Outcome.NO_ANSWER
        case CallEnding.ANSWERED:
            was_in_flow = plan.mode is DialingMode.BROADCAST and record.last_app == "Stasis"
            return Outcome.CONNECTED_TO_IVR if was_in_flow else Outcome.ABANDONED_BY_DIALER
