"""`outring group`."""

from __future__ import annotations

from typing import Any

import click

from app.cli.remote import Remote, ask, by_name
from app.cli.shell import counted, json_option, say_json, say_rows


@click.group()
def group() -> None:
    """Groups of agents on the running dialer, whose contacts may be a group's: see outring campaign owners."""


@group.command("list")
@json_option
def list_groups(as_json: bool) -> None:
    """All groups with their agents."""

    async def look(remote: Remote) -> Any:
        names = {one["id"]: one["name"] for one in await remote.get("/users")}
        found = await remote.get("/agent-groups")
        return [one | {"names": [names.get(agent, str(agent)) for agent in one["agents"]]} for one in found]

    say_rows(ask(look), _line, "No group yet: outring group set --help", as_json=as_json)


@group.command("set")
@click.argument("name")
@click.option("--agent", "agents", multiple=True, required=True, help="An agent of the group; repeat for more.")
@json_option
def set_group(name: str, agents: tuple[str, ...], as_json: bool) -> None:
    """Make the group NAME, or say anew who is in it. Lists name a contact's group in their owner column."""

    async def order(remote: Remote) -> Any:
        body = {"name": name, "agents": [(await by_name(remote, "user", one))["id"] for one in agents]}
        known = [one for one in await remote.get("/agent-groups") if one["name"] == name]
        if known:
            return await remote.put(f"/agent-groups/{known[0]['id']}", body)
        return await remote.post("/agent-groups", body)

    kept = ask(order)
    if as_json:
        say_json(kept)
    else:
        click.echo(f"{name}: {counted(len(kept['agents']), 'agent')}")


@group.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Take the group NAME away; its contacts are anyone's."""

    async def order(remote: Remote) -> Any:
        found = await by_name(remote, "agent-group", name)
        await remote.delete(f"/agent-groups/{found['id']}")

    ask(order)
    click.echo(f"{name}: removed")


def _line(found: dict[str, Any]) -> str:
    return f"{found['name']}: {', '.join(found['names']) or 'nobody'}"
