"""How long somebody speaks in what a phone that is tried sends."""

from __future__ import annotations

import asyncio
import io
import wave
from typing import Any

import numpy as np
import pytest

from app.asterisk.ari import AriError
from app.asterisk.phone_trial import PhoneCheck, TrialEnded, speech_ms
from app.phone_trials import TrialProblem

RATE = 8_000


def recorded(samples: np.ndarray) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(samples.astype("<i2").tobytes())
    return file.getvalue()


def tone(seconds: float, amplitude: float) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * 440 * np.arange(round(RATE * seconds)) / RATE)


@pytest.mark.parametrize("seconds", [0.0, 0.01, 3.0, 3.1, 3.9, 4.05])
def test_silence_of_any_length_is_no_speech(seconds: float) -> None:
    assert speech_ms(recorded(tone(seconds, 0))) == 0


def test_the_noise_of_a_quiet_room_is_no_speech() -> None:
    noise = np.random.default_rng(1).normal(0, 60, 3 * RATE)
    assert speech_ms(recorded(noise)) == 0


def test_a_quiet_voice_is_speech_for_as_long_as_it_lasts() -> None:
    heard = np.concatenate([tone(1.0, 0), tone(1.2, 600), tone(1.0, 0)])
    assert speech_ms(recorded(heard)) == 1_200


@pytest.mark.parametrize("file", [b"", b"RIFF", recorded(tone(1, 600))[:20]])
def test_what_is_no_sound_is_told_and_nobody_is_called_mute(file: bytes) -> None:
    with pytest.raises(TrialEnded) as told:
        speech_ms(file)
    assert told.value.problem is TrialProblem.ASTERISK


class Broken:
    """An Asterisk whose answer our program does not expect."""

    endpoints = channels = recordings = property(lambda self: self)

    async def get(self, **_: object) -> Any:
        raise KeyError("state")

    async def hangup(self, **_: object) -> None:
        raise AriError("no such channel", status=404)

    deleteStored = hangup


async def test_a_trial_that_breaks_is_over_and_says_so() -> None:
    check = PhoneCheck(Broken())  # type: ignore[arg-type]
    check.begin("1002", "en")
    async with asyncio.timeout(10):
        while (trial := check.of("1002")) is None or not trial.is_over:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert trial.problem is TrialProblem.ASTERISK
    assert "KeyError" in trial.told
