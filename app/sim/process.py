"""A dialer's process in virtual time: the production runtime, duty, journal and store; it may freeze and be killed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol

from app.commands import AddDnc, Command, PlaceCall, RenderPrompts, TelephonyCommand
from app.compliance.library import Lawbook
from app.dialing.dialer import Dialer
from app.duty import Duty
from app.events import CallRefused, DncAdded, Event, PromptsRendered, TelephonyDown
from app.journal import Journal
from app.runtime import Runtime
from app.sim.disk import Disk, SimLane
from app.sim.trace import Trace
from app.sim.virtual import VirtualLoop
from app.store.door import SqlStore
from app.store.duty import look_at_duty
from app.store.errors import StoreError
from app.store.ids import NewAttemptId

LEASE_MS: Final = 20_000
"""Long for a lease: each renewal is real SQL, and hours of virtual time are full of them."""
NOTICES_MS: Final = 20
"""How long a process whose application was taken runs on until it ends."""
LOOK_S: Final = 0.02
JOURNAL_ROOM: Final = 64 * 1_024
MOST_ROUNDS: Final = 2_000
"""Rounds of the loop at one moment before time is taken to stand still."""


class Surroundings(Protocol):
    """What is around a process: the network, the clock, and who watches."""

    disk: Disk
    trace: Trace
    lawbook: Lawbook
    now_ms: int

    def connect(self, process: Process) -> None:
        """The process's Asterisk connection comes up; one of another process is replaced."""

    def disconnect(self, process: Process) -> None:
        """The process lets go of Asterisk."""

    def act(self, process: Process, command: TelephonyCommand) -> None:
        """The process asks something of Asterisk."""

    def turned(self, process: Process) -> None:
        """What the process's dialer wants written has just been committed."""

    def heard(self, process: Process, event: Event) -> None:
        """The process's dialer has handled an event."""

    def render(self, command: RenderPrompts) -> PromptsRendered:
        """Prompts as they would be made."""

    def first_events(self) -> Iterable[Event]:
        """What a dialer that begins must know."""


class _Watched(Dialer):
    """The dialer, with every event and command on the trace."""

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self._trace = trace

    def turn(self, events: Iterable[Event], now_ms: int) -> list[Command]:
        events = list(events)
        for event in events:
            self._trace.heard(now_ms, event)
        commands = super().turn(events, now_ms)
        for command in commands:
            self._trace.given(now_ms, command)
        return commands


class Process:
    """One life of a dialer. is_dead: killed, or ended because another took over; frozen_until_ms: it stands still."""

    def __init__(self, around: Surroundings, folder: Path, new_id: NewAttemptId) -> None:
        self.loop = VirtualLoop(around.now_ms)
        self.is_dead = False
        self.frozen_until_ms = 0
        self.duty: Duty | None = None
        self.runtime: Runtime | None = None
        self.store: SqlStore | None = None
        self.is_working = False
        self._around = around
        self.folder = folder
        self._new_id = new_id
        self._offset_ms = around.disk.offset_ms
        self._dies_in: int | None = None
        self._ends_at_ms: int | None = None
        self._inbox: Callable[[Event], None] | None = None
        self._backlog: list[TelephonyCommand] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._main = self.loop.create_task(self._live())

    @property
    def epoch(self) -> int | None:
        """Its epoch of duty; None: it has none."""
        return None if self.duty is None else self.duty.epoch

    # --- what befalls it ---------------------------------------------------------------------------------------------

    @property
    def is_still(self) -> bool:
        """Whether it cannot act: frozen, or awake since and not yet told by the database that it may."""
        return self.frozen_until_ms > self._around.now_ms or (self.duty is not None and self.duty.is_in_doubt)

    def die_soon(self, steps: int) -> None:
        """Be killed at the `steps`-th commit or word to Asterisk from here."""
        self._dies_in = steps

    def die(self) -> None:
        """Be killed now: nothing of it happens any more."""
        if not self.is_dead:
            self.is_dead = True
            self.is_working = False
            self._around.disconnect(self)

    def freeze(self, until_ms: int) -> None:
        """Stand still until then."""
        self.frozen_until_ms = until_ms

    def next_ms(self) -> int | None:
        """When it does something next."""
        due_ms = None if self.is_dead else self.loop.next_ms()
        return None if due_ms is None else max(due_ms, self.frozen_until_ms)

    def run_due(self, now_ms: int) -> bool:
        """Do what is due. Raises what it died of, when that was a mistake of the program."""
        if self.is_dead or now_ms < self.frozen_until_ms or not self.loop.run_due(now_ms):
            return False
        if self.loop.failure is not None:
            raise self.loop.failure
        if self._ends_at_ms is not None and now_ms >= self._ends_at_ms:
            self.die()
        if self._main.done() and not self.is_dead:
            self.die()
            if (failure := self._main.exception()) is not None:
                raise failure
        return True

    def bury(self) -> None:
        """Take apart what is left of a dead process."""
        for task in (self._main, *self._tasks):
            task.cancel()
        for _ in range(MOST_ROUNDS):
            if not self.loop.run_due(self.loop.now_ms):
                break

    def step(self) -> None:
        """A commit or a word to Asterisk: here it may die."""
        if self._dies_in is not None:
            self._dies_in -= 1
            if self._dies_in < 0:
                self.die()

    # --- its life, as app.service leads it ---------------------------------------------------------------------------

    async def _live(self) -> None:
        disk = self._around.disk
        store = self.store = SqlStore(
            SimLane(disk, self.step, may_write=True, turned=lambda: self._around.turned(self)),
            SimLane(disk, self.step, may_write=False),
            self._new_id,
            self._around.lawbook,
        )
        journal = Journal(self.folder, room=JOURNAL_ROOM)
        handed_over = self.spawn(self._hand_over(journal, store))
        duty = self.duty = Duty(store, lease_ms=LEASE_MS, clock=lambda: self.loop.now_ms)
        await duty.obtain(stands_by=True)
        handed_over.cancel()
        runtime = self.runtime = Runtime(
            dialer=_Watched(self._around.trace),
            telephony=self,
            store=store,
            prompts=self,
            clock=self,
            opt_outs=Journal(self.folder, room=JOURNAL_ROOM),
        )
        runtime.watch(lambda event: self._around.heard(self, event))
        keeping = self.spawn(duty.keep())
        working = self.spawn(self._work(runtime))
        try:
            await asyncio.wait({keeping, working}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.is_working = False
            self._inbox = None
            keeping.cancel()
            working.cancel()
        if not keeping.cancelled() and keeping.done():
            keeping.result()
        if not working.cancelled() and working.done():
            working.result()

    async def _hand_over(self, journal: Journal, store: SqlStore) -> None:
        while not await journal.hand_over(store, self.now_ms()):  # noqa: ASYNC110  # as the program does
            await asyncio.sleep(5)

    async def _work(self, runtime: Runtime) -> None:
        try:
            first = await self._first()
            self.is_working = True
            await runtime.run(first)
        except StoreError:
            return  # the program ends, and is begun anew
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from group

    async def _first(self) -> list[Event]:
        assert self.store is not None, "a dialer has its store before it works"
        await self.store.read(look_at_duty)  # the database answers
        return list(self._around.first_events())

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Let something go on beside."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def bar(self, command: AddDnc, told: Callable[[], None]) -> None:
        """Put a number on the do-not-call list, as the panel does; `told` when it has been acknowledged."""
        assert self.runtime is not None, "only who works bars numbers"
        with suppress(TimeoutError):
            saved = self.runtime.expect(lambda event: isinstance(event, DncAdded) and event.number == command.number)
            self.runtime.write(command)
            barred = await saved
            assert isinstance(barred, DncAdded), "the runtime answers with what was waited for"
            while not self.is_dead and self.runtime.dialer.is_about_to_call(barred):  # noqa: ASYNC110  # as app.barring
                await asyncio.sleep(LOOK_S)
            if not self.is_dead:
                told()

    # --- its clock, prompts and telephony ----------------------------------------------------------------------------

    def now_ms(self) -> int:
        """See app.ports.Clock: the machine's time when the process began, and steady from there."""
        return self.loop.now_ms + self._offset_ms

    async def render(self, command: RenderPrompts) -> PromptsRendered:
        """See app.ports.Prompts."""
        return self._around.render(command)

    async def start(self, inbox: Callable[[Event], None]) -> None:
        """See app.ports.Telephony."""
        self._inbox = inbox
        self._around.connect(self)

    async def stop(self) -> None:
        """See app.ports.Telephony."""
        self._around.disconnect(self)

    def tell(self, event: Event) -> None:
        """Something came from Asterisk."""
        if self._inbox is not None and not self.is_dead:
            self._inbox(event)

    def replace(self) -> None:
        """Another process took the application: this one is told, and ends, as the program does."""
        self.tell(TelephonyDown(reason="another program took the application"))
        self._ends_at_ms = max(self._around.now_ms, self.frozen_until_ms) + NOTICES_MS

    def perform(self, command: TelephonyCommand) -> None:
        """See app.ports.Telephony; gated by duty as `AsteriskTelephony` is."""
        assert self.duty is not None, "a dialer acts after it went on duty"
        if isinstance(command, PlaceCall) and not self.duty.may_dial():
            reason = "this dialer may not dial now: its duty is not confirmed by the database"
            self.loop.call_soon(self.tell, CallRefused(attempt_id=command.attempt_id, reason=reason))
        elif self._backlog or not self.duty.may_act():
            self._backlog.append(command)
            if len(self._backlog) == 1:
                self.spawn(self._when_admitted())
        else:
            self._go(command)

    async def _when_admitted(self) -> None:
        assert self.duty is not None
        is_ours = await self.duty.admitted()
        backlog, self._backlog = self._backlog, []
        for command in backlog if is_ours else ():
            self._go(command)

    def _go(self, command: TelephonyCommand) -> None:
        self.step()
        if not self.is_dead:
            self._around.act(self, command)
