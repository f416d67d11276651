"""Rooms through the Telephony port: who is put in, taken out, recorded, listened to; both worlds tell the same."""

from app.agent_commands import (
    CloseRoom,
    Connect,
    ConnectPhone,
    DialParty,
    Music,
    MutePhone,
    OpenRoom,
    Part,
    PartPhone,
    PlayToPhone,
    RecordRoom,
    SendKeys,
    Spy,
    StopSpying,
)
from app.agent_events import PersonJoined, PhoneAnswered, PhoneEnded, PhoneFailed, PhoneJoined, PhoneKeyPressed
from app.agents import SpyMode
from app.commands import Play, StopRecording
from app.events import CallAnswered, CallEnded, CallRinging, CommandFailed, PlaybackEnded, RecordingEnded
from app.model import Trunk
from app.units import Number, RoomId, TrunkId
from asterisk.lab.numbers import named
from tests.contract.media import LONG, SHORT
from tests.contract.stage import Leg, Line, Seat, Stage, contract

HARMLESS_MS = 500
"""What does harm has told so by then."""


async def in_room(stage: Stage, *, is_musical: bool = False) -> tuple[Seat, Leg, RoomId]:
    """A phone alone in a room of its own."""
    seat, room = await stage.seat(), stage.new_room()
    leg = stage.new_leg()
    leg.do(OpenRoom(room_id=room, leg_id=leg.leg_id, is_musical=is_musical))
    stage.ring(seat.endpoint, again=leg)
    await leg.until(PhoneAnswered)
    leg.do(ConnectPhone(leg_id=leg.leg_id, room_id=room))
    assert (await leg.until(PhoneJoined)).room_id == room
    return seat, leg, room


async def answered(stage: Stage, suffix: str = "") -> Line:
    """A person who picked up."""
    line = stage.place(suffix)
    await line.until(CallAnswered)
    return line


async def talking(stage: Stage, suffix: str = "", *, is_musical: bool = False) -> tuple[Seat, Leg, RoomId, Line]:
    """A person with an agent."""
    seat, leg, room = await in_room(stage, is_musical=is_musical)
    line = await answered(stage, suffix)
    await connected(line, room)
    return seat, leg, room, line


async def connected(line: Line, room: RoomId) -> None:
    line.do(Connect(attempt_id=line.attempt_id, room_id=room))
    assert (await line.until(PersonJoined)).room_id == room


async def end(*threads: Leg | Line) -> None:
    for thread in threads:
        thread.hang_up()
        await thread.until(PhoneEnded if isinstance(thread, Leg) else CallEnded)


def record(line: Line, room: RoomId, name: str) -> str:
    name = f"{line.attempt_id}-{name}"
    line.do(RecordRoom(attempt_id=line.attempt_id, room_id=room, name=name, max_length_ms=60_000))
    return name


# --- coming and going ------------------------------------------------------------------------------------------------


@contract
async def test_a_person_who_answers_joins_an_agent_who_waits(stage: Stage) -> None:
    _, leg, _, line = await talking(stage)
    await end(line, leg)
    assert leg.story == ["PhoneRinging", "PhoneAnswered", "PhoneJoined", "PhoneEnded"]
    assert line.story == ["CallRinging", "CallAnswered", "PersonJoined", "CallEnded"]


@contract
async def test_a_person_is_held_with_music_and_taken_back(stage: Stage) -> None:
    _, leg, room, line = await talking(stage)
    line.do(Part(attempt_id=line.attempt_id, room_id=room))
    line.do(Music(attempt_id=line.attempt_id, is_on=True))
    await stage.after_ms(HARMLESS_MS)
    await connected(line, room)
    await end(line, leg)
    assert line.story == ["CallRinging", "CallAnswered", "PersonJoined", "PersonJoined", "CallEnded"]


@contract
async def test_music_begins_and_ends_for_a_person_who_waits(stage: Stage) -> None:
    line = await answered(stage)
    for is_on in (True, True, False, False):
        line.do(Music(attempt_id=line.attempt_id, is_on=is_on))
    await stage.after_ms(HARMLESS_MS)
    await end(line)
    assert line.story == ["CallRinging", "CallAnswered", "CallEnded"]


@contract
async def test_a_person_goes_from_one_agent_straight_to_another(stage: Stage) -> None:
    _, first, _, line = await talking(stage)
    _, second, other_room = await in_room(stage)
    await connected(line, other_room)
    await end(first)
    assert "CallEnded" not in line.story
    await end(line, second)


@contract
async def test_three_in_a_room_and_one_leaves(stage: Stage) -> None:
    _, leg, room, line = await talking(stage)
    third = stage.new_leg("c")
    third.do(
        DialParty(
            leg_id=third.leg_id,
            trunk=Trunk(id=TrunkId("network"), endpoint="network", prefixes=("+",)),
            number=Number("+447700900299"),
            caller_id="",
            ring_timeout_ms=20_000,
            lease_ms=60_000,
        )
    )
    await third.until(PhoneAnswered)
    third.do(ConnectPhone(leg_id=third.leg_id, room_id=room))
    await third.until(PhoneJoined)
    await end(leg)
    await stage.after_ms(HARMLESS_MS)
    assert "CallEnded" not in line.story, "the other two talk on"
    assert "PhoneEnded" not in third.story
    await end(line, third)


@contract
async def test_who_hangs_up_leaves_the_other_alone(stage: Stage) -> None:
    _, leg, room, line = await talking(stage, named("hangs-up-mid-prompt").suffix)
    await line.until(CallEnded)
    await stage.after_ms(HARMLESS_MS)
    assert "PhoneEnded" not in leg.story
    following = await answered(stage)
    await connected(following, room)
    await end(following, leg)


@contract
async def test_a_phone_lost_in_mid_call_leaves_the_person_to_another(stage: Stage) -> None:
    seat, leg, _, line = await talking(stage)
    await seat.handset.lose_sound()
    await leg.until(PhoneEnded)
    _, other, other_room = await in_room(stage)
    await connected(line, other_room)
    await end(line, other)
    assert line.story == ["CallRinging", "CallAnswered", "PersonJoined", "PersonJoined", "CallEnded"]


@contract
async def test_a_phone_leaves_a_room_and_comes_back(stage: Stage) -> None:
    _, leg, room, line = await talking(stage)
    leg.do(PartPhone(leg_id=leg.leg_id, room_id=room))
    leg.do(ConnectPhone(leg_id=leg.leg_id, room_id=room))
    await leg.until(PhoneJoined)
    await end(line, leg)
    assert leg.story == ["PhoneRinging", "PhoneAnswered", "PhoneJoined", "PhoneJoined", "PhoneEnded"]


@contract
async def test_a_message_is_cut_short_by_the_agent_who_takes_the_person(stage: Stage) -> None:
    _, leg, room = await in_room(stage)
    line = await answered(stage)
    line.do(Play(attempt_id=line.attempt_id, playback_id=f"{line.attempt_id}-1", media=(LONG,)))
    await stage.after_ms(1_000)
    began_at_ms = stage.clock.now_ms()
    line.do(Connect(attempt_id=line.attempt_id, room_id=room))
    await line.until(PersonJoined)
    assert stage.clock.now_ms() - began_at_ms < 2_000
    assert "PlaybackEnded" in line.story
    await end(line, leg)


@contract
async def test_a_musical_room_takes_a_person_like_any_other(stage: Stage) -> None:
    _, leg, room, line = await talking(stage, is_musical=True)
    line.do(Part(attempt_id=line.attempt_id, room_id=room))
    await stage.after_ms(HARMLESS_MS)
    await connected(line, room)
    await end(line, leg)
    assert leg.story == ["PhoneRinging", "PhoneAnswered", "PhoneJoined", "PhoneEnded"]


# --- what cannot be --------------------------------------------------------------------------------------------------


@contract
async def test_nobody_is_put_into_a_room_that_is_not_there(stage: Stage) -> None:
    line = await answered(stage)
    line.do(Connect(attempt_id=line.attempt_id, room_id=stage.new_room()))
    assert (await line.until(CommandFailed)).command == "Connect"
    seat = await stage.seat()
    leg = stage.ring(seat.endpoint)
    await leg.until(PhoneAnswered)
    leg.do(ConnectPhone(leg_id=leg.leg_id, room_id=stage.new_room()))
    assert (await leg.until(PhoneFailed)).command == "ConnectPhone"
    await end(line, leg)


@contract
async def test_who_has_not_answered_is_put_into_no_room(stage: Stage) -> None:
    _, leg, room = await in_room(stage)
    line = stage.place(named("no-answer").suffix)
    await line.until(CallRinging)
    line.do(Connect(attempt_id=line.attempt_id, room_id=room))
    assert (await line.until(CommandFailed)).command == "Connect"
    await end(line, leg)


@contract
async def test_who_is_gone_is_put_into_no_room(stage: Stage) -> None:
    _, leg, room = await in_room(stage)
    line = await answered(stage)
    await end(line)
    line.do(Connect(attempt_id=line.attempt_id, room_id=room))
    assert (await line.until(CommandFailed)).command == "Connect"
    await end(leg)


@contract
async def test_who_is_in_no_room_is_taken_out_of_none(stage: Stage) -> None:
    _, leg, room = await in_room(stage)
    line = await answered(stage)
    line.do(Part(attempt_id=line.attempt_id, room_id=room))
    assert (await line.until(CommandFailed)).command == "Part"
    await end(line, leg)


@contract
async def test_opening_and_closing_rooms_twice_is_harmless(stage: Stage) -> None:
    _, leg, room = await in_room(stage)
    leg.do(OpenRoom(room_id=room, leg_id=leg.leg_id))
    leg.do(CloseRoom(room_id=stage.new_room()))
    await stage.after_ms(HARMLESS_MS)
    await end(leg)
    leg.do(CloseRoom(room_id=room))
    leg.do(CloseRoom(room_id=room))
    await stage.after_ms(HARMLESS_MS)
    assert leg.story == ["PhoneRinging", "PhoneAnswered", "PhoneJoined", "PhoneEnded"]


@contract
async def test_who_is_in_a_room_that_is_closed_stays_up(stage: Stage) -> None:
    _, leg, room, line = await talking(stage)
    leg.do(CloseRoom(room_id=room))
    await stage.after_ms(HARMLESS_MS)
    assert (line.story[-1], leg.story[-1]) == ("PersonJoined", "PhoneJoined")
    leg.do(OpenRoom(room_id=room, leg_id=leg.leg_id))
    leg.do(ConnectPhone(leg_id=leg.leg_id, room_id=room))
    await leg.until(PhoneJoined)
    await connected(line, room)
    await end(line, leg)


# --- in the call -----------------------------------------------------------------------------------------------------


@contract
async def test_keys_mute_and_a_beep_in_a_call_pass_without_a_word(stage: Stage) -> None:
    _, leg, _, line = await talking(stage)
    line.do(SendKeys(attempt_id=line.attempt_id, digits="12*#"))
    leg.do(PlayToPhone(leg_id=leg.leg_id, media=("tone:beep", SHORT)))
    leg.do(MutePhone(leg_id=leg.leg_id, is_on=True))
    leg.do(MutePhone(leg_id=leg.leg_id, is_on=False))
    await stage.after_ms(2_500)
    await end(line, leg)
    assert line.story == ["CallRinging", "CallAnswered", "PersonJoined", "CallEnded"]
    assert leg.story == ["PhoneRinging", "PhoneAnswered", "PhoneJoined", "PhoneEnded"]


@contract
async def test_keys_of_a_phone_in_a_room_are_told(stage: Stage) -> None:
    seat, leg, _, line = await talking(stage)
    await seat.handset.press("5")
    assert (await leg.until(PhoneKeyPressed)).digit == "5"
    await end(line, leg)


@contract
async def test_keys_to_a_person_who_is_gone_fail(stage: Stage) -> None:
    line = await answered(stage)
    await end(line)
    for command in (
        SendKeys(attempt_id=line.attempt_id, digits="1"),
        Music(attempt_id=line.attempt_id, is_on=True),
    ):
        line.do(command)
        assert (await line.until(CommandFailed)).command == type(command).__name__


@contract
async def test_a_conversation_is_recorded_until_it_is_stopped(stage: Stage) -> None:
    _, leg, room, line = await talking(stage)
    name = record(line, room, "r1")
    await stage.after_ms(3_000)
    line.do(StopRecording(attempt_id=line.attempt_id, name=name))
    ended = await line.until(RecordingEnded)
    assert (ended.name, ended.has_failed) == (name, False)
    assert 1_000 <= ended.length_ms <= 4_000
    await end(line, leg)
    assert line.story.count("RecordingEnded") == 1


@contract
async def test_a_recording_ends_with_its_room(stage: Stage) -> None:
    _, leg, room, line = await talking(stage)
    name = record(line, room, "r1")
    await stage.after_ms(1_500)
    leg.do(CloseRoom(room_id=room))
    ended = await line.until(RecordingEnded)
    assert (ended.name, ended.has_failed) == (name, False)
    await end(line, leg)


@contract
async def test_a_recording_of_a_name_that_is_taken_fails(stage: Stage) -> None:
    _, leg, room, line = await talking(stage)
    name = record(line, room, "r1")
    record(line, room, "r1")
    assert (await line.until(CommandFailed)).command == "RecordRoom"
    line.do(StopRecording(attempt_id=line.attempt_id, name=name))
    await line.until(RecordingEnded)
    await end(line, leg)


@contract
async def test_nothing_is_recorded_in_a_room_that_is_not_there(stage: Stage) -> None:
    line = await answered(stage)
    record(line, stage.new_room(), "r1")
    assert (await line.until(CommandFailed)).command == "RecordRoom"
    await end(line)


# --- supervisors -----------------------------------------------------------------------------------------------------


@contract
async def test_a_supervisor_listens_whispers_and_barges_in(stage: Stage) -> None:
    _, leg, room, line = await talking(stage)
    seat = await stage.seat()
    spy = stage.ring(seat.endpoint, again=stage.new_leg("s"))
    await spy.until(PhoneAnswered)
    for mode in (SpyMode.LISTEN, SpyMode.WHISPER, SpyMode.LISTEN):
        spy.do(Spy(leg_id=spy.leg_id, target=leg.leg_id, mode=mode))
        await stage.after_ms(HARMLESS_MS)
    await seat.handset.press("6")
    assert (await spy.until(PhoneKeyPressed)).digit == "6"
    spy.do(ConnectPhone(leg_id=spy.leg_id, room_id=room))
    await spy.until(PhoneJoined)
    await end(spy)
    assert spy.story == ["PhoneRinging", "PhoneAnswered", "PhoneKeyPressed", "PhoneJoined", "PhoneEnded"]
    assert line.story == ["CallRinging", "CallAnswered", "PersonJoined"]
    await end(line, leg)


@contract
async def test_a_supervisor_who_stops_listening_stays_on_the_phone(stage: Stage) -> None:
    _, leg, _, line = await talking(stage)
    seat = await stage.seat()
    spy = stage.ring(seat.endpoint, again=stage.new_leg("s"))
    await spy.until(PhoneAnswered)
    spy.do(StopSpying(leg_id=spy.leg_id))
    spy.do(Spy(leg_id=spy.leg_id, target=leg.leg_id, mode=SpyMode.LISTEN))
    spy.do(StopSpying(leg_id=spy.leg_id))
    spy.do(StopSpying(leg_id=spy.leg_id))
    await stage.after_ms(HARMLESS_MS)
    assert spy.story == ["PhoneRinging", "PhoneAnswered"]
    await end(spy, line, leg)


@contract
async def test_a_supervisor_outlives_the_phone_that_was_listened_to(stage: Stage) -> None:
    _, leg, _, line = await talking(stage)
    seat = await stage.seat()
    spy = stage.ring(seat.endpoint, again=stage.new_leg("s"))
    await spy.until(PhoneAnswered)
    spy.do(Spy(leg_id=spy.leg_id, target=leg.leg_id, mode=SpyMode.LISTEN))
    await stage.after_ms(HARMLESS_MS)
    await end(leg)
    await stage.after_ms(HARMLESS_MS)
    assert spy.story == ["PhoneRinging", "PhoneAnswered"]
    spy.do(Spy(leg_id=spy.leg_id, target=leg.leg_id, mode=SpyMode.LISTEN))
    assert (await spy.until(PhoneFailed)).command == "Spy"
    await end(spy, line)


@contract
async def test_a_playback_to_a_person_in_a_room_ends_as_it_does_outside(stage: Stage) -> None:
    _, leg, _, line = await talking(stage)
    line.do(Play(attempt_id=line.attempt_id, playback_id=f"{line.attempt_id}-1", media=(SHORT,)))
    assert not (await line.until(PlaybackEnded)).has_failed
    await end(line, leg)
