"""Supervisors who listen to an agent, whisper to them, or join the call: one phone each, switched with keys."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Final

from app.agent_commands import ConnectPhone, HangUpPhone, LogSupervision, PartPhone, RingPhone, Spy, StopSpying
from app.agent_events import SupervisionAsked
from app.agents import TALK_LEASE_MS, SpyMode
from app.dialing.crew import Crew
from app.units import SECOND_MS, AgentId, LegId, RoomId

RING_MS: Final = 30 * SECOND_MS
"""How long a supervisor's phone rings."""
KEYS: Final = {"4": SpyMode.LISTEN, "5": SpyMode.WHISPER, "6": SpyMode.BARGE}


@dataclass(slots=True, kw_only=True)
class Spying:
    """One supervisor. target: the agent's leg they hear; room_id: the room they are in.

    heard_ms: how long they have listened to this agent in each mode; mode_since_ms: in the present one, while up.
    """

    leg_id: LegId
    name: str
    agent_id: AgentId
    mode: SpyMode
    is_up: bool = False
    has_failed: bool = False
    target: tuple[LegId, SpyMode] | None = None
    room_id: RoomId | None = None
    heard_ms: dict[SpyMode, int] = field(default_factory=dict)
    mode_since_ms: int = 0

    def count(self, now_ms: int) -> None:
        """Count the time in the present mode, which ends or goes on."""
        if self.is_up:
            self.heard_ms[self.mode] = self.heard_ms.get(self.mode, 0) + now_ms - self.mode_since_ms
        self.mode_since_ms = now_ms


class Supervision:
    """All of them."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._spies: dict[AgentId, Spying] = {}
        self._legs: dict[LegId, AgentId] = {}

    def ask(self, event: SupervisionAsked) -> None:
        """A supervisor wants to hear an agent, or hear them in another way."""
        spying = self._spies.get(event.supervisor_id)
        if spying is None:
            spying = Spying(leg_id=event.leg_id, name=event.supervisor_name, agent_id=event.agent_id, mode=event.mode)
            self._spies[event.supervisor_id] = spying
            self._legs[event.leg_id] = event.supervisor_id
            self._crew.do(
                RingPhone(
                    leg_id=event.leg_id,
                    endpoint=event.endpoint,
                    shown_name=self._crew.agents[event.agent_id].seat.name,
                    shown_number="",
                    ring_timeout_ms=RING_MS,
                    lease_ms=TALK_LEASE_MS,
                    has_auto_answer=True,
                )
            )
        else:
            self._crew.changed.add(spying.agent_id)
            if spying.agent_id == event.agent_id:
                spying.count(self._crew.now_ms)
            else:
                self._log(event.supervisor_id, spying)
            spying.agent_id, spying.mode = event.agent_id, event.mode
        self._crew.changed.add(spying.agent_id)
        self._tune(spying)

    def end(self, supervisor_id: AgentId) -> None:
        """A supervisor leaves."""
        spying = self._spies.pop(supervisor_id, None)
        if spying is not None:
            del self._legs[spying.leg_id]
            self._crew.changed.add(spying.agent_id)
            self._log(supervisor_id, spying)
            self._crew.do(HangUpPhone(leg_id=spying.leg_id))

    def keep(self, live: Container[LegId]) -> None:
        """Asterisk says which legs live: supervisors whose phone is not among them are gone."""
        for leg_id in [one for one in self._legs if one not in live]:
            self.ended(leg_id)
        self.keep_up()  # what was wanted while nothing could be asked

    def owns(self, leg_id: LegId) -> bool:
        """Whether a leg is a supervisor's phone."""
        return leg_id in self._legs

    def answered(self, leg_id: LegId) -> None:
        """A supervisor picked up."""
        spying = self._spies[self._legs[leg_id]]
        spying.is_up, spying.mode_since_ms = True, self._crew.now_ms
        self._tune(spying)

    def ended(self, leg_id: LegId) -> None:
        """A supervisor hung up, or did not answer."""
        supervisor_id = self._legs.pop(leg_id)
        spying = self._spies.pop(supervisor_id)
        self._crew.changed.add(spying.agent_id)
        self._log(supervisor_id, spying)

    def failed(self, leg_id: LegId) -> None:
        """They could not hear whom they wanted: once more, and then they are let go."""
        spying = self._spies[self._legs[leg_id]]
        if spying.has_failed:
            self.end(self._legs[leg_id])
        spying.has_failed = True
        spying.target = spying.room_id = None

    def pressed(self, leg_id: LegId, digit: str) -> None:
        """A supervisor switches with a key."""
        spying = self._spies[self._legs[leg_id]]
        if digit in KEYS and spying.mode is not KEYS[digit]:
            spying.count(self._crew.now_ms)
            spying.mode = KEYS[digit]
            self._crew.changed.add(spying.agent_id)
            self._tune(spying)

    def keep_up(self) -> None:
        """Agents' phones come, go, and change rooms: whoever listens goes along."""
        for supervisor_id, spying in list(self._spies.items()):
            if spying.agent_id in self._crew.agents:
                self._tune(spying)
            else:
                self.end(supervisor_id)

    def of(self, agent_id: AgentId) -> tuple[tuple[str, SpyMode], ...]:
        """Who listens to an agent, and how."""
        return tuple((spying.name, spying.mode) for spying in self._spies.values() if spying.agent_id == agent_id)

    def _log(self, supervisor_id: AgentId, spying: Spying) -> None:
        """They hear this agent no more: whom, and how long in which mode, is written down."""
        spying.count(self._crew.now_ms)
        heard_ms, spying.heard_ms = tuple(spying.heard_ms.items()), {}
        self._crew.do(
            LogSupervision(
                supervisor_id=supervisor_id,
                supervisor_name=spying.name,
                agent_id=spying.agent_id,
                heard_ms=heard_ms,
                ended_at_ms=self._crew.now_ms,
            )
        )

    def _tune(self, spying: Spying) -> None:
        """Put the supervisor's phone where it is wanted, if it is up and the agent's is."""
        crew = self._crew
        agent = crew.agents.get(spying.agent_id)
        leg_id = None if agent is None or not agent.phone.is_up else agent.phone.leg_id
        if not spying.is_up or not crew.work.is_up:
            return
        is_barging = spying.mode is SpyMode.BARGE
        room_id = agent.phone.room_id if agent is not None and leg_id is not None and is_barging else None
        target = (leg_id, spying.mode) if leg_id is not None and not is_barging else None
        if spying.room_id is not None and spying.room_id != room_id:
            crew.do(PartPhone(leg_id=spying.leg_id, room_id=spying.room_id))
        if spying.target is not None and (target is None or target[0] != spying.target[0]):
            crew.do(StopSpying(leg_id=spying.leg_id))
        if target is not None and target != spying.target:
            crew.do(Spy(leg_id=spying.leg_id, target=target[0], mode=target[1]))
        if room_id is not None and spying.room_id != room_id:
            crew.do(ConnectPhone(leg_id=spying.leg_id, room_id=room_id))
        spying.room_id, spying.target = room_id, target
