"""A list that a floor dials: its pacer, its calls in flight, what is told of them, and what its day came to."""

from __future__ import annotations

from typing import Protocol

from app.pacing.language import PacingDecision, PacingEvent, PacingSnapshot
from app.study.day import Day, DayResult, Fates
from app.study.telling import Heard, Teller


class Pacer(Protocol):
    def observe(self, event: PacingEvent) -> None: ...

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision: ...


class Campaign:
    """One list with its pacer; its calls in flight are numbered from 0."""

    def __init__(self, day: Day, seed: int, pacer: Pacer, number: int) -> None:
        self.pacer = pacer
        self.number = number
        self.answer_rate = day.beside[number - 1] if number else day.answer_rate
        self.fates = Fates(day, seed, number)
        self.result = DayResult()
        self.ringing: dict[int, int] = {}
        """Placed when, by call."""
        self.people_waiting = 0
        self.answers_at_ms: dict[int, int] = {}
        self.teller = Teller(day.told, seed, number)
        self.to_hear: dict[int, Heard] = {}
        """Of the line, by call: what is still to be heard."""
        self.to_say: dict[int, Heard] = {}
        """Of the desk, by agent: what is still to be said in this conversation."""
        self._conversations = 0

    def next_lengths_ms(self, pace: float) -> tuple[int, int]:
        """Talk and wrap-up of the next conversation, with an agent who takes so many times the usual."""
        fates, at = self.fates, self._conversations
        if at >= len(fates.talk_ms):
            fates.more_talks()
        self._conversations += 1
        return int(fates.talk_ms[at] * pace), int(fates.wrap_up_ms[at] * pace)

    def note(self, now_ms: int) -> None:
        self.result.history.append((now_ms, self.result.answered, self.result.abandoned))
