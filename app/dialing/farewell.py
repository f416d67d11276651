"""Whoever gets no agent in time: the way their flow has for it, or the safe-harbor message, and a key to be barred.

The message is what the law wants such a person to hear: who called, and how to be called no more (47 CFR
64.1200(a)(7)(i)).
"""

from __future__ import annotations

from typing import Final

from app.agent_commands import Music
from app.commands import AddDnc, Play, StopPlayback
from app.dialing.crew import Crew
from app.dialing.person import Person, PersonStage
from app.dialing.talk import SPEECH_GRACE_MS
from app.model import Audio

OPT_OUT_KEY: Final = "9"
"""Pressed during the message: never to be called again."""
MESSAGE: Final = "harbor"
CONFIRMATION: Final = "barred"


class Farewells:
    """The last words to a person for whom there was nobody."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew

    def give_up(self, person: Person) -> None:
        """Time is over for whoever waits: their flow has a way for it, or they hear the safe-harbor message."""
        crew = self._crew
        attempt = person.attempt
        crew.leave_queue(person)
        if attempt.visit.sought is not None and attempt.visit.sought.has_way_on and not attempt.visit.has_talked:
            if person.has_music:
                crew.do(Music(attempt_id=person.id, is_on=False))
            del crew.people[person.id]
            crew.touch_person(person)
            crew.did(attempt, attempt.visit.find_nobody(crew.now_ms))
            return
        attempt.visit.abandon()
        crew.touched.append(attempt)
        if person.has_music:
            person.has_music = False
            crew.do(Music(attempt_id=person.id, is_on=False))
        crew.turn_person(person, PersonStage.LEAVING)
        self._say(person, attempt.visit.safe_harbor(crew.now_ms), MESSAGE)

    def press(self, person: Person, key: str) -> None:
        """A key during the message: whoever wants no more calls is barred before they hear that they are."""
        course = person.attempt.visit.course
        if key != OPT_OUT_KEY or course.is_barred:
            return
        course.is_barred = True
        number = person.attempt.opened.number
        self._crew.do(AddDnc(number=number, source="keypress", attempt_id=person.id))
        assert person.deadline_ms is not None, f"{person.id} hears a message without an end"
        person.deadline_ms = max(person.deadline_ms, self._crew.now_ms + SPEECH_GRACE_MS)
        self._crew.touch_person(person)

    def barred(self, person: Person) -> None:
        """It is on disk."""
        if person.attempt.visit.course.is_barred:
            self._crew.do(StopPlayback(attempt_id=person.id, playback_id=f"{person.id}-{MESSAGE}"))
            self._say(person, person.attempt.visit.barred(self._crew.now_ms), CONFIRMATION)

    def told(self, person: Person, what: str, *, has_failed: bool = False) -> None:
        """What was said is over. The message is not the end for whoever waits for the confirmation."""
        is_last = what == (CONFIRMATION if person.attempt.visit.course.is_barred else MESSAGE)
        if is_last:
            person.attempt.visit.last_words.end(self._crew.now_ms, is_whole=not has_failed, has_failed=has_failed)
        if what == CONFIRMATION or (what == MESSAGE and not person.attempt.visit.course.is_barred):
            self.see_off(person)

    def hurry_off(self, person: Person) -> None:
        """How far the message was heard is not known: the call ends when it must be over."""
        assert person.deadline_ms is not None, f"{person.id} hears a message without an end"
        person.deadline_ms = min(person.deadline_ms, max(person.deadline_ms - SPEECH_GRACE_MS, self._crew.now_ms))
        self._crew.touch_person(person)

    def see_off(self, person: Person) -> None:
        """All was said: the call ends."""
        person.attempt.visit.last_words.end(self._crew.now_ms, is_whole=False)
        self._crew.turn_person(person, PersonStage.ENDING)
        self._crew.did(person.attempt, person.attempt.hang_up(self._crew.now_ms))

    def _say(self, person: Person, audio: Audio | None, what: str) -> None:
        if audio is None:
            self.see_off(person)
            return
        person.deadline_ms = self._crew.now_ms + audio.length_ms + SPEECH_GRACE_MS
        self._crew.touch_person(person)
        self._crew.do(Play(attempt_id=person.id, playback_id=f"{person.id}-{what}", media=(audio.media,)))
