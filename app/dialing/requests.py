"""What agents ask for (or supervisors in their name), done by the parts of the floor, if it may be done now."""

from __future__ import annotations

from app.agent_events import (
    AgentJoined,
    AgentPaused,
    AgentRequest,
    AgentSignedOut,
    AgentWentReady,
    BrowserLost,
    DeskTold,
    DeskWord,
    DispositionSet,
    HangUpAsked,
    HoldAsked,
    KeysAsked,
    ManualDialAsked,
    MuteAsked,
    PhoneAsked,
    PreviewAccepted,
    PreviewRefused,
    RecordAsked,
    TransferAsked,
    TransferCancelled,
    TransferFinished,
    WrapUpExtended,
)
from app.agents import AgentState
from app.dialing.agent import BROWSER_LOST, AgentRun, AgentStep
from app.dialing.parts import Parts
from app.dialing.person import Person
from app.dialing.refusals import why_not


class Requests:
    """The desk's side of the floor."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._crew = parts.crew

    def take(self, event: AgentRequest) -> bool:
        """Do what is asked for; False: it may not be, and nothing was changed."""
        agent = self._crew.agents.get(event.agent_id)
        if agent is None or why_not(event, self._crew) is not None:
            return False
        is_by_another = isinstance(event, AgentPaused | AgentSignedOut | HangUpAsked) and event.by != ""
        if not (is_by_another or isinstance(event, BrowserLost)):
            agent.is_touched = True
        person = self._crew.person_of(agent)
        match event:
            case AgentSignedOut() | AgentWentReady() | AgentPaused() | AgentJoined() | PhoneAsked() | BrowserLost():
                self._come_or_go(agent, event)
            case PreviewAccepted():
                self._parts.reservations.accept(agent, event)
            case PreviewRefused():
                self._parts.reservations.refuse(agent, event)
            case ManualDialAsked():
                self._parts.reservations.dial(agent, event)
            case WrapUpExtended():
                assert person is not None, f"agent {agent.id} wraps up for nobody"
                agent.extend_wrap_up(person.plan)
                self._crew.touch(agent)
            case DeskTold():
                self._crew.tell_word(agent, event.word, event.step)
            case HangUpAsked() if agent.consulted_by is not None:
                self._parts.transfers.consulted_left(agent)
                self._parts.leaving.free(agent)
            case HangUpAsked():
                self._parts.transfers.part(agent)
                self._parts.talk.hang_up(agent)
            case _:
                assert person is not None, f"agent {agent.id} has nobody for {type(event).__name__}"
                self._in_call(person, agent, event)
        return True

    def _in_call(
        self,
        person: Person,
        agent: AgentRun,
        event: HoldAsked | MuteAsked | KeysAsked | RecordAsked | TransferAsked | TransferFinished | TransferCancelled
        | DispositionSet,
    ) -> None:  # fmt: skip
        match event:
            case HoldAsked():
                self._parts.talk.hold(person, agent, is_on=event.is_on)
            case MuteAsked():
                self._parts.talk.mute(agent, is_on=event.is_on)
            case KeysAsked():
                self._parts.talk.send_keys(person, event.digits)
            case RecordAsked(is_on=True):
                person.recorded_for = agent.id
                self._parts.recordings.begin(person, agent)
            case RecordAsked():
                person.recorded_for = None
                self._parts.recordings.end(person)
            case TransferAsked():
                self._parts.transfers.ask(person, agent, event)
            case TransferFinished():
                self._parts.transfers.finish(person, agent, is_conference=event.is_conference)
            case TransferCancelled():
                self._parts.transfers.cancel(agent)
            case DispositionSet():
                self._crew.tell_word(agent, DeskWord.RESULT)
                if event.is_done:
                    self._parts.transfers.part(agent)
                self._parts.talk.dispose(person, agent, event)

    def _come_or_go(
        self,
        agent: AgentRun,
        event: AgentSignedOut | AgentWentReady | AgentPaused | AgentJoined | PhoneAsked | BrowserLost,
    ) -> None:
        crew = self._crew
        person = crew.person_of(agent)
        if isinstance(event, AgentWentReady | AgentPaused | AgentSignedOut):
            agent.returns_ready = False  # their own word counts from now on
        match event:
            case AgentWentReady():
                agent.pause_next, agent.signs_out_next = None, False
                crew.touch(agent)
                if agent.state is AgentState.PAUSED:
                    crew.step(agent, AgentStep.GO_READY)
                elif agent.state is AgentState.WRAP_UP and person is not None:
                    self._parts.talk.finish(person, agent)
            case AgentPaused():
                self._parts.losses.stop(agent, event.reason)
            case AgentSignedOut():
                self._parts.losses.leave(agent)
            case AgentJoined():
                crew.serve(agent, event.campaigns)
            case PhoneAsked():
                crew.do(*agent.phone.ring(crew.now_ms))
                crew.touch(agent)
            case BrowserLost():
                if not event.is_lost:
                    agent.browser_lost_at_ms = None
                    agent.pause_next = None if agent.pause_next == BROWSER_LOST else agent.pause_next
                elif agent.browser_lost_at_ms is None:
                    agent.browser_lost_at_ms = crew.now_ms
                crew.touch(agent)
                self._parts.resuming.go_on(agent)
