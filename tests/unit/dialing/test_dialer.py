"""The dialer's promises one by one, each told as a small story in a world of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from app.commands import AddDnc, ClaimContacts, CloseAttempt, Command, HangUp, PlaceCall, Play, RenewLease
from app.dialing.lease import LEASE_MS, TRANSFER_LEASE_MS
from app.dialing.trunk import PROBATION, TrunkState
from app.events import (
    CallAnswered,
    CallLeft,
    CallRinging,
    CommandFailed,
    ContactRemoved,
    DigitPressed,
    LiveCall,
    PlaybackEnded,
    TelephonyUp,
)
from app.model import AttemptResult, CampaignStatus, RetryPolicy
from app.outcomes import ContactStatus, Outcome
from app.units import AttemptId, CampaignId, ContactId, TrunkId
from tests.unit.dialing.build import SILENT_FLOW, T0, campaign, phone, trunk
from tests.unit.dialing.world import World

ONE = CampaignId(1)
NORTH, SOUTH = TrunkId("north"), TrunkId("south")
FIRST = AttemptId("attempt00001")


def world_of(contacts: int = 3, **changes: object) -> World:
    """A campaign of `contacts` people on one trunk, connected and at work for a moment."""
    world = World()
    world.set_trunk(trunk("north", lines=100, calls_per_second=100.0))
    world.start(campaign(1, **({"lines": 100, "calls_per_second": 100.0} | changes)))
    world.add_contacts(ONE, *(phone(place) for place in range(contacts)))
    world.connect()
    return world


def answer(world: World, attempt_id: AttemptId) -> None:
    """Somebody picks up."""
    wire = world.calls[attempt_id]
    wire.is_up = wire.is_in_hand = wire.is_told_in_hand = True
    world.tell(CallAnswered(attempt_id=attempt_id))
    world.settle()


def talking(contacts: int = 1, **changes: object) -> World:
    """Everybody was called and answered."""
    world = world_of(contacts, **changes)
    world.advance(1_000)
    assert len(world.calls) == contacts
    for attempt_id in world.calls:
        answer(world, attempt_id)
    return world


def press(world: World, key: str, attempt_id: AttemptId = FIRST) -> None:
    """A key, after the prompt that runs now has ended."""
    for _ in range(2):
        world.tell(PlaybackEnded(attempt_id=attempt_id, playback_id=world.calls[attempt_id].playback))
        world.settle()
    world.tell(DigitPressed(attempt_id=attempt_id, digit=key))
    world.settle()


def result_of(world: World, attempt_id: AttemptId = FIRST) -> AttemptResult:
    return world.disk.closed[attempt_id]


def row(world: World, contact: int = 1) -> tuple[ContactStatus, int, int]:
    found = world.disk.contacts[ONE][ContactId(contact)]
    return found.status, found.attempts, found.faults


def kinds(commands: Sequence[Command]) -> list[str]:
    return [type(command).__name__ for command in commands]


# --- from a list to its outcomes -------------------------------------------------------------------------------------


def test_everybody_is_called_once_and_the_campaign_is_finished_once() -> None:
    world = world_of(7, lines=2)
    world.run_to_the_end()
    world.advance(3_600_000)
    assert world.disk.finished == {ONE: 1}
    assert {wire.place.number for wire in world.calls.values()} == {phone(place) for place in range(7)}


def test_a_campaign_without_contacts_is_finished_at_once() -> None:
    world = world_of(0)
    world.advance(1_000)
    assert world.disk.status[ONE] is CampaignStatus.FINISHED


def test_a_call_goes_out_only_when_its_attempt_is_on_disk() -> None:
    world = world_of(3)
    world.is_disk_awake = False
    world.advance(60_000)
    assert world.calls == {}
    assert kinds(world.writes).count("ClaimContacts") == 1
    world.is_disk_awake = True
    world.advance(1_000)
    assert len(world.calls) == 3


def test_a_finished_campaign_can_be_started_again_for_new_people() -> None:
    world = world_of(1)
    world.run_to_the_end()
    world.add_contacts(ONE, phone(50))
    world.start(world.campaigns[ONE])
    world.run_to_the_end()
    assert world.disk.finished == {ONE: 2}
    assert phone(50) in {wire.place.number for wire in world.calls.values()}


def test_people_added_while_a_claim_is_under_way_are_not_missed() -> None:
    """The claim has been answered on disk, the answer is on its way, and in between somebody is added."""
    world = world_of(0)
    world.is_disk_awake = False
    world.advance(100)
    world.commit(is_told_later=True)
    world.add_contacts(ONE, phone(99))
    world.settle()
    world.is_disk_awake = True
    world.run_to_the_end()
    assert phone(99) in {wire.place.number for wire in world.calls.values()}


def test_a_claim_the_disk_refused_is_asked_for_again_after_a_second() -> None:
    world = world_of(1)
    world.is_disk_awake = False
    world.advance(100)
    world.refuse_commit()
    refused_at = world.now
    world.advance(999)
    assert "ClaimContacts" not in kinds(world.writes)
    world.advance(10)
    assert kinds(world.writes).count("ClaimContacts") == 1, f"refused at {refused_at}"


def test_while_the_disk_takes_nothing_nobody_is_called() -> None:
    world = world_of(6, calls_per_second=1.0)
    world.advance(1_100)
    before = len(world.calls)
    assert 0 < before < 6, "others wait for their second"
    world.is_disk_awake = False
    world.refuse_commit()
    world.advance(10_000)
    assert len(world.calls) == before
    assert world.dialer.snapshot(world.now).disk_trouble == "disk full"
    assert "the database takes nothing" in why_idle(world)
    world.is_disk_awake = True
    world.run_to_the_end()
    assert world.dialer.snapshot(world.now).disk_trouble == ""
    assert {wire.place.number for wire in world.calls.values()} == {phone(place) for place in range(6)}


@pytest.mark.parametrize(("of_campaign", "of_trunk"), [(7.0, 100.0), (100.0, 7.0)])
def test_calls_start_no_faster_than_the_campaigns_and_the_trunks_rates(of_campaign: float, of_trunk: float) -> None:
    world = world_of(100, calls_per_second=of_campaign)
    world.set_trunk(trunk("north", lines=100, calls_per_second=of_trunk))
    for _ in range(50):
        world.advance(100)
        for attempt_id in world.calls:
            world.tell(CallRinging(attempt_id=attempt_id))
    placed = sorted(wire.placed_at_ms for wire in world.calls.values())
    assert 33 <= len(placed) <= 36
    for first, begin in enumerate(placed):
        for last in range(first, len(placed)):
            assert last - first + 1 <= 7 * (placed[last] - begin) / 1_000 + 1.36


def test_who_waits_for_a_line_waits_on_when_the_campaign_is_given_fewer() -> None:
    world = world_of(5, lines=5, calls_per_second=1.0)
    world.advance(1_500)
    assert len(world.calls) == 2
    world.start(replace(world.campaigns[ONE], lines=2))
    world.advance(5_000)
    assert len(world.calls) == 2


def test_who_waits_for_a_line_when_the_calling_hours_end_goes_back_as_they_were() -> None:
    world = World()
    world.set_trunk(trunk("north"))
    world.disk.hours_end_ms = T0 + 2_500
    world.start(campaign(1, calls_per_second=1.0))
    world.add_contacts(ONE, *(phone(place) for place in range(5)))
    world.connect()
    world.advance(10_000)
    assert len(world.calls) == 3
    assert all(wire.placed_at_ms < T0 + 2_500 for wire in world.calls.values())
    assert row(world, 4) == row(world, 5) == (ContactStatus.PENDING, 0, 0)


def test_a_contact_whose_time_is_later_is_called_then() -> None:
    world = world_of(1, retry=RetryPolicy(max_attempts=2, retry_ms=7_200_000))
    world.advance(1_000)
    world.end(FIRST, sip_code=486, cause=17)
    world.advance(7_199_000)
    assert len(world.calls) == 1
    turns = world.turns
    world.advance(10_000)
    assert len(world.calls) == 2
    assert world.turns - turns < 40


def test_the_outcome_and_what_was_pressed_reach_the_disk() -> None:
    world = talking()
    world.advance(2_500)
    press(world, "1")
    world.end(FIRST)
    world.settle()
    assert result_of(world).outcome is Outcome.CONNECTED_TO_IVR
    assert [pressed["key"] for pressed in result_of(world).flow["keys"]] == ["1"]
    assert row(world) == (ContactStatus.CONNECTED, 1, 0)


# --- do-not-call -----------------------------------------------------------------------------------------------------


def test_the_confirmation_of_an_opt_out_is_spoken_only_once_it_is_on_disk() -> None:
    world = talking()
    world.is_disk_awake = False
    before = world.calls[FIRST].playback
    press(world, "9")
    assert [command for command in world.writes if isinstance(command, AddDnc)]
    spoken_before = world.calls[FIRST].playback
    world.advance(2_000)
    assert world.calls[FIRST].playback == spoken_before != before
    world.is_disk_awake = True
    world.settle()
    assert world.calls[FIRST].playback != spoken_before, "now it is confirmed"
    assert phone(0) in world.disk.dnc


def test_an_opt_out_counts_even_when_the_person_hangs_up_before_it_is_on_disk() -> None:
    world = talking()
    world.is_disk_awake = False
    press(world, "9")
    world.end(FIRST)
    world.settle()
    assert kinds(world.writes).count("AddDnc") == 2, "asked for in the call, and once more with its end"
    world.is_disk_awake = True
    world.advance(1_000)
    assert phone(0) in world.disk.dnc
    assert row(world)[0] is ContactStatus.DO_NOT_CALL


def test_who_waits_for_a_line_is_not_called_after_an_opt_out_and_who_talks_is_not_cut_off() -> None:
    world = world_of(2, lines=1)
    world.advance(1_000)
    answer(world, FIRST)
    world.bar(phone(0))
    world.bar(phone(1))
    world.settle()
    assert not world.calls[FIRST].is_hung_up
    world.end(FIRST)
    world.run_to_the_end()
    assert phone(1) not in {wire.place.number for wire in world.calls.values()}


# --- trunks that fail ------------------------------------------------------------------------------------------------


def test_no_more_than_ten_contacts_meet_a_trunk_whose_calls_are_refused_and_none_pays() -> None:
    world = world_of(100, retry=RetryPolicy(max_faults=50, fault_retry_ms=600_000))
    world.answers_at_once = False
    world.settle()
    for _ in range(400):
        world.advance(10)
        for attempt_id, wire in world.calls.items():
            if not wire.is_replied:
                world.reply(attempt_id, placed=False, trunk_fault=True)
    [shown] = world.dialer.snapshot(world.now).trunks
    assert shown.state is TrunkState.OUT
    assert "refused" in shown.reason
    assert 0 < len(world.calls) <= PROBATION
    assert {found.attempts for found in world.disk.contacts[ONE].values()} == {0}
    world.advance(60_000)
    assert len(world.calls) <= PROBATION + 4, "and then one at a time, wider each time"


def test_an_asterisk_that_refuses_everything_speaks_against_no_trunk_and_is_not_fed_with_contacts() -> None:
    world = world_of(100, retry=RetryPolicy(max_faults=50, fault_retry_ms=600_000))
    world.answers_at_once = False
    world.settle()
    for _ in range(400):
        world.advance(10)
        for attempt_id, wire in world.calls.items():
            if not wire.is_replied:
                world.reply(attempt_id, placed=False)
    picture = world.dialer.snapshot(world.now)
    assert picture.trunks[0].state is TrunkState.IN_SERVICE
    assert "refuses" in picture.campaigns[0].waiting_for
    assert 0 < len(world.calls) <= 10, "it is asked more and more rarely"
    assert {found.attempts for found in world.disk.contacts[ONE].values()} == {0}
    before = len(world.calls)
    world.answers_at_once = True
    world.advance(8_000)
    assert len(world.calls) == before + PROBATION, "and the first call it takes ends the rest"


@pytest.mark.parametrize(
    ("after_ms", "sip_code", "cause"),
    [(50, 503, 34), (25_000, 480, 19), (20_000, 408, 18)],
    ids=["no", "silent", "dead"],
)
def test_no_more_than_ten_contacts_meet_a_trunk_that_answers_nothing_useful(
    after_ms: int, sip_code: int, cause: int
) -> None:
    world = world_of(100, retry=RetryPolicy(max_faults=50, fault_retry_ms=600_000))
    placed_at: dict[AttemptId, int] = {}
    for _ in range(600):
        world.advance(100)
        for attempt_id, wire in world.calls.items():
            at = placed_at.setdefault(attempt_id, world.now)
            if wire.exists and world.now - at >= after_ms:
                world.end(attempt_id, sip_code=sip_code, cause=cause)
        [shown] = world.dialer.snapshot(world.now).trunks
        if shown.state is TrunkState.OUT:
            break
    assert shown.state is TrunkState.OUT
    assert len(world.calls) <= PROBATION
    world.settle()
    assert {found.attempts for found in world.disk.contacts[ONE].values()} == {0}


def test_a_trunk_that_was_out_is_tried_again_when_its_rest_is_over() -> None:
    world = world_of(100, retry=RetryPolicy(max_faults=50, fault_retry_ms=600_000))
    world.advance(300)
    for attempt_id in list(world.calls):
        world.end(attempt_id, sip_code=503, cause=34)
    world.settle()
    [shown] = world.dialer.snapshot(world.now).trunks
    assert shown.state is TrunkState.OUT
    before = len(world.calls)
    world.advance(60_000)
    [trial] = list(world.calls.values())[before:]
    assert shown.out_until_ms <= trial.placed_at_ms <= shown.out_until_ms + 20


def test_a_number_goes_out_over_the_next_trunk_when_the_first_is_full() -> None:
    world = World()
    world.set_trunk(trunk("north", lines=1, calls_per_second=100.0))
    world.set_trunk(trunk("south", lines=5, calls_per_second=100.0))
    world.start(campaign(1, trunks=(NORTH, SOUTH), lines=4, calls_per_second=100.0))
    world.add_contacts(ONE, *(phone(place) for place in range(4)))
    world.connect()
    world.advance(1_000)
    assert [wire.place.trunk.id for wire in world.calls.values()] == [NORTH, SOUTH, SOUTH, SOUTH]


def test_a_number_no_trunk_is_for_is_said_so_and_not_waited_for() -> None:
    world = world_of(1)
    world.set_trunk(trunk("north", prefixes=("+7",)))
    world.advance(1_000)
    assert world.calls == {}
    assert result_of(world).outcome is Outcome.UNSUPPORTED
    assert "prefixes" in result_of(world).facts.cause_text
    assert row(world) == (ContactStatus.NOT_CONNECTED, 0, 0)


def test_a_trunk_switched_off_for_a_while_costs_nobody_their_call() -> None:
    world = World()
    world.set_trunk(trunk("north", prefixes=("+44",), calls_per_second=100.0, is_enabled=False))
    world.set_trunk(trunk("south", prefixes=("+7",), calls_per_second=100.0))
    world.start(campaign(1, trunks=(NORTH, SOUTH)))
    world.add_contacts(ONE, phone(0))
    world.connect()
    world.advance(60_000)
    assert world.calls == {}
    world.set_trunk(trunk("north", prefixes=("+44",), calls_per_second=100.0))
    world.advance(30_000)
    assert [wire.place.number for wire in world.calls.values()] == [phone(0)]


def test_a_trunk_that_is_missing_for_a_while_costs_nobody_their_call() -> None:
    world = World()
    world.set_trunk(trunk("south", prefixes=("+7",), calls_per_second=100.0))
    world.start(campaign(1, trunks=(NORTH, SOUTH)))
    world.add_contacts(ONE, phone(0))
    world.connect()
    world.advance(60_000)
    world.set_trunk(trunk("north", prefixes=("+44",), calls_per_second=100.0))
    world.advance(30_000)
    assert [wire.place.number for wire in world.calls.values()] == [phone(0)]


def test_a_trunk_removed_and_added_again_remembers_the_calls_that_are_up() -> None:
    world = world_of(4, lines=100)
    world.set_trunk(trunk("north", lines=2, calls_per_second=100.0))
    world.advance(1_000)
    assert len(world.calls) == 2
    world.remove_trunk(NORTH)
    world.settle()
    world.set_trunk(trunk("north", lines=2, calls_per_second=100.0))
    world.advance(10_000)
    assert len(world.calls) == 2
    world.end(FIRST)
    world.advance(1_000)
    assert len(world.calls) == 3


# --- operators -------------------------------------------------------------------------------------------------------


def test_a_pause_lets_calls_go_on_and_starts_none() -> None:
    world = world_of(10, lines=2)
    world.advance(1_000)
    answer(world, FIRST)
    world.pause(ONE)
    world.advance(100)
    assert not any(wire.is_hung_up for wire in world.calls.values())
    for attempt_id in list(world.calls):
        world.end(attempt_id)
    world.advance(60_000)
    assert len(world.calls) == 2
    world.start(world.campaigns[ONE])
    world.advance(1_000)
    assert len(world.calls) == 4


def test_a_stop_takes_back_who_rings_and_hears_out_who_answered() -> None:
    world = world_of(10, lines=3)
    world.advance(1_000)
    first, second, third = world.calls
    answer(world, first)
    world.tell(CallRinging(attempt_id=second))
    world.settle()
    world.stop(ONE)
    world.settle()
    hung_up = [attempt_id for attempt_id, wire in world.calls.items() if wire.is_hung_up]
    assert hung_up == [second, third]
    for attempt_id in (second, third):
        world.end(attempt_id)
    world.settle()
    assert [result_of(world, one).outcome for one in (second, third)] == [Outcome.DIALER_STOPPED] * 2
    assert row(world, 2) == (ContactStatus.PENDING, 0, 0)


def test_who_is_taken_out_of_a_list_is_not_called_and_who_talks_is_heard_out() -> None:
    world = world_of(3, lines=3)
    world.advance(1_000)
    first, second, third = world.calls
    answer(world, first)
    for contact_id in (1, 2):
        world.inbox.append(ContactRemoved(contact_id=ContactId(contact_id)))
    world.settle()
    assert [one for one, wire in world.calls.items() if wire.is_hung_up] == [second]
    assert not world.calls[third].is_hung_up


def test_a_claim_that_took_somebody_before_they_were_taken_out_is_not_dialed() -> None:
    world = world_of(1, lines=3)
    world.inbox.append(ContactRemoved(contact_id=ContactId(2)))
    world.settle()
    world.add_contacts(ONE, phone(8), phone(9))
    world.advance(1_000)
    assert {wire.place.number for wire in world.calls.values()} == {phone(0), phone(9)}


def test_somebody_who_answers_a_call_that_is_being_taken_back_is_not_begun_with() -> None:
    world = world_of(1)
    world.advance(1_000)
    world.stop(ONE)
    world.settle()
    answer(world, FIRST)
    assert world.calls[FIRST].playback == ""
    assert world.calls[FIRST].is_hung_up


def test_a_hang_up_that_the_broken_line_swallowed_is_said_again() -> None:
    world = world_of(1)
    world.advance(1_000)
    world.disconnect()
    world.stop(ONE)
    world.settle()
    assert not world.calls[FIRST].is_hung_up
    world.connect()
    world.settle()
    assert world.calls[FIRST].is_hung_up


def test_shutting_down_starts_nothing_and_rests_when_all_is_written() -> None:
    world = world_of(10, lines=2)
    world.advance(1_000)
    answer(world, FIRST)
    world.shut_down()
    world.advance(1_000)
    assert not world.dialer.is_at_rest
    for attempt_id in list(world.calls):
        world.end(attempt_id)
    world.is_disk_awake = False
    world.settle()
    assert not world.dialer.is_at_rest, "an end is not on disk yet"
    world.is_disk_awake = True
    world.settle()
    assert world.dialer.is_at_rest
    assert len(world.calls) == 2


def test_prompts_that_cannot_be_made_are_no_call_and_no_charge() -> None:
    world = world_of(1)
    world.is_voice_awake = False
    world.advance(100)
    world.render(fails=True)
    world.settle()
    assert world.calls == {}
    assert result_of(world).outcome is Outcome.DIAL_ERROR
    assert "no voice" in result_of(world).facts.cause_text
    assert row(world) == (ContactStatus.PENDING, 0, 1)


@pytest.mark.parametrize("seconds", [60, 600])
def test_a_slow_campaign_does_not_keep_the_dialer_turning(seconds: int) -> None:
    """One call a minute: a handful of turns a minute, not a hundred a second."""
    world = world_of(50, calls_per_second=1 / 60)
    world.advance(1_000)
    turns = world.turns
    world.advance(seconds * 1_000)
    assert world.turns - turns < seconds


def test_a_full_campaign_does_not_keep_the_dialer_turning() -> None:
    world = world_of(50, lines=1)
    world.advance(1_000)
    answer(world, FIRST)
    turns = world.turns
    world.advance(4_000)
    assert world.turns - turns < 20


def test_waiting_for_a_trunk_that_is_busy_does_not_keep_the_dialer_turning() -> None:
    """Both wait for the only line of north, while south stands idle and is for other numbers."""
    world = World()
    world.set_trunk(trunk("north", lines=1, prefixes=("+44",)))
    world.set_trunk(trunk("south", lines=9, prefixes=("+7",)))
    world.start(campaign(1, trunks=(NORTH, SOUTH)))
    world.add_contacts(ONE, *(phone(place) for place in range(6)))
    world.connect()
    world.advance(2_000)
    turns = world.turns
    world.advance(10_000)
    assert len(world.calls) == 1
    assert world.turns - turns < 50


# --- a broken line to Asterisk, and restarts -------------------------------------------------------------------------


def test_what_the_dialer_did_not_see_the_end_of_is_closed_as_such_and_not_dialed_again() -> None:
    world = world_of(1)
    world.advance(1_000)
    world.disconnect()
    world.calls[FIRST].exists = False
    world.advance(5_000)
    world.connect()
    world.run_to_the_end()
    assert result_of(world).outcome is Outcome.CONTROLLER_LOST
    assert row(world) == (ContactStatus.DANGLING, 1, 0)
    assert len(world.calls) == 1


def test_somebody_heard_in_the_flow_was_connected_even_if_the_end_was_not_seen() -> None:
    world = talking()
    world.disconnect()
    world.connect(is_new_life=True)
    world.settle()
    assert result_of(world).outcome is Outcome.CONNECTED_TO_IVR
    assert result_of(world).facts.cause_text == "ended while Asterisk was out of sight"


def test_a_call_whose_fate_is_unknown_is_held_for_and_then_given_up() -> None:
    world = world_of(1)
    world.answers_at_once = False
    world.advance(1_000)
    world.reply(FIRST, placed=False, known=False)
    world.advance(60_000)
    assert FIRST not in world.disk.closed
    world.advance(10_000)
    assert result_of(world).outcome is Outcome.CONTROLLER_LOST


def test_an_answer_missed_while_the_line_was_broken_is_led_as_soon_as_it_is_back() -> None:
    world = world_of(1)
    world.advance(1_000)
    world.disconnect()
    wire = world.calls[FIRST]
    wire.is_up = wire.is_in_hand = True
    world.advance(500)
    assert wire.playback == ""
    world.connect()
    world.settle()
    assert wire.playback != ""


def test_a_call_whose_reply_is_on_the_way_is_not_given_up_when_the_line_comes_back() -> None:
    world = world_of(1)
    world.answers_at_once = False
    world.advance(1_000)
    world.disconnect()
    world.connect()
    world.settle()
    world.reply(FIRST)
    answer(world, FIRST)
    assert world.calls[FIRST].playback


def test_a_conversation_that_is_just_leaving_keeps_its_long_lease_when_the_line_comes_back() -> None:
    world = talking()
    press(world, "1")
    lease = world.calls[FIRST].lease_until_ms
    assert lease >= world.now + TRANSFER_LEASE_MS
    world.disconnect()
    world.connect()
    world.settle()
    assert world.calls[FIRST].lease_until_ms == lease


def test_somebody_who_could_not_be_sent_on_stays_with_us_on_a_short_lease() -> None:
    world = talking()
    press(world, "1")
    world.tell(CommandFailed(attempt_id=FIRST, command="SendToExtension", reason="no such extension"))
    world.settle()
    assert world.calls[FIRST].lease_until_ms == world.now + LEASE_MS


def test_leases_are_renewed_at_once_when_the_line_is_back() -> None:
    world = talking()
    world.disconnect()
    world.advance(700)
    world.connect()
    world.settle()
    assert world.calls[FIRST].lease_until_ms == world.now + LEASE_MS


def test_a_lease_that_could_not_be_renewed_is_tried_again_before_it_runs_out() -> None:
    world = talking()
    asked: list[int] = []
    world.now = world.calls[FIRST].lease_until_ms - LEASE_MS // 2
    until = world.now + LEASE_MS // 2
    while world.now < until:
        commands = world.dialer.turn(world.inbox, world.now)
        world.inbox = []
        if any(isinstance(command, RenewLease) for command in commands):
            asked.append(world.now)
            world.inbox.append(CommandFailed(attempt_id=FIRST, command="RenewLease", reason="busy"))
        world.now += 500
    assert len(asked) == 3, "at fifteen, ten and five seconds before"


def test_who_is_being_hung_up_gets_no_new_lease() -> None:
    world = World(SILENT_FLOW)
    world.set_trunk(trunk("north"))
    world.start(campaign(1))
    world.add_contacts(ONE, phone(0))
    world.connect()
    world.advance(1_000)
    answer(world, FIRST)
    assert world.calls[FIRST].is_hung_up
    lease = world.calls[FIRST].lease_until_ms
    world.advance(120_000)
    assert world.calls[FIRST].lease_until_ms == lease
    assert FIRST in world.disk.closed


def test_somebody_who_answers_a_call_that_nobody_leads_is_not_left_in_silence() -> None:
    world = world_of(1)
    world.settle()
    stray = AttemptId("somebodyelse")
    assert world.dialer.turn([CallAnswered(attempt_id=stray)], world.now) == [HangUp(attempt_id=stray)]


def test_a_channel_no_open_attempt_answers_for_is_hung_up_when_found() -> None:
    world = world_of(0)
    world.settle()
    stray = AttemptId("somebodyelse")
    found = TelephonyUp(is_new_life=False, live=(LiveCall(attempt_id=stray, is_in_hand=False),))
    assert HangUp(attempt_id=stray) in world.dialer.turn([found], world.now)


def test_after_a_restart_a_call_in_hand_is_led_on_and_its_lease_renewed() -> None:
    world = talking()
    world.crash()
    world.advance(5_000)
    assert len(world.calls) == 1, "not dialed again"
    world.connect()
    world.settle()
    assert world.calls[FIRST].lease_until_ms == world.now + LEASE_MS
    assert world.calls[FIRST].playback
    world.end(FIRST)
    world.settle()
    assert result_of(world).outcome is Outcome.CUSTOMER_HUNG_UP


def test_after_a_restart_a_conversation_in_the_dialplan_goes_on_and_is_connected() -> None:
    world = talking()
    press(world, "1")
    world.calls[FIRST].is_in_hand = False
    world.tell(CallLeft(attempt_id=FIRST))
    world.settle()
    world.crash()
    world.connect()
    world.advance(1_800_000)
    assert not world.calls[FIRST].is_hung_up
    assert FIRST not in world.disk.closed
    world.end(FIRST, cause=16)
    world.run_to_the_end()
    assert result_of(world).outcome is Outcome.CONNECTED_TO_IVR
    assert len(world.calls) == 1


def test_after_a_restart_a_conversation_that_ends_at_once_was_connected_all_the_same() -> None:
    world = talking()
    press(world, "1")
    world.calls[FIRST].is_in_hand = False
    world.tell(CallLeft(attempt_id=FIRST))
    world.settle()
    world.crash()
    world.connect()
    world.settle()
    world.end(FIRST)
    world.settle()
    assert result_of(world).outcome is Outcome.CONNECTED_TO_IVR


def test_a_conversation_that_left_while_the_line_was_broken_goes_on() -> None:
    world = talking()
    press(world, "1")
    world.disconnect()
    world.calls[FIRST].is_in_hand = False
    world.connect()
    world.advance(600_000)
    assert not world.calls[FIRST].is_hung_up
    world.end(FIRST)
    world.settle()
    assert result_of(world).outcome is Outcome.CONNECTED_TO_IVR


def test_after_a_restart_a_paused_campaigns_calls_go_on() -> None:
    world = talking()
    world.pause(ONE)
    world.settle()
    world.crash()
    world.connect()
    world.advance(2_000)
    assert not world.calls[FIRST].is_hung_up
    world.end(FIRST)
    world.settle()
    assert FIRST in world.disk.closed
    assert world.disk.status[ONE] is CampaignStatus.PAUSED


def test_after_a_restart_an_answer_that_came_before_the_list_of_channels_is_led() -> None:
    """Asterisk wrote the list, then somebody answered, then the list arrived."""
    world = world_of(1)
    world.advance(1_000)
    world.crash()
    world.inbox.append(CallAnswered(attempt_id=FIRST))
    world.settle()
    world.connect()
    world.calls[FIRST].is_up = world.calls[FIRST].is_in_hand = True
    world.settle()
    assert world.calls[FIRST].playback


def test_after_a_restart_calls_that_are_up_take_their_trunks_lines() -> None:
    world = world_of(20, lines=100)
    world.set_trunk(trunk("north", lines=3, calls_per_second=100.0))
    world.advance(1_000)
    assert len(world.calls) == 3
    world.crash()
    world.connect()
    world.advance(5_000)
    assert len(world.calls) == 3
    world.end(FIRST)
    world.advance(1_000)
    assert len(world.calls) == 4


# --- what pages show -------------------------------------------------------------------------------------------------


def why_idle(world: World) -> str:
    [shown] = world.dialer.snapshot(world.now).campaigns
    return shown.waiting_for


def test_a_campaign_that_does_not_dial_says_why() -> None:
    world = world_of(3, lines=1, trunks=(NORTH,))
    world.disconnect()
    world.settle()
    assert why_idle(world) == "Asterisk cannot be reached: closed"
    world.connect()
    world.set_trunk(trunk("north", is_enabled=False))
    world.settle()
    assert why_idle(world) == "all of its trunks are switched off"
    world.remove_trunk(NORTH)
    world.settle()
    assert why_idle(world) == "none of its trunks exists"
    world.set_trunk(trunk("north", calls_per_second=100.0))
    world.advance(1_000)
    assert why_idle(world) == "all of its lines are in use"


def test_everybody_left_waits_for_a_later_try() -> None:
    world = world_of(1)
    world.advance(1_000)
    world.end(FIRST, sip_code=486, cause=17)
    world.settle()
    assert why_idle(world) == "everybody left waits for a later try"


def test_the_picture_counts_each_call_once_by_its_state() -> None:
    world = world_of(4, lines=4)
    world.advance(1_000)
    first, second, third, _ = world.calls
    answer(world, first)
    world.tell(CallRinging(attempt_id=second))
    world.end(third, sip_code=486, cause=17)
    world.is_disk_awake = False
    world.settle()
    [shown] = world.dialer.snapshot(world.now).campaigns
    assert (shown.dialing, shown.ringing, shown.answered, shown.closing, shown.placed) == (1, 1, 1, 1, 4)


def test_the_same_events_give_the_same_commands() -> None:
    def run() -> list[Command]:
        world, asked = talking(5), []
        for _ in range(20):
            world.now += 500
            asked += world.turn()
        return asked

    commands = run()
    assert commands == run()
    assert any(isinstance(command, Play) for command in commands)
    assert not any(isinstance(command, PlaceCall | ClaimContacts | CloseAttempt) for command in commands)
