"""Conversations: a person and an agent are brought together, talk, part, and the card is finished."""

from __future__ import annotations

from typing import Final

from app.agent_commands import (
    Connect,
    Music,
    MutePhone,
    OpenRoom,
    Part,
    PlayToPhone,
    SendKeys,
)
from app.agent_events import DispositionSet
from app.agents import NOT_SET, AgentState, RecordingPolicy
from app.commands import HangUp
from app.dialing import floor_words, strategy
from app.dialing.agent import AWAY, IN_CALL, AgentRun, AgentStep
from app.dialing.attempt import AttemptState
from app.dialing.crew import Crew
from app.dialing.leaving import Leaving
from app.dialing.person import Person, PersonStage
from app.dialing.recording import Recordings
from app.dialing.reservation import Reservations
from app.units import SECOND_MS, RoomId

BEEP: Final = "tone:beep"
"""What an agent hears before a person: one of Asterisk's own sounds."""
JOIN_PATIENCE_MS: Final = 20 * SECOND_MS
"""How long a person may be on the way to an agent, whose phone may have to be rung, before it is given up."""
SPEECH_GRACE_MS: Final = 5 * SECOND_MS
"""How much longer than it is a message may take."""
UNTOUCHED_LIMIT: Final = 2
"""So many wrap-ups in a row that ran out without a touch, and the agent seems to be away."""


class Talk:
    """What happens between a person and their agent."""

    def __init__(self, crew: Crew, leaving: Leaving, reservations: Reservations, recordings: Recordings) -> None:
        self._crew = crew
        self._leaving = leaving
        self._reservations = reservations
        self._recordings = recordings

    # --- coming together ---------------------------------------------------------------------------------------------

    def wait(self, person: Person) -> None:
        """Nobody is free: music, until somebody is or the time for it is over."""
        now = self._crew.now_ms
        if person.stage is not PersonStage.WAITING:
            person.turn_to(PersonStage.WAITING, now)
        if person.deadline_ms is None:
            allowed_ms = person.plan.connect_within_ms if person.is_front else person.patience_ms
            person.deadline_ms = (person.since_ms if person.is_front else person.waits_since_ms) + allowed_ms
        self.soothe(person)
        self._crew.touch_person(person)

    def soothe(self, person: Person) -> None:
        """Music for somebody who would hear nothing."""
        if not person.has_music:
            person.has_music = True
            self._crew.do(Music(attempt_id=person.id, is_on=True))

    def join(self, person: Person, agent: AgentRun) -> None:
        """This agent takes this person: at once, or as soon as their phone is up."""
        crew = self._crew
        crew.leave_queue(person)
        self._reservations.forget(person.id)
        self._reservations.drop_calls(agent)
        person.agent_id, person.room_id = agent.id, agent.seat.room_id
        agent.person_id = person.id
        crew.turn_person(person, PersonStage.JOINING)
        person.deadline_ms = crew.now_ms + JOIN_PATIENCE_MS
        crew.touch_person(person)
        if agent.state in (AgentState.AVAILABLE, AgentState.RESERVED):
            crew.step(agent, AgentStep.RING, campaign_id=person.attempt.campaign.id, attempt_id=person.id)
        if agent.phone.is_in_room:
            self._connect(person, agent)
        else:
            self.soothe(person)
            person.awaits_phone = True
            opened = person.attempt.opened
            name = person.attempt.campaign.name
            crew.do(*agent.phone.ring(crew.now_ms, shown_name=name, shown_number=opened.number))

    def phone_joined(self, agent: AgentRun) -> None:
        """The agent's phone is in the room: whoever waits for it comes in."""
        person = self._crew.person_of(agent)
        if person is not None and person.stage is PersonStage.JOINING and person.awaits_phone:
            person.awaits_phone = False
            self._connect(person, agent)

    def _connect(self, person: Person, agent: AgentRun) -> None:
        assert agent.phone.leg_id is not None, f"agent {agent.id} has no phone to be heard by"
        self._crew.do(Connect(attempt_id=person.id, room_id=agent.seat.room_id))  # first: nothing may be in its way
        media = [BEEP]
        name = floor_words.whisper(person.attempt.campaign)
        if name is not None and (audio := person.attempt.visit.audio.get(name)) is not None:
            media.append(audio.media)
        self._crew.do(PlayToPhone(leg_id=agent.phone.leg_id, media=tuple(media)))

    def joined(self, person: Person) -> None:
        """The person is in the room."""
        crew, now = self._crew, self._crew.now_ms
        agent = None if person.agent_id is None else crew.agents.get(person.agent_id)
        if person.stage is not PersonStage.JOINING or agent is None:
            return
        campaign_id = person.attempt.campaign.id
        if agent.state is not AgentState.TALKING:
            step = AgentStep.RESUME if agent.state is AgentState.ON_HOLD else AgentStep.TALK
            crew.step(agent, step, campaign_id=campaign_id, attempt_id=person.id)
        is_new = person.met(agent.id, agent.seat.session_id, now)
        crew.touch_person(person)
        if is_new:
            self._begin(person, agent)
        else:
            crew.do(person.attempt.visit.talk_on(now))
            crew.work.settle(person.attempt)
            self.record(person, agent)

    def take_over(self, person: Person, agent: AgentRun) -> None:
        """The person talks with this agent already, and is theirs from now on."""
        if person.met(agent.id, agent.seat.session_id, self._crew.now_ms):
            self._begin(person, agent)
        self._crew.touch_person(person)

    def _begin(self, person: Person, agent: AgentRun) -> None:
        """A conversation begins: the flow, the disk and the recording are told."""
        crew, now = self._crew, self._crew.now_ms
        agent.calls_taken += 1
        crew.did(person.attempt, person.attempt.visit.meet(now))
        crew.do(person.save())
        self.record(person, agent)

    def record(self, person: Person, agent: AgentRun) -> None:
        """Where everybody is recorded, these are from now on; and who is back with the agent who asked for it."""
        policy = person.plan.recording
        is_wanted = policy is RecordingPolicy.ON_DEMAND and person.recorded_for == agent.id
        if policy is RecordingPolicy.ALWAYS or is_wanted:
            self._recordings.begin(person, agent)

    def not_connected(self, person: Person) -> None:
        """The person could not be put into the room: once more; then the room is no good, nor its phone."""
        agent = None if person.agent_id is None else self._crew.agents.get(person.agent_id)
        if person.stage is not PersonStage.JOINING or agent is None:
            return
        if not self._crew.work.is_up:  # it is looked for when Asterisk is back
            person.deadline_ms = self._crew.now_ms + JOIN_PATIENCE_MS
            self._crew.touch_person(person)
            return
        person.failures += 1
        if person.failures == 1 and agent.phone.is_in_room and agent.phone.leg_id is not None:
            self._crew.do(OpenRoom(room_id=agent.seat.room_id, leg_id=agent.phone.leg_id))
            self._connect(person, agent)
        else:
            self._crew.broken[agent.id] = "a call could not be connected to it"

    # --- in the call -------------------------------------------------------------------------------------------------

    def hold(self, person: Person, agent: AgentRun, *, is_on: bool) -> None:
        """Music for the person, or back to them."""
        if is_on:
            self.set_apart(person, agent)
        else:
            self.bring_back(person, agent, agent.seat.room_id)

    def bring_back(self, person: Person, agent: AgentRun, room_id: RoomId) -> None:
        """Out of the music, and back to the agent whose they are, in this room."""
        crew = self._crew
        crew.turn_person(person, PersonStage.JOINING)
        person.deadline_ms = crew.now_ms + JOIN_PATIENCE_MS
        person.room_id = room_id
        crew.touch_person(person)
        crew.do(Connect(attempt_id=person.id, room_id=room_id))

    def set_apart(self, person: Person, agent: AgentRun) -> None:
        """The person hears music; the agent is still theirs."""
        crew = self._crew
        if person.stage is not PersonStage.TALKING:
            return
        assert person.room_id is not None, f"{person.id} talks in no room"
        crew.do(Part(attempt_id=person.id, room_id=person.room_id))
        person.has_music = False
        self.soothe(person)
        crew.turn_person(person, PersonStage.APART)
        crew.step(agent, AgentStep.HOLD, campaign_id=person.attempt.campaign.id, attempt_id=person.id)

    def mute(self, agent: AgentRun, *, is_on: bool) -> None:
        """Whether the person hears the agent."""
        if agent.is_muted is not is_on and agent.phone.leg_id is not None:
            agent.is_muted = is_on
            self._crew.do(MutePhone(leg_id=agent.phone.leg_id, is_on=is_on))
            self._crew.touch(agent)

    def send_keys(self, person: Person, digits: str) -> None:
        """Keypad tones to the person."""
        self._crew.do(SendKeys(attempt_id=person.id, digits=digits))

    # --- coming apart ------------------------------------------------------------------------------------------------

    def hang_up(self, agent: AgentRun) -> None:
        """The agent ends the call, or takes back what is on its way."""
        person = self._crew.person_of(agent)
        if person is None:
            for attempt in [self._crew.work.attempts[one] for one in agent.calls]:
                self._crew.did(attempt, attempt.take_back(self._crew.now_ms, is_tried_later=True))
        elif person.stage is PersonStage.JOINING and agent.state is AgentState.RINGING:
            self._crew.did(person.attempt, person.attempt.hang_up(self._crew.now_ms))
            self._crew.turn_person(person, PersonStage.ENDING)
        elif person.is_with_agent or person.stage is PersonStage.JOINING:
            self.end(person, agent)

    def end(self, person: Person, agent: AgentRun) -> None:
        """The agent is done with the person: their flow has them again, if it goes on, and hangs up if not."""
        crew = self._crew
        was_in_room = person.stage is PersonStage.TALKING
        commands = person.attempt.visit.release(crew.now_ms)
        is_over = any(isinstance(command, HangUp) for command in commands)
        if was_in_room and not is_over and person.room_id is not None:
            crew.do(Part(attempt_id=person.id, room_id=person.room_id))
        elif person.has_music and not is_over:
            crew.do(Music(attempt_id=person.id, is_on=False))
        self._recordings.end(person)
        crew.turn_person(person, PersonStage.ENDING if is_over else PersonStage.BACK_IN_FLOW)
        self.wrap_up(person, agent)
        crew.did(person.attempt, commands)

    def wrap_up(self, person: Person, agent: AgentRun) -> None:
        """The conversation is over, and the agent finishes its card."""
        crew = self._crew
        self.mute(agent, is_on=False)
        if agent.phone.is_per_call:
            crew.do(*agent.phone.hang_up())
        crew.step(agent, AgentStep.WRAP_UP, campaign_id=person.attempt.campaign.id, attempt_id=person.id)
        self.begin_wrap_up(person, agent)

    def begin_wrap_up(self, person: Person, agent: AgentRun) -> None:
        """The clock of the wrap-up runs."""
        agent.begin_wrap_up(person.plan, self._crew.now_ms)
        person.wrap_up_since_ms = self._crew.now_ms
        self._crew.touch(agent)

    def gone(self, person: Person) -> None:
        """The person's call is over."""
        crew = self._crew
        agent = None if person.agent_id is None else crew.agents.get(person.agent_id)
        self._recordings.end(person)
        crew.leave_queue(person)
        crew.turn_person(person, PersonStage.GONE)
        if agent is None:
            person.is_disposed = True
        elif agent.state in IN_CALL:
            self.wrap_up(person, agent)
        elif agent.state is not AgentState.WRAP_UP:  # they had talked with another, who vanished
            person.agent_id, person.is_disposed = None, True
            self._leaving.free(agent)
        self.conclude(person)

    def dropped(self, person: Person) -> None:
        """The person's attempt ended, and no agent has talked with them."""
        crew = self._crew
        crew.leave_queue(person)
        del crew.people[person.id]
        agent = None if person.agent_id is None else crew.agents.get(person.agent_id)
        crew.touch_person(person)
        if agent is not None and agent.person_id == person.id:
            self._leaving.free(agent)

    # --- the card ----------------------------------------------------------------------------------------------------

    def dispose(self, person: Person, agent: AgentRun, event: DispositionSet) -> None:
        """The agent says what came of it; is_done: and that is all."""
        person.disposition, person.note, person.callback = event.code, event.note, event.callback
        self._crew.touch_person(person)
        if not event.is_done:
            return
        if agent.state in IN_CALL:
            self.end(person, agent)
        self.finish(person, agent)

    def expire(self, agent: AgentRun) -> None:
        """The wrap-up ran out: what is set is saved; who does not touch two in a row seems to be away."""
        person = self._crew.person_of(agent)
        agent.deadline_ms = None
        is_touched = agent.is_touched or (person is not None and person.disposition != NOT_SET)
        agent.untouched = 0 if is_touched else agent.untouched + 1
        if agent.untouched >= UNTOUCHED_LIMIT:
            agent.untouched = 0
            agent.pause_next = agent.pause_next or AWAY
        self._crew.touch(agent)
        if person is not None:
            self.finish(person, agent)

    def finish(self, person: Person, agent: AgentRun) -> None:
        """The card is finished. The agent is free as soon as the person is out of their room."""
        crew = self._crew
        person.is_disposed = True
        agent.deadline_ms = None
        crew.touch(agent)
        if person.stage is not PersonStage.ENDING:
            self._part_from_card(person, agent)
        self.conclude(person)

    def _part_from_card(self, person: Person, agent: AgentRun) -> None:
        person.agent_id = None
        self._leaving.free(agent)

    def conclude(self, person: Person) -> None:
        """Both are over, the call and the card: the attempt ends."""
        crew, attempt = self._crew, person.attempt
        if not person.is_disposed or attempt.state is not AttemptState.WRAP_UP:
            return
        agent = None if person.agent_id is None else crew.agents.get(person.agent_id)
        if agent is not None:
            self._part_from_card(person, agent)
        disposition = person.disposition_of(person.disposition)
        campaign, now_ms = attempt.campaign, crew.now_ms
        word = strategy.after_conversation(attempt.opened, disposition, person.callback, campaign, now_ms)
        del crew.people[person.id]
        crew.touch_person(person)
        talk = person.conversation(crew.now_ms)
        commands = attempt.conclude(word.outcome, word.next, talk, crew.now_ms, is_barred=word.is_barred)
        crew.did(attempt, commands)
