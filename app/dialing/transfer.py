"""Giving a person away together with the card: to another agent, to a campaign's queue, to a number outside.

At once (blind), or after talking with the other first, while the person hears music; then the person is given away, or
all three talk. With another agent they meet in that agent's room, with an outside party in the room of whoever asked;
a person and a party who talk on alone do so in a room of their own.
"""

from __future__ import annotations

from typing import Final

from app.agent_commands import (
    CloseRoom,
    Connect,
    ConnectPhone,
    DialParty,
    HangUpPhone,
    OpenRoom,
    Part,
    PartPhone,
    PlayToPhone,
)
from app.agent_events import TransferAsked
from app.agents import TALK_LEASE_MS, AgentState
from app.commands import HangUp
from app.dialing.agent import IN_CALL, AgentRun, AgentStep
from app.dialing.campaign import CampaignRun
from app.dialing.consult import Consult, Party
from app.dialing.crew import Crew
from app.dialing.leaving import Leaving
from app.dialing.person import Person, PersonStage
from app.dialing.recording import Recordings
from app.dialing.talk import BEEP, Talk
from app.dialing.trunk import TrunkLine
from app.units import SECOND_MS, AgentId, LegId, Number, RoomId

PARTY_RING_MS: Final = 30 * SECOND_MS
"""How long a third party's phone rings."""


class Transfers:
    """Who is given to whom."""

    def __init__(self, crew: Crew, leaving: Leaving, recordings: Recordings, talk: Talk) -> None:
        self._crew = crew
        self._leaving = leaving
        self._recordings = recordings
        self._talk = talk
        self._places = 0  # legs of third parties so far

    # --- at once -----------------------------------------------------------------------------------------------------

    def ask(self, person: Person, agent: AgentRun, event: TransferAsked) -> None:
        """An agent gives the person away, or begins to."""
        if event.to_agent_id is not None:
            other = self._crew.agents[event.to_agent_id]
            if event.is_attended:
                self._consult_agent(person, agent, other)
            else:
                self._give_to_agent(person, agent, other)
        elif event.to_campaign_id is not None:
            person.queue_id = event.to_campaign_id
            run = self._crew.work.campaigns.get(event.to_campaign_id)
            name = f"campaign {event.to_campaign_id}" if run is None else run.campaign.name
            self._let_go(person, agent, f"{agent.seat.name} → {name}")
            person.waits_since_ms = self._crew.now_ms
            self._crew.await_agent(person)
        elif event.to_number is not None:
            if event.is_attended:
                self._consult_number(person, agent, event.to_number)
            else:
                self._give_to_number(person, agent, event.to_number)

    def _give_to_agent(self, person: Person, agent: AgentRun, other: AgentRun) -> None:
        self._let_go(person, agent, f"{agent.seat.name} → {other.seat.name}")
        self._talk.join(person, other)

    def _let_go(self, person: Person, agent: AgentRun, how: str) -> None:
        """The person leaves the agent, and the card with them."""
        crew = self._crew
        self._recordings.end(person)
        self._out_of_room(person)
        person.transfers.append(how)
        person.agent_id = None
        crew.turn_person(person, PersonStage.WAITING)
        crew.do(person.attempt.visit.wait_again(crew.now_ms))
        crew.work.settle(person.attempt)
        self._free(agent)

    def _free(self, agent: AgentRun) -> None:
        self._talk.mute(agent, is_on=False)
        self._leaving.free(agent)

    def _out_of_room(self, person: Person) -> None:
        if person.stage is PersonStage.TALKING and person.room_id is not None:
            self._crew.do(Part(attempt_id=person.id, room_id=person.room_id))
            person.has_music = False
        person.room_id = None

    # --- another agent -----------------------------------------------------------------------------------------------

    def _consult_agent(self, person: Person, agent: AgentRun, other: AgentRun) -> None:
        crew = self._crew
        self._recordings.end(person)
        self._talk.set_apart(person, agent)
        agent.consult = Consult(who=other.seat.name, agent_id=other.id)
        other.consulted_by = agent.id
        crew.step(other, AgentStep.RING, campaign_id=person.attempt.campaign.id, attempt_id=person.id)
        crew.touch(agent)
        if other.phone.is_in_room:
            self._meet(agent, other)
        else:
            crew.do(*other.phone.ring(crew.now_ms, shown_name=agent.seat.name, shown_number=""))

    def _meet(self, agent: AgentRun, other: AgentRun) -> None:
        """The one who asks comes into the other's room."""
        if other.phone.leg_id is not None:
            self._crew.do(PlayToPhone(leg_id=other.phone.leg_id, media=(BEEP,)))
        self._crew.do(*agent.phone.move(other.seat.room_id))

    def phone_joined(self, agent: AgentRun) -> None:
        """A phone is where it was sent: whom it came to consult is there, or whom it is to be consulted by comes."""
        crew = self._crew
        if agent.consulted_by is not None and agent.phone.is_in_room and agent.state is AgentState.RINGING:
            self._meet(crew.agents[agent.consulted_by], agent)
        consult = agent.consult
        if consult is None or consult.agent_id is None or consult.is_up:
            return
        other = crew.agents[consult.agent_id]
        if agent.phone.room_id == other.seat.room_id:
            consult.is_up = True
            assert other.stint is not None, f"agent {other.id} is signed out"
            step = {"campaign_id": other.stint.campaign_id, "attempt_id": other.stint.attempt_id}
            crew.step(other, AgentStep.TALK, **step)  # type: ignore[arg-type]
            crew.touch(agent)

    # --- a number outside --------------------------------------------------------------------------------------------

    def _dial(self, person: Person, agent: AgentRun, number: Number, room_id: RoomId) -> Party:
        crew = self._crew
        run = crew.work.run_of(person.attempt)
        line = next(one for one in crew.work.lines_of(run) if one.carries(number) and one.room(crew.now_ms))
        self._places += 1
        while (leg_id := LegId(f"{agent.seat.session_id}-c{self._places}")) in crew.parties:
            self._places += 1  # it lives since before a restart
        party = Party(leg_id=leg_id, number=number, person_id=person.id, line=line, stretch=line.take(crew.now_ms))
        crew.parties[leg_id] = party
        crew.do(
            OpenRoom(room_id=room_id, leg_id=leg_id),
            DialParty(
                leg_id=leg_id,
                trunk=line.trunk,
                number=number,
                caller_id=self._shown(run, number, line),
                ring_timeout_ms=PARTY_RING_MS,
                lease_ms=TALK_LEASE_MS,
                language=agent.seat.language,
            ),
        )
        return party

    def _shown(self, run: CampaignRun, number: Number, line: TrunkLine) -> str:
        """As for the campaign's own calls; a party who is asked into one is called although limits are reached."""
        book, now_ms = self._crew.work.caller_ids, self._crew.now_ms
        shown = book.choose(run.campaign, number, line.trunk, now_ms)
        if shown is None:
            return run.campaign.caller_id or line.trunk.caller_id
        book.take(shown, now_ms)
        return shown

    def _give_to_number(self, person: Person, agent: AgentRun, number: Number) -> None:
        self._recordings.end(person)
        party = self._dial(person, agent, number, person.own_room_id)
        self._talk.set_apart(person, agent)
        self._lead_on(person, agent, party)

    def _consult_number(self, person: Person, agent: AgentRun, number: Number) -> None:
        party = self._dial(person, agent, number, agent.seat.room_id)
        self._recordings.end(person)
        self._talk.set_apart(person, agent)
        party.agent_id = agent.id
        agent.consult = Consult(who=number, leg_id=party.leg_id)
        self._crew.touch(agent)

    def party_answered(self, party: Party) -> None:
        """A third party picked up."""
        crew = self._crew
        party.is_up = True
        if party.line is not None:
            party.line.show_life()
        person = crew.people.get(party.person_id)
        if party.agent_id is not None:
            crew.do(ConnectPhone(leg_id=party.leg_id, room_id=crew.agents[party.agent_id].seat.room_id))
        elif person is not None and person.stage is PersonStage.LED_ON:
            crew.do(
                ConnectPhone(leg_id=party.leg_id, room_id=person.own_room_id),
                Connect(attempt_id=person.id, room_id=person.own_room_id),
            )
            person.has_music = False
        else:
            crew.do(HangUpPhone(leg_id=party.leg_id))

    def party_joined(self, party: Party) -> None:
        """They are in the room."""
        agent = None if party.agent_id is None else self._crew.agents.get(party.agent_id)
        if agent is not None and agent.consult is not None and agent.consult.leg_id == party.leg_id:
            agent.consult.is_up = True
            self._crew.touch(agent)

    def party_ended(self, party: Party) -> None:
        """They hung up, or were never reached."""
        crew = self._crew
        del crew.parties[party.leg_id]
        if party.line is not None:
            party.line.release()
            if not party.is_up:
                party.line.forget(party.stretch)
        agent = None if party.agent_id is None else crew.agents.get(party.agent_id)
        if agent is not None and agent.consult is not None and agent.consult.leg_id == party.leg_id:
            agent.consult = None
            crew.touch(agent)
        person = crew.people.get(party.person_id)
        if person is not None and person.party_id == party.leg_id:
            person.party_id = ""
            if person.stage is PersonStage.LED_ON:
                self._led_back(person, was_up=party.is_up)

    def _led_back(self, person: Person, *, was_up: bool) -> None:
        """The person and the party talked, or the party was never reached: the flow goes on, or an agent is sought."""
        crew = self._crew
        if not was_up:
            crew.do(CloseRoom(room_id=person.own_room_id))
            person.is_front, person.waits_since_ms = True, crew.now_ms
            crew.turn_person(person, PersonStage.WAITING)
            crew.do(person.attempt.visit.wait_again(crew.now_ms))
            crew.work.settle(person.attempt)
            self.give_up_card(person)
            crew.await_agent(person)
            return
        commands = person.attempt.visit.release(crew.now_ms)
        is_over = any(isinstance(command, HangUp) for command in commands)
        if not is_over:
            crew.do(Part(attempt_id=person.id, room_id=person.own_room_id))
        crew.do(CloseRoom(room_id=person.own_room_id))
        crew.turn_person(person, PersonStage.ENDING if is_over else PersonStage.BACK_IN_FLOW)
        crew.did(person.attempt, commands)

    def give_up_card(self, person: Person) -> None:
        """The person comes back while their last agent still works on the card: it goes to the next one."""
        agent = None if person.agent_id is None else self._crew.agents.get(person.agent_id)
        person.agent_id = None
        if agent is not None and agent.person_id == person.id:
            self._leaving.free(agent)

    # --- after talking with them -------------------------------------------------------------------------------------

    def finish(self, person: Person, agent: AgentRun, *, is_conference: bool) -> None:
        """The person and the consulted talk on, with the agent or without."""
        consult = agent.consult
        assert consult is not None, f"agent {agent.id} consults nobody"
        if consult.agent_id is not None:
            other = self._crew.agents[consult.agent_id]
            if is_conference:
                self._confer(person, agent, other.seat.room_id)
            else:
                self._hand_over(person, agent, other)
        elif is_conference:
            self._confer(person, agent, agent.seat.room_id)
        else:
            assert consult.leg_id is not None, "a consulted party has a leg"
            party = self._crew.parties[consult.leg_id]
            agent.consult = None
            party.agent_id = None
            if consult.is_conference:
                self._talk.set_apart(person, agent)
            self._lead_on(person, agent, party)
            self._crew.do(
                OpenRoom(room_id=person.own_room_id, leg_id=party.leg_id),
                PartPhone(leg_id=party.leg_id, room_id=agent.seat.room_id),
                ConnectPhone(leg_id=party.leg_id, room_id=person.own_room_id),
                Connect(attempt_id=person.id, room_id=person.own_room_id),
            )
            person.has_music = False

    def _confer(self, person: Person, agent: AgentRun, room_id: RoomId) -> None:
        """All three talk."""
        assert agent.consult is not None, f"agent {agent.id} consults nobody"
        agent.consult.is_conference = True
        self._talk.bring_back(person, agent, room_id)

    def _hand_over(self, person: Person, agent: AgentRun, other: AgentRun) -> None:
        """The other agent has the person and the card; they are, or come, in the other's room."""
        crew = self._crew
        was_with_all = person.stage is PersonStage.TALKING and person.room_id == other.seat.room_id
        agent.consult, other.consulted_by = None, None
        person.transfers.append(f"{agent.seat.name} → {other.seat.name}")
        person.agent_id, other.person_id = other.id, person.id
        crew.do(*agent.phone.move(agent.seat.room_id))
        self._free(agent)
        if was_with_all:
            self._talk.take_over(person, other)
        else:
            self._talk.bring_back(person, other, other.seat.room_id)
        crew.touch(other)

    def _lead_on(self, person: Person, agent: AgentRun, party: Party) -> None:
        """The person and the party go on without the agent, who finishes the card."""
        crew = self._crew
        person.transfers.append(f"{agent.seat.name} → {party.number}")
        person.party_id = party.leg_id
        person.room_id = person.own_room_id
        crew.turn_person(person, PersonStage.LED_ON)
        self._talk.wrap_up(person, agent)

    # --- not to be ---------------------------------------------------------------------------------------------------

    def cancel(self, agent: AgentRun) -> None:
        """Whoever was consulted is let go; the agent is back with the person."""
        consult = agent.consult
        person = self._crew.person_of(agent)
        if consult is None or person is None:
            return
        self.part(agent)
        if person.stage is PersonStage.APART or (consult.agent_id is not None and consult.is_conference):
            if person.stage is PersonStage.TALKING:
                self._out_of_room(person)
            self._talk.bring_back(person, agent, agent.seat.room_id)

    def part(self, agent: AgentRun) -> None:
        """Whoever was consulted is let go, and the agent's phone is back in its own room."""
        crew, consult = self._crew, agent.consult
        if consult is None:
            return
        agent.consult = None
        crew.touch(agent)
        if consult.leg_id is not None:
            party = crew.parties.get(consult.leg_id)
            if party is not None:
                party.agent_id = None
                crew.do(HangUpPhone(leg_id=party.leg_id))
        elif consult.agent_id is not None:
            crew.do(*agent.phone.move(agent.seat.room_id))
            self._unask(consult.agent_id)

    def _unask(self, agent_id: AgentId) -> None:
        """A consulted agent has nothing more to do with it."""
        other = self._crew.agents.get(agent_id)
        if other is not None and other.consulted_by is not None:
            other.consulted_by = None
            if other.state in (AgentState.RINGING, *IN_CALL):
                self._free(other)

    def consulted_left(self, other: AgentRun) -> None:
        """A consulted agent hung up, or is gone: who asked is back in their own room."""
        crew = self._crew
        agent = None if other.consulted_by is None else crew.agents.get(other.consulted_by)
        other.consulted_by = None
        if agent is None or agent.consult is None:
            return
        was_conference = agent.consult.is_conference
        agent.consult = None
        crew.do(*agent.phone.move(agent.seat.room_id))
        crew.touch(agent)
        person = crew.person_of(agent)
        if person is not None and was_conference and person.is_with_agent:
            self._out_of_room(person)
            self._talk.bring_back(person, agent, agent.seat.room_id)

    def person_left(self, person: Person) -> None:
        """The person's call is over: whoever they were to be given to, or talk with, is let go."""
        crew = self._crew
        agent = None if person.agent_id is None else crew.agents.get(person.agent_id)
        if agent is not None and agent.person_id == person.id:
            self.part(agent)
        if person.party_id:
            crew.do(HangUpPhone(leg_id=LegId(person.party_id)), CloseRoom(room_id=person.own_room_id))
            person.party_id = ""

    def agent_vanished(self, person: Person, agent: AgentRun) -> bool:
        """An agent vanished while they consulted: whether the other takes the person over."""
        consult = agent.consult
        if consult is None:
            return False
        other = None if consult.agent_id is None else self._crew.agents.get(consult.agent_id)
        if other is None or not consult.is_up or not other.phone.is_in_room:
            self.part(agent)
            return False
        agent.consult, other.consulted_by = None, None
        person.transfers.append(f"{agent.seat.name} → {other.seat.name}")
        person.agent_id, other.person_id = other.id, person.id
        if person.stage is PersonStage.TALKING and person.room_id == other.seat.room_id:
            self._talk.take_over(person, other)
        else:
            self._talk.bring_back(person, other, other.seat.room_id)
        return True
