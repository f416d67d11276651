"""`outring backup` and `outring restore`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from app.cli.shell import fail, in_words, json_option, run_async, say_json, settings
from app.store import StoreError, backups
from app.store.backups import Contents

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=_FILE)
@click.option("--force", is_flag=True, help="Write over FILE if it exists.")
@json_option
def backup(file: Path, force: bool, as_json: bool) -> None:
    """Write the whole database into FILE, while calls go on; it is looked through before it gets its name.

    Sounds you uploaded (data_dir), recordings (Asterisk's) and outring.toml are files of their own: keep them too.
    """
    chosen, began_s = settings(), time.monotonic()
    try:
        made = run_async(backups.back_up(chosen.database_url, file, may_overwrite=force))
    except StoreError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{file}: {error.strerror or in_words(error)}")
    took_s = time.monotonic() - began_s
    if as_json:
        say_json({"file": str(file), **_document(made), "seconds": round(took_s, 3)})
    else:
        click.echo(f"{file}: {_words(made)}, in {took_s:.1f} s")


@click.command()
@click.argument("file", type=_FILE)
@click.option("--force", is_flag=True, help="Also where there is data: it is kept, and the backup takes its place.")
@click.option("--check", "only_checks", is_flag=True, help="Only look whether FILE is whole, and what it holds.")
@json_option
def restore(file: Path, force: bool, only_checks: bool, as_json: bool) -> None:
    """Put a backup in the place of the database, brought to this version of the tables.

    Stop `outring run` first: it is refused while another program has the database open.
    """
    if only_checks:
        try:
            found = backups.examine(file)
        except StoreError as error:
            fail(str(error))
        if as_json:
            say_json({"file": str(file), **_document(found)})
        else:
            click.echo(f"{file}: whole; {_words(found)}")
        return
    chosen = settings()
    try:
        done = run_async(backups.restore(chosen.database_url, file, may_overwrite=force))
    except StoreError as error:
        fail(str(error))
    except OSError as error:
        fail(in_words(error))
    kept = "" if done.kept is None else str(done.kept)
    if as_json:
        say_json({"file": str(file), **_document(done.contents), "version_now": done.version, "kept": kept})
        return
    click.echo(f"restored {file}: {_words(done.contents)}")
    if done.version != done.contents.version:
        click.echo(f"tables brought from version {done.contents.version} to {done.version}")
    if kept:
        click.echo(f"what was there before is kept: {kept}")


def _document(made: Contents) -> dict[str, object]:
    return {"kind": made.kind.value, "version": made.version, "bytes": made.size_bytes, "rows": made.rows}


def _words(made: Contents) -> str:
    counts = "".join(f"{count:,} {name}, " for name, count in made.rows.items())
    return f"{counts}{made.kind.words}, tables at version {made.version}, {made.size_bytes / 1_000_000:.1f} MB"
