"""What agents do in a call: hold, mute, keypad tones, recording, the name before each person."""

from __future__ import annotations

import pytest

from app.agent_events import (
    HoldAsked,
    KeysAsked,
    MuteAsked,
    RecordAsked,
)
from app.agents import (
    RecordingPolicy,
)
from app.events import PlaybackEnded
from app.units import RoomId
from tests.unit.dialing.on_floor import (
    FIRST,
    ME,
    ON_HOLD,
    SECOND,
    TALKING,
    floor,
    talk_of,
    talking,
)

# --- in the call -----------------------------------------------------------------------------------------------------


def test_hold_is_music_and_back() -> None:
    world = talking(1)
    world.advance(1_000)
    world.ask(HoldAsked(agent_id=ME, is_on=True))
    assert world.state() is ON_HOLD
    assert FIRST in world.music
    assert FIRST not in world.where
    assert "already" in str(world.dialer.refusal(HoldAsked(agent_id=ME, is_on=True)))
    assert "on hold" in str(world.dialer.refusal(KeysAsked(agent_id=ME, digits="1")))
    world.advance(5_000)
    world.ask(HoldAsked(agent_id=ME, is_on=False))
    assert world.state() is TALKING
    assert world.where[FIRST] == RoomId("session0001-room")
    assert FIRST not in world.music
    world.advance(2_000)
    world.hang_up(FIRST)
    world.dispose()
    assert (talk_of(world).talk_ms, talk_of(world).hold_ms) == (3_000, 5_000)


def test_mute_is_the_agents_and_ends_with_the_call() -> None:
    world = talking(1)
    leg_id = world.leg_of(1)
    world.ask(MuteAsked(agent_id=ME, is_on=True))
    assert world.legs[leg_id].is_muted
    assert world.shown().is_muted
    world.hang_up(FIRST)
    assert not world.legs[leg_id].is_muted
    assert not world.shown().is_muted


def test_keypad_tones_go_to_the_person() -> None:
    world = talking(1)
    world.ask(KeysAsked(agent_id=ME, digits="12#"))
    assert (FIRST, "12#") in world.heard
    for bad in ("", "A", "1" * 33, "1 2"):
        assert world.dialer.refusal(KeysAsked(agent_id=ME, digits=bad)) is not None


def test_always_records_from_the_first_word_under_the_attempts_name() -> None:
    world = talking(1, recording=RecordingPolicy.ALWAYS)
    assert world.recordings == {f"{FIRST}-talk": RoomId("session0001-room")}
    assert world.shown().is_recording
    assert "everybody" in str(world.dialer.refusal(RecordAsked(agent_id=ME, is_on=False)))
    world.hang_up(FIRST)
    assert not world.recordings
    world.dispose()
    assert talk_of(world).recordings == (f"{FIRST}-talk",)


def test_on_demand_records_when_asked_each_time_under_a_new_name() -> None:
    world = talking(1, recording=RecordingPolicy.ON_DEMAND)
    assert not world.shown().is_recording
    for _ in range(2):
        world.ask(RecordAsked(agent_id=ME, is_on=True))
        assert world.shown().is_recording
        world.ask(RecordAsked(agent_id=ME, is_on=False))
        assert not world.shown().is_recording
    world.hang_up(FIRST)
    world.dispose()
    assert talk_of(world).recordings == (f"{FIRST}-talk", f"{FIRST}-talk-2")


def test_never_records_nobody() -> None:
    world = talking(1)
    assert "nobody" in str(world.dialer.refusal(RecordAsked(agent_id=ME, is_on=True)))


@pytest.mark.parametrize("has_failed", [False, True])
def test_nobody_is_recorded_before_they_were_told(has_failed: bool) -> None:
    world = floor(1, recording=RecordingPolicy.ALWAYS, consent_notice="This call is recorded, {name}.")
    world.playbacks_end = False
    world.begin(1)
    world.answer(FIRST)
    assert world.state() is TALKING
    assert (FIRST, f"{FIRST}-notice") in world.heard
    assert [who for who, what in world.heard if what.startswith("sound:")] == [world.leg_of(1)], (
        "the agent hears it too"
    )
    assert not world.recordings
    world.tell(PlaybackEnded(attempt_id=FIRST, playback_id=f"{FIRST}-notice", has_failed=has_failed))
    world.settle()
    assert bool(world.recordings) is not has_failed


def test_who_is_put_on_hold_during_the_notice_is_recorded_when_they_are_back() -> None:
    world = floor(1, recording=RecordingPolicy.ALWAYS, consent_notice="This call is recorded.")
    world.playbacks_end = False
    world.begin(1)
    world.answer(FIRST)
    world.ask(HoldAsked(agent_id=ME, is_on=True))
    world.tell(PlaybackEnded(attempt_id=FIRST, playback_id=f"{FIRST}-notice"))
    world.settle()
    assert not world.recordings
    world.playbacks_end = True
    world.ask(HoldAsked(agent_id=ME, is_on=False))
    assert world.recordings


def test_the_agent_hears_the_campaigns_name_before_each_person() -> None:
    world = talking(1, whispers_name=True)
    [heard] = [media for who, media in world.heard if who == world.leg_of(1) and media.startswith("sound:")]
    assert heard


def test_prompts_that_are_the_same_for_all_are_made_once() -> None:
    world = floor(3)
    world.begin(1)
    assert world.rendered == 1
    world.end(FIRST, sip_code=486, cause=17)
    world.advance(100)
    assert world.up() == [SECOND]
    assert world.rendered == 1
