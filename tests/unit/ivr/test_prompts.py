"""Prompts become files once, are found again, and a voice that fails is stepped in for."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import stat
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.commands import RenderPrompts
from app.ivr import prompts as studio_module
from app.ivr.prompts import PromptStudio
from app.ivr.sound import LOUDNESS_DBFS, RATE, Sound, loudness_dbfs
from app.ivr.speech import EspeakSpeech, GttsSpeech, PiperSpeech, SpeechError, speakable
from app.ivr.uploads import SoundError
from app.model import Audio, Prompt
from app.ports import Prompts
from app.units import AttemptId
from tests.unit.ivr.test_sound import tone

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


class ToneSpeech:
    """A voice that hums: one tenth of a second for each letter."""

    settings = ""

    def __init__(self, name: str = "tone", fault: str = "") -> None:
        self.name = name
        self.fault = fault
        self.spoken: list[str] = []
        self.at_once = self.most_at_once = 0

    async def speak(self, text: str, language: str) -> Sound:
        self.spoken.append(text)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if self.fault:
            raise SpeechError(self.fault)
        return Sound(samples=tone(440, rate=16_000, seconds=len(text) / 10), rate=16_000)


def file_of(audio: Audio) -> Path:
    assert audio.media.startswith("sound:/")
    return Path(audio.media.removeprefix("sound:") + ".wav")


def samples_of(audio: Audio) -> tuple[np.ndarray, int]:
    samples, rate = soundfile.read(file_of(audio), dtype="float32")
    return samples, rate


async def one(studio: PromptStudio, prompt: Prompt) -> Audio:
    audio, failed = await studio.rendered([prompt])
    assert failed == {}
    return audio[prompt]


async def test_the_answer_names_the_attempt_and_every_prompt(tmp_path: Path) -> None:
    studio: Prompts = PromptStudio(tmp_path, providers=[ToneSpeech()])
    good, bad = Prompt(text="Hello"), Prompt(sound="../evil")
    answer = await studio.render(RenderPrompts(attempt_id=AttemptId("a1b2c3d4"), prompts=(good, bad)))
    assert answer.attempt_id == "a1b2c3d4"
    assert set(answer.audio) == {good}
    assert set(answer.failed) == {bad}


async def test_a_text_is_spoken_once_and_found_again_by_the_next_studio(tmp_path: Path) -> None:
    voice = ToneSpeech()
    studio = PromptStudio(tmp_path, providers=[voice])
    first = await one(studio, Prompt(text="Hello there"))
    assert await one(studio, Prompt(text="Hello there")) == first
    assert await one(PromptStudio(tmp_path, providers=[voice]), Prompt(text="Hello there")) == first
    assert voice.spoken == ["Hello there"]
    assert first.length_ms == pytest.approx(1_100 + 200, abs=30)


async def test_language_voice_and_text_make_another_file(tmp_path: Path) -> None:
    studio = PromptStudio(tmp_path, providers=[ToneSpeech()])
    other = PromptStudio(tmp_path, providers=[ToneSpeech("other")])
    media = {
        (await one(maker, Prompt(text=text, language=language))).media
        for maker in (studio, other)
        for text in ("Hello", "Hello.")
        for language in ("en", "ru")
    }
    assert len(media) == 8


async def test_asked_for_at_the_same_time_it_is_made_once_and_two_at_once_at_most(tmp_path: Path) -> None:
    voice = ToneSpeech()
    studio = PromptStudio(tmp_path, providers=[voice])
    texts = ["one", "two", "three", "four", "five"]
    await asyncio.gather(*(studio.rendered([Prompt(text=text) for text in texts]) for _ in range(10)))
    assert sorted(voice.spoken) == sorted(texts)
    assert voice.most_at_once <= 2


async def test_a_file_cut_short_is_made_again(tmp_path: Path) -> None:
    studio = PromptStudio(tmp_path, providers=[ToneSpeech()])
    audio = await one(studio, Prompt(text="Hello"))
    whole = file_of(audio).read_bytes()
    file_of(audio).write_bytes(whole[:100])
    await one(studio, Prompt(text="Hello"))
    assert file_of(audio).read_bytes() == whole


async def test_asterisk_may_read_the_files(tmp_path: Path) -> None:
    audio = await one(PromptStudio(tmp_path, providers=[ToneSpeech()]), Prompt(text="Hello"))
    assert stat.S_IMODE(file_of(audio).stat().st_mode) == 0o644
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]


async def test_another_voice_steps_in_and_the_reason_is_kept(tmp_path: Path) -> None:
    broken, sound = ToneSpeech("broken", fault="no network"), ToneSpeech("sound")
    studio = PromptStudio(tmp_path, providers=[broken, sound])
    await one(studio, Prompt(text="Hello"))
    assert sound.spoken == ["Hello"]
    assert dict(studio.fallbacks) == {"broken: no network": 1}


async def test_a_voice_that_keeps_failing_rests_and_is_tried_again(tmp_path: Path) -> None:
    now = [0.0]
    broken, sound = ToneSpeech("broken", fault="no network"), ToneSpeech("sound")
    studio = PromptStudio(tmp_path, providers=[broken, sound], monotonic=lambda: now[0])
    for number in range(10):
        await one(studio, Prompt(text=f"Text {number}"))
    assert len(broken.spoken) == studio_module.REST_AFTER
    now[0], broken.fault = studio_module.REST_S + 1, ""
    await one(studio, Prompt(text="Another"))
    assert broken.spoken[-1] == "Another"


async def test_when_every_voice_fails_all_reasons_are_told(tmp_path: Path) -> None:
    studio = PromptStudio(tmp_path, providers=[ToneSpeech("a", fault="one"), ToneSpeech("b", fault="two")])
    audio, failed = await studio.rendered([Prompt(text="Hello")])
    assert audio == {}
    assert failed == {Prompt(text="Hello"): "one; two"}


async def test_a_folder_that_cannot_be_written_is_a_reason(tmp_path: Path) -> None:
    studio = PromptStudio(tmp_path, providers=[ToneSpeech()])
    (tmp_path / "cache").rmdir()
    (tmp_path / "cache").write_text("in the way")
    _, failed = await studio.rendered([Prompt(text="Hello")])
    assert "cannot be written" in failed[Prompt(text="Hello")]


async def test_the_cache_keeps_its_limit_but_nothing_in_use(tmp_path: Path) -> None:
    studio = PromptStudio(tmp_path, providers=[ToneSpeech()], cache_bytes=200_000)
    kept = Prompt(text="pinned prompt")
    assert await studio.pin("campaign 1", [kept]) == {}
    pinned = file_of(await one(studio, kept))
    old = [file_of(await one(studio, Prompt(text=f"Old prompt {number:02}"))) for number in range(5)]
    for path in [*old, pinned]:
        os.utime(path, (1, time.time() - 2 * studio_module.KEEP_S))
    fresh = [file_of(await one(studio, Prompt(text=f"New prompt {number:02}"))) for number in range(10)]
    assert not any(path.exists() for path in old)
    assert all(path.exists() for path in fresh)
    assert pinned.exists()
    studio.unpin("campaign 1")
    await studio.rendered([Prompt(text=f"Newer prompt {number:02}") for number in range(10)])
    assert not pinned.exists()


# --- sounds ----------------------------------------------------------------------------------------------------------


def upload(*, rate: int = 48_000, seconds: float = 1.0, level: float = 0.5, kind: str = "WAV") -> bytes:
    out = io.BytesIO()
    samples = tone(1_000, rate=rate, seconds=seconds, level=level)
    soundfile.write(out, np.column_stack([samples, samples]), rate, format=kind)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["WAV", "MP3", "OGG", "FLAC"])
async def test_an_upload_is_playable_by_its_name(tmp_path: Path, kind: str) -> None:
    studio = PromptStudio(tmp_path)
    await studio.add_sound("welcome", upload(kind=kind, level=0.05))
    samples, rate = samples_of(await one(studio, Prompt(sound="welcome")))
    assert rate == RATE
    assert samples.ndim == 1
    assert loudness_dbfs(samples) == pytest.approx(LOUDNESS_DBFS, abs=1)


async def test_the_upload_for_the_language_goes_first(tmp_path: Path) -> None:
    studio = PromptStudio(tmp_path)
    await studio.add_sound("welcome", upload(seconds=1))
    await studio.add_sound("welcome", upload(seconds=2), language="ru")
    lengths = [(await one(studio, Prompt(sound="welcome", language=code))).length_ms for code in ("en", "ru", "ru-RU")]
    assert lengths == [pytest.approx(length, abs=80) for length in (1_000, 2_000, 2_000)] or lengths[0] < lengths[1]


async def test_a_file_put_into_the_folder_by_hand_is_playable_and_noticed_when_changed(tmp_path: Path) -> None:
    studio = PromptStudio(tmp_path)
    (tmp_path / "sounds" / "hand.mp3").write_bytes(upload(kind="MP3"))
    first = await one(studio, Prompt(sound="hand"))
    (tmp_path / "sounds" / "hand.mp3").write_bytes(upload(kind="MP3", seconds=3))
    assert (await one(studio, Prompt(sound="hand"))).length_ms > first.length_ms + 1_500


async def test_asterisks_own_sounds_pass_through(tmp_path: Path) -> None:
    assert await one(PromptStudio(tmp_path), Prompt(sound="digits/1")) == Audio(media="sound:digits/1", length_ms=0)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a b", "x" * 65, "a&b", ""])
async def test_names_that_lead_elsewhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(SoundError, match="not a name"):
        await PromptStudio(tmp_path).add_sound(name, upload())


async def test_a_broken_upload_changes_nothing(tmp_path: Path) -> None:
    studio = PromptStudio(tmp_path)
    await studio.add_sound("welcome", upload())
    before = (tmp_path / "sounds" / "welcome.wav").read_bytes()
    with pytest.raises(SoundError, match=r"welcome: .*PNG"):
        await studio.add_sound("welcome", b"\x89PNG\r\n\x1a\n" + bytes(100))
    assert (tmp_path / "sounds" / "welcome.wav").read_bytes() == before
    assert not list((tmp_path / "cache").glob("upload-*"))


async def test_a_broken_file_in_the_folder_is_a_reason(tmp_path: Path) -> None:
    studio = PromptStudio(tmp_path)
    (tmp_path / "sounds" / "bad.wav").write_bytes(b"no sound at all")
    _, failed = await studio.rendered([Prompt(sound="bad")])
    assert failed[Prompt(sound="bad")].startswith("bad.wav: ")


# --- voices ----------------------------------------------------------------------------------------------------------


@needs_espeak
@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Good day, this is a test of the voice.", "en"),
        ("Добрый день, это проверка голоса.", "ru"),
        ("Guten Tag.", "de-AT"),
    ],
)
async def test_espeak_speaks(tmp_path: Path, text: str, language: str) -> None:
    audio = await one(PromptStudio(tmp_path), Prompt(text=text, language=language))
    samples, rate = samples_of(audio)
    assert rate == RATE
    assert audio.length_ms == pytest.approx(1_000 * len(samples) / RATE, abs=1)
    assert 20 * len(text) < audio.length_ms < 150 * len(text)
    assert loudness_dbfs(samples) == pytest.approx(LOUDNESS_DBFS, abs=1)
    assert np.abs(samples[: RATE // 20]).max() < 0.01 < np.abs(samples[: RATE // 5]).max()


@needs_espeak
async def test_espeak_takes_no_commands_from_a_text() -> None:
    """Phonemes in double brackets, options, markup and control characters are words or nothing."""
    for text in (
        "--version and then",
        "-f /etc/passwd",
        "[[h@l'oU]] hello",
        "<speak>hello</speak>",
        "a\x01b\x00c hello",
    ):
        sound = await EspeakSpeech().speak(text, "en")
        assert sound.length_ms > 300
    assert speakable("[[x]] <b>\x01 `$(ls)` \u202e y") == "x b $(ls) y"


@needs_espeak
@pytest.mark.parametrize(
    ("text", "language"),
    [("Hello", "xx"), ("Hello", "../../etc"), ("Hello", "-w/tmp/x"), ("[<>]", "en"), ("…", "en")],
)
async def test_what_espeak_cannot_speak_is_a_reason(text: str, language: str) -> None:
    with pytest.raises(SpeechError):
        await EspeakSpeech().speak(text, language)


async def test_a_missing_program_is_told_with_its_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SpeechError, match="apt install espeak-ng"):
        await EspeakSpeech().speak("Hello", "en")
    with pytest.raises(SpeechError, match="piper is not installed"):
        await PiperSpeech({"en": Path("en.onnx")}).speak("Hello", "en")


def program(path: Path, body: str) -> Path:
    path.write_text(f"#!{sys.executable}\n{body}")
    path.chmod(0o755)
    return path


async def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    left = tmp_path / "pid"
    hanging = program(
        tmp_path / "piper", f"import os, time\nopen({str(left)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)"
    )
    voice = PiperSpeech({"en": Path("en.onnx")}, program=str(hanging), timeout_s=2)
    with pytest.raises(SpeechError, match="more than 2 s"):
        await voice.speak("Hello", "en")
    assert not Path("/proc", left.read_text()).exists()


async def test_piper_gets_its_text_on_standard_input(tmp_path: Path) -> None:
    """The program stands in for piper: it writes one second of a tone for the text it was given."""
    body = """
import sys, wave, math, struct
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
assert arguments["--model"] == "ru.onnx" and sys.stdin.read() == "Привет; rm -rf\\n", arguments
with wave.open(arguments["--output_file"], "wb") as out:
    out.setnchannels(1); out.setsampwidth(2); out.setframerate(22050)
    out.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(n / 5))) for n in range(22050)))
"""
    voice = PiperSpeech({"ru": Path("ru.onnx")}, program=str(program(tmp_path / "piper", body)))
    sound = await voice.speak("Привет; rm -rf", "ru-RU")
    assert (sound.rate, sound.length_ms) == (22_050, 1_000)
    with pytest.raises(SpeechError, match="no model for en"):
        await voice.speak("Hello", "en")


def pretend_gtts(monkeypatch: pytest.MonkeyPatch, content: bytes | None) -> None:
    """The package gTTS without its network: it answers with `content`, or fails."""

    class GttsError(Exception):
        pass

    class Voice:
        def __init__(self, text: str, **how: object) -> None:
            self.text = text

        def write_to_fp(self, out: io.BytesIO) -> None:
            if content is None:
                raise GttsError("no route to host")
            out.write(content)

    module = types.ModuleType("gtts")
    module.gTTS, module.gTTSError = Voice, GttsError  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gtts", module)


async def test_gtts_gives_its_mp3(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_gtts(monkeypatch, upload(kind="MP3", rate=24_000))
    sound = await GttsSpeech().speak("Hello", "en")
    assert sound.rate == 24_000
    assert sound.length_ms == pytest.approx(1_000, abs=150)


@needs_espeak
@pytest.mark.parametrize("content", [None, b"", b"<html>429 Too Many Requests</html>"])
async def test_without_the_internet_espeak_steps_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    pretend_gtts(monkeypatch, content)
    studio = PromptStudio(tmp_path, providers=[GttsSpeech(), EspeakSpeech()])
    assert (await one(studio, Prompt(text="Hello"))).length_ms > 300
    assert any(reason.startswith("gtts: gTTS") for reason in studio.fallbacks)
