"""The floor after a restart, of the dialer's or of Asterisk's: phones and conversations that live go on as they are."""

from __future__ import annotations

from collections.abc import Iterable

from app.agent_commands import CloseRoom, Connect, HangUpPhone, Music, Part
from app.agent_events import AgentSignedIn
from app.agents import AgentState, LivePhone, PauseReason
from app.dialing.agent import PHONE_LOST, RESTARTED, AgentRun, AgentStep
from app.dialing.attempt import AttemptRun, AttemptState
from app.dialing.consult import Party
from app.dialing.crew import Crew
from app.dialing.farewell import Farewells
from app.dialing.leaving import Leaving
from app.dialing.losses import Losses
from app.dialing.person import Person, PersonStage
from app.dialing.recording import Recordings
from app.dialing.reservation import Reservations
from app.dialing.supervision import Supervision
from app.dialing.talk import Talk
from app.dialing.transfer import Transfers
from app.dialing.unattended import Unattended
from app.units import AgentId, AttemptId, LegId, Number, RoomId, SessionId

UNSEEN = "it ended while Asterisk was out of sight"


class Resuming:
    """What is found alive, and what is not."""

    def __init__(
        self,
        crew: Crew,
        leaving: Leaving,
        losses: Losses,
        reservations: Reservations,
        unattended: Unattended,
        recordings: Recordings,
        talk: Talk,
        transfers: Transfers,
        farewells: Farewells,
        supervision: Supervision,
    ) -> None:
        self._crew = crew
        self._leaving = leaving
        self._transfers = transfers
        self._farewells = farewells
        self._supervision = supervision
        self._strays: dict[LegId, LivePhone] = {}
        self._losses = losses
        self._reservations = reservations
        self._unattended = unattended
        self._rang: dict[AttemptId, AgentRun] = {}  # for whom a call was on its way when the life before ended
        self._was_with: dict[AgentId, AttemptId] = {}  # whom an agent was last busy with, as their session says
        self._recordings = recordings
        self._talk = talk

    # --- agents ------------------------------------------------------------------------------------------------------

    def sign_in(self, agent: AgentRun, event: AgentSignedIn) -> None:
        """A session goes on. Whoever took calls takes them again as soon as phone and page are found to be there.

        What they had asked for to come after their call comes after it.
        """
        before = event.before
        was_paused = before is not None and before.state is AgentState.PAUSED
        agent.stint = before
        agent.pause_next, agent.signs_out_next = event.pause_next, event.signs_out_next
        if before is not None and before.state is AgentState.RINGING and before.attempt_id is not None:
            self._rang[before.attempt_id] = agent
        if before is not None and before.attempt_id is not None:
            self._was_with[agent.id] = before.attempt_id
        agent.returns_ready = before is not None and not was_paused
        agent.browser_lost_at_ms = self._crew.now_ms
        reason = RESTARTED
        if before is not None and was_paused:
            reason = PauseReason(code=before.reason, label=before.reason, is_paid=before.is_paid)
        self._crew.step(agent, AgentStep.SIGN_IN, reason=reason)

    def go_on(self, agent: AgentRun) -> None:
        """Phone or page came back."""
        if agent.returns_ready and agent.phone.is_fit and agent.pause_next is PHONE_LOST:
            agent.pause_next = None  # before what they had on their desk was done
            self._crew.touch(agent)
        is_there = agent.phone.is_fit and agent.browser_lost_at_ms is None and not agent.is_leaving
        if agent.returns_ready and agent.reason in (RESTARTED, PHONE_LOST) and is_there:
            agent.returns_ready = False
            self._crew.step(agent, AgentStep.GO_READY)
        elif agent.id in self._crew.ringing:  # one of their calls was found to be theirs; the other lines are too
            self._reservations.adopt(agent)

    # --- phones ------------------------------------------------------------------------------------------------------

    def find_phones(self, phones: Iterable[LivePhone], *, is_new_life: bool) -> None:
        """Asterisk says which legs live; the others are gone. Those that died with it are called back afterwards."""
        live = {phone.leg_id: phone for phone in phones}
        for agent in list(self._crew.agents.values()):
            self._find_phone(agent, live, is_new_life=is_new_life)
        for party in [one for one in self._crew.parties.values() if live.pop(one.leg_id, None) is None]:
            self._transfers.party_ended(party)
        self._strays = {leg_id: phone for leg_id, phone in live.items() if not self._supervision.owns(leg_id)}
        self._supervision.keep(live)

    def hang_up_strays(self) -> None:
        """All calls have been looked at: legs that nobody turned out to know end, and agents take calls again."""
        ours = {agent.seat.room_id for agent in self._crew.agents.values()}
        ours |= {person.room_id for person in self._crew.people.values() if person.room_id is not None}
        for leg_id, phone in self._strays.items():
            self._crew.do(HangUpPhone(leg_id=leg_id))
            if phone.room_id is not None and phone.room_id not in ours:
                self._crew.do(CloseRoom(room_id=phone.room_id))
        self._strays = {}
        self._rang, self._was_with = {}, {}
        unclosed, self._crew.unclosed = self._crew.unclosed, []
        self._crew.do(*unclosed)
        for agent in list(self._crew.agents.values()):
            if agent.phone.is_per_call and agent.state in (AgentState.PAUSED, AgentState.WRAP_UP):
                self._crew.do(*agent.phone.hang_up())  # of a conversation that is no more
            if agent.state is AgentState.PAUSED and agent.is_leaving:  # the call they were to go after is no more
                self._leaving.go(agent)
            if agent.id not in self._crew.agents:
                continue
            if agent.phone.is_owed:
                self._crew.do(*agent.phone.call_back(self._crew.now_ms))
                self._crew.touch(agent)
            self.go_on(agent)

    def _find_phone(self, agent: AgentRun, live: dict[LegId, LivePhone], *, is_new_life: bool) -> None:
        phone = agent.phone
        if phone.leg_id is None:
            theirs = [leg for leg in live if leg.startswith(f"{agent.seat.session_id}-p")]
            if not theirs:
                phone.is_owed = agent.returns_ready and not phone.is_per_call  # it ended with the dialer, or meanwhile
                return
            phone.adopt(theirs[-1], self._crew.now_ms)
        assert phone.leg_id is not None, "an adopted phone has its leg"
        found = live.pop(phone.leg_id, None)
        if found is None:
            if is_new_life and not phone.is_per_call:  # nobody put it down
                phone.is_owed = True
                is_at_work = agent.state is not AgentState.PAUSED and not agent.is_leaving
                agent.returns_ready = agent.returns_ready or is_at_work
            self._losses.phone_ended(agent, UNSEEN)
        elif found.is_up:
            self._crew.do(*phone.found_up(found.room_id))
            self._crew.touch(agent)

    # --- people ------------------------------------------------------------------------------------------------------

    def found(self, attempt: AttemptRun, room_id: RoomId | None) -> None:
        """A call of this life is still there: what was said to the broken line is said again, or was heard."""
        person = self._crew.people.get(attempt.id)
        if person is None:
            return
        match person.stage:
            case PersonStage.JOINING if room_id is not None and room_id == person.room_id:
                self._talk.joined(person)
            case PersonStage.JOINING | PersonStage.TALKING if room_id != person.room_id and not person.awaits_phone:
                if room_id is not None:
                    self._crew.do(Part(attempt_id=person.id, room_id=room_id))
                self._connect_again(person)
            case PersonStage.WAITING | PersonStage.APART:
                if room_id is not None:
                    self._crew.do(Part(attempt_id=person.id, room_id=room_id))
                if person.has_music or room_id is not None:
                    person.has_music = True
                    self._crew.do(Music(attempt_id=person.id, is_on=True))
            case PersonStage.LEAVING:
                self._farewells.hurry_off(person)
            case _:
                pass

    def _connect_again(self, person: Person) -> None:
        agent = None if person.agent_id is None else self._crew.agents.get(person.agent_id)
        if agent is not None and person.room_id is not None and agent.phone.is_up:
            if person.stage is PersonStage.TALKING:
                self._talk.bring_back(person, agent, person.room_id)
            else:
                self._crew.do(Connect(attempt_id=person.id, room_id=person.room_id))

    def adopt(self, attempt: AttemptRun, room_id: RoomId | None) -> None:
        """A call of a life before this one, with an agent then."""
        if attempt.state is AttemptState.WRAP_UP:
            self._adopt_card(attempt)
        elif attempt.visit.sought is not None:
            self._adopt_talk(attempt, room_id)
        elif attempt.visit.has_talked:  # and went on into the dialplan
            person = self._person(attempt)
            person.turn_to(PersonStage.BACK_IN_FLOW, self._crew.now_ms)
            person.is_disposed = True
        else:
            self._crew.touched.append(attempt)
            run = self._crew.work.run_of(attempt) if attempt.state is AttemptState.DIALING else None
            if self._give_back(attempt):
                pass
            elif run is not None and run.is_reserving and not attempt.opened.is_manual:
                self._unattended.add(attempt)

    def _give_back(self, attempt: AttemptRun) -> bool:
        """A call that is on its way goes back to the agent who waited for it, if they are still there for it.

        Their page may not have come back yet: they were told of the call before, and their phone is there.
        """
        agent = self._rang.pop(attempt.id, None)
        if agent is None or self._crew.agents.get(agent.id) is not agent or agent.state is not AgentState.PAUSED:
            return False
        if not agent.phone.is_fit or attempt.visit.course.is_taken_back or attempt.id in self._crew.owners:
            return False
        if attempt.state not in (AttemptState.DIALING, AttemptState.IN_FLOW):
            return False
        agent.returns_ready = False
        self._reservations.resume(agent, attempt)
        return True

    def _person(self, attempt: AttemptRun) -> Person:
        now = self._crew.now_ms
        person = self._crew.people[attempt.id] = Person(attempt, now)
        before = attempt.opened.conversation
        if before is not None and before.agent_id is not None:
            person.talker = (before.agent_id, before.session_id)
            person.connected_at_ms, person.waited_ms = before.connected_at_ms, before.waited_ms
        return person

    def _agent_of(self, person: Person, room_id: RoomId | None) -> AgentRun | None:
        """Who talks, or talked, with them: by the room they are in, else by what was written down."""
        agent = None
        if room_id is not None:
            agent = self._crew.sessions.get(SessionId(room_id.removesuffix("-room")))
        if agent is None and person.talker is not None:
            agent = self._crew.agents.get(person.talker[0])
            if agent is not None and self._was_with.get(agent.id, person.id) != person.id:
                agent = None  # they have lost each other since, and the agent went on to somebody else
        return agent if agent is not None and agent.person_id is None and agent.may(AgentStep.FIND_TALK) else None

    def _adopt_card(self, attempt: AttemptRun) -> None:
        """The conversation ended unseen: its card is the agent's to finish, if they are still there."""
        person = self._person(attempt)
        agent = self._agent_of(person, None)
        person.turn_to(PersonStage.GONE, self._crew.now_ms)
        self._recordings.adopt_ended(person)
        if agent is None:
            person.is_disposed = True
            self._talk.conclude(person)
            return
        self._bind(person, agent)
        self._crew.step(agent, AgentStep.FIND_WRAP_UP, campaign_id=attempt.campaign.id, attempt_id=attempt.id)
        self._talk.begin_wrap_up(person, agent)

    def _adopt_talk(self, attempt: AttemptRun, room_id: RoomId | None) -> None:
        """They talk on, come back from music, or have lost their agent."""
        crew = self._crew
        person = self._person(attempt)
        self._recordings.adopt(person)
        if room_id == person.own_room_id:
            self._adopt_led_on(person)
            return
        agent = self._agent_of(person, room_id)
        if agent is None or not agent.phone.is_in_room:
            if person.talker is None and room_id is None:
                self._give_back(attempt)
                crew.await_agent(person)
            else:
                self._losses.orphan(person, room_id)
            return
        self._bind(person, agent)
        person.room_id = agent.seat.room_id
        crew.step(agent, AgentStep.FIND_TALK, campaign_id=attempt.campaign.id, attempt_id=attempt.id)
        crew.do(attempt.visit.talk_on(crew.now_ms))
        crew.work.settle(attempt)
        attempt.visit.has_talked = True
        if room_id == person.room_id:
            began_ms = crew.now_ms if person.connected_at_ms is None else person.connected_at_ms
            person.talker = (agent.id, agent.seat.session_id)
            person.connected_at_ms = began_ms
            person.stage, person.since_ms = PersonStage.TALKING, began_ms
            crew.touch_person(person)
            self._talk.record(person, agent)
        else:
            person.has_music = True
            self._talk.bring_back(person, agent, agent.seat.room_id)

    def _adopt_led_on(self, person: Person) -> None:
        """They talk with a third party, without an agent."""
        crew = self._crew
        crew.do(person.attempt.visit.talk_on(crew.now_ms))
        crew.work.settle(person.attempt)
        person.attempt.visit.has_talked = person.talker is not None
        person.room_id = person.own_room_id
        crew.turn_person(person, PersonStage.LED_ON)
        for leg_id, phone in list(self._strays.items()):
            if phone.room_id == person.room_id and phone.is_up:
                del self._strays[leg_id]
                person.party_id = leg_id
                crew.parties[leg_id] = Party(
                    leg_id=leg_id, number=Number(""), person_id=person.id, line=None, is_up=True
                )
                return
        self._losses.orphan(person, person.room_id)
        crew.do(CloseRoom(room_id=person.own_room_id))

    def _bind(self, person: Person, agent: AgentRun) -> None:
        person.agent_id, agent.person_id = agent.id, person.id
