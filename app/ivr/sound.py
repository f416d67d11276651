"""Samples made fit for the telephone: mono, 8 kHz, one loudness, no dead air at the ends, 16-bit wav.

Loudness is the RMS level over the parts where there is sound: blocks of 400 ms, those below -60 dBFS and those more
than 10 dB below the rest left out (the gates of ITU-R BS.1770-5, without its K-weighting, which is for wide band).
Peaks are held under a true-peak ceiling (four times oversampled) by a gain that dips around them.
"""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

RATE: Final = 8_000
"""What Asterisk plays from a wav file without complaint; others fail or are silent."""
LOUDNESS_DBFS: Final = -20.0
PEAK_DBFS: Final = -1.0
EDGE_MS: Final = 100
"""Silence left before and after speech."""
HEADER_BYTES: Final = 44
MAX_GAIN_DB: Final = 40.0
"""A recording quieter than this below the target is raised only so far, or its noise would be all there is to hear."""
_BLOCK: Final = RATE * 400 // 1_000
_STEP: Final = RATE * 100 // 1_000
_GATE_DBFS: Final = -60.0
_RELATIVE_GATE_DB: Final = -10.0
_FRAME: Final = RATE // 100
_REACH: Final = RATE * 4 // 1_000
"""How far around a peak the gain dips."""
_OVERSAMPLING: Final = 4

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """Mono samples between -1 and 1 at a rate in Hz."""

    samples: Samples
    rate: int

    @property
    def length_ms(self) -> int:
        return round(1_000 * len(self.samples) / self.rate)


def for_telephone(sound: Sound, *, edge_ms: int = EDGE_MS) -> Sound:
    """The sound at 8 kHz, levelled, its ends trimmed to `edge_ms` of silence. Silence stays silence."""
    samples = resampled(sound.samples, sound.rate, RATE)
    samples = samples - np.float32(samples.mean()) if len(samples) else samples
    return Sound(samples=levelled(trimmed(samples, edge_ms)), rate=RATE)


def resampled(samples: Samples, rate: int, to: int) -> Samples:
    """Another rate, with what does not fit into it filtered out first."""
    if rate == to:
        return samples
    changed: Samples = soxr.resample(samples, rate, to, quality="VHQ").astype(np.float32)
    return changed


def loudness_dbfs(samples: Samples) -> float:
    """The gated level of samples at 8 kHz; -inf for silence."""
    if len(samples) == 0:
        return -np.inf
    padded = samples if len(samples) >= _BLOCK else np.pad(samples, (0, _BLOCK - len(samples)))
    power = _block_power(padded)
    if len(samples) < _BLOCK:
        power = power * (_BLOCK / len(samples))
    loud = power[power > _power(_GATE_DBFS)]
    if len(loud) == 0:
        return -np.inf
    louder = loud[loud > loud.mean() * _power(_RELATIVE_GATE_DB)]
    return float(10 * np.log10(louder.mean()))


def _block_power(samples: Samples) -> NDArray[np.float64]:
    """Mean square of overlapping blocks."""
    sums = np.concatenate(([0.0], np.cumsum(np.square(samples, dtype=np.float64))))
    starts = np.arange(0, len(samples) - _BLOCK + 1, _STEP)
    power: NDArray[np.float64] = (sums[starts + _BLOCK] - sums[starts]) / _BLOCK
    return power


def _power(dbfs: float) -> float:
    return float(10 ** (dbfs / 10))


def _gain(decibels: float) -> float:
    return float(10 ** (decibels / 20))


def levelled(samples: Samples) -> Samples:
    """Raised or lowered to LOUDNESS_DBFS with no true peak above PEAK_DBFS."""
    if not np.isfinite(loudness_dbfs(samples)):
        return samples
    left_db = MAX_GAIN_DB
    for _ in range(4):  # the limiter takes a little loudness away, so once is not enough
        missing_db = min(LOUDNESS_DBFS - loudness_dbfs(samples), left_db)
        if abs(missing_db) < 0.05:
            break
        left_db -= missing_db
        samples = limited(samples * np.float32(_gain(missing_db)))
    return limited(samples)


def limited(samples: Samples) -> Samples:
    """No true peak above PEAK_DBFS: around each one the gain dips smoothly, elsewhere nothing changes."""
    ceiling = _gain(PEAK_DBFS) * 0.995
    peaks = true_peaks(samples)
    if len(peaks) == 0 or peaks.max() <= ceiling:
        return samples
    wanted = np.minimum(1.0, ceiling / np.maximum(peaks, 1e-9))
    lowest = np.lib.stride_tricks.sliding_window_view(np.pad(wanted, 2 * _REACH, mode="edge"), 2 * _REACH + 1).min(
        axis=1
    )
    window = np.hanning(2 * _REACH + 3)[1:-1]
    smooth = np.convolve(lowest, window / window.sum(), mode="valid")
    quiet: Samples = (samples * smooth[: len(samples)]).astype(np.float32)
    return quiet


def true_peaks(samples: Samples) -> NDArray[np.float64]:
    """The highest value around each sample, between samples too."""
    if len(samples) == 0:
        return np.zeros(0)
    fine = np.abs(resampled(samples, RATE, RATE * _OVERSAMPLING)).astype(np.float64)
    fine = np.pad(fine, (0, max(0, len(samples) * _OVERSAMPLING - len(fine))))[: len(samples) * _OVERSAMPLING]
    between = fine.reshape(len(samples), _OVERSAMPLING).max(axis=1)
    peaks: NDArray[np.float64] = np.maximum(between, np.abs(samples))
    return peaks


def trimmed(samples: Samples, edge_ms: int) -> Samples:
    """Cut to `edge_ms` of silence at both ends, padded where there is less. What is all silence stays as it is.

    Sound is what lies above -60 dBFS and less than 45 dB below the loudest 10 ms.
    """
    count = len(samples) // _FRAME
    if count == 0:
        return samples
    frames = samples[: count * _FRAME].reshape(count, _FRAME)
    level = np.sqrt(np.mean(np.square(frames, dtype=np.float64), axis=1))
    if level.max() <= _gain(_GATE_DBFS):
        return samples
    sounding = np.flatnonzero(level > max(_gain(_GATE_DBFS), level.max() * _gain(-45.0)))
    edge = RATE * edge_ms // 1_000
    first, last = int(sounding[0]) * _FRAME, min(len(samples), (int(sounding[-1]) + 1) * _FRAME)
    before, after = min(edge, first), min(edge, len(samples) - last)
    return np.pad(samples[first - before : last + after], (edge - before, edge - after))


def wav_bytes(sound: Sound) -> bytes:
    """A 16-bit mono wav with the plain header of 44 bytes."""
    whole = np.clip(np.rint(sound.samples * 32_767), -32_768, 32_767).astype("<i2")
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sound.rate)
        file.writeframes(whole.tobytes())
    return out.getvalue()


def wav_length_ms(path: Path) -> int | None:
    """The length of a file made by `wav_bytes`, from its header; None when there is none, or it was cut short."""
    try:
        with path.open("rb") as file:
            header = file.read(HEADER_BYTES)
            size = file.seek(0, io.SEEK_END)
    except FileNotFoundError:
        return None
    is_whole = (
        len(header) == HEADER_BYTES and header[:4] == b"RIFF" and int.from_bytes(header[4:8], "little") == size - 8
    )
    return round(1_000 * (size - HEADER_BYTES) / (2 * RATE)) if is_whole else None
