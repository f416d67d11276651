"""Asterisk's words become ours, and our commands its requests: each failure told, none twice, none out of order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.asterisk import telephony as module
from app.asterisk.ari import (
    AriConflict,
    AriDown,
    AriError,
    AriNotFound,
    AriServerError,
    AriUnauthorized,
    AriUnavailable,
    AriUnknown,
    AriUp,
    DownReason,
)
from app.asterisk.ari import models as ari
from app.asterisk.telephony import AsteriskTelephony
from app.commands import (
    HangUp,
    PlaceCall,
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
    CallProgressed,
    CallRefused,
    CallRinging,
    CallUnknown,
    CommandFailed,
    DigitPressed,
    Event,
    FaxHeard,
    LiveCall,
    PlaybackEnded,
    RecordingEnded,
    TalkEnded,
    TalkStarted,
    TelephonyDown,
    TelephonyUp,
)
from app.model import Trunk
from app.units import AttemptId, Number, TrunkId

ID = AttemptId("attempt00001")
CHANNEL = f"outring-{ID}"
PLACE = PlaceCall(
    attempt_id=ID,
    trunk=Trunk(id=TrunkId("t1"), endpoint="my-provider", prefixes=("+44",)),
    number=Number("+447700900123"),
    caller_id="+442079460000",
    ring_timeout_ms=24_500,
    lease_ms=54_500,
    language="en",
    watch_talk=True,
)


class FakeClient:
    """Stands for the ARI client: keeps requests, answers them as told, and lets a test speak as Asterisk."""

    def __init__(self, *_: Any, sink: Callable[[Any], None], listener: Callable[[Any], None], **__: Any) -> None:
        self.says, self.news = sink, listener
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.failures: dict[str, Exception] = {}
        self.holds: dict[str, asyncio.Event] = {}
        self.alive: list[ari.Channel] = []
        self.dialplan_exists = "1"
        self.own_sounds: dict[str, list[str]] = {}
        self.app = "outring"
        self.alive_bridges: list[ari.Bridge] = []
        self.channels = self.playbacks = self.recordings = self.sounds = self.applications = self
        self.bridges = Bridges(self)
        self.endpoints = Endpoints(self)

    def start(self) -> None:
        pass

    async def close(self) -> None:
        pass

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def request(**parameters: Any) -> Any:
            self.requests.append((name, parameters))
            if name in self.holds:
                await self.holds[name].wait()
            if name in self.failures:
                raise self.failures[name]
            if name == "getChannelVar":
                return ari.Variable(value=self.dialplan_exists)
            if name == "get" and "soundId" in parameters:
                if parameters["soundId"] not in self.own_sounds:
                    raise AriNotFound("Sound not found", status=404)
                languages = self.own_sounds[parameters["soundId"]]
                return ari.Sound(
                    id=parameters["soundId"], formats=[ari.FormatLangPair(language=one) for one in languages]
                )
            return self.alive if name == "list" else None

        return request

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.requests]


class Bridges:
    """Its requests about bridges, by names of their own where channels have the same."""

    def __init__(self, client: FakeClient) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def request(**parameters: Any) -> Any:
            if name != "list":
                return await getattr(self._client, f"bridge {name}")(**parameters)
            return self._client.alive_bridges

        return request


class Endpoints:
    """What it says of phones."""

    def __init__(self, client: FakeClient) -> None:
        self._client = client
        self.state = "online"

    async def get(self, **parameters: str) -> ari.Endpoint:
        return ari.Endpoint(technology=parameters["tech"], resource=parameters["resource"], state=self.state)


class Stage:
    """A telephony on a fake client, and all that it told."""

    def __init__(self, telephony: AsteriskTelephony, unusable: list[str]) -> None:
        self.telephony = telephony
        self.client: FakeClient = telephony.client  # type: ignore[assignment]
        self.told: list[Event] = []
        self.unusable = unusable

    async def perform(self, *commands: TelephonyCommand) -> list[Event]:
        """Carry commands out and let everything settle."""
        for command in commands:
            self.telephony.perform(command)
        await self.settle()
        return self.told

    async def settle(self) -> None:
        for _ in range(50):
            await asyncio.sleep(0)

    def hear(self, message: ari.Event) -> list[Event]:
        self.client.says(message)
        return self.told


class DoubtfulDuty:
    """Duty of a process that stood still, until the database says that it is ours."""

    def __init__(self) -> None:
        self._is_sure = asyncio.Event()

    def say(self) -> None:
        self._is_sure.set()

    def may_act(self) -> bool:
        return self._is_sure.is_set()

    def may_dial(self) -> bool:
        return self._is_sure.is_set()

    async def admitted(self) -> bool:
        return await self._is_sure.wait()


async def staged(monkeypatch: pytest.MonkeyPatch, duty: DoubtfulDuty | None = None) -> Stage:
    def new_client(*args: Any, **options: Any) -> FakeClient:
        return FakeClient(*args, **options)

    monkeypatch.setattr(module, "AriClient", new_client)
    unusable: list[str] = []
    telephony = AsteriskTelephony(url="http://x/ari", user="u", password="p", on_unusable=unusable.append, duty=duty)
    made = Stage(telephony, unusable)
    await telephony.start(made.told.append)
    return made


@pytest.fixture
async def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    return await staged(monkeypatch)


def channel(channel_id: str = CHANNEL, *, app_name: str = "", state: str = "Up") -> ari.Channel:
    return ari.Channel(
        id=channel_id,
        protocol_id="",
        name="PJSIP/my-provider-00000001",
        state=state,
        caller=ari.CallerID(name="", number=""),
        connected=ari.CallerID(name="", number=""),
        accountcode="",
        dialplan=ari.DialplanCEP(context="", exten="", priority=1, app_name=app_name, app_data=""),
        creationtime="",
        language="en",
    )


def dial(status: str, channel_id: str = CHANNEL) -> ari.Dial:
    return ari.Dial(peer=channel(channel_id), dialstatus=status)


def playback(state: str, target: str = f"channel:{CHANNEL}") -> ari.PlaybackFinished:
    return ari.PlaybackFinished(playback=ari.Playback(id=f"{ID}-1", media_uri="", target_uri=target, state=state))


def recording(duration: int | None, target: str = f"channel:{CHANNEL}") -> ari.LiveRecording:
    return ari.LiveRecording(name="r1", format="wav", target_uri=target, state="done", duration=duration)


# --- what Asterisk says ----------------------------------------------------------------------------------------------

WORDS: list[tuple[ari.Event, list[Event]]] = [
    (dial("RINGING"), [CallRinging(attempt_id=ID)]),
    (dial("PROGRESS"), [CallProgressed(attempt_id=ID)]),
    (dial(""), []),
    (dial("PROCEEDING"), []),
    (dial("ANSWER"), []),
    (dial("BUSY"), []),
    (dial("CHANUNAVAIL"), []),
    (ari.StasisStart(args=[], channel=channel()), [CallAnswered(attempt_id=ID)]),
    (ari.StasisEnd(channel=channel()), []),
    (
        ari.ChannelDestroyed(cause=17, cause_txt="User busy", tech_cause=486, channel=channel()),
        [CallEnded(attempt_id=ID, sip_code=486, cause=17, cause_text="User busy")],
    ),
    (
        ari.ChannelDestroyed(cause=0, cause_txt="", tech_cause=0, channel=channel()),
        [CallEnded(attempt_id=ID, sip_code=None, cause=0, cause_text="")],
    ),
    (
        ari.ChannelDestroyed(cause=16, cause_txt="Normal", channel=channel()),
        [CallEnded(attempt_id=ID, sip_code=None, cause=16, cause_text="Normal")],
    ),
    (
        ari.ChannelDtmfReceived(digit="#", duration_ms=90, channel=channel()),
        [DigitPressed(attempt_id=ID, digit="#")],
    ),
    (playback("done"), [PlaybackEnded(attempt_id=ID, playback_id=f"{ID}-1")]),
    (playback("failed"), [PlaybackEnded(attempt_id=ID, playback_id=f"{ID}-1", has_failed=True)]),
    (
        ari.RecordingFinished(recording=recording(7)),
        [RecordingEnded(attempt_id=ID, name="r1", length_ms=7_000)],
    ),
    (ari.RecordingFinished(recording=recording(None)), [RecordingEnded(attempt_id=ID, name="r1", length_ms=0)]),
    (
        ari.RecordingFailed(recording=recording(7)),
        [RecordingEnded(attempt_id=ID, name="r1", length_ms=0, has_failed=True)],
    ),
    (ari.ChannelTalkingStarted(channel=channel()), [TalkStarted(attempt_id=ID)]),
    (ari.ChannelTalkingFinished(channel=channel(), duration=350), [TalkEnded(attempt_id=ID, length_ms=350)]),
    (ari.ChannelToneDetected(channel=channel()), [FaxHeard(attempt_id=ID)]),
]


@pytest.mark.parametrize(("message", "expected"), WORDS, ids=lambda value: type(value).__name__)
async def test_each_word_of_asterisk_becomes_its_event(stage: Stage, message: ari.Event, expected: list[Event]) -> None:
    assert stage.hear(message) == expected


FOREIGN = "1700000000.12"


@pytest.mark.parametrize(
    "message",
    [
        dial("RINGING", FOREIGN),
        ari.StasisStart(args=[], channel=channel(FOREIGN)),
        ari.StasisEnd(channel=channel(FOREIGN)),
        ari.ChannelDestroyed(cause=16, cause_txt="", channel=channel(FOREIGN)),
        ari.ChannelDtmfReceived(digit="1", duration_ms=1, channel=channel(FOREIGN)),
        playback("done", f"channel:{FOREIGN}"),
        playback("done", "bridge:outring-x"),
        ari.RecordingFinished(recording=recording(7, f"channel:{FOREIGN}")),
        ari.ChannelTalkingStarted(channel=channel(FOREIGN)),
        ari.ChannelTalkingFinished(channel=channel(FOREIGN), duration=1),
        ari.ChannelHangupRequest(channel=channel()),  # nothing we listen to
    ],
    ids=lambda value: type(value).__name__,
)
async def test_what_is_not_ours_is_not_told(stage: Stage, message: ari.Event) -> None:
    assert stage.hear(message) == []


async def test_a_call_that_was_sent_on_has_left_and_one_that_was_not_has_ended(stage: Stage) -> None:
    stage.hear(ari.StasisStart(args=[], channel=channel()))
    await stage.perform(SendToExtension(attempt_id=ID, context="agents", extension="1000"))
    stage.hear(ari.StasisEnd(channel=channel()))
    stage.hear(ari.StasisStart(args=[], channel=channel()))  # it comes back
    stage.hear(ari.StasisEnd(channel=channel()))  # and hangs up
    assert stage.told == [CallAnswered(attempt_id=ID), CallLeft(attempt_id=ID), CallAnswered(attempt_id=ID)]


async def test_a_call_that_could_not_be_sent_on_has_not_left_when_it_ends(stage: Stage) -> None:
    stage.client.failures["continueInDialplan"] = AriConflict("Channel not in Stasis application", status=409)
    await stage.perform(SendToExtension(attempt_id=ID, context="agents", extension="1000"))
    stage.told.clear()
    assert stage.hear(ari.StasisEnd(channel=channel())) == []


async def test_a_call_is_not_sent_to_an_extension_that_is_not_there(stage: Stage) -> None:
    stage.client.dialplan_exists = "0"
    [failed] = await stage.perform(SendToExtension(attempt_id=ID, context="agents", extension="1000", priority=2))
    assert isinstance(failed, CommandFailed)
    assert "no extension 1000 in context agents" in failed.reason
    asked = {"channelId": CHANNEL, "variable": "DIALPLAN_EXISTS(agents,1000,2)"}
    assert stage.client.requests == [("getChannelVar", asked)]


async def test_an_asterisk_that_cannot_say_what_its_dialplan_has_is_asked_to_send_on_all_the_same(stage: Stage) -> None:
    stage.client.failures["getChannelVar"] = AriNotFound("Provided variable was not found", status=404)
    await stage.perform(SendToExtension(attempt_id=ID, context="agents", extension="1000"))
    assert stage.told == []
    assert stage.client.names == ["getChannelVar", "continueInDialplan"]


# --- what we ask -----------------------------------------------------------------------------------------------------


async def test_a_call_is_placed_into_the_context_that_answers_with_its_lease_and_language(stage: Stage) -> None:
    assert await stage.perform(PLACE) == [CallPlaced(attempt_id=ID)]
    [(name, asked)] = stage.client.requests
    assert name == "originate"
    assert asked == {
        "endpoint": "PJSIP/+447700900123@my-provider",
        "context": "outring-answered",
        "extension": ID,
        "priority": 1,
        "callerId": "+442079460000",
        "timeout": 25,
        "variables": {
            "TIMEOUT(absolute)": "55",
            "CHANNEL(language)": "en",
            "TALK_DETECT(set)": "1000,256",
        },
        "channelId": CHANNEL,
    }


@pytest.mark.parametrize(
    ("version", "listens"),
    [
        ("22.10.1~dfsg+~cs6.17", True),
        ("22.0.0", True),
        ("23.1.0-rc1", True),
        ("certified-22.8-cert1", True),
        ("GIT-master-1a2b3c4", True),
        ("GIT-22-1a2b3c4M", True),
        ("", True),
        ("21.9.1", False),
        ("20.6.0~dfsg+~cs6.13", False),
        ("certified/20.7-cert2", False),
        ("GIT-20-1a2b3c4", False),
    ],
)
async def test_a_flow_that_listens_listens_for_faxes_where_asterisk_tells_of_tones(
    stage: Stage, version: str, listens: bool
) -> None:
    stage.client.news(replace(UP, asterisk_version=version))
    await stage.perform(PLACE, replace(PLACE, attempt_id=AttemptId("b"), watch_talk=False))
    with_ears, without = [asked["variables"] for name, asked in stage.client.requests if name == "originate"]
    assert [name for name in with_ears if "TONE" in name] == (["TONE_DETECT(2100,1000,rd(4))"] if listens else [])
    assert "TALK_DETECT(set)" in with_ears
    assert not [name for name in without if "DETECT" in name]


async def test_an_asterisk_that_was_upgraded_is_asked_for_tones_from_then_on(stage: Stage) -> None:
    for version in ("20.6.0", "22.10.1"):
        stage.client.news(replace(UP, asterisk_version=version))
        await stage.perform(PLACE)
    old, new = [asked["variables"] for name, asked in stage.client.requests if name == "originate"]
    assert len(new) == len(old) + 1


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (
            AriServerError("Allocation failed", status=500),
            CallRefused(attempt_id=ID, reason="Allocation failed", is_trunk_fault=True),
        ),
        (AriUnavailable("nothing was sent"), CallRefused(attempt_id=ID, reason="nothing was sent")),
        (AriUnauthorized("no", status=403), CallRefused(attempt_id=ID, reason="no")),
        (AriUnknown("no answer in 5 s"), CallUnknown(attempt_id=ID, reason="no answer in 5 s")),
        (AriServerError("Internal error", status=500), CallUnknown(attempt_id=ID, reason="Internal error")),
        (AriConflict("exists", status=409), CallUnknown(attempt_id=ID, reason="exists")),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_only_what_was_certainly_not_placed_is_refused(
    stage: Stage, failure: AriError, expected: CallRefused | CallUnknown
) -> None:
    stage.client.failures["originate"] = failure
    assert await stage.perform(PLACE) == [expected]


async def test_a_number_that_the_door_refuses_is_never_sent(stage: Stage) -> None:
    evil = replace(PLACE, number=Number("+447700900123&Local/x@y"))
    [refused] = await stage.perform(evil)
    assert isinstance(refused, CallRefused)
    assert stage.client.requests == []


async def test_an_evil_extension_is_never_sent(stage: Stage) -> None:
    [failed] = await stage.perform(SendToExtension(attempt_id=ID, context="agents", extension="1,1)\nSystem(x"))
    assert isinstance(failed, CommandFailed)
    assert failed.command == "SendToExtension"
    assert stage.client.requests == []


async def test_requests_of_one_attempt_wait_for_each_other_and_others_do_not(stage: Stage) -> None:
    stage.client.holds["originate"] = asyncio.Event()
    other = AttemptId("attempt00002")
    await stage.perform(PLACE, HangUp(attempt_id=ID), HangUp(attempt_id=other))
    assert stage.client.requests[1:] == [("hangup", {"channelId": f"outring-{other}"})]
    stage.client.holds["originate"].set()
    await stage.settle()
    assert stage.client.names == ["originate", "hangup", "hangup"]
    assert stage.told == [CallPlaced(attempt_id=ID)]


COMMANDS: list[tuple[TelephonyCommand, str]] = [
    (HangUp(attempt_id=ID), "hangup"),
    (Play(attempt_id=ID, playback_id="p1", media=("sound:a", "sound:b")), "playWithId"),
    (StopPlayback(attempt_id=ID, playback_id="p1"), "stop"),
    (Record(attempt_id=ID, name="r1", max_length_ms=1_500), "record"),
    (StopRecording(attempt_id=ID, name="r1"), "stop"),
    (SendToExtension(attempt_id=ID, context="agents", extension="1000"), "continueInDialplan"),
    (RenewLease(attempt_id=ID, lease_ms=30_000), "setChannelVar"),
]


@pytest.mark.parametrize(("command", "request_name"), COMMANDS, ids=lambda value: type(value).__name__)
async def test_each_command_is_one_request_and_its_failure_is_told_once(
    stage: Stage, command: TelephonyCommand, request_name: str
) -> None:
    await stage.perform(command)
    assert [name for name in stage.client.names if name != "getChannelVar"] == [request_name]
    assert stage.told == []
    stage.client.failures[request_name] = AriServerError("broken", status=500)
    await stage.perform(command)
    assert stage.told == [CommandFailed(attempt_id=ID, command=type(command).__name__, reason="broken")]


@pytest.mark.parametrize(("command", "request_name"), COMMANDS, ids=lambda value: type(value).__name__)
async def test_ending_what_has_ended_is_no_failure(stage: Stage, command: TelephonyCommand, request_name: str) -> None:
    stage.client.failures[request_name] = AriNotFound("Channel not found", status=404)
    told = await stage.perform(command)
    assert (told == []) == isinstance(command, HangUp | StopPlayback | StopRecording)


# --- the connection --------------------------------------------------------------------------------------------------

UP = AriUp(startup_time="t", asterisk_version="22", reconnected=True, new_life=False)


async def test_coming_up_tells_which_of_our_channels_live(stage: Stage) -> None:
    stage.client.alive = [channel(app_name="Stasis"), channel("outring-b", state="Ringing"), channel(FOREIGN)]
    stage.client.news(UP)
    await stage.settle()
    [up] = stage.told
    assert isinstance(up, TelephonyUp)
    assert not up.is_new_life
    assert [(call.attempt_id, call.is_in_hand, call.is_up, call.endpoint) for call in up.live] == [
        (ID, True, True, "my-provider"),
        (AttemptId("b"), False, False, "my-provider"),
    ]


async def test_up_is_told_once_the_channels_could_be_listed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIST_AGAIN_S", 0)
    stage.client.failures["list"] = AriUnknown("no answer in 5 s")
    stage.client.news(UP)
    await stage.settle()
    assert stage.told == []
    assert stage.client.names.count("list") > 1
    del stage.client.failures["list"]
    await stage.settle()
    assert stage.told == [TelephonyUp(is_new_life=False)]


async def test_a_connection_that_breaks_before_the_channels_are_listed_is_not_told_as_up(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LIST_AGAIN_S", 0)
    stage.client.failures["list"] = AriUnknown("broke")
    stage.client.news(UP)
    stage.client.news(AriDown(reason=DownReason.CLOSED, detail="again"))
    await stage.settle()
    assert stage.told == [TelephonyDown(reason="closed: again")]
    assert stage.client.names == ["list"]


@pytest.mark.parametrize("reason", DownReason)
async def test_going_down_is_told_and_being_replaced_or_locked_out_makes_it_unusable(
    stage: Stage, reason: DownReason
) -> None:
    stage.client.news(AriDown(reason=reason, detail="because"))
    assert stage.told == [TelephonyDown(reason=f"{reason.value}: because")]
    assert bool(stage.unusable) == (reason in (DownReason.UNAUTHORIZED, DownReason.REPLACED))


@pytest.mark.parametrize(
    ("reason", "level"), [(DownReason.STOPPED, "debug"), (DownReason.CLOSED, "warning"), (DownReason.FROZEN, "warning")]
)
def test_only_an_end_that_is_not_our_own_is_a_warning(stage: Stage, reason: DownReason, level: str) -> None:
    with capture_logs() as logs:
        stage.client.news(AriDown(reason=reason, detail="because"))
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("asterisk down", level)]


async def test_a_list_that_comes_after_the_events_broke_off_again_is_not_told_as_up(stage: Stage) -> None:
    """Requests go through while the websocket is down: the dialer would take deaf for up."""
    stage.client.holds["list"] = asyncio.Event()
    stage.client.news(UP)
    await stage.settle()
    stage.client.news(AriDown(reason=DownReason.CLOSED, detail="again"))
    stage.client.holds["list"].set()
    await stage.settle()
    assert stage.told == [TelephonyDown(reason="closed: again")]


async def test_a_call_placed_while_the_list_was_on_its_way_lives(stage: Stage) -> None:
    stage.client.holds["originate"] = stage.client.holds["list"] = asyncio.Event()
    await stage.perform(PLACE)
    stage.client.news(UP)
    await stage.settle()
    stage.client.holds["list"].set()
    await stage.settle()
    assert stage.told[0] == CallPlaced(attempt_id=ID)
    assert stage.told[1] == TelephonyUp(is_new_life=False, live=(LiveCall(attempt_id=ID, is_in_hand=False),))


# --- sounds of Asterisk's own --------------------------------------------------------------------------------------


async def test_a_sound_is_asterisks_own_or_not_or_that_is_not_known(stage: Stage) -> None:
    stage.client.own_sounds = {"digits/1": ["en"], "hello": ["custom", "en"], "bye": ["en_AU"], "mine": ["custom"]}
    has = stage.telephony.has_sound
    assert await has("digits/1") is True
    assert await has("digits/1x") is False
    assert await has("custom/hello") is True, "Asterisk lists it as hello, in the language custom"
    assert await has("custom/bye") is False
    assert await has("bye") is True
    assert await has("mine") is False, "it is played as custom/mine alone"
    for fault in (AriUnavailable("no connection"), AriUnknown("no answer"), AriServerError("no", status=500)):
        stage.client.failures["get"] = fault
        assert await has("digits/1") is None


# --- duty ------------------------------------------------------------------------------------------------------------


async def test_who_stood_still_hangs_up_when_admitted_but_places_no_call_it_was_to_place_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All calls of the time it stood still would leave at once, faster than any rate allows."""
    duty = DoubtfulDuty()
    stage = await staged(monkeypatch, duty)
    up, waiting = AttemptId("attempt00002"), replace(PLACE, attempt_id=AttemptId("attempt00003"))
    told = await stage.perform(PLACE, waiting, HangUp(attempt_id=up))
    assert [event.attempt_id for event in told if isinstance(event, CallRefused)] == [ID, waiting.attempt_id]
    assert not stage.client.names, "in doubt nothing is asked of Asterisk"
    duty.say()
    await stage.settle()
    assert stage.client.names == ["hangup"]
    await stage.perform(replace(PLACE, attempt_id=AttemptId("attempt00004")))
    assert "originate" in " ".join(stage.client.names)


class LostDuty(DoubtfulDuty):
    """Duty that another has by now; may_act: nobody has said so yet."""

    def __init__(self, *, may_act: bool) -> None:
        super().__init__()
        self._may_act = may_act

    def may_act(self) -> bool:
        return self._may_act

    def may_dial(self) -> bool:
        return False

    async def admitted(self) -> bool:
        return False


async def test_a_call_is_refused_while_the_lease_is_not_surely_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = await staged(monkeypatch, LostDuty(may_act=True))
    [refused] = await stage.perform(PLACE)
    assert isinstance(refused, CallRefused)
    assert "may not dial now" in refused.reason
    assert not stage.client.names


async def test_who_was_relieved_asks_nothing_of_asterisk_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = await staged(monkeypatch, LostDuty(may_act=False))
    await stage.perform(HangUp(attempt_id=ID))
    assert not stage.client.names
