"""A trunk in use: a bad one is left after ten contacts, tried again with one call at a time, and never for good."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from app.dialing.trunk import FAULTS_TO_LEAVE, FIRST_REST_MS, LONGEST_REST_MS, PROBATION, TrunkLine, TrunkState
from app.units import Number
from tests.unit.dialing.build import T0, line, trunk

FAST = 100.0  # calls a second: the rate is not what these tests are about


# --- by example ------------------------------------------------------------------------------------------------------


def fill(on: TrunkLine, now_ms: int) -> list[int]:
    """Place as many calls as the trunk lets us, a second apart."""
    placed = []
    while on.room(now_ms):
        placed.append(on.take(now_ms))
        now_ms += 1_000
    return placed


def test_ten_contacts_are_all_a_silent_trunk_gets() -> None:
    one = line(lines=1_000, calls_per_second=FAST)
    assert len(fill(one, T0)) == PROBATION == 10


def test_five_faults_in_a_row_and_it_is_out_with_a_reason() -> None:
    one = line(lines=100, calls_per_second=FAST)
    for at in range(FAULTS_TO_LEAVE):
        assert one.state is TrunkState.IN_SERVICE
        trial = one.take(T0 + at * 10)
        one.release()
        one.fault("SIP error (SIP 503)", T0 + at * 10, trial)
    assert one.state is TrunkState.OUT
    assert one.reason == "SIP error (SIP 503)"
    assert one.room(T0 + 40) == 0
    assert one.out_until_ms == T0 + 40 + FIRST_REST_MS


def refused(one: TrunkLine, at_ms: int) -> None:
    """A call that is refused with words about the number."""
    stretch = one.take(at_ms)
    one.release()
    one.refusal("not in service (SIP 404)", at_ms, stretch)


def test_a_trunk_that_refuses_every_number_is_out_after_ten() -> None:
    one = line(lines=100, calls_per_second=FAST)
    for at in range(PROBATION):
        assert one.state is TrunkState.IN_SERVICE
        refused(one, T0 + at * 10)
    assert one.state is TrunkState.OUT
    assert one.reason == "it refuses every number: not in service (SIP 404)"


def test_a_refusal_between_calls_that_ring_says_nothing_of_the_trunk() -> None:
    one = line(lines=100, calls_per_second=FAST)
    for at in range(5 * PROBATION):
        refused(one, T0 + at * 100)
        if at % 5 == 4:
            one.show_life()
    assert one.state is TrunkState.IN_SERVICE


def test_ten_calls_without_life_never_leave_a_trunk_in_service_without_room() -> None:
    for faults in range(FAULTS_TO_LEAVE):
        one = line(lines=100, calls_per_second=FAST)
        for at in range(PROBATION):
            if at < faults:
                stretch = one.take(T0 + at * 10)
                one.release()
                one.fault("SIP error (SIP 503)", T0 + at * 10, stretch)
            elif one.state is TrunkState.IN_SERVICE:
                refused(one, T0 + at * 10)
        assert one.state is TrunkState.OUT


def test_a_sign_of_life_forgives_faults() -> None:
    one = line(lines=100, calls_per_second=FAST)
    for at in range(40):
        trial = one.take(T0 + at * 10)
        one.release()
        if at % FAULTS_TO_LEAVE == FAULTS_TO_LEAVE - 1:
            one.show_life()
        else:
            one.fault("SIP error", T0 + at * 10, trial)
    assert one.state is TrunkState.IN_SERVICE


def put_out(one: TrunkLine, now_ms: int) -> int:
    """Have it taken out by faults that begin at `now_ms`; returns until when."""
    is_trial = one.room(now_ms) == 1 and one.state is TrunkState.PROBING
    for count in range(1 if is_trial else FAULTS_TO_LEAVE):
        trial = one.take(now_ms + count * 10)
        one.release()
        one.fault("SIP error", now_ms + count * 10, trial)
    assert one.state is TrunkState.OUT
    return one.out_until_ms


def test_each_failed_trial_doubles_the_rest_up_to_five_minutes() -> None:
    one = line(lines=100, calls_per_second=FAST)
    now, rests = put_out(one, T0), [5]
    for _ in range(9):
        until = put_out(one, now)
        rests.append((until - now) // 1_000)
        assert one.room(until - 1) == 0
        assert one.room(until) == 1, "one call tries it"
        now = until
    assert rests == [5, 10, 20, 40, 80, 160, 300, 300, 300, 300]
    assert LONGEST_REST_MS == 300_000


def test_life_on_trial_brings_it_back_and_resets_the_rest() -> None:
    one = line(lines=100, calls_per_second=FAST)
    until = put_out(one, put_out(one, T0))
    assert one.room(until) == 1
    one.take(until)
    assert one.room(until) == 0, "no second call while the first one tries"
    one.show_life()
    assert one.state is TrunkState.IN_SERVICE
    assert one.reason == ""
    last_fault_at = until + 1_000 + 40
    assert put_out(one, until + 1_000) == last_fault_at + FIRST_REST_MS


def test_a_trial_that_ended_by_our_own_doing_is_made_again() -> None:
    one = line(lines=100, calls_per_second=FAST)
    until = put_out(one, T0)
    assert one.room(until) == 1
    trial = one.take(until)
    one.release()
    one.forget(trial)
    assert one.state is TrunkState.PROBING
    assert one.room(until + 10) == 1


def test_faults_of_calls_from_before_do_not_fail_the_trial() -> None:
    """A silent trunk: ten calls a second apart, each a fault after 25 s. The trial of 34 s speaks for itself."""
    one = line(lines=100, calls_per_second=FAST)
    old = [one.take(T0 + at * 1_000) for at in range(PROBATION)]
    for at in range(FAULTS_TO_LEAVE):
        one.release()
        one.fault("no ringback", T0 + 25_000 + at * 1_000, old[at])
    until = one.out_until_ms
    assert until == T0 + 29_000 + FIRST_REST_MS
    assert one.room(until) == 1
    trial = one.take(until)
    one.release()
    one.fault("no ringback", until + 500, old[9])  # placed before it was out
    assert one.state is TrunkState.PROBING, "the trial is still on its way"
    assert one.room(until + 60_000) == 0, "and stays the only one"
    one.release()
    one.fault("no ringback", until + 25_000, trial)
    assert one.out_until_ms == until + 25_000 + 2 * FIRST_REST_MS


def test_our_own_hang_ups_of_calls_from_before_free_no_trust() -> None:
    """Ten calls ring, ten more go out; hanging up the first ten says nothing of the silent second ten."""
    one = line(lines=100, calls_per_second=FAST)
    first = fill(one, T0)
    one.show_life()
    assert len(fill(one, T0 + 60_000)) == PROBATION
    for trial in first:
        one.release()
        one.forget(trial)
    assert one.room(T0 + 120_000) == 0


def test_no_number_is_carried_without_its_prefix_or_when_switched_off() -> None:
    number = Number("+447700900123")
    assert line().carries(number)
    assert line(prefixes=("+7", "+44")).carries(number)
    assert not line(prefixes=("+7",)).carries(number)
    assert not line(prefixes=()).carries(number)
    off = line(is_enabled=False)
    assert not off.carries(number)
    assert off.room(T0) == 0
    assert off.next_at_ms(T0) is None


def test_lines_and_rate_bound_what_may_start() -> None:
    one = line(lines=2, calls_per_second=1.0)
    one.take(T0)
    assert one.room(T0) == 0
    assert one.next_at_ms(T0) == T0 + 1_000
    one.take(T0 + 1_000)
    assert one.room(T0 + 9_000) == 0
    assert one.next_at_ms(T0 + 9_000) is None, "only an event frees a line"
    one.release()
    assert one.room(T0 + 9_000) == 1


def test_fewer_lines_than_are_in_use_end_no_call_and_start_none() -> None:
    one = line(lines=5, calls_per_second=FAST)
    fill(one, T0)
    one.set(trunk(lines=2, calls_per_second=FAST), T0 + 10_000)
    assert one.lines_used == 5
    for left in (4, 3, 2):
        one.release()
        assert (one.lines_used, one.room(T0 + 20_000)) == (left, 0)
    one.release()
    assert one.room(T0 + 20_000) == 1


def test_another_endpoint_starts_with_a_good_name_and_other_settings_keep_the_bad_one() -> None:
    one = line(lines=100, calls_per_second=FAST)
    put_out(one, T0)
    one.set(trunk(lines=50, calls_per_second=FAST), T0)
    assert one.state is TrunkState.OUT
    one.set(trunk(lines=50, calls_per_second=FAST, endpoint="elsewhere"), T0)
    assert one.reason == ""
    assert len(fill(one, T0 + 1_000)) == PROBATION


def test_taking_or_releasing_what_is_not_there_is_refused() -> None:
    one = line(lines=1)
    with pytest.raises(AssertionError, match="released a line it had not"):
        one.release()
    one.take(T0)
    with pytest.raises(AssertionError, match="has no room"):
        one.take(T0)
    assert one.lines_used == 1


@given(st.integers(1, 300), st.floats(1.0, 1_000.0))
def test_a_trunk_without_life_gets_its_allowance_and_no_more(lines: int, per_second: float) -> None:
    """Ten contacts, however fast it is."""
    one = line(lines=lines, calls_per_second=per_second)
    assert len(fill(one, T0)) == min(lines, PROBATION)


# --- whatever happens ------------------------------------------------------------------------------------------------


@dataclass
class Out:
    """A call that is out, by the test's own books. era: how many signs of life and rests came before it."""

    trial: int
    era: int
    shows_life: bool = field(default=False)


class TrunkLaws(RuleBasedStateMachine):
    """Placing, faults, life and our own hang-ups in any order, over any time."""

    calls = Bundle("calls")

    def __init__(self) -> None:
        super().__init__()
        self.now = T0
        self.line = line(lines=12, calls_per_second=FAST)
        self.out: list[Out] = []
        self.era = 0  # goes up with each sign of life and each rest
        self.placed_in_era = 0  # and not taken back by us
        self.rests = 0  # in a row, without life
        self.was_out_until = 0

    def _look(self) -> None:
        """Notice that it went out, by what it shows."""
        if self.line.state is TrunkState.OUT and self.line.out_until_ms != self.was_out_until:
            assert self.line.out_until_ms - self.now == min(FIRST_REST_MS << self.rests, LONGEST_REST_MS)
            self.was_out_until = self.line.out_until_ms
            self.rests += 1
            self.era += 1
            self.placed_in_era = 0

    def _lived(self) -> None:
        self.era += 1
        self.placed_in_era = 0
        self.rests = 0
        assert self.line.state is TrunkState.IN_SERVICE

    @rule(wait_ms=st.sampled_from([1, 20, 1_000, 5_000, 25_000, 400_000]))
    def time_passes(self, wait_ms: int) -> None:
        self.now += wait_ms

    @rule(target=calls)
    def a_call_is_placed_if_it_may(self) -> Out | None:
        if not self.line.room(self.now):
            return None
        call = Out(trial=self.line.take(self.now), era=self.era)
        self.out.append(call)
        self.placed_in_era += 1
        limit = 1 if self.rests else PROBATION
        assert self.placed_in_era <= limit, f"{self.placed_in_era} contacts without a sign of life"
        return call

    @rule(call=calls)
    def it_rings(self, call: Out | None) -> None:
        if call is not None and call in self.out:
            call.shows_life = True
            self.line.show_life()
            self._lived()

    @rule(call=calls)
    def it_ends_with_a_fault(self, call: Out | None) -> None:
        if call is not None and call in self.out:
            self.out.remove(call)
            self.line.release()
            if call.shows_life:
                self.line.show_life()
                self._lived()
            else:
                self.line.fault("SIP error", self.now, call.trial)
                self._look()

    @rule(call=calls)
    def we_end_it(self, call: Out | None) -> None:
        if call is not None and call in self.out:
            self.out.remove(call)
            self.line.release()
            self.line.forget(call.trial)
            if call.era == self.era and not call.shows_life:
                self.placed_in_era -= 1

    @precondition(lambda self: self.out)
    @rule()
    def everything_ends_with_faults(self) -> None:
        for call in list(self.out):
            self.it_ends_with_a_fault(call)

    @invariant()
    def lines_are_balanced_and_below_the_limit(self) -> None:
        assert self.line.lines_used == len(self.out) <= 12

    @invariant()
    def room_is_what_the_next_time_foretells(self) -> None:
        next_at = self.line.next_at_ms(self.now)
        if self.line.room(self.now):
            assert next_at is not None
            assert next_at <= self.now

    def teardown(self) -> None:
        """Never stuck: all calls end, the longest rest passes, and there is room again."""
        self.everything_ends_with_faults()
        self.now += LONGEST_REST_MS
        assert self.line.lines_used == 0
        assert self.line.room(self.now) > 0


TestTrunkLaws = TrunkLaws.TestCase
