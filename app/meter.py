"""What the shell counts while it works, for those who watch the program from outside (app.metrics, /health).

Counting is paid for by every call, so it is a few additions to plain integers, and nothing is kept for one call or
contact alone; names, labels and text are made when somebody asks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from typing import Final

from app.commands import CloseAttempt, Command
from app.events import AttemptClosed, AttemptsOpened, Event
from app.outcomes import Outcome
from app.units import TrunkId

TURN_BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Goal: 50 ms for 999 of 1,000."""
COMMIT_BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
WAIT_BOUNDS_S: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0)
"""2 s is where the law calls a person abandoned."""


class Histogram:
    """How many values fell under each bound, in seconds, and their sum."""

    __slots__ = ("_bounds_s", "_counts", "sum_s")

    def __init__(self, bounds_s: tuple[float, ...]) -> None:
        self._bounds_s = bounds_s
        self._counts = [0] * (len(bounds_s) + 1)
        self.sum_s = 0.0

    def add(self, value_s: float) -> None:
        """One more value; a bound belongs to what is under it."""
        self._counts[bisect_left(self._bounds_s, value_s)] += 1
        self.sum_s += value_s

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self._counts)

    def cumulative(self) -> list[tuple[float, int]]:
        """For each bound how many were not above it; the last bound is infinite."""
        total, found = 0, []
        for bound_s, count in zip((*self._bounds_s, float("inf")), self._counts, strict=True):
            total += count
            found.append((bound_s, total))
        return found


class Meter:
    """Counts since this process began.

    turn_s: from the arrival of the oldest event of a turn until every command that follows was handed out.
    commit_s: one transaction, from when it was begun to when it was durable or refused. wait_s: people who answered,
    from their wish for an agent to the bridge. database_problem: what the database said to the last write; empty: it
    took it.
    """

    __slots__ = (
        "claimed", "commands", "commit_s", "database_errors", "database_problem", "events", "outcomes", "placed",
        "turn_s", "wait_s", "written",
    )  # fmt: skip

    def __init__(self) -> None:
        self.turn_s = Histogram(TURN_BOUNDS_S)
        self.commit_s = Histogram(COMMIT_BOUNDS_S)
        self.wait_s = Histogram(WAIT_BOUNDS_S)
        self.events: Counter[type] = Counter()
        self.commands: Counter[type] = Counter()
        self.outcomes: Counter[Outcome] = Counter()
        self.placed: Counter[TrunkId] = Counter()
        self.claimed = 0
        self.written = 0
        self.database_errors = 0
        self.database_problem = ""

    def heard(self, event: Event) -> None:
        """An event that the dialer has handled, and that tells more than its kind."""
        if isinstance(event, AttemptClosed):
            self.outcomes[event.outcome] += 1
        elif isinstance(event, AttemptsOpened):
            self.claimed += len(event.attempts)

    def closing(self, command: CloseAttempt) -> None:
        """An attempt has ended; whoever talked with an agent had waited for them."""
        talk = command.result.conversation
        if talk is not None and talk.agent_id is not None:
            self.wait_s.add(talk.waited_ms / 1_000)

    def turned(self, events: Iterable[Event], commands: Iterable[Command], took_s: float) -> None:
        """A turn is over. took_s: see turn_s; not counted for a turn without events, which time alone has made."""
        self.events.update(map(type, events))
        self.commands.update(map(type, commands))
        if took_s > 0:
            self.turn_s.add(took_s)

    def committed(self, writes: int, took_s: float) -> None:
        """A transaction is on disk."""
        self.commit_s.add(took_s)
        self.written += writes
        self.database_problem = ""

    def refused(self, reason: str, took_s: float) -> None:
        """The database did not take one."""
        self.commit_s.add(took_s)
        self.database_errors += 1
        self.database_problem = reason
