"""Each answer of the network has its outcome; a person is told from a trunk that swallowed the call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.dialing import verdict
from app.dialing.verdict import CAUSE_OUTCOMES, HUNG_UP_AT_ONCE_MS, SIP_OUTCOMES, TRUNK_FAULTS
from app.outcomes import OUTCOMES, Outcome, RetryClass
from tests.unit.dialing.build import T0, facts

RING_MS = 25_000
O = Outcome  # noqa: E741 - the tables below are read by their columns

# SIP code, Q.850 cause, rang, early media, ended after ms → outcome. The lab's table (docs/lab.md) row by row, and what
# it cannot show.
ROWS: list[tuple[str, int | None, int, bool, bool, int, Outcome]] = [
    # name                       SIP  cause  rang  media  after   outcome
    ("busy",                      486, 17, False, False, 200,    O.BUSY),
    ("busy everywhere",           600, 17, False, False, 200,    O.BUSY),
    ("no answer",                 480, 19, True,  False, 25_000, O.NO_ANSWER),
    ("no answer, told late",      480, 19, True,  False, 26_900, O.NO_ANSWER),
    ("no answer, rounded down",   480, 19, True,  False, 24_600, O.NO_ANSWER),
    ("no answer, only media",     480, 19, False, True,  25_000, O.NO_ANSWER),
    ("no reply, rounded down",    480, 19, False, False, 24_600, O.NO_RINGBACK),
    ("no reply at all",           480, 19, False, False, 25_000, O.NO_RINGBACK),
    ("dead host, SIP timer B",    408, 18, False, False, 32_000, O.NO_RINGBACK),
    ("dead host, own patience",   408, 18, False, False, 9_000,  O.NO_RINGBACK),
    ("408 from a phone",          408, 18, True,  False, 9_000,  O.NO_ANSWER),
    ("congestion",                503, 34, False, False, 200,    O.SIP_ERROR),
    ("declined",                  603, 21, True,  False, 1_000,  O.BUSY),
    ("incomplete",                484, 28, False, False, 200,    O.INVALID_NUMBER),
    ("not in service",            404, 1,  False, False, 200,    O.NOT_IN_SERVICE),
    ("announced, then 404",       404, 1,  False, True,  4_900,  O.NOT_IN_SERVICE),
    ("changed",                   410, 22, False, False, 200,    O.NOT_IN_SERVICE),
    ("nobody anywhere",           604, 1,  False, False, 200,    O.NOT_IN_SERVICE),
    ("unwanted",                  607, 127, False, False, 200,   O.CALL_SCREENED),
    ("screened",                  608, 127, False, False, 200,   O.CALL_SCREENED),
    ("rings, then unavailable",   480, 19, True,  False, 4_000,  O.NO_ANSWER),
    ("switched off",              480, 19, False, False, 200,    O.NO_ANSWER),
    ("announced, then busy",      486, 17, False, True,  1_400,  O.BUSY),
    ("forbidden",                 403, 21, False, False, 200,    O.UNAUTHORIZED),
    ("not authorised",            401, 21, False, False, 200,    O.UNAUTHORIZED),
    ("proxy wants a password",    407, 21, False, False, 200,    O.UNAUTHORIZED),
    ("server error",              500, 38, False, False, 200,    O.SIP_ERROR),
    ("bad gateway",               502, 27, False, False, 200,    O.SIP_ERROR),
    ("gateway timeout",           504, 102, False, False, 200,   O.SIP_ERROR),
    ("moved",                     302, 23, False, False, 200,    O.SIP_ERROR),
    ("no common codec",           488, 58, False, False, 200,    O.UNSUPPORTED),
    ("not acceptable anywhere",   606, 58, False, False, 200,    O.UNSUPPORTED),
    ("unsupported media",         415, 79, False, False, 200,    O.UNSUPPORTED),
    ("cancelled by the network",  487, 0,  True,  False, 3_000,  O.NO_ANSWER),
    ("unheard of",                699, 0,  False, False, 200,    O.SIP_ERROR),
    # older Asterisks do not tell the SIP code
    ("cause busy",                None, 17, False, False, 200,   O.BUSY),
    ("cause rejected",            None, 21, False, False, 200,   O.BUSY),
    ("cause no user",             None, 18, False, False, 200,   O.NO_ANSWER),
    ("cause no answer",           None, 19, True,  False, 200,   O.NO_ANSWER),
    ("cause unallocated",         None, 1,  False, False, 200,   O.NOT_IN_SERVICE),
    ("cause changed",             None, 22, False, False, 200,   O.NOT_IN_SERVICE),
    ("cause incomplete",          None, 28, False, False, 200,   O.INVALID_NUMBER),
    ("cause congestion",          None, 34, False, False, 200,   O.SIP_ERROR),
    ("cause out of order",        None, 38, False, False, 200,   O.SIP_ERROR),
    ("cause bearer",              None, 58, False, False, 200,   O.UNSUPPORTED),
    ("cause interworking",        None, 127, False, False, 200,  O.CALL_SCREENED),
    ("cause unheard of",          None, 99, False, False, 200,   O.SIP_ERROR),
    ("no cause, nothing heard",   None, 0,  False, False, 200,   O.SIP_ERROR),
    ("BYE while ringing",         None, 16, True,  False, 3_000, O.NETWORK_DISCONNECT),
    ("gone while ringing",        None, 0,  True,  False, 3_000, O.NETWORK_DISCONNECT),
    ("network out of order",      None, 27, True,  False, 3_000, O.NETWORK_DISCONNECT),
    ("temporary failure",         None, 41, False, True,  3_000, O.NETWORK_DISCONNECT),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sip_code", "cause", "has_rung", "has_media", "after_ms", "expected"),
    [row[1:] for row in ROWS],
    ids=[row[0] for row in ROWS],
)
def test_a_call_nobody_answered(
    sip_code: int | None, cause: int, has_rung: bool, has_media: bool, after_ms: int, expected: Outcome
) -> None:
    told = facts(
        sip_code=sip_code,
        cause=cause,
        ringing_at_ms=T0 + 50 if has_rung else None,
        progress_at_ms=T0 + 60 if has_media else None,
        ended_at_ms=T0 + after_ms,
    )
    assert verdict.unanswered(told, ring_timeout_ms=RING_MS) is expected


def test_every_code_of_the_tables_has_a_row_here() -> None:
    assert {row[1] for row in ROWS} >= set(SIP_OUTCOMES)
    assert {row[2] for row in ROWS if row[1] is None} >= set(CAUSE_OUTCOMES)


@given(
    sip_code=st.none() | st.integers(100, 699),
    cause=st.none() | st.integers(0, 127),
    rung=st.none() | st.integers(0, 60_000),
    media=st.none() | st.integers(0, 60_000),
    after_ms=st.none() | st.integers(0, 120_000),
    placed=st.none() | st.just(T0),
)
def test_whatever_the_network_says_nobody_is_called_connected_who_did_not_answer(
    sip_code: int | None,
    cause: int | None,
    rung: int | None,
    media: int | None,
    after_ms: int | None,
    placed: int | None,
) -> None:
    told = facts(
        placed_at_ms=placed,
        sip_code=sip_code,
        cause=cause,
        ringing_at_ms=None if rung is None else T0 + rung,
        progress_at_ms=None if media is None else T0 + media,
        ended_at_ms=None if after_ms is None else T0 + after_ms,
    )
    outcome = verdict.unanswered(told, ring_timeout_ms=RING_MS)
    assert OUTCOMES[outcome].retry in (RetryClass.LATER, RetryClass.SOON, RetryClass.FIX)
    if rung is None and media is None and after_ms is not None and placed is not None and after_ms >= RING_MS:
        assert outcome is Outcome.NO_RINGBACK, "silence to the end is the trunk's, not the person's"


def test_nobody_pays_for_a_fault_of_the_trunk() -> None:
    assert {outcome for outcome in TRUNK_FAULTS if OUTCOMES[outcome].is_charged} == set()


SUGGESTIONS = [Outcome.ANSWERING_MACHINE, Outcome.DEAD_AIR]


@pytest.mark.parametrize("by_person", [True, False])
@pytest.mark.parametrize("suggested", SUGGESTIONS)
def test_what_the_flow_found_out_comes_first(suggested: Outcome, by_person: bool) -> None:
    told = facts(answered_at_ms=T0, ended_at_ms=T0 + 100)
    assert verdict.answered(told, suggested=suggested, by_person=by_person) is suggested


@pytest.mark.parametrize(
    ("lasted_ms", "by_person", "expected"),
    [
        (0, True, Outcome.CUSTOMER_HUNG_UP),
        (HUNG_UP_AT_ONCE_MS - 1, True, Outcome.CUSTOMER_HUNG_UP),
        (HUNG_UP_AT_ONCE_MS, True, Outcome.CONNECTED_TO_IVR),
        (60_000, True, Outcome.CONNECTED_TO_IVR),
        (0, False, Outcome.CONNECTED_TO_IVR),
        (60_000, False, Outcome.CONNECTED_TO_IVR),
    ],
)
def test_an_answered_call_was_connected_unless_the_person_hung_up_at_once(
    lasted_ms: int, by_person: bool, expected: Outcome
) -> None:
    told = facts(answered_at_ms=T0 + 5_000, ended_at_ms=T0 + 5_000 + lasted_ms)
    assert verdict.answered(told, suggested=None, by_person=by_person) is expected
