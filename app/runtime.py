"""The shell around the core: inbox → turn → perform, and a committer that gathers writes.

A turn takes whatever has arrived, asks the dialer, and hands its commands out; it never waits for the disk or the
network. Writes go to the committer, which puts everything that gathered during the last commit into one transaction;
what it wrote comes back as events. So a call is placed only after its attempt is on disk, and bridging, playing and
hanging up never wait for a disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from app.agent_commands import LogAgent, LogSupervision, OpenManual, SaveConversation
from app.agent_events import ManualRefused
from app.bell import Bell
from app.commands import (
    AddDnc,
    ClaimContacts,
    CloseAttempt,
    Command,
    ConfirmAttempt,
    PlaceCall,
    RenderPrompts,
    SavePacing,
    SetCampaignStatus,
    StoreCommand,
)
from app.dialing.dialer import Dialer
from app.events import (
    AttemptClosed,
    AttemptsOpened,
    DncAdded,
    Event,
    PromptsRendered,
    ShutdownAsked,
    StoreBack,
    StoreEvent,
    StoreFailed,
)
from app.meter import Meter
from app.ports import Clock, OptOuts, Prompts, Store, Telephony
from app.store.duty import Relieved
from app.store.errors import Misfit, NotFound, StoreError
from app.units import AgentId

log = structlog.get_logger()

TURN_EVENTS: Final = 8
"""What one commit told is handled over several turns of so many events, so that an answered person need not wait.

However much else there is, each turn takes one of it: the telephone never stops in a busy hour.
"""
COMMIT_BATCH: Final = 500
"""Writes in one transaction at the most."""
GATHER_S: Final = 0.1
"""How long ends of attempts may gather before they are written, when nobody waits for the commit."""
RETRY_S: Final = (0.1, 0.5, 1.0, 2.0)
"""Waits between tries to write what the database refused."""
LOOKS: Final = 3
"""How often attempts of a claim that failed are looked for on disk."""
LOOK_AGAIN_S: Final = 2.0
"""Time between two looks: a commit may come through late."""
RENDERERS: Final = 4
"""Calls whose prompts are made at the same time."""


class SystemClock:
    """Civil time at the start, carried on by the monotonic clock: stepping the machine's clock moves nothing."""

    def __init__(self) -> None:
        self._offset_ns = time.time_ns() - time.monotonic_ns()

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return (time.monotonic_ns() + self._offset_ns) // 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Depths:
    """What waits for its turn: events to be handled, writes for the disk, calls whose prompts are to be made.

    opt_outs: kept beside a database that does not take them.
    """

    inbox: int
    writes: int
    prompts: int
    opt_outs: int


class Runtime:
    """One dialer at work on one telephony and one store."""

    def __init__(
        self,
        *,
        dialer: Dialer,
        telephony: Telephony,
        store: Store,
        prompts: Prompts,
        clock: Clock | None = None,
        opt_outs: OptOuts | None = None,
    ) -> None:
        """opt_outs: where those are kept that the database does not take; None: in memory alone, until it does."""
        self.dialer = dialer
        self.clock: Clock = clock or SystemClock()
        self.meter = Meter()
        self.is_ending = False
        self._telephony = telephony
        self._store = store
        self._prompts = prompts
        self._opt_outs = opt_outs
        self._is_in_trouble = False  # the database refused the last write
        self._inbox: list[Event] = []
        self._oldest_at_s = 0.0  # when the first event of the inbox came
        self._written: deque[StoreEvent] = deque()  # what commits told, for when nothing more urgent waits
        self._bell = Bell()
        self._deadline_ms: int | None = None
        self._deadline_s: float | None = None  # the same by the loop's clock
        self._to_write: deque[StoreCommand] = deque()
        self._to_render: asyncio.Queue[RenderPrompts] = asyncio.Queue()
        self._has_writes = asyncio.Event()
        self._is_awaited = asyncio.Event()
        self._is_writing = False
        self._looks = 0  # how often to look yet for claims that failed and may have been carried out
        self._watchers: list[Callable[[Event], None]] = []
        self._floor_watchers: list[Callable[[frozenset[AgentId]], None]] = []

    # --- in ----------------------------------------------------------------------------------------------------------

    def post(self, event: Event) -> None:
        """Take an event; from the event loop's thread, at once."""
        if not self._inbox:
            self._oldest_at_s = time.perf_counter()
        self._inbox.append(event)
        self._bell.ring()

    def write(self, command: StoreCommand) -> None:
        """Have something written that is not the dialer's idea (an opt-out from the API)."""
        self._to_write.append(command)
        if self._is_in_trouble and isinstance(command, AddDnc):
            self._keep([command])
        self._has_writes.set()
        if not isinstance(command, CloseAttempt | LogAgent | LogSupervision | SaveConversation | SavePacing):
            self._is_awaited.set()

    def watch(self, watcher: Callable[[Event], None]) -> Callable[[], None]:
        """Let `watcher` see every event after the dialer has handled it; returns what ends it."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def watch_agents(self, watcher: Callable[[frozenset[AgentId]], None]) -> Callable[[], None]:
        """Tell `watcher`, once a turn, whose picture changed; returns what ends it."""
        self._floor_watchers.append(watcher)
        return lambda: self._floor_watchers.remove(watcher)

    def expect(self, is_it: Callable[[Event], bool], timeout_s: float = 10.0) -> Awaitable[Event]:
        """The next event for which `is_it` is true, once the dialer has handled it: ask first, then act, then await.

        Awaiting it raises TimeoutError when it does not come in time.
        """
        found: asyncio.Future[Event] = asyncio.get_running_loop().create_future()

        def look(event: Event) -> None:
            if not found.done() and is_it(event):
                found.set_result(event)

        forget = self.watch(look)
        found.add_done_callback(lambda _: forget())

        async def in_time() -> Event:
            async with asyncio.timeout(timeout_s):
                return await found

        return in_time()

    @property
    def depths(self) -> Depths:
        """How much waits at this moment."""
        return Depths(
            inbox=len(self._inbox) + len(self._written),
            writes=len(self._to_write),
            prompts=self._to_render.qsize(),
            opt_outs=0 if self._opt_outs is None else len(self._opt_outs.kept),
        )

    # --- life --------------------------------------------------------------------------------------------------------

    async def run(self, first: Iterable[Event] = ()) -> None:
        """Work until cancelled. `first`: events the dialer sees before any other (trunks, running campaigns)."""
        for event in first:
            self.post(event)
        for kept in () if self._opt_outs is None else self._opt_outs.kept:
            self.write(kept)  # before any claim
        self.post(await self._store.recover())
        async with asyncio.TaskGroup() as group:
            group.create_task(self._turns(), name="turns")
            group.create_task(self._commits(), name="commits")
            for _ in range(RENDERERS):
                group.create_task(self._renders(), name="renders")
            await self._telephony.start(self.post)

    async def wind_down(self, patience_s: float = 30.0) -> bool:
        """No new calls; wait until those up have ended and everything is written. False: patience ran out first."""
        self.is_ending = True
        self.post(ShutdownAsked())
        return await self._until(
            lambda: self.dialer.is_at_rest and not self._inbox and self._is_all_written, patience_s
        )

    async def write_all(self, patience_s: float) -> bool:
        """Wait until what was decided so far is on disk. False: patience ran out first."""
        return await self._until(lambda: self._is_all_written, patience_s)

    @property
    def _is_all_written(self) -> bool:
        return not self._to_write and not self._is_writing and not self._written

    async def _until(self, is_so: Callable[[], bool], patience_s: float) -> bool:
        deadline = asyncio.get_running_loop().time() + patience_s
        while asyncio.get_running_loop().time() < deadline:
            if is_so():
                return True
            await asyncio.sleep(0.05)
        return False

    # --- the turn ----------------------------------------------------------------------------------------------------

    async def _turns(self) -> None:
        while True:
            await self._until_needed()
            events, self._inbox = self._inbox, []
            for _ in range(min(max(1, TURN_EVENTS - len(events)), len(self._written))):
                events.append(self._written.popleft())
            commands = self.dialer.turn(events, self.clock.now_ms())
            for command in commands:
                self._perform(command)
            self.meter.turned(events, commands, time.perf_counter() - self._oldest_at_s if events else 0.0)
            for event in events:
                if isinstance(event, AttemptClosed | AttemptsOpened):
                    self.meter.heard(event)
                if isinstance(event, AttemptClosed):
                    log.info("attempt closed", attempt=event.attempt_id, outcome=event.outcome.label)
                for watcher in list(self._watchers):
                    watcher(event)
            if changed := self.dialer.take_changed_agents():
                for on_floor in list(self._floor_watchers):
                    on_floor(changed)

    async def _until_needed(self) -> None:
        """Wait for an event or the dialer's deadline."""
        if self._inbox or self._written:
            await asyncio.sleep(0)
            return
        deadline_ms = self.dialer.next_deadline_ms()
        if deadline_ms != self._deadline_ms:
            self._deadline_ms = deadline_ms
            self._deadline_s = None if deadline_ms is None else self._loop_s(deadline_ms)
        await self._bell.wait(self._deadline_s)

    def _loop_s(self, at_ms: int) -> float:
        return asyncio.get_running_loop().time() + (at_ms - self.clock.now_ms()) / 1_000

    def _perform(self, command: Command) -> None:
        match command:
            case PlaceCall():
                self.meter.placed[command.trunk.id] += 1
                self._telephony.perform(command)
            case CloseAttempt():
                self.meter.closing(command)
                self.write(command)
            case ClaimContacts() | AddDnc() | ConfirmAttempt() | SetCampaignStatus():
                self.write(command)
            case LogAgent() | LogSupervision() | SaveConversation() | OpenManual() | SavePacing():
                self.write(command)
            case RenderPrompts():
                self._to_render.put_nowait(command)
            case _:
                self._telephony.perform(command)

    # --- the disk ----------------------------------------------------------------------------------------------------

    async def _commits(self) -> None:
        while True:
            await self._has_writes.wait()
            with contextlib.suppress(TimeoutError):  # ends of attempts gather, unless somebody waits for the commit
                async with asyncio.timeout(GATHER_S):
                    await self._is_awaited.wait()
            self._is_awaited.clear()
            batch = [self._to_write.popleft() for _ in range(min(len(self._to_write), COMMIT_BATCH))]
            if not self._to_write:
                self._has_writes.clear()
            self._is_writing = True
            if self._looks:
                await self._look_for_lost(batch)
            await self._write(batch)
            self._is_writing = False

    async def _write(self, batch: list[StoreCommand]) -> None:
        """Write a batch and tell what came of it, however often the database refuses; nothing once we are relieved.

        Claims are given up at the first refusal: the dialer asks again. A batch with something in it that can never be
        written (about what is no longer there) is written piece by piece, and that piece dropped.
        """
        waits_s = itertools.chain(RETRY_S, itertools.repeat(RETRY_S[-1]))
        while batch or (self._is_in_trouble and not self._to_write):
            began_s = time.perf_counter()
            try:
                events: list[StoreEvent] = []
                if batch:
                    events = await self._store.commit(batch, self.clock.now_ms())
                else:
                    await self._store.try_writing()
            except (NotFound, Misfit) as error:
                if len(batch) > 1:
                    for command in batch:
                        await self._write([command])
                    return
                log.error("write dropped", write=type(batch[0]).__name__, error=str(error))
                self._give_up(batch[0])
                batch = self._without_claims(batch, error)[1:]
                self.post(StoreBack())  # it answers
            except Relieved:
                await self._pass_on(batch)
                return
            except StoreError as error:
                self.meter.refused(str(error), time.perf_counter() - began_s)
                log.error("database refused", error=str(error), writes=len(batch))
                self._trouble(batch)
                batch = self._without_claims(batch, error)
                await asyncio.sleep(next(waits_s))
            else:
                self.meter.committed(len(batch), time.perf_counter() - began_s)
                if not self._inbox:
                    self._oldest_at_s = time.perf_counter()
                self._written.extend(events)
                self._bell.ring()
                self._well_again()
                return

    async def _pass_on(self, batch: Sequence[StoreCommand]) -> None:
        """Another dialer is on duty: it found what was open, and ends it. What people asked only of us it learns so."""
        opt_outs = [command for command in (*batch, *self._to_write) if isinstance(command, AddDnc)]
        self._to_write.clear()
        if not opt_outs:
            return
        try:
            told = await self._store.bar(opt_outs, self.clock.now_ms())
        except StoreError as error:
            log.error("database refused", error=str(error), writes=len(opt_outs))
            self._keep(opt_outs)
        else:
            for event in told:
                self.post(event)

    def _trouble(self, batch: Sequence[StoreCommand]) -> None:
        """The database refuses: opt-outs are kept beside it, and count from then on."""
        self._is_in_trouble = True
        self._keep([command for command in (*batch, *self._to_write) if isinstance(command, AddDnc)])

    def _keep(self, commands: Sequence[AddDnc]) -> None:
        """Together: each sync holds up the turns."""
        for command in () if self._opt_outs is None else self._opt_outs.keep(commands):
            log.warning("opt-out kept beside the database", source=command.source)
            only = None if command.campaign_id is None else frozenset({command.campaign_id})
            self.post(DncAdded(number=command.number, attempt_id=command.attempt_id, campaigns=only))

    def _well_again(self) -> None:
        """A write has passed."""
        if self._is_in_trouble:
            log.info("the database takes writes again")
            self._is_in_trouble = False
            self.post(StoreBack())
        if self._opt_outs is not None and self._opt_outs.kept:
            waiting = {command for command in self._to_write if isinstance(command, AddDnc)}
            if waiting.isdisjoint(self._opt_outs.kept):
                self._opt_outs.clear()

    async def _look_for_lost(self, batch: Sequence[StoreCommand]) -> None:
        """After a claim failed, and before any other is made: was it carried out after all? Waits for the database."""
        waits_s = itertools.chain(RETRY_S, itertools.repeat(RETRY_S[-1]))
        while True:
            began_s = time.perf_counter()
            try:
                found = await self._store.find_lost()
                break
            except StoreError as error:
                self.meter.refused(str(error), time.perf_counter() - began_s)
                log.error("database refused", error=str(error), writes=0)
                self._trouble(batch)
                await asyncio.sleep(next(waits_s))
        self._looks -= 1
        if found.attempts:
            log.warning("claims found that had seemed to fail", attempts=len(found.attempts))
            self.post(found)
        if self._looks:
            asyncio.get_running_loop().call_later(LOOK_AGAIN_S, self._has_writes.set)

    def _give_up(self, command: StoreCommand) -> None:
        """An end that cannot be written must not keep its campaign from finishing; the next start finds it open."""
        if isinstance(command, CloseAttempt):
            ended = command.result
            self.post(AttemptClosed(attempt_id=ended.attempt_id, campaign_id=ended.campaign_id, outcome=ended.outcome))

    def _without_claims(self, batch: list[StoreCommand], error: StoreError) -> list[StoreCommand]:
        claims = [command for command in batch if isinstance(command, ClaimContacts)]
        self.post(StoreFailed(reason=str(error), campaign_ids=tuple(claim.campaign_id for claim in claims)))
        for command in batch:
            if isinstance(command, OpenManual):
                reason = "the database does not answer; dial again in a moment"
                self.post(ManualRefused(agent_id=command.agent_id, campaign_id=command.campaign_id, reason=reason))
        without: list[StoreCommand] = [
            command for command in batch if not isinstance(command, ClaimContacts | OpenManual)
        ]
        if len(without) < len(batch):
            self._looks = LOOKS
            self._has_writes.set()
        return without

    # --- prompts -----------------------------------------------------------------------------------------------------

    async def _renders(self) -> None:
        while True:
            command = await self._to_render.get()
            rendered: PromptsRendered = await self._prompts.render(command)
            self.post(rendered)
