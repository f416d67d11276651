"""Queues of the admin's own (app_queue) as a pool of agents: people are sent there, followed, and taken back.

The way there is the dialplan's context `outring-queue` (asterisk/conf/extensions.conf), which runs Queue() and hands
back who is still on the line. Without the manager interface nobody is sent: they could not be followed.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Container, Sequence
from typing import Any, Final

import structlog

from app.agent_commands import SendToQueue, WatchQueue
from app.agent_events import QueueReturned, QueueSeen
from app.asterisk.ami import AmiClient, AmiDown, AmiError, AmiNews, AmiUp, Message
from app.asterisk.ami_address import EXAMPLE, AmiAddress
from app.asterisk.ari import AriClient, AriError
from app.asterisk.ari import models as ari
from app.asterisk.calls import RETURN_MARK
from app.asterisk.endpoint import QUEUE_NAME
from app.asterisk.names import attempt_of, channel_id
from app.asterisk.queue_board import QueueBoard
from app.asterisk.queue_people import CONTINUED, QueuePeople, member_of
from app.asterisk.stock import QUEUE_CONTEXT
from app.events import CallEnded, CallLeft, Event
from app.ports import Inbox
from app.units import AttemptId

log = structlog.get_logger()

WAIT_VARIABLE: Final = "OUTRING_QUEUE_WAIT"
NO_LOGIN: Final = (
    f"Outring has no login for Asterisk's manager interface: write ami_url = {EXAMPLE!r} into its settings, with the "
    "user and secret of manager.conf"
)


class Queues:
    """address None: there is no login, and whatever is asked fails with the mend."""

    def __init__(self, client: AriClient, tell: Inbox, address: AmiAddress | None) -> None:
        self._client = client
        self._tell = tell
        self._people = QueuePeople(tell)
        self._board = QueueBoard(tell)
        self._sent: set[AttemptId] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ami = None
        if address is not None:
            self._ami = AmiClient(address, on_event=self._hear_ami, on_news=self._news)

    def start(self) -> None:
        """Sign in to the manager interface, and go on trying."""
        if self._ami is not None:
            self._ami.start()
            self._begin(self._board.run(self._ami))

    async def stop(self) -> None:
        """Let go of the manager interface."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._ami is not None:
            await self._ami.close()

    # --- commands ----------------------------------------------------------------------------------------------------

    def watch(self, command: WatchQueue) -> None:
        """Begin or end to tell how many members could take a call."""
        if self._ami is None:
            if command.is_on:
                self._tell(QueueSeen(queue=command.queue, trouble=NO_LOGIN))
            return
        self._board.watch(command.queue, is_on=command.is_on)
        if command.is_on and not self._ami.is_up:
            self._board.lose_sight(self._ami.trouble)

    async def send(self, command: SendToQueue) -> None:
        """Send a person to a queue. Raises ValueError, AriError when that cannot be."""
        if not QUEUE_NAME.fullmatch(command.queue):
            raise ValueError(f"no name of a queue: {command.queue[:40]!r}")
        if self._ami is None:
            raise ValueError(NO_LOGIN)
        if not self._ami.is_up:
            raise ValueError(f"nobody can be followed in a queue: {self._ami.trouble}")
        channels, channel = self._client.channels, channel_id(command.attempt_id)
        seconds = str(max(1, math.ceil(command.wait_ms / 1_000)))
        await channels.setChannelVar(channelId=channel, variable=WAIT_VARIABLE, value=seconds)
        self._people.begin(command.attempt_id)
        self._sent.add(command.attempt_id)
        try:
            await channels.continueInDialplan(
                channelId=channel, context=QUEUE_CONTEXT, extension=command.queue, priority=1
            )
        except AriError as error:
            if error.is_certainly_not_done:
                self._sent.discard(command.attempt_id)
                self._people.forget(command.attempt_id)
            raise

    async def problem(self, queue: str) -> str | None:
        """Why nobody could be sent to this queue now, with the mend, in words; None: all is well."""
        if not QUEUE_NAME.fullmatch(queue):
            return (
                f"the queue's name {queue[:40]!r} cannot be dialed: 2 to 40 letters, digits, `_`, `.`, `-` are taken; "
                "give the queue another name in queues.conf"
            )
        if self._ami is None:
            return NO_LOGIN
        try:
            known = {one["queue"] for one in await self._ami.action("QueueSummary") if "queue" in one}
        except AmiError as error:
            return f"{error}; `outring doctor` says more"
        if queue not in known:
            listed = ", ".join(sorted(known)) or "none"
            return f"Asterisk has no queue {queue!r} (it has {listed}): add it to queues.conf, or name another"
        return await self._context_problem(queue)

    async def _context_problem(self, queue: str) -> str | None:
        try:
            found = await self._client.asterisk.getGlobalVar(variable=f"DIALPLAN_EXISTS({QUEUE_CONTEXT},{queue},1)")
        except AriError as error:
            return f"Asterisk's dialplan cannot be looked at: {error}"
        if found.value == "0":
            return f"Asterisk's dialplan has no context {QUEUE_CONTEXT}: include outring/extensions.conf, and reload"
        return None

    # --- events ------------------------------------------------------------------------------------------------------

    def pass_on(self, event: Event) -> None:
        """Tell an event of a call; its end only after the queue's last word on it."""
        if isinstance(event, CallEnded) and event.attempt_id in self._people:
            self._people.pass_on(event)
        else:
            self._tell(event)

    def hear(self, message: Any) -> None:
        """What ARI says; only people who leave for a queue and come back are looked at."""
        match message:
            case ari.StasisStart(args=[mark, *status]) if mark == RETURN_MARK:
                attempt_id = attempt_of(message.channel.id)
                reason = status[0] if status else ""
                if attempt_id is not None:
                    self._sent.discard(attempt_id)
                    self._people.pass_on(
                        QueueReturned(attempt_id=attempt_id, has_talked=reason == CONTINUED, reason=reason)
                    )
            case ari.StasisEnd():
                attempt_id = attempt_of(message.channel.id)
                if attempt_id is not None and attempt_id in self._sent:
                    self._sent.discard(attempt_id)
                    self._tell(CallLeft(attempt_id=attempt_id))
            case ari.ChannelDestroyed():
                if (attempt_id := attempt_of(message.channel.id)) is not None:
                    self._sent.discard(attempt_id)
            case _:
                pass

    def adopt(self, live: Container[AttemptId], in_queues: Sequence[AttemptId]) -> None:
        """Calls that live, and those of them found in queues, when Asterisk could be reached again."""
        self._people.adopt(live, in_queues)
        if in_queues and self._ami is not None and self._ami.is_up:
            self._begin(self._look_again())

    def _hear_ami(self, message: Message) -> None:
        self._people.hear(message)
        self._board.hear(message)

    def _news(self, news: AmiNews) -> None:
        assert self._ami is not None
        match news:
            case AmiUp():
                self._people.see()
                self._board.look()
                self._begin(self._look_again())
            case AmiDown():
                self._people.lose_sight(self._ami.trouble)
                self._board.lose_sight(self._ami.trouble)

    # --- what was missed ---------------------------------------------------------------------------------------------

    async def _look_again(self) -> None:
        """Who waited when the manager interface was last there: do they wait still, or talk with somebody?"""
        assert self._ami is not None
        if not self._people.unclear:
            return
        try:
            status = await self._ami.action("QueueStatus")
        except AmiError as error:
            log.warning("queues could not be looked at", reason=str(error))
            return
        waiting = {attempt_of(one.get("uniqueid", "")) for one in status if one.get("event") == "QueueEntry"}
        names = {one.get("location", ""): member_of(one) for one in status if one.get("event") == "QueueMember"}
        for attempt_id in self._people.unclear:
            if attempt_id in waiting:
                self._people.found_waiting(attempt_id)
            elif interface := await self._peer(attempt_id):
                self._people.found_talking(attempt_id, names.get(interface, interface))

    async def _peer(self, attempt_id: AttemptId) -> str:
        """The interface a person talks with: `PJSIP/1001` of the channel PJSIP/1001-0000002a; empty: nobody."""
        with contextlib.suppress(AriError):
            found = await self._client.channels.getChannelVar(channelId=channel_id(attempt_id), variable="BRIDGEPEER")
            return found.value.split(",")[0].rpartition("-")[0]
        return ""

    def _begin(self, step: Any) -> None:
        task = asyncio.get_running_loop().create_task(step)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
