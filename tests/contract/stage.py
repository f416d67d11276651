"""Where the contract is played: one Telephony, and any number of calls on it at once, each with what was told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from app.commands import HangUp, PlaceCall, TelephonyCommand
from app.events import CallEvent, CallPlaced, Event, TelephonyUp
from app.model import Trunk
from app.ports import Clock, Telephony
from app.units import AttemptId, Number, TrunkId

PATIENCE_S = 60.0
"""Real seconds until a scenario that waits for something has failed."""
E_ = TypeVar("E_", bound=CallEvent)


@dataclass(slots=True)
class Line:
    """One call: `told` is every event of it with its moment, in the order it came."""

    stage: Stage
    attempt_id: AttemptId
    placed_at_ms: int
    told: list[tuple[int, CallEvent]] = field(default_factory=list)
    _seen: int = 0

    async def until(self, kind: type[E_]) -> E_:
        """The next event of this kind; those before it are passed over. Raises AssertionError when it does not come."""
        try:
            async with asyncio.timeout(PATIENCE_S), self.stage.news:
                while True:
                    for index in range(self._seen, len(self.told)):
                        if isinstance(event := self.told[index][1], kind):
                            self._seen = index + 1
                            return event
                    await self.stage.news.wait()
        except TimeoutError:
            raise AssertionError(f"no {kind.__name__}; told: {[event for _, event in self.told]}") from None

    def do(self, command: TelephonyCommand) -> None:
        """Give a command."""
        self.stage.telephony.perform(command)

    def hang_up(self) -> None:
        """End the call from our side."""
        self.do(HangUp(attempt_id=self.attempt_id))

    @property
    def events(self) -> list[CallEvent]:
        """What was told, without CallPlaced: the reply to a request is not ordered with the rest."""
        return [event for _, event in self.told if not isinstance(event, CallPlaced)]

    @property
    def story(self) -> list[str]:
        """The names of `events`, in order."""
        return [type(event).__name__ for event in self.events]

    def when(self, kind: type[CallEvent]) -> int:
        """Milliseconds from the asking to the first event of this kind."""
        return next(at_ms for at_ms, event in self.told if isinstance(event, kind)) - self.placed_at_ms


class Stage:
    """A Telephony with what it tells, sorted by attempt."""

    def __init__(self, telephony: Telephony, clock: Clock, *, name: str) -> None:
        self.telephony = telephony
        self.clock = clock
        self.name = name
        self.news = asyncio.Condition()
        self.connection: list[Event] = []
        """What was told of the connection itself."""
        self._lines: dict[AttemptId, Line] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._used = 0

    async def start(self) -> TelephonyUp:
        """Connect, and wait for the first news."""
        await self.telephony.start(self.take)
        up = await self.until(TelephonyUp)
        assert isinstance(up, TelephonyUp)
        return up

    def take(self, event: Event) -> None:
        """The inbox."""
        line = self._lines.get(getattr(event, "attempt_id", AttemptId("")))
        if line is not None:
            line.told.append((self.clock.now_ms(), event))  # type: ignore[arg-type]
        else:
            self.connection.append(event)
        task = asyncio.get_running_loop().create_task(self._spread())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _spread(self) -> None:
        async with self.news:
            self.news.notify_all()

    async def until(self, kind: type[Event]) -> Event:
        """The next news of the connection of this kind; those before it are dropped."""
        async with asyncio.timeout(PATIENCE_S), self.news:
            while True:
                while self.connection:
                    if isinstance(event := self.connection.pop(0), kind):
                        return event
                await self.news.wait()

    def place(
        self,
        suffix: str,
        *,
        trunk: str = "network",
        ring_timeout_ms: int = 40_000,
        lease_ms: int = 120_000,
        watch_talk: bool = False,
        again: Line | None = None,
    ) -> Line:
        """Call the number with these last digits. again: with the attempt id of that call."""
        self._used += 1
        attempt_id = again.attempt_id if again else AttemptId(f"{self.name}{self._used:08}")
        line = again or Line(self, attempt_id, self.clock.now_ms())
        self._lines[attempt_id] = line
        line.do(
            PlaceCall(
                attempt_id=attempt_id,
                trunk=Trunk(id=TrunkId(trunk), endpoint=trunk, prefixes=("+",)),
                number=Number(f"+4477009001{suffix or '00'}"),
                caller_id="+442079460000",
                ring_timeout_ms=ring_timeout_ms,
                lease_ms=lease_ms,
                language="en",
                watch_talk=watch_talk,
            )
        )
        return line

    def adopt(self, attempt_id: AttemptId) -> Line:
        """Follow a call that was placed before this stage."""
        return self._lines.setdefault(attempt_id, Line(self, attempt_id, self.clock.now_ms()))

    async def after_ms(self, wait_ms: int) -> None:
        """Let a moment of the scenario pass, on the stage's clock."""
        await asyncio.sleep(wait_ms / 1_000 / getattr(self.clock, "speed", 1.0))


Scenario = Callable[..., Awaitable[None]]


class Contract:
    """Scenarios that are all played at once, and then judged one by one, each as a test of its own."""

    def __init__(self) -> None:
        self.scenarios: dict[str, tuple[Scenario, tuple[Any, ...]]] = {}

    def __call__(self, scenario: Scenario) -> Callable[[Played], None]:
        """Make a test of a scenario `async (stage) -> None` that asserts as it goes."""
        key = scenario.__name__
        self.scenarios[key] = (scenario, ())

        def test(played: Played) -> None:
            played.judge(key)

        return _named(test, scenario)

    def each(self, values: dict[str, Any]) -> Callable[[Scenario], Callable[[Played, str], None]]:
        """Make a test for each value, by its name, of a scenario `async (stage, value) -> None`."""

        def decorate(scenario: Scenario) -> Callable[[Played, str], None]:
            for name, value in values.items():
                self.scenarios[f"{scenario.__name__}[{name}]"] = (scenario, (value,))

            def test(played: Played, of: str) -> None:
                played.judge(f"{scenario.__name__}[{of}]")

            parametrised: Callable[[Played, str], None] = pytest.mark.parametrize("of", list(values))(
                _named(test, scenario)
            )
            return parametrised

        return decorate


class Played:
    """What came of each scenario on one stage."""

    def __init__(self, results: dict[str, BaseException | None]) -> None:
        self._results = results

    @classmethod
    async def on(cls, stage: Stage, scenarios: dict[str, tuple[Scenario, tuple[Any, ...]]]) -> Played:
        """Play them all at once."""
        calls = [scenario(stage, *arguments) for scenario, arguments in scenarios.values()]
        results = await asyncio.gather(*calls, return_exceptions=True)
        return cls(dict(zip(scenarios, results, strict=True)))

    def judge(self, key: str) -> None:
        """Raises what the scenario raised."""
        result = self._results[key]
        if result is not None:
            raise result


contract = Contract()

_T = TypeVar("_T", bound=Callable[..., None])


def _named(test: _T, scenario: Scenario) -> _T:
    test.__name__ = scenario.__name__
    test.__doc__ = scenario.__doc__
    test.__module__ = scenario.__module__
    return test
