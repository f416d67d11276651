"""The dialer: events in, commands out. It routes, and lets the machines decide.

A turn takes every event that has arrived, then lets each campaign place what it may and claim what it wants. A call is
only ever placed for an attempt that AttemptsOpened has named, so everything on the wire is on disk before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, cast, get_args

from app.agent_events import AgentRequest, AgentSignedIn, FloorEvent, SupervisionAsked
from app.commands import CloseAttempt, Command, SetCampaignStatus
from app.dialing import strategy
from app.dialing.attempt import AttemptRun, AttemptState
from app.dialing.call import CallState
from app.dialing.campaign import STORE_REST_MS, CampaignRun
from app.dialing.coming_back import ComingBack
from app.dialing.ending import undialed
from app.dialing.floor import Floor
from app.dialing.picture import campaign_picture, trunk_picture, why_idle
from app.dialing.placing import Placing
from app.dialing.prediction import PacerOf
from app.dialing.snapshot import AgentPicture, CampaignPicture, Snapshot
from app.dialing.trunk import TrunkLine
from app.dialing.work import Work
from app.events import (
    AttemptClosed,
    AttemptConfirmed,
    AttemptsFound,
    AttemptsOpened,
    AttemptsRecovered,
    CallerIdsSet,
    CallEvent,
    CallPlaced,
    CallRefused,
    CampaignPaused,
    CampaignStarted,
    CampaignStatusSaved,
    CampaignStopped,
    CommandFailed,
    ContactRemoved,
    ContactsAdded,
    DigitPressed,
    DncAdded,
    Event,
    PacingSaved,
    PlaybackEnded,
    PromptsRendered,
    RecordingEnded,
    ShutdownAsked,
    StoreBack,
    StoreFailed,
    TelephonyDown,
    TelephonyUp,
    TrunkRemoved,
    TrunkSet,
)
from app.ivr.flow import Flow
from app.model import CampaignStatus
from app.outcomes import Outcome
from app.pacing import make_pacer
from app.units import MINUTE_MS, SECOND_MS, AgentId, AttemptId, CampaignId, ContactId, number

NOT_WRITTEN: Final = "the database takes nothing: nobody is called before it does"
_OF_CALLS: Final = frozenset(get_args(CallEvent))


REMOVED_KEPT: Final = 10_000
"""Contacts taken out of their lists that are remembered: claims are answered within seconds."""


class Dialer:
    """All campaigns, trunks, attempts and agents of one process."""

    def __init__(self, make_pacer: PacerOf = make_pacer) -> None:
        self._work = Work()
        self._floor = Floor(self._work, make_pacer)
        self._placing = Placing(self._work, self._floor)
        self._coming_back = ComingBack(self._work, self._floor)
        self._late_events = 0
        self._removed: dict[ContactId, None] = {}
        self._look_at_ms: int | None = None

    # --- the two ways in ---------------------------------------------------------------------------------------------

    def turn(self, events: Iterable[Event], now_ms: int) -> list[Command]:
        """Take events, then let time pass and campaigns act."""
        commands: list[Command] = []
        for event in events:
            commands += self._handle(event, now_ms)
        for attempt_id in self._work.alarms.due(now_ms):
            attempt = self._work.attempts[attempt_id]
            commands += self._settled(attempt, attempt.wake(now_ms), now_ms)
        commands += self._floor.wake(now_ms)
        commands += self._placing.act(now_ms)
        commands += self._floor.remember(now_ms)
        self._look_at_ms = self._placing.next_look_ms(now_ms)
        return commands

    def next_deadline_ms(self) -> int | None:
        """When a turn is needed although nothing happens; None: only when something does."""
        times = (self._work.alarms.next_ms(), self._floor.next_deadline_ms(), self._look_at_ms)
        return min((time for time in times if time is not None), default=None)

    @property
    def is_at_rest(self) -> bool:
        """No call is up and every end is on disk."""
        runs = self._work.campaigns.values()
        return not self._work.attempts and all(not run.claiming and not run.closing for run in runs)

    # --- events ------------------------------------------------------------------------------------------------------

    def _handle(self, event: Event, now_ms: int) -> list[Command]:
        if type(event) in _OF_CALLS:  # most of all by far
            return self._route(cast(CallEvent, event), now_ms)
        match event:
            case AttemptsOpened():
                return self._opened(event, now_ms)
            case AttemptClosed():
                if (run := self._work.campaigns.get(event.campaign_id)) is not None:
                    run.closed(event.attempt_id)
                if event.opens is not None and (run := self._work.campaigns.get(event.opens)) is not None:
                    run.look_again(now_ms)
                return []
            case DncAdded():
                return self._do_not_call(event, now_ms)
            case AttemptConfirmed():
                return self._confirmed(event, now_ms)
            case StoreFailed():
                return self._store_failed(event, now_ms)
            case StoreBack():
                self._work.disk_trouble = ""
                return []
            case CampaignStatusSaved() | PacingSaved():
                return []
            case AttemptsRecovered():
                self._coming_back.begin_anew(event, now_ms)
                return []
            case AttemptsFound():
                return self._coming_back.return_found(event, now_ms)
            case TelephonyUp():
                return self._coming_back.up(event, now_ms)
            case TelephonyDown():
                self._work.is_up, self._work.down_reason = False, event.reason
                return []
            case TrunkSet():
                self._trunk_set(event, now_ms)
                return []
            case CallerIdsSet():
                self._work.caller_ids.set(event.numbers, event.shown)
                return []
            case TrunkRemoved():
                if (line := self._work.trunks.pop(event.trunk_id, None)) is not None:
                    self._work.removed_trunks[event.trunk_id] = line
                return []
            case CampaignStarted():
                return self._started(event, now_ms)
            case CampaignPaused():
                return self._leave(event.campaign_id, CampaignStatus.PAUSED, now_ms)
            case CampaignStopped():
                return self._leave(event.campaign_id, CampaignStatus.STOPPED, now_ms)
            case ContactRemoved():
                return self._contact_removed(event.contact_id, now_ms)
            case ContactsAdded():
                if (run := self._work.campaigns.get(event.campaign_id)) is not None:
                    run.look_again(now_ms)
                return []
            case ShutdownAsked():
                return self._shut_down(now_ms)
            case _:
                return self._floor.handle(cast(FloorEvent, event), now_ms)

    def _route(self, event: CallEvent, now_ms: int) -> list[Command]:
        attempt = self._work.attempts.get(event.attempt_id)
        if attempt is None:
            self._late_events += 1
            return self._coming_back.nobodys(event)
        if isinstance(event, CallPlaced):
            self._work.taken()
        elif isinstance(event, CallRefused) and not event.is_trunk_fault:
            self._work.refused(now_ms)
        was = attempt.state
        commands = attempt.handle(event, now_ms)
        if was is AttemptState.PREPARING:
            if isinstance(event, PromptsRendered):
                self._work.run_of(attempt).remember(event.audio, attempt.visit.language)
            self._work.prepared(attempt)
        commands = self._settled(attempt, commands, now_ms)
        if isinstance(event, PlaybackEnded | RecordingEnded | CommandFailed | DigitPressed):
            commands += self._floor.hear(event, now_ms)
        return commands

    def _settled(self, attempt: AttemptRun, commands: list[Command], now_ms: int) -> list[Command]:
        """After anything was done to an attempt: the books are put in step, and the floor looks at it."""
        self._work.settle(attempt)
        return commands + self._floor.look_at(attempt, now_ms)

    # --- the disk ----------------------------------------------------------------------------------------------------

    def _opened(self, event: AttemptsOpened, now_ms: int) -> list[Command]:
        run = self._work.campaigns.get(event.campaign_id)
        if run is None:  # it was ended while an agent wanted to dial by hand
            return self._floor.refused(event.attempts, now_ms) + [
                CloseAttempt(result=undialed(opened, "its campaign was ended meanwhile", now_ms))
                for opened in event.attempts
            ]
        is_by_hand = any(opened.is_manual for opened in event.attempts)
        if not is_by_hand:
            run.claimed(event.next_due_at_ms, now_ms, event.hindrance)
        commands: list[Command] = []
        for opened in event.attempts:
            attempt = AttemptRun(opened, run.campaign, run.flow, now_ms, event.checked_at_ms)
            self._work.attempts[attempt.id] = attempt
            commands += self._settled(attempt, self._begin(run, attempt, now_ms), now_ms)
        if not is_by_hand:
            self._floor.claimed(event.campaign_id)
        return commands

    def _begin(self, run: CampaignRun, attempt: AttemptRun, now_ms: int) -> list[Command]:
        if run.status is not CampaignStatus.RUNNING or self._work.is_ending:
            return attempt.return_undialed(now_ms)
        if attempt.opened.contact_id in self._removed:
            return attempt.return_undialed(now_ms, now_ms + MINUTE_MS)
        if (misfit := _misfit(attempt.opened.number)) is not None:
            return attempt.refuse(Outcome.INVALID_NUMBER, misfit, now_ms)
        lines = list(self._work.lines_of(run))
        is_whole = len(lines) == len(run.campaign.trunks)
        if is_whole and not any(line.covers(attempt.opened.number) for line in lines):
            reason = "no trunk of the campaign carries this number (see the trunk's prefixes)"
            then = strategy.without_route(attempt.opened)
            return attempt.refuse(Outcome.UNSUPPORTED, reason, now_ms, then)
        commands: list[Command] = []
        if run.is_for_agents or attempt.opened.is_manual:
            has_agent, commands = self._floor.assign(run, attempt, now_ms)
            if not has_agent:
                return commands + self._without_agent(attempt, now_ms)
        commands += attempt.prepare(run.audio)
        self._work.opened(attempt, is_first=attempt.opened.is_manual)
        return commands

    def _without_agent(self, attempt: AttemptRun, now_ms: int) -> list[Command]:
        """Whoever it was claimed for is gone by now."""
        if attempt.opened.is_callback and attempt.opened.agent_id is not None:
            return attempt.refuse(Outcome.CALLBACK_AGENT_NOT_RESERVED, "the agent of the callback was not free", now_ms)
        return attempt.return_undialed(now_ms, now_ms + SECOND_MS)  # or they would be claimed for nobody again at once

    def _do_not_call(self, event: DncAdded, now_ms: int) -> list[Command]:
        """The number is never called again: not by those who wait for a line either."""
        commands: list[Command] = []
        for attempt in list(self._work.attempts.values()):
            if attempt.id == event.attempt_id:
                commands += self._settled(attempt, attempt.handle(event, now_ms), now_ms)
                commands += self._floor.barred(attempt, now_ms)
            elif attempt.call is None and event.covers(attempt.opened.number, attempt.opened.campaign_id):
                refused = attempt.refuse(Outcome.DO_NOT_CALL, "on the do-not-call list", now_ms)
                commands += self._settled(attempt, refused, now_ms)
        return commands

    def _contact_removed(self, contact_id: ContactId, now_ms: int) -> list[Command]:
        """Who is not in a list any more is not called: what only waits or rings is taken back, a talk goes on.

        They are remembered for a while: a claim that took them before may still be on its way.
        """
        self._removed[contact_id] = None
        while len(self._removed) > REMOVED_KEPT:
            del self._removed[next(iter(self._removed))]
        commands: list[Command] = []
        for attempt in [one for one in self._work.attempts.values() if one.opened.contact_id == contact_id]:
            commands += self._settled(attempt, attempt.take_back(now_ms), now_ms)
        return commands

    def _confirmed(self, event: AttemptConfirmed, now_ms: int) -> list[Command]:
        attempt = self._work.attempts.get(event.attempt_id)
        return [] if attempt is None else self._settled(attempt, attempt.confirmed(event, now_ms), now_ms)

    def _store_failed(self, event: StoreFailed, now_ms: int) -> list[Command]:
        self._work.disk_trouble = event.reason
        for campaign_id in event.campaign_ids:
            self._floor.claimed(campaign_id)
            if (run := self._work.campaigns.get(campaign_id)) is not None:
                run.claiming = 0
                run.claim_after_ms = now_ms + STORE_REST_MS
        return []

    # --- operators ---------------------------------------------------------------------------------------------------

    def _trunk_set(self, event: TrunkSet, now_ms: int) -> None:
        trunk, work = event.trunk, self._work
        line = work.trunks.get(trunk.id) or work.removed_trunks.pop(trunk.id, None)  # its calls may still be up
        if line is None:
            line = TrunkLine(trunk, now_ms)
        else:
            line.set(trunk, now_ms)
        work.trunks[trunk.id] = line

    def _started(self, event: CampaignStarted, now_ms: int) -> list[Command]:
        assert isinstance(event.flow, Flow), "a campaign starts with its flow"
        run = self._work.campaigns.get(event.campaign.id)
        self._floor.predictions.begin(event.campaign, event.pacing, now_ms)
        saved = SetCampaignStatus(campaign_id=event.campaign.id, status=CampaignStatus.RUNNING)
        if run is None:
            self._work.campaigns[event.campaign.id] = CampaignRun(event.campaign, event.flow, now_ms, event.first_calls)
            return [saved]
        was_reserving, was_under = run.is_reserving, run.campaign.compliance
        run.set(event.campaign, event.flow, now_ms, event.first_calls)
        commands: list[Command] = [saved]
        if event.campaign.compliance != was_under:  # who waits for a line was allowed by a law that no longer holds
            commands += self._withdraw(run, now_ms, with_ringing=False)
        if not was_reserving and run.is_reserving:
            commands += self._reserve(run, now_ms)
        return commands

    def _reserve(self, run: CampaignRun, now_ms: int) -> list[Command]:
        """Calls are for agents of their own from now on: who waits for a line goes back, who rings is given to some."""
        commands: list[Command] = []
        for attempt in [one for one in self._work.attempts.values() if one.campaign.id == run.campaign.id]:
            if not attempt.is_on_the_line and not self._floor.is_owned(attempt):
                commands += self._settled(attempt, attempt.take_back(now_ms), now_ms)
        return commands + self._floor.own(run, now_ms)

    def _leave(self, campaign_id: CampaignId, status: CampaignStatus, now_ms: int) -> list[Command]:
        """Pause or stop: those who wait for a line go back; on a stop, calls that only ring are taken back too."""
        run = self._work.campaigns.get(campaign_id)
        commands: list[Command] = [SetCampaignStatus(campaign_id=campaign_id, status=status)]
        if run is not None:
            run.status = status
            commands += self._withdraw(run, now_ms, with_ringing=status is CampaignStatus.STOPPED)
        return commands

    def _shut_down(self, now_ms: int) -> list[Command]:
        self._work.is_ending = True
        commands: list[Command] = []
        for run in self._work.campaigns.values():
            commands += self._withdraw(run, now_ms, with_ringing=True)
        return commands

    def _withdraw(self, run: CampaignRun, now_ms: int, *, with_ringing: bool) -> list[Command]:
        commands: list[Command] = []
        for attempt in [one for one in self._work.attempts.values() if one.campaign.id == run.campaign.id]:
            if with_ringing or not attempt.is_on_the_line:
                commands += self._settled(attempt, attempt.take_back(now_ms), now_ms)
        return commands

    # --- agents ------------------------------------------------------------------------------------------------------

    def refusal(self, event: AgentRequest | AgentSignedIn | SupervisionAsked) -> str | None:
        """Why an agent's request is not possible now, in words for people; None: it is. Nothing changes."""
        return self._floor.refusal(event)

    def take_changed_agents(self) -> frozenset[AgentId]:
        """Whose picture changed since the last time this was asked."""
        return self._floor.take_changed()

    # --- do-not-call -------------------------------------------------------------------------------------------------

    def knows(self, attempt_id: AttemptId) -> bool:
        """Whether an attempt is in work here, and not in another process."""
        return attempt_id in self._work.attempts

    def is_about_to_call(self, barred: DncAdded) -> bool:
        """Whether a call to a number barred by now was asked for, and it is not known yet whether it began."""
        return any(
            attempt.call is not None
            and attempt.call.state is CallState.PLACING
            and barred.covers(attempt.opened.number, attempt.opened.campaign_id)
            for attempt in self._work.attempts.values()
        )

    # --- looking at it -----------------------------------------------------------------------------------------------

    def snapshot(self, now_ms: int) -> Snapshot:
        """How things stand, for pages."""
        return Snapshot(
            at_ms=now_ms,
            is_telephony_up=self._work.is_up,
            telephony_reason=self._work.down_reason,
            disk_trouble=self._work.disk_trouble,
            campaigns=tuple(self._picture(run, now_ms) for run in self._work.campaigns.values()),
            trunks=tuple(trunk_picture(line) for line in self._work.trunks.values()),
            late_events=self._late_events + self._floor.late_events,
            agents=self._floor.agent_pictures(now_ms),
        )

    def agent_picture(self, agent_id: AgentId, now_ms: int) -> AgentPicture | None:
        """One agent as they stand; None: not signed in."""
        return self._floor.agent_picture(agent_id, now_ms)

    def _picture(self, run: CampaignRun, now_ms: int) -> CampaignPicture:
        attempts = (self._work.attempts.get(attempt_id) for attempt_id in run.on_the_line)
        calls = [attempt.call for attempt in attempts if attempt is not None and attempt.call is not None]
        unreachable = "" if self._work.is_up else f"Asterisk cannot be reached: {self._work.down_reason}"
        if self._work.disk_trouble and not unreachable:
            unreachable = NOT_WRITTEN
        floor = self._floor.campaign_floor(run, now_ms)
        is_resting = self._work.rests(now_ms)
        lines = tuple(self._work.lines_of(run))
        is_spent = self._work.caller_ids.is_spent(run.campaign, (line.trunk for line in lines), now_ms)
        why = why_idle(run, lines, floor, unreachable, now_ms, is_resting=is_resting, is_spent=is_spent)
        return campaign_picture(run, calls, floor, why)


def _misfit(text: str) -> str | None:
    """Why this is no number that can be dialed; None when it is one."""
    try:
        number(text)
    except ValueError as error:
        return str(error)
    return None
