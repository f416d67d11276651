"""Queues of the PBX's own in the simulated network: members who take people, talk a while, and give them back."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from app.agent_commands import SendToQueue
from app.agent_events import QueueAgentConnected, QueueAgentLeft, QueueReturned, QueueSeen
from app.events import CallLeft
from app.sim.channel import Channel, ChannelState
from app.sim.connection import Connection
from app.sim.facts import Hears, Observer, Sound
from app.sim.rooms import Rooms
from app.sim.schedule import Schedule
from app.units import SECOND_MS

NO_QUEUE: Final = "there is no such queue"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueHabit:
    """A queue's members: how many, how long they ring and talk (medians), and how often they hang up first."""

    members: int = 2
    answer_ms: int = 2 * SECOND_MS
    talk_ms: int = 20 * SECOND_MS
    hangs_up: float = 0.5


@dataclass(slots=True, eq=False)
class _Visit:
    """A person in a queue. member: who has them."""

    channel: Channel
    came_at_ms: int
    member: str = ""
    connected_at_ms: int = 0


@dataclass(slots=True, eq=False)
class _Queue:
    name: str
    habit: QueueHabit
    free: list[str]
    waiting: list[_Visit] = field(default_factory=list)
    talking: list[_Visit] = field(default_factory=list)
    is_watched: bool = False


class Queues:
    """All queues by name."""

    def __init__(
        self,
        *,
        schedule: Schedule,
        connection: Connection,
        rooms: Rooms,
        rng: random.Random,
        habits: Mapping[str, QueueHabit],
        on_wire: Observer,
    ) -> None:
        self._schedule = schedule
        self._connection = connection
        self._rooms = rooms
        self._rng = rng
        self._on_wire = on_wire
        self._queues = {
            name: _Queue(name, habit, [f"member-{place}" for place in range(1, habit.members + 1)])
            for name, habit in habits.items()
        }

    def knows(self, name: str) -> bool:
        """Whether there is such a queue."""
        return name in self._queues

    def watch(self, name: str, *, is_on: bool) -> None:
        """Tell how the queue is, now and whenever it changes."""
        queue = self._queues.get(name)
        if queue is not None:
            queue.is_watched = is_on
            self._tell(queue)
        elif is_on:
            self._connection.tell(QueueSeen(queue=name, trouble=NO_QUEUE))

    def enter(self, channel: Channel, command: SendToQueue) -> None:
        """The person leaves our hands for the queue."""
        queue = self._queues[command.queue]
        self._rooms.forget_person(channel)
        channel.state, channel.is_in_queue = ChannelState.LEFT, True
        self._connection.tell(CallLeft(attempt_id=channel.attempt_id))
        self._hears(channel, Sound.MUSIC)
        visit = _Visit(channel, self._schedule.now_ms)
        queue.waiting.append(visit)
        self._schedule.plan(command.wait_ms, partial(self._give_back, queue, visit), channel)
        self._ring(queue)

    def forget(self, channel: Channel) -> None:
        """The person's call is over."""
        for queue in self._queues.values():
            for visit in [each for each in queue.waiting + queue.talking if each.channel is channel]:
                self._leave(queue, visit, "the caller hung up")

    def look_around(self) -> None:
        """The dialer is here: it hears of what it watches."""
        for queue in self._queues.values():
            self._tell(queue)

    def _ring(self, queue: _Queue) -> None:
        self._tell(queue)
        if queue.free and queue.waiting:
            member = queue.free.pop(0)
            wait_ms = self._some(queue.habit.answer_ms)
            self._schedule.plan(wait_ms, partial(self._answer, queue, member))

    def _answer(self, queue: _Queue, member: str) -> None:
        if not queue.waiting:
            queue.free.append(member)
            self._tell(queue)
            return
        visit = queue.waiting.pop(0)
        visit.member, visit.connected_at_ms = member, self._schedule.now_ms
        queue.talking.append(visit)
        self._hears(visit.channel, Sound.COMPANY)
        self._connection.tell(
            QueueAgentConnected(
                attempt_id=visit.channel.attempt_id, queue=queue.name, member=member, waited_ms=_waited_ms(visit)
            )
        )
        if self._rng.random() < queue.habit.hangs_up:
            talk_ms = self._some(queue.habit.talk_ms)
            self._schedule.plan(talk_ms, partial(self._part, queue, visit), visit.channel)
        self._ring(queue)

    def _part(self, queue: _Queue, visit: _Visit) -> None:
        self._leave(queue, visit, "the agent hung up")
        self._return(visit.channel, QueueReturned(attempt_id=visit.channel.attempt_id, has_talked=True, reason=""))

    def _give_back(self, queue: _Queue, visit: _Visit) -> None:
        if visit in queue.waiting:
            self._leave(queue, visit, "")
            attempt_id = visit.channel.attempt_id
            self._return(visit.channel, QueueReturned(attempt_id=attempt_id, has_talked=False, reason="TIMEOUT"))

    def _return(self, channel: Channel, told: QueueReturned) -> None:
        channel.state, channel.is_in_queue = ChannelState.IN_HAND, False
        self._connection.tell(told)
        self._rooms.listen(channel)

    def _leave(self, queue: _Queue, visit: _Visit, ended_by: str) -> None:
        if visit in queue.waiting:
            queue.waiting.remove(visit)
        elif visit in queue.talking:
            queue.talking.remove(visit)
            queue.free.append(visit.member)
            self._connection.tell(
                QueueAgentLeft(
                    attempt_id=visit.channel.attempt_id,
                    queue=queue.name,
                    member=visit.member,
                    waited_ms=_waited_ms(visit),
                    talk_ms=(self._schedule.now_ms - visit.connected_at_ms) // SECOND_MS * SECOND_MS,
                    ended_by=ended_by,
                )
            )
        self._ring(queue)

    def _hears(self, channel: Channel, sound: Sound) -> None:
        channel.hears = sound
        self._on_wire(Hears(at_ms=self._schedule.now_ms, attempt_id=channel.attempt_id, sound=sound))

    def _tell(self, queue: _Queue) -> None:
        if queue.is_watched:
            seen = QueueSeen(
                queue=queue.name,
                members=queue.habit.members,
                available=len(queue.free),
                waiting=len(queue.waiting),
            )
            self._connection.tell(seen)

    def _some(self, median_ms: int) -> int:
        return max(1, int(median_ms * self._rng.lognormvariate(0, 0.5)))


def _waited_ms(visit: _Visit) -> int:
    return (visit.connected_at_ms - visit.came_at_ms) // SECOND_MS * SECOND_MS
