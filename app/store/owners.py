"""Owners: contacts of a campaign that one agent, or one group of agents, alone is to call.

A contact's owner is a column of its place in the campaign, which says the line it waits in. It is written when the
contact comes to the campaign, when somebody talked with it, when it waited for its owner too long, and for all of a
campaign, in pieces, when the rule or the people changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, Select, delete, func, select, update

from app.calling_order import OrderPlan
from app.compliance.rules import Callee
from app.compliance.zone_lines import COMMON, zone_line
from app.compliance.zones import place_of
from app.model import Campaign
from app.outcomes import ContactStatus
from app.ownership import KEEPERS, OwnedFacts, Owners, OwnershipPlan, OwnershipRule, group_of_line, owner_of
from app.store.schema import (
    agent_group_members,
    agent_groups,
    agent_sessions,
    attempts,
    campaign_agents,
    campaign_contacts,
    campaign_lists,
    campaign_zones,
    campaigns,
    contacts,
    users,
)
from app.store.sql import execute, to_json
from app.units import AgentId, CampaignId, ContactId, ListId

PIECE: Final = 1_000
"""Contacts given to their owners in one transaction: some milliseconds, which is what a call may have to wait."""
ESCALATED: Final = 200
"""Contacts that become anyone's in one claim, at the most."""
_PLACE: Final = campaign_contacts.c


class Giving(msgspec.Struct, frozen=True):
    """What of a campaign's settings says in which line its contacts wait: whose they are, and by their time zone."""

    ownership: OwnershipPlan = msgspec.field(default_factory=OwnershipPlan)
    order: OrderPlan = msgspec.field(default_factory=OrderPlan)

    @property
    def sorts_new(self) -> bool:
        """Whether a contact that comes may belong to another line than the common one."""
        return (self.ownership.has_owners and self.ownership.rule not in KEEPERS) or self.order.by_time_zone

    def gives_alike(self, other: Campaign) -> bool:
        """Whether a campaign as it is to be has every contact in the same line."""
        is_turned_alike = self.order.by_time_zone is other.order.by_time_zone
        return is_turned_alike and other.ownership.gives_alike(self.ownership)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """An agent or a group, as people are told. is_here: somebody of them is signed in and serves the campaign."""

    owner_id: int
    name: str
    is_group: bool
    is_here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How many wait for one owner; from_ms: when the first of them fell, or falls, due."""

    owner: Owner
    contacts: int
    from_ms: int


def set_owner(
    conn: Connection, campaign_id: CampaignId, contact_ids: Sequence[ContactId], agent_id: AgentId | None
) -> int:
    """Give contacts of a campaign to one agent, who alone is to call them (None: to everybody); answers how many."""
    owned = update(campaign_contacts).where(
        campaign_contacts.c.campaign_id == campaign_id, campaign_contacts.c.contact_id.in_(contact_ids)
    )
    return conn.execute(owned.values(owner_id=agent_id)).rowcount


# --- who may own -----------------------------------------------------------------------------------------------------


def giving_of(conn: Connection, campaign_id: CampaignId) -> Giving:
    """How a campaign gives its contacts; as one that does not where the campaign is not there."""
    settings = conn.scalar(select(campaigns.c.settings).where(campaigns.c.id == campaign_id))
    return msgspec.convert(settings or {}, Giving)


def ownership_of(conn: Connection, campaign_id: CampaignId) -> OwnershipPlan:
    """A campaign's rule; of none where the campaign is not there."""
    return giving_of(conn, campaign_id).ownership


def owners_of(conn: Connection, campaign_id: CampaignId) -> Owners:
    """Who may own contacts of a campaign: who may sign in and may serve it, and the groups such people are in."""
    named = set(
        conn.execute(select(campaign_agents.c.agent_id).where(campaign_agents.c.campaign_id == campaign_id)).scalars()
    )
    able = {
        row.id: row.name
        for row in conn.execute(select(users.c.id, users.c.name).where(users.c.is_disabled.is_(False)))
        if not named or row.id in named
    }
    members = conn.execute(
        select(agent_groups.c.id, agent_groups.c.name, agent_group_members.c.agent_id).join(
            agent_group_members, agent_group_members.c.group_id == agent_groups.c.id
        )
    )
    groups = {row.name: row.id for row in members if row.agent_id in able}
    return Owners(agents={name: agent_id for agent_id, name in able.items()}, groups=groups)


def lines_of(conn: Connection, plan: OwnershipPlan, agents: Sequence[AgentId]) -> dict[int, tuple[AgentId, ...]]:
    """The lines of owned contacts that these agents serve, each with those agents: their own, and their groups'."""
    lines: dict[int, tuple[AgentId, ...]] = {agent_id: (agent_id,) for agent_id in agents}
    if plan.rule is not OwnershipRule.GROUP or not agents:
        return lines
    of = agent_group_members.c
    for row in conn.execute(select(of.group_id, of.agent_id).where(of.agent_id.in_(agents))):
        lines[-row.group_id] = (*lines.get(-row.group_id, ()), AgentId(row.agent_id))
    order = {agent_id: place for place, agent_id in enumerate(agents)}
    return {line: tuple(sorted(mine, key=order.__getitem__)) for line, mine in lines.items()}


# --- giving ----------------------------------------------------------------------------------------------------------


def give_new(conn: Connection, campaign_id: CampaignId, first_id: int, last_id: int) -> None:
    """Give contacts that have just come to a campaign, from one id to another, to their owners and time zones."""
    plan = giving_of(conn, campaign_id)
    if not plan.sorts_new:  # where a conversation makes an owner, nobody has talked yet
        return
    places = _places(campaign_id).where(_PLACE.contact_id.between(first_id, last_id))
    _give(conn, campaign_id, plan, conn.execute(places).all())


def give_again(conn: Connection, contact_id: ContactId) -> tuple[CampaignId, ...]:
    """A contact was changed: give it to whose it is now; answers the campaigns in which that is somebody else."""
    found = conn.execute(select(_PLACE.campaign_id).where(_PLACE.contact_id == contact_id)).scalars().all()
    given: list[CampaignId] = []
    for campaign_id in map(CampaignId, found):
        plan = giving_of(conn, campaign_id)
        if plan.sorts_new:
            rows = conn.execute(_places(campaign_id).where(_PLACE.contact_id == contact_id)).all()
            given += [campaign_id] if _give(conn, campaign_id, plan, rows) else []
    return tuple(given)


def has_owning(conn: Connection, list_id: ListId) -> bool:
    """Whether a campaign of a list gives contacts to owners or time zones by what is written of them."""
    attached = select(campaign_lists.c.campaign_id).where(campaign_lists.c.list_id == list_id)
    found = conn.execute(select(campaigns.c.settings).where(campaigns.c.id.in_(attached))).scalars()
    return any(msgspec.convert(settings, Giving).sorts_new for settings in found)


def mark_owners(conn: Connection, campaign_ids: Collection[CampaignId] | None = None) -> tuple[CampaignId, ...]:
    """Note that contacts are to be given anew in these campaigns (None: all) that have owners; answers which."""
    found = select(campaigns.c.id, campaigns.c.settings).order_by(campaigns.c.id)
    if campaign_ids is not None:
        found = found.where(campaigns.c.id.in_(campaign_ids))
    marked = [
        CampaignId(row.id) for row in conn.execute(found) if msgspec.convert(row.settings, Giving).ownership.has_owners
    ]
    if marked:
        conn.execute(update(campaigns).where(campaigns.c.id.in_(marked)).values(owners_after=0))
    return tuple(marked)


def campaigns_to_give(conn: Connection) -> list[CampaignId]:
    """The campaigns whose contacts are being given to their owners, and are not done."""
    found = select(campaigns.c.id).where(campaigns.c.owners_after.is_not(None)).order_by(campaigns.c.id)
    return [CampaignId(one) for one in conn.execute(found).scalars()]


def give_piece(conn: Connection, campaign_id: CampaignId, size: int = PIECE) -> bool:
    """Give the next contacts of a campaign to their owners, in this transaction; whether more are to come.

    Where it stands is kept with the campaign: whoever comes first goes on, after a crash too.
    """
    found = select(campaigns.c.owners_after).where(campaigns.c.id == campaign_id).with_for_update()
    after_id = conn.scalar(found)
    if after_id is None:
        return False
    plan = giving_of(conn, campaign_id)
    places = _places(campaign_id).where(_PLACE.contact_id > after_id).order_by(_PLACE.contact_id).limit(size)
    rows = conn.execute(places).all()
    _give(conn, campaign_id, plan, rows, is_anew=True)
    is_last = len(rows) < size
    if is_last and not plan.order.by_time_zone:  # nobody waits by their zone any more
        conn.execute(delete(campaign_zones).where(campaign_zones.c.campaign_id == campaign_id))
    values = {"owners_after": None if is_last else rows[-1].contact_id}
    conn.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(values))
    return not is_last


def _places(campaign_id: CampaignId) -> Select[Any]:
    return (
        select(_PLACE.contact_id, _PLACE.owner_id, _PLACE.attempts, _PLACE.zone, _PLACE.list_id, _PLACE.phone,
               contacts.c.owner, contacts.c.creator, contacts.c.fields, contacts.c.time_zone, contacts.c.region,
               contacts.c.phone1, contacts.c.phone2, contacts.c.phone3, contacts.c.phone4, contacts.c.phone5)
        .join(contacts, contacts.c.id == _PLACE.contact_id)
        .where(_PLACE.campaign_id == campaign_id)
    )  # fmt: skip


def _give(
    conn: Connection, campaign_id: CampaignId, plan: Giving, rows: Sequence[Row[Any]], *, is_anew: bool = False
) -> int:
    """Write the owners and zones of these places that are others than before; answers of how many it is the owner.

    is_anew: the owners are not only of who came or was changed: all are told again.
    """
    owning = plan.ownership
    gives_owners = is_anew or (owning.has_owners and owning.rule not in KEEPERS)
    owners = owners_of(conn, campaign_id) if owning.has_owners and rows else Owners(agents={}, groups={})
    asks_talks = gives_owners and owning.rule in KEEPERS
    talked = _talked(conn, campaign_id, [row.contact_id for row in rows]) if asks_talks else {}
    given: list[tuple[int, int, int | None, int]] = []
    others = 0
    zones: set[tuple[int, int, int]] = set()
    for row in rows:
        talks = tuple(talked.get(row.contact_id, ()))
        facts = OwnedFacts(owner=row.owner, creator=row.creator, fields=row.fields, talked=talks)
        owner_id = owner_of(owning, facts, owners) if gives_owners else row.owner_id
        zone = _zone(row) if plan.order.by_time_zone else COMMON
        if (owner_id, zone) != (row.owner_id, row.zone):
            given.append((campaign_id, row.contact_id, owner_id, zone))
            others += owner_id != row.owner_id
            zones.add((campaign_id, row.list_id, zone))
    if given:
        known = sorted(one for one in zones if one[2] != COMMON)
        if known:
            execute(conn, "add_zones", {"rows_json": to_json(known)})
        execute(conn, "give_contacts", {"rows_json": to_json(given)})
    return others


def _zone(row: Row[Any]) -> int:
    """The line of a contact's time zone, by the phone whose turn it is."""
    phones = (row.phone1, row.phone2, row.phone3, row.phone4, row.phone5)
    number = phones[row.phone - 1] or row.phone1
    return zone_line(place_of(Callee(number=number, time_zone=row.time_zone, region=row.region)))


def _talked(conn: Connection, campaign_id: CampaignId, contact_ids: Sequence[int]) -> Mapping[int, list[AgentId]]:
    """Who talked with contacts in a campaign, oldest first."""
    of = attempts.c
    found = select(of.contact_id, of.agent_id).where(
        of.contact_id.in_(contact_ids), of.campaign_id == campaign_id, of.connected_at_ms.is_not(None),
        of.agent_id.is_not(None),
    )  # fmt: skip
    talked: dict[int, list[AgentId]] = defaultdict(list)
    for row in conn.execute(found.order_by(of.id)):
        talked[row.contact_id].append(AgentId(row.agent_id))
    return talked


def escalate(conn: Connection, campaign_id: CampaignId, plan: OwnershipPlan, now_ms: int) -> None:
    """Who fell due too long ago and was not called by their owner is anyone's: some of them, the longest waiting first.

    Found along an index of their own, so that it costs the same whatever else is owned.
    """
    if plan.has_owners and plan.escalates_after_ms:
        before_ms = now_ms - plan.escalates_after_ms
        execute(conn, "escalate_contacts", {"campaign_id": campaign_id, "before_ms": before_ms, "size": ESCALATED})


# --- telling ---------------------------------------------------------------------------------------------------------


def owners_told(conn: Connection, campaign_id: CampaignId, owner_ids: Iterable[int]) -> dict[int, Owner]:
    """Owners for people: their names, and whether they are here."""
    ids = set(owner_ids)
    groups = {found for one in ids if (found := group_of_line(one)) is not None}
    members: dict[int, set[int]] = defaultdict(set)
    of = agent_group_members.c
    for row in conn.execute(select(of.group_id, of.agent_id).where(of.group_id.in_(groups))):
        members[row.group_id].add(row.agent_id)
    agents = {one for one in ids if one > 0}
    here = signed_in(conn, campaign_id, agents.union(*members.values()))
    names = {row.id: row.name for row in conn.execute(select(users.c.id, users.c.name).where(users.c.id.in_(agents)))}
    titles = select(agent_groups.c.id, agent_groups.c.name).where(agent_groups.c.id.in_(groups))
    told = {
        one: Owner(owner_id=one, name=names.get(one, "an agent"), is_group=False, is_here=one in here) for one in agents
    }
    named = {row.id: row.name for row in conn.execute(titles)}
    for one in groups:
        is_here = bool(members[one] & here)
        told[-one] = Owner(owner_id=-one, name=named.get(one, "a group"), is_group=True, is_here=is_here)
    return told


def signed_in(conn: Connection, campaign_id: CampaignId, agent_ids: Collection[int]) -> set[int]:
    """Which of these agents are signed in and serve a campaign."""
    of = agent_sessions.c
    found = select(of.agent_id, of.campaigns).where(of.agent_id.in_(agent_ids), of.signed_out_at_ms.is_(None))
    return {row.agent_id for row in conn.execute(found) if campaign_id in row.campaigns}


def waiting_for_owners(conn: Connection, campaign_id: CampaignId) -> list[Waiting]:
    """For whom how many wait in a campaign, promises apart: the most first. Read from one index alone."""
    found = (
        select(_PLACE.owner_id, func.count().label("contacts"), func.min(_PLACE.due_at_ms).label("from_ms"))
        .where(
            _PLACE.campaign_id == campaign_id, _PLACE.status == ContactStatus.PENDING.value,
            _PLACE.owner_id.is_not(None), _PLACE.callback_at_ms.is_(None), _PLACE.due_at_ms.is_not(None),
        )
        .group_by(_PLACE.owner_id)
    )  # fmt: skip
    rows = conn.execute(found).all()
    told = owners_told(conn, campaign_id, [row.owner_id for row in rows])
    waiting = [Waiting(owner=told[row.owner_id], contacts=row.contacts, from_ms=row.from_ms) for row in rows]
    return sorted(waiting, key=lambda one: (-one.contacts, one.owner.name))
