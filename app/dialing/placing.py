"""What a campaign does by itself: claim whom it wants, place what may be placed, notice that nobody is left."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from app.commands import ClaimContacts, Command, SetCampaignStatus
from app.dialing.attempt import AttemptRun
from app.dialing.campaign import CampaignRun
from app.dialing.floor import Floor
from app.dialing.trunk import TrunkLine, TrunkState
from app.dialing.work import Work
from app.model import CampaignStatus
from app.units import SECOND_MS, Number

SHUT_MS: Final = 15 * SECOND_MS
"""Whoever can only be reached over a trunk that is shut is looked at again after this long, or when it is tried."""
TOO_LATE: Final = "the hours in which this person may be called ended before the call could be placed"
BREATH_MS: Final = 10
"""The shortest time between two rounds of placing that only time asks for: calls go out in small groups."""


class Placing:
    """The acting half of the dialer: everything on the wire begins here."""

    def __init__(self, work: Work, floor: Floor) -> None:
        self._work = work
        self._floor = floor

    def act(self, now_ms: int) -> list[Command]:
        """Every campaign does what it may; the one that comes first takes idle agents first."""
        commands: list[Command] = []
        work = self._work
        self._floor.crew.now_ms = now_ms
        for run in sorted(work.campaigns.values(), key=lambda one: -one.campaign.agents.priority):
            commands += self._act(run, now_ms)
            if run.status is not CampaignStatus.RUNNING and run.in_work == 0:
                del work.campaigns[run.campaign.id]
        return commands

    def _act(self, run: CampaignRun, now_ms: int) -> list[Command]:
        """Place what may be placed, claim what is wanted, notice the end."""
        if self._work.is_ending or run.status is not CampaignStatus.RUNNING:
            return []
        if run.is_exhausted:
            run.status = CampaignStatus.FINISHED
            return [SetCampaignStatus(campaign_id=run.campaign.id, status=CampaignStatus.FINISHED)]
        if run.is_tried:
            run.status = CampaignStatus.PAUSED
            return [SetCampaignStatus(campaign_id=run.campaign.id, status=CampaignStatus.PAUSED)]
        if not self._work.is_up or self._work.rests(now_ms):
            return []
        commands = self._too_late(run, now_ms) + self._send_back(run, now_ms)
        if not self._work.disk_trouble:  # a claim is tried all the same: it shows when the disk takes writes again
            commands += self._place(run, now_ms)
        commands += self._take_back(run, now_ms)
        wanted = 0
        if not self._is_spent(run, now_ms):
            wanted = self._for_agents(run, run.wanted(self._capacity(run, now_ms), now_ms))
        if wanted:
            run.claiming = wanted
            commands.append(self._claim(run, wanted, now_ms))
        return commands

    def _is_spent(self, run: CampaignRun, now_ms: int) -> bool:
        """Nobody is claimed while no number is free to be shown to them."""
        trunks = (line.trunk for line in self._work.lines_of(run))
        return self._work.caller_ids.is_spent(run.campaign, trunks, now_ms)

    def _capacity(self, run: CampaignRun, now_ms: int) -> int:
        return sum(line.prospect(now_ms) for line in self._work.lines_of(run))

    def _for_agents(self, run: CampaignRun, wanted: int) -> int:
        """Nobody is claimed for agents who are not there."""
        return self._floor.room(run, wanted) if wanted and run.is_for_agents else wanted

    def _claim(self, run: CampaignRun, count: int, now_ms: int) -> ClaimContacts:
        """Whoever can only be reached over a trunk that is shut stays where they are, and holds up nobody."""
        shut = [line for line in self._work.lines_of(run) if line.is_shut(now_ms)]
        ajar = [line for line in self._work.lines_of(run) if line not in shut]
        agents = self._floor.promise(run, count) if run.is_for_agents else ()
        return ClaimContacts(
            campaign_id=run.campaign.id,
            count=count,
            shut_prefixes=tuple(prefix for line in shut for prefix in line.trunk.prefixes),
            open_prefixes=tuple(prefix for line in ajar for prefix in line.trunk.prefixes) if shut else (),
            shut_until_ms=_opens_at_ms(shut, now_ms),
            agents=agents,
            with_past=self._floor.predictions.wants_pasts(run.campaign),
        )

    def _too_late(self, run: CampaignRun, now_ms: int) -> list[Command]:
        """Whose calling hours ended while they waited for a line goes back: the next claim says from when they may."""
        commands: list[Command] = []
        for attempt in [one for one in run.ready if not one.is_allowed(now_ms)]:
            commands += attempt.return_undialed(now_ms, reason=TOO_LATE)
            self._work.settle(attempt)
            commands += self._floor.look_at(attempt, now_ms)
        return commands

    def _send_back(self, run: CampaignRun, now_ms: int) -> list[Command]:
        """Who was claimed for a trunk that is shut by now goes back, or they would keep the places of others."""
        shut = [line for line in self._work.lines_of(run) if line.is_shut(now_ms)]
        commands: list[Command] = []
        for attempt in list(run.ready) if shut else ():
            lines = [line for line in self._work.lines_of(run) if line.covers(attempt.opened.number)]
            if all(line in shut for line in lines):
                until_ms = _opens_at_ms(lines, now_ms)
                commands += attempt.return_undialed(now_ms, until_ms)
                self._work.settle(attempt)
                commands += self._floor.look_at(attempt, now_ms)
        return commands

    def _place(self, run: CampaignRun, now_ms: int) -> list[Command]:
        commands: list[Command] = []
        waiting = len(run.ready)
        while waiting and self._may_dial(run, now_ms):
            waiting -= 1
            attempt = run.ready.popleft()
            line = self._free_line(run, attempt.opened.number, now_ms)
            if line is None or not self._floor.may_place(run, attempt):
                run.ready.append(attempt)  # another number may go out by another trunk
                continue
            if not attempt.is_fresh(now_ms):
                commands += attempt.confirm()
                run.ready.append(attempt)
                continue
            shown = self._work.caller_ids.choose(run.campaign, attempt.opened.number, line.trunk, now_ms)
            if shown is None:
                run.ready.append(attempt)  # another callee may see another number
                continue
            commands += self._dial(run, attempt, line, now_ms, shown)
        return commands

    def _take_back(self, run: CampaignRun, now_ms: int) -> list[Command]:
        """More rings than agents will be free for: what has rung long enough is hung up."""
        if not run.is_ahead:
            return []
        self._floor.predictions.allows(run, now_ms)
        commands: list[Command] = []
        for attempt_id in self._floor.predictions.take_cancelled(run):
            attempt = self._work.attempts[attempt_id]
            commands += attempt.take_back(now_ms, is_tried_later=True)
            self._work.settle(attempt)
            commands += self._floor.look_at(attempt, now_ms)
        return commands

    def _may_dial(self, run: CampaignRun, now_ms: int) -> bool:
        return run.may_place and run.rate.available(now_ms) > 0 and not self._work.rests(now_ms)

    def _dial(self, run: CampaignRun, attempt: AttemptRun, line: TrunkLine, now_ms: int, shown: str) -> list[Command]:
        self._work.tried(now_ms)
        run.rate.take(now_ms)
        run.dialed()
        run.on_the_line.add(attempt.id)
        self._work.caller_ids.take(shown, now_ms)
        commands = attempt.place(line, now_ms, shown)
        self._work.settle(attempt)
        return commands + self._floor.placed(attempt, now_ms)

    def _free_line(self, run: CampaignRun, number: Number, now_ms: int) -> TrunkLine | None:
        for line in self._work.lines_of(run):
            if line.carries(number) and line.room(now_ms):
                return line
        return None

    # --- time --------------------------------------------------------------------------------------------------------

    def next_look_ms(self, now_ms: int) -> int | None:
        """When a campaign can do more by time alone."""
        if self._work.is_ending or not self._work.is_up:
            return None
        looks = [] if (decide_at := self._floor.predictions.next_look_ms(now_ms)) is None else [decide_at]
        for run in self._work.campaigns.values():
            line_at = self._next_line_ms(run, now_ms)
            if line_at is not None:
                looks.append(max(run.rate.next_at_ms(now_ms), line_at))
            claim_at = run.next_claim_ms()
            if claim_at is None:
                continue
            if self._is_spent(run, now_ms):
                trunks = (line.trunk for line in self._work.lines_of(run))
                free_at = self._work.caller_ids.next_free_ms(run.campaign, trunks, now_ms)
                looks += [] if free_at is None else [max(claim_at, free_at)]
                continue
            if self._for_agents(run, run.lacking(self._capacity(run, now_ms))):
                looks.append(claim_at)
            elif rests := [line.out_until_ms for line in self._work.lines_of(run) if line.state is TrunkState.OUT]:
                looks.append(max(claim_at, min(rests)))
        return max(min(looks), now_ms + BREATH_MS, self._work.rests_until_ms) if looks else None

    def _next_line_ms(self, run: CampaignRun, now_ms: int) -> int | None:
        """When, by time alone, a trunk may have room for somebody who waits; None: nobody waits, or none will."""
        if not run.may_place or self._work.disk_trouble:
            return None
        free_at = [(at, line) for line in self._work.lines_of(run) if (at := line.next_at_ms(now_ms)) is not None]
        earliest: int | None = None
        for attempt in run.ready:
            for at, line in () if attempt.is_confirming else free_at:
                if (earliest is None or at < earliest) and line.carries(attempt.opened.number):
                    shown_at = self._work.caller_ids.free_at_ms(run.campaign, attempt.opened.number, line.trunk, now_ms)
                    if shown_at is not None and self._floor.may_place(run, attempt):
                        at = max(at, shown_at)
                        earliest = at if earliest is None else min(earliest, at)
            if earliest is not None and earliest <= now_ms:
                break
        return earliest


def _opens_at_ms(shut: Iterable[TrunkLine], now_ms: int) -> int:
    """When one of these trunks may take a call again, as far as time tells."""
    rests = [line.out_until_ms for line in shut if line.state is TrunkState.OUT and line.trunk.is_enabled]
    return max(now_ms + SECOND_MS, min([now_ms + SHUT_MS, *rests]))
