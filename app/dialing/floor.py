"""The floor: who is signed in, who waits for an agent, who talks with whom.

It takes the floor's events, and looks at each attempt after something was done to it. What follows is done piece by
piece: an event is dealt with by one of the parts, and only then are those who were freed or who wait brought together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from app.agent_events import (
    AgentRequest,
    AgentSignedIn,
    FloorEvent,
    ManualRefused,
    PersonJoined,
    PhoneEvent,
    PhoneReachable,
    QueueEvent,
    QueueSeen,
    SupervisionAsked,
    SupervisionEnded,
)
from app.agents import AgentState, DialingMode, LivePhone
from app.commands import Command, SavePacing
from app.dialing.agent import BROWSER_LOST, SIGNED_IN, AgentRun, AgentStep
from app.dialing.attempt import AttemptRun, AttemptState
from app.dialing.campaign import CampaignRun
from app.dialing.crew import Crew
from app.dialing.floor_picture import CampaignFloor, agent_picture, campaign_floor
from app.dialing.legs import Legs
from app.dialing.parts import Parts
from app.dialing.person import Person, PersonStage
from app.dialing.prediction import PacerOf, Predictions
from app.dialing.queueing import Queueing
from app.dialing.refusals import why_not
from app.dialing.requests import Requests
from app.dialing.snapshot import AgentPicture
from app.dialing.work import Work
from app.events import CommandFailed, DigitPressed, PlaybackEnded, RecordingEnded
from app.model import OpenedAttempt
from app.pacing import make_pacer
from app.units import AgentId, CampaignId, RoomId


class Floor:
    """All signed-in agents of one process, and the people they are there for."""

    def __init__(self, work: Work, make_pacer: PacerOf = make_pacer) -> None:
        self.crew = Crew(work)
        self._parts = Parts(self.crew)
        self._legs = Legs(self._parts)
        self._requests = Requests(self._parts)
        self._queueing = Queueing(work)
        self.predictions = Predictions(self.crew, make_pacer)
        self.late_events = 0

    # --- the ways in -------------------------------------------------------------------------------------------------

    def handle(self, event: FloorEvent, now_ms: int) -> list[Command]:
        """What follows from an event of the floor. What comes late or is refused changes nothing, and is counted."""
        self.crew.now_ms = now_ms
        if isinstance(event, QueueEvent | QueueSeen):
            return self._queueing.handle(event, now_ms)
        self._take(event)
        return self._settled()

    def hear(self, event: PlaybackEnded | RecordingEnded | CommandFailed | DigitPressed, now_ms: int) -> list[Command]:
        """What the telephone tells of a person the floor has."""
        person = self.crew.people.get(event.attempt_id)
        if person is None:
            return [] if isinstance(event, DigitPressed) else self._queueing.hear(event, now_ms)
        self.crew.now_ms = now_ms
        match event:
            case PlaybackEnded():
                self._played(person, event.playback_id.removeprefix(f"{person.id}-"), has_failed=event.has_failed)
            case RecordingEnded():
                self._parts.recordings.ended(person, event)
            case CommandFailed(command="Connect"):
                self._parts.talk.not_connected(person)
            case CommandFailed(command="RecordRoom"):
                self._parts.recordings.failed(person)
            case CommandFailed(command="Play") if person.stage is PersonStage.LEAVING:
                self._parts.farewells.see_off(person)
            case DigitPressed() if person.stage is PersonStage.LEAVING:
                self._parts.farewells.press(person, event.digit)
            case _:
                pass
        return self._settled()

    def look_at(self, attempt: AttemptRun, now_ms: int) -> list[Command]:
        """Something was done to an attempt: does it concern the floor?"""
        if attempt.campaign.agents.queue:
            return self._queueing.look_at(attempt, now_ms)
        if attempt.campaign.mode is DialingMode.PREDICTIVE:
            self.predictions.look_at(attempt, now_ms)
        crew, opened = self.crew, attempt.opened
        is_known = opened.attempt_id in crew.people or opened.attempt_id in crew.owners
        if not is_known and attempt.visit.sought is None and not opened.is_manual:
            return []
        crew.now_ms = now_ms
        crew.touched.append(attempt)
        return self._settled()

    def barred(self, attempt: AttemptRun, now_ms: int) -> list[Command]:
        """The number of a call that is up is on the do-not-call list."""
        person = self.crew.people.get(attempt.id)
        if person is None or person.stage is not PersonStage.LEAVING:
            return []
        self.crew.now_ms = now_ms
        self._parts.farewells.barred(person)
        return self._settled()

    def wake(self, now_ms: int) -> list[Command]:
        """Time has passed."""
        crew = self.crew
        crew.now_ms = now_ms
        for agent_id in crew.agent_alarms.due(now_ms):
            self._wake_agent(crew.agents[agent_id])
        for attempt_id in crew.people_alarms.due(now_ms):
            self._wake_person(crew.people[attempt_id])
        for attempt_id in crew.ring_alarms.due(now_ms):
            self._parts.unattended.expire(attempt_id)
        return self._settled() + self._queueing.wake(now_ms)

    def next_deadline_ms(self) -> int | None:
        """When `wake` is wanted."""
        crew = self.crew
        times = (
            crew.agent_alarms.next_ms(), crew.people_alarms.next_ms(), crew.ring_alarms.next_ms(),
            self._queueing.next_deadline_ms(), self.predictions.next_save_ms(),
        )  # fmt: skip
        return min((time for time in times if time is not None), default=None)

    def refusal(self, event: FloorEvent) -> str | None:
        """Why this may not be asked for now, in words; None: it may."""
        return why_not(event, self.crew)

    def take_changed(self) -> frozenset[AgentId]:
        """Whose picture changed since the last time."""
        changed, self.crew.changed = frozenset(self.crew.changed), set()
        return changed

    def remember(self, now_ms: int) -> list[Command]:
        """What pacers have learned is written down, where it is time to."""
        memories = self.predictions.take_memories(now_ms)
        return [SavePacing(campaign_id=campaign_id, learned=learned) for campaign_id, learned in memories]

    # --- what the dialer asks ----------------------------------------------------------------------------------------

    def room(self, run: CampaignRun, most: int) -> int:
        """For how many contacts a campaign that dials for its agents has agents now."""
        if run.campaign.agents.queue:
            return self._queueing.room(run, most)
        if run.is_ahead:
            return max(0, min(most, self.predictions.allows(run, self.crew.now_ms) - run.stock))
        return self._parts.reservations.room(run, most)

    def promise(self, run: CampaignRun, count: int) -> tuple[AgentId, ...]:
        """A claim for its agents is on its way."""
        if run.campaign.agents.queue:
            return ()
        if run.is_ahead:  # for those alone whom nobody else may call
            return tuple(agent.id for agent in self.crew.idle(run.campaign.id))
        return self._parts.reservations.promise(run, count)

    def may_place(self, run: CampaignRun, attempt: AttemptRun) -> bool:
        """Whether a call could be taken: agents of our own are reserved or foreseen, members of a queue come and go."""
        if run.campaign.agents.queue:
            return self._queueing.may_place(run)
        is_free = not run.is_ahead or attempt.id in self.crew.owners
        return is_free or self.predictions.allows(run, self.crew.now_ms) > 0

    def assign(self, run: CampaignRun, attempt: AttemptRun, now_ms: int) -> tuple[bool, list[Command]]:
        """Reserve an agent for an attempt just opened: whether there is one."""
        if run.campaign.agents.queue:
            return not attempt.opened.is_manual, []
        is_anyones = attempt.opened.agent_id is None and not attempt.opened.is_manual
        if run.is_ahead and is_anyones:
            return True, []
        self.crew.now_ms = now_ms
        agent = self._parts.reservations.assign(run, attempt)
        return agent is not None, self._settled()

    def refused(self, attempts: Iterable[OpenedAttempt], now_ms: int) -> list[Command]:
        """What agents wanted to dial by hand is not dialed."""
        self.crew.now_ms = now_ms
        for opened in attempts:
            self._parts.reservations.refuse_manual(opened.agent_id)
        return self._settled()

    def claimed(self, campaign_id: CampaignId) -> None:
        """A claim was answered, or failed."""
        self._parts.reservations.keep_promise(campaign_id)

    def is_owned(self, attempt: AttemptRun) -> bool:
        """Whether a call is on its way to an agent of its own."""
        return attempt.id in self.crew.owners

    def own(self, run: CampaignRun, now_ms: int) -> list[Command]:
        """A campaign reserves agents from now on: calls that ring for nobody are given to whoever is free."""
        self.crew.now_ms = now_ms
        self._parts.reservations.own(run)
        return self._settled()

    def placed(self, attempt: AttemptRun, now_ms: int) -> list[Command]:
        """A call goes out."""
        self.predictions.placed(attempt, now_ms)
        if attempt.id not in self.crew.owners:
            return []
        self.crew.now_ms = now_ms
        self._parts.reservations.placed(attempt)
        return self._settled()

    def find_phones(self, phones: Iterable[LivePhone], now_ms: int, *, is_new_life: bool) -> list[Command]:
        """Asterisk is back, and says which phones live. is_new_life: it was restarted, and every call ended with it."""
        self.crew.now_ms = now_ms
        self._parts.resuming.find_phones(phones, is_new_life=is_new_life)
        return self._settled()

    def hang_up_strays(self, now_ms: int) -> list[Command]:
        """All calls have been looked at: a phone's call that belongs to nobody ends."""
        self.crew.now_ms = now_ms
        self._parts.resuming.hang_up_strays()
        return self._settled()

    def found(self, attempt: AttemptRun, room_id: RoomId | None, now_ms: int) -> list[Command]:
        """A call of this life was found alive."""
        if attempt.campaign.agents.queue:
            return self._queueing.look_at(attempt, now_ms)
        self.crew.now_ms = now_ms
        self._parts.resuming.found(attempt, room_id)
        return self._settled()

    def adopt(self, attempt: AttemptRun, room_id: RoomId | None, now_ms: int) -> list[Command]:
        """A call of a life before this one was taken over, or was over."""
        if attempt.campaign.agents.queue:
            return self._queueing.look_at(attempt, now_ms)
        self.crew.now_ms = now_ms
        self.predictions.look_at(attempt, now_ms)  # their call may be over, and the agent's word alone to come
        self._parts.resuming.adopt(attempt, room_id)
        return self._settled()

    # --- looking at it -----------------------------------------------------------------------------------------------

    def campaign_floor(self, run: CampaignRun, now_ms: int) -> CampaignFloor:
        """A campaign's share of the floor."""
        if run.campaign.agents.queue:
            return self._queueing.campaign_floor(run, now_ms)
        floor = campaign_floor(self.crew, run.campaign.id, now_ms)
        return replace(floor, pacing=self.predictions.picture(run.campaign.id))

    def agent_picture(self, agent_id: AgentId, now_ms: int) -> AgentPicture | None:
        """One agent as they stand; None: not signed in."""
        agent = self.crew.agents.get(agent_id)
        return None if agent is None else agent_picture(self.crew, agent, self._parts.supervision.of(agent_id), now_ms)

    def agent_pictures(self, now_ms: int) -> tuple[AgentPicture, ...]:
        """All of them."""
        spies = self._parts.supervision.of
        return tuple(agent_picture(self.crew, agent, spies(agent.id), now_ms) for agent in self.crew.agents.values())

    # --- events ------------------------------------------------------------------------------------------------------

    def _take(self, event: FloorEvent) -> None:
        if isinstance(event, PhoneEvent):
            self.late_events += not self._legs.take(event)
            return
        if isinstance(event, AgentRequest):
            self.late_events += not self._requests.take(event)
            return
        match event:
            case ManualRefused():
                self._parts.reservations.refused(event)
            case AgentSignedIn():
                self._sign_in(event)
            case PersonJoined():
                self._person_joined(event)
            case PhoneReachable():
                for agent in [one for one in self.crew.agents.values() if one.seat.endpoint == event.endpoint]:
                    self._parts.losses.reachable(agent, is_reachable=event.is_reachable, is_silent=event.is_silent)
            case SupervisionAsked() if self.refusal(event) is None:
                self._parts.supervision.ask(event)
            case SupervisionEnded():
                self._parts.supervision.end(event.supervisor_id)
            case _:
                pass  # the disk's word that an agent or a conversation is written

    def _person_joined(self, event: PersonJoined) -> None:
        person = self.crew.people.get(event.attempt_id)
        if person is None or person.room_id != event.room_id:
            self.late_events += 1
            return
        self._parts.talk.joined(person)

    def _sign_in(self, event: AgentSignedIn) -> None:
        crew = self.crew
        if event.seat.agent_id in crew.agents:
            self.late_events += 1
            return
        agent = AgentRun(event.seat, event.campaigns)
        crew.agents[agent.id] = agent
        crew.sessions[event.seat.session_id] = agent
        if event.is_resumed:
            self._parts.resuming.sign_in(agent, event)
            return
        crew.step(agent, AgentStep.SIGN_IN, reason=SIGNED_IN)
        if not agent.phone.is_per_call:
            crew.do(*agent.phone.ring(crew.now_ms))
        crew.touch(agent)

    # --- people ------------------------------------------------------------------------------------------------------

    def _look(self, attempt: AttemptRun) -> None:
        crew = self.crew
        person = crew.people.get(attempt.id)
        self.predictions.look_at(attempt, crew.now_ms)
        if attempt.state is AttemptState.CLOSING:
            if person is not None:
                self._parts.transfers.person_left(person)
                self._parts.talk.dropped(person)
            else:
                self._parts.reservations.ended(attempt)
            return
        if attempt.state is AttemptState.WRAP_UP and person is not None and person.stage is not PersonStage.GONE:
            self._parts.transfers.person_left(person)
            self._parts.talk.gone(person)
        elif attempt.is_answered and attempt.id in crew.owners and len(crew.owners[attempt.id].calls) > 1:
            self._parts.reservations.answered(attempt)
        if person is not None and person.awaits_words and person.stage is PersonStage.TALKING:
            self._parts.recordings.words_came(person)
        if attempt.visit.sought is not None and (person is None or person.stage is PersonStage.BACK_IN_FLOW):
            self._seek(attempt, person)

    def _seek(self, attempt: AttemptRun, person: Person | None) -> None:
        """The person wants an agent: for the first time, or again."""
        if person is None:
            person = self.crew.people[attempt.id] = Person(attempt, self.crew.now_ms)
        else:
            self._parts.transfers.give_up_card(person)
            person.turn_to(PersonStage.WAITING, self.crew.now_ms)
            person.waits_since_ms = self.crew.now_ms
        self.crew.await_agent(person)

    def _played(self, person: Person, what: str, *, has_failed: bool) -> None:
        if person.stage is PersonStage.LEAVING:
            self._parts.farewells.told(person, what, has_failed=has_failed)
        elif what == "notice":
            self._parts.recordings.told(person, has_failed=has_failed)

    # --- bringing together -------------------------------------------------------------------------------------------

    def _settled(self) -> list[Command]:
        """Look into everything that changed, until nothing is left; then hand out the commands."""
        crew = self.crew
        while True:
            if crew.touched:
                self._look(crew.touched.pop(0))
            elif crew.broken:
                agent_id, note = crew.broken.popitem()
                if agent_id in crew.agents:
                    self._parts.losses.lose_phone(crew.agents[agent_id], note)
            elif crew.seekers and crew.work.is_up:
                attempt_id = next(iter(crew.seekers))
                del crew.seekers[attempt_id]
                self._serve(crew.people[attempt_id])
            elif crew.freed and crew.work.is_up:
                agent_id = next(iter(crew.freed))
                del crew.freed[agent_id]
                self._offer(crew.agents[agent_id])
            else:
                self._parts.supervision.keep_up()
                self.predictions.look_at_agents()
                return crew.take_out()

    def _serve(self, person: Person) -> None:
        """Somebody wants an agent: their own, or the one who is idle longest."""
        crew = self.crew
        agent = crew.owners.get(person.id)
        if agent is None or not agent.phone.is_fit or agent.person_id is not None:
            own = person.attempt.opened.agent_id
            idle = crew.idle(person.queue_id)
            agent = next((one for one in idle if one.id == own), None) if own is not None else None
            agent = agent or next(crew.idle(person.queue_id), None)
            agent = agent or next(crew.could_leave_off(person.queue_id), None)
            if agent is None and (agent := self._parts.reservations.who_could_turn(person.queue_id)) is not None:
                self._parts.reservations.turn(agent)
        if agent is None:
            self._parts.talk.wait(person)
        else:
            self._parts.talk.join(person, agent)

    def _offer(self, agent: AgentRun) -> None:
        """An agent is free: the campaign that comes first, and in it who waits longest."""
        waiting = [one for campaign in agent.campaigns if (one := self.crew.first_waiting(campaign)) is not None]
        if waiting and agent.is_free:
            rank = self.crew.rank_of
            self._parts.talk.join(min(waiting, key=rank), agent)
        elif self.crew.unowned:
            self._parts.reservations.adopt(agent)

    # --- time --------------------------------------------------------------------------------------------------------

    def _wake_agent(self, agent: AgentRun) -> None:
        crew, now = self.crew, self.crew.now_ms
        crew.do(*agent.phone.renew(now))
        if agent.is_page_overdue(now):
            self._parts.losses.stop(agent, BROWSER_LOST)
        elif agent.deadline_ms is not None and now >= agent.deadline_ms:
            if agent.state is AgentState.WRAP_UP:
                self._parts.talk.expire(agent)
            elif agent.state is AgentState.RESERVED and agent.mode is DialingMode.PREVIEW:
                self._parts.reservations.expire(agent)
            elif agent.state is AgentState.RESERVED and agent.mode is DialingMode.MANUAL:
                self._parts.leaving.free(agent)
        if agent.id in crew.agents:
            crew.touch(agent)

    def _wake_person(self, person: Person) -> None:
        match person.stage:
            case PersonStage.WAITING:
                self._parts.farewells.give_up(person)
            case PersonStage.JOINING:
                self._parts.talk.not_connected(person)
            case PersonStage.LEAVING:
                self._parts.farewells.see_off(person)
            case _:
                pass
