"""What lives on an Asterisk we come (back) to: our people, phones and rooms, and what is left of a life before."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog

from app.agents import LivePhone
from app.asterisk.ari import AriClient, AriError
from app.asterisk.ari import models as ari
from app.asterisk.names import attempt_of, helper_of, leg_of, room_of, snoop_channel, spied_by
from app.events import LiveCall
from app.units import AttemptId, LegId, RoomId

log = structlog.get_logger()

FALLBACK: Final = "outring-fallback"
"""The dialplan's context of the apology (asterisk/conf/extensions.conf)."""
QUEUE_CONTEXT: Final = "outring-queue"
"""The dialplan's context that runs Queue() (asterisk/conf/extensions.conf)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One listing. placed: channels asked for and not refused while it was written; they live, or will."""

    channels: Sequence[ari.Channel]
    bridges: Sequence[ari.Bridge]
    placed: frozenset[str]

    def calls(self) -> tuple[LiveCall, ...]:
        """The people."""
        live = {
            attempt_id: LiveCall(attempt_id=attempt_id, is_in_hand=False)
            for channel in self.placed
            if (attempt_id := attempt_of(channel)) is not None
        }
        for channel in self.channels:
            if (attempt_id := attempt_of(channel.id)) is not None:
                live[attempt_id] = LiveCall(
                    attempt_id=attempt_id,
                    is_in_hand=channel.dialplan.app_name == "Stasis",
                    is_up=channel.state == "Up",
                    is_in_fallback=channel.dialplan.context == FALLBACK,
                    is_in_queue=channel.dialplan.context == QUEUE_CONTEXT,
                    endpoint=_endpoint(channel),
                    room_id=self._room(channel.id),
                )
        return tuple(live.values())

    def phones(self) -> tuple[LivePhone, ...]:
        """The phones."""
        live = {
            leg_id: LivePhone(leg_id=leg_id, is_up=False)
            for channel in self.placed
            if (leg_id := leg_of(channel)) is not None
        }
        for channel in self.channels:
            if (leg_id := leg_of(channel.id)) is not None:
                is_up = channel.state == "Up" and channel.dialplan.app_name == "Stasis"
                live[leg_id] = LivePhone(leg_id=leg_id, is_up=is_up, room_id=self._room(channel.id))
        return tuple(live.values())

    def in_context(self, context: str) -> tuple[AttemptId, ...]:
        """The people who are in this context of the dialplan."""
        people = (attempt_of(channel.id) for channel in self.channels if channel.dialplan.context == context)
        return tuple(attempt_id for attempt_id in people if attempt_id is not None)

    def phone_endpoints(self) -> frozenset[str]:
        """The endpoints of agents' phones that are in a call."""
        return frozenset(
            _endpoint(channel) for channel in self.channels if (leg_of(channel.id) or "").rpartition("-")[2][:1] == "p"
        )

    def snoops(self) -> set[str]:
        """Channels that snoop on phones."""
        return {channel.id for channel in self.channels if helper_of(channel.id) is not None}

    def spies(self) -> set[LegId]:
        """Supervisors who listen in."""
        return {leg_id for bridge in self.bridges if (leg_id := spied_by(bridge.id)) is not None}

    def left_over(self) -> tuple[set[str], set[str]]:
        """Snooping channels and spying bridges nobody uses any more."""
        legs = {leg_id for channel in self.channels if (leg_id := leg_of(channel.id)) is not None}
        heard_by = {snoop_channel(leg_id) for leg_id in self.spies() & legs}
        bridges = {bridge.id for bridge in self.bridges if (leg := spied_by(bridge.id)) is not None and leg not in legs}
        return self.snoops() - heard_by, bridges

    def empty_rooms(self) -> set[RoomId]:
        """Rooms with nobody in them."""
        return {
            room_id
            for bridge in self.bridges
            if (room_id := room_of(bridge.id)) is not None
            and not any(attempt_of(channel) or leg_of(channel) for channel in bridge.channels)
        }

    def _room(self, channel: str) -> RoomId | None:
        rooms = (room_of(bridge.id) for bridge in self.bridges if channel in bridge.channels)
        return next((room_id for room_id in rooms if room_id is not None), None)


class Stock:
    """Lists what lives.

    A call whose request outlived the old websocket may begin after Asterisk has written the list: it lives too.
    """

    def __init__(self, client: AriClient) -> None:
        self._client = client
        self._is_listing = False
        self._placed: set[str] = set()
        self._asked: set[str] = set()

    def asked(self, channel: str) -> None:
        """This channel is about to be asked for: a list may be written before Asterisk hears of it."""
        self._asked.add(channel)

    def answered(self, channel: str) -> None:
        """The request for this channel is over, whatever came of it."""
        self._asked.discard(channel)

    def placed(self, channel: str) -> None:
        """The request for this channel was taken."""
        if self._is_listing:
            self._placed.add(channel)

    def begin(self) -> None:
        """From now on what is placed is remembered, until a list is there."""
        self._is_listing = True
        self._placed.clear()

    async def take(self) -> Found:
        """The list. Raises AriError when Asterisk does not give it; it may be asked for again."""
        channels, bridges = await asyncio.gather(self._client.channels.list(), self._client.bridges.list())
        self._is_listing = False
        return Found(channels=channels, bridges=bridges, placed=frozenset(self._placed | self._asked))

    async def clear_away(self, found: Found) -> None:
        """Take down what nobody uses any more."""
        snoops, bridges = found.left_over()
        for snoop in snoops:
            await _quietly(self._client.channels.hangup(channelId=snoop))
        for bridge in bridges:
            await _quietly(self._client.bridges.destroy(bridgeId=bridge))


async def _quietly(request: Coroutine[Any, Any, None]) -> None:
    try:
        await request
    except AriError as error:
        log.info("what is left over could not be cleared away", reason=str(error))


def _endpoint(channel: ari.Channel) -> str:
    return channel.name.removeprefix("PJSIP/").rpartition("-")[0]  # PJSIP/my-provider-0000002a
