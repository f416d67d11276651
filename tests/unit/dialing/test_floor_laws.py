"""Whatever agents, people, phones and the network do, in whatever order: the floor keeps its laws and comes to an end.

The world checks each command as it is given: no call without a reserved agent, nobody in two rooms, one person to an
agent, no gap in an agent's time, every attempt ended once. What must hold between commands is below.
"""

from __future__ import annotations

from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from app.agent_events import (
    AgentJoined,
    AgentPaused,
    AgentSignedOut,
    AgentWentReady,
    BrowserLost,
    DispositionSet,
    HangUpAsked,
    HoldAsked,
    KeysAsked,
    ManualDialAsked,
    MuteAsked,
    PhoneAsked,
    PhoneKeyPressed,
    PhoneReachable,
    PreviewAccepted,
    PreviewRefused,
    RecordAsked,
    SupervisionAsked,
    SupervisionEnded,
    TransferAsked,
    TransferCancelled,
    TransferFinished,
    WrapUpExtended,
)
from app.agents import (
    AgentPlan,
    AgentState,
    CallbackPlan,
    DialingMode,
    PauseReason,
    PhoneMode,
    RecordingPolicy,
    SpyMode,
)
from app.events import CallAnswered, DigitPressed, PlaybackEnded
from app.ivr.load import load_flow
from app.units import AgentId, AttemptId, CampaignId, LegId, SessionId
from tests.unit.dialing.build import campaign, phone, trunk
from tests.unit.dialing.floor_world import CONNECT, FloorWorld, typed
from tests.unit.dialing.world import Wire

ONE, TWO = CampaignId(1), CampaignId(2)
AGENTS = (1, 2, 3)
PICK = st.integers(0, 1_000)
WHO = st.sampled_from([AgentId(place) for place in AGENTS])
YES = st.booleans()
LUNCH = PauseReason(code="lunch", label="Lunch")
AFTER_TALK = load_flow(
    """
    name: a word after
    start: person
    nodes:
      person: {type: agents, text: "One moment.", next: again, on_none: sorry}
      again: {type: menu, text: "Once more?", keys: {1: person}, repeats: 0}
      sorry: {type: hangup, text: "We call you again."}
    """
)
BUSY = (AgentState.TALKING, AgentState.ON_HOLD)


class FloorLaws(RuleBasedStateMachine):
    """Three agents, one of them with a phone per call; two campaigns that dial for them."""

    def __init__(self) -> None:
        super().__init__()
        self.world = FloorWorld()
        self.sessions = 0
        self.legs = 0

    @initialize(
        mode=st.sampled_from(list(DialingMode)),
        lines=st.sampled_from([1, 2, 3]),
        recording=st.sampled_from(list(RecordingPolicy)),
        flow=st.sampled_from([CONNECT, AFTER_TALK]),
    )
    def begin(self, mode: DialingMode, lines: int, recording: RecordingPolicy, flow: Any) -> None:
        world = self.world
        world.flow = flow
        plan = AgentPlan(lines_per_agent=lines, recording=recording, consent_notice="You are recorded.", priority=1)
        world.set_trunk(trunk("north", lines=6, calls_per_second=50.0))
        world.start(campaign(1, mode=mode, lines=5, calls_per_second=50.0, agents=plan))
        world.start(campaign(2, mode=DialingMode.PROGRESSIVE, lines=3, calls_per_second=50.0))
        world.add_contacts(ONE, *(phone(place) for place in range(8)))
        world.add_contacts(TWO, *(phone(place) for place in range(6, 12)))
        world.owners[phone(3)] = AgentId(2)
        world.connect()
        for place in AGENTS:
            self.an_agent_signs_in(AgentId(place))
            self._ask(AgentWentReady(agent_id=AgentId(place)))
        world.advance(250)

    # --- agents

    def _ask(self, request: Any) -> None:
        """Anything may be asked at any time; what is refused must change nothing but the count."""
        refusal = self.world.dialer.refusal(request)
        before = None if refusal is None else self._pictures()
        self.world.settle()
        if refusal is not None and self.world.dialer.refusal(request) is not None:
            before = self._pictures()
            self.world.inbox.append(request)
            self.world.turn()
            assert self._pictures() == before, f"{request} was refused, and changed something"
        else:
            self.world.inbox.append(request)
        self.world.settle()

    def _pictures(self) -> Any:
        return self.world.dialer.snapshot(self.world.now).agents

    @rule(agent_id=WHO)
    def an_agent_signs_in(self, agent_id: AgentId) -> None:
        if self.world.dialer.agent_picture(agent_id, self.world.now) is not None:
            return
        self.sessions += 1
        mode = PhoneMode.PER_CALL if agent_id == 3 else PhoneMode.NAILED_UP
        session = SessionId(f"session{self.sessions:04d}")
        self.world.sign_in(int(agent_id), 1, 2, session_id=session, phone_mode=mode)

    @rule(agent_id=WHO)
    def an_agent_goes_ready(self, agent_id: AgentId) -> None:
        self._ask(AgentWentReady(agent_id=agent_id))

    @rule(agent_id=WHO, by=st.sampled_from(["", "boss"]))
    def an_agent_is_paused(self, agent_id: AgentId, by: str) -> None:
        self._ask(AgentPaused(agent_id=agent_id, reason=LUNCH, by=by))

    @rule(agent_id=WHO)
    def an_agent_signs_out(self, agent_id: AgentId) -> None:
        self._ask(AgentSignedOut(agent_id=agent_id))

    @rule(agent_id=WHO, served=st.sampled_from([(ONE,), (TWO,), (ONE, TWO), ()]))
    def an_agent_joins_campaigns(self, agent_id: AgentId, served: tuple[CampaignId, ...]) -> None:
        self._ask(AgentJoined(agent_id=agent_id, campaigns=served))

    @rule(agent_id=WHO, is_lost=YES)
    def a_page_is_lost_or_back(self, agent_id: AgentId, is_lost: bool) -> None:
        self._ask(BrowserLost(agent_id=agent_id, is_lost=is_lost))

    @rule(agent_id=WHO)
    def an_agent_wants_the_phone_rung(self, agent_id: AgentId) -> None:
        self._ask(PhoneAsked(agent_id=agent_id))

    def _card(self, agent_id: AgentId) -> AttemptId:
        picture = self.world.dialer.agent_picture(agent_id, self.world.now)
        return AttemptId("attempt00000") if picture is None or picture.card is None else picture.card.attempt_id

    @rule(agent_id=WHO, other=st.sampled_from(["", typed(9), "nonsense"]))
    def an_agent_accepts_the_card(self, agent_id: AgentId, other: str) -> None:
        self.world.numbers_by_choice.add(typed(9))
        self._ask(PreviewAccepted(agent_id=agent_id, attempt_id=self._card(agent_id), number=other))

    @rule(agent_id=WHO, is_closed=YES)
    def an_agent_refuses_the_card(self, agent_id: AgentId, is_closed: bool) -> None:
        self._ask(PreviewRefused(agent_id=agent_id, attempt_id=self._card(agent_id), is_closed=is_closed))

    @rule(agent_id=WHO, campaign_id=st.sampled_from([ONE, TWO]), place=st.integers(1, 4))
    def an_agent_dials_by_hand(self, agent_id: AgentId, campaign_id: CampaignId, place: int) -> None:
        self._ask(ManualDialAsked(agent_id=agent_id, campaign_id=campaign_id, number=typed(place)))

    @rule(agent_id=WHO, by=st.sampled_from(["", "boss"]))
    def an_agents_call_is_hung_up(self, agent_id: AgentId, by: str) -> None:
        self._ask(HangUpAsked(agent_id=agent_id, by=by))

    @rule(agent_id=WHO, is_on=YES)
    def an_agent_holds(self, agent_id: AgentId, is_on: bool) -> None:
        self._ask(HoldAsked(agent_id=agent_id, is_on=is_on))

    @rule(agent_id=WHO, is_on=YES)
    def an_agent_mutes(self, agent_id: AgentId, is_on: bool) -> None:
        self._ask(MuteAsked(agent_id=agent_id, is_on=is_on))

    @rule(agent_id=WHO, is_on=YES)
    def an_agent_records(self, agent_id: AgentId, is_on: bool) -> None:
        self._ask(RecordAsked(agent_id=agent_id, is_on=is_on))

    @rule(agent_id=WHO)
    def an_agent_sends_keys(self, agent_id: AgentId) -> None:
        self._ask(KeysAsked(agent_id=agent_id, digits="12#"))

    @rule(agent_id=WHO, other=WHO, is_attended=YES)
    def an_agent_gives_to_an_agent(self, agent_id: AgentId, other: AgentId, is_attended: bool) -> None:
        self._ask(TransferAsked(agent_id=agent_id, to_agent_id=other, is_attended=is_attended))

    @rule(agent_id=WHO, is_attended=YES)
    def an_agent_gives_to_a_number(self, agent_id: AgentId, is_attended: bool) -> None:
        self._ask(TransferAsked(agent_id=agent_id, to_number=typed(77), is_attended=is_attended))

    @rule(agent_id=WHO)
    def an_agent_gives_to_a_queue(self, agent_id: AgentId) -> None:
        self._ask(TransferAsked(agent_id=agent_id, to_campaign_id=TWO))

    @rule(agent_id=WHO, is_conference=YES)
    def an_agent_finishes_the_transfer(self, agent_id: AgentId, is_conference: bool) -> None:
        self._ask(TransferFinished(agent_id=agent_id, is_conference=is_conference))

    @rule(agent_id=WHO)
    def an_agent_cancels_the_transfer(self, agent_id: AgentId) -> None:
        self._ask(TransferCancelled(agent_id=agent_id))

    @rule(agent_id=WHO, code=st.sampled_from(["success", "callback", "do-not-call", "no-decision"]), is_done=YES)
    def an_agent_says_what_came_of_it(self, agent_id: AgentId, code: str, is_done: bool) -> None:
        plan = CallbackPlan(at_ms=self.world.now + 3_600_000) if code == "callback" else None
        attempt_id = self._card(agent_id)
        self._ask(DispositionSet(agent_id=agent_id, attempt_id=attempt_id, code=code, callback=plan, is_done=is_done))

    @rule(agent_id=WHO)
    def an_agent_wants_more_time(self, agent_id: AgentId) -> None:
        self._ask(WrapUpExtended(agent_id=agent_id))

    # --- supervisors

    @rule(agent_id=WHO, mode=st.sampled_from(list(SpyMode)))
    def a_supervisor_listens(self, agent_id: AgentId, mode: SpyMode) -> None:
        self.legs += 1
        self.world.inbox.append(
            SupervisionAsked(
                supervisor_id=AgentId(90),
                supervisor_name="boss",
                agent_id=agent_id,
                endpoint=f"boss-{self.legs}",
                mode=mode,
                leg_id=LegId(f"supervisor-s{self.legs}"),
            )
        )
        self.world.settle()

    @rule(key=st.sampled_from("456"))
    def a_supervisor_switches(self, key: str) -> None:
        for leg_id, leg in self.world.legs.items():
            if leg.exists and leg.is_up and leg.endpoint.startswith("boss"):
                self.world.tell(PhoneKeyPressed(leg_id=leg_id, digit=key))
        self.world.settle()

    @rule()
    def a_supervisor_leaves(self) -> None:
        self.world.inbox.append(SupervisionEnded(supervisor_id=AgentId(90)))
        self.world.settle()

    # --- phones

    def _leg(self, pick: int, *, is_up: bool | None = None) -> LegId | None:
        found = [one for one, leg in self.world.legs.items() if leg.exists and is_up in (None, leg.is_up)]
        return found[pick % len(found)] if found and self.world.is_connected else None

    @rule(answer=YES)
    def phones_are_answered_at_once_or_not(self, answer: bool) -> None:
        self.world.phones_answer = answer

    @rule(pick=PICK)
    def a_phone_is_picked_up(self, pick: int) -> None:
        if (leg_id := self._leg(pick, is_up=False)) is not None:
            self.world.pick_up(leg_id)

    @rule(pick=PICK)
    def a_phone_is_put_down(self, pick: int) -> None:
        if (leg_id := self._leg(pick)) is not None:
            self.world.put_down(leg_id)

    @rule(agent_id=WHO, is_reachable=YES)
    def a_phone_registers_or_goes(self, agent_id: AgentId, is_reachable: bool) -> None:
        self.world.tell(PhoneReachable(endpoint=f"agent-{agent_id}", is_reachable=is_reachable))
        self.world.settle()

    @rule(pick=PICK)
    def a_room_turns_out_to_be_broken(self, pick: int) -> None:
        rooms = sorted(self.world.rooms)
        if rooms:
            self.world.rooms_that_fail.add(rooms[pick % len(rooms)])

    @rule()
    def rooms_are_mended(self) -> None:
        self.world.rooms_that_fail.clear()

    # --- people

    def _call(self, pick: int) -> tuple[AttemptId, Wire] | None:
        found = [(one, wire) for one, wire in self.world.calls.items() if wire.exists and self.world.is_connected]
        return found[pick % len(found)] if found else None

    @rule(pick=PICK)
    def somebody_answers(self, pick: int) -> None:
        if (found := self._call(pick)) is not None and not found[1].is_up:
            self.world.answer(found[0])

    @rule()
    def two_answer_at_once(self) -> None:
        ringing = [one for one, wire in self.world.calls.items() if wire.exists and not wire.is_up][:2]
        if not self.world.is_connected:
            return
        for attempt_id in ringing:
            wire = self.world.calls[attempt_id]
            wire.is_up = wire.is_in_hand = wire.is_told_in_hand = True
            self.world.tell(CallAnswered(attempt_id=attempt_id))
        self.world.settle()

    @rule(pick=PICK)
    def somebody_hangs_up_or_is_not_reached(self, pick: int) -> None:
        if (found := self._call(pick)) is not None:
            up = found[1].is_up
            self.world.end(found[0], sip_code=None if up else 486, cause=16 if up else 17)
            self.world.settle()

    @rule(pick=PICK)
    def somebody_presses_a_key(self, pick: int) -> None:
        if (found := self._call(pick)) is not None and found[1].is_in_hand:
            self.world.tell(DigitPressed(attempt_id=found[0], digit="1"))
            self.world.settle()

    @rule(end=YES)
    def playbacks_end_at_once_or_later(self, end: bool) -> None:
        self.world.playbacks_end = end

    @rule(has_failed=YES)
    def a_playback_ends(self, has_failed: bool) -> None:
        for attempt_id, wire in self.world.calls.items():
            if wire.exists and wire.playback and self.world.is_connected:
                told = PlaybackEnded(attempt_id=attempt_id, playback_id=wire.playback, has_failed=has_failed)
                wire.playback = ""
                self.world.tell(told)
        self.world.settle()

    # --- the world

    @rule(length_ms=st.sampled_from([1, 100, 500, 2_000, 10_000, 35_000, 61_000, 900_000]))
    def time_passes(self, length_ms: int) -> None:
        self.world.advance(length_ms)

    @rule(is_awake=YES)
    def the_disk_falls_asleep_or_wakes(self, is_awake: bool) -> None:
        self.world.is_disk_awake = is_awake
        self.world.settle()

    @rule(is_new_life=st.sampled_from([False, False, True]), at_once=YES)
    def the_line_breaks(self, is_new_life: bool, at_once: bool) -> None:
        if self.world.is_connected:
            self.world.disconnect()
            self.world.settle()
        if at_once or is_new_life:
            self.world.connect(is_new_life=is_new_life)
            self.world.settle()

    @rule()
    def the_line_is_back(self) -> None:
        if not self.world.is_connected:
            self.world.connect()
            self.world.settle()

    @rule()
    def the_dialer_is_killed_and_started_again(self) -> None:
        self.world.is_disk_awake = True
        self.world.settle()
        self.world.crash()
        self.world.now += 2_000
        self.world.connect()
        self.world.settle()

    @rule(campaign_id=st.sampled_from([ONE, TWO]), how=st.sampled_from(["pause", "stop", "start"]))
    def an_operator_steers(self, campaign_id: CampaignId, how: str) -> None:
        match how:
            case "start":
                self.world.start(self.world.campaigns[campaign_id])
            case "pause":
                self.world.pause(campaign_id)
            case _:
                self.world.stop(campaign_id)
        self.world.settle()

    # --- laws

    @invariant()
    def an_agent_is_in_at_most_one_call_and_says_so(self) -> None:
        if not self.world.is_connected:
            return
        for picture in self._pictures():
            room = self.world.rooms.get(self.world.seats[picture.agent_id].room_id)
            people = set() if room is None else room.people
            assert len(people) <= 1
            if picture.state not in (*BUSY, AgentState.WRAP_UP):
                assert not people, f"{picture.name} is {picture.state.value} with {people} in the room"

    @invariant()
    def the_picture_and_the_log_agree(self) -> None:
        shown = {picture.agent_id: picture.state for picture in self._pictures()}
        assert shown == self.world.states

    @invariant()
    def nobody_who_is_in_hand_hears_nothing(self) -> None:
        """A person in a room, with music, hearing words, or about to be hung up: one of these."""
        world = self.world
        if not world.is_connected or world.inbox:
            return
        for attempt_id, wire in world.calls.items():
            if wire.exists and wire.is_in_hand and not wire.is_hung_up and attempt_id in world.disk.open:
                is_heard = attempt_id in world.where or attempt_id in world.music or wire.playback
                waits = world.dialer.next_deadline_ms()
                assert is_heard or (waits is not None and waits <= world.now + 6_000), f"{attempt_id} hears nothing"

    @invariant()
    def nobody_is_recorded_who_is_not_there(self) -> None:
        world = self.world
        if world.is_connected and not world.inbox:
            for name, room_id in world.recordings.items():
                attempt_id = AttemptId(name.partition("-")[0])
                is_there = world.where.get(attempt_id) == room_id or attempt_id in world.music
                assert is_there, f"something is still recorded: {name}"

    @invariant()
    def nobody_waits_while_an_agent_only_waits_for_an_answer(self) -> None:
        """Whoever is on the line comes before a call that rings: the first agent who could take them does."""
        if not self.world.is_connected or self.world.inbox:
            return
        crew = self.world.dialer._floor.crew
        for agent in crew.agents.values():
            is_there = agent.phone.is_fit and agent.browser_lost_at_ms is None and not agent.is_leaving
            answered = any(crew.work.attempts[one].is_answered for one in agent.calls)
            rings = agent.state is AgentState.RINGING and agent.mode is DialingMode.PROGRESSIVE and not answered
            is_free = agent.state is AgentState.AVAILABLE or (rings and agent.person_id is None and agent.calls)
            if is_there and is_free and agent.consulted_by is None:
                waiting = [crew.first_waiting(campaign_id) for campaign_id in agent.campaigns]
                assert not any(waiting), f"{agent.seat.name} is {agent.state.value}, and {waiting} wait"

    @invariant()
    def nobody_waits_for_ever(self) -> None:
        if not self.world.is_connected:
            return
        for shown in self.world.dialer.snapshot(self.world.now).campaigns:
            assert shown.longest_wait_ms <= 60_000, "somebody waits for ever"

    def teardown(self) -> None:
        """Liveness: agents go home, everything is answered and ends, every attempt is closed exactly once."""
        world = self.world
        if not world.campaigns:
            return
        world.phones_answer = world.playbacks_end = True
        world.rooms_that_fail.clear()
        world.heal()
        for place in AGENTS:
            if world.dialer.agent_picture(AgentId(place), world.now) is not None:
                self._ask(AgentSignedOut(agent_id=AgentId(place)))
        world.inbox.append(SupervisionEnded(supervisor_id=AgentId(90)))
        for campaign_id in (ONE, TWO):
            world.stop(campaign_id)
        for _ in range(60):
            world._answer_everything()
            world.advance(30_000)
            if not world.disk.open and not self._pictures() and not world.writes:
                break
        assert not world.disk.open, f"never closed: {list(world.disk.open)}"
        assert not self._pictures(), "somebody never goes home"
        assert set(world.disk.closed) == {AttemptId(f"attempt{number + 1:05d}") for number in range(world.disk.ids)}
        assert not [one for one, leg in world.legs.items() if leg.exists], "a phone is left connected"
        assert not world.rooms, f"rooms are left: {list(world.rooms)}"
        assert world.dialer.is_at_rest
        assert [shown.lines_used for shown in world.dialer.snapshot(world.now).trunks] == [0]
        for stints in world.stints.values():
            assert stints[-1].until_ms is not None


TestFloorLaws = FloorLaws.TestCase
TestFloorLaws.settings = settings(
    max_examples=settings().max_examples,
    stateful_step_count=60,
    report_multiple_bugs=False,
    phases=[phase for phase in Phase if phase is not Phase.explain],
)
