"""Campaigns whose agents are members of a queue of the PBX's own: people are sent there, and come back or not.

What the floor is for our own agents, this is for theirs. Who waits is the queue's business, and who takes them; a
conversation is over when the call is: nobody is asked for a disposition. A call in the queue is one that has left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from app.agent_commands import WatchQueue
from app.agent_events import (
    QueueAgentConnected,
    QueueAgentLeft,
    QueueEvent,
    QueueReturned,
    QueueSeen,
    QueueUnseen,
)
from app.agents import Conversation, DialingMode
from app.commands import Command, Play
from app.dialing.alarms import Alarms
from app.dialing.attempt import AttemptRun, AttemptState
from app.dialing.call import CallState
from app.dialing.campaign import CampaignRun
from app.dialing.floor_picture import CampaignFloor
from app.dialing.talk import SPEECH_GRACE_MS
from app.dialing.work import Work
from app.events import CommandFailed, PlaybackEnded, RecordingEnded
from app.units import AttemptId, SessionId


@dataclass(slots=True)
class _Person:
    """Somebody whom the queue has, or had. is_leaving: nobody took them; they hear that, and are hung up."""

    attempt: AttemptRun
    since_ms: int
    is_leaving: bool = False


class Queueing:
    """All people of such campaigns, and what is known of the queues."""

    def __init__(self, work: Work) -> None:
        self.late_events = 0
        self._work = work
        self._people: dict[AttemptId, _Person] = {}
        self._seen: dict[str, QueueSeen] = {}
        self._alarms: Alarms[AttemptId] = Alarms()

    # --- the ways in -------------------------------------------------------------------------------------------------

    def look_at(self, attempt: AttemptRun, now_ms: int) -> list[Command]:
        """Something was done to an attempt of such a campaign: who seeks an agent goes to the queue."""
        if attempt.state is AttemptState.CLOSING:
            self._forget(attempt.id)
        elif attempt.visit.sought is not None and attempt.id not in self._people:
            self._people[attempt.id] = _Person(attempt, now_ms)
            if attempt.call is not None and attempt.call.state is CallState.ANSWERED:
                return self._did(attempt, attempt.visit.enter_queue(now_ms), now_ms)
        return []

    def handle(self, event: QueueEvent | QueueSeen, now_ms: int) -> list[Command]:
        """What is told of queues and the people in them."""
        if isinstance(event, QueueSeen):
            if event.queue in self._seen:
                self._seen[event.queue] = event
            return []
        attempt = self._work.attempts.get(event.attempt_id)
        if attempt is None or attempt.call is None:
            self.late_events += 1
            return []
        match event:
            case QueueAgentConnected():
                self._connected(attempt, event, now_ms)
                return []
            case QueueAgentLeft():
                self._left(attempt, event, now_ms)
                return []
            case QueueUnseen():
                attempt.visit.course.lost_in_queue = event.reason
                return []
            case QueueReturned():
                return self._returned(attempt, event, now_ms)

    def hear(self, event: PlaybackEnded | RecordingEnded | CommandFailed, now_ms: int) -> list[Command]:
        """What the telephone tells of a person who is not in the queue, or could not be sent there."""
        person = self._people.get(event.attempt_id)
        match event:
            case PlaybackEnded() | CommandFailed(command="Play") if person is not None and person.is_leaving:
                return self._see_off(person, now_ms)
            case CommandFailed(command="SendToQueue") if person is not None and not person.is_leaving:
                return self._nobody(person, now_ms)
            case _:
                return []

    def wake(self, now_ms: int) -> list[Command]:
        """Time has passed; queues that came into use, or went out of it, are watched, or no more."""
        commands: list[Command] = []
        for attempt_id in self._alarms.due(now_ms):
            commands += self._see_off(self._people[attempt_id], now_ms)
        used = {run.campaign.agents.queue for run in self._work.campaigns.values() if run.campaign.agents.queue}
        for queue in sorted(used - self._seen.keys()):
            self._seen[queue] = QueueSeen(queue=queue, trouble=f"queue {queue!r} has not been looked at yet")
            commands.append(WatchQueue(queue=queue, is_on=True))
        for queue in sorted(self._seen.keys() - used):
            del self._seen[queue]
            commands.append(WatchQueue(queue=queue, is_on=False))
        return commands

    def next_deadline_ms(self) -> int | None:
        """When `wake` is wanted."""
        return self._alarms.next_ms()

    # --- what the dialer asks ----------------------------------------------------------------------------------------

    def room(self, run: CampaignRun, most: int) -> int:
        """For how many contacts, `most` at the most, the queue has members who could take a call."""
        seen = self._seen.get(run.campaign.agents.queue)
        if seen is None or seen.trouble:
            return 0
        under_way = sum(one.claiming + one.stock + self._calls_of(one) for one in self._sharers(run))
        return max(0, min(most, seen.available * run.campaign.agents.lines_per_agent - under_way))

    def may_place(self, run: CampaignRun) -> bool:
        """Whether a member could take one more call, with all that are on their way."""
        if run.campaign.mode is not DialingMode.PROGRESSIVE:
            return True
        seen = self._seen.get(run.campaign.agents.queue)
        calls = sum(self._calls_of(sharer) for sharer in self._sharers(run))
        return seen is not None and calls < seen.available * run.campaign.agents.lines_per_agent

    def _sharers(self, run: CampaignRun) -> Iterator[CampaignRun]:
        queue = run.campaign.agents.queue
        return (one for one in self._work.campaigns.values() if one.campaign.agents.queue == queue)

    def _calls_of(self, run: CampaignRun) -> int:
        attempts = (self._work.attempts.get(attempt_id) for attempt_id in run.on_the_line)
        return sum(attempt is not None and attempt.visit.course.queue_talk is None for attempt in attempts)

    def campaign_floor(self, run: CampaignRun, now_ms: int) -> CampaignFloor:
        """A campaign's share of its queue."""
        people = [one for one in self._people.values() if one.attempt.campaign.id == run.campaign.id]
        waiting = [one for one in people if one.attempt.visit.course.queue_talk is None and not one.is_leaving]
        seen = self._seen.get(run.campaign.agents.queue, QueueSeen(queue=run.campaign.agents.queue))
        return CampaignFloor(
            with_agents=sum(one.attempt.visit.course.queue_talk is not None for one in people),
            seeking=len(waiting),
            longest_wait_ms=max((now_ms - one.since_ms for one in waiting), default=0),
            agents=seen.members,
            available=seen.available,
            trouble=seen.trouble,
        )

    # --- inside ------------------------------------------------------------------------------------------------------

    def _connected(self, attempt: AttemptRun, event: QueueAgentConnected, now_ms: int) -> None:
        if (seen := self._seen.get(event.queue)) is not None:  # until it is looked at again
            self._seen[event.queue] = replace(seen, available=max(0, seen.available - 1))
        person = self._people.get(attempt.id)
        since_ms = now_ms - event.waited_ms if person is None else person.since_ms
        attempt.visit.course.queue_talk = Conversation(
            agent_id=None,
            session_id=SessionId(""),
            connected_at_ms=now_ms,
            waited_ms=now_ms - since_ms,
            transfers=(f"queue {event.queue}",) if event.queue else (),
            queue_member=event.member,
        )

    def _left(self, attempt: AttemptRun, event: QueueAgentLeft, now_ms: int) -> None:
        """The talk as we saw it, to the millisecond; as Asterisk did where we did not see its beginning."""
        if attempt.visit.course.queue_talk is None:
            met = QueueAgentConnected(
                attempt_id=event.attempt_id, queue=event.queue, member=event.member, waited_ms=event.waited_ms
            )
            self._connected(attempt, met, now_ms - event.talk_ms)
        talk = attempt.visit.course.queue_talk
        assert talk is not None, f"attempt {attempt.id} talked with nobody"
        talk_ms = max(now_ms - talk.connected_at_ms, event.talk_ms)
        attempt.visit.course.queue_talk = replace(
            talk,
            connected_at_ms=now_ms - talk_ms,
            talk_ms=talk_ms,
            transfers=(*talk.transfers, event.ended_by),
        )

    def _returned(self, attempt: AttemptRun, event: QueueReturned, now_ms: int) -> list[Command]:
        person = self._people.get(attempt.id)
        commands: list[Command] = [attempt.leave_queue(now_ms)]
        if person is None:  # out of a queue of the admin's own dialplan: we know of nothing to be said
            return commands + self._did(attempt, attempt.hang_up(now_ms), now_ms)
        if not event.has_talked:
            return commands + self._nobody(person, now_ms)
        if attempt.visit.course.queue_talk is None:  # nobody looked: with whom, and how long, is not known
            met = QueueAgentConnected(attempt_id=attempt.id, queue="", member="", waited_ms=0)
            self._connected(attempt, met, now_ms)
        self._forget(attempt.id)
        return commands + self._did(attempt, attempt.visit.release(now_ms), now_ms)

    def _nobody(self, person: _Person, now_ms: int) -> list[Command]:
        """No member took them: their flow has a way for it, or they hear the safe-harbor message."""
        attempt = person.attempt
        if attempt.visit.sought is not None and attempt.visit.sought.has_way_on:
            self._forget(attempt.id)
            return self._did(attempt, attempt.visit.find_nobody(now_ms), now_ms)
        attempt.visit.abandon()
        audio = attempt.visit.safe_harbor(now_ms)
        if audio is None:
            return self._see_off(person, now_ms)
        person.is_leaving = True
        self._alarms.set(attempt.id, now_ms + audio.length_ms + SPEECH_GRACE_MS)
        return [Play(attempt_id=attempt.id, playback_id=f"{attempt.id}-harbor", media=(audio.media,))]

    def _see_off(self, person: _Person, now_ms: int) -> list[Command]:
        """The message was heard: the call ends."""
        person.is_leaving = False
        person.attempt.visit.last_words.end(now_ms, is_whole=True)
        self._alarms.set(person.attempt.id, None)
        return self._did(person.attempt, person.attempt.hang_up(now_ms), now_ms)

    def _did(self, attempt: AttemptRun, commands: list[Command], now_ms: int) -> list[Command]:
        self._work.settle(attempt)
        return commands + self.look_at(attempt, now_ms)

    def _forget(self, attempt_id: AttemptId) -> None:
        self._people.pop(attempt_id, None)
        self._alarms.set(attempt_id, None)
