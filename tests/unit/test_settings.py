"""Where settings come from, and what is said of a file that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.settings import SettingsError, load


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in, with no file named."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OUTRING_CONFIG", raising=False)
    return tmp_path


@pytest.mark.parametrize("named", [None, ""])
def test_the_default_file_may_be_missing(monkeypatch: pytest.MonkeyPatch, named: str | None) -> None:
    if named is not None:
        monkeypatch.setenv("OUTRING_CONFIG", named)
    assert load().http_port == 8080


def test_the_default_file_and_a_named_one_are_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "outring.toml").write_text("http_port = 8081\n", encoding="utf-8")
    assert load().http_port == 8081
    (folder / "other.toml").write_text("http_port = 8082\n", encoding="utf-8")
    monkeypatch.setenv("OUTRING_CONFIG", "other.toml")
    assert load().http_port == 8082


@pytest.mark.parametrize("named", ["no/such.toml", "."])
def test_a_named_file_must_be_there(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv("OUTRING_CONFIG", named)
    with pytest.raises(SettingsError, match="OUTRING_CONFIG") as refused:
        load()
    assert str(refused.value).startswith(f"{named}: there is no such file")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"http_port 8080\n", "line 1"),
        (b"ari_url = http://127.0.0.1\n", "texts in quotes"),
        (b'ari_user = "\xff"\n', "save it as UTF-8"),
        (b"http_prot = 1\n", "no setting 'http_prot'"),
    ],
)
def test_a_broken_file_is_named_with_the_mend(folder: Path, content: bytes, told: str) -> None:
    (folder / "outring.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=r"outring\.toml") as refused:
        load()
    assert told in str(refused.value)
