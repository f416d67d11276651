"""What can be asked of a call through the Telephony port, and what both worlds tell of it."""

from app.commands import (
    HangUp,
    Play,
    Record,
    RenewLease,
    SendToExtension,
    StopPlayback,
    StopRecording,
    TelephonyCommand,
)
from app.events import (
    CallAnswered,
    CallEnded,
    CallLeft,
    CallPlaced,
    CallRefused,
    CallRinging,
    CallUnknown,
    CommandFailed,
    DigitPressed,
    PlaybackEnded,
    RecordingEnded,
)
from asterisk.lab.numbers import named
from tests.contract.media import LONG, MISSING, SHORT
from tests.contract.stage import Line, Stage, contract

LISTENER = ""
RINGS_ON = named("no-answer").suffix
FALLBACK_TAKES_MS = 4_740


def play(line: Line, name: str, *media: str) -> str:
    """Begin a playback; its id is unique to the call."""
    playback_id = f"{line.attempt_id}-{name}"
    line.do(Play(attempt_id=line.attempt_id, playback_id=playback_id, media=media))
    return playback_id


def record(line: Line, name: str, *, longest_ms: int = 20_000, silence_ms: int = 0) -> str:
    """Begin a recording; its name is unique to the call."""
    name = f"{line.attempt_id}-{name}"
    line.do(
        Record(attempt_id=line.attempt_id, name=name, max_length_ms=longest_ms, max_silence_ms=silence_ms, beep=False)
    )
    return name


async def answered(stage: Stage, suffix: str = LISTENER, *, lease_ms: int = 120_000) -> Line:
    line = stage.place(suffix, lease_ms=lease_ms)
    await line.until(CallAnswered)
    return line


async def ended(line: Line) -> CallEnded:
    line.hang_up()
    return await line.until(CallEnded)


# --- placing ---------------------------------------------------------------------------------------------------------


@contract
async def test_a_call_is_placed_once(stage: Stage) -> None:
    line = await answered(stage)
    await ended(line)
    assert sum(isinstance(event, CallPlaced) for _, event in line.told) == 1


@contract
async def test_a_trunk_that_rejects_ends_every_call_with_503_and_never_rings(stage: Stage) -> None:
    line = stage.place(LISTENER, trunk="rejecting")
    end = await line.until(CallEnded)
    assert (line.story, end.sip_code, end.cause) == (["CallEnded"], 503, 34)


async def _gives_up_in_silence(stage: Stage, trunk: str) -> None:
    line = stage.place(LISTENER, trunk=trunk, ring_timeout_ms=3_000)
    end = await line.until(CallEnded)
    assert (line.story, end.sip_code, end.cause) == (["CallEnded"], 480, 19)
    assert 2_900 < line.when(CallEnded) < 5_000


@contract
async def test_a_silent_trunk_runs_into_the_ring_timeout(stage: Stage) -> None:
    await _gives_up_in_silence(stage, "silent")


@contract
async def test_a_dead_trunk_looks_like_a_silent_one(stage: Stage) -> None:
    await _gives_up_in_silence(stage, "dead")


@contract
async def test_a_silent_trunk_is_given_up_after_32_seconds_whatever_the_ring_timeout(stage: Stage) -> None:
    line = stage.place(LISTENER, trunk="silent", ring_timeout_ms=45_000)
    end = await line.until(CallEnded)
    assert (line.story, end.sip_code, end.cause) == (["CallEnded"], 408, 18)
    assert 31_000 < line.when(CallEnded) < 36_000


@contract
async def test_an_unknown_endpoint_is_refused_for_the_trunks_sake(stage: Stage) -> None:
    line = stage.place(LISTENER, trunk="nobody-knows-it")
    refused = await line.until(CallRefused)
    assert refused.is_trunk_fault
    assert [type(event) for _, event in line.told] == [CallRefused]


@contract
async def test_an_id_that_is_in_use_is_not_dialed_again(stage: Stage) -> None:
    line = await answered(stage)
    stage.place(LISTENER, again=line)
    await line.until(CallUnknown)
    await ended(line)
    assert line.story == ["CallRinging", "CallAnswered", "CallUnknown", "CallEnded"]


@contract
async def test_a_ringing_call_can_be_taken_back(stage: Stage) -> None:
    line = stage.place(RINGS_ON)
    await line.until(CallRinging)
    end = await ended(line)
    assert (line.story, end.sip_code, end.cause) == (["CallRinging", "CallEnded"], None, 16)


@contract
async def test_a_call_can_be_taken_back_at_once(stage: Stage) -> None:
    line = stage.place(RINGS_ON)
    end = await ended(line)
    assert (line.story[-1], end.cause) == ("CallEnded", 16)
    assert end.sip_code in (None, 603)  # 603: a loaded Asterisk had not sent its INVITE yet, and declines for itself


# --- playing ---------------------------------------------------------------------------------------------------------


@contract
async def test_a_playback_tells_of_its_end_once_after_its_last_medium(stage: Stage) -> None:
    line = await answered(stage)
    began_ms = stage.clock.now_ms()
    playback_id = play(line, "two", SHORT, SHORT)
    over = await line.until(PlaybackEnded)
    assert (over.playback_id, over.has_failed) == (playback_id, False)
    assert stage.clock.now_ms() - began_ms > 1_400
    await ended(line)
    assert line.story.count("PlaybackEnded") == 1


@contract
async def test_playbacks_are_played_one_after_the_other(stage: Stage) -> None:
    line = await answered(stage)
    names = [play(line, "first", SHORT), play(line, "second", SHORT)]
    assert [(await line.until(PlaybackEnded)).playback_id for _ in names] == names
    await ended(line)


@contract
async def test_a_stopped_playback_has_not_failed(stage: Stage) -> None:
    line = await answered(stage)
    playback_id = play(line, "long", LONG)
    await stage.after_ms(500)
    line.do(StopPlayback(attempt_id=line.attempt_id, playback_id=playback_id))
    over = await line.until(PlaybackEnded)
    assert (over.playback_id, over.has_failed) == (playback_id, False)
    await ended(line)


@contract
async def test_a_playback_stopped_before_its_turn_tells_of_its_end_when_its_turn_comes(stage: Stage) -> None:
    line = await answered(stage)
    first, second = play(line, "first", SHORT, SHORT), play(line, "second", LONG)
    line.do(StopPlayback(attempt_id=line.attempt_id, playback_id=second))
    over = [await line.until(PlaybackEnded) for _ in range(2)]
    assert [(one.playback_id, one.has_failed) for one in over] == [(first, False), (second, False)]
    await ended(line)


@contract
async def test_what_cannot_be_played_fails(stage: Stage) -> None:
    line = await answered(stage)
    play(line, "missing", MISSING)
    assert (await line.until(PlaybackEnded)).has_failed
    await ended(line)


@contract
async def test_a_hang_up_fails_the_playback_and_then_ends_the_call(stage: Stage) -> None:
    line = await answered(stage)
    play(line, "long", LONG)
    await stage.after_ms(500)
    await ended(line)
    assert line.story[-2:] == ["PlaybackEnded", "CallEnded"]
    assert [event.has_failed for event in line.events if isinstance(event, PlaybackEnded)] == [True]


@contract
async def test_a_person_who_hangs_up_mid_prompt_fails_the_playback_too(stage: Stage) -> None:
    line = await answered(stage, named("hangs-up-mid-prompt").suffix)
    play(line, "long", LONG)
    await line.until(CallEnded)
    assert line.story == ["CallRinging", "CallAnswered", "PlaybackEnded", "CallEnded"]
    assert [event.has_failed for event in line.events if isinstance(event, PlaybackEnded)] == [True]


@contract
async def test_keys_are_told_while_something_plays_and_do_not_stop_it(stage: Stage) -> None:
    line = await answered(stage, named("presses-1-at-once").suffix)
    playback_id = play(line, "long", LONG)
    assert (await line.until(DigitPressed)).digit == "1"
    line.do(StopPlayback(attempt_id=line.attempt_id, playback_id=playback_id))
    await line.until(PlaybackEnded)
    await ended(line)
    assert line.story == ["CallRinging", "CallAnswered", "DigitPressed", "PlaybackEnded", "CallEnded"]


# --- recording -------------------------------------------------------------------------------------------------------


@contract
async def test_a_recording_ends_at_its_greatest_length(stage: Stage) -> None:
    line = await answered(stage)
    name = record(line, "message", longest_ms=2_000)
    over = await line.until(RecordingEnded)
    assert (over.name, over.length_ms, over.has_failed) == (name, 2_000, False)
    await ended(line)


@contract
async def test_a_key_ends_a_recording_and_is_told_before(stage: Stage) -> None:
    line = await answered(stage, named("presses-1").suffix)
    record(line, "message")
    over = await line.until(RecordingEnded)
    assert 2_000 <= over.length_ms <= 4_000
    await ended(line)
    assert line.story == ["CallRinging", "CallAnswered", "DigitPressed", "RecordingEnded", "CallEnded"]


@contract
async def test_a_recording_can_be_stopped_and_is_kept(stage: Stage) -> None:
    line = await answered(stage)
    name = record(line, "message")
    await stage.after_ms(2_400)
    line.do(StopRecording(attempt_id=line.attempt_id, name=name))
    over = await line.until(RecordingEnded)
    assert (over.name, over.has_failed) == (name, False)
    assert 1_000 <= over.length_ms <= 3_000
    await ended(line)


@contract
async def test_silence_ends_a_recording(stage: Stage) -> None:
    line = await answered(stage, named("says-nothing").suffix)
    began_ms = stage.clock.now_ms()
    record(line, "message", silence_ms=2_000)
    over = await line.until(RecordingEnded)
    assert not over.has_failed
    assert 1_900 < stage.clock.now_ms() - began_ms < 5_000
    assert over.length_ms <= 2_000
    await ended(line)


@contract
async def test_a_hang_up_keeps_the_recording(stage: Stage) -> None:
    line = await answered(stage)
    record(line, "message")
    await stage.after_ms(2_400)
    await ended(line)
    assert line.story[-2:] == ["RecordingEnded", "CallEnded"]
    over = next(event for event in line.events if isinstance(event, RecordingEnded))
    assert not over.has_failed
    assert 1_000 <= over.length_ms <= 3_000


@contract
async def test_a_recording_waits_for_the_playback_before_it(stage: Stage) -> None:
    line = await answered(stage)
    play(line, "question", SHORT)
    record(line, "reply", longest_ms=1_000)
    await line.until(RecordingEnded)
    await ended(line)
    assert line.story[2:] == ["PlaybackEnded", "RecordingEnded", "CallEnded"]


# --- handing over, leases --------------------------------------------------------------------------------------------


@contract
async def test_a_call_handed_to_the_dialplan_leaves_and_ends_there(stage: Stage) -> None:
    line = await answered(stage)
    line.do(SendToExtension(attempt_id=line.attempt_id, context="outring-fallback", extension="s"))
    end = await line.until(CallEnded)
    assert line.story == ["CallRinging", "CallAnswered", "CallLeft", "CallEnded"]
    assert (end.sip_code, end.cause) == (None, 16)


@contract
async def test_a_handover_waits_until_what_is_playing_has_been_played(stage: Stage) -> None:
    line = await answered(stage)
    play(line, "please-hold", SHORT)
    line.do(SendToExtension(attempt_id=line.attempt_id, context="outring-fallback", extension="s"))
    await line.until(CallEnded)
    assert line.story == ["CallRinging", "CallAnswered", "PlaybackEnded", "CallLeft", "CallEnded"]


@contract
async def test_nothing_can_be_played_to_a_call_that_left(stage: Stage) -> None:
    line = await answered(stage)
    line.do(SendToExtension(attempt_id=line.attempt_id, context="outring-fallback", extension="s"))
    await line.until(CallLeft)
    play(line, "late", SHORT)
    assert (await line.until(CommandFailed)).command == "Play"
    await ended(line)


@contract
async def test_a_call_whose_lease_runs_out_hears_the_dialplan_and_ends(stage: Stage) -> None:
    line = await answered(stage, lease_ms=3_000)
    play(line, "long", LONG)
    assert (await line.until(PlaybackEnded)).has_failed
    end = await line.until(CallEnded)
    assert line.story == ["CallRinging", "CallAnswered", "PlaybackEnded", "CallEnded"]
    assert (end.sip_code, end.cause) == (None, 16)
    assert abs(line.when(CallEnded) - line.when(PlaybackEnded) - FALLBACK_TAKES_MS) < 1_000


@contract
async def test_a_ringing_call_whose_lease_runs_out_ends_as_if_nobody_answered(stage: Stage) -> None:
    line = stage.place(RINGS_ON, lease_ms=3_000)
    end = await line.until(CallEnded)
    assert (line.story, end.sip_code, end.cause) == (["CallRinging", "CallEnded"], 480, 19)


@contract
async def test_a_renewed_lease_keeps_a_call_up(stage: Stage) -> None:
    line = await answered(stage, lease_ms=4_000)
    line.do(RenewLease(attempt_id=line.attempt_id, lease_ms=60_000))
    play(line, "long", LONG)
    await stage.after_ms(5_000)
    assert line.story == ["CallRinging", "CallAnswered"]
    await ended(line)


# --- what cannot be done ---------------------------------------------------------------------------------------------


async def _fails(line: Line, command: TelephonyCommand) -> None:
    line.do(command)
    failed = await line.until(CommandFailed)
    assert failed.command == type(command).__name__
    assert failed.reason


@contract
async def test_nothing_can_be_played_before_the_answer(stage: Stage) -> None:
    line = stage.place(RINGS_ON)
    await line.until(CallRinging)
    attempt_id = line.attempt_id
    await _fails(line, Play(attempt_id=attempt_id, playback_id=f"{attempt_id}-early", media=(SHORT,)))
    await _fails(line, SendToExtension(attempt_id=attempt_id, context="outring-fallback", extension="s"))
    await ended(line)


@contract
async def test_a_gone_call_says_what_cannot_be_done_and_is_silent_about_ends(stage: Stage) -> None:
    line = await answered(stage)
    await ended(line)
    attempt_id = line.attempt_id
    line.do(HangUp(attempt_id=attempt_id))
    line.do(StopPlayback(attempt_id=attempt_id, playback_id=f"{attempt_id}-none"))
    line.do(StopRecording(attempt_id=attempt_id, name=f"{attempt_id}-none"))
    await _fails(line, Play(attempt_id=attempt_id, playback_id=f"{attempt_id}-late", media=(SHORT,)))
    await _fails(line, Record(attempt_id=attempt_id, name=f"{attempt_id}-late", max_length_ms=1_000))
    await _fails(line, RenewLease(attempt_id=attempt_id, lease_ms=1_000))
    await _fails(line, SendToExtension(attempt_id=attempt_id, context="outring-fallback", extension="s"))
    assert line.story[-5:] == ["CallEnded", *["CommandFailed"] * 4]
