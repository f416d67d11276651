"""`outring profiles`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from app.cli.shell import json_option, say_json, settings
from app.compliance.library import Lawbook, ProfileVersion


@click.command("profiles")
@click.argument("name", required=False)
@json_option
def profiles(name: str | None, as_json: bool) -> None:
    """The compliance profiles there are, and what is wrong with files of your own; of NAME: every rule.

    Your own are files NAME.yaml in the folder compliance_dir; how one is written: docs/compliance.md. Exit code 1
    when a file cannot be read.
    """
    lawbook = Lawbook(settings().compliance_dir)
    if name is not None:
        try:
            found = lawbook.version(name)
        except ValueError as error:
            raise click.ClickException(str(error)) from error
        if as_json:
            say_json(_told(name, found))
        else:
            click.echo("\n".join(_in_full(found)))
        return
    problems = [str(problem) for problem in lawbook.problems()]
    known = lawbook.versions()
    if as_json:
        say_json({"profiles": [_told(one, version) for one, version in known.items()], "problems": problems})
    else:
        for one, version in known.items():
            click.echo(f"{one:18} {'own     ' if version.is_own else 'packaged'}  {version.profile.title}")
        for problem in problems:
            click.echo(f"cannot be used: {problem}", err=True)
    if problems:
        raise SystemExit(1)


def _told(name: str, found: ProfileVersion) -> dict[str, object]:
    rules = [
        {"profile": owner, "rule": rule.id, "source": rule.basis.source, "date": rule.basis.date}
        for owner, rule in found.profile.owned
    ]
    duties = [duty.says for duty in found.profile.duties]
    facts = {"name": name, "title": found.profile.title, "is_own": found.is_own, "sha256": found.sha256}
    return facts | {"inherits": found.profile.inherits, "rules": rules, "duties": duties}


def _in_full(found: ProfileVersion) -> Iterator[str]:
    profile = found.profile
    yield f"{profile.name}: {profile.title}"
    if profile.note:
        yield profile.note
    for owner, rule in profile.owned:
        doubt = f"; not checked: {rule.basis.unverified}" if rule.basis.unverified else ""
        yield f"  rule  {owner}, {rule.id}: {rule.basis.source}{doubt}"
    for duty in profile.duties:
        yield f"  duty  {duty.id} (told, not enforced here): {duty.says}"
    yield f"sha256 {found.sha256}"
