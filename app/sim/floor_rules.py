"""The floor's part of the checker on the wire: agents, rooms, recordings, and calls that want an agent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from app.agents import AgentState, DialingMode, RecordingPolicy
from app.commands import PlaceCall
from app.sim.facts import (
    AgentStepped,
    DialWished,
    DutyBegan,
    DutyEnded,
    Ended,
    Entered,
    Exited,
    Hears,
    LifeBegan,
    Placed,
    Recorded,
    RecordingWished,
    Settled,
    Sound,
    TakenBack,
    WireFact,
)
from app.sim.rules import Limits, Rule
from app.units import AgentId, AttemptId, LegId, Number, RoomId, SessionId

Violate = Callable[[Rule, int, str], None]
RESERVED: Final = frozenset({AgentState.RESERVED, AgentState.RINGING})
"""The states of an agent for whom calls are placed."""
_ROOM: Final = "-room"


@dataclass(slots=True, eq=False)
class _Room:
    persons: set[AttemptId] = field(default_factory=set)
    legs: set[LegId] = field(default_factory=set)


class FloorRules:
    """Takes every fact, in order of time; tells each breach once. campaigns: limits by the number shown."""

    def __init__(self, campaigns: Mapping[str, Limits], violate: Violate) -> None:
        self._campaigns = campaigns
        self._violate = violate
        self._rooms: defaultdict[RoomId, _Room] = defaultdict(_Room)
        self._where: dict[AttemptId, RoomId] = {}
        self._over: set[AttemptId] = set()
        self._calls: dict[AttemptId, PlaceCall] = {}
        self._pending: dict[
            AttemptId, str
        ] = {}  # calls on their way to an agent, with the number they show; not who waits for any
        self._on_duty: set[SessionId] = set()
        self._stepped: dict[AgentId, AgentStepped] = {}
        self._accepted: set[AttemptId] = set()
        self._by_hand: set[Number] = set()
        self._wishes_recording: set[RoomId] = set()

    def see(self, fact: WireFact) -> None:
        """Take the next fact; those that are no concern of the floor pass by."""
        match fact:
            case Entered(attempt_id=None) | Exited(attempt_id=None):
                self._see_phone(fact)
            case Entered():
                self._see_entry(fact)
            case Exited():
                self._see_exit(fact)
            case Placed():
                self._see_placed(fact)
            case Ended() | Settled():
                self._see_end(fact)
            case Hears(sound=Sound.SILENCE):
                pass
            case TakenBack() | Hears():
                self._pending.pop(fact.attempt_id, None)
            case LifeBegan():
                self._pending.clear()
            case Recorded():
                self._see_recording(fact)
            case DutyBegan() | DutyEnded() | AgentStepped() | DialWished() | RecordingWished():
                self._see_desk(fact)
            case _:
                pass

    # --- rooms -------------------------------------------------------------------------------------------------------

    def _see_phone(self, fact: Entered | Exited) -> None:
        if fact.leg_id is None:
            return
        if isinstance(fact, Exited):
            self._rooms[fact.room_id].legs.discard(fact.leg_id)
        else:
            self._rooms[fact.room_id].legs.add(fact.leg_id)
            self._check_agents(fact.room_id, fact.at_ms)

    def _see_entry(self, fact: Entered) -> None:
        assert fact.attempt_id is not None
        attempt_id, room_id = fact.attempt_id, fact.room_id
        if attempt_id in self._over:
            self._violate(Rule.AFTER_END, fact.at_ms, f"{attempt_id} came into {room_id}")
        before = self._where.get(attempt_id)
        if before is not None and before != room_id:
            self._violate(Rule.PERSON_TWICE, fact.at_ms, f"{attempt_id} in {before} and {room_id}")
        self._where[attempt_id] = room_id
        self._rooms[room_id].persons.add(attempt_id)
        self._check_agents(room_id, fact.at_ms)

    def _see_exit(self, fact: Exited) -> None:
        assert fact.attempt_id is not None
        self._rooms[fact.room_id].persons.discard(fact.attempt_id)
        if self._where.get(fact.attempt_id) == fact.room_id:
            del self._where[fact.attempt_id]
        if not self._rooms[fact.room_id].persons:
            self._wishes_recording.discard(fact.room_id)

    def _check_agents(self, room_id: RoomId, at_ms: int) -> None:
        """Whoever is in this room now: is any agent with two people, here or elsewhere too?"""
        sessions = {session for leg_id in self._rooms[room_id].legs if (session := _session(leg_id)) is not None}
        sessions.add(SessionId(room_id.removesuffix(_ROOM)))
        for session in sorted(sessions):
            persons = self._with(session)
            if len(persons) > 1:
                self._violate(Rule.AGENT_TWICE, at_ms, f"{session} with {', '.join(sorted(persons))}")

    def _with(self, session: SessionId) -> set[AttemptId]:
        """The people an agent is with: in their own room, and wherever their phones are."""
        own = RoomId(session + _ROOM)
        return {
            person
            for room_id, room in self._rooms.items()
            if room_id == own or any(_session(leg_id) == session for leg_id in room.legs)
            for person in room.persons
        }

    # --- calls -------------------------------------------------------------------------------------------------------

    def _see_placed(self, fact: Placed) -> None:
        call, at_ms = fact.call, fact.at_ms
        self._calls[call.attempt_id] = call
        limits = self._campaigns.get(call.caller_id)
        if limits is None or limits.mode is DialingMode.BROADCAST:
            return
        if call.number in self._by_hand:
            self._by_hand.discard(call.number)
        elif limits.mode is DialingMode.PREVIEW:
            if call.attempt_id not in self._accepted:
                self._violate(Rule.NO_AGENT, at_ms, f"{call.attempt_id} was accepted by nobody")
            self._accepted.discard(call.attempt_id)
        elif limits.mode is DialingMode.PREDICTIVE:
            if not any(self._takes_calls(step) for step in self._stepped.values()):
                self._violate(Rule.NO_AGENT, at_ms, f"{call.attempt_id} while nobody takes calls")
        elif limits.mode is DialingMode.MANUAL:
            self._violate(Rule.NO_AGENT, at_ms, f"{call.attempt_id} was dialed by nobody")
        else:
            self._check_reserved(call, limits, at_ms)

    def _check_reserved(self, call: PlaceCall, limits: Limits, at_ms: int) -> None:
        self._pending[call.attempt_id] = call.caller_id
        pending = sum(shown == call.caller_id for shown in self._pending.values())
        agents = sum(self._may_be_called_for(step, limits) for step in self._stepped.values())
        if pending > agents * limits.lines_per_agent:
            self._violate(
                Rule.NO_AGENT, at_ms, f"{call.attempt_id} is call {pending} for {agents} agents who are reserved"
            )

    def _may_be_called_for(self, step: AgentStepped, limits: Limits) -> bool:
        return (
            step.state in RESERVED
            and step.campaign_id == limits.campaign_id
            and step.session_id in self._on_duty
            and not self._with(step.session_id)
        )

    def _takes_calls(self, step: AgentStepped) -> bool:
        return step.state not in (None, AgentState.PAUSED) and step.session_id in self._on_duty

    def _see_end(self, fact: Ended | Settled) -> None:
        self._over.add(fact.attempt_id)
        self._pending.pop(fact.attempt_id, None)
        if isinstance(fact, Settled) and fact.attempt_id in self._where:
            where = self._where[fact.attempt_id]
            self._violate(Rule.AFTER_END, fact.at_ms, f"{fact.attempt_id} is still in {where}")

    def _see_recording(self, fact: Recorded) -> None:
        call = self._calls.get(fact.attempt_id)
        limits = None if call is None else self._campaigns.get(call.caller_id)
        policy = RecordingPolicy.NEVER if limits is None else limits.recording
        is_wished = policy is RecordingPolicy.ON_DEMAND and fact.room_id in self._wishes_recording
        if policy is not RecordingPolicy.ALWAYS and not is_wished:
            self._violate(Rule.RECORDED, fact.at_ms, f"{fact.attempt_id} in {fact.room_id}: {policy.value}")
        if not fact.name.startswith(fact.attempt_id):
            self._violate(Rule.RECORDED, fact.at_ms, f"{fact.attempt_id} under the name {fact.name}")

    # --- desks -------------------------------------------------------------------------------------------------------

    def _see_desk(self, fact: DutyBegan | DutyEnded | AgentStepped | DialWished | RecordingWished) -> None:
        match fact:
            case DutyBegan():
                self._on_duty.add(fact.session_id)
            case DutyEnded():
                self._on_duty.discard(fact.session_id)
            case AgentStepped():
                self._stepped[fact.agent_id] = fact
            case DialWished(attempt_id=attempt_id, number=number):
                if attempt_id is not None:
                    self._accepted.add(attempt_id)
                if number is not None:
                    self._by_hand.add(number)
            case RecordingWished(is_on=True):
                self._wishes_recording.add(fact.room_id)
            case RecordingWished():
                self._wishes_recording.discard(fact.room_id)


def _session(leg_id: LegId) -> SessionId | None:
    """Whose phone an agent's leg is; None for supervisors and third parties."""
    session, _, kind = leg_id.partition("-")
    return SessionId(session) if kind.startswith("p") else None
