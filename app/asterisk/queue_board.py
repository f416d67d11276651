"""The members of watched queues: how many could take a call. Asked for when something moved, and now and then."""

from __future__ import annotations

import asyncio
from typing import Final

from app.agent_events import QueueSeen
from app.asterisk.ami import AmiClient, AmiError, Message
from app.ports import Inbox

LOOK_AGAIN_S: Final = 5.0
"""Members whose phones come and go are not always spoken of."""
GATHER_S: Final = 0.05
"""What moves together is asked for once."""
_MOVES: Final = frozenset(
    {
        "QueueMemberStatus", "QueueMemberAdded", "QueueMemberRemoved", "QueueMemberPause", "QueueMemberRinginuse",
        "QueueCallerJoin", "QueueCallerLeave", "AgentConnect", "AgentComplete",
    }
)  # fmt: skip


class QueueBoard:
    """Tells QueueSeen of each watched queue when it changes."""

    def __init__(self, tell: Inbox) -> None:
        self._tell = tell
        self._seen: dict[str, QueueSeen | None] = {}
        self._moved = asyncio.Event()
        self._to_ask: set[str] = set()

    def watch(self, queue: str, *, is_on: bool) -> None:
        """Begin or end to watch a queue; asked again, it is told again."""
        if is_on:
            self._seen[queue] = None
            self._ask_for({queue})
        else:
            self._seen.pop(queue, None)

    def hear(self, message: Message) -> None:
        """An event of the manager interface."""
        if message.get("event") in _MOVES:
            self._ask_for({message.get("queue", "")})

    def look(self) -> None:
        """Ask for all of them now."""
        self._ask_for(set(self._seen))

    def lose_sight(self, trouble: str) -> None:
        """Nothing can be known of any of them."""
        for queue in self._seen:
            self._note(QueueSeen(queue=queue, trouble=trouble))

    def _ask_for(self, queues: set[str]) -> None:
        self._to_ask |= queues & self._seen.keys()
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
                self._to_ask |= self._seen.keys()
            self._moved.clear()
            queues, self._to_ask = self._to_ask, set()
            for queue in sorted(queues):
                await self._ask(ami, queue)

    async def _ask(self, ami: AmiClient, queue: str) -> None:
        try:
            answer = await ami.action("QueueSummary", Queue=queue)
        except (AmiError, ValueError) as error:
            self._note(QueueSeen(queue=queue, trouble=str(error)))
            return
        found = next((one for one in answer if one.get("event") == "QueueSummary"), None)
        if found is None:
            self._note(QueueSeen(queue=queue, trouble=f"Asterisk has no queue {queue!r}"))
            return
        self._note(
            QueueSeen(
                queue=queue,
                members=_count(found, "loggedin"),
                available=_count(found, "available"),
                waiting=_count(found, "callers"),
            )
        )

    def _note(self, seen: QueueSeen) -> None:
        if seen.queue in self._seen and self._seen[seen.queue] != seen:
            self._seen[seen.queue] = seen
            self._tell(seen)


def _count(message: Message, name: str) -> int:
    text = message.get(name, "")
    return int(text) if text.isdecimal() else 0
