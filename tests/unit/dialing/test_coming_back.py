"""Calls found again: after a broken line to Asterisk, or by a dialer that was started anew."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.commands import HangUp, PlaceCall, Play, Record, RenewLease, StopPlayback, StopRecording
from app.dialing.attempt import AttemptRun, AttemptState
from app.events import CallAnswered, CallEnded, CallPlaced, CallRinging, LiveCall, PlaybackEnded, PromptsRendered
from app.ivr.load import load_flow
from app.ivr.needs import prompts_needed
from app.outcomes import ContactStatus, Outcome
from tests.unit.dialing.build import FLOW, T0, audio_for, audio_of, campaign, line, opened

RECORDING = load_flow(
    """
    name: recording
    start: ask
    nodes:
      ask: {type: record, text: Tell us., into: said, next: bye}
      bye: {type: hangup}
    """
)
ID = opened().attempt_id
IN_HAND = LiveCall(attempt_id=ID, is_in_hand=True, is_up=True)
APOLOGISED_TO = LiveCall(attempt_id=ID, is_in_hand=False, is_up=True, is_in_fallback=True)
IN_DIALPLAN = LiveCall(attempt_id=ID, is_in_hand=False, is_up=True)


def ringing() -> AttemptRun:
    """A call of this life that rings."""
    attempt = AttemptRun(opened(), campaign(), FLOW, T0)
    attempt.prepare(audio_for(FLOW, attempt.opened))
    [place] = attempt.place(line(), T0)
    assert isinstance(place, PlaceCall)
    attempt.handle(CallPlaced(attempt_id=ID), T0 + 10)
    attempt.handle(CallRinging(attempt_id=ID), T0 + 100)
    return attempt


def recovered() -> AttemptRun:
    """An attempt of a life before this one."""
    return AttemptRun(opened(), campaign(), RECORDING, T0)


def test_who_answered_while_we_were_away_and_heard_the_apology_was_abandoned_and_is_tried_again() -> None:
    attempt = ringing()
    assert attempt.find_alive(APOLOGISED_TO, T0 + 5_000) == []
    attempt.handle(CallEnded(attempt_id=ID, cause=16), T0 + 9_000)
    assert attempt.result is not None
    assert attempt.result.outcome is Outcome.ABANDONED_BY_DIALER
    assert attempt.result.is_charged
    assert attempt.result.facts.answered_at_ms == T0 + 5_000
    assert attempt.result.next.status is ContactStatus.PENDING


@pytest.mark.parametrize(
    ("found", "outcome"),
    [(APOLOGISED_TO, Outcome.ABANDONED_BY_DIALER), (IN_DIALPLAN, Outcome.CONNECTED_TO_IVR)],
    ids=["apology", "conversation"],
)
def test_after_a_restart_an_apology_is_told_from_a_conversation_in_the_dialplan(
    found: LiveCall, outcome: Outcome
) -> None:
    attempt = recovered()
    assert attempt.adopt(found, line(), T0) == []
    attempt.handle(CallEnded(attempt_id=ID, cause=16), T0 + 4_000)
    assert attempt.result is not None
    assert attempt.result.outcome is outcome


def test_a_call_taken_over_falls_silent_and_hears_the_flow_anew() -> None:
    attempt = recovered()
    commands = attempt.adopt(IN_HAND, line(), T0)
    assert StopPlayback(attempt_id=ID, playback_id=f"{ID}-1") in commands
    assert StopRecording(attempt_id=ID, name=f"{ID}-ask") in commands
    commands += attempt.handle(
        PromptsRendered(attempt_id=ID, audio=audio_of(prompts_needed(RECORDING, {}, "en")), failed={}), T0 + 50
    )
    [played] = [command for command in commands if isinstance(command, Play)]
    stopped = {command.playback_id for command in commands if isinstance(command, StopPlayback)}
    assert played.playback_id not in stopped


def test_what_a_life_before_played_and_recorded_is_not_taken_for_ours() -> None:
    attempt = recovered()
    attempt.adopt(IN_HAND, line(), T0)
    audio = audio_of(prompts_needed(RECORDING, {}, "en"))
    [played] = attempt.handle(PromptsRendered(attempt_id=ID, audio=audio, failed={}), T0 + 50)
    assert isinstance(played, Play)
    old = PlaybackEnded(attempt_id=ID, playback_id=f"{ID}-1")
    assert attempt.handle(old, T0 + 60) == []
    [recorded] = attempt.handle(replace(old, playback_id=played.playback_id), T0 + 1_000)
    assert isinstance(recorded, Record)
    assert recorded.name != f"{ID}-ask"
    assert recorded.name.startswith(ID)


def test_what_only_rings_is_not_silenced() -> None:
    attempt = recovered()
    assert attempt.adopt(LiveCall(attempt_id=ID, is_in_hand=False), line(), T0) == []
    assert attempt.state is AttemptState.DIALING
    assert attempt.take_back(T0) == [HangUp(attempt_id=ID)]


def test_who_answers_a_call_of_a_life_before_is_not_cut_off_by_that_lifes_lease() -> None:
    attempt = recovered()
    attempt.adopt(LiveCall(attempt_id=ID, is_in_hand=False), line(), T0)
    attempt.handle(CallAnswered(attempt_id=ID), T0 + 5_000)
    assert attempt.next_deadline_ms() == T0 + 5_000
    assert RenewLease(attempt_id=ID, lease_ms=30_000) in attempt.wake(T0 + 5_000)
