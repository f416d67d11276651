"""Finding and building the private Asterisk; the archive is not asked, mmdebstrap is played by a script."""

import os
from pathlib import Path

import pytest

from asterisk.lab import root
from asterisk.lab.errors import LabError

FAILS = """#!/bin/sh
for argument; do case "$argument" in */root) mkdir -p "$argument/usr/sbin";; esac; done
echo 'E: Temporary failure resolving deb.debian.org' >&2
exit 25
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no Asterisk on the machine, and only our own programs to run."""
    monkeypatch.delenv("OUTRING_LAB_ROOT", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setattr(root, "_from_system", lambda: None)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (tmp_path / "bin").mkdir()
    return tmp_path / "cache" / "outring"


def play_mmdebstrap(tmp_path: Path, script: str) -> None:
    program = tmp_path / "bin" / "mmdebstrap"
    program.write_text(script)
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("version", "is_suitable"),
    [
        ("22.10.1+dfsg+~cs6.17", True),
        ("20.14.0", True),
        ("23.0.0", True),
        ("22.4.0", True),
        ("22.3.0", False),
        ("21.9.0", False),
        ("20.6.0~dfsg", False),
        ("18.26.4", False),
        ("unknown", False),
    ],
)
def test_versions(version: str, is_suitable: bool) -> None:
    assert root.is_suitable(version) == is_suitable


def test_nothing_built_is_found_as_nothing(cache: Path) -> None:
    assert root.find_installation() is None


def test_a_failed_build_leaves_nothing_and_names_the_mend(cache: Path, tmp_path: Path) -> None:
    play_mmdebstrap(tmp_path, FAILS)
    with pytest.raises(LabError, match="archive cannot be reached"):
        root.build()
    assert root.find_installation() is None
    assert sorted(path.suffix for path in cache.iterdir()) == [".lock", ".log"]


def test_the_remains_of_a_killed_build_are_cleared(cache: Path, tmp_path: Path) -> None:
    remains = cache / f".{root.default_root().name}.killed"
    remains.mkdir(parents=True)
    play_mmdebstrap(tmp_path, FAILS)
    with pytest.raises(LabError):
        root.build()
    assert not remains.exists()


def test_without_mmdebstrap_the_mend_is_named(cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(LabError, match="apt-get install mmdebstrap"):
        root.build()


def test_without_root_the_mend_is_named(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play_mmdebstrap(tmp_path, FAILS)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LabError, match="sudo make lab"):
        root.build()


def test_a_folder_that_holds_no_asterisk_is_not_used(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTRING_LAB_ROOT", str(tmp_path))
    with pytest.raises(LabError, match="holds no Asterisk"):
        root.find_installation()


def test_a_changed_list_of_packages_is_another_root(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = root.default_root()
    monkeypatch.setattr(root, "PACKAGES", ("asterisk",))
    assert root.default_root() != before
