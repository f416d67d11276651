"""The predictive pacer: what is likely to happen in the next half minute, and how much may be risked on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from app.pacing.budget import Budget
from app.pacing.desks import Desks
from app.pacing.freeing import FreeOdds, Staying
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
    Guard,
    LedgerCounted,
    PacingDecision,
    PacingEvent,
    PacingPolicy,
    PacingSnapshot,
    PersonAbandoned,
    PersonAnswered,
    PersonConnected,
)
from app.pacing.limits import at_least, at_most
from app.pacing.ringing import AHEAD, HALVES, AnswerOdds
from app.pacing.signals import CallSignals
from app.pacing.standing import Standing
from app.pacing.tails import Floats, Surplus

REFRESH_MS: Final = 2_000
FREE_REFRESH_MS: Final = 10_000
"""How often the tables of answers and of agents coming free are computed anew."""
BATCH: Final = 4
"""Numbers of calls looked at together."""
EXCESS: Final = 0.0005
"""How unlikely it must be that more people are abandoned than there is room for."""
CANCEL_RISK: Final = 4.0
"""Calls are cancelled when the harm of one more is this many times what a new call may carry: they cost attempts."""
CANCEL_EXCESS: Final = 4.0
PRIOR_SEEN: Final = 8.0
"""Answers and talks the priors are worth, where the doubt about the estimates is concerned."""
REFUSED_MS: Final = 3_000
"""A call the network refused within this time says nothing of people: while a trunk is out every call is refused, and
were that taken for the list's, the first minute after would be a flood."""
REMEMBERED: Final = 4_096
"""Answered calls whose ends are still to come, at most."""
IN_WORDS_S: Final = 10

_COUNT = np.arange(BATCH + 1.0)[:, None]


class PredictivePacer:
    """Learns when calls are answered and agents come free, and places what the budget allows. See docs/pacing.md."""

    def __init__(self, policy: PacingPolicy) -> None:
        self.policy = policy
        self.budget = Budget(policy)
        self._odds = AnswerOdds()
        self._free = FreeOdds(policy.connect_within_ms / 1000)
        self._staying = Staying()
        self._refreshed_ms: int | None = None
        self._free_refreshed_ms = 0
        self._decided_ms: int | None = None
        self._ages = self._halves = np.zeros(HALVES, dtype=np.int64)
        self._signals = CallSignals()
        self._desks = Desks(policy.connect_within_ms / 1000)
        self._busy: Mapping[Any, BusyAgent] = {}
        self.standing = Standing()
        """Among campaigns that share its floor."""
        self._answered: dict[Any, None] = {}
        self._density = np.zeros(AHEAD)
        self._doubts = (1.0, 1.0)

    # --- what happened -----------------------------------------------------------------------------------------------

    def observe(self, event: PacingEvent) -> None:
        """Learn from it. Raises ValueError for lengths below zero, TypeError for what is no pacing event."""
        match event:
            case PersonAnswered():
                if event.call_id in self._answered:
                    return
                self._remember(event.call_id)
                self._signals.ended(event.call_id, event.ring_ms, is_person=True)
                self._odds.answered(_length("ring_ms", event.ring_ms))
                self.budget.answered(event.at_ms)
                self.standing.answered()
            case CallEnded():
                if event.call_id in self._answered:
                    del self._answered[event.call_id]
                    return
                ring_ms = _length("ring_ms", event.ring_ms)
                if event.outcome == CallEnd.FAULT:  # not even the time it rang says anything of people
                    self._signals.failed(event.call_id, ring_ms)
                    return
                if event.outcome == CallEnd.MACHINE:
                    self.budget.machine(event.at_ms)
                is_unknown = event.outcome == CallEnd.CANCELLED or (
                    event.outcome == CallEnd.FAILED and ring_ms < REFUSED_MS
                )
                self._odds.ended(ring_ms, is_cancelled=is_unknown)
                self._signals.ended(event.call_id, ring_ms, is_person=None if is_unknown else False)
            case PersonConnected():
                self.budget.connected()
            case PersonAbandoned():
                self.budget.abandoned(event.at_ms)
            case LedgerCounted():
                self.budget.counted(event)
            case AgentFreed():
                self._free.freed(_length("talk_ms", event.talk_ms), _length("wrap_up_ms", event.wrap_up_ms))
                self._staying.freed()
                self._desks.freed(event.agent_id, event.talk_ms, event.wrap_up_ms, event.at_ms)
            case AgentSignal():
                if self.policy.use_signals:
                    busy = self._busy.get(event.agent_id)
                    self._desks.heard(event.agent_id, event.signal, event.at_ms, busy, self._free)
            case CallPlaced():
                self.standing.placed()
                if self.policy.use_signals:
                    self._signals.placed(event.call_id, event.features, event.at_ms)
            case CallSignal():
                if self.policy.use_signals:
                    self._signals.heard(event.call_id, event.signal, event.at_ms)
            case AgentLeft():
                self._desks.gone(event.agent_id)
            case AgentJoined():
                pass
            case _:
                raise TypeError(f"{event!r} is no pacing event")

    def _remember(self, call_id: Any) -> None:
        self._answered[call_id] = None
        if len(self._answered) > REMEMBERED:
            del self._answered[next(iter(self._answered))]

    # --- what to do --------------------------------------------------------------------------------------------------

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        """How many calls to place now, and which to cancel. Raises ValueError for ages below zero or time run back."""
        self.look(snapshot)
        answers, freed = self.answers_ahead(snapshot), self.freed_ahead(snapshot)
        surplus = answers + freed
        surplus[:AHEAD] += snapshot.people_waiting - snapshot.idle_agents
        of_answers, of_free = self._doubts
        surplus[AHEAD : 2 * AHEAD] += of_answers * answers[:AHEAD] ** 2 + of_free * freed[:AHEAD] ** 2
        most = self._at_most(snapshot)
        least = at_least(snapshot, at_most(self.policy, snapshot))
        place, is_too_much = self._how_many(surplus, least, most)
        cancel: tuple[Any, ...] = ()
        if is_too_much and self.policy.min_ring_ms is not None:
            cancel = self.to_cancel(snapshot, surplus)
        within = IN_WORDS_S - 1
        why = (
            f"{len(snapshot.ringing_ms)} in flight, {answers[within]:.1f} answers expected in {IN_WORDS_S} s, "
            f"agents idle: {snapshot.idle_agents}, free by then: {abs(freed[within]):.1f} more, "
            f"budget {self.budget.left:.1f} left → {place}"
        )
        if cancel:
            why += f", {len(cancel)} cancelled"
        return PacingDecision(place=place, cancel=cancel, why=why)

    def look(self, snapshot: PacingSnapshot) -> None:
        """Take in the snapshot: time that passed, calls by age, tables when they are due."""
        now_ms, ringing = snapshot.now_ms, snapshot.ringing_ms
        if self._decided_ms is not None and now_ms < self._decided_ms:
            raise ValueError(f"time ran back from {self._decided_ms} to {now_ms} ms")
        ages = np.fromiter(ringing.values(), np.int64, len(ringing))
        if len(ages) and ages.min() < 0:
            raise ValueError(f"a call cannot have been in flight for {ages.min()} ms")
        self._decided_ms = now_ms
        self._busy = snapshot.busy or {}
        self._halves = np.minimum(ages // 500, HALVES - 1)
        self._ages = np.bincount(self._halves, minlength=HALVES)
        self.budget.agents = snapshot.idle_agents + len(snapshot.talking_ms) + len(snapshot.wrapping_ms)
        self._staying.look(self.budget.agents)
        if self._refreshed_ms is None or now_ms - self._refreshed_ms >= REFRESH_MS:
            self._refresh(snapshot)

    def _refresh(self, snapshot: PacingSnapshot) -> None:
        now_ms = snapshot.now_ms
        self.budget.ledger.forget(now_ms)
        self._odds.refresh(now_ms, self._ages)
        if self._refreshed_ms is None or now_ms - self._free_refreshed_ms >= FREE_REFRESH_MS:
            self._free_refreshed_ms = now_ms
            self._free.refresh(now_ms, snapshot.talking_ms, snapshot.wrapping_ms)
            self._signals.refresh()
        self._refreshed_ms = now_ms
        chance = self._odds.chances[0, :AHEAD]
        self._density = np.diff(chance, prepend=0.0) / max(chance[-1], 1e-9)
        self._doubts = (1 / (PRIOR_SEEN + self._odds.seen), 1 / (PRIOR_SEEN + self._free.seen))

    def answers_ahead(self, snapshot: PacingSnapshot) -> Floats:
        """People who will answer of the calls in flight, by second: mean, variance, third cumulant."""
        odds = self._signals.odds(snapshot.ringing_ms, self._halves, snapshot.now_ms)
        if odds is None:
            return np.asarray(self._ages @ self._odds.chances)
        return self._odds.ahead(self._halves, odds)

    def _known_of(self, ages_ms: Mapping[Any, int], now_ms: int) -> tuple[Any, Floats | None]:
        """Ages of calls in half seconds, and what their words make of their odds."""
        halves = np.minimum(np.fromiter(ages_ms.values(), np.int64, len(ages_ms)) // 500, HALVES - 1)
        return halves, self._signals.odds(ages_ms, halves, now_ms)

    def freed_ahead(self, snapshot: PacingSnapshot) -> Floats:
        """Agents who will come free of those busy, by second and in time to connect: as −mean, variance, −third."""
        with_lengths = self.policy.use_own_lengths
        apart = self._desks.apart(snapshot.busy or {}, snapshot.now_ms, self._free, with_lengths=with_lengths)
        if apart is None:
            return self._staying.thin(self._free.ahead(snapshot.talking_ms, snapshot.wrapping_ms))
        rows, freed = apart
        others = self._free.ahead(snapshot.talking_ms, snapshot.wrapping_ms, without=rows)
        return self._staying.thin(others + freed)

    def _at_most(self, snapshot: PacingSnapshot) -> int:
        most = at_most(self.policy, snapshot)
        if self.policy.guard is Guard.DETERMINISTIC:
            target = self.policy.abandonment_target
            sure = (self.budget.left + snapshot.idle_agents - snapshot.people_waiting) / (1 - target)
            most = min(most, max(0, int(sure + 1e-9) - len(snapshot.ringing_ms)))
        return most

    @property
    def new_call(self) -> Floats:
        """What a call placed now adds to the surplus."""
        return np.asarray(self._odds.chances[0])

    def allows_one_more(self, surplus: Floats, rooms: Mapping[int, float], part: float) -> bool:
        """Whether a call may be added to this surplus, at this part of its risk.

        rooms: for how many abandonments there is room, and which part of the people to come this concerns.
        """
        cases = Surplus(surplus + _COUNT[:2] * self.new_call)
        if cases.harm(self._density)[0] > part * self.budget.risk:
            return False
        return all(concerned * cases.worst(room + 1)[1] <= EXCESS for room, concerned in rooms.items())

    def is_too_much(self, surplus: Floats, room: int) -> bool:
        """Whether so much is in flight that calls past the minimum ring are better cancelled."""
        case = Surplus(surplus[None, :])
        (harm,), (excess,) = case.harm_and_worst(self._density, room + 1)
        return bool(harm > CANCEL_RISK * self.budget.risk or excess > CANCEL_EXCESS * EXCESS)

    @property
    def talks_seen(self) -> float:
        """Conversations that what it knows of agents rests on."""
        return self._free.seen

    def _how_many(self, surplus: Floats, least: int, most: int) -> tuple[int, bool]:
        """The largest number of calls whose last may still be risked; and whether too many are in flight already."""
        budget, new = self.budget, self._odds.chances[0]
        risk, over = budget.risk, budget.room + 1
        is_too_much = False
        start, most = least, max(least, most)
        while start <= most:
            cases = Surplus(surplus + (_COUNT + start) * new)
            harms, excess = cases.harm_and_worst(self._density, over)
            if start == 0:
                is_too_much = bool(harms[0] > CANCEL_RISK * risk or excess[0] > CANCEL_EXCESS * EXCESS)
            refused = (harms[:-1] > risk) | (excess[1:] > EXCESS)
            first = int(refused.argmax())
            if refused[first]:
                return max(least, min(start + first, most)), is_too_much
            start = self._leap(surplus, start + BATCH, most)
        return most, is_too_much

    def _leap(self, surplus: Floats, low: int, high: int) -> int:
        """From where to look closely again: no call between `low` and there is refused, as far as a grid can tell."""
        budget, new = self.budget, self._odds.chances[0]
        while high - low > BATCH:
            grid = np.linspace(low, high, BATCH + 1).astype(np.int64)
            cases = Surplus(surplus + grid[:, None] * new)
            harms, excess = cases.harm_and_worst(self._density, budget.room + 1)
            refused = (harms > budget.risk) | (excess > EXCESS)
            first = int(refused.argmax()) if refused.any() else BATCH
            if first == 0:
                break
            low, high = int(grid[first - 1]), int(grid[first])
        return low

    def to_cancel(self, snapshot: PacingSnapshot, surplus: Floats) -> tuple[Any, ...]:
        """Calls past the minimum ring, the oldest first, until the rest is no longer too much."""
        least_ms = self.policy.min_ring_ms or 0
        rung = snapshot.ringing_ms if snapshot.rung_ms is None else snapshot.rung_ms
        old = [
            (snapshot.ringing_ms[call], call)
            for call, ms in rung.items()
            if ms >= least_ms and call in snapshot.ringing_ms
        ]
        if not old:
            return ()
        old.sort(key=lambda pair: -pair[0])
        rows = self._odds.rows(*self._known_of({call: age for age, call in old}, snapshot.now_ms))
        cases = Surplus(surplus - np.cumsum(rows, axis=0))
        budget = self.budget
        harms, excess = cases.harm_and_worst(self._density, budget.room + 1)
        is_fine = (harms <= CANCEL_RISK * budget.risk) & (excess <= CANCEL_EXCESS * EXCESS)
        count = int(is_fine.argmax()) + 1 if is_fine.any() else len(old)
        return tuple(call for _, call in old[:count])

    # --- across restarts ---------------------------------------------------------------------------------------------

    def as_json(self) -> dict[str, Any]:
        """What must survive a restart: the ledger and the risk level; and what spares learning anew."""
        return {"budget": self.budget.as_json(), "answers": self._odds.as_json(), "agents": self._free.as_json()}

    def take_up(self, written: dict[str, Any]) -> None:
        """Go on from what any pacer wrote; one that does not learn leaves the ledger alone.

        Raises ValueError when it is something else.
        """
        try:
            self.budget.take_up(written["budget"], self.policy.abandonment_window_ms)
            if "answers" in written:
                self._odds.take_up(written["answers"])
                self._free.take_up(written["agents"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a written pacer: {error!r}") from error


def _length(what: str, value_ms: int) -> int:
    if value_ms < 0:
        raise ValueError(f"{what} must be at least 0, not {value_ms}")
    return value_ms
