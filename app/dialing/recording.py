"""Recording conversations: both sides, in the room where they talk, after the notice where there is one."""

from __future__ import annotations

from app.agent_commands import PlayToPhone, RecordRoom
from app.agents import TALK_LEASE_MS, RecordingPolicy
from app.commands import Play, StopRecording
from app.dialing import floor_words
from app.dialing.agent import AgentRun
from app.dialing.consult import Party
from app.dialing.crew import Crew
from app.dialing.person import Person, PersonStage
from app.events import RecordingEnded
from app.units import AttemptId


class Recordings:
    """What is recorded now, and under which name."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._being_told: dict[AttemptId, Party] = {}  # third parties who hear the notice together with the person

    def begin(self, person: Person, agent: AgentRun) -> None:
        """Record from now on; who was not told yet hears the notice first, and so do all who are with them."""
        attempt = person.attempt
        words = floor_words.notice(attempt.campaign, attempt.visit.flow, attempt.opened.fields)
        third = self._third(person)
        if words is None or (person.is_notified and (third is None or third.is_notified)):
            self._record(person)
            return
        audio = attempt.visit.audio.get(words)
        person.awaits_words = audio is None
        if audio is None or agent.phone.leg_id is None:
            return  # nobody is recorded who was not told; after a restart the words come soon
        if person.is_being_told:
            return
        person.is_being_told = True
        self._crew.do(
            Play(attempt_id=person.id, playback_id=f"{person.id}-notice", media=(audio.media,)),
            PlayToPhone(leg_id=agent.phone.leg_id, media=(audio.media,)),
        )
        if third is not None:
            self._being_told[person.id] = third
            self._crew.do(PlayToPhone(leg_id=third.leg_id, media=(audio.media,)))

    def _third(self, person: Person) -> Party | None:
        """Who from outside talks with the person and their agent."""
        agent = None if person.agent_id is None else self._crew.agents.get(person.agent_id)
        consult = None if agent is None else agent.consult
        if consult is None or consult.leg_id is None or not consult.is_conference:
            return None
        return self._crew.parties.get(consult.leg_id)

    def words_came(self, person: Person) -> None:
        """The notice that was missing may be there: who was to be recorded is."""
        agent = None if person.agent_id is None else self._crew.agents.get(person.agent_id)
        if agent is not None:
            self.begin(person, agent)

    def told(self, person: Person, *, has_failed: bool) -> None:
        """The notice was played, or could not be."""
        is_wanted, person.is_being_told = person.is_being_told, False
        third = self._being_told.pop(person.id, None)
        if is_wanted and not has_failed and person.stage is PersonStage.TALKING:
            person.is_notified = True
            if third is not None:
                third.is_notified = True
            agent = None if person.agent_id is None else self._crew.agents.get(person.agent_id)
            if agent is not None:
                self.begin(person, agent)

    def _record(self, person: Person) -> None:
        if person.recording or person.room_id is None:
            return
        name = person.next_recording()
        self._crew.do(RecordRoom(attempt_id=person.id, room_id=person.room_id, name=name, max_length_ms=TALK_LEASE_MS))
        self._changed(person)

    def _changed(self, person: Person) -> None:
        """For the agent's desk, and for a life after this one, which must be able to end what runs."""
        self._crew.touch_person(person)
        if person.talker is not None:
            self._crew.do(person.save())

    def adopt(self, person: Person) -> None:
        """A conversation of before a restart: what is recorded of it goes on, under the name it was written down with.

        One may have begun and not been written down any more: its name is the next, is ended with the others, and its
        end tells whether there was one.
        """
        before = person.attempt.opened.conversation
        if person.plan.recording is RecordingPolicy.NEVER or before is None:
            return
        person.recordings, person.recording = list(before.recordings), before.recording
        person.is_notified = bool(person.recordings)
        person.places_before = person.last_place + 1
        names = (person.recording_name(place) for place in range(1, person.places_before + 1))
        person.unsure = tuple(name for name in names if name not in person.recordings)

    def adopt_ended(self, person: Person) -> None:
        """A conversation that ended during a restart: its room may still be recorded."""
        self.adopt(person)
        self.end(person)

    def end(self, person: Person) -> None:
        """Record no more; what is about to be recorded neither."""
        person.is_being_told = person.awaits_words = False
        self._being_told.pop(person.id, None)
        names = [person.recording] if person.recording else []
        names += person.unsure
        person.unsure = ()
        self._crew.do(*(StopRecording(attempt_id=person.id, name=name) for name in names))
        if names:
            person.recording = ""
            self._changed(person)

    def ended(self, person: Person, event: RecordingEnded) -> None:
        """A recording is over; one that failed is none."""
        if event.name == person.recording:
            person.recording = ""
        elif (
            not event.has_failed and event.name not in person.recordings and event.name.startswith(f"{person.id}-talk")
        ):
            person.recordings.append(event.name)  # of before a restart
        if event.has_failed and event.name in person.recordings:
            person.recordings.remove(event.name)
        self._changed(person)

    def failed(self, person: Person) -> None:
        """Asterisk would not record."""
        if person.recording:
            person.recordings.remove(person.recording)
            person.recording = ""
            self._changed(person)
