"""`outring sound`: a file becomes a sound flows can name; what is none is told in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).parents[3]


class Shell:
    """A terminal in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        soundfile.write(folder / "good.flac", np.sin(np.arange(24_000) / 5).astype(np.float32) / 4, 24_000)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`outring sound WORDS`."""
        known = {name: value for name, value in os.environ.items() if not name.startswith("OUTRING_")}
        done = subprocess.run(
            [sys.executable, "-m", "app", "sound", *words], cwd=self.folder, env=known | {"PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def good(self, *words: str) -> str:
        done = self.run(*words)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    def bad(self, *words: str, code: int = 2) -> str:
        done = self.run(*words)
        assert (done.returncode, done.stdout) == (code, ""), done
        return done.stderr


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_sounds_are_added_for_all_or_for_one_language_and_listed(shell: Shell) -> None:
    assert "outring sound add NAME FILE" in shell.good("list")
    assert shell.good("add", "welcome", "good.flac") == "welcome: 2.0 s, in flows `sound: welcome`\n", (
        "half a second each end"
    )
    added = json.loads(shell.good("add", "shop/welcome", "good.flac", "--language", "ru", "--json"))
    assert (added["name"], added["language"]) == ("shop/welcome", "ru")
    assert Path(added["file"]) == shell.folder / "outring-data/prompts/sounds/ru/shop/welcome.wav"
    assert Path(added["file"]).is_file()
    assert shell.good("list").splitlines() == ["shop/welcome (ru)", "welcome"]
    listed = json.loads(shell.good("list", "--json"))
    assert listed == [{"name": "shop/welcome", "language": "ru"}, {"name": "welcome", "language": None}]


@pytest.mark.parametrize(
    "content",
    [b"hello, I am no sound", b"\xff\xfb\x90\x64" + bytes(range(7, 250)) * 12, b"ID3\x03" + bytes(3_000), b""],
    ids=["text", "broken mp3", "nothing but a tag", "empty"],
)
def test_a_broken_file_is_told_in_one_line_without_remarks_of_libraries(shell: Shell, content: bytes) -> None:
    (shell.folder / "bad.mp3").write_bytes(content)
    (said,) = shell.bad("add", "welcome", "bad.mp3").splitlines()
    assert said.startswith("bad.mp3: ")
    assert "pipe" not in said
    assert "No sound yet" in shell.good("list")


def test_what_makes_no_sense_is_refused_with_the_mend(shell: Shell) -> None:
    assert "latin letters" in shell.bad("add", "../evil", "good.flac")
    assert "en or ru" in shell.bad("add", "welcome", "good.flac", "--language", "Klingonese!")
    assert "does not exist" in shell.bad("add", "welcome", "nowhere.wav")
    assert shell.run("list", "nonsense").returncode == 2


def test_a_folder_that_cannot_be_made_is_told(shell: Shell) -> None:
    (shell.folder / "outring-data").write_text("a file stands in the way")
    assert "data_dir" in shell.bad("add", "welcome", "good.flac", code=1)
