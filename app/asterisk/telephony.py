"""Telephony on a real Asterisk: commands become ARI requests, ARI's events become ours.

Calls are placed into the admin's dialplan context `outring-answered`, which hands answered calls to us and, where we
are not there, plays a message and ends the call. Every channel carries a lease (`TIMEOUT(absolute)`). The channel's id
is `outring-` and the attempt's, so that any event and any listing tells whose it is.

Requests of one attempt are made one after the other, so that a hang-up never overtakes the call it ends.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections import deque
from collections.abc import Callable
from typing import Any, Final, assert_never

import structlog

from app.asterisk.ari import (
    AriClient,
    AriConflict,
    AriDown,
    AriError,
    AriNotFound,
    AriServerError,
    AriUnauthorized,
    AriUp,
    ConnectionNews,
    DownReason,
)
from app.asterisk.ari import models as ari
from app.asterisk.endpoint import CONTEXT, EXTENSION, caller_id_for, endpoint_for
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
    FaxHeard,
    LiveCall,
    PlaybackEnded,
    RecordingEnded,
    TalkEnded,
    TalkStarted,
    TelephonyDown,
    TelephonyUp,
)
from app.ports import Inbox
from app.units import AttemptId

log = structlog.get_logger()

PREFIX: Final = "outring-"
FALLBACK: Final = "outring-fallback"
"""The dialplan's context of the apology (asterisk/conf/extensions.conf)."""
EVENTS: Final = (
    "ChannelDestroyed",
    "ChannelDtmfReceived",
    "ChannelTalkingFinished",
    "ChannelTalkingStarted",
    "ChannelToneDetected",
    "Dial",
    "PlaybackFinished",
    "RecordingFailed",
    "RecordingFinished",
    "StasisEnd",
    "StasisStart",
)
"""All that is listened to; Asterisk sends nothing else."""
LIST_AGAIN_S: Final = 1.0
"""After Asterisk could not list its channels, how long until it is asked again."""
TALK_THRESHOLD: Final = 256
"""TALK_DETECT's level below which a frame counts as silence (Asterisk's own default for dsp.conf)."""

FAX_TONE: Final = "TONE_DETECT(2100,1000,rd(4))"
"""What a fax that answers sounds for 2.6 to 4 s (ITU-T T.30 CED: 2100 ± 15 Hz; V.8 ANSam turns its phase every 450 ms),
from the far end only. A second of it: beeps are shorter. 4 dB above all other sound: at Asterisk's own 16 dB nothing
beyond ± 4 Hz is heard, and nothing on a noisy line. On wideband lines (G.722) nothing is heard: the detector takes
every line for one of 8 kHz."""
TELLS_TONES_SINCE: Final = 22
"""Before this version Asterisk hears tones and does not tell (asterisk/asterisk#811)."""
LANGUAGE_FOLDER: Final = re.compile(r"[a-z]{2,3}([_-]\w+)*")
"""What folders of sounds for a language are called: en, en_AU, es-MX, fr_CA_f_June; not custom or digits."""
_MAJOR_VERSION: Final = re.compile(r"(?:^|certified[/-]|GIT-)(\d+)")


def tells_tones(asterisk_version: str) -> bool:
    """Whether this Asterisk sends ChannelToneDetected; a version without a number is a developer's, and new."""
    major = _MAJOR_VERSION.search(asterisk_version)
    return major is None or int(major[1]) >= TELLS_TONES_SINCE


def channel_id(attempt_id: AttemptId) -> str:
    """The channel's id of an attempt."""
    return PREFIX + attempt_id


def attempt_of(channel: str) -> AttemptId | None:
    """The attempt a channel belongs to; None: not one of ours."""
    return AttemptId(channel[len(PREFIX) :]) if channel.startswith(PREFIX) else None


class AsteriskTelephony:
    """The Telephony port on one Asterisk.

    url: ARI's address with its /ari. context: the dialplan context answered calls enter. on_unusable: called with
    the reason when Asterisk refuses us for good (wrong password), or another dialer has taken the application.
    """

    def __init__(
        self,
        *,
        url: str,
        user: str,
        password: str,
        app: str = "outring",
        context: str = "outring-answered",
        pool_limit: int = 16,
        on_unusable: Callable[[str], None] | None = None,
    ) -> None:
        self._client = AriClient(
            url, user, password, app, sink=self._hear, listener=self._news, pool_limit=pool_limit, event_filter=EVENTS
        )
        self._context = context
        self._inbox: Inbox = lambda event: None
        self._waiting: dict[AttemptId, deque[TelephonyCommand]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sent_on: set[AttemptId] = set()
        self._latest_news: ConnectionNews | None = None
        self._tells_tones = False
        self._is_taking_stock = False
        self._placed_meanwhile: set[AttemptId] = set()  # while the channels are being listed
        self._on_unusable = on_unusable

    @property
    def client(self) -> AriClient:
        """The ARI client, for what goes beyond calls (doctor, recordings)."""
        return self._client

    async def start(self, inbox: Inbox) -> None:
        """Connect, and go on connecting; news and events go to `inbox`."""
        self._inbox = inbox
        self._client.start()

    async def stop(self) -> None:
        """Leave Asterisk alone: calls go on by their dialplan and leases."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.close()

    async def has_sound(self, name: str) -> bool | None:
        """Whether Asterisk has a sound of this name, in any language; None when it does not answer.

        Which language is played is the channel's (`language` of its endpoint), not ours. Asterisk takes every folder of
        its sounds for a language: what is played as `custom/hello` is listed as `hello` in the language `custom`.
        """
        folder, _, rest = name.partition("/")
        try:
            if await self._lists_sound(name):
                return True
            return bool(rest) and await self._lists_sound(rest, language=folder)
        except AriError as error:
            log.warning("sound not looked up", sound=name, reason=str(error))
            return None

    async def _lists_sound(self, name: str, *, language: str = "") -> bool:
        try:
            found = await self._client.sounds.get(soundId=name)
        except AriNotFound:
            return False
        listed = [form.language for form in found.formats]
        return language in listed if language else any(map(LANGUAGE_FOLDER.fullmatch, listed))

    # --- commands ----------------------------------------------------------------------------------------------------

    def perform(self, command: TelephonyCommand) -> None:
        """Carry out a command after those given before it for the same attempt."""
        queue = self._waiting.get(command.attempt_id)
        if queue is not None:
            queue.append(command)
            return
        self._waiting[command.attempt_id] = deque((command,))
        task = asyncio.get_running_loop().create_task(self._work(command.attempt_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, attempt_id: AttemptId) -> None:
        queue = self._waiting[attempt_id]
        try:
            while queue:
                await self._do(queue.popleft())
        finally:
            del self._waiting[attempt_id]

    async def _do(self, command: TelephonyCommand) -> None:
        if isinstance(command, PlaceCall):
            await self._place(command)
            return
        try:
            await self._request(command)
        except (AriError, ValueError) as error:
            if isinstance(error, AriNotFound) and isinstance(command, HangUp | StopPlayback | StopRecording):
                return  # it has ended already, and says so itself
            name = type(command).__name__
            self._inbox(CommandFailed(attempt_id=command.attempt_id, command=name, reason=str(error)))

    async def _place(self, command: PlaceCall) -> None:
        attempt_id = command.attempt_id
        try:
            await self._client.channels.originate(
                endpoint=endpoint_for(command.trunk, command.number),
                context=self._context,
                extension=attempt_id,
                priority=1,
                callerId=caller_id_for(command.caller_id),
                timeout=math.ceil(command.ring_timeout_ms / 1_000),
                variables=_variables(command, tells_tones=self._tells_tones),
                channelId=channel_id(attempt_id),
            )
        except ValueError as error:
            self._inbox(CallRefused(attempt_id=attempt_id, reason=str(error)))
        except AriConflict as error:
            self._inbox(CallUnknown(attempt_id=attempt_id, reason=str(error)))
        except AriError as error:
            if error.is_certainly_not_done:
                is_trunk_fault = isinstance(error, AriServerError)
                self._inbox(CallRefused(attempt_id=attempt_id, reason=error.message, is_trunk_fault=is_trunk_fault))
            else:
                self._inbox(CallUnknown(attempt_id=attempt_id, reason=str(error)))
        else:
            if self._is_taking_stock:
                self._placed_meanwhile.add(attempt_id)
            self._inbox(CallPlaced(attempt_id=attempt_id))

    async def _request(self, command: TelephonyCommand) -> None:
        channels = self._client.channels
        channel = channel_id(command.attempt_id)
        match command:
            case HangUp():
                await channels.hangup(channelId=channel)
            case Play():
                await channels.playWithId(channelId=channel, playbackId=command.playback_id, media=command.media)
            case StopPlayback():
                await self._client.playbacks.stop(playbackId=command.playback_id)
            case Record():
                await channels.record(
                    channelId=channel,
                    name=command.name,
                    format="wav",
                    maxDurationSeconds=math.ceil(command.max_length_ms / 1_000),
                    maxSilenceSeconds=math.ceil(command.max_silence_ms / 1_000),
                    ifExists="fail",
                    beep=command.beep,
                    terminateOn="any" if command.stop_on_key else "none",
                )
            case StopRecording():
                await self._client.recordings.stop(recordingName=command.name)
            case SendToExtension():
                await self._send_on(command)
            case RenewLease():
                seconds = str(math.ceil(command.lease_ms / 1_000))
                await channels.setChannelVar(channelId=channel, variable="TIMEOUT(absolute)", value=seconds)
            case PlaceCall():
                raise AssertionError("calls are placed by _place")
            case _:
                assert_never(command)

    async def _send_on(self, command: SendToExtension) -> None:
        if not CONTEXT.fullmatch(command.context) or not EXTENSION.fullmatch(command.extension):
            raise ValueError(f"no extension of a dialplan: {command.extension[:40]!r} in {command.context[:40]!r}")
        await self._must_exist(command)
        self._sent_on.add(command.attempt_id)
        try:
            await self._client.channels.continueInDialplan(
                channelId=channel_id(command.attempt_id),
                context=command.context,
                extension=command.extension,
                priority=command.priority,
            )
        except AriError as error:
            if error.is_certainly_not_done:
                self._sent_on.discard(command.attempt_id)
            raise

    async def _must_exist(self, command: SendToExtension) -> None:
        """Asterisk sends a call to any extension, and hangs up on the person where there is none: ask first.

        Raises ValueError when the dialplan has no such extension.
        """
        place = f"{command.context},{command.extension},{command.priority}"
        try:
            found = await self._client.channels.getChannelVar(
                channelId=channel_id(command.attempt_id), variable=f"DIALPLAN_EXISTS({place})"
            )
        except AriNotFound:
            return  # the call is gone, or this Asterisk lacks func_dialplan: the next request tells
        if found.value == "0":
            raise ValueError(f"the dialplan has no extension {command.extension} in context {command.context}")

    # --- events ------------------------------------------------------------------------------------------------------

    def _hear(self, message: Any) -> None:
        translate = _TRANSLATIONS.get(type(message))
        if translate is not None:
            translate(self, message)

    def _dial(self, message: ari.Dial) -> None:
        if (attempt_id := attempt_of(message.peer.id)) is None:
            return
        if message.dialstatus == "RINGING":
            self._inbox(CallRinging(attempt_id=attempt_id))
        elif message.dialstatus == "PROGRESS":
            self._inbox(CallProgressed(attempt_id=attempt_id))

    def _stasis_start(self, message: ari.StasisStart) -> None:
        if (attempt_id := attempt_of(message.channel.id)) is not None:
            self._sent_on.discard(attempt_id)
            self._inbox(CallAnswered(attempt_id=attempt_id))

    def _stasis_end(self, message: ari.StasisEnd) -> None:
        attempt_id = attempt_of(message.channel.id)
        if attempt_id is not None and attempt_id in self._sent_on:  # else it is the end, and ChannelDestroyed follows
            self._inbox(CallLeft(attempt_id=attempt_id))

    def _destroyed(self, message: ari.ChannelDestroyed) -> None:
        if (attempt_id := attempt_of(message.channel.id)) is not None:
            self._sent_on.discard(attempt_id)
            self._inbox(
                CallEnded(
                    attempt_id=attempt_id,
                    sip_code=message.tech_cause or None,
                    cause=message.cause,
                    cause_text=message.cause_txt,
                )
            )

    def _digit(self, message: ari.ChannelDtmfReceived) -> None:
        if (attempt_id := attempt_of(message.channel.id)) is not None:
            self._inbox(DigitPressed(attempt_id=attempt_id, digit=message.digit))

    def _played(self, message: ari.PlaybackFinished) -> None:
        playback = message.playback
        if (attempt_id := attempt_of(playback.target_uri.removeprefix("channel:"))) is not None:
            has_failed = playback.state == "failed"
            self._inbox(PlaybackEnded(attempt_id=attempt_id, playback_id=playback.id, has_failed=has_failed))

    def _recorded(self, message: ari.RecordingFinished | ari.RecordingFailed) -> None:
        recording = message.recording
        if (attempt_id := attempt_of(recording.target_uri.removeprefix("channel:"))) is not None:
            has_failed = isinstance(message, ari.RecordingFailed)
            length_ms = 0 if has_failed else (recording.duration or 0) * 1_000
            self._inbox(
                RecordingEnded(attempt_id=attempt_id, name=recording.name, length_ms=length_ms, has_failed=has_failed)
            )

    def _talk_started(self, message: ari.ChannelTalkingStarted) -> None:
        if (attempt_id := attempt_of(message.channel.id)) is not None:
            self._inbox(TalkStarted(attempt_id=attempt_id))

    def _talk_ended(self, message: ari.ChannelTalkingFinished) -> None:
        if (attempt_id := attempt_of(message.channel.id)) is not None:
            self._inbox(TalkEnded(attempt_id=attempt_id, length_ms=message.duration))

    def _tone_heard(self, message: ari.ChannelToneDetected) -> None:
        if (attempt_id := attempt_of(message.channel.id)) is not None:
            self._inbox(FaxHeard(attempt_id=attempt_id))

    # --- the connection ----------------------------------------------------------------------------------------------

    def _news(self, news: ConnectionNews) -> None:
        self._latest_news = news
        match news:
            case AriUp():
                self._tells_tones = tells_tones(news.asterisk_version)
                log.info("asterisk up", version=news.asterisk_version, new_life=news.new_life)
                task = asyncio.get_running_loop().create_task(self._take_stock(news))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            case AriDown():
                tell = log.debug if news.reason is DownReason.STOPPED else log.warning
                tell("asterisk down", reason=news.reason.value, detail=news.detail)
                self._inbox(TelephonyDown(reason=f"{news.reason.value}: {news.detail}"))
                if news.reason in (DownReason.UNAUTHORIZED, DownReason.REPLACED) and self._on_unusable is not None:
                    self._on_unusable(f"{news.reason.value}: {news.detail}")

    async def _take_stock(self, news: AriUp) -> None:
        """What lives now: nothing that happened while we were away is told again.

        A call whose request outlived the old websocket may begin after Asterisk has written the list: it lives too.
        """
        self._is_taking_stock = True
        self._placed_meanwhile.clear()
        channels = None
        while channels is None:
            try:
                channels = await self._client.channels.list()
            except AriUnauthorized as error:
                self._inbox(TelephonyDown(reason=str(error)))
                return
            except AriError as error:
                log.warning("asterisk's channels could not be listed", error=str(error))
                await asyncio.sleep(LIST_AGAIN_S)
            if self._latest_news is not news:  # the events are cut off again: this list is of the past
                return
        self._is_taking_stock = False
        live = {attempt_id: LiveCall(attempt_id=attempt_id, is_in_hand=False) for attempt_id in self._placed_meanwhile}
        for channel in channels:
            if (attempt_id := attempt_of(channel.id)) is not None:
                live[attempt_id] = LiveCall(
                    attempt_id=attempt_id,
                    is_in_hand=channel.dialplan.app_name == "Stasis",
                    is_up=channel.state == "Up",
                    is_in_fallback=channel.dialplan.context == FALLBACK,
                    endpoint=channel.name.removeprefix("PJSIP/").rpartition("-")[0],  # PJSIP/my-provider-0000002a
                )
        self._inbox(TelephonyUp(is_new_life=news.new_life, live=tuple(live.values())))


_TRANSLATIONS: Final[dict[type, Callable[[AsteriskTelephony, Any], None]]] = {
    ari.Dial: AsteriskTelephony._dial,
    ari.StasisStart: AsteriskTelephony._stasis_start,
    ari.StasisEnd: AsteriskTelephony._stasis_end,
    ari.ChannelDestroyed: AsteriskTelephony._destroyed,
    ari.ChannelDtmfReceived: AsteriskTelephony._digit,
    ari.PlaybackFinished: AsteriskTelephony._played,
    ari.RecordingFinished: AsteriskTelephony._recorded,
    ari.RecordingFailed: AsteriskTelephony._recorded,
    ari.ChannelTalkingStarted: AsteriskTelephony._talk_started,
    ari.ChannelTalkingFinished: AsteriskTelephony._talk_ended,
    ari.ChannelToneDetected: AsteriskTelephony._tone_heard,
}


def _variables(command: PlaceCall, *, tells_tones: bool) -> dict[str, object]:
    """What the channel carries from birth: its lease, its language, and an ear if the flow listens."""
    variables: dict[str, object] = {
        "TIMEOUT(absolute)": str(math.ceil(command.lease_ms / 1_000)),
        "CHANNEL(language)": command.language,
    }
    if command.watch_talk:
        variables["TALK_DETECT(set)"] = f"{command.talk_silence_ms},{TALK_THRESHOLD}"
        if tells_tones:
            variables[FAX_TONE] = ""  # an Asterisk without the function places the call all the same
    return variables
