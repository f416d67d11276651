"""All that is in work in one process: campaigns, trunks, attempts, and when each attempt wants to be woken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from app.dialing.alarms import Alarms
from app.dialing.attempt import AttemptRun, AttemptState
from app.dialing.caller_ids import CallerIdBook
from app.dialing.campaign import CampaignRun
from app.dialing.trunk import TrunkLine
from app.units import SECOND_MS, AttemptId, CampaignId, TrunkId

FIRST_BREATHER_MS: Final = SECOND_MS // 2
LONGEST_BREATHER_MS: Final = 15 * SECOND_MS


class Work:
    """The rooms the dialer's parts share. It keeps its books in step and decides nothing."""

    __slots__ = (
        "_breather_ms", "_refused_until_ms", "alarms", "attempts", "caller_ids", "campaigns", "disk_trouble",
        "down_reason", "is_ending", "is_up", "removed_trunks", "rests_until_ms", "trunks",
    )  # fmt: skip

    def __init__(self) -> None:
        self.campaigns: dict[CampaignId, CampaignRun] = {}
        self.trunks: dict[TrunkId, TrunkLine] = {}
        self.removed_trunks: dict[TrunkId, TrunkLine] = {}
        self.caller_ids = CallerIdBook()
        self.attempts: dict[AttemptId, AttemptRun] = {}
        self.alarms: Alarms[AttemptId] = Alarms()
        self.is_up = False
        self.down_reason = "not connected yet"
        self.disk_trouble = ""  # why the database refuses; nothing is placed until it takes writes again
        self.is_ending = False
        self.rests_until_ms = 0  # nothing is placed before: Asterisk refuses calls, whatever the trunk
        self._breather_ms = 0
        self._refused_until_ms = 0  # refusals until then belong to the same burst

    def refused(self, now_ms: int) -> None:
        """Asterisk itself (or we) refused a call: it is starting, perhaps. No contact is wasted on it for a moment."""
        if now_ms >= self._refused_until_ms:
            self._breather_ms = min(max(2 * self._breather_ms, FIRST_BREATHER_MS), LONGEST_BREATHER_MS)
            self._refused_until_ms = self.rests_until_ms = now_ms + self._breather_ms

    def tried(self, now_ms: int) -> None:
        """A call is placed. One at a time shows whether Asterisk takes calls again."""
        if self._breather_ms:
            self.rests_until_ms = now_ms + self._breather_ms

    def rests(self, now_ms: int) -> bool:
        """Whether nothing is to be placed for a moment."""
        return now_ms < self.rests_until_ms

    def taken(self) -> None:
        """Asterisk takes calls."""
        self._breather_ms = self._refused_until_ms = self.rests_until_ms = 0

    def lines_of(self, run: CampaignRun) -> Iterator[TrunkLine]:
        """A campaign's trunks that exist, in order."""
        for trunk_id in run.campaign.trunks:
            if (line := self.trunks.get(trunk_id)) is not None:
                yield line

    def run_of(self, attempt: AttemptRun) -> CampaignRun:
        """The campaign of an attempt in work: it is there as long as one of its attempts is."""
        return self.campaigns[attempt.campaign.id]

    def opened(self, attempt: AttemptRun, *, is_first: bool = False) -> None:
        """A new attempt is in work, on an agent's card or on its way to a line; is_first: before all others."""
        run = self.run_of(attempt)
        if attempt.is_held:
            run.held.add(attempt.id)
        elif attempt.state is AttemptState.READY and is_first:
            run.ready.appendleft(attempt)
        elif attempt.state is AttemptState.READY:
            run.ready.append(attempt)
        elif attempt.state is AttemptState.PREPARING:
            run.preparing.add(attempt.id)

    def prepared(self, attempt: AttemptRun) -> None:
        """Its prompts are there: it may be placed, unless an agent reads its card."""
        run = self.run_of(attempt)
        if attempt.state is AttemptState.READY and not attempt.is_held:
            run.preparing.discard(attempt.id)
            run.ready.append(attempt)

    def let_go(self, attempt: AttemptRun, now_ms: int) -> None:
        """An agent wants the call of the card, before all others."""
        run = self.run_of(attempt)
        attempt.let_go(now_ms)
        run.held.discard(attempt.id)
        if attempt.state is AttemptState.READY:
            run.ready.appendleft(attempt)
        else:
            run.preparing.add(attempt.id)
        self.alarms.set(attempt.id, attempt.next_deadline_ms())

    def settle(self, attempt: AttemptRun) -> None:
        """After anything was done to an attempt: its next deadline, and the rooms it leaves."""
        attempt_id, state = attempt.opened.attempt_id, attempt.state
        self.alarms.set(attempt_id, attempt.next_deadline_ms())
        if state is AttemptState.WRAP_UP:
            run = self.run_of(attempt)
            run.on_the_line.discard(attempt_id)
            run.wrapping_up.add(attempt_id)
        elif state is AttemptState.CLOSING and attempt_id in self.attempts:
            run = self.run_of(attempt)
            del self.attempts[attempt_id]
            for room in (run.held, run.preparing, run.on_the_line, run.wrapping_up):
                room.discard(attempt_id)
            if attempt in run.ready:
                run.ready.remove(attempt)
            assert attempt.result is not None, f"attempt {attempt_id} closes without a result"
            run.closing[attempt_id] = attempt.result.next.due_at_ms
