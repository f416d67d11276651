"""What others do, as their own documentation and source tell it, to be measured beside ours on the same days."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

from app.pacing import (
    AgentFreed,
    CallEnded,
    PacingDecision,
    PacingEvent,
    PacingSnapshot,
    PersonAbandoned,
    PersonAnswered,
)

ROUND_MS: Final = 2_500
"""VICIdial looks every 2.5 s."""
LEVEL_MS: Final = 15_000
"""VICIdial's adaptive modes change their level every 15 s."""
LATELY_MS: Final = 30 * 60_000
FEWEST_ENDS: Final = 10
"""Issabel's overcommit looks back half an hour, and asks for this many calls."""


class LinesPerIdleAgent:
    """`lines` calls for each idle agent. With lines = 1: progressive."""

    def __init__(self, lines: float = 1.0) -> None:
        self._lines = lines

    def observe(self, event: PacingEvent) -> None:
        """Learns nothing."""

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        free = snapshot.idle_agents - snapshot.people_waiting
        wanted = round(self._lines * free) - len(snapshot.ringing_ms)
        return PacingDecision(place=max(0, min(wanted, snapshot.free_lines)))


class VicidialRatio:
    """VICIdial's RATIO: every 2.5 s as many calls as bring the live ones to level × (ready + in call)."""

    def __init__(self, level: float) -> None:
        self.level = level
        self._next_ms = 0

    def observe(self, event: PacingEvent) -> None:
        """Learns nothing."""

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        if snapshot.now_ms < self._next_ms:
            return PacingDecision(place=0)
        self._next_ms = snapshot.now_ms + ROUND_MS
        # Agents in wrap-up are paused: neither ready nor in call.
        agents = snapshot.idle_agents + len(snapshot.talking_ms)
        live = len(snapshot.ringing_ms) + len(snapshot.talking_ms) + snapshot.people_waiting
        return PacingDecision(place=max(0, min(round(self.level * agents) - live, snapshot.free_lines)))


class VicidialAdapt(VicidialRatio):
    """VICIdial's ADAPT_HARD_LIMIT and ADAPT_AVERAGE.

    Every 15 s level × (1 + m), m = (mean ready − mean waiting + target difference) / agents, scaled by the intensity,
    between 1 and `most`; drops over the limit today: hard → 1, average → halved.
    """

    def __init__(
        self,
        *,
        is_hard: bool = True,
        intensity: float = 0.0,
        difference: float = 0.0,
        most: float = 3.0,
        limit: float = 0.03,
    ) -> None:
        super().__init__(1.0)
        self._is_hard = is_hard
        self._scale = 1 + intensity / 100
        self._difference = difference
        self._most = most
        self._limit = limit
        self._answered = 0
        self._abandoned = 0
        self._seen: list[tuple[int, int]] = []
        self._change_ms = LEVEL_MS

    def observe(self, event: PacingEvent) -> None:
        """Counts today's answers and drops."""
        self._answered += isinstance(event, PersonAnswered)
        self._abandoned += isinstance(event, PersonAbandoned)

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        if snapshot.now_ms >= self._next_ms:
            self._seen.append((snapshot.idle_agents, snapshot.people_waiting))
        if snapshot.now_ms >= self._change_ms:
            self._change_ms += LEVEL_MS
            self._change(max(1, snapshot.idle_agents + len(snapshot.talking_ms) + len(snapshot.wrapping_ms)))
        return super().decide(snapshot)

    def _change(self, agents: int) -> None:
        looks = max(1, len(self._seen))
        ready = sum(idle for idle, _ in self._seen) / looks
        waiting = sum(people for _, people in self._seen) / looks
        self._seen = []
        move = (ready - waiting + self._difference) / agents * self._scale
        self.level *= 1 + move
        if self._abandoned > self._limit * self._answered:
            self.level = 1.0 if self._is_hard else self.level / 2
        self.level = min(max(self.level, 1.0), self._most)


class LinesWithCorrection:
    """Lines per idle agent, corrected every minute by the drop rate so far: a step down over the limit, else up."""

    def __init__(self, *, step: float = 0.1, most: float = 12.0, limit: float = 0.03) -> None:
        self._step = step
        self._most = most
        self._limit = limit
        self._lines = 1.0
        self._answered = 0
        self._abandoned = 0
        self._change_ms = 60_000

    def observe(self, event: PacingEvent) -> None:
        """Counts answers and drops."""
        self._answered += isinstance(event, PersonAnswered)
        self._abandoned += isinstance(event, PersonAbandoned)

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        if snapshot.now_ms >= self._change_ms:
            self._change_ms += 60_000
            is_over = self._abandoned > self._limit * self._answered
            self._lines = min(max(self._lines * (1 - self._step if is_over else 1 + self._step), 1.0), self._most)
        free = snapshot.idle_agents - snapshot.people_waiting
        wanted = round(self._lines * free) - len(snapshot.ringing_ms)
        return PacingDecision(place=max(0, min(wanted, snapshot.free_lines)))


class Erlang:
    """In the manner of Issabel's dialer, prediction and overcommit switched on.

    Calls for the agents that are idle and those in talk who are done by the time of an answer with a chance of at least
    `sure` (talks taken for exponential), less the people waiting and the calls in flight; all this over the share of
    calls answered in the last half hour, that is at most `most_each` calls for one agent.
    """

    def __init__(self, *, most_each: float = 5.0, sure: float = 0.97) -> None:
        self._most_each = most_each
        self._sure = sure
        self._ends: deque[tuple[int, bool]] = deque()
        self._answers = 0
        self._ring_ms = 8_000.0
        self._talk_ms = 75_000.0

    def observe(self, event: PacingEvent) -> None:
        """Keeps the share of calls answered lately, and running means of the time to an answer and of a talk."""
        match event:
            case PersonAnswered():
                self._end(event.at_ms, is_answer=True)
                self._ring_ms += 0.05 * (event.ring_ms - self._ring_ms)
            case CallEnded():
                self._end(event.at_ms, is_answer=False)
            case AgentFreed():
                self._talk_ms += 0.05 * (event.talk_ms - self._talk_ms)
            case _:
                pass

    def _end(self, at_ms: int, *, is_answer: bool) -> None:
        self._ends.append((at_ms, is_answer))
        self._answers += is_answer
        while self._ends[0][0] < at_ms - LATELY_MS:
            self._answers -= self._ends.popleft()[1]

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        soon = sum(1 - math.exp(-(ms + self._ring_ms) / self._talk_ms) >= self._sure for ms in snapshot.talking_ms)
        wanted = snapshot.idle_agents + soon - snapshot.people_waiting - len(snapshot.ringing_ms)
        if wanted > 0 and len(self._ends) >= FEWEST_ENDS:
            wanted = round(wanted * min(self._most_each, len(self._ends) / max(1, self._answers)))
        return PacingDecision(place=max(0, min(wanted, snapshot.free_lines)))
