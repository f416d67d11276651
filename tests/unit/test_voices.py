"""The voices of the settings: read from file and variable, in order, espeak-ng at the end; what lacks is told."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from app import voices as module
from app.settings import Settings, SettingsError, load
from app.voices import voices


@pytest.fixture(autouse=True)
def settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An outring.toml of this test's own; packages and programs of voices are there unless the test says otherwise."""
    file = tmp_path / "outring.toml"
    file.touch()
    monkeypatch.setenv("OUTRING_CONFIG", str(file))
    for name in ("VOICES", "PIPER_MODELS"):
        monkeypatch.delenv(f"OUTRING_{name}", raising=False)
    monkeypatch.setattr(module, "find_spec", lambda name: object())
    monkeypatch.setattr(shutil, "which", lambda name, path=None: f"/bin/{name}")
    return file


def names(settings: Settings) -> list[str]:
    return [voice.name for voice in voices(settings)]


def test_without_settings_espeak_speaks() -> None:
    assert names(load()) == ["espeak-ng"]


@pytest.mark.parametrize(
    ("given", "spoken_by"),
    [
        ("gtts", ["gtts", "espeak-ng"]),
        ("espeak, gtts", ["espeak-ng", "gtts"]),
        ('["gtts", "espeak"]', ["gtts", "espeak-ng"]),
        ("gtts,gtts", ["gtts", "espeak-ng"]),
        ("", ["espeak-ng"]),
    ],
)
def test_a_variable_names_voices_in_order(monkeypatch: pytest.MonkeyPatch, given: str, spoken_by: list[str]) -> None:
    monkeypatch.setenv("OUTRING_VOICES", given)
    assert names(load()) == spoken_by


def test_the_file_names_voices_and_models(settings_file: Path, tmp_path: Path) -> None:
    model = tmp_path / "en.onnx"
    model.write_bytes(b"")
    settings_file.write_text(f'voices = ["piper", "gtts"]\npiper_models = {{en = "{model}"}}\n')
    assert load().piper_models == {"en": model}
    assert names(load()) == ["piper", "gtts", "espeak-ng"]


@pytest.mark.parametrize("given", ["en=/a.onnx, ru=/b.onnx", '{"en": "/a.onnx", "ru": "/b.onnx"}'])
def test_a_variable_names_models(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("OUTRING_PIPER_MODELS", given)
    assert load().piper_models == {"en": Path("/a.onnx"), "ru": Path("/b.onnx")}


@pytest.mark.parametrize(
    ("variable", "given", "told"),
    [
        ("OUTRING_VOICES", "siri", "'espeak', 'gtts' or 'piper' (it is 'siri')"),
        ("OUTRING_VOICES", "[gtts", "not JSON"),
        ("OUTRING_PIPER_MODELS", "/a.onnx", "language=file"),
        ("OUTRING_PIPER_MODELS", "{en", "not JSON"),
    ],
)
def test_nonsense_is_refused_with_its_place(
    monkeypatch: pytest.MonkeyPatch, variable: str, given: str, told: str
) -> None:
    monkeypatch.setenv(variable, given)
    with pytest.raises(SettingsError) as refused:
        load()
    assert str(refused.value).startswith(f"{variable}: ")
    assert told in str(refused.value)


def test_a_voice_without_its_package_program_or_model_is_told_with_the_mend(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def told(**given: Any) -> str:
        with pytest.raises(SettingsError) as refused:
            voices(load(**given))
        return str(refused.value)

    assert "piper_models = {en" in told(voices=["piper"])
    assert "there is no file" in told(voices=["piper"], piper_models={"en": tmp_path / "none.onnx"})
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    assert "pip install 'outring[gtts]'" in told(voices=["gtts"])
    assert "pip install 'outring[piper]'" in told(voices=["piper"])
    assert names(load()) == ["espeak-ng"], "what is not asked for may be missing"
