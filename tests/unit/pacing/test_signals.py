"""What is said of calls is learned, and what means nothing changes nothing."""

from __future__ import annotations

import random

import pytest

from app.pacing import CallEnded, CallPlaced, CallSignal, PacingPolicy, PacingSnapshot, PersonAnswered
from app.pacing.predictive import PredictivePacer
from app.pacing.signals import QUIET_MS, CallSignals
from tests.unit.pacing.floors import NOW_MS

CHANCES = {"answered before": 0.6, "never answered": 0.1}


def taught(*, use_signals: bool = True, is_telling: bool = True, latest_ms: int = 14_000) -> PredictivePacer:
    """A pacer after 900 calls whose features tell (or do not) whether a person answers."""
    rng = random.Random(2)
    pacer = PredictivePacer(PacingPolicy(use_signals=use_signals))
    for call in range(900):
        at_ms = NOW_MS - 900_000 + 990 * call
        said = rng.choice(list(CHANCES))
        is_person = rng.random() < CHANCES[said]
        features = (said if is_telling else rng.choice(list(CHANCES)),)
        pacer.observe(CallPlaced(at_ms=at_ms, call_id=call, features=features))
        if not is_person and is_telling:
            pacer.observe(CallSignal(at_ms=at_ms + 5_000, call_id=call, signal="silence"))
        if is_person:
            pacer.observe(PersonAnswered(at_ms=at_ms, call_id=call, ring_ms=rng.randint(6_000, latest_ms)))
        else:
            pacer.observe(
                CallEnded(at_ms=at_ms, call_id=call, outcome="no answer", ring_ms=rng.randint(25_000, 30_000))
            )
        if call % 20 == 0:
            pacer.decide(PacingSnapshot(now_ms=at_ms, idle_agents=0))
    return pacer


def expected(pacer: PredictivePacer, feature: str, *signals: str) -> float:
    """Answers to come of ten calls 4 s old with this feature."""
    for call in range(10):
        pacer.observe(CallPlaced(at_ms=NOW_MS - 4_000, call_id=f"{feature}{call}", features=(feature,)))
        for signal in signals:
            pacer.observe(CallSignal(at_ms=NOW_MS - 1_000, call_id=f"{feature}{call}", signal=signal))
    snapshot = PacingSnapshot(
        now_ms=NOW_MS, idle_agents=0, ringing_ms={f"{feature}{call}": 4_000 for call in range(10)}
    )
    pacer.look(snapshot)
    return float(pacer.answers_ahead(snapshot)[31])


def test_a_contact_that_answered_before_is_more_likely_to() -> None:
    assert expected(taught(), "answered before") > 4.5
    assert expected(taught(), "never answered") < 2.0


def test_silence_on_the_line_is_heard() -> None:
    assert expected(taught(), "answered before", "silence") < 0.6 * expected(taught(), "answered before")


def test_words_that_tell_nothing_change_nothing() -> None:
    pacer = taught(is_telling=False)
    assert expected(pacer, "answered before") == pytest.approx(expected(taught(use_signals=False), "x"), rel=0.15)


def test_a_new_word_changes_nothing() -> None:
    assert expected(taught(), "unheard of") == pytest.approx(expected(taught(use_signals=False), "x"), rel=0.1)


def test_signals_can_be_left_out() -> None:
    pacer = taught(use_signals=False)
    assert expected(pacer, "answered before") == expected(pacer, "never answered")


def lines(*, do_tell: bool) -> PredictivePacer:
    """A pacer after 900 calls: a person's phone rings at 2 s and is answered, most of the others never ring."""
    rng = random.Random(6)
    pacer = PredictivePacer(PacingPolicy())
    for call in range(900):
        at_ms = NOW_MS - 900_000 + 990 * call
        is_person = rng.random() < 0.3
        pacer.observe(CallPlaced(at_ms=at_ms, call_id=call))
        if do_tell and (is_person or rng.random() < 0.2):
            pacer.observe(CallSignal(at_ms=at_ms + 2_000, call_id=call, signal="ringing"))
        if is_person:
            pacer.observe(PersonAnswered(at_ms=at_ms, call_id=call, ring_ms=rng.randint(6_000, 14_000)))
        else:
            pacer.observe(
                CallEnded(at_ms=at_ms, call_id=call, outcome="no answer", ring_ms=rng.randint(25_000, 30_000))
            )
        if call % 20 == 0:
            pacer.decide(PacingSnapshot(now_ms=at_ms, idle_agents=0))
    return pacer


def expected_of_quiet(pacer: PredictivePacer, age_ms: int) -> float:
    """Answers to come of ten calls of which nothing was heard."""
    for call in range(10):
        pacer.observe(CallPlaced(at_ms=NOW_MS - age_ms, call_id=f"quiet {call}"))
    seen = PacingSnapshot(now_ms=NOW_MS, idle_agents=0, ringing_ms={f"quiet {call}": age_ms for call in range(10)})
    pacer.look(seen)
    return float(pacer.answers_ahead(seen)[31])


def test_a_phone_that_does_not_begin_to_ring_is_answered_by_nobody() -> None:
    assert expected_of_quiet(lines(do_tell=True), QUIET_MS) < 0.5
    assert expected_of_quiet(lines(do_tell=True), QUIET_MS - 1_000) > 2.0


def test_where_lines_tell_nothing_no_call_is_quiet() -> None:
    assert expected_of_quiet(lines(do_tell=False), QUIET_MS) > 2.0


def test_words_that_tell_nothing_are_taken_for_nothing() -> None:
    """Noise is not believed: of sixty sets of words said at random the evidence is next to nothing."""
    rng = random.Random(9)
    signals = CallSignals()
    sets = [(f"trunk {i}", f"list {j}") for i in range(6) for j in range(10)]
    for call in range(6_000):
        signals.placed(call, rng.choice(sets), 0)
        signals.ended(call, 9_000, is_person=rng.random() < 0.15)
    evidence = [abs(float(signals.evidence(words)[0])) for words in sets]
    assert sum(evidence) / len(evidence) < 0.15


def with_busy_lines() -> PredictivePacer:
    """A pacer after 3,000 calls: three in ten are busy and end by four seconds, of the other phones all that people
    answer and half of the rest ring."""
    rng = random.Random(3)
    pacer = PredictivePacer(PacingPolicy())
    for call in range(3_000):
        at_ms = NOW_MS - 900_000 + 297 * call
        pacer.observe(CallPlaced(at_ms=at_ms, call_id=call))
        luck = rng.random()
        if luck >= 0.3 and (luck < 0.5 or rng.random() < 0.5):
            pacer.observe(CallSignal(at_ms=at_ms + 2_000, call_id=call, signal="ringing"))
        if luck < 0.3:
            pacer.observe(CallEnded(at_ms=at_ms, call_id=call, outcome="busy", ring_ms=rng.randint(3_000, 4_000)))
        elif luck < 0.5:
            pacer.observe(PersonAnswered(at_ms=at_ms, call_id=call, ring_ms=rng.randint(8_000, 14_000)))
        else:
            pacer.observe(
                CallEnded(at_ms=at_ms, call_id=call, outcome="no answer", ring_ms=rng.randint(25_000, 30_000))
            )
        if call % 20 == 0:
            pacer.decide(PacingSnapshot(now_ms=at_ms, idle_agents=0))
    return pacer


def test_that_a_phone_rings_tells_less_once_no_busy_ones_are_left() -> None:
    """At six seconds 2 of the 4.5 in ten calls that ring are a person's; against all calls placed it would be more."""
    pacer = with_busy_lines()
    for call in range(10):
        pacer.observe(CallPlaced(at_ms=NOW_MS - 6_000, call_id=f"rings {call}"))
        pacer.observe(CallSignal(at_ms=NOW_MS - 4_000, call_id=f"rings {call}", signal="ringing"))
    seen = PacingSnapshot(now_ms=NOW_MS, idle_agents=0, ringing_ms={f"rings {call}": 6_000 for call in range(10)})
    pacer.look(seen)
    assert float(pacer.answers_ahead(seen)[31]) == pytest.approx(10 * 2 / 4.5, abs=0.35)


def test_of_calls_likely_answered_fewer_need_be_taken_back() -> None:
    taken, surplus = {}, None
    for feature in CHANCES:
        pacer = taught(latest_ms=24_000)
        calls = {f"{feature}{call}": 16_000 - call for call in range(12)}
        for call, age_ms in calls.items():
            pacer.observe(CallPlaced(at_ms=NOW_MS - age_ms, call_id=call, features=(feature,)))
        seen = PacingSnapshot(now_ms=NOW_MS, idle_agents=2, ringing_ms=calls)
        pacer.look(seen)
        if surplus is None:
            surplus = pacer.answers_ahead(seen)
            surplus[:32] -= seen.idle_agents
        taken[feature] = len(pacer.to_cancel(seen, surplus))
    assert 0 < taken["answered before"] < taken["never answered"]
