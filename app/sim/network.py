"""A telephone network in virtual time: an Asterisk with its trunks, and everybody who can be called.

It takes the commands a real Asterisk gets and gives the events the real one gives, in the same order with the same
fields; the contract suite holds both to that. Nothing here knows the dialer, a clock or chance of its own: time moves
when `advance_to` is called, and all chance comes from the seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Final, assert_never

from app.agent_commands import QueueCommand, RoomCommand, SendToQueue, WatchQueue
from app.agents import LivePhone
from app.commands import (
    CallCommand,
    HangUp,
    PlaceCall,
    Play,
    Record,
    RenewLease,
    SendToExtension,
    StopPlayback,
    StopRecording,
    TelephonyCommand,
)
from app.events import CallPlaced, CallRefused, CallUnknown, CommandFailed, Event, LiveCall
from app.sim.channel import Channel, ChannelState
from app.sim.connection import Connection
from app.sim.exchange import Exchange
from app.sim.facts import Asked, Observer
from app.sim.faults import NO_FAULTS, Faults
from app.sim.floor import Floor
from app.sim.handsets import PhoneHabit
from app.sim.legs import Legs
from app.sim.media import MediaPlayer
from app.sim.queues import NO_QUEUE, QueueHabit, Queues
from app.sim.rooms import Rooms
from app.sim.schedule import Action, Schedule
from app.sim.trunks import TrunkKind
from app.units import HOUR_MS, AttemptId, LegId, RoomId
from asterisk.lab.numbers import Behaviour, behaviour_of

LATE_MS: Final = 90_000
"""The longest a late reply takes (`Faults.placed_late`)."""

_ENDINGS: Final = (HangUp, StopPlayback, StopRecording)
"""What asks for an end that has come already is no failure: the end itself was told."""


def _unobserved(_: object) -> None:
    """Nobody looks at the wire."""


class SimNetwork:
    """Asterisk and the network behind it. `advance_to` moves time; `perform` acts at the present moment.

    trunks: what stands behind each PJSIP endpoint; an endpoint that is not among them is unknown to Asterisk.
    length_of: how long a media name plays; None: it cannot be played.
    jitter: times before the answer are stretched by up to this share.
    on_wire: hears every fact, also those the dialer is never told.
    phones: who sits at each PJSIP endpoint of the floor; one that is not among them is unknown to Asterisk.
    queues: the queues of the PBX's own.
    """

    def __init__(
        self,
        *,
        seed: int,
        start_ms: int,
        trunks: Mapping[str, TrunkKind],
        length_of: Callable[[str], int | None],
        faults: Faults = NO_FAULTS,
        jitter: float = 0.1,
        on_wire: Observer = _unobserved,
        behaviour: Callable[[str], Behaviour] = behaviour_of,
        phones: Mapping[str, PhoneHabit] | None = None,
        queues: Mapping[str, QueueHabit] | None = None,
    ) -> None:
        self.faults = faults
        self._trunks = trunks
        self._on_wire = on_wire
        self._rng = rng = random.Random(f"network {seed}")
        self._schedule = schedule = Schedule(start_ms)
        self._connection = connection = Connection(
            schedule, rng, lambda: self.live, lambda: self.live_phones, on_wire, self._look_around, faults
        )
        self._rooms = rooms = Rooms(schedule, on_wire)
        self._media = MediaPlayer(
            schedule=schedule,
            connection=connection,
            rooms=rooms,
            rng=rng,
            length_of=length_of,
            faults=faults,
            on_wire=on_wire,
        )
        # The floor has chance of its own: a network without phones is the same whatever the floor can do.
        self._floor_rng = floor_rng = random.Random(f"floor {seed}")
        self._queues = Queues(
            schedule=schedule,
            connection=connection,
            rooms=rooms,
            rng=floor_rng,
            habits=queues or {},
            on_wire=on_wire,
        )
        self._exchange = Exchange(
            schedule=schedule,
            connection=connection,
            media=self._media,
            rooms=rooms,
            queues=self._queues,
            rng=rng,
            behaviour=behaviour,
            jitter=jitter,
            on_wire=on_wire,
        )
        self.phones = Legs(
            schedule=schedule,
            connection=connection,
            rooms=rooms,
            rng=floor_rng,
            phones=phones or {},
            behaviour=behaviour,
            jitter=jitter,
            on_wire=on_wire,
        )
        self._floor = Floor(
            schedule=schedule,
            connection=connection,
            rooms=rooms,
            legs=self.phones,
            media=self._media,
            channels=self._exchange.channels,
            trunks=trunks,
            length_of=length_of,
            rng=floor_rng,
            faults=faults,
            on_wire=on_wire,
        )
        self._plan(faults.websocket_losses_per_hour, self._lose_websocket_by_chance)
        self._plan(faults.restarts_per_hour, lambda: self.restart_asterisk(faults.boot_ms))
        if self.phones.handsets:
            self._plan(faults.phones_lost_per_hour, self._lose_phone_by_chance, floor_rng)

    @property
    def now_ms(self) -> int:
        """The present, in milliseconds since the epoch."""
        return self._schedule.now_ms

    @property
    def live(self) -> tuple[LiveCall, ...]:
        """All channels that exist."""
        return tuple(channel.as_live for channel in self._exchange.channels.values())

    @property
    def live_phones(self) -> tuple[LivePhone, ...]:
        """All phones' calls that exist."""
        return tuple(leg.as_live for leg in self.phones.legs.values())

    @property
    def rooms(self) -> frozenset[RoomId]:
        """All rooms that are open."""
        return frozenset(self._rooms.rooms)

    def heard_by(self, whose: AttemptId | LegId) -> frozenset[str]:
        """Whose voices a person or a phone hears now: ids of attempts and legs, and `rooms.MUSIC`."""
        return self._floor.heard_by(whose)

    @property
    def leases_run_out(self) -> int:
        """Channels, of persons and of phones, that came to the end of their lease so far."""
        return self._exchange.leases_run_out + self.phones.leases_run_out

    @property
    def events_lost(self) -> int:
        """Events the dialer was never told so far."""
        return self._connection.events_lost

    @property
    def is_within_reach(self) -> bool:
        """Whether a dialer is connected to an Asterisk that runs."""
        return self._connection.is_connected

    def next_event_ms(self) -> int | None:
        """When something happens next if nobody does anything; None: never."""
        return self._schedule.next_ms()

    def advance_to(self, at_ms: int) -> list[Event]:
        """Let time pass up to and including `at_ms`; returns what the dialer is told, in order.

        Raises ValueError for a moment in the past.
        """
        self._schedule.run_to(at_ms)
        return self._connection.heard()

    def connect(self) -> None:
        """A dialer comes: it is told TelephonyUp first, and then everything that happens."""
        self._connection.open()

    def disconnect(self) -> None:
        """The dialer goes, or is killed: calls stay up, and nobody is told anything."""
        self._connection.close()

    # --- faults on demand --------------------------------------------------------------------------------------------

    def lose_websocket(self, gap_ms: int) -> None:
        """The websocket drops now and is back after `gap_ms`: what happens in the gap is never told."""
        self._connection.lose_websocket(gap_ms)

    def restart_asterisk(self, boot_ms: int) -> None:
        """Asterisk dies now, with all its channels and without a word to anybody, and is back after `boot_ms`."""
        if self._connection.die(boot_ms):
            self._exchange.lose_all()
            self._floor.recordings.lose_all()
            self.phones.lose_all()
            self._rooms.clear()

    def _look_around(self, is_first: bool) -> None:
        if is_first:
            self._rooms.sweep()
        self.phones.look_around(is_first=is_first)
        self._queues.look_around()

    def heal(self) -> None:
        """From now on nothing goes wrong by chance any more."""
        self.faults = self._media.faults = self._floor.faults = self._connection.faults = NO_FAULTS

    def _lose_websocket_by_chance(self) -> None:
        self.lose_websocket(self._rng.randint(1, max(1, self.faults.websocket_gap_ms)))

    def _lose_phone_by_chance(self) -> None:
        endpoint = self._floor_rng.choice(sorted(self.phones.handsets))
        self.phones.lose_phone(endpoint, self._floor_rng.randint(1, max(1, self.faults.phone_gap_ms)))

    def _plan(self, per_hour: float, mishap: Action, rng: random.Random | None = None) -> None:
        """Let `mishap` happen again and again, at moments without memory."""
        if per_hour <= 0:
            return

        def strike() -> None:
            if self.faults is not NO_FAULTS:
                mishap()
                self._plan(per_hour, mishap, rng)

        self._schedule.plan(1 + int((rng or self._rng).expovariate(per_hour / HOUR_MS)), strike)

    # --- commands ----------------------------------------------------------------------------------------------------

    def perform(self, command: TelephonyCommand) -> None:
        """Carry out a command at the present moment; what comes of it is told by `advance_to`."""
        if isinstance(command, RoomCommand):
            self._floor.perform(command)
            return
        if isinstance(command, QueueCommand):
            self._use_queue(command)
            return
        if isinstance(command, PlaceCall):
            self._place(command)
            return
        channel = self._exchange.channels.get(command.attempt_id)
        if not self._connection.is_connected:
            self._fail(command, "Asterisk cannot be reached")
        elif isinstance(command, StopRecording) and self._floor.recordings.stop(command.name):
            pass  # of a room: it may outlive the call
        elif channel is not None:
            self._act(command, channel)
        elif not isinstance(command, _ENDINGS):
            self._fail(command, "Channel not found")

    def _act(
        self,
        command: HangUp | Play | StopPlayback | Record | StopRecording | SendToExtension | RenewLease,
        channel: Channel,
    ) -> None:
        match command:
            case HangUp():
                self._exchange.hang_up(channel)
            case RenewLease(lease_ms=lease_ms):
                self._exchange.lease(channel, lease_ms)
            case StopPlayback(playback_id=name) | StopRecording(name=name):
                if (job := channel.job(name)) is not None:
                    self._media.stop(channel, job)
            case _ if channel.state is not ChannelState.IN_HAND:
                self._fail(command, "Channel not in Stasis application")
            case Play() | Record():
                self._media.add(channel, command)
            case SendToExtension():
                self._exchange.hand_over(channel)
            case _:
                assert_never(command)

    def _use_queue(self, command: QueueCommand) -> None:
        if isinstance(command, WatchQueue):
            self._queues.watch(command.queue, is_on=command.is_on)
            return
        channel = self._exchange.channels.get(command.attempt_id)
        if not self._connection.is_connected:
            self._fail(command, "Asterisk cannot be reached")
        elif channel is None:
            self._fail(command, "Channel not found")
        elif channel.state is not ChannelState.IN_HAND:
            self._fail(command, "Channel not in Stasis application")
        elif not self._queues.knows(command.queue):
            self._fail(command, NO_QUEUE)
        else:
            self._media.when_silent(channel, lambda: self._queues.enter(channel, command))

    def _fail(self, command: CallCommand | SendToQueue, reason: str) -> None:
        self._connection.reply(
            CommandFailed(attempt_id=command.attempt_id, command=type(command).__name__, reason=reason)
        )

    def _place(self, call: PlaceCall) -> None:
        self._on_wire(Asked(at_ms=self.now_ms, call=call))
        attempt_id = call.attempt_id
        kind = self._trunks.get(call.trunk.endpoint)
        if not self._connection.is_connected:
            self._refuse(call, "Asterisk cannot be reached")
        elif kind is None:
            self._refuse(call, "Allocation failed", is_trunk_fault=True)
        elif attempt_id in self._exchange.channels:
            exists = "Channel with given unique ID already exists"
            self._connection.reply(CallUnknown(attempt_id=attempt_id, reason=exists))
        elif self._strikes(self.faults.refused):
            self._refuse(call, "Asterisk failed")
        elif self._strikes(self.faults.unknown_lost):
            self._connection.reply(CallUnknown(attempt_id=attempt_id, reason="the connection broke"))
        else:
            if self._strikes(self.faults.unknown_placed):
                self._connection.reply(CallUnknown(attempt_id=attempt_id, reason="the connection broke"))
            else:
                late_ms = self._rng.randint(1, LATE_MS) if self._strikes(self.faults.placed_late) else 0
                self._connection.reply(CallPlaced(attempt_id=attempt_id), late_ms)
            self._exchange.dial(call, kind)

    def _refuse(self, call: PlaceCall, reason: str, *, is_trunk_fault: bool = False) -> None:
        self._connection.reply(CallRefused(attempt_id=call.attempt_id, reason=reason, is_trunk_fault=is_trunk_fault))

    def _strikes(self, rate: float) -> bool:
        return rate > 0 and self._rng.random() < rate
