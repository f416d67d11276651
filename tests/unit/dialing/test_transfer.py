"""Giving a person away with the card: to an agent, a queue, a number outside, at once or after talking with them."""

from __future__ import annotations

from typing import Any

import pytest

from app.agent_events import (
    AgentPaused,
    HangUpAsked,
    HoldAsked,
    RecordAsked,
    TransferAsked,
    TransferCancelled,
    TransferFinished,
)
from app.agents import AgentPlan, AgentState, DialingMode, PauseReason, PhoneMode, RecordingPolicy
from app.events import PlaybackEnded
from app.outcomes import Outcome
from app.units import AgentId, AttemptId, CampaignId, LegId, Number, RoomId
from tests.unit.dialing.build import campaign, phone, trunk
from tests.unit.dialing.floor_world import ONE, FloorWorld, typed

FIRST = AttemptId("attempt00001")
ME, YOU = AgentId(1), AgentId(2)
TWO = CampaignId(2)
MINE, YOURS, OURS = RoomId("session0001-room"), RoomId("session0002-room"), RoomId(f"{FIRST}-room")
MY_PHONE, YOUR_PHONE, PARTY = LegId("session0001-p1"), LegId("session0002-p1"), LegId("session0001-c1")
SHOP = Number("+442079460000")
AVAILABLE, RINGING, PAUSED = AgentState.AVAILABLE, AgentState.RINGING, AgentState.PAUSED
TALKING, ON_HOLD, WRAP_UP = AgentState.TALKING, AgentState.ON_HOLD, AgentState.WRAP_UP


def floor(**changes: Any) -> FloorWorld:
    """Agent 1 talks with the only contact, agent 2 is available."""
    world = FloorWorld()
    world.set_trunk(trunk(lines=2))
    plan = AgentPlan(**{name: changes.pop(name) for name in list(changes) if name in AgentPlan.__slots__})
    world.start(campaign(1, mode=DialingMode.PROGRESSIVE, agents=plan, **changes))
    world.start(campaign(2, mode=DialingMode.MANUAL, name="complaints"))
    world.add_contacts(ONE, phone(0))
    world.connect()
    world.advance(100)
    world.begin(1)
    world.answer(FIRST)
    world.begin(2)
    assert (world.state(1), world.state(2)) == (TALKING, AVAILABLE)
    world.advance(10_000)
    return world


def give(world: FloorWorld, **to: Any) -> None:
    world.ask(TransferAsked(agent_id=ME, **to))


def close(world: FloorWorld, place: int) -> Any:
    """The person hangs up, and the agent finishes the card."""
    world.hang_up(FIRST)
    world.dispose(place)
    found = world.disk.closed[FIRST]
    assert found.outcome is Outcome.CONNECTED_TO_AGENT
    return found.conversation


# --- at once ---------------------------------------------------------------------------------------------------------


def test_an_agent_gets_the_person_with_the_card_at_once() -> None:
    world = floor(recording=RecordingPolicy.ALWAYS)
    give(world, to_agent_id=YOU)
    assert (world.state(1), world.state(2)) == (AVAILABLE, TALKING)
    assert world.where[FIRST] == YOURS
    assert world.shown(1).card is None
    assert world.shown(2).card.attempt_id == FIRST  # type: ignore[union-attr]
    assert world.talked[FIRST] == 2, "who answers for it is written down"
    assert list(world.recordings) == [f"{FIRST}-talk-2"]
    world.advance(5_000)
    talk = close(world, 2)
    assert (talk.agent_id, talk.talk_ms, talk.transfers) == (YOU, 15_000, ("Agent 1 → Agent 2",))
    assert talk.recordings == (f"{FIRST}-talk", f"{FIRST}-talk-2")


def test_nobody_is_given_to_an_agent_who_cannot_take_them() -> None:
    world = floor()
    world.ask(AgentPaused(agent_id=YOU, reason=PauseReason(code="lunch", label="Lunch")))
    for to, words in (
        ({"to_agent_id": YOU}, "not available"),
        ({"to_agent_id": ME}, "you"),
        ({"to_agent_id": AgentId(9)}, "not signed in"),
        ({}, "one"),
        ({"to_agent_id": YOU, "to_number": SHOP}, "one"),
        ({"to_campaign_id": TWO, "is_attended": True}, "queue"),
        ({"to_campaign_id": TWO}, "no agent serves"),
    ):
        assert words in str(world.dialer.refusal(TransferAsked(agent_id=ME, **to))), to


def test_a_phone_per_call_is_rung_for_the_transfer_and_if_it_stays_silent_somebody_else_takes_them() -> None:
    world = floor()
    world.begin(3, phone_mode=PhoneMode.PER_CALL)
    world.phones_answer = False
    give(world, to_agent_id=AgentId(3))
    assert FIRST in world.music
    assert world.state(1) is AVAILABLE
    world.put_down(world.leg_of(3), "nobody answered")
    assert (world.state(3), world.shown(3).reason) == (PAUSED, "phone-unanswered")
    assert world.state(2) is TALKING, "idle longest"


def test_a_campaigns_queue_gets_the_person() -> None:
    world = floor()
    world.begin(3, 2)
    give(world, to_campaign_id=TWO)
    assert (world.state(1), world.state(2), world.state(3)) == (AVAILABLE, AVAILABLE, TALKING)
    assert close(world, 3).transfers == ("Agent 1 → complaints",)


def test_a_queue_whose_agents_are_busy_holds_the_person_with_music() -> None:
    world = floor()
    world.sign_in(3, 2)
    give(world, to_campaign_id=TWO)
    assert FIRST in world.music
    assert world.calls[FIRST].lease_until_ms <= world.now + 30_000
    world.advance(9_999)
    assert FIRST in world.music
    world.advance(1)
    assert (FIRST, f"{FIRST}-harbor") in world.heard
    world.hang_up(FIRST)
    assert world.disk.closed[FIRST].conversation is not None


def test_a_number_outside_gets_the_person_and_the_agent_the_card() -> None:
    world = floor()
    world.phones_answer = False
    give(world, to_number=SHOP)
    assert world.state(1) is WRAP_UP
    assert FIRST in world.music
    world.pick_up(PARTY)
    assert world.where[FIRST] == OURS
    assert world.legs[PARTY].room_id == OURS
    world.dispose(1)
    assert world.state(1) is AVAILABLE
    assert FIRST in world.disk.open, "they still talk"
    world.advance(60_000)
    world.hang_up(FIRST)
    assert not world.legs[PARTY].exists
    talk = world.disk.closed[FIRST].conversation
    assert talk is not None
    assert (talk.disposition, talk.transfers) == ("success", (f"Agent 1 → {SHOP}",))
    assert OURS not in world.rooms
    assert world.dialer.snapshot(world.now).trunks[0].lines_used == 0


def test_a_number_outside_that_hangs_up_ends_the_call() -> None:
    world = floor()
    give(world, to_number=SHOP)
    assert world.where[FIRST] == OURS
    world.put_down(PARTY)
    assert world.calls[FIRST].is_hung_up


def test_a_number_outside_that_does_not_answer_brings_the_person_back_to_an_agent() -> None:
    world = floor()
    world.phones_answer = False
    give(world, to_number=SHOP)
    world.put_down(PARTY, "busy")
    assert world.state(2) is TALKING
    assert world.where[FIRST] == YOURS
    assert world.state(1) is AVAILABLE, "the card went with the person"
    assert OURS not in world.rooms


def test_a_third_party_needs_a_trunk_with_a_line() -> None:
    world = floor()
    assert "no trunk" not in str(world.dialer.refusal(TransferAsked(agent_id=ME, to_number=SHOP)))
    world.set_trunk(trunk(lines=1))
    world.settle()
    assert "lines" in str(world.dialer.refusal(TransferAsked(agent_id=ME, to_number=SHOP)))
    world.set_trunk(trunk(lines=2, prefixes=("+7",)))
    world.settle()
    assert "no trunk" in str(world.dialer.refusal(TransferAsked(agent_id=ME, to_number=SHOP)))


# --- after talking with an agent -------------------------------------------------------------------------------------


def consulting(**changes: Any) -> FloorWorld:
    """Agent 1 talks with agent 2 about the person, who hears music."""
    world = floor(**changes)
    give(world, to_agent_id=YOU, is_attended=True)
    assert (world.state(1), world.state(2)) == (ON_HOLD, TALKING)
    assert FIRST in world.music
    assert world.rooms[YOURS].legs == {MY_PHONE, YOUR_PHONE}
    assert (world.shown(1).consult, world.shown(1).is_consult_up) == ("Agent 2", True)
    assert world.shown(2).card.attempt_id == FIRST  # type: ignore[union-attr]
    return world


def test_the_consulted_agent_takes_the_person_over() -> None:
    world = consulting()
    world.advance(3_000)
    world.ask(TransferFinished(agent_id=ME))
    assert (world.state(1), world.state(2)) == (AVAILABLE, TALKING)
    assert world.where[FIRST] == YOURS
    assert world.legs[MY_PHONE].room_id == MINE
    world.advance(2_000)
    talk = close(world, 2)
    assert (talk.agent_id, talk.talk_ms, talk.hold_ms, talk.transfers) == (
        YOU,
        12_000,
        3_000,
        ("Agent 1 → Agent 2",),
    )


def test_the_agent_comes_back_when_the_consulted_one_will_not() -> None:
    world = consulting()
    world.ask(TransferCancelled(agent_id=ME))
    assert (world.state(1), world.state(2)) == (TALKING, AVAILABLE)
    assert world.where[FIRST] == MINE
    assert world.legs[MY_PHONE].room_id == MINE
    assert close(world, 1).transfers == ()


def test_all_three_talk_and_then_two() -> None:
    world = consulting()
    world.ask(TransferFinished(agent_id=ME, is_conference=True))
    assert (world.state(1), world.state(2)) == (TALKING, TALKING)
    assert world.where[FIRST] == YOURS
    assert world.rooms[YOURS].legs == {MY_PHONE, YOUR_PHONE}
    assert world.shown(1).is_conference
    assert "all three" in str(world.dialer.refusal(HoldAsked(agent_id=ME, is_on=True)))
    world.ask(TransferFinished(agent_id=ME))
    assert world.state(1) is AVAILABLE
    assert world.legs[MY_PHONE].room_id == MINE
    assert close(world, 2).agent_id == YOU


@pytest.mark.parametrize("how", ["cancelled", "hung up", "phone lost"])
@pytest.mark.parametrize("is_conference", [False, True], ids=["consulting", "conference"])
def test_when_the_consulted_agent_goes_the_other_stays_with_the_person(is_conference: bool, how: str) -> None:
    world = consulting()
    if is_conference:
        world.ask(TransferFinished(agent_id=ME, is_conference=True))
    match how:
        case "cancelled":
            world.ask(TransferCancelled(agent_id=ME))
        case "hung up":
            world.ask(HangUpAsked(agent_id=YOU))
        case _:
            world.put_down(YOUR_PHONE)
    assert world.state(2) is (PAUSED if how == "phone lost" else AVAILABLE)
    assert world.shown(1).consult == ""
    assert world.legs[MY_PHONE].room_id == MINE
    if world.state(1) is ON_HOLD:
        world.ask(HoldAsked(agent_id=ME, is_on=False))
    assert world.state(1) is TALKING
    assert world.where[FIRST] == MINE


@pytest.mark.parametrize("is_conference", [False, True], ids=["consulting", "conference"])
def test_the_person_hangs_up_while_they_are_talked_about(is_conference: bool) -> None:
    world = consulting()
    if is_conference:
        world.ask(TransferFinished(agent_id=ME, is_conference=True))
    world.hang_up(FIRST)
    assert (world.state(1), world.state(2)) == (WRAP_UP, AVAILABLE)
    assert world.legs[MY_PHONE].room_id == MINE


@pytest.mark.parametrize("is_conference", [False, True], ids=["consulting", "conference"])
def test_an_agent_who_vanishes_leaves_the_person_to_whom_they_consulted(is_conference: bool) -> None:
    world = consulting()
    if is_conference:
        world.ask(TransferFinished(agent_id=ME, is_conference=True))
    world.put_down(MY_PHONE)
    assert (world.state(1), world.state(2)) == (PAUSED, TALKING)
    assert world.where[FIRST] == YOURS
    assert close(world, 2).agent_id == YOU


def test_the_agent_hangs_up_while_consulting() -> None:
    world = consulting()
    world.ask(HangUpAsked(agent_id=ME))
    assert (world.state(1), world.state(2)) == (WRAP_UP, AVAILABLE)
    assert world.calls[FIRST].is_hung_up


def test_a_consulted_phone_per_call_is_rung_first() -> None:
    world = floor()
    world.begin(3, phone_mode=PhoneMode.PER_CALL)
    world.phones_answer = False
    give(world, to_agent_id=AgentId(3), is_attended=True)
    assert world.state(3) is RINGING
    assert "not there" in str(world.dialer.refusal(TransferFinished(agent_id=ME)))
    world.pick_up(world.leg_of(3))
    assert world.state(3) is TALKING
    world.ask(TransferFinished(agent_id=ME))
    assert world.where[FIRST] == RoomId("session0003-room")


def test_what_is_always_recorded_is_recorded_again_after_a_consultation() -> None:
    world = consulting(recording=RecordingPolicy.ALWAYS)
    assert not world.recordings, "what agents say among themselves is nobody's"
    world.ask(TransferCancelled(agent_id=ME))
    assert world.recordings == {f"{FIRST}-talk-2": MINE}


# --- after talking with a number outside -----------------------------------------------------------------------------


def asking_the_shop() -> FloorWorld:
    world = floor()
    world.phones_answer = False
    give(world, to_number=SHOP, is_attended=True)
    assert world.state(1) is ON_HOLD
    assert not world.shown(1).is_consult_up
    world.pick_up(PARTY)
    assert world.shown(1).is_consult_up
    assert world.legs[PARTY].room_id == MINE
    return world


@pytest.mark.parametrize("how", [TransferCancelled(agent_id=ME), TransferFinished(agent_id=ME, is_conference=True)])
@pytest.mark.parametrize("to", [{"to_agent_id": YOU}, {"to_number": SHOP}])
def test_what_an_agent_asked_to_record_goes_on_when_they_are_back_with_the_person(how: Any, to: dict[str, Any]) -> None:
    world = floor(recording=RecordingPolicy.ON_DEMAND)
    world.ask(RecordAsked(agent_id=ME, is_on=True))
    give(world, is_attended=True, **to)
    assert not world.recordings, "what they say about the person is theirs"
    world.ask(how)
    assert len(world.recordings) == 1
    assert world.shown().is_recording


def test_an_agent_who_wants_no_recording_any_more_is_believed() -> None:
    world = floor(recording=RecordingPolicy.ON_DEMAND)
    for is_on in (True, False):
        world.ask(RecordAsked(agent_id=ME, is_on=is_on))
    give(world, to_agent_id=YOU, is_attended=True)
    world.ask(TransferCancelled(agent_id=ME))
    assert not world.recordings


@pytest.mark.parametrize("is_attended", [False, True])
def test_whether_a_person_given_away_is_recorded_is_the_next_agents_choice(is_attended: bool) -> None:
    world = floor(recording=RecordingPolicy.ON_DEMAND)
    world.ask(RecordAsked(agent_id=ME, is_on=True))
    give(world, to_agent_id=YOU, is_attended=is_attended)
    if is_attended:
        world.ask(TransferFinished(agent_id=ME))
    assert not world.recordings
    world.ask(RecordAsked(agent_id=YOU, is_on=True))
    assert len(world.recordings) == 1


def test_the_person_and_the_party_talk_on_without_the_agent() -> None:
    world = asking_the_shop()
    world.ask(TransferFinished(agent_id=ME))
    assert world.state(1) is WRAP_UP
    assert world.where[FIRST] == OURS
    assert world.legs[PARTY].room_id == OURS
    assert world.legs[MY_PHONE].room_id == MINE
    world.put_down(PARTY)
    world.hang_up(FIRST)
    world.dispose(1)
    assert world.disk.closed[FIRST].conversation.transfers == (f"Agent 1 → {SHOP}",)  # type: ignore[union-attr]


def test_a_conference_with_a_party_outside() -> None:
    world = asking_the_shop()
    world.ask(TransferFinished(agent_id=ME, is_conference=True))
    assert world.state(1) is TALKING
    assert world.where[FIRST] == MINE
    assert world.rooms[MINE].legs == {MY_PHONE, PARTY}
    world.ask(TransferFinished(agent_id=ME))
    assert world.where[FIRST] == OURS
    assert world.legs[PARTY].room_id == OURS
    assert world.state(1) is WRAP_UP


def conferring(**plan: Any) -> FloorWorld:
    """All three begin to talk, where the person has heard the notice and is recorded, if anybody is."""
    world = floor(**plan)
    world.phones_answer = False
    give(world, to_number=SHOP, is_attended=True)
    world.pick_up(PARTY)
    assert not world.recordings, "nobody is recorded who talks about the person"
    world.heard.clear()
    world.playbacks_end = False
    world.ask(TransferFinished(agent_id=ME, is_conference=True))
    return world


def notice_ends(world: FloorWorld, *, has_failed: bool = False) -> None:
    world.tell(PlaybackEnded(attempt_id=FIRST, playback_id=f"{FIRST}-notice", has_failed=has_failed))
    world.settle()


@pytest.mark.parametrize("has_failed", [False, True])
def test_a_third_party_is_not_recorded_before_they_were_told(has_failed: bool) -> None:
    world = conferring(recording=RecordingPolicy.ALWAYS, consent_notice="This call is recorded.")
    told = {who for who, what in world.heard if what.startswith("sound:") or what.endswith("-notice")}
    assert told == {FIRST, MY_PHONE, PARTY}, "together, so that its end for one is its end for all"
    assert not world.recordings
    notice_ends(world, has_failed=has_failed)
    assert bool(world.recordings) is not has_failed
    assert [who for who, _ in world.heard].count(PARTY) == 1, "told once"


def test_a_third_party_who_was_told_is_not_told_again() -> None:
    world = conferring(recording=RecordingPolicy.ON_DEMAND, consent_notice="This call is recorded.")
    for is_on in (True, False, True):
        world.ask(RecordAsked(agent_id=ME, is_on=is_on))
        if is_on and not world.recordings:
            notice_ends(world)
    assert len(world.recordings) == 1
    assert [who for who, _ in world.heard].count(PARTY) == 1


def test_a_third_party_who_is_let_go_during_the_notice_keeps_nobody_from_being_recorded() -> None:
    world = conferring(recording=RecordingPolicy.ALWAYS, consent_notice="This call is recorded.")
    world.ask(TransferCancelled(agent_id=ME))
    world.settle()
    notice_ends(world)
    assert len(world.recordings) == 1, "who is left was told"


def test_where_there_is_no_notice_all_three_are_recorded_at_once() -> None:
    world = conferring(recording=RecordingPolicy.ALWAYS)
    assert len(world.recordings) == 1
    assert PARTY not in [who for who, _ in world.heard]


@pytest.mark.parametrize("is_conference", [False, True], ids=["consulting", "conference"])
@pytest.mark.parametrize("who", ["agent", "party"])
def test_the_party_is_let_go_or_goes(who: str, is_conference: bool) -> None:
    world = asking_the_shop()
    if is_conference:
        world.ask(TransferFinished(agent_id=ME, is_conference=True))
    if who == "agent":
        world.ask(TransferCancelled(agent_id=ME))
    else:
        world.put_down(PARTY)
    assert not world.legs[PARTY].exists
    if world.state(1) is ON_HOLD:
        world.ask(HoldAsked(agent_id=ME, is_on=False))
    assert world.state(1) is TALKING
    assert world.where[FIRST] == MINE


def test_a_party_that_answers_after_the_agent_gave_up_is_not_left_alone() -> None:
    world = floor()
    world.phones_answer = False
    give(world, to_number=typed(1), is_attended=True)
    world.ask(TransferCancelled(agent_id=ME))
    assert not world.legs[PARTY].exists
    assert world.state(1) is TALKING


def test_an_agent_who_vanishes_while_asking_outside_leaves_nobody_behind() -> None:
    world = asking_the_shop()
    world.put_down(MY_PHONE)
    assert not world.legs[PARTY].exists
    assert world.state(2) is TALKING
    assert world.where[FIRST] == YOURS
