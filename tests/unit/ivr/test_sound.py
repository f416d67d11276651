"""Every sound comes out mono, 8 kHz, one loudness, under its ceiling, without aliases and without dead air."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import pytest

from app.ivr.sound import (
    LOUDNESS_DBFS,
    PEAK_DBFS,
    RATE,
    Samples,
    Sound,
    for_telephone,
    levelled,
    loudness_dbfs,
    resampled,
    trimmed,
    true_peaks,
    wav_bytes,
    wav_length_ms,
)


def tone(hertz: float, *, rate: int = RATE, seconds: float = 2.0, level: float = 0.5) -> Samples:
    time = np.arange(int(rate * seconds)) / rate
    return (level * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def speechlike(*, rate: int = RATE, seconds: float = 4.0, level: float = 0.1) -> Samples:
    """Noise in syllables with a few sharp peaks: like speech, louder peaks than its mean."""
    random = np.random.default_rng(7)
    count = int(rate * seconds)
    syllables = np.clip(np.sin(2 * np.pi * 3 * np.arange(count) / rate), 0, None)
    samples = random.standard_normal(count) * syllables * level
    samples[:: rate // 2] *= 5
    speech: Samples = samples.astype(np.float32)
    return speech


def peak_dbfs(samples: Samples) -> float:
    return float(20 * np.log10(true_peaks(samples).max()))


@pytest.mark.parametrize("level", [0.003, 0.01, 0.1, 0.5, 1.0, 4.0])
def test_quiet_and_loud_come_out_equally_loud(level: float) -> None:
    samples = levelled(speechlike(level=level))
    assert loudness_dbfs(samples) == pytest.approx(LOUDNESS_DBFS, abs=1.0)
    assert peak_dbfs(samples) <= PEAK_DBFS + 0.05


def test_pauses_do_not_count_as_quiet() -> None:
    """Five seconds of silence in the middle change the loudness of the speech around them by nothing to speak of."""
    speech, pause = speechlike(), np.zeros(5 * RATE, dtype=np.float32)
    with_pause = levelled(np.concatenate([speech, pause, speech]))
    assert loudness_dbfs(with_pause[: len(speech)]) == pytest.approx(loudness_dbfs(levelled(speech)), abs=0.5)


def test_peaks_are_held_even_where_the_loudness_is_right() -> None:
    samples = np.full(4 * RATE, 0.0, dtype=np.float32)
    samples[:: RATE // 50] = 1.2
    samples *= np.float32(10 ** ((LOUDNESS_DBFS - loudness_dbfs(samples)) / 20))
    assert peak_dbfs(samples) > PEAK_DBFS
    assert peak_dbfs(levelled(samples)) <= PEAK_DBFS + 0.05


def test_silence_stays_silence_and_noise_is_not_blown_up() -> None:
    silence = np.zeros(RATE, dtype=np.float32)
    assert np.array_equal(levelled(silence), silence)
    hiss = speechlike(level=2e-4)
    assert np.abs(levelled(hiss)).max() < 0.05


@pytest.mark.parametrize("hertz", [4_500, 5_000, 7_500, 11_000, 20_000])
def test_what_the_telephone_cannot_carry_leaves_no_alias(hertz: int) -> None:
    """A 5 kHz tone brought to 8 kHz carelessly is heard at 3 kHz."""
    samples = resampled(tone(hertz, rate=48_000), 48_000, RATE)
    middle = samples[RATE // 4 : -RATE // 4]
    assert 20 * np.log10(np.sqrt(np.mean(middle**2)) + 1e-12) < -80


def test_what_the_telephone_carries_stays() -> None:
    samples = resampled(tone(1_000, rate=48_000), 48_000, RATE)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    assert np.fft.rfftfreq(len(samples), 1 / RATE)[int(spectrum.argmax())] == pytest.approx(1_000, abs=1)
    assert np.sqrt(np.mean(samples**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.01)


@pytest.mark.parametrize(("before_s", "after_s"), [(0.0, 0.0), (0.05, 2.0), (3.0, 0.0), (1.0, 1.0)])
def test_a_tenth_of_a_second_of_silence_at_each_end(before_s: float, after_s: float) -> None:
    quiet = [np.zeros(int(RATE * seconds), dtype=np.float32) for seconds in (before_s, after_s)]
    samples = trimmed(np.concatenate([quiet[0], tone(440, seconds=1.0), quiet[1]]), 100)
    assert 1_000 * len(samples) / RATE == pytest.approx(1_200, abs=20)


def test_all_of_it_together() -> None:
    loud = np.concatenate([np.zeros(48_000, dtype=np.float32), speechlike(rate=48_000, level=0.8) + np.float32(0.1)])
    ready = for_telephone(Sound(samples=loud, rate=48_000))
    assert ready.rate == RATE
    assert loudness_dbfs(ready.samples) == pytest.approx(LOUDNESS_DBFS, abs=1.0)
    assert peak_dbfs(ready.samples) <= PEAK_DBFS + 0.05
    assert abs(float(ready.samples.mean())) < 0.02


@pytest.mark.parametrize("count", [0, 1, 79, 80, 500])
def test_very_short_sounds_pass(count: int) -> None:
    ready = for_telephone(Sound(samples=np.full(count, 0.3, dtype=np.float32), rate=RATE))
    assert np.isfinite(ready.samples).all()


def test_the_file_is_what_asterisk_plays(tmp_path: Path) -> None:
    content = wav_bytes(Sound(samples=tone(440), rate=RATE))
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate(), file.getnframes()) == (
            1,
            2,
            RATE,
            2 * RATE,
        )
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    assert wav_length_ms(path) == 2_000
    path.write_bytes(content[:-100])
    assert wav_length_ms(path) is None
    path.write_bytes(b"")
    assert wav_length_ms(path) is None
    assert wav_length_ms(tmp_path / "none.wav") is None
