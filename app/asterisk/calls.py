"""The calls to people: each command becomes a request of ARI, each event of Asterisk one of ours.

Calls are placed into the admin's dialplan context `outring-answered`, which hands answered calls to us and, where we
are not there, plays a message and ends the call. Every channel carries a lease (`TIMEOUT(absolute)`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, assert_never

from app.asterisk.ari import AriClient, AriConflict, AriError, AriNotFound, AriServerError
from app.asterisk.ari import models as ari
from app.asterisk.endpoint import CONTEXT, EXTENSION, caller_id_for, endpoint_for
from app.asterisk.names import attempt_in, attempt_of, channel_id, room_of
from app.commands import (
    CallCommand,
    HangUp,
    PlaceCall,
    Play,
    Record,
    RenewLease,
    SendToExtension,
    StopPlayback,
    StopRecording,
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
    PlaybackEnded,
    RecordingEnded,
    TalkEnded,
    TalkStarted,
)
from app.ports import Inbox
from app.units import AttemptId

TALK_THRESHOLD: Final = 256
"""TALK_DETECT's level below which a frame counts as silence (Asterisk's own default for dsp.conf)."""
FAX_TONE: Final = "TONE_DETECT(2100,1000,rd(4))"
"""What a fax that answers sounds for 2.6 to 4 s (ITU-T T.30 CED: 2100 ± 15 Hz; V.8 ANSam turns its phase every 450 ms),
from the far end only. A second of it: beeps are shorter. 4 dB above all other sound: at Asterisk's own 16 dB nothing
beyond ± 4 Hz is heard, and nothing on a noisy line. On wideband lines (G.722) nothing is heard: the detector takes
every line for one of 8 kHz."""
TELLS_TONES_SINCE: Final = 22
"""Before this version Asterisk hears tones and does not tell (asterisk/asterisk#811)."""
RETURN_MARK: Final = "queue"
"""The first argument of Stasis() where a queue gives people back (asterisk/conf/extensions.conf)."""
_MAJOR_VERSION: Final = re.compile(r"(?:^|certified[/-]|GIT-)(\d+)")


def tells_tones(asterisk_version: str) -> bool:
    """Whether this Asterisk sends ChannelToneDetected; a version without a number is a developer's, and new."""
    major = _MAJOR_VERSION.search(asterisk_version)
    return major is None or int(major[1]) >= TELLS_TONES_SINCE


def in_seconds(length_ms: int) -> int:
    """A length as Asterisk takes it: whole seconds, rather longer than shorter."""
    return math.ceil(length_ms / 1_000)


class Calls:
    """Placing calls, what is asked of them, and what Asterisk tells of them.

    context: the dialplan context answered calls enter. on_placed: told of every call whose request was taken.
    """

    def __init__(self, client: AriClient, tell: Inbox, *, context: str, on_placed: Callable[[str], None]) -> None:
        self._client = client
        self._tell = tell
        self._context = context
        self._on_placed = on_placed
        self._sent_on: set[AttemptId] = set()
        self._playing: dict[AttemptId, set[str]] = {}
        self.tells_tones = False

    def playing(self, attempt_id: AttemptId) -> frozenset[str]:
        """The playbacks a person may hear now: while one goes on, its channel can be joined with nobody."""
        return frozenset(self._playing.get(attempt_id, ()))

    # --- commands ----------------------------------------------------------------------------------------------------

    async def do(self, command: CallCommand) -> None:
        """Carry out a command; what fails is told."""
        if isinstance(command, PlaceCall):
            await self._place(command)
            return
        try:
            await self._request(command)
        except (AriError, ValueError) as error:
            if isinstance(command, Play):
                self._played(command.attempt_id, command.playback_id)
            if isinstance(error, AriNotFound) and isinstance(command, HangUp | StopPlayback | StopRecording):
                return  # it has ended already, and says so itself
            name = type(command).__name__
            self._tell(CommandFailed(attempt_id=command.attempt_id, command=name, reason=str(error)))

    async def _place(self, command: PlaceCall) -> None:
        attempt_id = command.attempt_id
        try:
            await self._client.channels.originate(
                endpoint=endpoint_for(command.trunk, command.number),
                context=self._context,
                extension=attempt_id,
                priority=1,
                callerId=caller_id_for(command.caller_id),
                timeout=in_seconds(command.ring_timeout_ms),
                variables=_variables(command, tells_tones=self.tells_tones),
                channelId=channel_id(attempt_id),
            )
        except ValueError as error:
            self._tell(CallRefused(attempt_id=attempt_id, reason=str(error)))
        except AriConflict as error:
            self._tell(CallUnknown(attempt_id=attempt_id, reason=str(error)))
        except AriError as error:
            if error.is_certainly_not_done:
                is_trunk_fault = isinstance(error, AriServerError)
                self._tell(CallRefused(attempt_id=attempt_id, reason=error.message, is_trunk_fault=is_trunk_fault))
            else:
                self._tell(CallUnknown(attempt_id=attempt_id, reason=str(error)))
        else:
            self._on_placed(channel_id(attempt_id))
            self._tell(CallPlaced(attempt_id=attempt_id))

    async def _request(self, command: CallCommand) -> None:
        channels = self._client.channels
        channel = channel_id(command.attempt_id)
        match command:
            case HangUp():
                await channels.hangup(channelId=channel)
            case Play():
                self._playing.setdefault(command.attempt_id, set()).add(command.playback_id)
                await channels.playWithId(channelId=channel, playbackId=command.playback_id, media=command.media)
            case StopPlayback():
                await self._client.playbacks.stop(playbackId=command.playback_id)
            case Record():
                await channels.record(
                    channelId=channel,
                    name=command.name,
                    format="wav",
                    maxDurationSeconds=in_seconds(command.max_length_ms),
                    maxSilenceSeconds=in_seconds(command.max_silence_ms),
                    ifExists="fail",
                    beep=command.beep,
                    terminateOn="any" if command.stop_on_key else "none",
                )
            case StopRecording():
                await self._client.recordings.stop(recordingName=command.name)
            case SendToExtension():
                await self._send_on(command)
            case RenewLease():
                seconds = str(in_seconds(command.lease_ms))
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

    def adopt(self, live: Iterable[AttemptId]) -> None:
        """The calls that live now, after the events broke off: the playbacks of others are over."""
        self._playing = {attempt_id: self._playing[attempt_id] for attempt_id in live if attempt_id in self._playing}

    def hear(self, message: Any) -> None:
        """What Asterisk says; all that is not of a person's call is passed over."""
        translate = _TRANSLATIONS.get(type(message))
        if translate is not None:
            translate(self, message)

    def _dial(self, message: ari.Dial) -> None:
        if (attempt_id := attempt_of(message.peer.id)) is None:
            return
        if message.dialstatus == "RINGING":
            self._tell(CallRinging(attempt_id=attempt_id))
        elif message.dialstatus == "PROGRESS":
            self._tell(CallProgressed(attempt_id=attempt_id))

    def _stasis_start(self, message: ari.StasisStart) -> None:
        if message.args[:1] == [RETURN_MARK]:
            return  # given back by a queue, which tells it
        if (attempt_id := attempt_of(message.channel.id)) is not None:
            self._sent_on.discard(attempt_id)
            self._tell(CallAnswered(attempt_id=attempt_id))

    def _stasis_end(self, message: ari.StasisEnd) -> None:
        attempt_id = attempt_of(message.channel.id)
        if attempt_id is not None and attempt_id in self._sent_on:  # else it is the end, and ChannelDestroyed follows
            self._tell(CallLeft(attempt_id=attempt_id))

    def _destroyed(self, message: ari.ChannelDestroyed) -> None:
        if (attempt_id := attempt_of(message.channel.id)) is not None:
            self._sent_on.discard(attempt_id)
            self._playing.pop(attempt_id, None)
            self._tell(
                CallEnded(
                    attempt_id=attempt_id,
                    sip_code=message.tech_cause or None,
                    cause=message.cause,
                    cause_text=message.cause_txt,
                )
            )

    def _digit(self, message: ari.ChannelDtmfReceived) -> None:
        if (attempt_id := attempt_of(message.channel.id)) is not None:
            self._tell(DigitPressed(attempt_id=attempt_id, digit=message.digit))

    def _playback_finished(self, message: ari.PlaybackFinished) -> None:
        playback = message.playback
        if (attempt_id := attempt_of(playback.target_uri.removeprefix("channel:"))) is not None:
            self._played(attempt_id, playback.id)
            has_failed = playback.state == "failed"
            self._tell(PlaybackEnded(attempt_id=attempt_id, playback_id=playback.id, has_failed=has_failed))

    def _played(self, attempt_id: AttemptId, playback_id: str) -> None:
        playing = self._playing.get(attempt_id)
        if playing is not None:
            playing.discard(playback_id)
            if not playing:
                del self._playing[attempt_id]

    def _recorded(self, message: ari.RecordingFinished | ari.RecordingFailed) -> None:
        recording = message.recording
        kind, _, target = recording.target_uri.partition(":")
        is_room = kind == "bridge" and room_of(target) is not None
        attempt_id = attempt_in(recording.name) if is_room else attempt_of(target)
        if attempt_id is not None:
            has_failed = isinstance(message, ari.RecordingFailed)
            length_ms = 0 if has_failed else (recording.duration or 0) * 1_000
            self._tell(
                RecordingEnded(attempt_id=attempt_id, name=recording.name, length_ms=length_ms, has_failed=has_failed)
            )

    def _talk_started(self, message: ari.ChannelTalkingStarted) -> None:
        if (attempt_id := attempt_of(message.channel.id)) is not None:
            self._tell(TalkStarted(attempt_id=attempt_id))

    def _talk_ended(self, message: ari.ChannelTalkingFinished) -> None:
        if (attempt_id := attempt_of(message.channel.id)) is not None:
            self._tell(TalkEnded(attempt_id=attempt_id, length_ms=message.duration))

    def _tone_heard(self, message: ari.ChannelToneDetected) -> None:
        if (attempt_id := attempt_of(message.channel.id)) is not None:
            self._tell(FaxHeard(attempt_id=attempt_id))


_TRANSLATIONS: Final[Mapping[type, Callable[[Calls, Any], None]]] = {
    ari.Dial: Calls._dial,
    ari.StasisStart: Calls._stasis_start,
    ari.StasisEnd: Calls._stasis_end,
    ari.ChannelDestroyed: Calls._destroyed,
    ari.ChannelDtmfReceived: Calls._digit,
    ari.PlaybackFinished: Calls._playback_finished,
    ari.RecordingFinished: Calls._recorded,
    ari.RecordingFailed: Calls._recorded,
    ari.ChannelTalkingStarted: Calls._talk_started,
    ari.ChannelTalkingFinished: Calls._talk_ended,
    ari.ChannelToneDetected: Calls._tone_heard,
}


def _variables(command: PlaceCall, *, tells_tones: bool) -> dict[str, object]:
    """What the channel carries from birth: its lease, its language, and an ear if the flow listens."""
    variables: dict[str, object] = {
        "TIMEOUT(absolute)": str(in_seconds(command.lease_ms)),
        "CHANNEL(language)": command.language,
    }
    if command.watch_talk:
        variables["TALK_DETECT(set)"] = f"{command.talk_silence_ms},{TALK_THRESHOLD}"
        if tells_tones:
            variables[FAX_TONE] = ""  # an Asterisk without the function places the call all the same
    return variables
