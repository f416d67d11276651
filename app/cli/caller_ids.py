"""`outring caller-ids`."""

from __future__ import annotations

from typing import Any, Final

import click

from app.cli.remote import Remote, ask, path_part
from app.cli.shell import json_option, say_json, say_rows

_COUNTED: Final = ("number", "placed", "answered", "placed_today", "answer_rate")


@click.group("caller-ids")
def caller_ids() -> None:
    """The numbers that are yours to show. Nothing else is ever shown."""


@caller_ids.command("list")
@click.option(
    "--days", type=click.IntRange(1, 366), default=7, show_default=True, help="Count answers of so many days."
)
@json_option
def list_caller_ids(days: int, as_json: bool) -> None:
    """All numbers, with how often people answered them."""
    found = ask(lambda remote: remote.get("/caller-ids", days=days))
    say_rows(found, _line, "No number yet: outring caller-ids set +442079460000 --label London", as_json=as_json)


@caller_ids.command("set")
@click.argument("number")
@click.option("--label", help="A name for it.")
@click.option("--trunk", "trunks", multiple=True, help="Over which trunks it may be shown; repeat; all when left out.")
@click.option(
    "--area", "areas", multiple=True, metavar="+4420", help="Numbers it is local to; found by itself otherwise."
)
@click.option("--per-hour", type=click.IntRange(0, 1_000_000), help="Calls in an hour of the clock; 0: any.")
@click.option("--per-day", type=click.IntRange(0, 1_000_000), help="Calls in 24 hours; 0: any.")
@click.option("--rest-after", type=click.IntRange(0, 1_000_000), help="Calls in a row before a rest; 0: no rests.")
@click.option("--rest-min", type=click.FloatRange(0, 43_200), help="How long it rests then, minutes.")
@click.option("--rest/--use", "is_resting", default=None, help="Take it out, or use it again.")
@json_option
def set_caller_id(number: str, as_json: bool, **given: Any) -> None:
    """Add NUMBER, or change it; what is not given stays. Only numbers that you may show and can be called back on."""
    saved = ask(lambda remote: _set(remote, number, given))
    if as_json:
        say_json(saved)
    else:
        click.echo(_line(saved))


async def _set(remote: Remote, number: str, given: dict[str, Any]) -> Any:
    known = {one["number"]: one for one in await remote.get("/caller-ids")}
    before = known.get(number, {})
    body = {name: value for name, value in before.items() if name not in _COUNTED}
    for name in ("label", "per_hour", "per_day", "rest_after", "is_resting"):
        if given[name] is not None:
            body[name] = given[name]
    for name in ("trunks", "areas"):
        if given[name]:
            body[name] = list(given[name])
    if given["rest_min"] is not None:
        body["rest_ms"] = round(given["rest_min"] * 60_000)
    return await remote.put(f"/caller-ids/{path_part(number)}", body)


@caller_ids.command("remove")
@click.argument("number")
def remove_caller_id(number: str) -> None:
    """Show NUMBER no more; refused while a campaign or a trunk names it."""
    ask(lambda remote: remote.delete(f"/caller-ids/{path_part(number)}"))
    click.echo(f"{number} removed")


def _line(one: dict[str, Any]) -> str:
    rate = "no calls" if one["answer_rate"] is None else f"{100 * one['answer_rate']:.1f}% of {one['placed']} answered"
    limits = [f"{one[name]} {words}" for name, words in (("per_hour", "an hour"), ("per_day", "a day")) if one[name]]
    if one["rest_after"]:
        limits.append(f"rests {one['rest_ms'] / 60_000:g} min after {one['rest_after']}")
    if one["is_resting"]:
        limits.append("taken out")
    parts = (f"{one['number']:17}", one["label"], rate, f"{one['placed_today']} in 24 h", ", ".join(limits))
    return "  ".join(part for part in parts if part)
