"""A phone is rung to see whether its sound flows both ways and its keys arrive, before an agent works with it.

It is rung, beeps until a key is pressed, records three seconds of whoever holds it, and plays them back. Nothing of it
is a call of the dialer's: its channel has a name of its own, and ends by itself when we are gone.
"""

from __future__ import annotations

import asyncio
import io
import secrets
import wave
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from math import ceil
from typing import Any, Final, TypeVar

import numpy as np
import structlog

from app.asterisk.ari import AriClient, AriError, AriNotFound
from app.asterisk.ari import models as ari
from app.asterisk.endpoint import phone_endpoint, shown_as
from app.asterisk.reach import TECHNOLOGY
from app.phone_trials import PhoneTrial, TrialProblem, TrialStep

log = structlog.get_logger()
M = TypeVar("M")

PREFIX: Final = "outring-try-"
"""No name of a person's channel, a phone's leg or a helper begins so (app.asterisk.names)."""
RING_S: Final = 30
BEEP_EVERY_S: Final = 2.0
KEY_WITHIN_S: Final = 30.0
VOICE_S: Final = 3
SLACK_S: Final = 5.0
"""How much longer than it should take anything may take."""
LASTS_S: Final = 120
"""So long the channel may live, also without us."""
MOST_KEPT: Final = 200
_BEEP: Final = "sound:beep"
_BLOCK_MS: Final = 20
_SPOKEN: Final = 180.0
"""RMS of a block (of 32,767; -45 dBFS) from which on somebody speaks. The noise of a quiet room is below."""
_HEARD_MS: Final = 200
"""Less than this of three seconds is a click, not a voice."""
_BEFORE_ANSWER: Final[Mapping[int, TrialProblem]] = {
    17: TrialProblem.BUSY,
    18: TrialProblem.NO_RESPONSE,
    20: TrialProblem.NOT_REGISTERED,
    21: TrialProblem.DECLINED,
    58: TrialProblem.NO_CODEC,
    88: TrialProblem.NO_CODEC,
}
"""By Q.850 cause; any other: nobody answered."""


class TrialEnded(Exception):
    """A trial goes no further. told: Asterisk's words."""

    def __init__(self, problem: TrialProblem, told: str = "") -> None:
        super().__init__(problem.value)
        self.problem = problem
        self.told = told


class PhoneCheck:
    """The trials that go on, and how the last of each phone ended."""

    def __init__(self, client: AriClient) -> None:
        self._client = client
        self._trials: dict[str, PhoneTrial] = {}
        self._news: dict[str, asyncio.Queue[Any]] = {}
        self._going: dict[str, asyncio.Task[None]] = {}

    def begin(self, endpoint: str, language: str) -> None:
        """Ring a phone; harmless while it is tried already. Raises ValueError for what is no phone's name."""
        phone_endpoint(endpoint)
        if endpoint in self._going:
            return
        for oldest in [one for one in self._trials if one not in self._going][: max(0, len(self._trials) - MOST_KEPT)]:
            del self._trials[oldest]
        self._trials[endpoint] = PhoneTrial(endpoint=endpoint)
        task = asyncio.create_task(self._run(endpoint, language), name=f"trial of phone {endpoint}")
        self._going[endpoint] = task
        task.add_done_callback(lambda _: self._going.pop(endpoint, None))

    def of(self, endpoint: str) -> PhoneTrial | None:
        """The last trial of a phone."""
        return self._trials.get(endpoint)

    async def stop(self) -> None:
        """End all of them."""
        going = list(self._going.values())
        for task in going:
            task.cancel()
        await asyncio.gather(*going, return_exceptions=True)

    def hear(self, message: Any) -> None:
        """What Asterisk says of the channels of trials; all else is passed over."""
        if self._news and (queue := self._news.get(_channel_of(message))) is not None:
            queue.put_nowait(message)

    # --- one trial ---------------------------------------------------------------------------------------------------

    async def _run(self, endpoint: str, language: str) -> None:
        channel = PREFIX + secrets.token_hex(6)
        self._news[channel] = asyncio.Queue()
        try:
            await self._ring(endpoint, channel, language)
            await self._until_key(endpoint, channel)
            await self._hear_voice(endpoint, channel)
            self._note(endpoint, step=TrialStep.DONE)
        except TrialEnded as end:
            self._note(endpoint, problem=end.problem, told=end.told)
        except (AriError, TimeoutError) as error:
            told = str(error) or "Asterisk took too long"
            self._note(endpoint, problem=TrialProblem.ASTERISK, told=told)
        except Exception as error:
            log.exception("a trial broke", endpoint=endpoint)
            self._note(endpoint, problem=TrialProblem.ASTERISK, told=f"Outring failed: {error!r}")
        finally:
            del self._news[channel]
            await self._clear_away(channel)
            trial = self._trials[endpoint]
            problem = trial.problem.value if trial.problem else ""
            log.info("phone tried", endpoint=endpoint, step=trial.step.value, problem=problem)

    async def _ring(self, endpoint: str, channel: str, language: str) -> None:
        try:
            found = await self._client.endpoints.get(tech=TECHNOLOGY, resource=endpoint)
        except AriNotFound as error:
            raise TrialEnded(TrialProblem.UNKNOWN) from error
        if found.state == "offline":
            raise TrialEnded(TrialProblem.NOT_REGISTERED)
        await self._client.channels.originate(
            endpoint=phone_endpoint(endpoint),
            app=self._client.app,
            callerId=shown_as("Outring", ""),
            timeout=RING_S,
            variables={"TIMEOUT(absolute)": str(LASTS_S), "CHANNEL(language)": language},
            channelId=channel,
        )
        await self._until(endpoint, channel, ari.StasisStart, RING_S + SLACK_S)
        self._note(endpoint, step=TrialStep.KEY)

    async def _until_key(self, endpoint: str, channel: str) -> None:
        """Beep until any key comes."""
        deadline_s = asyncio.get_running_loop().time() + KEY_WITHIN_S
        while asyncio.get_running_loop().time() < deadline_s:
            await self._client.channels.play(channelId=channel, media=_BEEP)
            with suppress(TimeoutError):
                pressed = await self._until(endpoint, channel, ari.ChannelDtmfReceived, BEEP_EVERY_S)
                self._note(endpoint, step=TrialStep.VOICE, key=pressed.digit)
                return
        raise TrialEnded(TrialProblem.NO_KEY)

    async def _hear_voice(self, endpoint: str, channel: str) -> None:
        """Record whoever speaks, after a beep, and let them hear themselves."""
        await self._client.channels.record(
            channelId=channel, name=channel, format="wav", maxDurationSeconds=VOICE_S, beep=True, ifExists="overwrite"
        )
        ended = await self._until(endpoint, channel, (ari.RecordingFinished, ari.RecordingFailed), VOICE_S + SLACK_S)
        if isinstance(ended, ari.RecordingFailed):
            raise TrialEnded(TrialProblem.ASTERISK, ended.recording.cause or "it could not be recorded")
        spoken_ms = speech_ms(await self._client.recordings.getStoredFile(recordingName=channel))
        if spoken_ms < _HEARD_MS:
            self._note(endpoint, talked_s=0)
            raise TrialEnded(TrialProblem.NOT_HEARD)
        self._note(endpoint, talked_s=min(VOICE_S, ceil(spoken_ms / 1_000)))
        self._note(endpoint, step=TrialStep.PLAYBACK)
        media = f"recording:{channel}"
        await self._client.channels.play(channelId=channel, media=media)
        await self._until(
            endpoint, channel, ari.PlaybackFinished, VOICE_S + SLACK_S, lambda one: one.playback.media_uri == media
        )

    async def _until(
        self,
        endpoint: str,
        channel: str,
        kind: type[M] | tuple[type[M], ...],
        within_s: float,
        is_it: Callable[[M], bool] = lambda _: True,
    ) -> M:
        """Wait for a message. Raises TimeoutError, and TrialEnded when the call ends first."""
        async with asyncio.timeout(within_s):
            while True:
                message = await self._news[channel].get()
                if isinstance(message, kind) and is_it(message):
                    return message
                if isinstance(message, ari.Dial) and message.dialstatus == "RINGING":
                    self._note(endpoint, has_rung=True)
                elif isinstance(message, ari.ChannelDestroyed):
                    raise TrialEnded(self._why(endpoint, message.cause), message.cause_txt)

    def _why(self, endpoint: str, cause: int) -> TrialProblem:
        if self._trials[endpoint].step is not TrialStep.RINGING:
            return TrialProblem.PUT_DOWN
        return _BEFORE_ANSWER.get(cause, TrialProblem.NOT_ANSWERED)

    def _note(self, endpoint: str, **news: Any) -> None:
        self._trials[endpoint] = replace(self._trials[endpoint], **news)

    async def _clear_away(self, channel: str) -> None:
        """Nothing of a trial stays: neither its call nor what was said."""
        with suppress(AriError):
            await self._client.channels.hangup(channelId=channel)
        with suppress(AriError):
            await self._client.recordings.deleteStored(recordingName=channel)


def speech_ms(recording: bytes) -> int:
    """For how long somebody speaks in a wav file of Asterisk's: mono, 16 bits.

    Asterisk counts speech too, but in whole seconds: a silent recording of 3.1 s is one second of speech to it.
    Raises TrialEnded where it is no such file.
    """
    try:
        with wave.open(io.BytesIO(recording)) as file:
            rate, samples = file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    except (wave.Error, EOFError, ValueError) as error:
        raise TrialEnded(TrialProblem.ASTERISK, f"what it recorded is no sound: {error}") from error
    size = rate * _BLOCK_MS // 1_000
    blocks = samples[: len(samples) // size * size].reshape(-1, size).astype(np.float64)
    return _BLOCK_MS * int(np.count_nonzero(np.sqrt(np.mean(np.square(blocks), axis=1)) >= _SPOKEN))


def _channel_of(message: Any) -> str:
    match message:
        case ari.Dial():
            return message.peer.id
        case ari.RecordingFinished() | ari.RecordingFailed():
            return message.recording.target_uri.removeprefix("channel:")
        case ari.PlaybackFinished():
            return message.playback.target_uri.removeprefix("channel:")
        case ari.StasisStart() | ari.ChannelDtmfReceived() | ari.ChannelDestroyed():
            return message.channel.id
        case _:
            return ""
