"""The checker on the wire: every rule is seen to fire on a planted mistake, and to be silent beside it."""

from collections.abc import Callable
from typing import Any

import pytest

from app.commands import PlaceCall
from app.model import Trunk
from app.sim.facts import (
    Answered,
    Asked,
    Ended,
    HandedOver,
    LeaseRenewed,
    OutOfReach,
    Placed,
    SoundBegan,
    WireFact,
    WithinReach,
)
from app.sim.rules import AttemptClaim, Limits, Rule
from app.sim.wire import WireChecker
from app.units import AttemptId, Number, TrunkId

T0 = 1_000_000
CALLER_ID = "+99900001"
ALICE, BOB = Number("+99911111"), Number("+99922222")


class Wire:
    """A wire on which calls are made as told, right or wrong."""

    def __init__(self, **limits: Any) -> None:
        usual = {"lines": 10, "calls_per_second": 100.0} | limits
        self.checker = WireChecker(
            trunks={TrunkId("main"): Limits(**usual)},
            campaigns={CALLER_ID: Limits(lines=100, calls_per_second=1_000)},
            contact_of=lambda number: "household" if number.endswith("household") else number,
        )

    def call(self, name: str, number: str, at_ms: int = T0, *, trunk: str = "main", caller_id: str = CALLER_ID) -> None:
        call = PlaceCall(
            attempt_id=AttemptId(name),
            trunk=Trunk(id=TrunkId(trunk), endpoint=trunk),
            number=Number(number),
            caller_id=caller_id,
            ring_timeout_ms=30_000,
            lease_ms=60_000,
            language="en",
        )
        self.see(Asked(at_ms=at_ms, call=call), Placed(at_ms=at_ms, call=call))
        self.see(LeaseRenewed(at_ms=at_ms, attempt_id=call.attempt_id, until_ms=at_ms + 60_000))

    def end(self, name: str, at_ms: int = T0 + 10) -> None:
        self.see(Ended(at_ms=at_ms, attempt_id=AttemptId(name), sip_code=None, cause=16))

    def answer(self, name: str, at_ms: int = T0) -> None:
        self.see(Answered(at_ms=at_ms, attempt_id=AttemptId(name)))

    def see(self, *facts: WireFact) -> None:
        for fact in facts:
            self.checker.see(fact)

    @property
    def rules(self) -> set[Rule]:
        return {found.rule for found in self.checker.violations}


def claim(name: str, number: Number, outcome: int | None = 9, **more: Any) -> AttemptClaim:
    return AttemptClaim(attempt_id=AttemptId(name), number=number, outcome=outcome, **({"opened_at_ms": T0 - 5} | more))


def test_two_calls_to_different_people_are_fine() -> None:
    wire = Wire()
    wire.call("first", ALICE)
    wire.call("second", BOB)
    assert not wire.rules


def test_two_live_calls_to_one_number() -> None:
    wire = Wire()
    wire.call("first", ALICE)
    wire.end("first")
    wire.call("second", ALICE, T0 + 20)
    assert not wire.rules
    wire.call("third", ALICE, T0 + 40)
    assert wire.rules == {Rule.NUMBER_TWICE, Rule.CONTACT_TWICE}


def test_two_live_calls_to_one_contact_at_different_numbers() -> None:
    wire = Wire()
    wire.call("first", "+1household")
    wire.call("second", "+2household", T0 + 40)
    assert wire.rules == {Rule.CONTACT_TWICE}


def test_an_attempt_id_used_twice() -> None:
    wire = Wire()
    wire.call("first", ALICE)
    wire.end("first")
    wire.call("first", BOB, T0 + 20)
    assert wire.rules == {Rule.ID_USED_TWICE}


def test_more_calls_on_a_trunk_than_lines() -> None:
    wire = Wire(lines=2)
    wire.call("first", "+99901", T0)
    wire.call("second", "+99902", T0 + 20)
    assert not wire.rules
    wire.call("third", "+99903", T0 + 40)
    assert wire.rules == {Rule.TRUNK_LINES}


def test_more_calls_of_a_campaign_than_it_may_have() -> None:
    wire = Wire(lines=1_000, calls_per_second=1_000)
    for place in range(100):
        wire.call(f"call{place}", f"+999{place:05d}", T0 + place)
    assert not wire.rules
    wire.call("onemore", BOB, T0 + 100)
    assert wire.rules == {Rule.CAMPAIGN_LINES}


def at_moments(wire: Wire, *moments_ms: int) -> set[Rule]:
    for place, at_ms in enumerate(moments_ms):
        wire.call(f"call{place}", f"+999{place:05d}", T0 + at_ms)
    return wire.rules


def test_calls_faster_than_the_trunks_rate() -> None:
    assert not at_moments(Wire(calls_per_second=2), 0, 500, 1_000, 1_500)
    assert at_moments(Wire(calls_per_second=2), 0, 400) == {Rule.TRUNK_RATE}


def test_a_rate_forgives_what_was_saved_up_to_the_burst_and_no_more() -> None:
    assert not at_moments(Wire(calls_per_second=20), 0, 0, 60_000, 60_000)
    assert at_moments(Wire(calls_per_second=20), 0, 60_000, 60_000, 60_000) == {Rule.TRUNK_RATE}


def test_calls_faster_than_the_campaigns_rate() -> None:
    wire = Wire(calls_per_second=100_000, lines=1_000)
    assert at_moments(wire, *[0] * 52) == {Rule.CAMPAIGN_RATE}


def test_a_call_on_a_trunk_or_for_a_campaign_nobody_set_limits_for() -> None:
    wire = Wire()
    wire.call("first", ALICE, trunk="other")
    assert Rule.UNLIMITED in wire.rules
    wire = Wire()
    wire.call("first", ALICE, caller_id="")
    assert Rule.UNLIMITED in wire.rules


def test_a_call_to_a_number_on_the_do_not_call_list() -> None:
    wire = Wire()
    wire.call("first", ALICE)
    wire.checker.add_dnc(ALICE)
    wire.end("first")
    assert not wire.rules  # it was up before the list knew
    wire.call("second", ALICE, T0 + 20)
    assert wire.rules == {Rule.DNC_CALLED}


def hears(wire: Wire, at_ms: int) -> None:
    wire.see(SoundBegan(at_ms=T0 + at_ms, attempt_id=AttemptId("first")))


def leaves(wire: Wire, at_ms: int) -> None:
    wire.see(HandedOver(at_ms=T0 + at_ms, attempt_id=AttemptId("first")))


def ends(wire: Wire, at_ms: int) -> None:
    wire.end("first", T0 + at_ms)


def is_verified(wire: Wire, at_ms: int) -> None:
    wire.checker.verify([claim("first", ALICE)], T0 + at_ms)


@pytest.mark.parametrize("what", [hears, leaves, ends, is_verified])
def test_a_person_who_answered_hears_nothing_for_two_seconds(what: Callable[[Wire, int], None]) -> None:
    for at_ms, expected in ((2_000, set()), (2_001, {Rule.SILENCE})):
        wire = Wire()
        wire.call("first", ALICE)
        wire.answer("first")
        what(wire, at_ms)
        assert wire.rules == expected


def test_silence_while_asterisk_is_out_of_reach_is_nobodys_fault() -> None:
    for heard_ms, expected in ((7_000, set()), (7_001, {Rule.SILENCE})):
        wire = Wire()
        wire.call("first", ALICE)
        wire.see(OutOfReach(at_ms=T0 - 1_000), WithinReach(at_ms=T0 - 500))
        wire.answer("first")
        wire.see(OutOfReach(at_ms=T0 + 1_000), WithinReach(at_ms=T0 + 6_000))
        hears(wire, heard_ms)
        assert wire.rules == expected


def test_silence_is_counted_once() -> None:
    wire = Wire()
    wire.call("first", ALICE)
    wire.answer("first")
    hears(wire, 5_000)
    ends(wire, 9_000)
    assert len(wire.checker.violations) == 1


@pytest.mark.parametrize("what", [ends, is_verified])
def test_a_call_that_outlives_its_lease(what: Callable[[Wire, int], None]) -> None:
    for at_ms, expected in ((60_000 + 35_000, set()), (60_000 + 35_001, {Rule.LEASE})):
        wire = Wire()
        wire.call("first", ALICE)
        what(wire, at_ms)
        assert wire.rules == expected


def test_a_call_in_the_admins_dialplan_has_no_lease_of_ours() -> None:
    wire = Wire()
    wire.call("first", ALICE)
    leaves(wire, 1_000)
    ends(wire, 4_000_000)
    assert not wire.rules


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ([claim("first", ALICE)], set()),
        ([], {Rule.NOT_ON_DISK}),
        ([claim("first", BOB)], {Rule.NOT_ON_DISK}),
        ([claim("first", ALICE, opened_at_ms=T0 + 1)], {Rule.NOT_ON_DISK}),
        ([claim("first", ALICE, None)], {Rule.OUTCOMES}),
        ([claim("first", ALICE), claim("first", ALICE)], {Rule.OUTCOMES}),
        ([claim("first", ALICE, answered_at_ms=T0)], {Rule.UNTRUE}),
        ([claim("first", ALICE), claim("never", BOB, answered_at_ms=T0)], {Rule.UNTRUE}),
        ([claim("first", ALICE), claim("never", BOB)], set()),
    ],
)
def test_what_the_database_claims_is_held_against_the_wire(claims: list[AttemptClaim], expected: set[Rule]) -> None:
    wire = Wire()
    wire.call("first", ALICE)
    wire.end("first")
    wire.checker.verify(claims, T0 + 1_000)
    assert wire.rules == expected


def test_a_violation_names_the_call_and_the_moment() -> None:
    wire = Wire(lines=0)
    wire.call("first", ALICE)
    [found] = wire.checker.violations
    assert found.at_ms == T0
    assert "first" in found.detail
