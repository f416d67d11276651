"""Recordings of rooms in the simulated network: begun, ended, and told of at their end."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import partial

from app.agent_commands import RecordRoom
from app.events import RecordingEnded
from app.sim.connection import Connection
from app.sim.facts import Observer, Recorded
from app.sim.schedule import Schedule
from app.units import SECOND_MS, RoomId


@dataclass(frozen=True, slots=True, eq=False)
class _Recording:
    command: RecordRoom
    began_at_ms: int


class RoomRecordings:
    """What is being recorded now, by name; a name is used once."""

    def __init__(self, *, schedule: Schedule, connection: Connection, rng: random.Random, on_wire: Observer) -> None:
        self._schedule = schedule
        self._connection = connection
        self._rng = rng
        self._on_wire = on_wire
        self._running: dict[str, _Recording] = {}
        self._names: set[str] = set()

    def begin(self, command: RecordRoom) -> bool:
        """Record a room; False when the name is taken."""
        if command.name in self._names:
            return False
        self._names.add(command.name)
        recording = self._running[command.name] = _Recording(command, self._schedule.now_ms)
        self._on_wire(
            Recorded(
                at_ms=self._schedule.now_ms,
                attempt_id=command.attempt_id,
                room_id=command.room_id,
                name=command.name,
            )
        )
        self._schedule.plan(command.max_length_ms + self._rng.randint(0, SECOND_MS), partial(self._end, recording))
        return True

    def stop(self, name: str) -> bool:
        """End a recording, soon; False when no room is recorded under this name."""
        recording = self._running.get(name)
        if recording is not None:
            self._schedule.plan(self._rng.randint(0, 2), partial(self._end, recording))
        return recording is not None

    def end_in(self, room_id: RoomId) -> None:
        """The room is no more."""
        for recording in list(self._running.values()):
            if recording.command.room_id == room_id:
                self._end(recording)

    def lose_all(self) -> None:
        """Asterisk died: nobody is told how its recordings end."""
        self._running.clear()

    def _end(self, recording: _Recording) -> None:
        command = recording.command
        if self._running.get(command.name) is not recording:
            return
        del self._running[command.name]
        length_ms = min(self._schedule.now_ms - recording.began_at_ms, command.max_length_ms)
        self._connection.tell(
            RecordingEnded(
                attempt_id=command.attempt_id, name=command.name, length_ms=length_ms // SECOND_MS * SECOND_MS
            )
        )
