"""Groups of agents, who work on the same contacts where a campaign's contacts belong to groups."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from app.store.errors import NotFound, unique
from app.store.owners import mark_owners
from app.store.schema import agent_group_members, agent_groups, users
from app.units import AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentGroup:
    """Agents who work on the same contacts; lists name them in their owner column."""

    id: int
    name: str
    agents: tuple[AgentId, ...]


def create_group(conn: Connection, *, name: str, agents: Iterable[AgentId] = (), now_ms: int) -> AgentGroup:
    """Add a group. Raises Duplicate, NotFound for an agent."""
    with unique("group of agents", name):
        new = insert(agent_groups).values(name=name, created_at_ms=now_ms).returning(agent_groups.c.id)
        group_id: int = conn.execute(new).scalar_one()
    _set_agents(conn, group_id, agents)
    mark_owners(conn)
    return get_group(conn, group_id)


def change_group(
    conn: Connection, group_id: int, *, name: str | None = None, agents: Iterable[AgentId] | None = None
) -> AgentGroup:
    """Change what is not None; contacts that wait for it are for its agents from the next claim on.

    Raises NotFound for the group or an agent, Duplicate.
    """
    get_group(conn, group_id)
    if name is not None:
        with unique("group of agents", name):
            conn.execute(update(agent_groups).where(agent_groups.c.id == group_id).values(name=name))
    if agents is not None:
        _set_agents(conn, group_id, agents)
    mark_owners(conn)
    return get_group(conn, group_id)


def remove_group(conn: Connection, group_id: int) -> None:
    """Take a group away; its contacts are given anew. Raises NotFound."""
    if conn.execute(delete(agent_groups).where(agent_groups.c.id == group_id)).rowcount == 0:
        raise NotFound("group of agents", group_id)
    mark_owners(conn)


def get_group(conn: Connection, group_id: int) -> AgentGroup:
    """Raises NotFound."""
    found = [one for one in list_groups(conn) if one.id == group_id]
    if not found:
        raise NotFound("group of agents", group_id)
    return found[0]


def list_groups(conn: Connection) -> list[AgentGroup]:
    """All groups with their agents, by name."""
    members: dict[int, list[AgentId]] = {}
    of = agent_group_members.c
    for row in conn.execute(select(of.group_id, of.agent_id).order_by(of.agent_id)):
        members.setdefault(row.group_id, []).append(AgentId(row.agent_id))
    return [
        AgentGroup(id=row.id, name=row.name, agents=tuple(members.get(row.id, ())))
        for row in conn.execute(select(agent_groups).order_by(agent_groups.c.name))
    ]


def _set_agents(conn: Connection, group_id: int, agents: Iterable[AgentId]) -> None:
    wanted = list(dict.fromkeys(agents))
    known = set(conn.execute(select(users.c.id).where(users.c.id.in_(wanted))).scalars())
    for agent_id in wanted:
        if agent_id not in known:
            raise NotFound("user", agent_id)
    conn.execute(delete(agent_group_members).where(agent_group_members.c.group_id == group_id))
    if wanted:
        conn.execute(insert(agent_group_members), [{"group_id": group_id, "agent_id": agent_id} for agent_id in wanted])
