"""Recording conversations: both sides, in the room where they talk, after the notice where there is one."""

from __future__ import annotations

from typing import Final

from app.agent_commands import PlayToPhone, RecordRoom
from app.agents import TALK_LEASE_MS, RecordingPolicy
from app.commands import Play, StopRecording
from app.dialing import floor_words
from app.dialing.agent import AgentRun
from app.dialing.crew import Crew
from app.dialing.person import Person, PersonStage
from app.events import RecordingEnded
from app.units import SECOND_MS

LIKELY_RECORDINGS: Final = 4
"""So many recordings of a conversation are looked for after a restart."""


class Recordings:
    """What is recorded now, and under which name."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew

    def begin(self, person: Person, agent: AgentRun) -> None:
        """Record from now on; who was not told yet hears the notice first, and so does the agent."""
        attempt = person.attempt
        words = floor_words.notice(attempt.campaign, attempt.visit.flow, attempt.opened.fields)
        if words is None or person.is_notified:
            self._record(person)
            return
        audio = attempt.visit.audio.get(words)
        if audio is None or agent.phone.leg_id is None:
            return  # nobody is recorded who was not told
        if person.is_being_told:
            return
        person.is_being_told = True
        self._crew.do(
            Play(attempt_id=person.id, playback_id=f"{person.id}-notice", media=(audio.media,)),
            PlayToPhone(leg_id=agent.phone.leg_id, media=(audio.media,)),
        )

    def told(self, person: Person, *, has_failed: bool) -> None:
        """The notice was played, or could not be."""
        is_wanted, person.is_being_told = person.is_being_told, False
        if is_wanted and not has_failed and person.stage is PersonStage.TALKING:
            person.is_notified = True
            self._record(person)

    def _record(self, person: Person) -> None:
        if person.recording or person.room_id is None:
            return
        name = person.next_recording()
        self._crew.do(RecordRoom(attempt_id=person.id, room_id=person.room_id, name=name, max_length_ms=TALK_LEASE_MS))
        self._crew.touch_person(person)

    def adopt(self, person: Person) -> None:
        """A conversation of before a restart: what is recorded of it goes on, under a name that is likely.

        Which of its recordings runs is known to nobody; all that are likely are ended with it, and their ends tell.
        """
        if person.plan.recording is RecordingPolicy.NEVER:
            return
        person.is_notified = person.is_recorded_before = True
        began_ms = person.connected_at_ms or self._crew.now_ms
        person.recordings_before = LIKELY_RECORDINGS + (self._crew.now_ms - began_ms) // SECOND_MS
        if person.plan.recording is RecordingPolicy.ALWAYS:
            person.recording = f"{person.id}-talk"
            person.recordings.append(person.recording)

    def adopt_ended(self, person: Person) -> None:
        """A conversation that ended during a restart: where everybody is recorded, it was."""
        if person.plan.recording is RecordingPolicy.ALWAYS:
            person.recordings.append(f"{person.id}-talk")

    def end(self, person: Person) -> None:
        """Record no more; what is about to be recorded neither."""
        person.is_being_told = False
        names = [person.recording] if person.recording else []
        if person.is_recorded_before:
            places = range(2, LIKELY_RECORDINGS + 1)
            likely = (f"{person.id}-talk", *(f"{person.id}-talk-{place}" for place in places))
            names += [name for name in likely if name != person.recording]
        self._crew.do(*(StopRecording(attempt_id=person.id, name=name) for name in names))
        if names:
            person.recording, person.is_recorded_before = "", False
            self._crew.touch_person(person)

    def ended(self, person: Person, event: RecordingEnded) -> None:
        """A recording is over; one that failed is none."""
        if event.name == person.recording:
            person.recording = ""
        elif (
            not event.has_failed and event.name not in person.recordings and event.name.startswith(f"{person.id}-talk")
        ):
            person.recordings.insert(0, event.name)  # of before a restart
        if event.has_failed and event.name in person.recordings:
            person.recordings.remove(event.name)
        self._crew.touch_person(person)

    def failed(self, person: Person) -> None:
        """Asterisk would not record."""
        if person.recording:
            person.recordings.remove(person.recording)
            person.recording = ""
            self._crew.touch_person(person)
