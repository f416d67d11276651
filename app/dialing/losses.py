"""Agents who go, wholly or in part: their phone, their page, or themselves; nobody they were for is left in silence."""

from __future__ import annotations

from typing import Final

from app.agent_commands import Part, RenewPhoneLease
from app.agent_events import PhoneFailed
from app.agents import AgentState, DialingMode, PauseReason
from app.dialing.agent import IN_CALL, PHONE_LOST, PHONE_UNANSWERED, AgentRun
from app.dialing.crew import Crew
from app.dialing.leaving import Leaving
from app.dialing.person import Person, PersonStage
from app.dialing.phone import PhoneState
from app.dialing.recording import Recordings
from app.dialing.reservation import BEFORE_TALK, Reservations
from app.dialing.talk import Talk
from app.dialing.transfer import Transfers
from app.units import RoomId

SILENT: Final = "it does not answer any more"


class Losses:
    """Pauses, sign-outs, and phones that vanish."""

    def __init__(
        self,
        crew: Crew,
        leaving: Leaving,
        reservations: Reservations,
        recordings: Recordings,
        talk: Talk,
        transfers: Transfers,
    ) -> None:
        self._crew = crew
        self._leaving = leaving
        self._reservations = reservations
        self._recordings = recordings
        self._talk = talk
        self._transfers = transfers

    # --- by will -----------------------------------------------------------------------------------------------------

    def stop(self, agent: AgentRun, reason: PauseReason) -> None:
        """A pause: now, or after what they are in. Calls that were placed for them alone by will go on."""
        if agent.state in (AgentState.AVAILABLE, AgentState.PAUSED):
            self._leaving.pause(agent, reason)
        else:
            agent.pause_next = reason
            self._crew.touch(agent)
            self._let_go(agent)

    def leave(self, agent: AgentRun) -> None:
        """A sign-out: now, or after what they are in; a wrap-up is saved as it stands."""
        if agent.state in (AgentState.AVAILABLE, AgentState.PAUSED):
            self._leaving.sign_out(agent)
            return
        agent.signs_out_next = True
        self._crew.touch(agent)
        person = self._crew.person_of(agent)
        if agent.state is AgentState.WRAP_UP and person is not None:
            self._talk.finish(person, agent)
        else:
            self._let_go(agent)

    def _let_go(self, agent: AgentRun) -> None:
        """Give back a card nobody accepted, and what is on its way in a progressive campaign, as far as may be."""
        is_by_will = agent.mode is not DialingMode.PROGRESSIVE and agent.state is AgentState.RINGING
        is_answered = any(self._crew.work.attempts[one].is_answered for one in agent.calls)
        if agent.state in BEFORE_TALK and agent.person_id is None and not is_by_will and not is_answered:
            if agent.mode is DialingMode.MANUAL and not agent.calls:
                return  # the disk has yet to say whether they may dial
            self._reservations.drop_calls(agent)
            self._reservations.free_if_idle(agent)

    # --- phones ------------------------------------------------------------------------------------------------------

    def reachable(self, agent: AgentRun, *, is_reachable: bool, is_silent: bool = False) -> None:
        """The phone registered, or went away.

        One that is in a call and only does not answer when asked is not cut off: whether it is dead, its sound tells,
        and as soon. Nobody new is put through to it meanwhile.
        """
        is_known = agent.phone.is_reachable is is_reachable
        is_heard = is_silent and agent.phone.state in (PhoneState.UP, PhoneState.IN_ROOM)
        agent.phone.is_reachable = is_reachable
        if is_reachable:
            if not is_known:
                agent.phone.note = ""
                self._crew.do(*(agent.phone.call_back(self._crew.now_ms) if agent.phone.is_owed else []))
                self._crew.touch(agent)
        elif is_heard:
            self._crew.touch(agent)
        elif not is_known or agent.phone.state is not PhoneState.DOWN:
            self.lose_phone(agent, SILENT if is_silent else "it is not registered any more")

    def phone_ended(self, agent: AgentRun, reason: str) -> None:
        """The phone's call is over: hung up, not answered, or broken."""
        was_up = agent.phone.state in (PhoneState.UP, PhoneState.IN_ROOM)
        if agent.phone.is_per_call and was_up and agent.state in IN_CALL:
            agent.phone.gone("")
            self._hung_up(agent)
            return
        agent.phone.gone(reason)
        self._lost(agent, PHONE_LOST if was_up else PHONE_UNANSWERED)

    def _hung_up(self, agent: AgentRun) -> None:
        """A phone that is rung per call was put down: that is how its agent ends a call."""
        person = self._crew.person_of(agent)
        if person is None:
            self._transfers.consulted_left(agent)
            self._leaving.free(agent)
        else:
            self._transfers.part(agent)
            self._talk.end(person, agent)

    def phone_failed(self, agent: AgentRun, event: PhoneFailed) -> None:
        """Something asked of the phone or its room could not be done."""
        if event.command == RenewPhoneLease.__name__:
            agent.phone.renew_again(self._crew.now_ms)
            self._crew.touch(agent)
        elif event.command in ("ConnectPhone", "OpenRoom") and self._crew.work.is_up:
            self.lose_phone(agent, event.reason)

    def lose_phone(self, agent: AgentRun, note: str) -> None:
        """The phone is no good: it is let go, and whoever was with the agent goes to another."""
        self._crew.do(*agent.phone.hang_up(note))
        self._lost(agent, PHONE_LOST)

    def _lost(self, agent: AgentRun, reason: PauseReason) -> None:
        crew = self._crew
        crew.touch(agent)
        if agent.state in (AgentState.PAUSED, AgentState.WRAP_UP):
            if agent.state is AgentState.WRAP_UP and not agent.phone.is_per_call:
                agent.pause_next = agent.pause_next or reason
            return
        if agent.state is AgentState.AVAILABLE:
            self._leaving.pause(agent, reason)
            return
        agent.pause_next = reason
        agent.is_muted = False
        person = crew.person_of(agent)
        self._reservations.drop_calls(agent)
        self._transfers.consulted_left(agent)
        if person is not None and not self._transfers.agent_vanished(person, agent):
            self.orphan(person, person.room_id)
        self._leaving.free(agent)

    def orphan(self, person: Person, room_id: RoomId | None) -> None:
        """Their agent vanished: they are the next to be served, by somebody else, or hear a message soon.

        room_id: the room they are in, as far as is known.
        """
        crew = self._crew
        self._recordings.end(person)
        if person.stage is PersonStage.ENDING:
            person.agent_id = None
            person.is_disposed = True
            return
        if person.stage is not PersonStage.APART and room_id is not None and not person.awaits_phone:
            crew.do(Part(attempt_id=person.id, room_id=room_id))
            person.has_music = False
        person.awaits_phone = False
        had_talked = person.talker is not None
        person.agent_id = person.room_id = None
        crew.turn_person(person, PersonStage.WAITING)
        person.is_front, person.waits_since_ms = True, crew.now_ms
        if had_talked:
            crew.do(person.attempt.visit.wait_again(crew.now_ms))
            crew.work.settle(person.attempt)
        crew.await_agent(person)
