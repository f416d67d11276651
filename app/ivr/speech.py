"""Text to speech behind one small protocol: espeak-ng here and offline, gTTS and piper for who has them.

Programs get their text on standard input and their arguments as a list; nothing passes a shell. What a voice might
take for its own commands (espeak-ng's `[[phonemes]]`, control characters) is taken out of every text.
"""

from __future__ import annotations

import asyncio
import io
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import soundfile

from app.ivr.sound import Sound

MAX_TEXT: Final = 4_000
TIMEOUT_S: Final = 20.0
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_NOT_SPOKEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\[\]<>{}|\\^`~]+")


class SpeechError(Exception):
    """The text could not be spoken; the message says why and what to do."""


class Speech(Protocol):
    """A voice. name and settings are part of the cache's key: another voice is another file."""

    @property
    def name(self) -> str: ...
    @property
    def settings(self) -> str: ...

    async def speak(self, text: str, language: str) -> Sound:
        """Speak. Raises SpeechError."""


def speakable(text: str) -> str:
    """One line without anything a voice takes for markup or commands."""
    return " ".join(_NOT_SPOKEN.sub(" ", text[:MAX_TEXT]).split())


def checked(text: str, language: str) -> str:
    """The text as it may be given to a voice. Raises SpeechError."""
    if not _LANGUAGE.fullmatch(language):
        raise SpeechError(f"{language[:20]!r} is not a language; use a code such as en or ru")
    if not (words := speakable(text)):
        raise SpeechError("there is nothing to say in this text")
    return words


async def run(command: Sequence[str], text: str, timeout_s: float) -> bytes:
    """Run a program with the text on its standard input; what it wrote. Raises SpeechError, killing it when late."""
    name = Path(command[0]).name
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
    except OSError as error:
        raise SpeechError(f"{name} cannot be run: {error.strerror}") from error
    try:
        async with asyncio.timeout(timeout_s):
            out, err = await process.communicate(text.encode())
    except TimeoutError:
        raise SpeechError(f"{name} took more than {timeout_s:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        said = err.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no reason given"]
        raise SpeechError(f"{name} failed: {said[0][:200]}")
    return out


class EspeakSpeech:
    """espeak-ng, the default: small, offline, some hundred languages. Debian package `espeak-ng`."""

    name = "espeak-ng"

    def __init__(self, *, words_per_minute: int = 155, voices: Mapping[str, str] | None = None) -> None:
        self._speed = words_per_minute
        self._voices = {"en": "en-gb"} | dict(voices or {})
        self.settings = f"speed={words_per_minute} voices={sorted(self._voices.items())}"

    async def speak(self, text: str, language: str) -> Sound:
        words = checked(text, language)
        program = shutil.which("espeak-ng")
        if program is None:
            raise SpeechError("espeak-ng is not installed; apt install espeak-ng")
        base = language.partition("-")[0].lower()
        voices = dict.fromkeys((self._voices.get(language, language.lower()), self._voices.get(base, base)))
        for place, voice in enumerate(voices, start=1):
            command = [program, "-v", voice, "-s", str(self._speed), "-b", "1", "--stdin", "--stdout"]
            try:
                return _spoken(await run(command, words, TIMEOUT_S), self.name)
            except SpeechError as error:
                if "voice does not exist" not in str(error) or place == len(voices):
                    raise
        raise SpeechError(f"espeak-ng has no voice for {language}")


def _spoken(wav: bytes, name: str) -> Sound:
    """espeak-ng cannot know the length when it begins to write, so the header's is not looked at."""
    start = wav.find(b"data") + 8
    if wav[:4] != b"RIFF" or start < 44:
        raise SpeechError(f"{name} wrote no sound")
    rate = int.from_bytes(wav[24:28], "little")
    body = wav[start : start + (len(wav) - start) // 2 * 2]
    samples = np.frombuffer(body, dtype="<i2").astype(np.float32) / np.float32(32_768)
    return _with_sound(Sound(samples=samples, rate=rate), name)


def _with_sound(sound: Sound, name: str) -> Sound:
    if len(sound.samples) == 0 or float(np.abs(sound.samples).max()) < 1e-3:
        raise SpeechError(f"{name} made no sound of this text")
    return sound


class GttsSpeech:
    """Google's voice through the package gTTS (an extra): needs the internet, and sends it the text."""

    name = "gtts"
    settings = ""

    def __init__(self, *, timeout_s: float = 8.0) -> None:
        self._timeout_s = timeout_s

    async def speak(self, text: str, language: str) -> Sound:
        words = checked(text, language)
        try:
            async with asyncio.timeout(self._timeout_s + 2):
                mp3 = await asyncio.to_thread(self._ask, words, language)
        except TimeoutError:
            raise SpeechError(f"gTTS took more than {self._timeout_s:g} s; is the internet reachable?") from None
        try:
            samples, rate = soundfile.read(io.BytesIO(mp3), dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise SpeechError(f"gTTS gave no sound: {error}") from error
        return _with_sound(Sound(samples=samples.mean(axis=1, dtype=np.float32), rate=int(rate)), self.name)

    def _ask(self, words: str, language: str) -> bytes:
        try:
            import gtts  # an extra that most installations lack
        except ImportError:
            raise SpeechError("gTTS is not installed; pip install 'outring[gtts]'") from None
        out = io.BytesIO()
        try:
            voice: Any = gtts.gTTS(words, lang=language, lang_check=False, timeout=self._timeout_s)
            voice.write_to_fp(out)
        except (gtts.gTTSError, OSError, AssertionError, ValueError) as error:
            raise SpeechError(f"gTTS failed: {error}") from error
        return out.getvalue()


class PiperSpeech:
    """piper, a neural voice, as a program of its own (it is GPL). models: the voice's .onnx file for each language."""

    name = "piper"

    def __init__(self, models: Mapping[str, Path], *, program: str = "piper", timeout_s: float = 60.0) -> None:
        self._models = dict(models)
        self._program = program
        self._timeout_s = timeout_s
        self.settings = " ".join(f"{language}={path.name}" for language, path in sorted(self._models.items()))

    async def speak(self, text: str, language: str) -> Sound:
        words = checked(text, language)
        program = shutil.which(self._program)
        if program is None:
            raise SpeechError(f"{self._program} is not installed; pip install 'outring[piper]', or name its path")
        model = self._models.get(language) or self._models.get(language.partition("-")[0])
        if model is None:
            raise SpeechError(f"piper has no model for {language}; name one in the settings")
        with tempfile.TemporaryDirectory(prefix="outring-piper-") as folder:
            out = Path(folder, "speech.wav")
            await run([program, "--model", str(model), "--output_file", str(out)], words + "\n", self._timeout_s)
            try:
                samples, rate = soundfile.read(out, dtype="float32", always_2d=True)
            except (soundfile.LibsndfileError, OSError) as error:
                raise SpeechError(f"piper wrote no sound: {error}") from error
        return _with_sound(Sound(samples=samples.mean(axis=1, dtype=np.float32), rate=int(rate)), self.name)
