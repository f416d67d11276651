"""The doors between the shell and the world, as protocols: a real and a simulated thing stand behind each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from app.commands import AddDnc, RenderPrompts, StoreCommand, TelephonyCommand
from app.events import AttemptsFound, AttemptsRecovered, Event, PromptsRendered, StoreEvent

Inbox = Callable[[Event], None]
"""Takes an event, from the event loop's thread, at once and without waiting."""


class Clock(Protocol):
    """Where the time comes from."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch; never steps back while the program runs."""


class Telephony(Protocol):
    """The telephone network: a real Asterisk (app.asterisk) or a simulated one (app.sim)."""

    async def start(self, inbox: Inbox) -> None:
        """Begin to deliver events. The first is TelephonyUp or TelephonyDown; the connection then heals by itself."""

    def perform(self, command: TelephonyCommand) -> None:
        """Begin to carry out a command; returns at once. What came of it arrives as events, always."""

    async def stop(self) -> None:
        """Deliver no more and let go of the connection; calls stay up."""


class OnDuty(Protocol):
    """Whether this process is the one that dials: of several on one database only one does."""

    def may_act(self) -> bool:
        """Whether anything may be asked of the telephone network now."""

    def may_dial(self) -> bool:
        """Whether a call may be placed now."""

    async def admitted(self) -> bool:
        """Wait while it is in doubt whether anything may be asked; False: nothing may any more."""


class DncList(Protocol):
    """Where opt-outs are put whoever is on duty."""

    async def bar(self, opt_outs: Sequence[AddDnc], now_ms: int) -> Sequence[Event]:
        """Write opt-outs whoever is on duty now; an event for each. Raises StoreError."""


class Store(DncList, Protocol):
    """The disk."""

    async def commit(self, commands: Sequence[StoreCommand], now_ms: int) -> list[StoreEvent]:
        """Carry out all commands in one transaction and return what happened, once it is durable.

        Raises app.store.StoreError with nothing done when the database refuses.
        """

    async def try_writing(self) -> None:
        """Write something of no meaning, to see whether the disk takes it. Raises app.store.StoreError."""

    async def recover(self) -> AttemptsRecovered:
        """The attempts that are open on disk, for a start after a crash."""

    async def find_lost(self) -> AttemptsFound:
        """The attempts that commits opened which seemed to fail: the line to the database broke just then.

        Each is told once. Raises app.store.StoreError while the database does not answer.
        """


class OptOuts(Protocol):
    """Where opt-outs are kept that the database does not take."""

    @property
    def kept(self) -> Sequence[AddDnc]:
        """What the database has not taken over yet."""

    def keep(self, commands: Sequence[AddDnc]) -> Sequence[AddDnc]:
        """Keep those that are not kept yet; which of them are on disk now."""

    def clear(self) -> None:
        """The database has all of them."""


class Prompts(Protocol):
    """Turns prompts into files that Asterisk can play."""

    async def render(self, command: RenderPrompts) -> PromptsRendered:
        """Render what is not in the cache; failures are part of the answer, never raised."""
