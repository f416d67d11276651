"""Agents at work on a whole dialer: sign in on real phones, ask, and wait for what their desk would show."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from app.agent_events import AgentRequest, AgentWentReady, DispositionSet
from app.agent_operations import AgentOperations
from app.agents import AgentPlan, AgentState, Card, DialingMode, PhoneMode
from app.dialing.snapshot import AgentPicture
from app.model import Trunk
from app.store import people
from app.store.attempts import AttemptEntry
from app.units import AgentId, CampaignId, FlowId
from asterisk.lab import Lab
from asterisk.lab.phones import Phone
from tests.asterisk.campaign import Person, Site, site

WITHIN_S = 30.0


class Named(Protocol):
    """A phone the PBX knows by name."""

    name: str


P_ = TypeVar("P_", bound=Named)


@dataclass(slots=True, kw_only=True)
class WorkerOn(Generic[P_]):
    """An agent on a phone of some make."""

    shift: Shift
    id: AgentId
    user: people.User
    phone: P_

    @property
    def picture(self) -> AgentPicture:
        """What their desk shows. Raises AssertionError when they are signed out."""
        found = self.shift.agents.picture(self.id)
        assert found is not None, f"{self.user.name} is not signed in"
        return found

    @property
    def card(self) -> Card:
        """The person before them."""
        found = self.picture.card
        assert found is not None, f"{self.user.name} has nobody: {self.picture}"
        return found

    async def sign_in(self, *campaigns: CampaignId, phone_mode: PhoneMode = PhoneMode.NAILED_UP) -> None:
        """Begin work, and wait until the phone is connected where it is to be."""
        await self.shift.agents.sign_in(
            self.user, endpoint=self.phone.name, phone_mode=phone_mode, campaigns_served=campaigns
        )
        if phone_mode is PhoneMode.NAILED_UP:
            await self.until(lambda now: now.is_phone_up, "the phone is up")

    async def ready(self) -> None:
        """Take calls."""
        await self.until(lambda now: now.state is AgentState.PAUSED, "paused before the first call")
        await self.ask(AgentWentReady(agent_id=self.id))

    async def ask(self, request: AgentRequest) -> None:
        """Have something done."""
        await self.shift.agents.ask(request)

    async def until(self, is_so: Callable[[AgentPicture], object], why: str, within_s: float = WITHIN_S) -> None:
        """Wait for something on the desk."""

        def look() -> object:
            found = self.shift.agents.picture(self.id)
            return found is not None and is_so(found)

        await self.shift.site.until(look, f"{self.user.name}: {why}", within_s)

    async def until_state(self, state: AgentState, within_s: float = WITHIN_S) -> None:
        """Wait for a state."""
        await self.until(lambda now: now.state is state, state.value, within_s)

    async def done(self, code: str = "success", **more: Any) -> None:
        """Finish the card."""
        attempt_id = self.card.attempt_id
        await self.ask(DispositionSet(agent_id=self.id, attempt_id=attempt_id, code=code, is_done=True, **more))


class Worker(WorkerOn[Phone]):
    """An agent on one of the laboratory's own phones."""


@dataclass(slots=True, kw_only=True)
class Shift:
    """A dialer with agents."""

    site: Site
    agents: AgentOperations
    lab: Lab
    trunk: Trunk

    async def campaign(
        self, mode: DialingMode, who: Sequence[Person | str], agents: AgentPlan | None = None, **plan: Any
    ) -> CampaignId:
        """A campaign for agents, started, with the built-in flow unless `flow` is given."""
        flow = plan.pop("flow", None)
        more: dict[str, Any] = {"mode": mode, "agents": agents or AgentPlan(), **plan}
        if flow is None:
            more["flow_id"] = FlowId(0)
        source = flow or "name: unused\nnodes:\n  start: {type: hangup}\n"
        return await self.site.start(source, [self.trunk], who, **more)

    async def worker(self, place: int = 0) -> Worker:
        """An agent for the phone of that place."""
        user = await self.user(f"agent {place + 1}")
        return Worker(shift=self, id=AgentId(user.id), user=user, phone=list(self.lab.phones.values())[place])

    async def worker_on(self, phone: P_) -> WorkerOn[P_]:
        """An agent for a phone of some make."""
        user = await self.user(f"agent on {phone.name}")
        return WorkerOn(shift=self, id=AgentId(user.id), user=user, phone=phone)

    async def user(self, name: str, role: people.Role = people.Role.AGENT) -> people.User:
        """Somebody who may sign in."""
        now_ms = self.site.operations.now_ms
        return await self.site.store.write(people.add_user, name=name, password_hash="", role=role, now_ms=now_ms)

    async def the_attempt(self, campaign_id: CampaignId, place: int = 0) -> AttemptEntry:
        """An attempt of the campaign, once it is closed."""
        await self.site.tried(campaign_id, place + 1)
        return (await self.site.attempts(campaign_id))[place]


@asynccontextmanager
async def one_life(lab: Lab, folder: Path) -> AsyncIterator[Shift]:
    """A dialer at work on this laboratory; on leaving its calls are left to the PBX."""
    async with site(lab.pbx, folder) as running:
        trunk = await running.trunk("network")
        watch_phone = running.telephony.watch_phone
        agents = AgentOperations(store=running.store, runtime=running.runtime, watch_phone=watch_phone)
        yield Shift(site=running, agents=agents, lab=lab, trunk=trunk)


@asynccontextmanager
async def shift(lab: Lab, folder: Path) -> AsyncIterator[Shift]:
    """A dialer at work on this laboratory; on leaving all calls are ended."""
    try:
        async with one_life(lab, folder) as running:
            yield running
    finally:
        for server in (lab.pbx, lab.network, lab.phones.server):
            await server.cli("channel request hangup all")
        for phone in lab.phones.values():
            await phone.until_idle()
