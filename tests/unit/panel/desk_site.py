"""A panel whose floor is a stand-in: desks are shown every state, and what they ask is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, insert

from app.agent_operations import AgentOperations
from app.agents import AgentPlan, AgentState, Card, DialingMode, PhoneMode
from app.dialing.dialer import Dialer
from app.dialing.snapshot import AgentPicture
from app.model import Campaign, CampaignStatus
from app.operations import Operations
from app.panel.server import Panel
from app.runtime import Runtime
from app.settings import load
from app.store import campaigns, lists
from app.store.door import SqlStore
from app.store.people import Role, User
from app.store.schema import campaigns as campaigns_table
from app.store.schema import contacts
from app.units import AgentId, AttemptId, CampaignId, ContactId, ListId, SessionId
from tests.unit.panel.desk_floor import StandInFloor
from tests.unit.panel.site import Drawer, Silence, Site

FIELDS = {
    "Name": "Olga Petrova", "Phone": "8 916 123-45-67", "City": "Kazan", "Tariff": "Home 500", "Contract": "A-118/22",
    "Debt": "1 240 ₽", "Comment": "Asked to be called after lunch; has a dog, prefers the e-mail for bills",
}  # fmt: skip
NUMBER = "+79161234567"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskSite:
    """A running panel with a stand-in floor; an agent, a campaign, a contact."""

    site: Site
    floor: StandInFloor
    agent: User
    campaign_id: CampaignId
    contact_id: ContactId

    @property
    def agent_id(self) -> AgentId:
        """The agent as one."""
        return AgentId(self.agent.id)

    def picture(self, state: AgentState, **news: Any) -> AgentPicture:
        """The agent in a state, on a phone that is up, in the campaign."""
        return replace(
            AgentPicture(
                agent_id=self.agent_id,
                session_id=SessionId("session00001"),
                name=self.agent.name,
                endpoint="agent-101",
                phone_mode=PhoneMode.NAILED_UP,
                state=state,
                since_ms=self.site.operations.now_ms,
                campaigns=(self.campaign_id,),
                campaign_id=self.campaign_id,
                is_phone_up=True,
            ),
            **news,
        )

    def show(self, state: AgentState, **news: Any) -> None:
        """Put the agent into a state."""
        self.floor.show(self.picture(state, **news))

    def card(self, attempt: str = "attempt00001", **news: Any) -> Card:
        """The contact before the agent."""
        return replace(
            Card(
                attempt_id=AttemptId(attempt),
                campaign_id=self.campaign_id,
                contact_id=self.contact_id,
                number=NUMBER,
                fields={**FIELDS, "name": FIELDS["Name"], "phone": NUMBER},
                language="ru",
                mode=DialingMode.PROGRESSIVE,
            ),
            **news,
        )

    def talk(self, attempt: str = "attempt00001", **news: Any) -> None:
        """The agent talks with the contact."""
        now_ms = self.site.operations.now_ms
        card = self.card(attempt, answered_at_ms=now_ms - 300, connected_at_ms=now_ms)
        self.show(AgentState.TALKING, **{"card": card} | news)

    async def plan(self, mode: DialingMode = DialingMode.PROGRESSIVE, **news: Any) -> None:
        """Change how the campaign uses its agents."""
        entry = await self.site.store.read(campaigns.get_campaign, self.campaign_id)
        plan = replace(entry.campaign, mode=mode, agents=replace(entry.campaign.agents, **news))
        await self.site.store.write(campaigns.update_campaign, plan)


async def add_contact(store: SqlStore, list_id: ListId, fields: Mapping[str, str], *phones: str, **news: Any) -> int:
    """A contact on disk; answers its id."""
    numbers = {f"phone{at}": one for at, one in enumerate(phones, 1)}
    row = {
        "list_id": list_id, "key": phones[0], "name": fields.get("Name", ""), "fields": dict(fields),
        "created_at_ms": 1, "updated_at_ms": 1, **numbers, **news,
    }  # fmt: skip

    def add(conn: Connection) -> int:
        made: int = conn.execute(insert(contacts).values(row).returning(contacts.c.id)).scalar_one()
        lists.grow_list(conn, list_id, 1, columns=list(fields))
        return made

    return await store.write(add)


@asynccontextmanager
async def open_desk_site(folder: Path) -> AsyncIterator[DeskSite]:
    """Start it on a database of its own."""
    async with await SqlStore.open(f"sqlite+aiosqlite:///{folder / 'desk.db'}") as store:
        telephony, floor = Drawer(), StandInFloor()
        runtime = Runtime(dialer=Dialer(), telephony=telephony, store=store, prompts=Silence())
        operations = Operations(store=store, runtime=runtime)
        agents = cast(AgentOperations, floor)
        panel = Panel(operations=operations, agents=agents, store=store, settings=load())
        try:
            url = await panel.start("127.0.0.1", 0)
            site = Site(
                url=url, store=store, operations=operations, runtime=runtime, panel=panel, agents=agents,
                telephony=telephony,
            )  # fmt: skip
            yield await _furnished(site, floor)
        finally:
            await panel.stop()


async def _furnished(site: Site, floor: StandInFloor) -> DeskSite:
    entry = await site.add_campaign("Winter offer")
    campaign_id = entry.campaign.id
    plan: Campaign = replace(entry.campaign, mode=DialingMode.PROGRESSIVE, agents=AgentPlan())
    await site.store.write(campaigns.update_campaign, plan)
    (list_id,) = entry.list_ids

    def run(conn: Connection) -> None:
        running = campaigns_table.update().where(campaigns_table.c.id == campaign_id)
        conn.execute(running.values(status=CampaignStatus.RUNNING.value))

    await site.store.write(run)
    contact_id = await add_contact(site.store, list_id, FIELDS, NUMBER, "+74951234567", time_zone="Europe/Moscow")
    agent = await site.add_user("maria", Role.AGENT)
    return DeskSite(site=site, floor=floor, agent=agent, campaign_id=campaign_id, contact_id=ContactId(contact_id))
