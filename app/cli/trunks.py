"""`outring trunk`."""

from __future__ import annotations

from typing import Any

import click

from app.cli.remote import Remote, ask, path_part
from app.cli.shell import json_option, say_json, say_rows


@click.group()
def trunk() -> None:
    """Ways out: PJSIP endpoints of your Asterisk, with their limits. On the running dialer."""


@trunk.command("list")
@json_option
def list_trunks(as_json: bool) -> None:
    """All trunks with their state."""
    found = ask(lambda remote: remote.get("/trunks"))
    nothing = "No trunk yet: outring trunk set NAME --endpoint SECTION --prefix +44"
    say_rows(found, _line, nothing, as_json=as_json)


@trunk.command("set")
@click.argument("name")
@click.option("--endpoint", help="The endpoint's section name in pjsip.conf; NAME when left out of a new trunk.")
@click.option("--lines", type=click.IntRange(1, 10_000), help="Calls at once; 2 for a new trunk.")
@click.option("--cps", type=click.FloatRange(0.001, 1_000), help="New calls per second; 1 for a new trunk.")
@click.option("--prefix", "prefixes", multiple=True, metavar="+44", help="Numbers it carries; repeat; + for all.")
@click.option("--caller-id", help="Number shown; it becomes one of yours (outring caller-ids).")
@click.option("--plus/--no-plus", "keep_plus", default=None, help="Send the + of a number.")
@click.option("--country-code", help="Turned into the national prefix: 44 …")
@click.option("--national-prefix", help="… into 0.")
@click.option("--dial-prefix", help="Put before every number, such as 9.")
@click.option("--enable/--disable", "is_enabled", default=None, help="Whether calls go out on it.")
@json_option
def set_trunk(name: str, as_json: bool, **given: Any) -> None:
    """Add the trunk NAME or change it; what is not given stays. A new one carries no number until --prefix says so."""
    saved = ask(lambda remote: _set(remote, name, given))
    if as_json:
        say_json(saved)
    else:
        click.echo(_line(saved))
        if not saved["prefixes"]:
            click.echo("It carries no number yet: say which with --prefix, as in --prefix +44 (+ alone: all).")


async def _set(remote: Remote, name: str, given: dict[str, Any]) -> Any:
    known = {one["id"]: one for one in await remote.get("/trunks")}
    body: dict[str, Any] = {"endpoint": name}
    if name in known:
        body = {key: value for key, value in known[name].items() if key not in ("id", "state", "lines_used", "reason")}
    form = dict(body.get("number_format", {}))
    named = {"cps": "calls_per_second"}
    for key in ("endpoint", "lines", "cps", "caller_id", "is_enabled"):
        if given[key] is not None:
            body[named.get(key, key)] = given[key]
    for key, option in (("keep_plus", "keep_plus"), ("country_code", "country_code"),
                        ("national_prefix", "national_prefix"), ("prefix", "dial_prefix")):  # fmt: skip
        if given[option] is not None:
            form[key] = given[option]
    if given["prefixes"]:
        body["prefixes"] = list(given["prefixes"])
    return await remote.put(f"/trunks/{path_part(name)}", body | {"number_format": form})


@trunk.command("remove")
@click.argument("name")
def remove_trunk(name: str) -> None:
    """Remove a trunk that no campaign uses."""
    ask(lambda remote: remote.delete(f"/trunks/{path_part(name)}"))
    click.echo(f"{name} removed")


def _line(one: dict[str, Any]) -> str:
    state = one["state"] if one["is_enabled"] else "switched off"
    reason = f" ({one['reason']})" if one["reason"] and state != "in service" else ""
    carries = " ".join(one["prefixes"]) or "no number"
    return (
        f"{one['id']:20} {one['endpoint']:20} {one['lines_used']}/{one['lines']} lines, "
        f"{one['calls_per_second']:g} a second, carries {carries}{state and ': ' + state}{reason}"
    )
