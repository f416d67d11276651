"""What an agent goes on to when nothing is left before them: the next person, the pause they asked for, or home."""

from __future__ import annotations

from app.agent_commands import CloseRoom
from app.agents import PauseReason
from app.dialing.agent import PHONE_LOST, AgentRun, AgentStep
from app.dialing.crew import Crew


class Leaving:
    """The latches of pauses and sign-outs, and what they do."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew

    def free(self, agent: AgentRun) -> None:
        """The agent is done with what they had."""
        agent.person_id = None
        if agent.phone.is_per_call:
            self._crew.do(*agent.phone.hang_up())
        if agent.is_leaving:
            self.go(agent)
        elif agent.phone.is_lost:
            self.pause(agent, PHONE_LOST)
        else:
            self._crew.step(agent, AgentStep.RELEASE)

    def go(self, agent: AgentRun) -> None:
        """Home, or into the pause: what they asked for."""
        if agent.signs_out_next:
            self.sign_out(agent)
        elif agent.pause_next is not None:
            self.pause(agent, agent.pause_next)

    def pause(self, agent: AgentRun, reason: PauseReason) -> None:
        """Now."""
        agent.pause_next = None
        self._crew.step(agent, AgentStep.PAUSE, reason=reason)

    def sign_out(self, agent: AgentRun) -> None:
        """Now: the phone and the room go with them."""
        self._crew.do(*agent.phone.hang_up())
        self._crew.do(CloseRoom(room_id=agent.seat.room_id))
        del self._crew.agents[agent.id]
        del self._crew.sessions[agent.seat.session_id]
        self._crew.step(agent, AgentStep.SIGN_OUT)
