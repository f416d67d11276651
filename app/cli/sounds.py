"""`outring sound`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from app.cli.shell import fail, json_option, run_async, say_json, settings
from app.ivr.prompts import PromptStudio
from app.ivr.uploads import MAX_BYTES, SoundError


@click.group()
def sound() -> None:
    """Sounds of your own for flows: `sound: NAME` plays them. Needs no running dialer, only its folder."""


@sound.command("add")
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--language", default="", metavar="CODE", help="Only for people who hear this language, such as en.")
@json_option
def add_sound(name: str, file: Path, language: str, as_json: bool) -> None:
    """Keep FILE (wav, mp3, ogg, flac, m4a …) as the sound NAME. One of that name is replaced."""
    content = _content(file)
    studio = _studio()
    try:
        with _hushed():
            audio = run_async(studio.add_sound(name, content, language=language))
    except SoundError as error:
        shown = str(file) if error.name == name else error.name
        fail(f"{shown}: {error.reason}; {error.mend}", code=2)
    except OSError as error:
        fail(f"{name}: cannot be kept: {error.strerror or error}")
    kept = f"{audio.media.removeprefix('sound:')}.wav"
    if as_json:
        say_json({"name": name, "language": language or None, "length_ms": audio.length_ms, "file": kept})
        return
    click.echo(
        f"{name}{f' ({language})' if language else ''}: {audio.length_ms / 1_000:.1f} s, in flows `sound: {name}`"
    )


@sound.command("list")
@json_option
def list_sounds(as_json: bool) -> None:
    """The uploaded sounds. Asterisk's own are not among them."""
    found = _studio().uploads()
    if as_json:
        say_json([{"name": name, "language": language or None} for name, language in found])
        return
    for name, language in found:
        click.echo(f"{name} ({language})" if language else name)
    if not found:
        click.echo("No sound yet: outring sound add NAME FILE")


def _studio() -> PromptStudio:
    """The running dialer's folder of prompts, or the end when it cannot be made."""
    folder = settings().data_dir / "prompts"
    try:
        return PromptStudio(folder)
    except OSError as error:
        fail(f"{folder}: {error.strerror}; data_dir in the settings names where it is")


def _content(file: Path) -> bytes:
    """The file's bytes, or the end: it is too large or unreadable."""
    try:
        if (size := file.stat().st_size) > MAX_BYTES:
            fail(f"{file}: the file has {size / 2**20:.0f} MB; {MAX_BYTES // 2**20} MB are the most", code=2)
        return file.read_bytes()
    except OSError as error:
        fail(f"{file}: {error.strerror}", code=2)


@contextmanager
def _hushed() -> Iterator[None]:
    """The mp3 decoder writes remarks about broken files straight to the standard error: nobody is helped by them."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
