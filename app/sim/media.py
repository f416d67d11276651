"""Playing and recording on the simulated channels: one thing after the other, in the order asked."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final, assert_never

from app.commands import Play, Record
from app.events import PlaybackEnded, RecordingEnded
from app.sim.channel import Channel, ChannelState, MediaJob
from app.sim.connection import Connection
from app.sim.facts import Observer, SoundBegan
from app.sim.farend import silent_at_ms
from app.sim.faults import Faults
from app.sim.rooms import Rooms
from app.sim.schedule import Action, Schedule
from app.units import SECOND_MS

BEEP_MS: Final = 430
"""The beep before a recording."""


class MediaPlayer:
    """What our side says and keeps. length_of: how long a media name plays; None: it cannot be played."""

    def __init__(
        self,
        *,
        schedule: Schedule,
        connection: Connection,
        rooms: Rooms,
        rng: random.Random,
        length_of: Callable[[str], int | None],
        faults: Faults,
        on_wire: Observer,
    ) -> None:
        self._schedule = schedule
        self._connection = connection
        self._rooms = rooms
        self._rng = rng
        self._length_of = length_of
        self.faults = faults
        self._on_wire = on_wire

    def add(self, channel: Channel, command: Play | Record) -> None:
        """Queue something; it begins, soon, when what is before it is over."""
        channel.media.append(MediaJob(command))
        self._schedule.plan(self._rng.randint(0, 2), lambda: self._begin(channel), channel)

    def stop(self, channel: Channel, job: MediaJob) -> None:
        """End something early, soon; what was recorded is kept. What waits for its turn is over when that comes."""
        job.is_stopped = True
        if job.began_at_ms is not None:
            self._schedule.plan(self._rng.randint(0, 2), lambda: self.finish(channel, job), channel)

    def hush(self, channel: Channel) -> None:
        """Nothing more is played to the person from now on, as if all of it had been stopped; recordings go on."""
        for job in list(channel.media):
            if isinstance(job.command, Play):
                channel.media.remove(job)
                self._report(channel, job, has_failed=False)
        self._begin(channel)

    def when_silent(self, channel: Channel, action: Action) -> None:
        """Let `action` happen when all that is queued is over."""
        channel.when_silent = action
        self._schedule.plan(self._rng.randint(0, 2), lambda: self._begin(channel), channel)

    def cut_off(self, channel: Channel) -> None:
        """The channel leaves the application: what plays has failed, what was recorded is kept, the rest is dropped."""
        jobs = list(channel.media)
        channel.media.clear()
        for job in jobs:
            self._report(channel, job, has_failed=isinstance(job.command, Play))

    def finish(self, channel: Channel, job: MediaJob, *, has_failed: bool = False) -> None:
        """A playback or recording is over, if it was not before; the next one begins."""
        if job in channel.media:
            channel.media.remove(job)
            self._report(channel, job, has_failed=has_failed)
            self._begin(channel)
            self._rooms.listen(channel)

    def _begin(self, channel: Channel) -> None:
        if channel.state is not ChannelState.IN_HAND:
            return
        if not channel.media:
            then, channel.when_silent = channel.when_silent, None
            if then is not None:
                then()
            return
        job = channel.media[0]
        if job.began_at_ms is not None:
            return
        job.began_at_ms = self._schedule.now_ms
        if job.is_stopped:
            self.finish(channel, job)
        elif isinstance(job.command, Play):
            self._begin_playing(channel, job, job.command)
        else:
            self._begin_recording(channel, job, job.command)

    def _begin_playing(self, channel: Channel, job: MediaJob, play: Play) -> None:
        lengths_ms = [self._length_of(media) for media in play.media]
        has_failed = self.faults.playback_failed > 0 and self._rng.random() < self.faults.playback_failed
        if has_failed or None in lengths_ms:
            self.finish(channel, job, has_failed=True)
            return
        self._on_wire(SoundBegan(at_ms=self._schedule.now_ms, attempt_id=channel.attempt_id))
        self._rooms.listen(channel)
        length_ms = sum(length_ms or 0 for length_ms in lengths_ms)
        self._schedule.plan(length_ms, lambda: self.finish(channel, job), channel)

    def _begin_recording(self, channel: Channel, job: MediaJob, record: Record) -> None:
        begins_at_ms = job.began_at_ms = self._schedule.now_ms + (BEEP_MS if record.beep else 0)
        ends_at_ms = begins_at_ms + record.max_length_ms + self._rng.randint(0, SECOND_MS)  # it counts whole seconds
        if record.max_silence_ms:
            ends_at_ms = min(ends_at_ms, silent_at_ms(channel.talks, begins_at_ms, record.max_silence_ms))
        self._schedule.plan(ends_at_ms - self._schedule.now_ms, lambda: self.finish(channel, job), channel)

    def _report(self, channel: Channel, job: MediaJob, *, has_failed: bool) -> None:
        attempt_id = channel.attempt_id
        match job.command:
            case Play(playback_id=playback_id):
                ended = PlaybackEnded(attempt_id=attempt_id, playback_id=playback_id, has_failed=has_failed)
                self._connection.tell(ended)
            case Record(name=name) as record:
                length_ms = self._recorded_ms(record, job)
                self._connection.tell(RecordingEnded(attempt_id=attempt_id, name=name, length_ms=length_ms))
            case _:
                assert_never(job.command)

    def _recorded_ms(self, record: Record, job: MediaJob) -> int:
        """Asterisk tells whole seconds."""
        if job.began_at_ms is None:
            return 0
        length_ms = min(max(0, self._schedule.now_ms - job.began_at_ms), record.max_length_ms)
        return length_ms // SECOND_MS * SECOND_MS
