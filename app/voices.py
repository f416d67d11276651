"""The voices texts are spoken with, as the settings name them: checked once at the start, not at the first call."""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import assert_never

from app.ivr.speech import EspeakSpeech, GttsSpeech, PiperSpeech, Speech
from app.settings import Settings, SettingsError, VoiceName


def voices(settings: Settings) -> tuple[Speech, ...]:
    """The voices in their order; espeak-ng is the last to fall back on unless it was given a place of its own.

    Raises SettingsError when a voice's package, program or model is not there.
    """
    names = dict.fromkeys((*settings.voices, "espeak"))
    return tuple(_voice(name, settings) for name in names)


def _voice(name: VoiceName, settings: Settings) -> Speech:
    match name:
        case "espeak":
            return EspeakSpeech()  # its absence is told where a text needs it: flows of sounds alone do without
        case "gtts":
            return _gtts()
        case "piper":
            return _piper(settings)
        case _:
            assert_never(name)


def _gtts() -> Speech:
    if find_spec("gtts") is None:
        raise SettingsError("voices: gtts needs a package that is not installed: pip install 'outring[gtts]'")
    return GttsSpeech()


def _piper(settings: Settings) -> Speech:
    beside_us = str(Path(sys.executable).parent)  # where pip put it, although that folder need not be in PATH
    program = shutil.which("piper") or shutil.which("piper", path=beside_us)
    if program is None:
        raise SettingsError("voices: piper needs a program that is not installed: pip install 'outring[piper]'")
    if not settings.piper_models:
        raise SettingsError('voices: piper needs a model: piper_models = {en = "/path/to/voice.onnx"}')
    for language, model in settings.piper_models.items():
        if not model.is_file():
            raise SettingsError(
                f"piper_models: {language}: there is no file {model}; download the voice's .onnx and .onnx.json there"
            )
    return PiperSpeech(settings.piper_models, program=program)
