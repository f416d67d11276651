"""Why something an agent asks for may not be done now, in words for people. Looks, and changes nothing.

What is refused here is refused wherever it comes from: the desk asks first, and the floor asks again.
"""

from __future__ import annotations

import re
from typing import Final

from app.agent_events import (
    AgentJoined,
    AgentPaused,
    AgentSignedIn,
    AgentSignedOut,
    AgentWentReady,
    BrowserLost,
    DeskTold,
    DispositionSet,
    FloorEvent,
    HangUpAsked,
    HoldAsked,
    KeysAsked,
    ManualDialAsked,
    MuteAsked,
    PhoneAsked,
    PreviewAccepted,
    PreviewRefused,
    RecordAsked,
    SupervisionAsked,
    TransferAsked,
    TransferCancelled,
    TransferFinished,
    WrapUpExtended,
)
from app.agents import AgentState, DispositionEffect, RecordingPolicy
from app.dialing.agent import IN_CALL, AgentRun
from app.dialing.crew import Crew
from app.dialing.person import Person, PersonStage
from app.dialing.phone import PhoneState
from app.model import CampaignStatus
from app.units import number

NOT_SIGNED_IN: Final = "this agent is not signed in"
NOBODY: Final = "nobody is on the line"
_KEYS: Final = re.compile(r"[0-9*#]{1,32}")


def why_not(event: FloorEvent, crew: Crew) -> str | None:
    """Why this may not be asked for now; None: it may, or is no request at all."""
    match event:
        case AgentSignedIn():
            return "this agent is signed in already" if event.seat.agent_id in crew.agents else None
        case SupervisionAsked():
            return None if event.agent_id in crew.agents else NOT_SIGNED_IN
        case (
            AgentSignedOut() | AgentWentReady() | AgentPaused() | AgentJoined() | PhoneAsked() | PreviewAccepted()
            | PreviewRefused() | ManualDialAsked() | HangUpAsked() | HoldAsked() | MuteAsked() | KeysAsked()
            | RecordAsked() | TransferAsked() | TransferFinished() | TransferCancelled() | DispositionSet()
            | WrapUpExtended() | DeskTold() | BrowserLost()
        ):  # fmt: skip
            agent = crew.agents.get(event.agent_id)
            return NOT_SIGNED_IN if agent is None else _why_not(event, agent, crew)
        case _:
            return None


def _why_not(event: FloorEvent, agent: AgentRun, crew: Crew) -> str | None:
    person = crew.person_of(agent)
    match event:
        case AgentWentReady():
            return _ready(agent)
        case PhoneAsked():
            return _ring(agent)
        case PreviewAccepted() | PreviewRefused():
            return _preview(event, agent, crew)
        case ManualDialAsked():
            return _dial(event, agent, crew)
        case WrapUpExtended():
            return _extend(agent, person)
        case DeskTold():
            return None if agent.person_id == event.attempt_id else NOBODY
        case HangUpAsked():
            is_on_the_way = agent.state is AgentState.RINGING
            return None if is_on_the_way or agent.state in IN_CALL else NOBODY
        case DispositionSet():
            return _dispose(event, agent, person, crew)
        case HoldAsked() | MuteAsked() | KeysAsked() | RecordAsked():
            return _in_call(event, agent, person)
        case TransferAsked() | TransferFinished() | TransferCancelled():
            return _transfer(event, agent, person, crew)
        case _:
            return None


def _ready(agent: AgentRun) -> str | None:
    if agent.state is AgentState.AVAILABLE:
        return "already available"
    if agent.state in (AgentState.PAUSED, AgentState.WRAP_UP):
        if agent.browser_lost_at_ms is not None:
            return "the agent's page is not connected"
        if agent.state is AgentState.PAUSED and not agent.phone.is_fit:
            return _phone_words(agent)
        return None
    return None if agent.is_leaving else "already taking calls"


def _phone_words(agent: AgentRun) -> str:
    if agent.phone.state is PhoneState.RINGING:
        return "the phone is ringing; pick it up first"
    why = f" ({agent.phone.note})" if agent.phone.note else ""
    return f"the phone is not connected{why}; have it rung again first"


def _ring(agent: AgentRun) -> str | None:
    if agent.phone.is_per_call:
        return "this phone is rung for each call"
    if agent.phone.state is PhoneState.RINGING:
        return "the phone is ringing already"
    return None if agent.phone.state is PhoneState.DOWN else "the phone is connected"


def _preview(event: PreviewAccepted | PreviewRefused, agent: AgentRun, crew: Crew) -> str | None:
    attempt = crew.work.attempts.get(event.attempt_id)
    is_theirs = agent.state is AgentState.RESERVED and event.attempt_id in agent.calls
    if attempt is None or not is_theirs or not attempt.is_held:
        return "this card is no longer before the agent"
    if isinstance(event, PreviewRefused) or not event.number or event.number == attempt.opened.number:
        return None
    try:
        wanted = number(event.number)
    except ValueError as error:
        return str(error)
    if not any(line.covers(wanted) for line in crew.work.lines_of(crew.work.run_of(attempt))):
        return "no trunk of the campaign carries this number"
    if any(other.opened.number == wanted for other in crew.work.attempts.values()):
        return "this number is being called already"
    return None


def _dial(event: ManualDialAsked, agent: AgentRun, crew: Crew) -> str | None:
    if agent.state is AgentState.WRAP_UP:
        return "finish the card first"
    if agent.state not in (AgentState.AVAILABLE, AgentState.PAUSED):
        return "there is a call already"
    if not agent.phone.is_fit:
        return _phone_words(agent)
    if event.campaign_id not in agent.campaigns:
        return "the agent does not serve this campaign"
    run = crew.work.campaigns.get(event.campaign_id)
    if run is None or run.status is not CampaignStatus.RUNNING:
        return "the campaign is not running"
    if not crew.work.is_up:
        return f"Asterisk cannot be reached: {crew.work.down_reason}"
    if crew.work.is_ending:
        return "the dialer is being stopped"
    if not any(line.carries(event.number) for line in crew.work.lines_of(run)):
        return "no trunk of the campaign carries this number"
    if len(run.on_the_line) + run.stock + len(run.held) >= run.campaign.lines:
        return "all of the campaign's lines are in use"
    return None


def _extend(agent: AgentRun, person: Person | None) -> str | None:
    if agent.state is not AgentState.WRAP_UP or person is None or agent.deadline_ms is None:
        return "there is no wrap-up to extend"
    most = person.plan.max_extensions
    return None if agent.extensions < most else f"wrap-up cannot be extended any more; extensions so far: {most}"


def _dispose(event: DispositionSet, agent: AgentRun, person: Person | None, crew: Crew) -> str | None:
    if person is None or person.id != event.attempt_id or agent.state not in (*IN_CALL, AgentState.WRAP_UP):
        return "this card is no longer before the agent"
    chosen = person.disposition_of(event.code)
    if chosen is None:
        return f"the campaign has no disposition {event.code!r}"
    if chosen.effect is not DispositionEffect.CALLBACK:
        return None
    if event.callback is None:
        return "say when to call back" if event.is_done else None
    return None if event.callback.at_ms > crew.now_ms else "a callback is in the future"


def _in_call(
    event: HoldAsked | MuteAsked | KeysAsked | RecordAsked, agent: AgentRun, person: Person | None
) -> str | None:
    if agent.state not in IN_CALL or person is None:
        return NOBODY
    match event:
        case HoldAsked(is_on=True) if agent.consult is not None:
            return "all three talk; let one go first"
        case HoldAsked(is_on=True):
            return None if person.stage is PersonStage.TALKING else "the person is on hold already"
        case HoldAsked():
            if agent.consult is not None:
                return f"{agent.consult.who} is being consulted; finish or cancel that first"
            return None if person.stage is PersonStage.APART else "the person is not on hold"
        case _ if person.stage is not PersonStage.TALKING:
            return "the person is on hold"
        case KeysAsked():
            return None if _KEYS.fullmatch(event.digits) else "1 to 32 of the keys 0 to 9, * and #"
        case RecordAsked():
            return _record(event, person)
        case _:
            return None


def _transfer(
    event: TransferAsked | TransferFinished | TransferCancelled, agent: AgentRun, person: Person | None, crew: Crew
) -> str | None:
    if agent.state not in IN_CALL or person is None:
        return NOBODY
    consult = agent.consult
    if isinstance(event, TransferAsked):
        if consult is not None:
            return f"{consult.who} is consulted already"
        if person.stage not in (PersonStage.TALKING, PersonStage.APART):
            return "the person is being connected"
        return _target(event, agent, person, crew)
    if consult is None:
        return "nobody is consulted"
    if isinstance(event, TransferCancelled):
        return None
    if not consult.is_up:
        return f"{consult.who} is not there yet"
    if event.is_conference and consult.is_conference:
        return "all three talk already"
    return None if person.is_with_agent else "the person is being connected"


def _target(event: TransferAsked, agent: AgentRun, person: Person, crew: Crew) -> str | None:
    if sum(one is not None for one in (event.to_agent_id, event.to_campaign_id, event.to_number)) != 1:
        return "a person is given to one: an agent, a campaign's queue, or a number"
    if event.to_agent_id is not None:
        other = crew.agents.get(event.to_agent_id)
        if other is agent:
            return "that is you"
        if other is None:
            return "that agent is not signed in"
        return None if other.is_free else f"{other.seat.name} is not available"
    if event.to_campaign_id is not None:
        if event.is_attended:
            return "a queue cannot be consulted; give the person to it at once"
        is_served = any(event.to_campaign_id in one.campaigns for one in crew.agents.values() if one is not agent)
        return None if is_served else "no agent serves that campaign now"
    lines = list(crew.work.lines_of(crew.work.run_of(person.attempt)))
    carrying = [line for line in lines if event.to_number is not None and line.carries(event.to_number)]
    if not carrying:
        return "no trunk of the campaign carries this number"
    return None if any(line.room(crew.now_ms) for line in carrying) else "all lines are in use"


def _record(event: RecordAsked, person: Person) -> str | None:
    match person.plan.recording:
        case RecordingPolicy.NEVER:
            return "this campaign records nobody"
        case RecordingPolicy.ALWAYS:
            return "this campaign records everybody"
        case RecordingPolicy.ON_DEMAND:
            if event.is_on is (bool(person.recording) or person.is_being_told):
                return "it is recorded already" if event.is_on else "it is not recorded"
            return None
