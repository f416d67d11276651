"""Any sound file as samples: wav, flac, ogg, mp3 and what else libsndfile reads; the rest through ffmpeg.

A file is read in pieces, mixed to mono and brought to 8 kHz on the way, so that neither a long nor a cunning one
(a few kilobytes that unpack to hours) takes memory. ffmpeg sees only files whose first bytes are of a known container,
is told which, and may open nothing but the file itself: playlists that name other files or addresses are no sounds.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr

from app.ivr.sound import RATE, Samples, Sound

MAX_BYTES: Final = 50 * 1024 * 1024
MAX_MINUTES: Final = 10
MIN_MS: Final = 20
_MAX_SAMPLES: Final = MAX_MINUTES * 60 * RATE
_MAX_CHANNELS: Final = 16
_RATES: Final = (4_000, 384_000)
_FFMPEG_RATE: Final = 48_000
_FFMPEG_TIMEOUT_S: Final = 120
SUFFIXES: Final = (".wav", ".mp3", ".ogg", ".oga", ".opus", ".flac", ".aiff", ".aif", ".au", ".m4a", ".mp4", ".aac",
                   ".webm", ".wma", ".amr")  # fmt: skip
"""Endings that are taken for sounds, in the order they are looked for."""


class SoundError(ValueError):
    """The file is no usable sound: its name, the reason, and what to do."""

    def __init__(self, name: str, reason: str, mend: str) -> None:
        super().__init__(f"{name}: {reason}; {mend}")
        self.name, self.reason, self.mend = name, reason, mend


def read_sound(path: Path, *, name: str = "") -> Sound:
    """Read a file whole, at 8 kHz and mono. name: what its owner calls it. Blocking; raises SoundError, OSError."""
    name = name or path.name
    size = path.stat().st_size
    if size == 0:
        raise SoundError(name, "the file is empty", "upload it again")
    if size > MAX_BYTES:
        raise SoundError(name, f"the file has {size / 2**20:.0f} MB", f"{MAX_BYTES // 2**20} MB are the most")
    with path.open("rb") as file:
        head = file.read(16)
    container = _container(head)
    try:
        pieces = _by_sndfile(path, name) if container is None else _by_ffmpeg(path, container, name)
        samples = _gathered(pieces, name)
    except soundfile.LibsndfileError as error:
        said = "" if _PIPE in error.error_string else f": {error.error_string}"
        raise SoundError(name, f"this is not a sound we can read ({_seen(head)}{said})", _FORMATS) from None
    if len(samples) < MIN_MS * RATE // 1_000:
        raise SoundError(name, "there is no sound in it", "record it again")
    return Sound(samples=samples, rate=RATE)


_PIPE: Final = "(possibly a pipe?)"
"""In libsndfile's words for a broken mp3, of which nothing is true."""
_FORMATS: Final = "use wav, mp3, ogg or flac"


def _seen(head: bytes) -> str:
    """What a file that is no sound looks like."""
    kinds = {
        b"\x89PNG": "a PNG picture",
        b"\xff\xd8\xff": "a JPEG picture",
        b"%PDF": "a PDF",
        b"PK\x03\x04": "a zip or sheet",
    }
    for beginning, kind in kinds.items():
        if head.startswith(beginning):
            return kind
    return "unknown contents"


def _container(head: bytes) -> str | None:
    """ffmpeg's name for a container libsndfile does not read; None for all else."""
    if head[4:8] == b"ftyp":
        return "mov"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska"
    if head[:4] == b"\x30\x26\xb2\x75":
        return "asf"
    if head[:5] == b"#!AMR":
        return "amr"
    if head[:2] in (b"\xff\xf1", b"\xff\xf9"):
        return "aac"
    return None


def _gathered(pieces: Iterator[Samples], name: str) -> Samples:
    kept: list[Samples] = []
    count = 0
    for piece in pieces:
        kept.append(piece)
        count += len(piece)
        if count > _MAX_SAMPLES:
            raise SoundError(name, f"it is longer than {MAX_MINUTES} minutes", "cut it, nobody listens so long")
    samples = np.concatenate(kept) if kept else np.zeros(0, dtype=np.float32)
    if not np.isfinite(samples).all():
        raise SoundError(name, "it holds values that are no sound", "export it again as 16-bit wav")
    return samples


def _by_sndfile(path: Path, name: str) -> Iterator[Samples]:
    with soundfile.SoundFile(path) as file:
        rate, channels = int(file.samplerate), int(file.channels)
        if not _RATES[0] <= rate <= _RATES[1] or not 1 <= channels <= _MAX_CHANNELS:
            raise SoundError(name, f"{rate} Hz with {channels} channels", "export it as 16-bit wav, mono, 8 to 48 kHz")
        stream = soxr.ResampleStream(rate, RATE, 1, dtype="float32", quality="VHQ")
        block = rate
        while True:
            read = file.read(block, dtype="float32", always_2d=True)
            mono = read.mean(axis=1, dtype=np.float32)
            is_last = len(read) < block
            yield stream.resample_chunk(mono, last=is_last)
            if is_last:
                return


def _by_ffmpeg(path: Path, container: str, name: str) -> Iterator[Samples]:
    program = shutil.which("ffmpeg")
    if program is None:
        raise SoundError(
            name, f"ffmpeg is needed for such a file ({path.suffix or container})", f"install it, or {_FORMATS}"
        )
    command = [
        program, "-nostdin", "-v", "error", "-protocol_whitelist", "file", "-f", container, "-i", str(path.resolve()),
        "-map", "0:a:0", "-vn", "-t", str(MAX_MINUTES * 60 + 1), "-ac", "1", "-ar", str(_FFMPEG_RATE),
        "-f", "f32le", "-",
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, timeout=_FFMPEG_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise SoundError(name, "it took too long to read", f"shorten it, or {_FORMATS}") from None
    samples = np.frombuffer(done.stdout[: len(done.stdout) // 4 * 4], dtype="<f4")
    if done.returncode != 0 or len(samples) == 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no sound in it"]
        raise SoundError(name, f"this is not a sound we can read ({said[0][:120]})", _FORMATS)
    yield soxr.resample(samples, _FFMPEG_RATE, RATE, quality="VHQ").astype(np.float32)
