"""Asterisk is back, or the dialer is: what lives goes on, what is gone is written down as such."""

from __future__ import annotations

from dataclasses import replace

from app.commands import CloseAttempt, Command, HangUp
from app.dialing.attempt import AttemptRun
from app.dialing.ending import lost, undialed
from app.dialing.floor import Floor
from app.dialing.work import Work
from app.events import AttemptsFound, AttemptsRecovered, CallAnswered, CallEvent, LiveCall, TelephonyUp
from app.model import OpenedAttempt
from app.outcomes import Outcome
from app.units import AttemptId


class ComingBack:
    """What a life before this one left, until Asterisk has said what of it lives."""

    def __init__(self, work: Work, floor: Floor) -> None:
        self._work = work
        self._floor = floor
        self._recovered: dict[AttemptId, OpenedAttempt] = {}
        self._answered_early: set[AttemptId] = set()

    def begin_anew(self, event: AttemptsRecovered, now_ms: int) -> None:
        """What a life before this one left is decided when Asterisk has said what lives; its pace is unknown."""
        for line in self._work.trunks.values():
            line.rate.drain(now_ms)
        for run in self._work.campaigns.values():
            run.rate.drain(now_ms)
        for opened in event.attempts:
            self._recovered[opened.attempt_id] = opened
            if (owner := self._work.campaigns.get(opened.campaign_id)) is not None:
                owner.recovering.add(opened.attempt_id)

    def return_found(self, event: AttemptsFound, now_ms: int) -> list[Command]:
        """Claimed after all, though the database seemed to refuse: nobody is called twice or forgotten for it."""
        commands: list[Command] = []
        for opened in event.attempts:
            run = self._work.campaigns.get(opened.campaign_id)
            is_ending = run is not None and opened.attempt_id in run.closing
            if is_ending or opened.attempt_id in self._work.attempts or opened.attempt_id in self._recovered:
                continue
            result = undialed(opened, "the database failed while it was claimed", now_ms)
            if run is not None:
                run.closing[opened.attempt_id] = result.next.due_at_ms
            commands.append(CloseAttempt(result=result))
        return commands

    def nobodys(self, event: CallEvent) -> list[Command]:
        """An event of no attempt in work: late, or of one that waits to be recovered. Who answers is not left alone."""
        if not isinstance(event, CallAnswered):
            return []
        if event.attempt_id in self._recovered:
            self._answered_early.add(event.attempt_id)
            return []
        return [HangUp(attempt_id=event.attempt_id)]

    def up(self, event: TelephonyUp, now_ms: int) -> list[Command]:
        """Asterisk is back, or here for the first time."""
        work = self._work
        live = {found.attempt_id: found for found in event.live}
        on_the_line = [attempt for attempt in work.attempts.values() if attempt.is_on_the_line]
        commands: list[Command] = []
        for attempt in [one for one in on_the_line if one.id not in live]:  # before phones: whose card it is, is known
            commands += attempt.find_gone(now_ms) + self._settled(attempt, now_ms)
        commands += self._floor.find_phones(event.phones, now_ms, is_new_life=event.is_new_life)
        for attempt, found in [(one, live.pop(one.id)) for one in on_the_line if one.id in live]:
            commands += attempt.find_alive(found, now_ms) + self._settled(attempt, now_ms)
            commands += self._floor.found(attempt, found.room_id, now_ms)
        for opened in self._recovered.values():
            commands += self._recover(opened, live.pop(opened.attempt_id, None), now_ms)
        self._recovered, self._answered_early = {}, set()
        work.is_up, work.down_reason = True, ""  # only now: nobody is brought together before all are found
        work.taken()
        commands += self._floor.hang_up_strays(now_ms)
        commands += [HangUp(attempt_id=attempt_id) for attempt_id in live]  # channels that no open attempt answers for
        return commands

    def _recover(self, opened: OpenedAttempt, found: LiveCall | None, now_ms: int) -> list[Command]:
        """An attempt of a life before this one: its call goes on, or nobody knows what came of it."""
        run = self._work.campaigns.get(opened.campaign_id)
        if run is None:  # its campaign cannot be run any more: nobody is there to lead the call to an end
            hang_up: list[Command] = [] if found is None else [HangUp(attempt_id=opened.attempt_id)]
            return [*hang_up, CloseAttempt(result=lost(opened, now_ms))]
        run.recovering.discard(opened.attempt_id)
        attempt = AttemptRun(opened, run.campaign, run.flow, now_ms)
        self._work.attempts[attempt.id] = attempt
        if found is not None:
            run.on_the_line.add(attempt.id)
            if attempt.id in self._answered_early:
                found = replace(found, is_in_hand=True)
            line = next((one for one in self._work.lines_of(run) if one.trunk.endpoint == found.endpoint), None)
            commands = attempt.adopt(found, line, now_ms)
            self._work.settle(attempt)
            commands += attempt.ask_words(run.audio)
            return commands + self._floor.adopt(attempt, found.room_id, now_ms)
        if attempt.visit.has_talked:
            commands = attempt.find_talk_over(now_ms)
            self._work.settle(attempt)
            return commands + self._floor.adopt(attempt, None, now_ms)
        reason = "the dialer was restarted, and the call was gone when it came back"
        commands = attempt.refuse(Outcome.CONTROLLER_LOST, reason, now_ms)
        return commands + self._settled(attempt, now_ms)

    def _settled(self, attempt: AttemptRun, now_ms: int) -> list[Command]:
        self._work.settle(attempt)
        return self._floor.look_at(attempt, now_ms)
