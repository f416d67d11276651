"""Where the contract is played: one Telephony, and any number of calls on it at once, each with what was told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from app.agent_commands import HangUpPhone, RingPhone
from app.commands import HangUp, PlaceCall, TelephonyCommand
from app.events import CallPlaced, Event, TelephonyUp
from app.model import Trunk
from app.ports import Clock, Telephony
from app.units import AttemptId, LegId, Number, RoomId, TrunkId
from tests.contract.handsets import Habit, Handset

PATIENCE_S = 60.0
"""Real seconds until a scenario that waits for something has failed."""
E_ = TypeVar("E_", bound=Event)


@dataclass(slots=True)
class Thread:
    """What is told of one thing: every event with its moment, in the order it came."""

    stage: Stage
    began_at_ms: int
    told: list[tuple[int, Event]] = field(default_factory=list)
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

    @property
    def events(self) -> list[Event]:
        """What was told, without CallPlaced: the reply to a request is not ordered with the rest."""
        return [event for _, event in self.told if not isinstance(event, CallPlaced)]

    @property
    def story(self) -> list[str]:
        """The names of `events`, in order."""
        return [type(event).__name__ for event in self.events]

    def when(self, kind: type[Event]) -> int:
        """Milliseconds from the asking to the first event of this kind."""
        return next(at_ms for at_ms, event in self.told if isinstance(event, kind)) - self.began_at_ms


@dataclass(slots=True, kw_only=True)
class Line(Thread):
    """One call to a person."""

    attempt_id: AttemptId

    def hang_up(self) -> None:
        """End the call from our side."""
        self.do(HangUp(attempt_id=self.attempt_id))


@dataclass(slots=True, kw_only=True)
class Leg(Thread):
    """One call to a phone."""

    leg_id: LegId

    def hang_up(self) -> None:
        """End the call from our side."""
        self.do(HangUpPhone(leg_id=self.leg_id))


@dataclass(slots=True, kw_only=True)
class Seat(Thread):
    """A phone, and who sits at it. told: whether it can be reached."""

    handset: Handset

    @property
    def endpoint(self) -> str:
        """Its name at the PBX."""
        return self.handset.endpoint


class Stage:
    """A Telephony with what it tells, sorted by attempt, leg and phone. handsets: the phones nobody sits at yet."""

    def __init__(self, telephony: Telephony, clock: Clock, *, name: str, handsets: Sequence[Handset] = ()) -> None:
        self.telephony = telephony
        self.clock = clock
        self.name = name
        self.news = asyncio.Condition()
        self.connection: list[Event] = []
        """What was told of the connection itself."""
        self._threads: dict[str, Thread] = {}
        self._free = list(handsets)
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
        names = (getattr(event, name, None) for name in ("attempt_id", "leg_id", "endpoint"))
        thread = next((self._threads[name] for name in names if name in self._threads), None)
        if thread is not None:
            thread.told.append((self.clock.now_ms(), event))
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
        line = again or Line(self, self.clock.now_ms(), attempt_id=attempt_id)
        self._threads[attempt_id] = line
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
        line = Line(self, self.clock.now_ms(), attempt_id=attempt_id)
        self._threads[attempt_id] = line
        return line

    def adopt_leg(self, leg_id: LegId) -> Leg:
        """Follow a phone's call that was made before this stage."""
        leg = Leg(self, self.clock.now_ms(), leg_id=leg_id)
        self._threads[leg_id] = leg
        return leg

    async def seat(self, habit: Habit = Habit.KNOWS_AUTO_ANSWER) -> Seat:
        """Somebody sits down at a phone of their own."""
        handset = self._free.pop()
        await handset.will(habit)
        seat = Seat(self, self.clock.now_ms(), handset=handset)
        self._threads[handset.endpoint] = seat
        return seat

    def new_leg(self, kind: str = "p") -> Leg:
        """A leg that is not rung yet."""
        self._used += 1
        leg_id = LegId(f"{self.name}{self._used:08}-{kind}1")
        leg = Leg(self, self.clock.now_ms(), leg_id=leg_id)
        self._threads[leg_id] = leg
        return leg

    def ring(
        self,
        endpoint: str,
        *,
        ring_timeout_ms: int = 40_000,
        lease_ms: int = 120_000,
        has_auto_answer: bool = True,
        again: Leg | None = None,
    ) -> Leg:
        """Ring a phone. again: with the id of that leg."""
        leg = again or self.new_leg()
        leg.do(
            RingPhone(
                leg_id=leg.leg_id,
                endpoint=endpoint,
                shown_name="Spring campaign",
                shown_number="+442079460000",
                ring_timeout_ms=ring_timeout_ms,
                lease_ms=lease_ms,
                has_auto_answer=has_auto_answer,
            )
        )
        return leg

    def new_room(self) -> RoomId:
        """The name of a room that is not open yet."""
        self._used += 1
        return RoomId(f"{self.name}{self._used:08}-room")

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
