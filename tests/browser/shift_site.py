"""A call centre for the browser's tests: the real panel and dialer, a simulated network with phones in real time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from time import time_ns

from app.agent_operations import AgentOperations
from app.agents import AgentPlan, DialingMode
from app.compliance.plan import AT_ANY_TIME
from app.dialing.dialer import Dialer
from app.model import Campaign, RetryPolicy, Trunk
from app.operations import Operations
from app.panel.server import Panel
from app.runtime import Runtime
from app.settings import load
from app.sim.handsets import ANSWERS
from app.sim.network import SimNetwork
from app.sim.telephony import ScaledClock, SimTelephony
from app.sim.trunks import TrunkKind
from app.store import lists, people
from app.store.door import SqlStore
from app.store.people import Role, User
from app.units import AgentId, CampaignId, FlowId, TrunkId
from asterisk.lab.numbers import Behaviour, behaviour_of
from tests.unit.panel.desk_site import add_contact
from tests.unit.panel.site import Silence, password_hash

PHONES = ("agent-101", "agent-102", "agent-103")
RING_MS = 300
"""The laboratory's people take longer to pick up: a test need not wait for them."""


def at_once(number: str) -> Behaviour:
    """What happens when a number is called, as in the laboratory, with a short ring."""
    behaviour = behaviour_of(number)
    return replace(behaviour, ring_ms=RING_MS) if behaviour.ring_ms else behaviour


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftSite:
    """What runs."""

    url: str
    store: SqlStore
    operations: Operations
    agents: AgentOperations
    runtime: Runtime
    panel: Panel
    telephony: SimTelephony

    async def add_agent(self, name: str) -> User:
        """Somebody who may sign in, with the tests' password."""
        return await self.store.write(
            people.add_user, name=name, password_hash=password_hash(), role=Role.AGENT, now_ms=self.operations.now_ms
        )

    async def start(
        self, name: str, mode: DialingMode, people_to_call: Mapping[str, str], plan: AgentPlan | None = None
    ) -> CampaignId:
        """A running campaign that calls these people (number: name) in London."""
        now_ms = self.operations.now_ms
        await self.operations.save_trunk(
            Trunk(id=TrunkId("way"), endpoint="way", lines=20, calls_per_second=50, prefixes=("+",))
        )
        made = await self.store.write(lists.create_list, name=f"List of {name}", country="GB", now_ms=now_ms)
        for number, who in people_to_call.items():
            fields = {"Name": who, "City": "Leeds", "Tariff": "Home 500"}
            await add_contact(self.store, made.id, fields, number, time_zone="Europe/London")
        campaign = Campaign(
            id=CampaignId(0),
            name=name,
            flow_id=FlowId(0),  # people are connected at once
            trunks=(TrunkId("way"),),
            compliance=AT_ANY_TIME,
            lines=10,
            calls_per_second=20,
            mode=mode,
            agents=plan or AgentPlan(),
            retry=RetryPolicy(max_attempts=2),
        )
        entry = await self.operations.create_campaign(campaign, [made.id])
        await self.operations.start_campaign(entry.campaign.id)
        return entry.campaign.id

    def state(self, agent: User) -> str:
        """What an agent does now; empty: signed out."""
        picture = self.agents.picture(AgentId(agent.id))
        return picture.state.value if picture else ""


@asynccontextmanager
async def open_shift(folder: Path, seed: int = 1) -> AsyncIterator[ShiftSite]:
    """Start it on a database of its own."""
    clock = ScaledClock(time_ns() // 1_000_000)
    network = SimNetwork(
        seed=seed,
        start_ms=clock.now_ms(),
        trunks={"way": TrunkKind.GOOD},
        length_of=lambda _: 400,
        phones=dict.fromkeys(PHONES, ANSWERS),
        behaviour=at_once,
    )
    telephony = SimTelephony(network, clock)
    async with await SqlStore.open(f"sqlite+aiosqlite:///{folder / 'shift.db'}") as store:
        runtime = Runtime(dialer=Dialer(), telephony=telephony, store=store, prompts=Silence(), clock=clock)
        operations = Operations(store=store, runtime=runtime)
        agents = AgentOperations(store=store, runtime=runtime)
        panel = Panel(operations=operations, agents=agents, store=store, settings=load())
        working = asyncio.create_task(runtime.run(await operations.first_events()))
        try:
            url = await panel.start("127.0.0.1", 0)
            yield ShiftSite(
                url=url,
                store=store,
                operations=operations,
                agents=agents,
                runtime=runtime,
                panel=panel,
                telephony=telephony,
            )
        finally:
            await panel.stop()
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working
            await telephony.stop()
