"""Scenarios that are all played at once, because calls take their time, and then judged one by one, each as a test."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

S = TypeVar("S")


class Scenarios(dict[str, Callable[[S], Awaitable[None]]], Generic[S]):
    """The scenarios of a module by name. Used as a decorator, it takes one more."""

    def __call__(self, play: Callable[[S], Awaitable[None]]) -> Callable[[S], Awaitable[None]]:
        """Play it together with the others."""
        self[play.__name__] = play
        return play

    async def all_on(self, scene: S) -> Played:
        """Play all of them at once on one scene."""
        return await self.all_by(lambda _name, play: play(scene))

    async def all_by(self, play: Callable[[str, Callable[[S], Awaitable[None]]], Awaitable[None]]) -> Played:
        """Play all of them at once, each as `play` does it."""
        plays = [play(name, scenario) for name, scenario in self.items()]
        results = await asyncio.gather(*plays, return_exceptions=True)
        return Played(dict(zip(self, results, strict=True)))


class Played:
    """What came of each scenario."""

    def __init__(self, results: dict[str, BaseException | None]) -> None:
        self._results = results

    def judge(self, name: str) -> None:
        """Raises what the scenario raised."""
        result = self._results[name]
        if result is not None:
            raise result
