"""The people in queues of the PBX's own: what the manager interface says of each, in the right order.

Asterisk tells of a queue over the manager interface and of the call over ARI, on two connections a millisecond apart.
So the end of a call (or its coming back) is held for a moment, until the queue's last word on it is there: whoever
hears of the end has heard everything. A person is told by the Uniqueid, which is the channel's id we gave.

What AMI says of one person: QueueCallerJoin, AgentCalled…, then AgentConnect and AgentComplete, or QueueCallerAbandon
(also when the time to wait is over). Who is refused at the door (no such queue, nobody in it) is never spoken of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from app.agent_events import QueueAgentConnected, QueueAgentLeft, QueueReturned, QueueUnseen
from app.asterisk.ami import Message
from app.asterisk.names import attempt_of
from app.events import CallEnded
from app.ports import Inbox
from app.units import SECOND_MS, AttemptId

LAST_WORD_S: Final = 2.0
"""How long the end of a call waits for the queue's last word on it."""
CONTINUED: Final = "CONTINUE"
"""QUEUESTATUS when the agent hung up and the caller stays (option c of Queue)."""
_ENDED_BY: Final = {
    "agent": "the agent hung up",
    "caller": "the person hung up",
    "transfer": "transferred by the agent",
}

Ending = CallEnded | QueueReturned


@dataclass(slots=True)
class _Place:
    """A person in a queue. is_blind: the manager interface was away while they waited, and may have missed something.

    is_in: they are in the queue, not turned away at the door. has_word: the queue's last word on them was said.
    """

    is_blind: bool
    queue: str = ""
    is_in: bool = False
    is_talking: bool = False
    has_word: bool = False
    held: list[Ending] = field(default_factory=list)
    timer: asyncio.TimerHandle | None = None


class QueuePeople:
    """Follows everybody who was sent to a queue, or found in one."""

    def __init__(self, tell: Inbox) -> None:
        self._tell = tell
        self._places: dict[AttemptId, _Place] = {}
        self._is_seeing = False
        self._trouble = "the manager interface was not reached"
        self._by_event: Mapping[str, Callable[[AttemptId, _Place, Message], None]] = {
            "QueueCallerJoin": self._joined,
            "AgentConnect": self._connected,
            "AgentComplete": self._completed,
            "QueueCallerAbandon": self._abandoned,
        }

    def __contains__(self, attempt_id: AttemptId) -> bool:
        return attempt_id in self._places

    @property
    def unclear(self) -> tuple[AttemptId, ...]:
        """Who waited when last seen, and has not been looked at since the manager interface was away."""
        return tuple(one for one, place in self._places.items() if place.is_blind and not place.is_talking)

    def begin(self, attempt_id: AttemptId) -> None:
        """They are sent to a queue."""
        self._places[attempt_id] = _Place(is_blind=not self._is_seeing)

    def adopt(self, live: Container[AttemptId], in_queues: Iterable[AttemptId]) -> None:
        """Calls that live, and those of them found in queues, when Asterisk could be reached again."""
        for attempt_id in [one for one in self._places if one not in live]:
            del self._places[attempt_id]
        for attempt_id in in_queues:
            if attempt_id not in self._places:
                self._places[attempt_id] = _Place(is_blind=True, is_in=True)

    def forget(self, attempt_id: AttemptId) -> None:
        """They were not sent after all."""
        self._places.pop(attempt_id, None)

    # --- the manager interface ---------------------------------------------------------------------------------------

    def hear(self, message: Message) -> None:
        """An event; all that is not of a person of ours in a queue is passed over."""
        take = self._by_event.get(message.get("event", ""))
        attempt_id = attempt_of(message.get("uniqueid", ""))
        if take is None or attempt_id is None:
            return
        place = self._places.get(attempt_id)
        if place is None:
            if take != self._joined:  # its end was told already
                return
            place = self._places[attempt_id] = _Place(is_blind=False)  # by a dialplan of the admin's own
        place.queue = message.get("queue", "")
        take(attempt_id, place, message)

    def see(self) -> None:
        """The manager interface is there."""
        self._is_seeing = True

    def lose_sight(self, trouble: str) -> None:
        """The manager interface is away: nobody waits for its word."""
        self._is_seeing, self._trouble = False, trouble
        for attempt_id, place in list(self._places.items()):
            place.is_blind = True
            self._release(attempt_id, place)

    def found_waiting(self, attempt_id: AttemptId) -> None:
        """They wait still: nothing was missed."""
        if (place := self._places.get(attempt_id)) is not None:
            place.is_in, place.is_blind = True, not self._is_seeing

    def found_talking(self, attempt_id: AttemptId, member: str) -> None:
        """They were connected while nobody looked."""
        place = self._places.get(attempt_id)
        if place is not None and not place.is_talking:
            self._connect(attempt_id, place, member, 0)

    def _joined(self, attempt_id: AttemptId, place: _Place, message: Message) -> None:
        place.is_in, place.is_talking, place.has_word, place.is_blind = True, False, False, False

    def _connected(self, attempt_id: AttemptId, place: _Place, message: Message) -> None:
        if not place.is_talking:
            self._connect(attempt_id, place, member_of(message), _seconds_ms(message, "holdtime"))

    def _connect(self, attempt_id: AttemptId, place: _Place, member: str, waited_ms: int) -> None:
        place.is_in = place.is_talking = True
        place.is_blind = False
        self._tell(QueueAgentConnected(attempt_id=attempt_id, queue=place.queue, member=member, waited_ms=waited_ms))

    def _completed(self, attempt_id: AttemptId, place: _Place, message: Message) -> None:
        place.is_in = place.has_word = True
        place.is_talking = False
        reason = message.get("reason", "")
        self._tell(
            QueueAgentLeft(
                attempt_id=attempt_id,
                queue=place.queue,
                member=member_of(message),
                waited_ms=_seconds_ms(message, "holdtime"),
                talk_ms=_seconds_ms(message, "talktime"),
                ended_by=_ENDED_BY.get(reason, reason),
            )
        )
        self._release(attempt_id, place)

    def _abandoned(self, attempt_id: AttemptId, place: _Place, message: Message) -> None:
        place.is_in = place.has_word = True
        place.is_blind = False
        self._release(attempt_id, place)

    # --- the call ----------------------------------------------------------------------------------------------------

    def pass_on(self, event: Ending) -> None:
        """Tell that a call ended or came back, after the queue's last word on it."""
        place = self._places.get(event.attempt_id)
        if place is None:
            self._tell(event)
            return
        place.held.append(event)
        if not self._is_seeing or place.has_word or _is_turned_away(event, place):
            self._release(event.attempt_id, place)
        elif place.timer is None:
            loop = asyncio.get_running_loop()
            place.timer = loop.call_later(LAST_WORD_S, self._release, event.attempt_id, place)

    def _release(self, attempt_id: AttemptId, place: _Place) -> None:
        if place.timer is not None:
            place.timer.cancel()
            place.timer = None
        held, place.held = place.held, []
        if held and self._places.get(attempt_id) is place:
            del self._places[attempt_id]
        for event in held:
            is_end = isinstance(event, CallEnded)
            is_unseen = place.is_blind or (place.is_in and self._is_seeing)
            if is_end and is_unseen and not place.has_word and not place.is_talking:
                self._tell(QueueUnseen(attempt_id=attempt_id, reason=self._trouble))
            self._tell(event)


def member_of(message: Message) -> str:
    """A queue's member as queues.conf names them, or else by their interface."""
    return message.get("membername") or message.get("interface") or message.get("name") or ""


def _is_turned_away(event: Ending, place: _Place) -> bool:
    """They came back without ever having been in the queue: nothing is said of them."""
    return isinstance(event, QueueReturned) and not place.is_in and not event.has_talked


def _seconds_ms(message: Message, name: str) -> int:
    text = message.get(name, "")
    return int(text) * SECOND_MS if text.isdecimal() else 0
