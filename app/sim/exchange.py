"""What becomes of calls in the simulated network: dialing, answer, keys, leases, and the end."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Final, assert_never

from app.commands import PlaceCall, Record
from app.events import (
    CallAnswered,
    CallEnded,
    CallLeft,
    CallProgressed,
    CallRinging,
    DigitPressed,
    FaxHeard,
    TalkEnded,
    TalkStarted,
)
from app.sim import causes
from app.sim.channel import Channel, ChannelState
from app.sim.connection import Connection
from app.sim.facts import Answered, Ended, HandedOver, LeaseRenewed, Observer, Placed, Rang, SoundBegan, TakenBack
from app.sim.farend import after_answer, later, stretches
from app.sim.media import MediaPlayer
from app.sim.queues import Queues
from app.sim.rooms import Rooms
from app.sim.schedule import Action, Schedule
from app.sim.trunks import TrunkKind
from app.units import SECOND_MS, AttemptId
from asterisk.lab.numbers import Behaviour

FALLBACK_MS: Final = 4_740
"""Length of the dialplan's apology to a person whom the dialer does not take."""
EXTENSION_MS: Final = 10_000
"""How long the admin's dialplan keeps a call it was given."""
REFUSAL_MS: Final = 5
"""How soon a trunk that refuses everything does so."""
TIMER_B_MS: Final = 32_000
"""How long Asterisk waits for any reply at all."""
TALK_NOTICED_MS: Final = 100
"""How long it takes to notice that somebody talks."""


def in_whole_seconds(length_ms: int) -> int:
    """Asterisk's time limits are whole seconds, rounded up."""
    return -(-length_ms // SECOND_MS) * SECOND_MS


class Exchange:
    """The channels of Asterisk and the people behind them.

    jitter: times before the answer are stretched by up to this share of themselves.
    """

    def __init__(
        self,
        *,
        schedule: Schedule,
        connection: Connection,
        media: MediaPlayer,
        rooms: Rooms,
        queues: Queues,
        rng: random.Random,
        behaviour: Callable[[str], Behaviour],
        jitter: float,
        on_wire: Observer,
    ) -> None:
        self.channels: dict[AttemptId, Channel] = {}
        self.leases_run_out = 0
        self._schedule = schedule
        self._connection = connection
        self._media = media
        self._rooms = rooms
        self._queues = queues
        self._rng = rng
        self._behaviour = behaviour
        self._jitter = jitter
        self._on_wire = on_wire

    # --- before the answer -------------------------------------------------------------------------------------------

    def dial(self, call: PlaceCall, kind: TrunkKind) -> None:
        """A new channel, and an INVITE on the wire."""
        channel = Channel(call=call, lease_until_ms=self._schedule.now_ms)
        self.channels[call.attempt_id] = channel
        self._on_wire(Placed(at_ms=self._schedule.now_ms, call=call))
        self.lease(channel, call.lease_ms)
        self._soon(channel, partial(self._give_up, channel, causes.TIMED_OUT), in_whole_seconds(call.ring_timeout_ms))
        match kind:
            case TrunkKind.GOOD:
                self._call_up(channel, self._behaviour(call.number))
            case TrunkKind.REJECTING:
                self._soon(channel, partial(self.end, channel, causes.REJECTED_BY_TRUNK), REFUSAL_MS)
            case TrunkKind.SILENT:
                self._soon(channel, partial(self._give_up, channel, causes.NO_REPLY), TIMER_B_MS)
            case _:
                assert_never(kind)

    def _call_up(self, channel: Channel, far: Behaviour) -> None:
        """Play the far network's part before the answer: trying, ringing, announcement, final reply."""
        if not far.replies:
            self._soon(channel, partial(self._give_up, channel, causes.NO_REPLY), TIMER_B_MS)
            return
        clock_ms = self._stretched(far.trying_ms)
        if far.ring_ms != 0:
            self._soon(channel, partial(self._ring, channel), clock_ms)
        if far.ring_ms is None or far.sip_code is None:
            return
        clock_ms += self._stretched(far.ring_ms)
        if far.announcement:
            progressed = CallProgressed(attempt_id=channel.attempt_id)
            self._soon(channel, partial(self._connection.tell, progressed), clock_ms)
            clock_ms += sum(say.duration_ms for say in far.announcement)
        if far.is_answered:
            self._soon(channel, partial(self._answer, channel, far), clock_ms)
        else:
            refused = causes.Ending(sip_code=far.sip_code, cause=far.reported.cause)
            self._soon(channel, partial(self._give_up, channel, refused), clock_ms)

    def _ring(self, channel: Channel) -> None:
        self._on_wire(Rang(at_ms=self._schedule.now_ms, attempt_id=channel.attempt_id))
        self._connection.tell(CallRinging(attempt_id=channel.attempt_id))

    def _give_up(self, channel: Channel, ending: causes.Ending) -> None:
        if channel.state is ChannelState.DIALING:
            self.end(channel, ending)

    # --- after the answer --------------------------------------------------------------------------------------------

    def _answer(self, channel: Channel, far: Behaviour) -> None:
        now_ms = self._schedule.now_ms
        self._on_wire(Answered(at_ms=now_ms, attempt_id=channel.attempt_id))
        side = after_answer(far)
        channel.talks = later(side.talks, now_ms)
        self._soon(channel, partial(self.end, channel, causes.OVER), side.hangs_up_ms)
        if not self._connection.is_connected:  # nobody is there to take the call: the dialplan apologises
            self._fall_back(channel)
            return
        channel.state = ChannelState.IN_HAND
        self._connection.tell(CallAnswered(attempt_id=channel.attempt_id))
        for at_ms, key in side.keys:
            self._soon(channel, partial(self._press, channel, key), at_ms)
        if channel.call.watch_talk:
            self._watch_talk(channel)
            for at_ms in side.fax_tones_ms:
                fax = FaxHeard(attempt_id=channel.attempt_id)
                self._soon(channel, partial(self._tell_in_hand, channel, fax), at_ms)

    def _watch_talk(self, channel: Channel) -> None:
        silence_ms, now_ms = channel.call.talk_silence_ms, self._schedule.now_ms
        for talk in stretches(channel.talks, silence_ms):
            noticed_ms = min(talk.start_ms + TALK_NOTICED_MS, talk.end_ms)
            started = TalkStarted(attempt_id=channel.attempt_id)
            ended = TalkEnded(attempt_id=channel.attempt_id, length_ms=talk.end_ms - noticed_ms)
            self._soon(channel, partial(self._tell_in_hand, channel, started), noticed_ms - now_ms)
            self._soon(channel, partial(self._tell_in_hand, channel, ended), talk.end_ms + silence_ms - now_ms)

    def _press(self, channel: Channel, key: str) -> None:
        self._tell_in_hand(channel, DigitPressed(attempt_id=channel.attempt_id, digit=key))
        if channel.media and isinstance(record := channel.media[0].command, Record) and record.stop_on_key:
            self._media.finish(channel, channel.media[0])

    def _tell_in_hand(self, channel: Channel, event: DigitPressed | TalkStarted | TalkEnded | FaxHeard) -> None:
        if channel.state is ChannelState.IN_HAND:
            self._connection.tell(event)

    # --- out of our hands, and the end -------------------------------------------------------------------------------

    def lease(self, channel: Channel, lease_ms: int) -> None:
        """The channel may live `lease_ms` from now."""
        lease_ms = in_whole_seconds(lease_ms)
        until_ms = self._schedule.now_ms + lease_ms
        channel.lease_until_ms = until_ms
        self._on_wire(LeaseRenewed(at_ms=self._schedule.now_ms, attempt_id=channel.attempt_id, until_ms=until_ms))
        self._soon(channel, partial(self._lease_ran_out, channel, until_ms), lease_ms)

    def _lease_ran_out(self, channel: Channel, until_ms: int) -> None:
        if channel.lease_until_ms != until_ms:
            return
        self.leases_run_out += 1
        if channel.state is ChannelState.IN_HAND:
            self._media.cut_off(channel)
            self._fall_back(channel)
        else:
            self.end(channel, causes.TIMED_OUT if channel.state is ChannelState.DIALING else causes.OVER)

    def hand_over(self, channel: Channel) -> None:
        """To the admin's dialplan, once what it is to play has been played."""

        def go() -> None:
            if channel.state is ChannelState.IN_HAND:
                self._on_wire(HandedOver(at_ms=self._schedule.now_ms, attempt_id=channel.attempt_id))
                self._rooms.forget_person(channel)
                channel.state = ChannelState.LEFT
                self._connection.tell(CallLeft(attempt_id=channel.attempt_id))
                self._soon(channel, partial(self.end, channel, causes.OVER), EXTENSION_MS)

        self._media.when_silent(channel, go)

    def hang_up(self, channel: Channel) -> None:
        """End the call from our side, soon."""
        self._on_wire(TakenBack(at_ms=self._schedule.now_ms, attempt_id=channel.attempt_id))
        self._soon(channel, partial(self.end, channel, causes.OVER))

    def _fall_back(self, channel: Channel) -> None:
        self._rooms.forget_person(channel)
        channel.state = ChannelState.LEFT
        channel.is_in_fallback = True
        self._on_wire(SoundBegan(at_ms=self._schedule.now_ms, attempt_id=channel.attempt_id))
        self._soon(channel, partial(self.end, channel, causes.OVER), FALLBACK_MS)

    def end(self, channel: Channel, ending: causes.Ending) -> None:
        """The channel is gone, and the dialer is told."""
        self._media.cut_off(channel)
        self._remove(channel, ending)
        self._connection.tell(
            CallEnded(
                attempt_id=channel.attempt_id,
                sip_code=ending.sip_code,
                cause=ending.cause,
                cause_text=ending.cause_text,
            )
        )

    def lose_all(self) -> None:
        """All channels are gone, and nobody is told."""
        for channel in list(self.channels.values()):
            self._remove(channel, causes.UNSAID)

    def _remove(self, channel: Channel, ending: causes.Ending) -> None:
        self._rooms.forget_person(channel)
        self._queues.forget(channel)
        channel.state = ChannelState.GONE
        del self.channels[channel.attempt_id]
        now_ms, attempt_id = self._schedule.now_ms, channel.attempt_id
        self._on_wire(Ended(at_ms=now_ms, attempt_id=attempt_id, sip_code=ending.sip_code, cause=ending.cause))

    def _soon(self, channel: Channel, action: Action, wait_ms: int = 0) -> None:
        """Do something to a channel `wait_ms` from now, and the little that everything takes, if it is still up."""
        self._schedule.plan(wait_ms + self._rng.randint(0, 2), action, channel)

    def _stretched(self, length_ms: int) -> int:
        return length_ms + int(length_ms * self._jitter * self._rng.random())
