"""What is timed is what was asked: a copy of the pacer decides the same again."""

from __future__ import annotations

import copy

from app.pacing import PacingDecision, PacingSnapshot
from app.study.speed import Recorder, decision_times_us, record
from app.study.telling import Telling


def decided_again(recorder: Recorder) -> list[PacingDecision]:
    pacer = copy.deepcopy(recorder.before)
    assert pacer is not None
    decided = []
    for told in recorder.told:
        if isinstance(told, PacingSnapshot):
            decided.append(pacer.decide(told))
        else:
            pacer.observe(told)
    return decided


def test_a_recording_is_two_minutes_of_a_floor_that_works() -> None:
    recorder = record(5, answer_rate=0.3)
    asked = [told for told in recorder.told if isinstance(told, PacingSnapshot)]
    assert asked[-1].now_ms - asked[0].now_ms > 115_000
    assert len(decision_times_us(recorder)) == len(asked) >= 240
    assert decided_again(recorder) == decided_again(recorder)
    assert sum(decision.place for decision in decided_again(recorder)) > 5


def test_agents_may_be_named_and_their_lengths_are_reckoned_with() -> None:
    recorder = record(5, answer_rate=0.3, told=frozenset({Telling.NAMES}))
    asked = [told for told in recorder.told if isinstance(told, PacingSnapshot)]
    assert any(one.busy for one in asked)
    for one in asked:
        assert one.busy is not None
        lengths = sorted(each.for_ms for each in one.busy.values())
        assert lengths == sorted([*one.talking_ms, *one.wrapping_ms])
    assert recorder.before is not None
    assert recorder.before.freed_ahead(asked[0]).shape == (96,)
