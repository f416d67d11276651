"""The members of watched queues: how many could take a call. Asked for when something moved, and now and then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from app.agent_events import QueueSeen
from app.asterisk.ami import AmiClient, AmiError, Message
from app.ports import Inbox

LOOK_AGAIN_S: Final = 5.0
"""Members whose phones come and go are not always spoken of."""
GATHER_S: Final = 0.1
"""What moves together is asked for once."""
_MOVES: Final = frozenset(
    {
        "QueueMemberStatus", "QueueMemberAdded", "QueueMemberRemoved", "QueueMemberPause", "QueueMemberRinginuse",
        "QueueCallerJoin", "QueueCallerLeave", "AgentConnect", "AgentComplete",
    }
)  # fmt: skip
_GONE: Final = ("4", "5")
"""Device states of app_queue: invalid, unavailable."""
_FREE: Final = ("0", "1")
"""Unknown (a member whose device tells nothing), not in use."""


class QueueBoard:
    """Tells QueueSeen of each watched queue whenever it was looked at."""

    def __init__(self, tell: Inbox) -> None:
        self._tell = tell
        self._watched: set[str] = set()
        self._moved = asyncio.Event()
        self._to_ask: set[str] = set()

    def watch(self, queue: str, *, is_on: bool) -> None:
        """Begin or end to watch a queue."""
        if is_on:
            self._watched.add(queue)
            self._ask_for({queue})
        else:
            self._watched.discard(queue)

    def hear(self, message: Message) -> None:
        """An event of the manager interface."""
        if message.get("event") in _MOVES:
            self._ask_for({message.get("queue", "")})

    def look(self) -> None:
        """Ask for all of them now."""
        self._ask_for(self._watched)

    def lose_sight(self, trouble: str) -> None:
        """Nothing can be known of any of them."""
        for queue in sorted(self._watched):
            self._tell(QueueSeen(queue=queue, trouble=trouble))

    def _ask_for(self, queues: set[str]) -> None:
        self._to_ask |= queues & self._watched
        if self._to_ask:
            self._moved.set()

    async def run(self, ami: AmiClient) -> None:
        """Ask, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(LOOK_AGAIN_S):
                    await self._moved.wait()
                await asyncio.sleep(GATHER_S)
            except TimeoutError:
                self._to_ask |= self._watched
            self._moved.clear()
            queues, self._to_ask = self._to_ask & self._watched, set()
            for queue in sorted(queues):
                await self._ask(ami, queue)

    async def _ask(self, ami: AmiClient, queue: str) -> None:
        try:
            answer = await ami.action("QueueStatus", Queue=queue)
        except (AmiError, ValueError) as error:
            seen = QueueSeen(queue=queue, trouble=str(error))
        else:
            now_s = time.time()
            seen = seen_in(answer, queue, now_s)
            if (free_at_s := next_free_s(answer, now_s)) is not None:
                asyncio.get_running_loop().call_later(free_at_s - now_s, self._ask_for, {queue})
        if queue in self._watched:
            self._tell(seen)


def seen_in(answer: Sequence[Message], queue: str, now_s: float) -> QueueSeen:
    """A queue as QueueStatus tells it; now_s: since the epoch, as Asterisk counts the time after a call."""
    events = [one.get("event") for one in answer]
    if "QueueParams" not in events:
        return QueueSeen(queue=queue, trouble=f"Asterisk has no queue {queue!r}")
    members = [one for one in answer if one.get("event") == "QueueMember" and one.get("status") not in _GONE]
    return QueueSeen(
        queue=queue,
        members=len(members),
        available=sum(_is_free(one) and _rests_until_s(one) <= now_s for one in members),
        waiting=events.count("QueueEntry"),
    )


def next_free_s(answer: Sequence[Message], now_s: float) -> float | None:
    """When the next member's time after a call is over, which nobody tells; None: nobody has such time."""
    members = (one for one in answer if one.get("event") == "QueueMember" and _is_free(one))
    return min((at_s for one in members if (at_s := _rests_until_s(one)) > now_s), default=None)


def _is_free(member: Message) -> bool:
    is_idle = member.get("status") in _FREE and member.get("incall", "0") == "0"
    return is_idle and member.get("paused", "0") == "0"


def _rests_until_s(member: Message) -> float:
    wrap_up_s, ended_s = _number(member, "wrapuptime"), _number(member, "lastcall")
    return ended_s + wrap_up_s if wrap_up_s and ended_s else 0


def _number(message: Message, name: str) -> int:
    text = message.get(name, "")
    return int(text) if text.isdecimal() else 0
