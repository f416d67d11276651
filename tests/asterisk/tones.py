"""Which frequencies a recording holds: the proof of who hears whom."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

RATE: Final = 8_000
WINDOW_MS: Final = 100
_WINDOW: Final = RATE * WINDOW_MS // 1_000
STEP_MS: Final = 20
_STEP: Final = RATE * STEP_MS // 1_000
EDGES_MS: Final = 100
HEARD: Final = 1_500
"""Amplitude of a tone that is heard; the laboratory's tones have about 7000."""
Sound = npt.NDArray[np.float64]


def sound(path: Path) -> Sound:
    """A wav file of telephone quality."""
    with wave.open(str(path)) as recording:
        assert (recording.getframerate(), recording.getnchannels(), recording.getsampwidth()) == (RATE, 1, 2)
        return np.frombuffer(recording.readframes(recording.getnframes()), dtype=np.int16).astype(np.float64)


def levels(heard: Sound, frequency_hz: int) -> npt.NDArray[np.float64]:
    """The amplitude of one frequency in each window of 100 ms (Goertzel's sum, with a Hann window)."""
    count = len(heard) // _WINDOW
    frames = heard[: count * _WINDOW].reshape(count, _WINDOW) * np.hanning(_WINDOW)
    wave_form = np.exp(-2j * np.pi * frequency_hz / RATE * np.arange(_WINDOW))
    amplitudes: npt.NDArray[np.float64] = np.abs(frames @ wave_form) / (_WINDOW / 4)
    return amplitudes


def heard_ms(heard: Sound, frequency_hz: int, *, above: int = HEARD) -> int:
    """For how long a tone is heard."""
    return int((levels(heard, frequency_hz) > above).sum()) * WINDOW_MS


def rest_ms(heard: Sound, *frequencies_hz: int, above: int = HEARD) -> int:
    """For how long anything else is heard, in steps of 20 ms: what is left when these tones are taken away.

    Where a tone begins, ends or skips some is left; up to EDGES_MS is nothing.
    """
    count = len(heard) // _STEP
    left = heard[: count * _STEP].reshape(count, _STEP).T
    if frequencies_hz:
        at = 2 * np.pi / RATE * np.arange(_STEP)
        basis = np.stack([form(hz * at) for hz in frequencies_hz for form in (np.cos, np.sin)], axis=1)
        left = left - basis @ np.linalg.lstsq(basis, left, rcond=None)[0]
    return int((np.sqrt((left**2).mean(axis=0)) > above / np.sqrt(2)).sum()) * STEP_MS


def length_ms(heard: Sound) -> int:
    """How long a recording is."""
    return len(heard) * 1_000 // RATE
