"""A floor of agents, a list and a pacer, as a discrete-event simulation: the world the pacer is measured in.

World of the study: post-dial delay 2 s, then a gamma ring (shape 3, mean 10 s) to a person's answer; otherwise, counted
from the moment the call is placed, no answer in 25–30 s (55%), a machine at about 24 s (30%), busy in 2–5 s (15%).
Talk is lognormal (120 s, cv 1), wrap-up lognormal (20 s, cv 0.7). A person not with an agent within 2 s is abandoned.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np

from app.pacing.language import (
    AgentFreed,
    AgentJoined,
    AgentLeft,
    CallEnd,
    CallEnded,
    CallPlaced,
    PacingDecision,
    PacingEvent,
    PacingSnapshot,
    PersonAbandoned,
    PersonAnswered,
    PersonConnected,
)

HOUR_MS: Final = 3_600_000
MINUTE_MS: Final = 60_000


class Pacer(Protocol):
    def observe(self, event: PacingEvent) -> None: ...

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day to be played.

    answer_rate: chance that a person answers, by the time the call is placed: ((from_ms, chance), …).
    agents: how many are signed in: ((from_ms, agents), …). outages: stretches in which every call fails at once.
    """

    answer_rate: tuple[tuple[int, float], ...]
    agents: tuple[tuple[int, int], ...]
    outages: tuple[tuple[int, int], ...] = ()
    length_ms: int = 8 * HOUR_MS
    lines: int = 5_000
    connect_within_ms: int = 2_000
    is_memoryless: bool = False
    talk_s: float = 120.0
    talk_cv: float = 1.0
    wrap_up_s: float = 20.0
    wrap_up_cv: float = 0.7
    post_dial_delay_s: float = 2.0
    ring_s: float = 10.0
    tick_ms: int = 500
    least_gap_ms: int = 0
    """Decisions after events are at least this far apart (large floors: 100 ms); 0: after every event."""


CHUNK: Final = 4096


class Fates:
    """What becomes of the n-th call and the n-th conversation: the same for every pacer with the same seed."""

    def __init__(self, day: Day, seed: int) -> None:
        self._day = day
        self._calls = np.random.default_rng([seed, 1])
        self._talks = np.random.default_rng([seed, 2])
        self.luck: list[float] = []
        self.answer_ms: list[int] = []
        self.end_ms: list[int] = []
        self.end: list[CallEnd] = []
        self.talk_ms: list[int] = []
        self.wrap_up_ms: list[int] = []

    def more_calls(self) -> None:
        rng, day = self._calls, self._day
        self.luck += rng.random(CHUNK).tolist()
        if day.is_memoryless:
            answer = rng.exponential(day.ring_s, CHUNK)
            end = rng.exponential(day.ring_s, CHUNK)
            kinds = [CallEnd.NO_ANSWER] * CHUNK
        else:
            answer = day.post_dial_delay_s + rng.gamma(3.0, day.ring_s / 3, CHUNK)
            kind = rng.random(CHUNK)
            end = np.where(
                kind < 0.55,
                rng.uniform(25, 30, CHUNK),
                np.where(kind < 0.85, rng.normal(24, 1, CHUNK), rng.uniform(2, 5, CHUNK)),
            )
            kinds = [
                CallEnd.NO_ANSWER if x < 0.55 else CallEnd.MACHINE if x < 0.85 else CallEnd.BUSY for x in kind.tolist()
            ]
        self.answer_ms += np.maximum(1, answer * 1000).astype(int).tolist()
        self.end_ms += np.maximum(1, end * 1000).astype(int).tolist()
        self.end += kinds

    def more_talks(self) -> None:
        rng, day = self._talks, self._day
        if day.is_memoryless:
            self.talk_ms += np.maximum(1, rng.exponential(day.talk_s * 1000, CHUNK)).astype(int).tolist()
            self.wrap_up_ms += [0] * CHUNK
            return
        for lengths, mean, cv in (
            (self.talk_ms, day.talk_s, day.talk_cv),
            (self.wrap_up_ms, day.wrap_up_s, day.wrap_up_cv),
        ):
            sigma = math.sqrt(math.log(1 + cv * cv))
            lengths += (
                np.maximum(1, 1000 * mean * np.exp(sigma * rng.standard_normal(CHUNK) - sigma**2 / 2))
                .astype(int)
                .tolist()
            )


@dataclass(slots=True, kw_only=True)
class DayResult:
    """What a day came to. worked_ms: talk and wrap-up, signed_in_ms: of all agents; line_ms: of calls in flight."""

    worked_ms: int = 0
    signed_in_ms: int = 0
    attempts: int = 0
    answered: int = 0
    connected: int = 0
    abandoned: int = 0
    cancelled: int = 0
    line_ms: int = 0
    history: list[tuple[int, int, int]] = field(default_factory=list)
    """At each end of a wait: when, answered so far, abandoned so far."""

    @property
    def occupancy(self) -> float:
        return self.worked_ms / self.signed_in_ms if self.signed_in_ms else 0.0

    @property
    def abandonment(self) -> float:
        return self.abandoned / self.answered if self.answered else 0.0

    @property
    def attempts_per_connection(self) -> float:
        return self.attempts / max(1, self.connected)

    def worst_running(self, from_ms: int = 30 * MINUTE_MS, to_ms: int = 10**12) -> float:
        return max((ab / an for at, an, ab in self.history if from_ms <= at <= to_ms and an), default=0.0)

    def between(self, from_ms: int, to_ms: int) -> float:
        """Abandoned of answered in a stretch."""
        before, last = (0, 0), (0, 0)
        for at, an, ab in self.history:
            if at < from_ms:
                before = (an, ab)
            if at < to_ms:
                last = (an, ab)
        answered = last[0] - before[0]
        return (last[1] - before[1]) / answered if answered > 0 else 0.0


TICK, ANSWER, END, ABANDON, TALKED, WRAPPED, STAFF = range(7)


class Floor:
    """One campaign on one floor. `play` runs the day; pacers with foresight look at its open books."""

    def __init__(self, day: Day, seed: int, pacer: Pacer) -> None:
        self.day = day
        self.pacer = pacer
        self.fates = Fates(day, seed)
        self.now_ms = 0
        self.result = DayResult()
        self.ringing: dict[int, int] = {}
        """Placed when, by call."""
        self.idle: list[int] = []
        self.talking: dict[int, int] = {}
        """Since when, by agent."""
        self.wrapping: dict[int, int] = {}
        self.free_at_ms: dict[int, int] = {}
        """When a busy agent will be free: for foresight only."""
        self.waiting: deque[tuple[int, int]] = deque()
        self._gone: set[int] = set()
        self._leaving = 0
        self._conversations = 0
        self._heap: list[tuple[int, int, int, int]] = []
        self._sequence = 0
        self._next_agent = 0
        self._lengths: dict[int, tuple[int, int]] = {}
        self._signed_in: dict[int, int] = {}
        self._answers_at_ms: dict[int, int] = {}

    def _at(self, at_ms: int, kind: int, who: int) -> None:
        self._sequence += 1
        heapq.heappush(self._heap, (at_ms, self._sequence, kind, who))

    def play(self) -> DayResult:
        day, heap, result = self.day, self._heap, self.result
        for at_ms, _ in day.agents:
            self._at(at_ms, STAFF, 0)
        self._at(0, TICK, 0)
        decided_ms = -(10**9)
        while heap:
            at_ms, _, kind, who = heapq.heappop(heap)
            if at_ms >= day.length_ms:
                break
            self.now_ms = at_ms
            if kind == TICK:
                self._at(at_ms + day.tick_ms, TICK, 0)
            elif not self._happens(kind, who):
                continue
            if kind == TICK or at_ms - decided_ms >= day.least_gap_ms:
                decided_ms = at_ms
                self._decide()
        self._close()
        return result

    def answers_at_ms(self) -> list[int]:
        """When the calls in flight that a person answers will be answered: for foresight only."""
        return [self._answers_at_ms[call] for call in self.ringing if call in self._answers_at_ms]

    def _happens(self, kind: int, who: int) -> bool:
        """Let it happen; False when it no longer matters (the call was cancelled, the person is with an agent)."""
        now, observe = self.now_ms, self.pacer.observe
        if kind in (ANSWER, END):
            placed = self.ringing.pop(who, None)
            if placed is None:
                return False
            self.result.line_ms += now - placed
            self._answers_at_ms.pop(who, None)
            if kind == END:
                outcome = self.fates.end[who] if self.fates.end_ms[who] == now - placed else CallEnd.FAILED
                observe(CallEnded(at_ms=now, call_id=who, outcome=outcome, ring_ms=now - placed))
                return True
            self.result.answered += 1
            observe(PersonAnswered(at_ms=now, call_id=who, ring_ms=now - placed))
            if self.idle:
                self._connect(self.idle.pop(0), who, 0)
            else:
                self.waiting.append((who, now))
                self._at(now + self.day.connect_within_ms, ABANDON, who)
            return True
        if kind == ABANDON:
            if not self.waiting or self.waiting[0][0] != who:
                return False
            self.waiting.popleft()
            self.result.abandoned += 1
            self._note()
            observe(PersonAbandoned(at_ms=now, call_id=who, waited_ms=self.day.connect_within_ms))
            return True
        if kind == TALKED:
            self.wrapping[who] = now
            del self.talking[who]
            return True
        if kind == WRAPPED:
            if who in self.talking:
                del self.talking[who]
            else:
                del self.wrapping[who]
            del self.free_at_ms[who]
            talk_ms, wrap_up_ms = self._lengths[who]
            self.result.worked_ms += talk_ms + wrap_up_ms
            observe(AgentFreed(at_ms=now, agent_id=who, talk_ms=talk_ms, wrap_up_ms=wrap_up_ms))
            self._free(who)
            return True
        self._staff()
        return True

    def _free(self, agent: int) -> None:
        if self._leaving > 0:
            self._leaving -= 1
            self._leave(agent)
        elif self.waiting:
            call, since = self.waiting.popleft()
            self._connect(agent, call, self.now_ms - since)
        else:
            self.idle.append(agent)

    def _connect(self, agent: int, call: int, waited_ms: int) -> None:
        fates = self.fates
        if self._conversations >= len(fates.talk_ms):
            fates.more_talks()
        talk_ms, wrap_up_ms = fates.talk_ms[self._conversations], fates.wrap_up_ms[self._conversations]
        self._conversations += 1
        self._lengths[agent] = (talk_ms, wrap_up_ms)
        now = self.now_ms
        self.talking[agent] = now
        self.free_at_ms[agent] = now + talk_ms + wrap_up_ms
        if wrap_up_ms:
            self._at(now + talk_ms, TALKED, agent)
        self._at(now + talk_ms + wrap_up_ms, WRAPPED, agent)
        self.result.connected += 1
        self._note()
        self.pacer.observe(PersonConnected(at_ms=now, call_id=call, waited_ms=waited_ms))

    def _note(self) -> None:
        self.result.history.append((self.now_ms, self.result.answered, self.result.abandoned))

    def _staff(self) -> None:
        """Agents come, or leave when their call is done."""
        want = [agents for at_ms, agents in self.day.agents if at_ms <= self.now_ms][-1]
        have = len(self._signed_in) - self._leaving
        while have < want:
            if self._leaving:
                self._leaving -= 1
            else:
                agent = self._next_agent
                self._next_agent += 1
                self._signed_in[agent] = self.now_ms
                self.pacer.observe(AgentJoined(at_ms=self.now_ms, agent_id=agent))
                self._free(agent)
            have += 1
        while have > want:
            if self.idle:
                self._leave(self.idle.pop())
            else:
                self._leaving += 1
            have -= 1

    def _leave(self, agent: int) -> None:
        self.result.signed_in_ms += self.now_ms - self._signed_in.pop(agent)
        self.pacer.observe(AgentLeft(at_ms=self.now_ms, agent_id=agent))

    def _close(self) -> None:
        end = self.day.length_ms
        self.result.signed_in_ms += sum(end - since for since in self._signed_in.values())
        for agent, free_at in self.free_at_ms.items():
            began = free_at - sum(self._lengths[agent])
            self.result.worked_ms += end - began

    def _decide(self) -> None:
        now = self.now_ms
        used = len(self.ringing) + len(self.talking) + len(self.waiting)
        snapshot = PacingSnapshot(
            now_ms=now,
            idle_agents=len(self.idle),
            talking_ms=[now - since for since in self.talking.values()],
            wrapping_ms=[now - since for since in self.wrapping.values()],
            ringing_ms={call: now - placed for call, placed in self.ringing.items()},
            people_waiting=len(self.waiting),
            free_lines=max(0, self.day.lines - used),
        )
        decision = self.pacer.decide(snapshot)
        for call in decision.cancel:
            placed = self.ringing.pop(call)
            self.result.cancelled += 1
            self.result.line_ms += now - placed
            self.pacer.observe(CallEnded(at_ms=now, call_id=call, outcome=CallEnd.CANCELLED, ring_ms=now - placed))
        for _ in range(decision.place):
            self._place()

    def _place(self) -> None:
        fates, now = self.fates, self.now_ms
        call = self.result.attempts
        self.result.attempts += 1
        if call >= len(fates.luck):
            fates.more_calls()
        self.ringing[call] = now
        self.pacer.observe(CallPlaced(at_ms=now, call_id=call))
        if any(start <= now < end for start, end in self.day.outages):
            self._at(now + 500, END, call)
            return
        rate = next(chance for at_ms, chance in reversed(self.day.answer_rate) if at_ms <= now)
        is_person = fates.luck[call] < rate
        # In the memoryless world a call lasts one exponential time, and its end is an answer or not.
        after_ms = fates.answer_ms[call] if is_person and not self.day.is_memoryless else fates.end_ms[call]
        if is_person:
            self._answers_at_ms[call] = now + after_ms
        self._at(now + after_ms, ANSWER if is_person else END, call)


def play(day: Day, seed: int, make: Callable[[], Pacer]) -> DayResult:
    """Play one day with a fresh pacer. The same seed is the same list, talks and wrap-ups for every pacer."""
    return Floor(day, seed, make()).play()


def plain_day(answer_rate: float, agents: int, **changes: Any) -> Day:
    """A day of the study: one answer rate, one number of agents."""
    changes.setdefault("least_gap_ms", 0 if agents <= 30 else 100)
    return Day(answer_rate=((0, answer_rate),), agents=((0, agents),), **changes)
