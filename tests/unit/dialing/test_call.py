"""The table of a call: each row does what it says, and every pair that is no step changes nothing."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.dialing.call import FINAL, TABLE, Call, CallState, CallStep
from app.events import (
    CallAnswered,
    CallEnded,
    CallLeft,
    CallPlaced,
    CallProgressed,
    CallRefused,
    CallRinging,
    CallUnknown,
)
from app.units import AttemptId, TrunkId
from tests.unit.dialing.build import T0, facts

ID = AttemptId("attempt00001")
EVENTS: dict[type[Any], CallStep] = {
    CallPlaced: CallPlaced(attempt_id=ID),
    CallRefused: CallRefused(attempt_id=ID, reason="endpoint not found"),
    CallUnknown: CallUnknown(attempt_id=ID, reason="the line to Asterisk broke"),
    CallRinging: CallRinging(attempt_id=ID),
    CallProgressed: CallProgressed(attempt_id=ID),
    CallAnswered: CallAnswered(attempt_id=ID),
    CallLeft: CallLeft(attempt_id=ID),
    CallEnded: CallEnded(attempt_id=ID, sip_code=486, cause=17, cause_text="User busy"),
}
STEPS = [(state, kind, target) for (state, kind), target in TABLE.items() if target is not None]
NO_STEPS = [(state, kind) for (state, kind), target in TABLE.items() if target is None]


def name(value: object) -> str:
    return value.value if isinstance(value, CallState) else getattr(value, "__name__", "")


def call(state: CallState) -> Call:
    return Call(trunk_id=TrunkId("north"), state=state, facts=facts())


def test_every_pair_of_state_and_event_has_its_row() -> None:
    assert set(TABLE) == {(state, kind) for state in CallState for kind in EVENTS}


@pytest.mark.parametrize(("state", "kind", "target"), STEPS, ids=name)
def test_a_step_leads_where_its_row_says(state: CallState, kind: type[Any], target: CallState) -> None:
    one = call(state)
    assert one.step(EVENTS[kind], T0 + 7) is True
    assert one.state is target


@pytest.mark.parametrize(("state", "kind"), NO_STEPS, ids=name)
def test_an_event_that_is_no_step_changes_nothing(state: CallState, kind: type[Any]) -> None:
    one = call(state)
    before = copy.deepcopy((one.trunk_id, one.state, one.facts))
    assert one.step(EVENTS[kind], T0 + 7) is False
    assert (one.trunk_id, one.state, one.facts) == before


def test_from_every_state_that_is_not_final_the_end_is_one_step_away() -> None:
    for state in CallState:
        expected = None if state in FINAL else CallState.ENDED
        assert TABLE[state, CallEnded] is expected, state


def test_final_states_are_the_ones_nothing_leads_out_of() -> None:
    ways_out = {state for state in CallState if any(TABLE[state, kind] is not None for kind in EVENTS)}
    assert set(CallState) - ways_out == FINAL


def test_only_a_call_without_reply_can_be_refused_or_unknown() -> None:
    for kind in (CallRefused, CallUnknown):
        assert [state for state in CallState if TABLE[state, kind] is not None] == [CallState.PLACING], kind


def test_an_answered_call_is_never_taken_for_ringing_again() -> None:
    for state in (CallState.ANSWERED, CallState.LEFT):
        targets = {TABLE[state, kind] for kind in EVENTS}
        assert targets <= {None, CallState.ANSWERED, CallState.LEFT, CallState.ENDED}, state


@pytest.mark.parametrize(
    ("kind", "field"),
    [(CallRinging, "ringing_at_ms"), (CallProgressed, "progress_at_ms"), (CallAnswered, "answered_at_ms")],
)
def test_the_first_of_each_sign_is_dated_and_later_ones_leave_it(kind: type[Any], field: str) -> None:
    one = call(CallState.DIALING)
    one.step(EVENTS[kind], T0 + 100)
    one.step(EVENTS[kind], T0 + 900)
    assert getattr(one.facts, field) == T0 + 100
    assert one.has_shown_life


def test_the_end_keeps_what_the_network_said() -> None:
    one = call(CallState.RINGING)
    one.step(EVENTS[CallEnded], T0 + 5_000)
    assert one.facts == replace(facts(), ended_at_ms=T0 + 5_000, sip_code=486, cause=17, cause_text="User busy")
    assert one.is_over


def test_a_call_that_only_ended_has_shown_no_life() -> None:
    one = call(CallState.DIALING)
    one.step(EVENTS[CallEnded], T0)
    assert not one.has_shown_life


@given(st.lists(st.sampled_from(sorted(EVENTS, key=lambda kind: kind.__name__)), max_size=12))
def test_any_order_of_events_leaves_times_that_belong_to_what_was_taken(kinds: list[type[Any]]) -> None:
    one = call(CallState.PLACING)
    taken: dict[type[Any], int] = {}
    for at_ms, kind in enumerate(kinds, T0):
        was_over = one.is_over
        if one.step(EVENTS[kind], at_ms):
            assert not was_over, "a final state is left"
            taken.setdefault(kind, at_ms)
    told = one.facts
    assert told.ringing_at_ms == taken.get(CallRinging)
    assert told.progress_at_ms == taken.get(CallProgressed)
    assert told.answered_at_ms == taken.get(CallAnswered)
    assert told.ended_at_ms == taken.get(CallEnded)
    assert one.is_over == (CallEnded in taken or CallRefused in taken)
