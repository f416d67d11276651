"""The simulated way to the database: real SQLite behind it, and everything that happens to such ways in front of it."""

from __future__ import annotations

import asyncio
import enum
import random
from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar

from sqlalchemy import Engine

from app.sim.faults import Faults
from app.store.door import dialers_turn
from app.store.errors import StoreError
from app.store.lanes import Operation, run_plainly
from app.units import SECOND_MS

P = ParamSpec("P")
T = TypeVar("T")
TRIP_MS: Final = (1, 4)
"""How long a transaction takes on its way there, and its answer on the way back."""
BUSY_MS: Final = 300
"""How long a database that is busy lets one wait before it refuses, at the most."""


class Ill(enum.Enum):
    """What may be wrong with the database for a while."""

    FULL = "the disk is full"
    GONE = "the server is not there"
    STALLED = "it takes everything, and answers later"


class Disk:
    """The database of all processes, and its state of health. now_ms: its own clock, which may be stepped."""

    def __init__(self, engine: Engine, rng: random.Random, faults: Faults, now_ms: Callable[[], int]) -> None:
        self.engine = engine
        self.faults = faults
        self.ill: Ill | None = None
        self.ill_until_ms = 0
        self.offset_ms = 0
        self._rng = rng
        self._now_ms = now_ms
        connection: Any = engine.raw_connection().driver_connection
        connection.create_function("julianday", -1, self._julianday)
        self.raw = connection
        """The connection beside SQLAlchemy, for looks at what is committed."""

    def _julianday(self, *_: object) -> float:
        return (self._now_ms() + self.offset_ms) / 86_400_000 + 2_440_587.5

    def fall_ill(self, ill: Ill, until_ms: int) -> None:
        """From now until then; worse takes the place of what was."""
        self.ill, self.ill_until_ms = ill, until_ms

    def health(self) -> Ill | None:
        """What is wrong now."""
        if self.ill is not None and self._now_ms() >= self.ill_until_ms:
            self.ill = None
        return self.ill

    def strikes(self, rate: float) -> bool:
        """Whether a fault of this rate happens."""
        return rate > 0 and self._rng.random() < rate

    def takes_ms(self, least_ms: int, most_ms: int) -> int:
        """How long something takes."""
        return self._rng.randint(least_ms, most_ms)


class SimLane:
    """A process's lane to the disk (app.store.lanes.Lane), one transaction after the other.

    step: told at both sides of each transaction, where a process may die. turned: told in the moment in which a turn of
    a dialer is on disk.
    """

    def __init__(
        self, disk: Disk, step: Callable[[], None], *, may_write: bool, turned: Callable[[], None] = lambda: None
    ) -> None:
        self._disk = disk
        self._step = step
        self._may_write = may_write
        self._turned = turned
        self._turn = asyncio.Lock()

    async def run(self, operation: Operation[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """See Lane."""
        async with self._turn:
            await self._go_there()
            self._step()
            await asyncio.sleep(self._disk.takes_ms(*TRIP_MS) / SECOND_MS)
            self._refuse()
            done = run_plainly(self._disk.engine, operation, *args, **kwargs)
            if operation is dialers_turn:
                self._turned()
            await asyncio.sleep(self._disk.takes_ms(*TRIP_MS) / SECOND_MS)
            self._step()
            if self._may_write and self._disk.strikes(self._disk.faults.commit_unheard):
                raise StoreError("the database refused: the connection broke while it committed")
            return done

    async def _go_there(self) -> None:
        while self._disk.health() is Ill.STALLED:  # noqa: ASYNC110  # virtual time
            await asyncio.sleep(0.05)
        if self._may_write and self._disk.strikes(self._disk.faults.commit_refused):
            await asyncio.sleep(self._disk.takes_ms(1, BUSY_MS) / SECOND_MS)
            raise StoreError("the database refused: database is locked")

    def _refuse(self) -> None:
        match self._disk.health():
            case Ill.GONE:
                raise StoreError("the database refused: it cannot be reached")
            case Ill.FULL if self._may_write:
                raise StoreError("the database refused: database or disk is full")
            case _:
                pass

    async def close(self) -> None:
        """See Lane."""
