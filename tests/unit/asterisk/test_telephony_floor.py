"""Phones and rooms: what Asterisk says becomes our events, our commands its requests, and every leg comes to an end."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace

import msgspec
import pytest

from app.agent_commands import (
    CloseRoom,
    Connect,
    ConnectPhone,
    DialParty,
    HangUpPhone,
    Music,
    MutePhone,
    OpenRoom,
    Part,
    PartPhone,
    PlayToPhone,
    RecordRoom,
    RenewPhoneLease,
    RingPhone,
    SendKeys,
    Spy,
    StopSpying,
)
from app.agent_events import (
    PersonJoined,
    PhoneAnswered,
    PhoneEnded,
    PhoneFailed,
    PhoneJoined,
    PhoneKeyPressed,
    PhoneReachable,
    PhoneRinging,
)
from app.agents import LivePhone, SpyMode
from app.asterisk import phones, reach
from app.asterisk.ari import (
    AriConflict,
    AriError,
    AriNotFound,
    AriServerError,
    AriUnavailable,
    AriUnknown,
)
from app.asterisk.ari import models as ari
from app.commands import Play, TelephonyCommand
from app.events import CommandFailed, Event, LiveCall, RecordingEnded, TelephonyUp
from app.model import Trunk
from app.units import LegId, Number, RoomId, TrunkId
from tests.unit.asterisk.test_telephony import CHANNEL, ID, UP, Stage, channel, dial, playback, stage

__all__ = ["stage"]

LEG, ROOM = LegId("session00001-p1"), RoomId("session00001-room")
PHONE, BRIDGE = f"outring-{LEG}", f"outring-{ROOM}"
SNOOP, SPY_BRIDGE = f"{PHONE}-snoop", f"{PHONE}-spy"
AGENT = LegId("session00002-p1")
RING = RingPhone(
    leg_id=LEG,
    endpoint="1001",
    shown_name="Spring campaign",
    shown_number="+442079460000",
    ring_timeout_ms=9_500,
    lease_ms=60_000,
    has_auto_answer=True,
    language="ru",
)
PARTY = DialParty(
    leg_id=LegId("session00001-c1"),
    trunk=Trunk(id=TrunkId("t1"), endpoint="my-provider", prefixes=("+44",)),
    number=Number("+447700900123"),
    caller_id="+442079460000",
    ring_timeout_ms=20_000,
    lease_ms=60_000,
)
JOIN = Connect(attempt_id=ID, room_id=ROOM)


def entered(who: str, bridge: str = BRIDGE) -> ari.ChannelEnteredBridge:
    return ari.ChannelEnteredBridge(bridge=ari.Bridge(id=bridge), channel=channel(who))


def left(who: str, bridge: str = BRIDGE) -> ari.ChannelLeftBridge:
    return ari.ChannelLeftBridge(bridge=ari.Bridge(id=bridge), channel=channel(who))


def destroyed(who: str = PHONE, cause: int = 16, text: str = "") -> ari.ChannelDestroyed:
    return ari.ChannelDestroyed(cause=cause, cause_txt=text, channel=channel(who))


# --- what Asterisk says ----------------------------------------------------------------------------------------------

WORDS: list[tuple[ari.Event, list[Event]]] = [
    (dial("RINGING", PHONE), [PhoneRinging(leg_id=LEG)]),
    (dial("PROGRESS", PHONE), []),
    (dial("ANSWER", PHONE), []),
    (ari.StasisStart(args=["phone"], channel=channel(PHONE)), [PhoneAnswered(leg_id=LEG)]),
    (ari.StasisStart(args=[], channel=channel(SNOOP)), []),
    (
        ari.ChannelDtmfReceived(digit="5", duration_ms=90, channel=channel(PHONE)),
        [PhoneKeyPressed(leg_id=LEG, digit="5")],
    ),
    (destroyed(), [PhoneEnded(leg_id=LEG, reason="the phone was put down")]),
    (destroyed(cause=44), [PhoneEnded(leg_id=LEG, reason="no sound came from the phone any more")]),
    (destroyed(cause=17), [PhoneEnded(leg_id=LEG, reason="the phone is busy")]),
    (destroyed(cause=19), [PhoneEnded(leg_id=LEG, reason="nobody answered")]),
    (destroyed(cause=21), [PhoneEnded(leg_id=LEG, reason="the call was declined at the phone")]),
    (destroyed(cause=58, text="Bearer capability"), [PhoneEnded(leg_id=LEG, reason="Bearer capability")]),
    (destroyed(cause=0), [PhoneEnded(leg_id=LEG, reason="the call ended")]),
    (destroyed(SNOOP), []),
    (entered(PHONE), [PhoneJoined(leg_id=LEG, room_id=ROOM)]),
    (entered(CHANNEL), [PersonJoined(attempt_id=ID, room_id=ROOM)]),
    (entered("1700000000.1"), []),
    (entered(PHONE, SPY_BRIDGE), []),
    (entered(CHANNEL, "somebody-elses"), []),
    (left(PHONE), []),
    (playback("done", f"channel:{PHONE}"), []),
    (
        playback("failed", f"channel:{PHONE}"),
        [PhoneFailed(leg_id=LEG, command="PlayToPhone", reason="it could not be played: ")],
    ),
    (
        ari.RecordingFinished(
            recording=ari.LiveRecording(
                name=f"{ID}-1", format="wav", target_uri=f"bridge:{BRIDGE}", state="done", duration=7
            )
        ),
        [RecordingEnded(attempt_id=ID, name=f"{ID}-1", length_ms=7_000)],
    ),
]


@pytest.mark.parametrize(("message", "expected"), WORDS, ids=lambda value: type(value).__name__)
async def test_each_word_of_asterisk_becomes_its_event(stage: Stage, message: ari.Event, expected: list[Event]) -> None:
    assert stage.hear(message) == expected


@pytest.mark.parametrize(
    "message",
    [
        dial("RINGING", PHONE),
        ari.StasisStart(args=[], channel=channel(PHONE), timestamp="2026-01-01T00:00:00.001+0000"),
        ari.ChannelDtmfReceived(digit="5", duration_ms=90, channel=channel(PHONE)),
        destroyed(),
        entered(PHONE),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_what_asterisk_says_twice_of_a_phone_is_told_once(stage: Stage, message: ari.Event) -> None:
    stage.hear(message)
    assert len(stage.hear(message)) == 1


async def test_a_key_pressed_twice_is_told_twice(stage: Stage) -> None:
    for at in ("001", "201"):
        stamp = f"2026-01-01T00:00:00.{at}+0000"
        stage.hear(ari.ChannelDtmfReceived(digit="5", duration_ms=90, channel=channel(PHONE), timestamp=stamp))
    assert len(stage.told) == 2


# --- what we ask -----------------------------------------------------------------------------------------------------


async def test_a_phone_is_rung_into_its_context_with_lease_language_and_the_asking_to_answer(stage: Stage) -> None:
    assert await stage.perform(RING) == [PhoneReachable(endpoint="1001", is_reachable=True)]
    (asked,) = [asked for name, asked in stage.client.requests if name == "originate"]
    assert asked == {
        "endpoint": "PJSIP/1001",
        "context": "outring-phone",
        "extension": "s",
        "priority": 1,
        "callerId": '"Spring campaign" <+442079460000>',
        "timeout": 10,
        "variables": {
            "TIMEOUT(absolute)": "60",
            "CHANNEL(language)": "ru",
            "PJSIP_HEADER(add,Call-Info)": "<sip:outring.invalid>;answer-after=0",
            "PJSIP_HEADER(add,Alert-Info)": "<http://outring.invalid>;info=alert-autoanswer;delay=0",
        },
        "channelId": PHONE,
    }


async def test_a_phone_that_is_to_ring_carries_no_such_header(stage: Stage) -> None:
    await stage.perform(replace(RING, has_auto_answer=False))
    (asked,) = [asked for name, asked in stage.client.requests if name == "originate"]
    assert not [name for name in asked["variables"] if "HEADER" in name]


async def test_a_third_party_goes_the_way_of_people_called_from_outside(stage: Stage) -> None:
    assert await stage.perform(PARTY) == []
    [(name, asked)] = stage.client.requests
    assert name == "originate"
    assert asked["endpoint"] == "PJSIP/+447700900123@my-provider"
    assert (asked["context"], asked["extension"]) == ("outring-answered", PARTY.leg_id)
    assert asked["callerId"] == "+442079460000"


@pytest.mark.parametrize(
    "command",
    [
        replace(RING, endpoint="1001/sip:x@192.0.2.1"),
        replace(RING, endpoint=""),
        replace(PARTY, number=Number("+12025550100")),
        replace(PARTY, caller_id="evil\r\nX: y"),
    ],
)
async def test_what_the_door_refuses_is_never_sent_and_has_ended(stage: Stage, command: RingPhone | DialParty) -> None:
    [ended] = await stage.perform(command)
    assert isinstance(ended, PhoneEnded)
    assert ended.was_refused
    assert stage.client.requests == []


@pytest.mark.parametrize(
    "failure",
    [AriServerError("Allocation failed", status=500), AriUnavailable("nothing was sent")],
    ids=lambda value: type(value).__name__,
)
async def test_what_was_certainly_not_rung_has_ended_refused(stage: Stage, failure: AriError) -> None:
    stage.client.failures["originate"] = failure
    await stage.perform(RING)
    ended = stage.told[-1]
    assert isinstance(ended, PhoneEnded)
    assert ended.was_refused
    assert ("not registered" in ended.reason) == isinstance(failure, AriServerError)


async def test_an_id_that_is_in_use_fails_and_does_not_end(stage: Stage) -> None:
    stage.client.failures["originate"] = AriConflict("exists", status=409)
    await stage.perform(RING)
    assert stage.told[-1] == PhoneFailed(leg_id=LEG, command="RingPhone", reason="exists")


async def test_a_refusal_that_asterisk_takes_for_an_id_in_use_has_ended(stage: Stage) -> None:
    stage.client.failures["originate"] = AriConflict("exists", status=409)
    stage.client.failures["get"] = AriNotFound("Channel not found", status=404)
    await stage.perform(RING)
    ended = stage.told[-1]
    assert isinstance(ended, PhoneEnded)
    assert (ended.was_refused, "not registered" in ended.reason) == (True, True)


# --- nobody knows whether it rings -----------------------------------------------------------------------------------


@pytest.fixture
async def unknown(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A phone was rung, and the answer of Asterisk never came."""
    monkeypatch.setattr(phones, "ASKED_AGAIN_S", 0)
    stage.client.failures["originate"] = AriUnknown("no answer in 10 s")
    stage.client.failures["get"] = AriUnknown("no answer in 10 s")
    await stage.perform(PARTY)
    assert stage.told == []
    return stage


async def test_a_leg_asterisk_does_not_know_has_ended_and_is_hung_up_should_it_come_all_the_same(
    unknown: Stage,
) -> None:
    unknown.client.failures["get"] = AriNotFound("Channel not found", status=404)
    await unknown.settle()
    [ended] = unknown.told
    assert isinstance(ended, PhoneEnded)
    late = f"outring-{PARTY.leg_id}"
    unknown.hear(ari.StasisStart(args=[], channel=channel(late)))
    await unknown.settle()
    unknown.hear(destroyed(late))
    assert unknown.told == [ended], "it has ended for everybody already"
    assert ("hangup", {"channelId": late}) in unknown.client.requests


async def test_a_leg_asterisk_knows_goes_on_and_is_asked_for_no_more(unknown: Stage) -> None:
    del unknown.client.failures["get"]
    await unknown.settle()
    asked = unknown.client.names.count("get")
    await unknown.settle()
    assert unknown.client.names.count("get") == asked
    assert unknown.told == []


async def test_a_leg_that_is_heard_of_is_asked_for_no_more(unknown: Stage) -> None:
    late = f"outring-{PARTY.leg_id}"
    unknown.hear(dial("RINGING", late))
    await unknown.settle()
    asked = unknown.client.names.count("get")
    unknown.client.failures["get"] = AriNotFound("Channel not found", status=404)
    await unknown.settle()
    assert unknown.client.names.count("get") == asked
    assert unknown.told == [PhoneRinging(leg_id=PARTY.leg_id)]


# --- one request for each, and its failure told once -----------------------------------------------------------------

FOR_PHONES: list[tuple[TelephonyCommand, str]] = [
    (HangUpPhone(leg_id=LEG), "hangup"),
    (RenewPhoneLease(leg_id=LEG, lease_ms=30_000), "setChannelVar"),
    (PlayToPhone(leg_id=LEG, media=("tone:beep",)), "play"),
    (PlayToPhone(leg_id=LEG, media=("sound:hello",)), "play"),
    (MutePhone(leg_id=LEG, is_on=True), "mute"),
    (MutePhone(leg_id=LEG, is_on=False), "unmute"),
    (OpenRoom(leg_id=LEG, room_id=ROOM), "bridge createWithId"),
    (ConnectPhone(leg_id=LEG, room_id=ROOM), "bridge addChannel"),
    (PartPhone(leg_id=LEG, room_id=ROOM), "bridge removeChannel"),
    (StopSpying(leg_id=LEG), "bridge destroy"),
]
FOR_PEOPLE: list[tuple[TelephonyCommand, str]] = [
    (JOIN, "bridge addChannel"),
    (Part(attempt_id=ID, room_id=ROOM), "bridge removeChannel"),
    (Music(attempt_id=ID, is_on=True), "startMoh"),
    (Music(attempt_id=ID, is_on=False), "stopMoh"),
    (SendKeys(attempt_id=ID, digits="12#"), "sendDTMF"),
    (RecordRoom(attempt_id=ID, room_id=ROOM, name=f"{ID}-1", max_length_ms=1_500), "bridge record"),
]


@pytest.mark.parametrize(("command", "request_name"), FOR_PHONES + FOR_PEOPLE)
async def test_each_command_is_one_request_and_its_failure_is_told_once(
    stage: Stage, command: TelephonyCommand, request_name: str
) -> None:
    await stage.perform(command)
    assert (stage.client.names, stage.told) == ([request_name], [])
    stage.client.failures[request_name] = AriServerError("broken", status=500)
    await stage.perform(command)
    name = type(command).__name__
    if any(command is each for each, _ in FOR_PEOPLE):
        assert stage.told == [CommandFailed(attempt_id=ID, command=name, reason="broken")]
    else:
        assert stage.told == [PhoneFailed(leg_id=LEG, command=name, reason="broken")]


async def test_ending_what_has_ended_and_opening_what_is_open_is_no_failure(stage: Stage) -> None:
    gone = AriNotFound("not found", status=404)
    stage.client.failures |= {"hangup": gone, "bridge destroy": gone, "bridge createWithId": AriConflict("exists")}
    open_room = OpenRoom(leg_id=LEG, room_id=ROOM)
    await stage.perform(HangUpPhone(leg_id=LEG), StopSpying(leg_id=LEG), CloseRoom(room_id=ROOM), open_room)
    assert stage.told == []


async def test_a_tone_without_an_end_is_not_played(stage: Stage) -> None:
    [failed] = await stage.perform(PlayToPhone(leg_id=LEG, media=("tone:ring",)))
    assert isinstance(failed, PhoneFailed)
    assert stage.client.requests == []


# --- rooms -----------------------------------------------------------------------------------------------------------


async def test_joining_a_room_is_one_request_and_nothing_before_it(stage: Stage) -> None:
    await stage.perform(JOIN)
    asked = {"bridgeId": BRIDGE, "channel": CHANNEL, "inhibitConnectedLineUpdates": True}
    assert stage.client.requests == [("bridge addChannel", asked)]


async def test_joining_ends_music_and_messages_without_waiting_for_that(stage: Stage) -> None:
    await stage.perform(
        Music(attempt_id=ID, is_on=True), Play(attempt_id=ID, playback_id=f"{ID}-1", media=("sound:a", "sound:b"))
    )
    stage.client.requests.clear()
    stage.client.holds["stop"] = stage.client.holds["stopMoh"] = asyncio.Event()
    await stage.perform(JOIN)
    assert sorted(stage.client.names) == ["bridge addChannel", "stop", "stopMoh"]
    stage.client.requests.clear()
    stage.hear(playback("done"))
    await stage.perform(JOIN)
    assert set(stage.client.names) == {"bridge addChannel"}, "there is no music any more, nor a message"


def woken(stage: Stage) -> set[object]:
    """Those for whom a moment of silence was begun and, after that, ended."""
    said = [(name, about["channelId"]) for name, about in stage.client.requests if name.endswith("Silence")]
    for who in {who for _, who in said}:
        assert [name for name, whose in said if whose == who] == ["startSilence", "stopSilence"]
    return {who for _, who in said}


STAMPS = itertools.count()


def stamped(message: ari.Event) -> ari.Event:
    """As if it were said at another moment than the same before: what is alike in all is an echo."""
    return msgspec.structs.replace(message, timestamp=f"2026-01-05T12:00:00.{next(STAMPS):03d}+0000")


async def meeting(stage: Stage, *who: str, room_id: RoomId = ROOM) -> set[object]:
    """They come into an empty room, one after the other; who is woken, and they leave."""
    stage.client.requests.clear()
    for one in who:
        stage.hear(stamped(entered(one, f"outring-{room_id}")))
        await stage.settle()
    for one in who:
        stage.hear(stamped(left(one, f"outring-{room_id}")))
    return woken(stage)


THIRD = "outring-session00001-c1"
OTHER = f"outring-{AGENT}"


async def test_who_hears_somebody_new_is_woken_by_a_moment_of_silence(stage: Stage) -> None:
    """Debian's Asterisk, where it converts, would let them hear nothing of a second speaker."""
    assert await meeting(stage, PHONE, CHANNEL) == set(), "each hears the first one"
    assert await meeting(stage, PHONE, THIRD) == {PHONE}, "the agent consults: the phone that stayed hears a third one"
    assert await meeting(stage, PHONE, CHANNEL) == {PHONE, CHANNEL}, "the person is back"
    assert await meeting(stage, OTHER, CHANNEL) == {CHANNEL}, "given to an agent fresh from the start"
    assert await meeting(stage, OTHER, PHONE) == {OTHER, PHONE}, "agents who talk with each other"


async def test_the_phone_that_a_new_call_comes_to_is_not_woken_as_it_is_beeped_at(stage: Stage) -> None:
    await meeting(stage, PHONE, CHANNEL)
    assert await meeting(stage, PHONE, "outring-session00001later") == set()


async def test_who_was_alone_in_a_room_is_not_woken(stage: Stage) -> None:
    assert await meeting(stage, PHONE) == set()
    assert await meeting(stage, PHONE, THIRD) == set()


async def test_nobody_is_woken_among_three_but_those_two_who_meet_later_are(stage: Stage) -> None:
    await meeting(stage, PHONE, CHANNEL)
    assert await meeting(stage, OTHER, THIRD, PHONE) == set(), "Asterisk mixes"
    assert await meeting(stage, OTHER, THIRD) == {OTHER, THIRD}


async def test_who_hung_up_is_forgotten(stage: Stage) -> None:
    await meeting(stage, PHONE, CHANNEL)
    stage.hear(destroyed(CHANNEL))
    assert await meeting(stage, PHONE, CHANNEL) == set()


async def test_a_musical_room_plays_for_who_is_alone_and_falls_silent_for_two(stage: Stage) -> None:
    await stage.perform(OpenRoom(leg_id=LEG, room_id=ROOM, is_musical=True))
    names = stage.client.names

    async def then(message: ari.Event) -> str:
        stage.hear(message)
        await stage.settle()
        return stage.client.names[-1]

    assert await then(entered(PHONE)) == "bridge startMoh"
    await stage.perform(JOIN)
    assert "bridge stopMoh" in stage.client.names[len(names) :]
    assert await then(entered(CHANNEL)) in ("bridge addChannel", "bridge stopMoh")
    assert await then(left(CHANNEL)) == "bridge startMoh"
    before = len(stage.client.names)
    stage.hear(left(PHONE))
    await stage.settle()
    assert stage.client.names[before:] == ["bridge stopMoh"], "nobody is there to hear it"


async def test_a_silent_room_stays_silent(stage: Stage) -> None:
    await stage.perform(OpenRoom(leg_id=LEG, room_id=ROOM))
    stage.hear(entered(PHONE))
    await stage.settle()
    assert stage.client.names == ["bridge createWithId"]


# --- supervisors -----------------------------------------------------------------------------------------------------


async def spying(stage: Stage, mode: SpyMode) -> None:
    await stage.perform(Spy(leg_id=LEG, target=AGENT, mode=mode))
    stage.hear(ari.StasisStart(args=[], channel=channel(SNOOP)))
    await stage.settle()


@pytest.mark.parametrize(("mode", "whisper"), [(SpyMode.LISTEN, "none"), (SpyMode.WHISPER, "out")])
async def test_an_ear_at_the_agents_phone_meets_the_supervisor_in_a_bridge(
    stage: Stage, mode: SpyMode, whisper: str
) -> None:
    await spying(stage, mode)
    asked = dict(stage.client.requests)
    assert stage.client.names == ["bridge createWithId", "snoopChannelWithId", "bridge addChannel"]
    assert asked["snoopChannelWithId"] == {
        "channelId": f"outring-{AGENT}",
        "snoopId": SNOOP,
        "app": "outring",
        "spy": "both",
        "whisper": whisper,
    }
    assert asked["bridge addChannel"] == {"bridgeId": SPY_BRIDGE, "channel": [PHONE, SNOOP]}
    assert stage.told == []


async def test_another_mode_is_another_ear(stage: Stage) -> None:
    await spying(stage, SpyMode.LISTEN)
    stage.client.requests.clear()
    stage.telephony.perform(Spy(leg_id=LEG, target=AGENT, mode=SpyMode.WHISPER))
    await stage.settle()
    assert stage.client.names == ["hangup"], "its name has to be free first"
    stage.hear(destroyed(SNOOP))
    await stage.settle()
    assert stage.client.names == ["hangup", "bridge createWithId", "snoopChannelWithId"]


def together(who: str, *others: str) -> ari.Event:
    """Somebody comes into a room where these are."""
    room = ari.Bridge(id="outring-session00002-room", channels=[*others, who])
    return ari.ChannelEnteredBridge(bridge=room, channel=channel(who))


AT_AGENT = f"outring-{AGENT}"


async def test_whom_the_agent_meets_is_heard_by_a_new_ear_in_the_same_mode(stage: Stage) -> None:
    """Debian's Asterisk would let a second person pass by an ear that converted a first one's sound."""
    await spying(stage, SpyMode.WHISPER)
    stage.client.requests.clear()
    stage.hear(together(CHANNEL, AT_AGENT))
    await stage.settle()
    assert stage.client.names == ["hangup"], "its name has to be free first"
    stage.hear(stamped(destroyed(SNOOP)))
    await stage.settle()
    stage.hear(stamped(ari.StasisStart(args=[], channel=channel(SNOOP))))
    await stage.settle()
    assert stage.client.names == ["hangup", "bridge createWithId", "snoopChannelWithId", "bridge addChannel"]
    assert stage.client.requests[2][1]["whisper"] == "out"
    asked = stage.client.requests[-1][1]
    assert asked == {"bridgeId": SPY_BRIDGE, "channel": [SNOOP]}, "the phone stays where it is, or goes"


@pytest.mark.parametrize(
    "message",
    [
        together(CHANNEL, PHONE),
        together(AT_AGENT),
        together(PHONE, CHANNEL, AT_AGENT),
        together(AT_AGENT, "outring-x00000001-say-0a1b2c3d"),
        entered(CHANNEL, SPY_BRIDGE),
    ],
    ids=["another room", "the agent alone", "the supervisor barges in", "the agent and a recorder", "no room"],
)
async def test_the_ear_stays_while_the_agent_meets_nobody(stage: Stage, message: ari.Event) -> None:
    await spying(stage, SpyMode.LISTEN)
    stage.client.requests.clear()
    stage.hear(message)
    await stage.settle()
    assert not {"hangup", "snoopChannelWithId"} & set(stage.client.names)


async def test_a_supervisor_who_stops_as_the_agent_meets_somebody_has_no_ear_left(stage: Stage) -> None:
    await spying(stage, SpyMode.LISTEN)
    stage.hear(together(CHANNEL, AT_AGENT))
    stage.hear(together(THIRD, CHANNEL, AT_AGENT))
    stage.telephony.perform(StopSpying(leg_id=LEG))
    await stage.settle()
    stage.hear(stamped(destroyed(SNOOP)))
    await stage.settle()
    stage.hear(stamped(ari.StasisStart(args=[], channel=channel(SNOOP))))
    await stage.settle()
    stage.client.requests.clear()
    stage.hear(stamped(together(CHANNEL, AT_AGENT)))
    stage.hear(stamped(destroyed(SNOOP)))
    await stage.settle()
    assert "snoopChannelWithId" not in stage.client.names
    assert stage.client.names[-1] == "bridge destroy"


async def test_no_new_ear_is_a_warning_and_the_old_one_is_over(stage: Stage) -> None:
    await spying(stage, SpyMode.LISTEN)
    stage.client.failures["snoopChannelWithId"] = AriNotFound("Channel not found", status=404)
    stage.hear(together(CHANNEL, AT_AGENT))
    await stage.settle()
    stage.hear(stamped(destroyed(SNOOP)))
    await stage.settle()
    assert stage.told == [PersonJoined(attempt_id=ID, room_id=RoomId("session00002-room"))]


async def test_a_supervisor_who_hangs_up_leaves_no_ear_behind(stage: Stage) -> None:
    await spying(stage, SpyMode.LISTEN)
    stage.client.requests.clear()
    stage.hear(destroyed(PHONE))
    await stage.settle()
    stage.hear(destroyed(SNOOP))
    await stage.settle()
    assert stage.client.requests == [("hangup", {"channelId": SNOOP}), ("bridge destroy", {"bridgeId": SPY_BRIDGE})]


async def test_barging_in_is_coming_into_the_room(stage: Stage) -> None:
    [failed] = await stage.perform(Spy(leg_id=LEG, target=AGENT, mode=SpyMode.BARGE))
    assert isinstance(failed, PhoneFailed)
    assert stage.client.requests == []


async def test_nobody_to_listen_to_is_told(stage: Stage) -> None:
    stage.client.failures["snoopChannelWithId"] = AriNotFound("Channel not found", status=404)
    [failed] = await stage.perform(Spy(leg_id=LEG, target=AGENT, mode=SpyMode.LISTEN))
    assert failed == PhoneFailed(leg_id=LEG, command="Spy", reason="Channel not found")


@pytest.mark.parametrize(
    "gone", [AriNotFound("Bridge not found", status=404), AriConflict("Bridge not in Stasis application", status=409)]
)
async def test_to_stop_listening_twice_is_harmless(stage: Stage, gone: AriError) -> None:
    stage.client.failures["bridge destroy"] = gone
    assert await stage.perform(StopSpying(leg_id=LEG)) == []


# --- coming back -----------------------------------------------------------------------------------------------------


async def test_coming_up_tells_which_phones_live_and_who_is_in_which_room(stage: Stage) -> None:
    stage.client.alive = [
        channel(app_name="Stasis"),
        channel(PHONE, app_name="Stasis"),
        channel(f"outring-{AGENT}", state="Ringing"),
        channel("outring-gone00001-s1-snoop", app_name="Stasis"),
    ]
    stage.client.alive_bridges = [
        ari.Bridge(id=BRIDGE, name="silent", channels=[CHANNEL, PHONE]),
        ari.Bridge(id="outring-gone00001-s1-spy", channels=["outring-gone00001-s1-snoop"]),
    ]
    stage.client.news(UP)
    await stage.settle()
    up = next(event for event in stage.told if isinstance(event, TelephonyUp))
    assert [(call.attempt_id, call.room_id) for call in up.live] == [(ID, ROOM)]
    assert up.live == (LiveCall(attempt_id=ID, is_in_hand=True),)
    assert set(up.phones) == {LivePhone(leg_id=LEG, is_up=True, room_id=ROOM), LivePhone(leg_id=AGENT, is_up=False)}
    assert ("hangup", {"channelId": "outring-gone00001-s1-snoop"}) in stage.client.requests, "left over"
    assert ("bridge destroy", {"bridgeId": "outring-gone00001-s1-spy"}) in stage.client.requests


async def test_a_phone_rung_while_the_list_was_on_its_way_lives(stage: Stage) -> None:
    stage.client.holds["originate"] = stage.client.holds["list"] = asyncio.Event()
    await stage.perform(PARTY)
    stage.client.news(UP)
    await stage.settle()
    stage.client.holds["list"].set()
    await stage.settle()
    assert stage.told == [TelephonyUp(is_new_life=False, phones=(LivePhone(leg_id=PARTY.leg_id, is_up=False),))]


async def test_a_phone_whose_request_is_not_answered_when_the_list_comes_lives(stage: Stage) -> None:
    stage.client.holds["originate"] = asyncio.Event()
    await stage.perform(PARTY)
    stage.client.news(UP)
    await stage.settle()
    assert stage.told == [TelephonyUp(is_new_life=False, phones=(LivePhone(leg_id=PARTY.leg_id, is_up=False),))]


async def test_rooms_left_empty_are_swept_after_the_telling_and_none_that_is_used_again(stage: Stage) -> None:
    stage.client.alive_bridges = [
        ari.Bridge(id=f"outring-gone0000{number}-room", name="silent", channels=[]) for number in (1, 2, 3)
    ]
    stage.client.holds["bridge destroy"] = asyncio.Event()
    stage.client.news(UP)
    await stage.settle()
    assert stage.told == [TelephonyUp(is_new_life=False)], "nobody waits for the sweeping"
    for number in (1, 2, 3):
        await stage.perform(OpenRoom(room_id=RoomId(f"gone0000{number}-room"), leg_id=LegId(f"gone0000{number}-p1")))
    stage.client.holds["bridge destroy"].set()
    await stage.settle()
    names = [(name, rest.get("bridgeId")) for name, rest in stage.client.requests if name.startswith("bridge")]
    swept = [bridge for name, bridge in names if name == "bridge destroy"]
    assert len(swept) == 1, "the one that was being taken down when it was asked for"
    assert names.index(("bridge destroy", swept[0])) < names.index(("bridge createWithId", swept[0])), names
    assert {bridge for name, bridge in names if name == "bridge createWithId"} == {
        b.id for b in stage.client.alive_bridges
    }


async def test_a_room_that_is_opened_as_it_is_destroyed_is_there(stage: Stage) -> None:
    """Asterisk may hold the name some milliseconds longer: a room taken for one that is there would be none."""
    open_room, close_room = OpenRoom(leg_id=LEG, room_id=ROOM), CloseRoom(room_id=ROOM)
    await stage.perform(open_room)
    await stage.perform(close_room)
    stage.client.failures["bridge createWithId"] = AriConflict("already exists", status=409)
    await stage.perform(open_room)
    del stage.client.failures["bridge createWithId"]
    before = stage.client.names.count("bridge createWithId")
    for _ in range(1_000):
        if stage.client.names.count("bridge createWithId") > before:
            break
        await asyncio.sleep(0.005)
    assert stage.client.names.count("bridge createWithId") > before, "never asked for again"
    assert stage.told == []


async def test_a_phone_that_was_refused_is_not_taken_for_one_that_rings(stage: Stage) -> None:
    stage.client.failures["originate"] = AriUnavailable("no connection")
    await stage.perform(PARTY)
    stage.client.news(UP)
    await stage.settle()
    assert stage.told[-1] == TelephonyUp(is_new_life=False)


async def test_whoever_waited_before_a_restart_hears_no_music_with_an_agent(stage: Stage) -> None:
    stage.client.alive = [channel(app_name="Stasis")]
    stage.client.news(UP)
    await stage.settle()
    await stage.perform(JOIN)
    assert "stopMoh" in stage.client.names


# --- reach -----------------------------------------------------------------------------------------------------------


def state(of: str, endpoint: str = "1001") -> ari.EndpointStateChange:
    return ari.EndpointStateChange(endpoint=ari.Endpoint(technology="PJSIP", resource=endpoint, state=of))


async def test_a_phone_that_is_rung_is_listened_to_and_told_of_when_it_changes(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "SIGN_ON_AGAIN_S", 0.0)
    await stage.perform(RING)
    assert ("subscribe", {"applicationName": "outring", "eventSource": "endpoint:PJSIP/1001"}) in stage.client.requests
    stage.told.clear()
    for said in ("online", "offline", "offline"):
        stage.hear(state(said))
        stage.hear(state("offline", "somebody-else"))
    await stage.settle()
    stage.hear(state("online"))
    assert [event.is_reachable for event in stage.told if isinstance(event, PhoneReachable)] == [False, True]


def contact(status: str, endpoint: str = "1001", *, is_online: bool = False) -> ari.ContactStatusChange:
    info = ari.ContactInfo(uri="sip:1001@127.0.0.1", contact_status=status, aor=endpoint)
    found = ari.Endpoint(technology="PJSIP", resource=endpoint, state="online" if is_online else "offline")
    return ari.ContactStatusChange(endpoint=found, contact_info=info)


def reached(stage: Stage) -> list[tuple[bool, bool]]:
    return [(event.is_reachable, event.is_silent) for event in stage.told if isinstance(event, PhoneReachable)]


async def test_a_phone_that_does_not_answer_is_told_from_one_that_signed_off(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "SIGN_ON_AGAIN_S", 0.0)
    await stage.perform(RING)
    stage.told.clear()
    for said in (state("offline"), contact("Unreachable"), state("online"), contact("Reachable", is_online=True)):
        stage.hear(said)
    assert reached(stage) == [(False, True), (True, False)], "at once"
    await stage.settle()
    for said in (state("offline"), contact("Removed")):
        stage.hear(said)
    await stage.settle()
    assert reached(stage)[2:] == [(False, False)]


async def test_a_silent_phone_whose_contact_runs_out_has_signed_off(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "SIGN_ON_AGAIN_S", 0.0)
    await stage.perform(RING)
    stage.told.clear()
    for said in (state("offline"), contact("Unreachable"), contact("Removed"), contact("Removed", "somebody-else")):
        stage.hear(said)
    await stage.settle()
    assert reached(stage) == [(False, True), (False, False)]


async def test_a_phone_that_signs_on_from_another_address_at_once_has_not_signed_off(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "SIGN_ON_AGAIN_S", 0.0)
    await stage.perform(RING)
    stage.told.clear()
    for said in (state("offline"), contact("Removed"), contact("NonQualified"), state("online")):
        stage.hear(said)
    await stage.settle()
    assert reached(stage) == []


async def test_after_a_broken_line_phones_are_listened_to_again_and_changes_told(stage: Stage) -> None:
    await stage.perform(RING)
    stage.client.endpoints.state = "offline"
    stage.told.clear()
    stage.client.news(UP)
    await stage.settle()
    assert PhoneReachable(endpoint="1001", is_reachable=False, is_silent=True) in stage.told
    assert stage.client.names.count("subscribe") == 2


async def test_a_phone_there_is_not_is_listened_to_when_it_is_rung_again(stage: Stage) -> None:
    stage.client.failures["subscribe"] = AriNotFound("Event source does not exist", status=422)
    await stage.perform(RING, replace(RING, leg_id=LegId("session00001-p2")))
    del stage.client.failures["subscribe"]
    await stage.perform(replace(RING, leg_id=LegId("session00001-p3")))
    assert PhoneReachable(endpoint="1001", is_reachable=True) in stage.told
