"""REST: groups of agents, whose contacts may be a group's."""

from __future__ import annotations

from app.panel.ownership_shapes import GroupAnswer, GroupBody
from app.panel.routing import Call, Routes
from app.store import groups

routes = Routes()


@routes.add("GET", "/agent-groups", answer=list[GroupAnswer])
async def list_groups(call: Call) -> list[GroupAnswer]:
    """All groups of agents."""
    return [GroupAnswer.of(found) for found in await call.store.read(groups.list_groups)]


@routes.add("POST", "/agent-groups", body=GroupBody, answer=GroupAnswer, status=201)
async def create_group(call: Call) -> GroupAnswer:
    """Make a group; contacts whose owner column names it are its agents', where a campaign goes by groups."""
    now_ms = call.operations.now_ms
    made = await call.store.write(groups.create_group, name=call.body.name, agents=call.body.members(), now_ms=now_ms)
    await call.operations.give_contacts()
    return GroupAnswer.of(made)


@routes.add("PUT", "/agent-groups/{group_id}", body=GroupBody, answer=GroupAnswer)
async def put_group(call: Call) -> GroupAnswer:
    """Change a group's name and agents; who joins it is given its contacts from the next claim on."""
    changed = await call.store.write(
        groups.change_group, call.number("group_id"), name=call.body.name, agents=call.body.members()
    )
    await call.operations.give_contacts()
    return GroupAnswer.of(changed)


@routes.add("DELETE", "/agent-groups/{group_id}")
async def delete_group(call: Call) -> None:
    """Take a group away: its contacts are anyone's."""
    await call.store.write(groups.remove_group, call.number("group_id"))
    await call.operations.give_contacts()
