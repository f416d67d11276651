"""The floor's rules on the wire: each is seen to fire on a planted mistake, and to be silent beside it."""

from typing import Any

import pytest

from app.agents import AgentState, DialingMode, RecordingPolicy
from app.commands import PlaceCall
from app.model import Trunk
from app.sim.facts import (
    AgentStepped,
    Answered,
    Asked,
    DialWished,
    DutyBegan,
    DutyEnded,
    Ended,
    Entered,
    Exited,
    Hears,
    OutOfReach,
    PhoneGone,
    PhoneRung,
    Placed,
    Recorded,
    RecordingWished,
    Settled,
    Sound,
    SoundBegan,
    TakenBack,
    WireFact,
    WithinReach,
)
from app.sim.rules import Limits, Rule
from app.sim.wire import WireChecker
from app.units import AgentId, AttemptId, CampaignId, LegId, Number, RoomId, SessionId, TrunkId

T0 = 1_000_000
SHOWN = "+99900001"
ALICE, BOB = AttemptId("alice001"), AttemptId("bob00001")
NUMBERS = {ALICE: Number("+99911111"), BOB: Number("+99922222")}
SALES = CampaignId(7)
ONE, TWO = SessionId("session1"), SessionId("session2")


def room(session: SessionId) -> RoomId:
    return RoomId(f"{session}-room")


def phone(session: SessionId, place: int = 1) -> LegId:
    return LegId(f"{session}-p{place}")


class Floor:
    """A floor on which agents, rooms and calls are as told, right or wrong."""

    def __init__(self, **limits: Any) -> None:
        usual: dict[str, Any] = {
            "lines": 10,
            "calls_per_second": 1_000.0,
            "campaign_id": SALES,
            "mode": DialingMode.PROGRESSIVE,
        }
        self.now_ms = T0
        self.checker = WireChecker(
            trunks={TrunkId("main"): Limits(lines=2, calls_per_second=1_000)},
            campaigns={SHOWN: Limits(**usual | limits)},
        )

    def see(self, *facts: WireFact) -> None:
        for fact in facts:
            self.checker.see(fact)

    def call(self, who: AttemptId) -> None:
        call = PlaceCall(
            attempt_id=who,
            trunk=Trunk(id=TrunkId("main"), endpoint="main"),
            number=NUMBERS[who],
            caller_id=SHOWN,
            ring_timeout_ms=30_000,
            lease_ms=60_000,
            language="en",
        )
        self.see(Asked(at_ms=self.now_ms, call=call), Placed(at_ms=self.now_ms, call=call))

    def answer(self, who: AttemptId) -> None:
        self.see(Answered(at_ms=self.now_ms, attempt_id=who))

    def end(self, who: AttemptId) -> None:
        self.see(Ended(at_ms=self.now_ms, attempt_id=who, sip_code=None, cause=16))

    def hears(self, who: AttemptId, sound: Sound) -> None:
        self.see(Hears(at_ms=self.now_ms, attempt_id=who, sound=sound))

    def enter(self, who: AttemptId, room_id: RoomId) -> None:
        self.see(Entered(at_ms=self.now_ms, room_id=room_id, attempt_id=who))

    def exit(self, who: AttemptId, room_id: RoomId) -> None:
        self.see(Exited(at_ms=self.now_ms, room_id=room_id, attempt_id=who))

    def seat(self, session: SessionId, room_id: RoomId | None = None) -> None:
        self.see(Entered(at_ms=self.now_ms, room_id=room_id or room(session), leg_id=phone(session)))

    def step(self, session: SessionId, state: AgentState | None, campaign_id: CampaignId | None = SALES) -> None:
        agent_id = AgentId(1 if session == ONE else 2)
        self.see(
            AgentStepped(at_ms=self.now_ms, agent_id=agent_id, session_id=session, state=state, campaign_id=campaign_id)
        )

    def reserve(self, session: SessionId) -> None:
        self.see(DutyBegan(at_ms=self.now_ms, session_id=session))
        self.step(session, AgentState.RESERVED)

    @property
    def rules(self) -> set[Rule]:
        return {found.rule for found in self.checker.violations}


# --- an agent is with one person, a person in one room ---------------------------------------------------------------


def test_an_agent_with_one_person_after_the_other_is_fine() -> None:
    floor = Floor()
    floor.seat(ONE)
    for who in (ALICE, BOB):
        floor.enter(who, room(ONE))
        floor.exit(who, room(ONE))
    assert not floor.rules


def test_two_people_in_one_room() -> None:
    floor = Floor()
    floor.enter(ALICE, room(ONE))
    floor.enter(BOB, room(ONE))
    assert floor.rules == {Rule.AGENT_TWICE}


def test_an_agent_consulted_in_anothers_room_while_somebody_is_in_their_own() -> None:
    floor = Floor()
    floor.seat(ONE)
    floor.enter(ALICE, room(ONE))
    floor.seat(TWO, room(ONE))
    assert not floor.rules
    floor.enter(BOB, room(TWO))
    assert floor.rules == {Rule.AGENT_TWICE}


def test_an_agent_with_two_phones_in_two_calls() -> None:
    floor = Floor()
    floor.enter(ALICE, RoomId("x-room"))
    floor.enter(BOB, RoomId("y-room"))
    floor.see(Entered(at_ms=T0, room_id=RoomId("x-room"), leg_id=phone(ONE, 1)))
    assert not floor.rules
    floor.see(Entered(at_ms=T0, room_id=RoomId("y-room"), leg_id=phone(ONE, 2)))
    assert floor.rules == {Rule.AGENT_TWICE}


def test_a_supervisor_who_barges_in_is_no_second_agent() -> None:
    floor = Floor()
    floor.seat(ONE)
    floor.enter(ALICE, room(ONE))
    floor.see(Entered(at_ms=T0, room_id=room(ONE), leg_id=LegId("boss0001-s1")))
    assert not floor.rules


def test_a_person_in_two_rooms() -> None:
    floor = Floor()
    floor.enter(ALICE, room(ONE))
    floor.exit(ALICE, room(ONE))
    floor.enter(ALICE, room(TWO))
    assert not floor.rules
    floor.enter(ALICE, room(ONE))
    assert floor.rules == {Rule.PERSON_TWICE}


# --- silence ---------------------------------------------------------------------------------------------------------


def answered(**limits: Any) -> Floor:
    floor = Floor(**limits)
    floor.reserve(ONE)
    floor.call(ALICE)
    floor.answer(ALICE)
    return floor


@pytest.mark.parametrize("sound", [Sound.PROMPT, Sound.MUSIC, Sound.COMPANY])
def test_a_person_for_an_agent_hears_something_within_two_seconds_of_the_answer(sound: Sound) -> None:
    for after_ms, expected in ((2_000, set()), (2_001, {Rule.SILENCE})):
        floor = answered()
        floor.now_ms += after_ms
        floor.hears(ALICE, sound)
        assert floor.rules == expected


def test_a_person_for_an_agent_is_never_left_in_silence_later_either() -> None:
    for after_ms, expected in ((2_000, set()), (2_001, {Rule.SILENCE})):
        floor = answered()
        floor.hears(ALICE, Sound.COMPANY)
        floor.now_ms += 60_000
        floor.hears(ALICE, Sound.SILENCE)
        floor.now_ms += after_ms
        floor.end(ALICE)
        assert floor.rules == expected


def test_a_flow_without_agents_may_be_silent_once_it_was_heard() -> None:
    floor = answered(mode=DialingMode.BROADCAST)
    floor.see(SoundBegan(at_ms=T0, attempt_id=ALICE))
    floor.hears(ALICE, Sound.PROMPT)
    floor.hears(ALICE, Sound.SILENCE)
    floor.now_ms += 60_000
    floor.end(ALICE)
    assert not floor.rules


def test_silence_while_asterisk_is_out_of_reach_does_not_count_on_the_floor_either() -> None:
    floor = answered()
    floor.hears(ALICE, Sound.COMPANY)
    floor.hears(ALICE, Sound.SILENCE)
    floor.see(OutOfReach(at_ms=T0 + 500), WithinReach(at_ms=T0 + 10_500))
    floor.now_ms += 12_000
    floor.hears(ALICE, Sound.MUSIC)
    assert not floor.rules


# --- no call without an agent ----------------------------------------------------------------------------------------


def test_a_progressive_call_for_a_reserved_agent_is_fine_and_without_one_is_not() -> None:
    floor = Floor()
    floor.reserve(ONE)
    floor.call(ALICE)
    assert not floor.rules
    floor = Floor()
    floor.call(ALICE)
    assert floor.rules == {Rule.NO_AGENT}


@pytest.mark.parametrize(
    "state", [AgentState.AVAILABLE, AgentState.PAUSED, AgentState.TALKING, AgentState.WRAP_UP, None]
)
def test_an_agent_who_is_not_reserved_is_nobody_to_call_for(state: AgentState | None) -> None:
    floor = Floor()
    floor.reserve(ONE)
    floor.step(ONE, state)
    floor.call(ALICE)
    assert floor.rules == {Rule.NO_AGENT}


def test_an_agent_who_asked_for_no_more_calls_is_nobody_to_call_for_whatever_the_dialer_says() -> None:
    floor = Floor()
    floor.reserve(ONE)
    floor.see(DutyEnded(at_ms=T0, session_id=ONE))
    floor.call(ALICE)
    assert floor.rules == {Rule.NO_AGENT}


def test_an_agent_reserved_for_another_campaign_is_nobody_to_call_for() -> None:
    floor = Floor()
    floor.reserve(ONE)
    floor.step(ONE, AgentState.RESERVED, CampaignId(8))
    floor.call(ALICE)
    assert floor.rules == {Rule.NO_AGENT}


def test_an_agent_with_somebody_in_their_room_is_nobody_to_call_for() -> None:
    floor = Floor()
    floor.reserve(ONE)
    floor.enter(BOB, room(ONE))
    floor.call(ALICE)
    assert floor.rules == {Rule.NO_AGENT}


def test_one_agent_is_called_for_as_often_as_the_campaign_says() -> None:
    for lines_per_agent, expected in ((2, set()), (1, {Rule.NO_AGENT})):
        floor = Floor(lines_per_agent=lines_per_agent)
        floor.reserve(ONE)
        floor.call(ALICE)
        floor.call(BOB)
        assert floor.rules == expected


@pytest.mark.parametrize("over", ["end", "taken back", "with an agent", "in the queue"])
def test_a_call_that_needs_no_agent_any_more_does_not_count(over: str) -> None:
    floor = Floor()
    floor.reserve(ONE)
    floor.call(ALICE)
    if over == "end":
        floor.end(ALICE)
    elif over == "taken back":
        floor.see(TakenBack(at_ms=T0, attempt_id=ALICE))
    else:
        floor.hears(ALICE, Sound.COMPANY if over == "with an agent" else Sound.MUSIC)
    floor.call(BOB)
    assert not floor.rules


def test_a_call_that_was_answered_a_moment_ago_is_still_on_its_way() -> None:
    floor = Floor()
    floor.reserve(ONE)
    floor.call(ALICE)
    floor.answer(ALICE)
    floor.hears(ALICE, Sound.SILENCE)
    floor.call(BOB)
    assert floor.rules == {Rule.NO_AGENT}


def test_a_preview_is_dialed_once_it_was_accepted_and_once_only() -> None:
    floor = Floor(mode=DialingMode.PREVIEW)
    floor.see(DialWished(at_ms=T0, agent_id=AgentId(1), attempt_id=ALICE))
    floor.call(ALICE)
    assert not floor.rules
    floor.call(BOB)
    assert floor.rules == {Rule.NO_AGENT}


@pytest.mark.parametrize("mode", [DialingMode.MANUAL, DialingMode.PREVIEW, DialingMode.PROGRESSIVE])
def test_a_number_dialed_by_hand_is_dialed_once(mode: DialingMode) -> None:
    floor = Floor(mode=mode)
    floor.see(DialWished(at_ms=T0, agent_id=AgentId(1), number=NUMBERS[ALICE]))
    floor.call(ALICE)
    assert not floor.rules
    floor.end(ALICE)
    floor.call(BOB)
    assert floor.rules == {Rule.NO_AGENT}


def test_third_parties_take_lines_of_their_trunk_and_are_not_called_against_the_list() -> None:
    floor = Floor()
    floor.checker.add_dnc(NUMBERS[BOB])

    def dial(leg: str, number: Number) -> None:
        trunk_id = TrunkId("main")
        floor.see(PhoneRung(at_ms=T0, leg_id=LegId(leg), endpoint="main", trunk_id=trunk_id, number=number))

    dial("session1-c1", NUMBERS[ALICE])
    dial("session1-c2", NUMBERS[ALICE])
    assert not floor.rules
    dial("session1-c3", NUMBERS[ALICE])
    assert floor.rules == {Rule.TRUNK_LINES}
    floor = Floor()
    floor.checker.add_dnc(NUMBERS[BOB])
    dial("session1-c1", NUMBERS[ALICE])
    dial("session1-c2", NUMBERS[ALICE])
    floor.see(PhoneGone(at_ms=T0, leg_id=LegId("session1-c1")))
    dial("session1-c3", NUMBERS[BOB])
    assert floor.rules == {Rule.DNC_CALLED}


# --- after the end, and recordings -----------------------------------------------------------------------------------


@pytest.mark.parametrize("over", ["the call", "the attempt"])
def test_nobody_is_connected_after_the_end(over: str) -> None:
    floor = answered()
    floor.enter(ALICE, room(ONE))
    floor.exit(ALICE, room(ONE))
    assert not floor.rules
    if over == "the call":
        floor.end(ALICE)
    else:
        floor.see(Settled(at_ms=T0, attempt_id=ALICE))
    floor.enter(ALICE, room(ONE))
    assert floor.rules == {Rule.AFTER_END}


def test_an_attempt_is_not_settled_while_somebody_talks() -> None:
    floor = answered()
    floor.enter(ALICE, room(ONE))
    floor.see(Settled(at_ms=T0, attempt_id=ALICE))
    assert floor.rules == {Rule.AFTER_END}


@pytest.mark.parametrize(
    ("policy", "wishes", "expected"),
    [
        (RecordingPolicy.NEVER, [], {Rule.RECORDED}),
        (RecordingPolicy.NEVER, [True], {Rule.RECORDED}),
        (RecordingPolicy.ON_DEMAND, [], {Rule.RECORDED}),
        (RecordingPolicy.ON_DEMAND, [True], set()),
        (RecordingPolicy.ON_DEMAND, [True, False], {Rule.RECORDED}),
        (RecordingPolicy.ALWAYS, [], set()),
    ],
)
def test_what_is_recorded_follows_the_policy(policy: RecordingPolicy, wishes: list[bool], expected: set[Rule]) -> None:
    floor = answered(recording=policy)
    floor.enter(ALICE, room(ONE))
    for is_on in wishes:
        floor.see(RecordingWished(at_ms=T0, room_id=room(ONE), is_on=is_on))
    floor.see(Recorded(at_ms=T0, attempt_id=ALICE, room_id=room(ONE), name=f"{ALICE}-talk"))
    assert floor.rules == expected


def test_a_wish_to_record_is_for_one_person() -> None:
    floor = answered(recording=RecordingPolicy.ON_DEMAND)
    floor.enter(ALICE, room(ONE))
    floor.see(RecordingWished(at_ms=T0, room_id=room(ONE), is_on=True))
    floor.exit(ALICE, room(ONE))
    floor.enter(BOB, room(ONE))
    floor.see(Recorded(at_ms=T0, attempt_id=BOB, room_id=room(ONE), name=f"{BOB}-talk"))
    assert floor.rules == {Rule.RECORDED}


def test_a_recording_bears_its_attempts_name() -> None:
    floor = answered(recording=RecordingPolicy.ALWAYS)
    floor.see(Recorded(at_ms=T0, attempt_id=ALICE, room_id=room(ONE), name="talk"))
    assert floor.rules == {Rule.RECORDED}
