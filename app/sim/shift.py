"""A shift of robots: agents with their phones, a supervisor who listens in; the wire is told what they wish for."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from app.agent_events import (
    AgentJoined,
    AgentPaused,
    AgentRequest,
    AgentSignedIn,
    AgentSignedOut,
    AgentWentReady,
    HangUpAsked,
    ManualDialAsked,
    PreviewAccepted,
    RecordAsked,
    SupervisionAsked,
    SupervisionEnded,
)
from app.agents import DEFAULT_DISPOSITIONS, PhoneMode, Seat, SpyMode
from app.dialing.snapshot import AgentPicture
from app.events import Event
from app.model import Campaign
from app.sim.facts import DialWished, DutyBegan, DutyEnded, LifeBegan, Observer, RecordingWished
from app.sim.handsets import PhoneHabit
from app.sim.legs import Legs
from app.sim.robots import ALWAYS, Deed, Hours, RobotAgent, endpoint_of
from app.sim.temper import Temper
from app.sim.wishes import BREAKS, Surroundings
from app.units import MINUTE_MS, SECOND_MS, AgentId, CampaignId, LegId, Number, RoomId, SessionId

BOSS: Final = AgentId(9_000)
BOSS_PHONE: Final = "boss"
FIRST_AGENT: Final = 101
LISTENS_MS: Final = 5 * MINUTE_MS
"""How long a supervisor leaves the floor alone, about."""
FORCES: Final = 0.15
"""How often a supervisor who looks at the floor steps in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftPlan:
    """Who works. per_call: share of agents whose phone is rung for each person; misses: share of rings nobody hears.

    numbers: to be dialed by hand, each with the number its campaign shows. outside: of third parties, for transfers.
    hours: when agents work; always, where nothing is said. serves_all: everybody serves every campaign.
    tempers: of those who are not as all others.
    """

    agents: int
    temper: Temper = field(default_factory=Temper)
    per_call: float = 0.3
    misses: float = 0.05
    has_supervisor: bool = True
    numbers: tuple[tuple[str, Number], ...] = ()
    outside: tuple[Number, ...] = ()
    hours: Mapping[AgentId, Hours] = field(default_factory=dict)
    serves_all: bool = False
    tempers: Mapping[AgentId, Temper] = field(default_factory=dict)

    @property
    def ids(self) -> list[AgentId]:
        """The agents' ids."""
        return [AgentId(FIRST_AGENT + place) for place in range(self.agents)]

    @property
    def phones(self) -> dict[str, PhoneHabit]:
        """The phones of the floor, by endpoint."""
        habit = PhoneHabit(auto_answer_ms=60, misses=self.misses)
        slow = PhoneHabit(answer_ms=1_500, misses=self.misses)
        found = {endpoint_of(agent_id): slow if agent_id % 4 == 0 else habit for agent_id in self.ids}
        return found | ({BOSS_PHONE: slow} if self.has_supervisor else {})


PictureOf = Callable[[AgentId], AgentPicture | None]
Refusal = Callable[[AgentRequest], str | None]


class SessionDesk(Protocol):
    """Where sessions are kept on disk, as the panel's verbs keep them."""

    def sign_in(self, seat: Seat, campaigns: Sequence[CampaignId]) -> bool:
        """Begin a session; False where the agent or the phone has one that goes on."""

    def serve(self, session_id: SessionId, campaigns: Sequence[CampaignId]) -> None:
        """The agent serves these from now on; nothing happens where the session is over."""


class Shift:
    """All robots of a world. `see` shows them their desks, `due` gives what they ask for now."""

    def __init__(
        self,
        plan: ShiftPlan,
        *,
        seed: int,
        campaigns: Sequence[Campaign],
        desk: SessionDesk,
        legs: Legs,
        on_wire: Observer,
    ) -> None:
        self.refused = 0
        """Requests that made no sense when they were made."""
        self._rng = random.Random(f"shift {seed}")
        self._around = Surroundings(
            dispositions=DEFAULT_DISPOSITIONS,
            modes={campaign.id: campaign.mode for campaign in campaigns},
            agents=plan.ids,
            numbers=[
                (campaign.id, number)
                for shown, number in plan.numbers
                for campaign in campaigns
                if campaign.caller_id == shown
            ],
            outside=plan.outside,
        )
        self._robots = {
            agent_id: RobotAgent(
                agent_id,
                plan.tempers.get(agent_id, plan.temper),
                self._around,
                random.Random(f"robot {seed} {agent_id}"),
                plan.hours.get(agent_id, ALWAYS),
            )
            for agent_id in plan.ids
        }
        self._phone_modes = {
            agent_id: PhoneMode.PER_CALL if self._rng.random() < plan.per_call else PhoneMode.NAILED_UP
            for agent_id in plan.ids
        }
        self._stem = f"r{seed % 10**6:06d}"
        self._used = 0
        self._desk = desk
        self._now: dict[AgentId, SessionId] = {}
        self._legs = legs
        self._on_wire = on_wire
        self._boss_at_ms: int | None = None
        self._has_boss = plan.has_supervisor
        self._serves_all = plan.serves_all
        self._is_listening = False
        self._is_to_look = True

    # --- the desks ---------------------------------------------------------------------------------------------------

    def see(self, changed: Iterable[AgentId], picture_of: PictureOf, now_ms: int) -> None:
        """Let the robots whose desk has changed look at it; all of them when they were told to."""
        ids = sorted(self._robots) if self._is_to_look else sorted(set(changed) & self._robots.keys())
        if self._is_to_look and self._has_boss and self._boss_at_ms is None:
            self._boss_at_ms = now_ms + LISTENS_MS // 5
        self._is_to_look = False
        for agent_id in ids:
            picture = picture_of(agent_id)
            self._robots[agent_id].see(picture, now_ms)
            if picture is None:
                self._now.pop(agent_id, None)
            else:
                self._now[agent_id] = picture.session_id

    def look_again(self, now_ms: int) -> None:
        """The dialer is another: everybody looks at their desk when it is there.

        What was asked for after the call died with the one before, and the desks show it no more: whoever is in a call
        is on duty, as far as anybody knows.
        """
        self._on_wire(LifeBegan(at_ms=now_ms))
        for session_id in self._now.values():
            self._on_wire(DutyBegan(at_ms=now_ms, session_id=session_id))
        self._is_to_look = True
        self._is_listening = False
        for robot in self._robots.values():
            robot.forget()

    def close(self) -> None:
        """The shift is over: everybody finishes what they are at and signs out."""
        if not self._around.is_closing:
            self._around.is_closing = True
            self._boss_at_ms = None
            self._is_to_look = True

    @property
    def is_gone(self) -> bool:
        """Nobody is signed in."""
        return not self._now and not self._is_to_look

    @property
    def is_closing(self) -> bool:
        """Whether the shift is over."""
        return self._around.is_closing

    @property
    def has_numbers(self) -> bool:
        """Whether numbers are left to be dialed by hand."""
        return bool(self._around.numbers)

    # --- time --------------------------------------------------------------------------------------------------------

    def next_ms(self) -> int | None:
        """When somebody does something next."""
        moments = [robot.next_ms() for robot in self._robots.values()] + [self._boss_at_ms]
        return min((moment for moment in moments if moment is not None), default=None)

    def due(self, now_ms: int, refusal: Refusal) -> list[Event]:
        """What is asked of the dialer now; what is done with phones is done."""
        asked: list[Event] = []
        for robot in self._robots.values():
            for deed in robot.due(now_ms):
                asked += self._do(robot, deed, now_ms, refusal)
        if self._boss_at_ms is not None and self._boss_at_ms <= now_ms:
            forced = self._force(refusal, now_ms)
            asked += self._listen(now_ms) if forced is None else [forced]
        return asked

    def _do(self, robot: RobotAgent, deed: Deed, now_ms: int, refusal: Refusal) -> list[Event]:
        if deed.with_phone is not None:
            deed.with_phone(self._legs)
        if deed.signs_in:
            return self._sign_in(robot.agent_id)
        if deed.request is None:
            return []
        if isinstance(deed.request, AgentJoined) and robot.agent_id in self._now:
            self._desk.serve(self._now[robot.agent_id], deed.request.campaigns)
        is_refused = refusal(deed.request) is not None
        self.refused += is_refused
        self._tell_wire(deed.request, now_ms, is_refused=is_refused)
        return [deed.request]

    def _sign_in(self, agent_id: AgentId) -> list[Event]:
        self._used += 1
        seat = Seat(
            agent_id=agent_id,
            session_id=SessionId(f"{self._stem}{self._used:05d}"),
            name=f"Robot {agent_id}",
            endpoint=endpoint_of(agent_id),
            phone_mode=self._phone_modes[agent_id],
            skill=agent_id % 3,
        )
        share = 1.0 if self._serves_all else 0.9
        served = [campaign_id for campaign_id in self._around.modes if self._rng.random() < share]
        campaigns = tuple(served or list(self._around.modes))
        return [AgentSignedIn(seat=seat, campaigns=campaigns)] if self._desk.sign_in(seat, campaigns) else []

    def _tell_wire(self, request: AgentRequest, now_ms: int, *, is_refused: bool) -> None:
        """This is what the agent wants. What is refused now may be granted when its turn comes a moment later, so only
        what they want no more of is not told then."""
        session_id = self._now.get(request.agent_id)
        is_less = isinstance(request, AgentPaused | AgentSignedOut) or (
            isinstance(request, RecordAsked) and not request.is_on
        )
        if session_id is None or (is_refused and is_less):
            return
        match request:
            case AgentWentReady():
                self._on_wire(DutyBegan(at_ms=now_ms, session_id=session_id))
            case AgentPaused() | AgentSignedOut():
                self._on_wire(DutyEnded(at_ms=now_ms, session_id=session_id))
            case PreviewAccepted():
                self._on_wire(DialWished(at_ms=now_ms, agent_id=request.agent_id, attempt_id=request.attempt_id))
            case ManualDialAsked():
                self._on_wire(DialWished(at_ms=now_ms, agent_id=request.agent_id, number=request.number))
            case RecordAsked():
                room_id = RoomId(f"{session_id}-room")
                self._on_wire(RecordingWished(at_ms=now_ms, room_id=room_id, is_on=request.is_on))
            case _:
                pass

    # --- the supervisor ----------------------------------------------------------------------------------------------

    def _force(self, refusal: Refusal, now_ms: int) -> AgentRequest | None:
        """Now and then: send somebody home or into a break, or end their call; None: not now."""
        if not self._now or self._rng.random() > FORCES:
            return None
        self._boss_at_ms = now_ms + self._rng.randint(5 * SECOND_MS, LISTENS_MS)
        agent_id = self._rng.choice(sorted(self._now))
        request: AgentRequest = self._rng.choice(
            (
                AgentPaused(agent_id=agent_id, reason=self._rng.choice(BREAKS), by="Boss"),
                AgentSignedOut(agent_id=agent_id, by="Boss"),
                HangUpAsked(agent_id=agent_id, by="Boss", reason="it was time"),
            )
        )
        self._tell_wire(request, now_ms, is_refused=refusal(request) is not None)
        return request

    def _listen(self, now_ms: int) -> list[Event]:
        """Listen to somebody, in one way or another, or leave them alone."""
        self._boss_at_ms = now_ms + self._rng.randint(5 * SECOND_MS, LISTENS_MS)
        if not self._now or (self._is_listening and self._rng.random() < 0.4):
            self._is_listening = False
            return [SupervisionEnded(supervisor_id=BOSS)]
        self._is_listening = True
        self._used += 1
        return [
            SupervisionAsked(
                supervisor_id=BOSS,
                supervisor_name="Boss",
                agent_id=self._rng.choice(sorted(self._now)),
                endpoint=BOSS_PHONE,
                mode=self._rng.choice(list(SpyMode)),
                leg_id=LegId(f"{self._stem}{self._used:05d}-s1"),
            )
        ]
