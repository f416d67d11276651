"""A panel on a dialer whose telephone network is a drawer: commands fall in, and tests post what would come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import aiohttp

from app.agent_operations import AgentOperations
from app.commands import RenderPrompts, TelephonyCommand
from app.compliance.plan import AT_ANY_TIME
from app.dialing.dialer import Dialer
from app.events import Event, PromptsRendered
from app.model import Audio, Campaign, Trunk
from app.operations import Operations
from app.panel.passwords import hash_password, new_key, token_hash
from app.panel.server import Panel
from app.ports import Inbox
from app.runtime import Runtime
from app.settings import load
from app.store import lists, people
from app.store.campaigns import CampaignEntry
from app.store.door import SqlStore
from app.store.people import Role
from app.units import CampaignId, ListId, TrunkId

PASSWORD = "correct horse"
FLOW = (files("app.ivr") / "samples" / "notice.yaml").read_text(encoding="utf-8")


class Drawer:
    """A telephony that does nothing."""

    def __init__(self) -> None:
        self.commands: list[TelephonyCommand] = []

    async def start(self, inbox: Inbox) -> None:
        """Nothing comes."""

    def perform(self, command: TelephonyCommand) -> None:
        """Keep it for the test to look at."""
        self.commands.append(command)

    async def stop(self) -> None:
        """Nothing is open."""


class Silence:
    """Prompts that are all one second of nothing."""

    async def render(self, command: RenderPrompts) -> PromptsRendered:
        """At once."""
        audio = {prompt: Audio(media="sound:silence/1", length_ms=1_000) for prompt in command.prompts}
        return PromptsRendered(attempt_id=command.attempt_id, audio=audio, failed={})


@cache
def password_hash() -> str:
    """Made once: it takes long on purpose."""
    return hash_password(PASSWORD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A running panel."""

    url: str
    store: SqlStore
    operations: Operations
    runtime: Runtime
    panel: Panel
    agents: AgentOperations
    telephony: Drawer

    def post(self, *events: Event) -> None:
        """Let events come in."""
        for event in events:
            self.runtime.post(event)

    async def add_user(self, name: str, role: Role = Role.ADMIN) -> people.User:
        """Somebody who may sign in, with PASSWORD."""
        return await self.store.write(
            people.add_user, name=name, password_hash=password_hash(), role=role, now_ms=self.operations.now_ms
        )

    async def add_key(self, role: Role = Role.ADMIN) -> str:
        """A key with a role's rights."""
        name = f"{role.value} of keys"
        user = await self.store.read(people.user_by_name, name) or await self.add_user(name, role)
        key = new_key()
        await self.store.write(
            people.add_api_key, user_id=user.id, name=key[-12:], key_hash=token_hash(key), now_ms=self.operations.now_ms
        )
        return key

    @asynccontextmanager
    async def program(self, role: Role = Role.ADMIN) -> AsyncIterator[aiohttp.ClientSession]:
        """A REST client with a key."""
        headers = {"Authorization": f"Bearer {await self.add_key(role)}"}
        async with aiohttp.ClientSession(self.url, headers=headers) as http:
            yield http

    @asynccontextmanager
    async def browser(self, name: str = "anna", role: Role = Role.ADMIN) -> AsyncIterator[aiohttp.ClientSession]:
        """Somebody who has signed in with a browser, which sends Origin with whatever is not a plain visit."""
        await self.add_user(name, role)
        jar = aiohttp.CookieJar(unsafe=True)  # it is an address, not a name
        async with aiohttp.ClientSession(self.url, cookie_jar=jar, headers={"Origin": self.url}) as http:
            answer = await http.post("/sign-in", data={"name": name, "password": PASSWORD}, allow_redirects=False)
            assert answer.status == 303, await answer.text()
            yield http

    async def add_campaign(self, name: str = "Reminders", contacts: int = 0) -> CampaignEntry:
        """A draft with a list, a flow and a trunk."""
        operations = self.operations
        await operations.save_trunk(Trunk(id=TrunkId("way"), endpoint="way", prefixes=("+",)))
        flow, _ = await operations.save_flow("hello", FLOW)
        made = await self.store.write(lists.create_list, name=f"List of {name}", country="GB", now_ms=operations.now_ms)
        if contacts:
            await self._fill(made.id, contacts)
        plan = Campaign(
            id=CampaignId(0), name=name, flow_id=flow.id, trunks=(TrunkId("way"),), lines=5, compliance=AT_ANY_TIME
        )
        return await operations.create_campaign(plan, [made.id])

    async def _fill(self, list_id: int, count: int) -> None:
        from sqlalchemy import Connection, insert

        from app.store.schema import contacts

        def fill(conn: Connection) -> None:
            conn.execute(
                insert(contacts),
                [
                    {
                        "list_id": list_id, "key": str(at), "name": f"Contact {at}", "phone1": f"+4477009{at:05d}",
                        "fields": {}, "created_at_ms": 1, "updated_at_ms": 1,
                    }
                    for at in range(count)
                ],
            )  # fmt: skip
            lists.grow_list(conn, ListId(list_id), count)

        await self.store.write(fill)


@asynccontextmanager
async def open_site(folder: Path) -> AsyncIterator[Site]:
    """Start a panel on a database of its own."""
    async with await SqlStore.open(f"sqlite+aiosqlite:///{folder / 'outring.db'}") as store:
        telephony = Drawer()
        runtime = Runtime(dialer=Dialer(), telephony=telephony, store=store, prompts=Silence())
        operations = Operations(store=store, runtime=runtime)
        agents = AgentOperations(store=store, runtime=runtime)
        panel = Panel(operations=operations, agents=agents, store=store, settings=load())
        working = asyncio.create_task(runtime.run(await operations.first_events()))
        try:
            url = await panel.start("127.0.0.1", 0)
            yield Site(
                url=url, store=store, operations=operations, runtime=runtime, panel=panel, agents=agents,
                telephony=telephony,
            )  # fmt: skip
        finally:
            await panel.stop()
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working
