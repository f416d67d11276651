"""The dialer: events in, commands out. It routes, and lets the machines decide.

A turn takes every event that has arrived, then lets each campaign place what it may and claim what it wants. A call is
only ever placed for an attempt that AttemptsOpened has named, so everything on the wire is on disk before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from app.commands import ClaimContacts, CloseAttempt, Command, HangUp, SetCampaignStatus
from app.dialing import strategy
from app.dialing.alarms import Alarms
from app.dialing.attempt import AttemptRun, AttemptState, lost
from app.dialing.campaign import STORE_REST_MS, CampaignRun
from app.dialing.picture import campaign_picture, trunk_picture, why_idle
from app.dialing.snapshot import CampaignPicture, Snapshot
from app.dialing.trunk import TrunkLine, TrunkState
from app.events import (
    AttemptClosed,
    AttemptsOpened,
    AttemptsRecovered,
    CallAnswered,
    CallEvent,
    CampaignPaused,
    CampaignStarted,
    CampaignStatusSaved,
    CampaignStopped,
    ContactsAdded,
    DncAdded,
    Event,
    LiveCall,
    PromptsRendered,
    ShutdownAsked,
    StoreFailed,
    TelephonyDown,
    TelephonyUp,
    TrunkRemoved,
    TrunkSet,
)
from app.ivr.flow import Flow
from app.model import CampaignStatus, OpenedAttempt
from app.outcomes import Outcome
from app.units import SECOND_MS, AttemptId, CampaignId, Number, TrunkId, number

SHUT_MS: Final = 15 * SECOND_MS
"""Whoever can only be reached over a trunk that is shut is looked at again after this long, or when it is tried."""
BREATH_MS: Final = 10
"""The shortest time between two rounds of placing that only time asks for: calls go out in small groups."""


class Dialer:
    """All campaigns, trunks and attempts of one process."""

    def __init__(self) -> None:
        self._campaigns: dict[CampaignId, CampaignRun] = {}
        self._trunks: dict[TrunkId, TrunkLine] = {}
        self._removed_trunks: dict[TrunkId, TrunkLine] = {}
        self._attempts: dict[AttemptId, AttemptRun] = {}
        self._alarms = Alarms()
        self._recovered: dict[AttemptId, OpenedAttempt] = {}
        self._answered_early: set[AttemptId] = set()
        self._is_up = False
        self._down_reason = "not connected yet"
        self._is_ending = False
        self._late_events = 0
        self._look_at_ms: int | None = None

    # --- the two ways in ---------------------------------------------------------------------------------------------

    def turn(self, events: Iterable[Event], now_ms: int) -> list[Command]:
        """Take events, then let time pass and campaigns act."""
        commands: list[Command] = []
        for event in events:
            commands += self._handle(event, now_ms)
        commands += self._wake_attempts(now_ms)
        for run in list(self._campaigns.values()):
            commands += self._act(run, now_ms)
            if run.status is not CampaignStatus.RUNNING and run.in_work == 0:
                del self._campaigns[run.campaign.id]
        self._look_at_ms = self._next_look_ms(now_ms)
        return commands

    def next_deadline_ms(self) -> int | None:
        """When a turn is needed although nothing happens; None: only when something does."""
        alarm = self._alarms.next_ms()
        if alarm is None or self._look_at_ms is None:
            return self._look_at_ms if alarm is None else alarm
        return min(alarm, self._look_at_ms)

    @property
    def is_at_rest(self) -> bool:
        """No call is up and every end is on disk."""
        return not self._attempts and all(not run.claiming and not run.closing for run in self._campaigns.values())

    # --- events ------------------------------------------------------------------------------------------------------

    def _handle(self, event: Event, now_ms: int) -> list[Command]:
        match event:
            case AttemptsOpened():
                return self._opened(event, now_ms)
            case AttemptClosed():
                return self._closed(event)
            case DncAdded():
                return self._do_not_call(event, now_ms)
            case StoreFailed():
                return self._store_failed(event, now_ms)
            case CampaignStatusSaved():
                return []
            case AttemptsRecovered():
                return self._begin_anew(event, now_ms)
            case TelephonyUp():
                return self._up(event, now_ms)
            case TelephonyDown():
                self._is_up, self._down_reason = False, event.reason
                return []
            case TrunkSet():
                return self._trunk_set(event, now_ms)
            case TrunkRemoved():
                if (line := self._trunks.pop(event.trunk_id, None)) is not None:
                    self._removed_trunks[event.trunk_id] = line
                return []
            case CampaignStarted():
                return self._started(event, now_ms)
            case CampaignPaused():
                return self._leave(event.campaign_id, CampaignStatus.PAUSED, now_ms)
            case CampaignStopped():
                return self._leave(event.campaign_id, CampaignStatus.STOPPED, now_ms)
            case ContactsAdded():
                if (run := self._campaigns.get(event.campaign_id)) is not None:
                    run.look_again(now_ms)
                return []
            case ShutdownAsked():
                return self._shut_down(now_ms)
            case _:
                return self._route(event, now_ms)

    def _route(self, event: CallEvent, now_ms: int) -> list[Command]:
        attempt = self._attempts.get(event.attempt_id)
        if attempt is None:
            return self._nobodys(event)
        was = attempt.state
        commands = attempt.handle(event, now_ms)
        if was is AttemptState.PREPARING:
            self._prepared(attempt, event)
        return self._settled(attempt, commands)

    def _nobodys(self, event: CallEvent) -> list[Command]:
        """An event of no attempt in work: late, or of one that waits to be recovered. Who answers is not left alone."""
        self._late_events += 1
        if not isinstance(event, CallAnswered):
            return []
        if event.attempt_id in self._recovered:
            self._answered_early.add(event.attempt_id)
            return []
        return [HangUp(attempt_id=event.attempt_id)]

    def _prepared(self, attempt: AttemptRun, event: CallEvent) -> None:
        run = self._campaigns[attempt.campaign.id]
        if isinstance(event, PromptsRendered):
            run.remember(event.audio, attempt.language)
        if attempt.state is AttemptState.READY:
            run.preparing.discard(attempt.id)
            run.ready.append(attempt)

    def _settled(self, attempt: AttemptRun, commands: list[Command]) -> list[Command]:
        """After anything was done to an attempt: its next deadline; if its end was decided, it leaves its rooms."""
        self._alarms.set(attempt.id, attempt.next_deadline_ms())
        if attempt.state is AttemptState.CLOSING and attempt.id in self._attempts:
            del self._attempts[attempt.id]
            run = self._campaigns[attempt.campaign.id]
            run.preparing.discard(attempt.id)
            run.on_the_line.discard(attempt.id)
            if attempt in run.ready:
                run.ready.remove(attempt)
            assert attempt.result is not None, f"attempt {attempt.id} closes without a result"
            run.closing[attempt.id] = attempt.result.next.due_at_ms
        return commands

    # --- the disk ----------------------------------------------------------------------------------------------------

    def _opened(self, event: AttemptsOpened, now_ms: int) -> list[Command]:
        run = self._campaigns[event.campaign_id]
        run.claimed(event.next_due_at_ms, now_ms)
        commands: list[Command] = []
        for opened in event.attempts:
            attempt = AttemptRun(opened, run.campaign, run.flow, now_ms)
            self._attempts[opened.attempt_id] = attempt
            commands += self._settled(attempt, self._begin(run, attempt, now_ms))
        return commands

    def _begin(self, run: CampaignRun, attempt: AttemptRun, now_ms: int) -> list[Command]:
        if run.status is not CampaignStatus.RUNNING or self._is_ending:
            return attempt.return_undialed(now_ms)
        if (misfit := _misfit(attempt.opened.number)) is not None:
            return attempt.refuse(Outcome.INVALID_NUMBER, misfit, now_ms)
        lines = list(self._lines_of(run))
        is_whole = len(lines) == len(run.campaign.trunks)
        if is_whole and not any(line.covers(attempt.opened.number) for line in lines):
            reason = "no trunk of the campaign carries this number (see the trunk's prefixes)"
            then = strategy.without_route(attempt.opened)
            return attempt.refuse(Outcome.UNSUPPORTED, reason, now_ms, then)
        commands = attempt.prepare(run.audio)
        if attempt.state is AttemptState.READY:
            run.ready.append(attempt)
        else:
            run.preparing.add(attempt.id)
        return commands

    def _closed(self, event: AttemptClosed) -> list[Command]:
        if (run := self._campaigns.get(event.campaign_id)) is not None:
            run.closed(event.attempt_id)
        return []

    def _do_not_call(self, event: DncAdded, now_ms: int) -> list[Command]:
        """The number is never called again: not by those who wait for a line either."""
        commands: list[Command] = []
        for attempt in list(self._attempts.values()):
            if attempt.id == event.attempt_id:
                commands += self._settled(attempt, attempt.handle(event, now_ms))
            elif attempt.opened.number == event.number and not attempt.is_on_the_line:
                refused = attempt.refuse(Outcome.DO_NOT_CALL, "on the do-not-call list", now_ms)
                commands += self._settled(attempt, refused)
        return commands

    def _store_failed(self, event: StoreFailed, now_ms: int) -> list[Command]:
        for campaign_id in event.campaign_ids:
            if (run := self._campaigns.get(campaign_id)) is not None:
                run.claiming = 0
                run.claim_after_ms = now_ms + STORE_REST_MS
        return []

    # --- the telephone -----------------------------------------------------------------------------------------------

    def _up(self, event: TelephonyUp, now_ms: int) -> list[Command]:
        """Asterisk is back, or here for the first time: what lives goes on, what is gone is written down as such."""
        self._is_up, self._down_reason = True, ""
        live = {found.attempt_id: found for found in event.live}
        commands: list[Command] = []
        for attempt in [run for run in self._attempts.values() if run.is_on_the_line]:
            found = live.pop(attempt.id, None)
            step = attempt.find_gone(now_ms) if found is None else attempt.find_alive(found, now_ms)
            commands += self._settled(attempt, step)
        for opened in self._recovered.values():
            commands += self._recover(opened, live.pop(opened.attempt_id, None), now_ms)
        self._recovered, self._answered_early = {}, set()
        commands += [HangUp(attempt_id=attempt_id) for attempt_id in live]  # channels that no open attempt answers for
        return commands

    def _begin_anew(self, event: AttemptsRecovered, now_ms: int) -> list[Command]:
        """What a life before this one left is decided when Asterisk has said what lives; its pace is unknown."""
        for line in self._trunks.values():
            line.rate.drain(now_ms)
        for run in self._campaigns.values():
            run.rate.drain(now_ms)
        for opened in event.attempts:
            self._recovered[opened.attempt_id] = opened
            if (owner := self._campaigns.get(opened.campaign_id)) is not None:
                owner.recovering.add(opened.attempt_id)
        return []

    def _recover(self, opened: OpenedAttempt, found: LiveCall | None, now_ms: int) -> list[Command]:
        """An attempt of a life before this one: its call goes on, or nobody knows what came of it."""
        run = self._campaigns.get(opened.campaign_id)
        if run is None:  # its campaign cannot be run any more: nobody is there to lead the call to an end
            hang_up: list[Command] = [] if found is None else [HangUp(attempt_id=opened.attempt_id)]
            return [*hang_up, CloseAttempt(result=lost(opened, now_ms))]
        run.recovering.discard(opened.attempt_id)
        attempt = AttemptRun(opened, run.campaign, run.flow, now_ms)
        self._attempts[attempt.id] = attempt
        if found is not None:
            run.on_the_line.add(attempt.id)
            if attempt.id in self._answered_early:
                found = replace(found, is_in_hand=True)
            line = next((line for line in self._lines_of(run) if line.trunk.endpoint == found.endpoint), None)
            return self._settled(attempt, attempt.adopt(found, line, now_ms))
        reason = "the dialer was restarted, and the call was gone when it came back"
        return self._settled(attempt, attempt.refuse(Outcome.CONTROLLER_LOST, reason, now_ms))

    # --- operators ---------------------------------------------------------------------------------------------------

    def _trunk_set(self, event: TrunkSet, now_ms: int) -> list[Command]:
        trunk = event.trunk
        line = self._trunks.get(trunk.id) or self._removed_trunks.pop(trunk.id, None)  # its calls may still be up
        if line is None:
            line = TrunkLine(trunk, now_ms)
        else:
            line.set(trunk, now_ms)
        self._trunks[trunk.id] = line
        return []

    def _started(self, event: CampaignStarted, now_ms: int) -> list[Command]:
        assert isinstance(event.flow, Flow), "a campaign starts with its flow"
        run = self._campaigns.get(event.campaign.id)
        if run is None:
            self._campaigns[event.campaign.id] = CampaignRun(event.campaign, event.flow, now_ms)
        else:
            run.set(event.campaign, event.flow, now_ms)
        return [SetCampaignStatus(campaign_id=event.campaign.id, status=CampaignStatus.RUNNING)]

    def _leave(self, campaign_id: CampaignId, status: CampaignStatus, now_ms: int) -> list[Command]:
        """Pause or stop: those who wait for a line go back; on a stop, calls that only ring are taken back too."""
        run = self._campaigns.get(campaign_id)
        commands: list[Command] = [SetCampaignStatus(campaign_id=campaign_id, status=status)]
        if run is not None:
            run.status = status
            commands += self._withdraw(run, now_ms, with_ringing=status is CampaignStatus.STOPPED)
        return commands

    def _shut_down(self, now_ms: int) -> list[Command]:
        self._is_ending = True
        commands: list[Command] = []
        for run in self._campaigns.values():
            commands += self._withdraw(run, now_ms, with_ringing=True)
        return commands

    def _withdraw(self, run: CampaignRun, now_ms: int, *, with_ringing: bool) -> list[Command]:
        commands: list[Command] = []
        for attempt in [a for a in self._attempts.values() if a.campaign.id == run.campaign.id]:
            if with_ringing or not attempt.is_on_the_line:
                commands += self._settled(attempt, attempt.take_back(now_ms))
        return commands

    # --- acting ------------------------------------------------------------------------------------------------------

    def _wake_attempts(self, now_ms: int) -> list[Command]:
        commands: list[Command] = []
        for attempt_id in self._alarms.due(now_ms):
            attempt = self._attempts[attempt_id]
            commands += self._settled(attempt, attempt.wake(now_ms))
        return commands

    def _act(self, run: CampaignRun, now_ms: int) -> list[Command]:
        """Place what may be placed, claim what is wanted, notice the end."""
        if self._is_ending or run.status is not CampaignStatus.RUNNING:
            return []
        if run.is_exhausted:
            run.status = CampaignStatus.FINISHED
            return [SetCampaignStatus(campaign_id=run.campaign.id, status=CampaignStatus.FINISHED)]
        if not self._is_up:
            return []
        commands = self._send_back(run, now_ms) + self._place(run, now_ms)
        capacity = sum(line.prospect(now_ms) for line in self._lines_of(run))
        wanted = run.wanted(capacity, now_ms)
        if wanted:
            run.claiming = wanted
            commands.append(self._claim(run, wanted, now_ms))
        return commands

    def _claim(self, run: CampaignRun, count: int, now_ms: int) -> ClaimContacts:
        """Whoever can only be reached over a trunk that is shut stays where they are, and holds up nobody."""
        shut = [line for line in self._lines_of(run) if line.is_shut(now_ms)]
        ajar = [line for line in self._lines_of(run) if line not in shut]
        return ClaimContacts(
            campaign_id=run.campaign.id,
            count=count,
            shut_prefixes=tuple(prefix for line in shut for prefix in line.trunk.prefixes),
            open_prefixes=tuple(prefix for line in ajar for prefix in line.trunk.prefixes) if shut else (),
            shut_until_ms=_opens_at_ms(shut, now_ms),
        )

    def _send_back(self, run: CampaignRun, now_ms: int) -> list[Command]:
        """Who was claimed for a trunk that is shut by now goes back, or they would keep the places of others."""
        shut = [line for line in self._lines_of(run) if line.is_shut(now_ms)]
        commands: list[Command] = []
        for attempt in list(run.ready) if shut else ():
            lines = [line for line in self._lines_of(run) if line.covers(attempt.opened.number)]
            if all(line in shut for line in lines):
                until_ms = _opens_at_ms(lines, now_ms)
                commands += self._settled(attempt, attempt.return_undialed(now_ms, until_ms))
        return commands

    def _place(self, run: CampaignRun, now_ms: int) -> list[Command]:
        commands: list[Command] = []
        waiting = len(run.ready)
        while waiting and run.may_place and run.rate.available(now_ms):
            waiting -= 1
            attempt = run.ready.popleft()
            line = self._free_line(run, attempt.opened.number, now_ms)
            if line is None:
                run.ready.append(attempt)  # another number may go out by another trunk
                continue
            run.rate.take(now_ms)
            run.placed += 1
            run.on_the_line.add(attempt.id)
            commands += self._settled(attempt, attempt.place(line, now_ms))
        return commands

    def _free_line(self, run: CampaignRun, number: Number, now_ms: int) -> TrunkLine | None:
        for line in self._lines_of(run):
            if line.carries(number) and line.room(now_ms):
                return line
        return None

    def _lines_of(self, run: CampaignRun) -> Iterator[TrunkLine]:
        """The campaign's trunks that exist, in order."""
        for trunk_id in run.campaign.trunks:
            if (line := self._trunks.get(trunk_id)) is not None:
                yield line

    def _next_look_ms(self, now_ms: int) -> int | None:
        """When a campaign can do more by time alone."""
        if self._is_ending or not self._is_up:
            return None
        looks: list[int] = []
        for run in self._campaigns.values():
            line_at = self._next_line_ms(run, now_ms)
            if line_at is not None:
                looks.append(max(run.rate.next_at_ms(now_ms), line_at))
            claim_at = run.next_claim_ms()
            if claim_at is None:
                continue
            if run.lacking(sum(line.prospect(now_ms) for line in self._lines_of(run))):
                looks.append(claim_at)
            elif rests := [line.out_until_ms for line in self._lines_of(run) if line.state is TrunkState.OUT]:
                looks.append(max(claim_at, min(rests)))
        return max(min(looks), now_ms + BREATH_MS) if looks else None

    def _next_line_ms(self, run: CampaignRun, now_ms: int) -> int | None:
        """When, by time alone, a trunk may have room for somebody who waits; None: nobody waits, or none will."""
        if not run.may_place:
            return None
        free_at = [(at, line) for line in self._lines_of(run) if (at := line.next_at_ms(now_ms)) is not None]
        earliest: int | None = None
        for attempt in run.ready:
            for at, line in free_at:
                if (earliest is None or at < earliest) and line.carries(attempt.opened.number):
                    earliest = at
            if earliest is not None and earliest <= now_ms:
                break
        return earliest

    # --- looking at it -----------------------------------------------------------------------------------------------

    def snapshot(self, now_ms: int) -> Snapshot:
        """How things stand, for pages."""
        return Snapshot(
            at_ms=now_ms,
            is_telephony_up=self._is_up,
            telephony_reason=self._down_reason,
            campaigns=tuple(self._picture(run, now_ms) for run in self._campaigns.values()),
            trunks=tuple(trunk_picture(line) for line in self._trunks.values()),
            late_events=self._late_events,
        )

    def _picture(self, run: CampaignRun, now_ms: int) -> CampaignPicture:
        attempts = (self._attempts.get(attempt_id) for attempt_id in run.on_the_line)
        calls = [attempt.call for attempt in attempts if attempt is not None and attempt.call is not None]
        unreachable = "" if self._is_up else self._down_reason
        return campaign_picture(run, calls, why_idle(run, tuple(self._lines_of(run)), unreachable, now_ms))


def _misfit(text: str) -> str | None:
    """Why this is no number that can be dialed; None when it is one."""
    try:
        number(text)
    except ValueError as error:
        return str(error)
    return None


def _opens_at_ms(shut: Iterable[TrunkLine], now_ms: int) -> int:
    """When one of these trunks may take a call again, as far as time tells."""
    rests = [line.out_until_ms for line in shut if line.state is TrunkState.OUT and line.trunk.is_enabled]
    return max(now_ms + SECOND_MS, min([now_ms + SHUT_MS, *rests]))
