"""`outring campaign`."""

from __future__ import annotations

import asyncio
from typing import Any

import click
from rich.console import Group
from rich.live import Live

from app.cli.remote import Refused, Remote, ask, by_name
from app.cli.shell import console, counted, json_option, say_json, say_rows
from app.screen import campaign_screen
from app.units import DAY_MS

WATCH_S = 1.0


@click.group()
def campaign() -> None:
    """Campaigns on the running dialer: create, start, pause, stop, watch."""


@campaign.command("create")
@click.argument("name")
@click.option("--flow", "flow_name", required=True, help="What people hear: a flow's name; its newest version.")
@click.option("--list", "lists", multiple=True, required=True, help="Whom to call: a list's name; repeat for more.")
@click.option("--trunk", "trunks", multiple=True, required=True, help="Over what; repeat: overflow goes to the next.")
@click.option("--lines", type=click.IntRange(1, 10_000), default=2, show_default=True, help="Calls at once.")
@click.option("--cps", type=click.FloatRange(0.001, 1_000), default=1.0, show_default=True, help="New calls a second.")
@click.option("--ring", "ring_s", type=click.FloatRange(5, 120), default=25.0, show_default=True, help="Ring for, s.")
@click.option("--caller-id", default="", help="Number shown, one of yours; the trunk's when left out.")
@click.option("--caller-ids", "choice", type=click.Choice(["fixed", "local", "rotation"]), default="fixed",
              show_default=True, help="Show that one, of yours the nearest to the callee, or all in turn.")  # fmt: skip
@click.option("--among", multiple=True, metavar="NUMBER", help="… only among these of your numbers; repeat.")
@click.option("--language", default="en", show_default=True, help="For contacts without one.")
@click.option("--tries", type=click.IntRange(1, 50), default=3, show_default=True, help="Give up after.")
@click.option("--retry", "retry_min", type=click.FloatRange(1 / 60, 525_600), default=240.0, show_default=True,
              help="Try again after, minutes.")  # fmt: skip
@click.option("--strategy", default="", help="A call strategy's name, in place of --tries and --retry.")
@click.option("--profile", "profiles", multiple=True, help="A compliance profile; repeat for more. careful when left "
              "out: 09:00 to 20:00 of the callee's own clock.")  # fmt: skip
@click.option("--consent", type=click.Choice(["none", "prior", "written"]), default="none", show_default=True,
              help="What everybody agreed to whose own column does not say.")  # fmt: skip
@click.option("--start", "and_start", is_flag=True, help="Start it at once.")
@json_option
def create(name: str, flow_name: str, lists: tuple[str, ...], and_start: bool, as_json: bool, **given: Any) -> None:
    """Make the campaign NAME; it calls nobody before it is started."""

    async def make(remote: Remote) -> Any:
        body = {
            "name": name,
            "flow_id": (await by_name(remote, "flow", flow_name))["id"],
            "lists": [(await by_name(remote, "list", one))["id"] for one in lists],
            "trunks": list(given["trunks"]),
            "lines": given["lines"],
            "calls_per_second": given["cps"],
            "ring_timeout_ms": round(given["ring_s"] * 1_000),
            "caller_id": given["caller_id"],
            "caller_ids": {"choice": given["choice"], "numbers": list(given["among"])},
            "language": given["language"],
            "strategy": given["strategy"],
            "retry": {"max_attempts": given["tries"], "retry_ms": round(given["retry_min"] * 60_000)},
            "compliance": {"consent": given["consent"]}
            | ({"profiles": list(given["profiles"])} if given["profiles"] else {}),
        }
        made = await remote.post("/campaigns", body)
        return await remote.post(f"/campaigns/{made['id']}/start") if and_start else made

    _say(ask(make), as_json=as_json)


@campaign.command("list")
@json_option
def list_campaigns(as_json: bool) -> None:
    """All campaigns with their progress, newest first."""
    found = ask(lambda remote: remote.get("/campaigns"))
    say_rows(found, _line, "No campaign yet: outring campaign create --help", as_json=as_json)


@campaign.command("show")
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """One campaign: settings, calls, what came of the attempts."""
    found = ask(lambda remote: by_name(remote, "campaign", name))
    if as_json:
        say_json(found)
        return
    click.echo(_line(found))
    retry = found["retry"]
    again = f"{retry['max_attempts']} tries {retry['retry_ms'] / 60_000:g} min apart"
    click.echo(
        f"trunks {', '.join(found['trunks'])}; {found['lines']} lines, {found['calls_per_second']:g} a second, rings "
        f"for {found['ring_timeout_ms'] / 1_000:g} s, "
        + (f"strategy {found['strategy']}" if found["strategy"] else again)
    )
    click.echo(f"compliance: {', '.join(found['compliance']['profiles'])}; consent: {found['compliance']['consent']}")
    console().print(_screen(found))


def _order(verb: str, description: str) -> None:
    @campaign.command(verb, help=description)
    @click.argument("name")
    @json_option
    def give(name: str, as_json: bool) -> None:
        async def order(remote: Remote) -> Any:
            found = await by_name(remote, "campaign", name)
            return await remote.post(f"/campaigns/{found['id']}/{verb}")

        _say(ask(order), as_json=as_json)


@campaign.command("start")
@click.argument("name")
@click.option("--first", type=click.IntRange(0, 1_000_000), default=0, help="Pause by itself after so many calls.")
@json_option
def start(name: str, first: int, as_json: bool) -> None:
    """Start or resume the campaign NAME."""

    async def order(remote: Remote) -> Any:
        found = await by_name(remote, "campaign", name)
        return await remote.post(f"/campaigns/{found['id']}/start" + (f"?first={first}" if first else ""))

    _say(ask(order), as_json=as_json)


_order("pause", "No new calls of the campaign NAME; those up go on.")
_order("stop", "End the campaign NAME: ringing calls are taken back, answered people are heard out.")


@campaign.command("requeue")
@click.argument("name")
@click.option("--status", type=click.Choice(["dangling", "not connected", "retries completed", "invalid number",
              "connected", "not allowed"]), default="dangling", show_default=True,
              help="Whom: all contacts that are so.")  # fmt: skip
@click.option("--contact", type=click.IntRange(min=1), help="Only this contact, by its id.")
@json_option
def requeue(name: str, status: str, contact: int | None, as_json: bool) -> None:
    """Have contacts of the campaign NAME called again; their tries so far still count.

    Dangling contacts are those whose call was placed and whose result was never learned: nobody calls them twice by
    itself. A campaign that is not running calls them once it is started.
    """

    async def order(remote: Remote) -> Any:
        found = await by_name(remote, "campaign", name)
        return await remote.post(f"/campaigns/{found['id']}/requeue", {"status": status, "contact": contact})

    answer = ask(order)
    if as_json:
        say_json(answer)
    else:
        click.echo(f"{name}: {counted(answer['returned'], 'contact')} will be called again")


@campaign.command("law")
@click.argument("name")
@click.option("--profile", "profiles", multiple=True, help="A compliance profile; repeat for more: all must allow.")
@click.option("--consent", type=click.Choice(["none", "prior", "written"]),
              help="What everybody agreed to whose own column does not say.")  # fmt: skip
@json_option
def law(name: str, profiles: tuple[str, ...], consent: str | None, as_json: bool) -> None:
    """Say by which laws the campaign NAME calls, or change it; a running campaign follows from the next call on.

    The profiles there are: outring profiles.
    """
    given: dict[str, Any] = ({"profiles": list(profiles)} if profiles else {}) | (
        {"consent": consent} if consent else {}
    )

    async def order(remote: Remote) -> Any:
        found = await by_name(remote, "campaign", name)
        return await remote.patch(f"/campaigns/{found['id']}", given) if given else found

    kept = ask(order)["compliance"]
    if as_json:
        say_json(kept)
    else:
        click.echo(f"{name}: {', '.join(kept['profiles'])}; consent: {kept['consent']}")


@campaign.command("owners")
@click.argument("name")
@click.option("--rule", type=click.Choice(["none", "creator", "predetermined", "first come", "group", "escalation",
              "flag"]), help="Whose contacts are: see docs/ownership.md.")  # fmt: skip
@click.option("--days", type=click.FloatRange(0, 365),
              help="Whom their owner did not call for so long is anyone's; 0: they wait.")  # fmt: skip
@click.option("--flag", "flag_column", help="With the rule flag: the column that says yes.")
@json_option
def owners(name: str, rule: str | None, days: float | None, flag_column: str | None, as_json: bool) -> None:
    """Say whose the contacts of the campaign NAME are, or change it; contacts are given anew, with calls going on."""

    async def order(remote: Remote) -> Any:
        found = await by_name(remote, "campaign", name)
        given: dict[str, Any] = {"rule": rule, "flag_column": flag_column}
        given |= {"escalates_after_ms": None if days is None else round(days * DAY_MS)}
        changes = {key: value for key, value in given.items() if value is not None}
        if not changes:
            return found
        return await remote.patch(f"/campaigns/{found['id']}", {"ownership": found["ownership"] | changes})

    kept = ask(order)["ownership"]
    if as_json:
        say_json(kept)
        return
    flag = f" {kept['flag_column']}" if kept["rule"] == "flag" else ""
    wait = f"; to anyone after {kept['escalates_after_ms'] / DAY_MS:g} days" if kept["escalates_after_ms"] else ""
    click.echo(f"{name}: {kept['rule']}{flag}{wait}")


@campaign.command("order")
@click.argument("name")
@click.option("--by-time-zone/--longest-first", "by_time_zone", default=None,
              help="Time zones take turns, or whoever waits longest is next.")  # fmt: skip
@click.option("--best-hour/--by-delay", "best_hour", default=None,
              help="Call again at the hour and on the phone people answer best, or after the delay alone.")  # fmt: skip
@json_option
def calling_order(name: str, by_time_zone: bool | None, best_hour: bool | None, as_json: bool) -> None:
    """Say in which order the campaign NAME calls those who are due, or change it, with calls going on."""

    async def order(remote: Remote) -> Any:
        found = await by_name(remote, "campaign", name)
        given = {"by_time_zone": by_time_zone, "best_hour": best_hour}
        changes = {key: value for key, value in given.items() if value is not None}
        if not changes:
            return found
        return await remote.patch(f"/campaigns/{found['id']}", {"order": found["order"] | changes})

    kept = ask(order)["order"]
    if as_json:
        say_json(kept)
    else:
        again = "at the best hour and phone" if kept["best_hour"] else "after the delay of its tries"
        turn = "time zones take turns" if kept["by_time_zone"] else "whoever waits longest is next"
        click.echo(f"{name}: {turn}; called again {again}")


@campaign.command("lists")
@click.argument("name")
@click.option("--list", "list_name", help="Which list to change.")
@click.option("--weight", type=click.IntRange(0, 1_000), help="Its share: 70 beside 30 is seven calls of ten.")
@click.option("--priority", type=click.IntRange(-100, 100), help="Lists of a higher one are called before all others.")
@click.option("--on/--off", "is_active", default=None, help="Call it, or nobody of it.")
@json_option
def lists(
    name: str, list_name: str | None, weight: int | None, priority: int | None, is_active: bool | None, as_json: bool
) -> None:
    """Show how the lists of the campaign NAME share its calls, or change that; it counts from the next call."""

    async def order(remote: Remote) -> Any:
        path = f"/campaigns/{(await by_name(remote, 'campaign', name))['id']}/lists"
        found = (await remote.get(path))["lists"]
        if list_name is None:
            return found
        known = [one for one in found if one["name"] == list_name]
        if not known:
            raise Refused(f"{name} has no list {list_name!r}; it has: {', '.join(one['name'] for one in found)}")
        given = {"weight": weight, "priority": priority, "is_active": is_active}
        kept = {key: known[0][key] for key in ("list_id", *given)}
        changes = {key: value for key, value in given.items() if value is not None}
        return (await remote.put(path, {"lists": [kept | changes]}))["lists"]

    say_rows(ask(order), _share, "No list yet: attach one with outring campaign create --list", as_json=as_json)


def _share(found: dict[str, Any]) -> str:
    parts = [f"weight {found['weight']}" if found["weight"] else "no weight", f"priority {found['priority']}"]
    parts += [] if found["is_active"] else ["off"]
    return f"{found['name']}: {', '.join(parts)}"


@campaign.command("watch")
@click.argument("name")
@json_option
def watch(name: str, as_json: bool) -> None:
    """Show the campaign NAME until it ends (Ctrl-C leaves it running). With --json: one object a second."""

    async def look(remote: Remote) -> Any:
        campaign_id = (await by_name(remote, "campaign", name))["id"]
        with Live(console=console(as_json=as_json), refresh_per_second=4, transient=True) as live:
            while True:
                found = await remote.get(f"/campaigns/{campaign_id}")
                if as_json:
                    say_json(found)
                else:
                    live.update(_screen(found))
                if found["status"] not in ("running", "paused") and not _up(found):
                    return found
                await asyncio.sleep(WATCH_S)

    found = ask(look)
    if not as_json:
        click.echo(_line(found))
        console().print(_screen(found))


def _say(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        say_json(found)
    else:
        click.echo(_line(found))


def _up(found: dict[str, Any]) -> int:
    calls = found["calls"]
    return int(calls["dialing"] + calls["ringing"] + calls["answered"])


def _line(found: dict[str, Any]) -> str:
    counts = found["progress"]
    waiting = f"; waiting: {found['calls']['waiting_for']}" if found["calls"]["waiting_for"] else ""
    return (
        f"{found['name']}: {found['status']}, {counts['settled']} of {counts['total']} contacts done, "
        f"{counted(counts['attempts'], 'attempt')}, {counted(_up(found), 'call')} up{waiting}"
    )


def _screen(found: dict[str, Any]) -> Group:
    counts, calls = found["progress"], found["calls"]
    return campaign_screen(
        settled=counts["settled"],
        total=counts["total"],
        outcomes=counts["outcomes"],
        up=(calls["dialing"], calls["ringing"], calls["answered"]),
        waiting_for=calls["waiting_for"],
    )
