"""A floor of agents, its campaigns and their pacers, as a discrete-event simulation: where pacers are measured."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np

from app.pacing.joint import Sharing, decide_jointly
from app.pacing.language import (
    AgentFreed,
    AgentJoined,
    AgentLeft,
    AgentSignal,
    BusyAgent,
    CallEnd,
    CallEnded,
    CallPlaced,
    CallSignal,
    PacingDecision,
    PacingSnapshot,
    PersonAbandoned,
    PersonAnswered,
    PersonConnected,
)
from app.pacing.predictive import PredictivePacer
from app.study.campaign import Campaign, Pacer
from app.study.day import Day, DayResult
from app.study.telling import OF_AGENTS

TICK, ANSWER, END, ABANDON, TALKED, WRAPPED, STAFF, HEARD, SAID = range(9)
OUTAGE_END_MS: Final = 500
"""How soon a call fails while the trunk is out."""


class Floor:
    """A floor and its campaigns, one pacer each. `play` runs the day; pacers with foresight look at its open books."""

    def __init__(self, day: Day, seed: int, *pacers: Pacer) -> None:
        if len(pacers) != 1 + len(day.beside):
            raise ValueError(f"{1 + len(day.beside)} campaigns need as many pacers, not {len(pacers)}")
        self.day = day
        self.campaigns = [Campaign(day, seed, pacer, number) for number, pacer in enumerate(pacers)]
        self.result = self.campaigns[0].result
        """Of the first campaign; what agents did is counted by campaign, how long they were signed in here."""
        self.now_ms = 0
        self.idle: list[int] = []
        self.talking: dict[int, int] = {}
        """Since when, by agent."""
        self.wrapping: dict[int, int] = {}
        self.free_at_ms: dict[int, int] = {}
        """When a busy agent will be free: for foresight only."""
        self.waiting: deque[tuple[Campaign, int, int]] = deque()
        """Whose person, of which call, since when."""
        self._leaving = 0
        self._going: set[int] = set()
        """Busy agents who told that they go when they are done."""
        self._heap: list[tuple[int, int, int, int, int]] = []
        self._sequence = 0
        self._next_agent = 0
        self._serves: dict[int, tuple[Campaign, int, int]] = {}
        """By busy agent: whose person, talk and wrap-up."""
        self._signed_in: dict[int, int] = {}
        self._are_named = bool(OF_AGENTS & day.told)
        self._paces = np.random.default_rng([seed, 2_001])
        self._pace: dict[int, float] = {}
        """By agent: how many times the usual length their conversations take."""

    def _at(self, at_ms: int, kind: int, who: int, campaign: int = 0) -> None:
        self._sequence += 1
        heapq.heappush(self._heap, (at_ms, self._sequence, kind, who, campaign))

    def play(self) -> DayResult:
        """Run the day. What came of the campaigns after the first is in `campaigns`."""
        day, heap = self.day, self._heap
        for at_ms, _ in day.agents:
            self._at(at_ms, STAFF, 0)
        self._at(0, TICK, 0)
        decided_ms = -(10**9)
        while heap:
            at_ms, _, kind, who, campaign = heapq.heappop(heap)
            if at_ms >= day.length_ms:
                break
            self.now_ms = at_ms
            if kind == TICK:
                self._at(at_ms + day.tick_ms, TICK, 0)
            elif not self._happens(kind, who, self.campaigns[campaign]):
                continue
            if kind == TICK or at_ms - decided_ms >= day.least_gap_ms:
                decided_ms = at_ms
                self._decide()
        self._close()
        return self.result

    def answers_at_ms(self) -> list[int]:
        """When the first campaign's calls in flight that a person answers will be answered: for foresight only."""
        one = self.campaigns[0]
        return [one.answers_at_ms[call] for call in one.ringing if call in one.answers_at_ms]

    def _happens(self, kind: int, who: int, one: Campaign) -> bool:
        """Let it happen; False when it no longer matters (the call was cancelled, the person is with an agent)."""
        if kind == END:
            return self._ends(who, one)
        if kind == ANSWER:
            return self._answers(who, one)
        if kind == ABANDON:
            return self._abandons(who, one)
        if kind == HEARD:
            return self._hears(who, one)
        if kind == SAID:
            return self._says(who, one)
        if kind == TALKED:
            self.wrapping[who] = self.now_ms
            del self.talking[who]
        elif kind == WRAPPED:
            self._wraps_up(who)
        else:
            self._staff()
        return True

    def _hears(self, call: int, one: Campaign) -> bool:
        """Something is heard on a line. It is told, and looked at with the next tick."""
        (_, word), *rest = one.to_hear.pop(call)
        if rest:
            one.to_hear[call] = tuple(rest)
        if call in one.ringing:
            one.pacer.observe(CallSignal(at_ms=self.now_ms, call_id=call, signal=word))
        return False

    def _says(self, agent: int, one: Campaign) -> bool:
        """A desk tells something of its agent. It is told, and looked at with the next tick."""
        (_, word), *rest = one.to_say.pop(agent)
        if rest:
            one.to_say[agent] = tuple(rest)
        one.pacer.observe(AgentSignal(at_ms=self.now_ms, agent_id=agent, signal=word))
        return False

    def _ends(self, call: int, one: Campaign) -> bool:
        placed = one.ringing.pop(call, None)
        if placed is None:
            return False
        after_ms = self.now_ms - placed
        one.result.line_ms += after_ms
        outcome = one.fates.end[call] if one.fates.end_ms[call] == after_ms else CallEnd.FAILED
        one.pacer.observe(CallEnded(at_ms=self.now_ms, call_id=call, outcome=outcome, ring_ms=after_ms))
        return True

    def _answers(self, call: int, one: Campaign) -> bool:
        placed = one.ringing.pop(call, None)
        if placed is None:
            return False
        now = self.now_ms
        one.result.line_ms += now - placed
        del one.answers_at_ms[call]
        one.result.answered += 1
        one.pacer.observe(PersonAnswered(at_ms=now, call_id=call, ring_ms=now - placed))
        if self.idle:
            self._connect(self.idle.pop(0), one, call, 0)
        else:
            self.waiting.append((one, call, now))
            one.people_waiting += 1
            self._at(now + self.day.connect_within_ms, ABANDON, call, one.number)
        return True

    def _abandons(self, call: int, one: Campaign) -> bool:
        if not self.waiting or self.waiting[0][:2] != (one, call):
            return False
        self.waiting.popleft()
        one.people_waiting -= 1
        one.result.abandoned += 1
        one.note(self.now_ms)
        waited_ms = self.day.connect_within_ms
        one.pacer.observe(PersonAbandoned(at_ms=self.now_ms, call_id=call, waited_ms=waited_ms))
        return True

    def _wraps_up(self, agent: int) -> None:
        if agent in self.talking:
            del self.talking[agent]
        else:
            del self.wrapping[agent]
        del self.free_at_ms[agent]
        one, talk_ms, wrap_up_ms = self._serves.pop(agent)
        one.result.worked_ms += talk_ms + wrap_up_ms
        one.result.talked_ms += talk_ms
        one.pacer.observe(AgentFreed(at_ms=self.now_ms, agent_id=agent, talk_ms=talk_ms, wrap_up_ms=wrap_up_ms))
        self._free(agent)

    def _free(self, agent: int) -> None:
        if agent in self._going or (self._leaving > 0 and not self._going):
            self._going.discard(agent)
            self._leaving -= 1
            self._leave(agent)
        elif self.waiting:
            one, call, since = self.waiting.popleft()
            one.people_waiting -= 1
            self._connect(agent, one, call, self.now_ms - since)
        else:
            self.idle.append(agent)

    def _connect(self, agent: int, one: Campaign, call: int, waited_ms: int) -> None:
        talk_ms, wrap_up_ms = one.next_lengths_ms(self._pace[agent])
        self._serves[agent] = (one, talk_ms, wrap_up_ms)
        now = self.now_ms
        self.talking[agent] = now
        self.free_at_ms[agent] = now + talk_ms + wrap_up_ms
        if wrap_up_ms:
            self._at(now + talk_ms, TALKED, agent)
        self._at(now + talk_ms + wrap_up_ms, WRAPPED, agent)
        if said := sorted(one.teller.said(talk_ms, wrap_up_ms)):
            one.to_say[agent] = tuple(said)
            for after_ms, _ in said:
                self._at(now + after_ms, SAID, agent, one.number)
        one.result.connected += 1
        one.note(now)
        one.pacer.observe(PersonConnected(at_ms=now, call_id=call, waited_ms=waited_ms))

    def _staff(self) -> None:
        """Agents come, or leave when their call is done."""
        want = [agents for at_ms, agents in self.day.agents if at_ms <= self.now_ms][-1]
        have = len(self._signed_in) - self._leaving
        while have < want:
            if self._leaving:
                self._leaving -= 1
                if self._going:
                    self._going.pop()
            else:
                agent = self._next_agent
                self._next_agent += 1
                self._signed_in[agent] = self.now_ms
                differ = self.day.agents_differ
                self._pace[agent] = math.exp(differ * self._paces.standard_normal() - differ**2 / 2) if differ else 1.0
                for one in self.campaigns:
                    one.pacer.observe(AgentJoined(at_ms=self.now_ms, agent_id=agent))
                self._free(agent)
            have += 1
        while have > want:
            if self.idle:
                self._leave(self.idle.pop())
            else:
                self._leaving += 1
                if self.day.do_agents_tell:
                    self._going.add(max(agent for agent in self.free_at_ms if agent not in self._going))
            have -= 1

    def _leave(self, agent: int) -> None:
        self._stays(self.now_ms - self._signed_in.pop(agent))
        for one in self.campaigns:
            one.pacer.observe(AgentLeft(at_ms=self.now_ms, agent_id=agent))

    def _stays(self, for_ms: int) -> None:
        for one in self.campaigns:
            one.result.signed_in_ms += for_ms

    def _close(self) -> None:
        end = self.day.length_ms
        self._stays(sum(end - since for since in self._signed_in.values()))
        for agent, free_at in self.free_at_ms.items():
            one, talk_ms, wrap_up_ms = self._serves[agent]
            lasted_ms = end - (free_at - talk_ms - wrap_up_ms)
            one.result.worked_ms += lasted_ms
            one.result.talked_ms += min(talk_ms, lasted_ms)

    # --- decisions ---------------------------------------------------------------------------------------------------

    def _decide(self) -> None:
        now = self.now_ms
        in_flight = sum([len(one.ringing) for one in self.campaigns])
        free_lines = max(0, self.day.lines - in_flight - len(self.talking) - len(self.waiting))
        talking_ms = [now - since for agent, since in self.talking.items() if agent not in self._going]
        wrapping_ms = [now - since for agent, since in self.wrapping.items() if agent not in self._going]
        snapshots = [
            PacingSnapshot(
                now_ms=now,
                idle_agents=len(self.idle),
                talking_ms=talking_ms,
                wrapping_ms=wrapping_ms,
                ringing_ms={call: now - placed for call, placed in one.ringing.items()},
                people_waiting=one.people_waiting,
                free_lines=free_lines,
                busy=self._busy() if self._are_named else None,
            )
            for one in self.campaigns
        ]
        for one, decision in zip(self.campaigns, self._decisions(snapshots), strict=True):
            for call in decision.cancel:
                self._cancel(call, one)
            for _ in range(decision.place):
                self._place(one)
        used = sum([len(one.ringing) for one in self.campaigns]) + len(self.talking) + len(self.waiting)
        self.result.most_lines = max(self.result.most_lines, used)

    def _busy(self) -> dict[int, BusyAgent]:
        now, going = self.now_ms, self._going
        busy = {agent: BusyAgent(now - since) for agent, since in self.talking.items() if agent not in going}
        for agent, since in self.wrapping.items():
            if agent not in going:
                busy[agent] = BusyAgent(now - since, is_wrapping=True)
        return busy

    def _decisions(self, snapshots: list[PacingSnapshot]) -> list[PacingDecision]:
        if len(snapshots) == 1:
            return [self.campaigns[0].pacer.decide(snapshots[0])]
        sharing = []
        for one, snapshot in zip(self.campaigns, snapshots, strict=True):
            assert isinstance(one.pacer, PredictivePacer), "only predictive pacers decide together"
            sharing.append(Sharing(name=str(one.number), pacer=one.pacer, snapshot=snapshot))
        return list(decide_jointly(sharing).values())

    def _cancel(self, call: int, one: Campaign) -> None:
        now, placed = self.now_ms, one.ringing.pop(call)
        one.answers_at_ms.pop(call, None)
        one.result.cancelled += 1
        one.result.line_ms += now - placed
        one.pacer.observe(CallEnded(at_ms=now, call_id=call, outcome=CallEnd.CANCELLED, ring_ms=now - placed))

    def _place(self, one: Campaign) -> None:
        fates, now, call = one.fates, self.now_ms, one.result.attempts
        one.result.attempts += 1
        if call >= len(fates.luck):
            fates.more_calls()
        one.ringing[call] = now
        rate = next(chance for at_ms, chance in reversed(one.answer_rate) if at_ms <= now)
        is_person = fates.luck[call] < rate
        is_out = any(start <= now < end for start, end in self.day.outages)
        features = one.teller.beforehand(is_person=is_person, answer_rate=rate) if self.day.told else ()
        one.pacer.observe(CallPlaced(at_ms=now, call_id=call, features=features))
        if is_out:
            self._at(now + OUTAGE_END_MS, END, call, one.number)
            return
        if self.day.told:
            one.to_hear[call] = heard = one.teller.heard(is_person=is_person, end=fates.end[call])
            for after_ms, _ in heard:
                self._at(now + after_ms, HEARD, call, one.number)
        # In the memoryless world a call lasts one exponential time, and its end is an answer or not.
        after_ms = fates.answer_ms[call] if is_person and not self.day.is_memoryless else fates.end_ms[call]
        if is_person:
            one.answers_at_ms[call] = now + after_ms
        self._at(now + after_ms, ANSWER if is_person else END, call, one.number)


def play(day: Day, seed: int, make: Callable[[], Pacer]) -> DayResult:
    """Play one day with a fresh pacer. The same seed is the same list, talks and wrap-ups for every pacer."""
    return Floor(day, seed, make()).play()
