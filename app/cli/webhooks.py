"""`outring webhook` and `outring results`."""

from __future__ import annotations

from typing import Any

import click

from app.cli.remote import Remote, ask, by_name
from app.cli.shell import counted, fail, iso_utc, json_option, say_json, say_rows
from app.store.webhooks import EventKind

kind_option = click.option(
    "--event",
    "kinds",
    multiple=True,
    type=click.Choice([kind.value for kind in EventKind]),
    help="Repeat; without: all.",
)
id_argument = click.argument("webhook_id", metavar="ID", type=click.IntRange(1))


@click.group()
def webhook() -> None:
    """Addresses of your own programs that are told what happens. On the running dialer; see docs/webhooks.md."""


@webhook.command("add")
@click.argument("url")
@kind_option
@click.option("--campaign", default="", help="Only about this campaign.")
@json_option
def add(url: str, kinds: tuple[str, ...], campaign: str, as_json: bool) -> None:
    """Tell URL what happens from now on. Prints the secret that deliveries are signed with, this once."""

    async def made(remote: Remote) -> Any:
        campaign_id = (await by_name(remote, "campaign", campaign))["id"] if campaign else None
        return await remote.post("/webhooks", {"url": url, "kinds": list(kinds), "campaign_id": campaign_id})

    told = ask(made)
    if as_json:
        say_json(told)
        return
    click.echo(_line(told["webhook"]))
    click.echo(f"Its secret, shown this once: {told['secret']}")
    click.echo(f"Try it: outring webhook test {told['webhook']['id']}")


@webhook.command("list")
@json_option
def list_webhooks(as_json: bool) -> None:
    """All webhooks, with how they stand."""
    found = ask(lambda remote: remote.get("/webhooks"))
    say_rows(found, _line, "No webhook yet: outring webhook add https://crm.example.com/outring", as_json=as_json)


@webhook.command("show")
@id_argument
@click.option("--waiting", "state", flag_value="waiting", help="What is to be delivered yet, instead of dead letters.")
@click.option("--dead", "state", flag_value="dead", default="dead", help="Dead letters: what was given up.")
@click.option("--after", type=click.IntRange(0), default=0, help="Go on after this delivery.")
@json_option
def show(webhook_id: int, state: str, after: int, as_json: bool) -> None:
    """A webhook, and what could not be delivered to it."""

    async def both(remote: Remote) -> tuple[Any, Any]:
        page = remote.get(f"/webhooks/{webhook_id}/deliveries", state=state, after=after)
        return await remote.get(f"/webhooks/{webhook_id}"), await page

    found, page = ask(both)
    if as_json:
        say_json({"webhook": found, "deliveries": page})
        return
    click.echo(_line(found))
    if found["problem"]:
        click.echo(f"  {found['problem']}")
    for one in page:
        again = "" if one["next_at_ms"] is None else f", again at {iso_utc(one['next_at_ms'])}"
        tries = "1 try" if one["tries"] == 1 else f"{one['tries']} tries"
        click.echo(
            f"  {one['id']:8} {iso_utc(one['at_ms'])} {one['kind']:18} {tries}{again}: {one['problem'] or 'new'}"
        )


@webhook.command("change")
@id_argument
@click.option("--url")
@kind_option
@click.option("--all-events", is_flag=True, help="All kinds of events again.")
@click.option("--on/--off", "is_active", default=None, help="Tell it, or tell it nothing new.")
@json_option
def change(
    webhook_id: int, url: str | None, kinds: tuple[str, ...], all_events: bool, is_active: bool | None, as_json: bool
) -> None:
    """Change a webhook, or switch it on again; what is not given stays."""

    async def changed(remote: Remote) -> Any:
        before = await remote.get(f"/webhooks/{webhook_id}")
        body = {name: before[name] for name in ("url", "kinds", "campaign_id", "is_active")}
        body |= {"url": url} if url else {}
        body |= {"kinds": list(kinds)} if kinds or all_events else {}
        body |= {} if is_active is None else {"is_active": is_active}
        return await remote.put(f"/webhooks/{webhook_id}", body)

    found = ask(changed)
    if as_json:
        say_json(found)
    else:
        click.echo(_line(found))


@webhook.command("test")
@id_argument
@json_option
def test(webhook_id: int, as_json: bool) -> None:
    """Send a test event now; exit code 1 when it is not taken."""
    told = ask(lambda remote: remote.post(f"/webhooks/{webhook_id}/test"))
    if as_json:
        say_json(told)
    elif not told["problem"]:
        click.echo(f"taken: {told['status']} in {told['took_ms']} ms")
    if told["problem"]:
        fail(f"not taken: {told['problem']}")


@webhook.command("redeliver")
@id_argument
@click.argument("deliveries", nargs=-1, type=click.IntRange(1))
@json_option
def redeliver(webhook_id: int, deliveries: tuple[int, ...], as_json: bool) -> None:
    """Try dead letters again: these DELIVERIES, or all."""
    body = {"deliveries": list(deliveries)}
    told = ask(lambda remote: remote.post(f"/webhooks/{webhook_id}/redeliver", body))
    if as_json:
        say_json(told)
    else:
        count: int = told["redelivered"]
        click.echo("1 delivery is tried again" if count == 1 else f"{count:,} deliveries are tried again")


@webhook.command("secret")
@id_argument
def secret(webhook_id: int) -> None:
    """Sign with a new secret from now on, and print it, this once."""
    click.echo(ask(lambda remote: remote.post(f"/webhooks/{webhook_id}/secret"))["secret"])


@webhook.command("remove")
@id_argument
def remove(webhook_id: int) -> None:
    """Forget a webhook, with what it was to be told yet."""
    ask(lambda remote: remote.delete(f"/webhooks/{webhook_id}"))
    click.echo(f"webhook {webhook_id} removed")


@click.command("results")
@click.option("--since", type=click.IntRange(0), default=0, help="next_cursor of the answer before; 0: from the first.")
@click.option("--campaign", default="", help="Only of this campaign.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=100, show_default=True)
@json_option
def results(since: int, campaign: str, limit: int, as_json: bool) -> None:
    """Calls that ended, in order, from a cursor on. Nothing is missed; one whose result is changed comes again."""

    async def page(remote: Remote) -> Any:
        query = {"campaign": (await by_name(remote, "campaign", campaign))["id"]} if campaign else {}
        return await remote.get("/results", since=since, limit=limit, **query)

    told = ask(page)
    if as_json:
        say_json(told)
        return
    for one in told["results"]:
        said = "" if one["conversation"] is None else f"  {one['conversation']['disposition']}"
        click.echo(
            f"{iso_utc(one['closed_at_ms'])}  {one['number']:16} {one['outcome_label']}{said}  {one['contact_name']}"
        )
    more = " (there is more)" if told["has_more"] else ""
    click.echo(f"{counted(len(told['results']), 'result')}; go on with --since {told['next_cursor']}{more}", err=True)


def _line(one: dict[str, Any]) -> str:
    state = "failing" if one["is_failing"] else "on"
    if not one["is_active"]:
        state = "off"
    about = "all campaigns" if one["campaign_id"] is None else f"campaign {one['campaign_id']}"
    kinds = ", ".join(one["kinds"]) or "all events"
    counts = f"{one['delivered']:,} delivered, {one['waiting']:,} waiting, {one['dead']:,} given up"
    return f"{one['id']:4}  {state:8} {one['url']}  {kinds}; {about}; {counts}"
