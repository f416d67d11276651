"""Any usual sound file becomes playable; what is none is refused with its name, the reason and the mend."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.ivr import uploads
from app.ivr.sound import RATE
from app.ivr.uploads import SoundError, read_sound
from tests.unit.ivr.test_sound import tone

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def written(
    path: Path, *, rate: int = 48_000, channels: int = 1, seconds: float = 1.0, how: dict[str, str] | None = None
) -> Path:
    samples = tone(1_000, rate=rate, seconds=seconds)
    soundfile.write(path, np.column_stack([samples] * channels), rate, **(how or {}))
    return path


def pitch(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.fft.rfftfreq(len(samples), 1 / RATE)[int(spectrum.argmax())])


@pytest.mark.parametrize(
    ("name", "rate", "channels", "how"),
    [
        ("a.wav", 48_000, 2, {"subtype": "PCM_16"}),
        ("a.wav", 44_100, 1, {"subtype": "FLOAT"}),
        ("a.wav", 8_000, 1, {"subtype": "ULAW"}),
        ("a.wav", 96_000, 6, {"subtype": "PCM_24"}),
        ("a.mp3", 44_100, 2, {"format": "MP3"}),
        ("a.ogg", 48_000, 2, {"format": "OGG", "subtype": "VORBIS"}),
        ("a.opus", 48_000, 1, {"format": "OGG", "subtype": "OPUS"}),
        ("a.flac", 44_100, 2, {"format": "FLAC"}),
        ("wrongly-named.wav", 44_100, 1, {"format": "MP3"}),
    ],
)
def test_usual_files(tmp_path: Path, name: str, rate: int, channels: int, how: dict[str, str]) -> None:
    sound = read_sound(written(tmp_path / name, rate=rate, channels=channels, how=how))
    assert sound.rate == RATE
    assert sound.length_ms == pytest.approx(1_000, abs=60)
    assert pitch(sound.samples) == pytest.approx(1_000, abs=5)
    assert np.sqrt(np.mean(sound.samples[1_000:-1_000] ** 2)) == pytest.approx(0.35, abs=0.03)


@needs_ffmpeg
@pytest.mark.parametrize("suffix", [".m4a", ".webm", ".aac", ".wma"])
def test_other_containers_through_ffmpeg(tmp_path: Path, suffix: str) -> None:
    source, path = written(tmp_path / "a.wav"), tmp_path / f"a{suffix}"
    subprocess.run(["ffmpeg", "-v", "error", "-i", source, path], check=True)
    sound = read_sound(path)
    assert sound.length_ms == pytest.approx(1_000, abs=120)
    assert pitch(sound.samples) == pytest.approx(1_000, abs=5)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), "a PNG picture"),
        (b"%PDF-1.7\n" + bytes(500), "a PDF"),
        (b"hello, I am no sound", "not a sound"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "not a sound"),
        (b"RIFF\xff\xff\xff\xffWAVEfmt ", "not a sound"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(200), "not a sound"),
    ],
)
def test_what_is_no_sound(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "greeting.wav"
    path.write_bytes(content)
    with pytest.raises(SoundError) as caught:
        read_sound(path)
    assert str(caught.value).startswith("greeting.wav: ")
    assert words in caught.value.reason
    assert caught.value.mend


def test_a_wav_without_samples(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(0), RATE)
    with pytest.raises(SoundError, match="no sound in it"):
        read_sound(tmp_path / "a.wav")


def test_a_wav_cut_short_gives_what_it_has(tmp_path: Path) -> None:
    path = written(tmp_path / "a.wav")
    path.write_bytes(path.read_bytes()[:48_044])
    assert read_sound(path).length_ms == pytest.approx(500, abs=5)


def test_too_long_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    """Eleven minutes of silence are a small flac."""
    path = tmp_path / "a.flac"
    soundfile.write(path, np.zeros(11 * 60 * RATE, dtype=np.float32), RATE)
    assert path.stat().st_size < 1_000_000
    with pytest.raises(SoundError, match="longer than 10 minutes"):
        read_sound(path)


def test_too_large_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_BYTES", 1_000)
    with pytest.raises(SoundError, match="MB"):
        read_sound(written(tmp_path / "a.wav"))


def test_not_a_number_is_no_sample(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.full(RATE, np.nan), RATE, subtype="FLOAT")
    with pytest.raises(SoundError, match="no sound"):
        read_sound(tmp_path / "a.wav")


def test_without_ffmpeg_the_mend_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.m4a"
    path.write_bytes(b"\x00\x00\x00\x18ftypmp42" + bytes(200))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SoundError, match="ffmpeg is needed"):
        read_sound(path)
