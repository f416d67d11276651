"""A whole dialer on a laboratory: store, prompts, telephony, core and the operators' verbs, put together for a test."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select

from app.agent_operations import AgentOperations
from app.asterisk.ami_address import AmiAddress
from app.asterisk.telephony import AsteriskTelephony
from app.compliance.plan import AT_ANY_TIME
from app.dialing.dialer import Dialer
from app.dialing.snapshot import TrunkPicture
from app.ivr.prompts import PromptStudio
from app.model import Campaign, CampaignStatus, RetryPolicy, Trunk
from app.operations import Operations
from app.outcomes import ContactStatus, Outcome
from app.runtime import Runtime
from app.store import SqlStore, attempts, campaigns, lists, progress
from app.store.attempts import AttemptEntry
from app.store.progress import Progress
from app.store.schema import campaign_contacts, contacts
from app.units import CampaignId, ContactId, FlowId, ListId, Number, TrunkId
from asterisk.lab.server import Server

POLL_S = 0.05
PATIENCE_S = 120.0
"""How long a slow machine may take for anything; a test that waits this long has failed."""
ONCE = RetryPolicy(max_attempts=1, max_faults=1)

BYE = """
name: bye
nodes:
  start: {type: hangup}
"""
"""A flow that hangs up at once."""

NOTICE = """
name: notice
start: notice
nodes:
  notice: {type: play, sound: hello-world, next: bye}
  bye: {type: hangup}
"""
"""A flow that says two words and hangs up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A contact to be."""

    number: str
    name: str = ""
    language: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A contact in a campaign, as the store has it."""

    contact_id: ContactId
    number: str
    status: ContactStatus
    due_at_ms: int | None
    attempts: int
    faults: int
    last_outcome: Outcome | None


@dataclass(slots=True, kw_only=True)
class Site:
    """A running dialer. working: its work, which ends only when it breaks."""

    store: SqlStore
    runtime: Runtime
    operations: Operations
    studio: PromptStudio
    telephony: AsteriskTelephony
    folder: Path
    working: asyncio.Task[Any]
    _names: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def trunk(self, name: str, **settings: Any) -> Trunk:
        """A trunk over the PBX's endpoint of the same name, which carries everything unless told otherwise."""
        plain = Trunk(id=TrunkId(name), endpoint=name, lines=60, calls_per_second=50, prefixes=("+",))
        trunk = replace(plain, **settings)
        await self.operations.save_trunk(trunk)
        return trunk

    async def list_of(self, people: Iterable[Person | str]) -> ListId:
        """A contact list of these people (or numbers)."""
        name = f"list {next(self._names)}"
        made = await self.store.write(lists.create_list, name=name, country="GB", now_ms=self.operations.now_ms)
        await self.add(made.id, people)
        return made.id

    async def add(self, list_id: ListId, people: Iterable[Person | str]) -> None:
        """More people for a list."""
        plain = [Person(number=one) if isinstance(one, str) else one for one in people]
        await self.store.write(_add_people, list_id, plain, self.operations.now_ms, next(self._names))

    async def draft(
        self, flow: str, trunks: Sequence[Trunk], people: Iterable[Person | str] | ListId, **plan: Any
    ) -> CampaignId:
        """A campaign that is not started yet. people: a list of its own is made for them, or the list to use."""
        name = f"campaign {next(self._names)}"
        version, _ = await self.operations.save_flow(name, flow)
        list_id = ListId(people) if isinstance(people, int) else await self.list_of(people)
        plain = Campaign(
            id=CampaignId(0),
            name=name,
            flow_id=FlowId(version.id),
            trunks=tuple(trunk.id for trunk in trunks),
            compliance=AT_ANY_TIME,
            lines=60,
            calls_per_second=20,
            ring_timeout_ms=20_000,
            retry=ONCE,
        )
        entry = await self.operations.create_campaign(replace(plain, **plan), [list_id])
        return entry.campaign.id

    async def start(
        self, flow: str, trunks: Sequence[Trunk], people: Iterable[Person | str] | ListId, **plan: Any
    ) -> CampaignId:
        """The same, started."""
        campaign_id = await self.draft(flow, trunks, people, **plan)
        await self.operations.start_campaign(campaign_id)
        return campaign_id

    # --- waiting -----------------------------------------------------------------------------------------------------

    async def until(
        self, what: Callable[[], Awaitable[object]] | Callable[[], object], why: str, within_s: float = PATIENCE_S
    ) -> None:
        """Wait until something holds. Raises AssertionError with `why`, or whatever broke the dialer."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_s
        while True:
            if self.working.done():
                self.working.result()
            found = what()
            if await found if isinstance(found, Awaitable) else found:
                return
            assert loop.time() < deadline, f"not within {within_s:g} s: {why}; {self.operations.snapshot()}"
            await asyncio.sleep(POLL_S)

    async def finished(self, campaign_id: CampaignId, within_s: float = PATIENCE_S) -> None:
        """Wait until the campaign has ended by itself."""

        async def has_ended() -> bool:
            return await self.status(campaign_id) is CampaignStatus.FINISHED

        await self.until(has_ended, f"campaign {campaign_id} finished", within_s)

    async def tried(self, campaign_id: CampaignId, times: int = 1, within_s: float = PATIENCE_S) -> None:
        """Wait until so many attempts of the campaign are closed."""

        async def are_closed() -> bool:
            return sum(one.closed_at_ms is not None for one in await self.attempts(campaign_id)) >= times

        await self.until(are_closed, f"{times} attempts of campaign {campaign_id} closed", within_s)

    # --- looking -----------------------------------------------------------------------------------------------------

    async def status(self, campaign_id: CampaignId) -> CampaignStatus:
        return (await self.store.read(campaigns.get_campaign, campaign_id)).status

    async def progress(self, campaign_id: CampaignId) -> Progress:
        return await self.store.read(progress.get_progress, campaign_id)

    async def attempts(self, campaign_id: CampaignId | None = None) -> list[AttemptEntry]:
        """All attempts of a campaign, oldest first."""
        page = await self.store.read(attempts.attempts_page, campaign_id=campaign_id, limit=10_000)
        return sorted(page.attempts, key=lambda one: one.attempt_id)

    async def standings(self, campaign_id: CampaignId) -> dict[str, Standing]:
        """Where each contact stands, by number."""
        return await self.store.read(_standings, campaign_id)

    def trunk_picture(self, trunk: Trunk) -> TrunkPicture:
        """A trunk as the dialer sees it."""
        return next(picture for picture in self.operations.snapshot().trunks if picture.id == trunk.id)


@asynccontextmanager
async def site(pbx: Server, folder: Path, *, url: str = "", ami: AmiAddress | None = None) -> AsyncIterator[Site]:
    """A dialer on this PBX with its database and prompts in `folder`; on leaving, calls are left to the PBX.

    url: where the REST interface is reached, when not at the PBX itself. ami: the manager interface, for queues.
    """
    folder.mkdir(parents=True, exist_ok=True)
    telephony = AsteriskTelephony(url=url or pbx.ari_url, user=pbx.ari_user, password=pbx.ari_password, ami=ami)
    studio = PromptStudio(folder / "prompts")
    async with await SqlStore.open(f"sqlite+aiosqlite:///{folder / 'outring.db'}") as store:
        runtime = Runtime(dialer=Dialer(), telephony=telephony, store=store, prompts=studio)
        operations = Operations(store=store, runtime=runtime, studio=studio, queue_problem=telephony.queue_problem)
        first = [*await operations.first_events(), *await AgentOperations(store=store, runtime=runtime).resume()]
        working = asyncio.create_task(runtime.run(first), name="dialer")
        try:
            yield Site(
                store=store,
                runtime=runtime,
                operations=operations,
                studio=studio,
                telephony=telephony,
                folder=folder,
                working=working,
            )
        finally:
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working
            await telephony.stop()


@asynccontextmanager
async def records_in(folder: Path, url: str = "", *, names_from: int = 1) -> AsyncIterator[Site]:
    """The database of a dialer that is a process of its own: to prepare its work, and to look at what came of it.

    url: where it is, when not in the folder. names_from: the first number in names of campaigns.
    """
    telephony = AsteriskTelephony(url="http://127.0.0.1:1/ari", user="", password="")
    studio = PromptStudio(folder / "prompts")
    async with await SqlStore.open(url or f"sqlite+aiosqlite:///{folder / 'outring.db'}") as store:
        runtime = Runtime(dialer=Dialer(), telephony=telephony, store=store, prompts=studio)
        operations = Operations(store=store, runtime=runtime, studio=studio)
        idle = asyncio.get_running_loop().create_task(asyncio.Event().wait(), name="no dialer")
        yield Site(
            store=store,
            runtime=runtime,
            operations=operations,
            studio=studio,
            telephony=telephony,
            folder=folder,
            working=idle,
            _names=itertools.count(names_from),
        )
        idle.cancel()


def _add_people(conn: Connection, list_id: ListId, people: Sequence[Person], now_ms: int, batch: int) -> None:
    rows = [
        {
            "list_id": list_id,
            "key": f"{batch}-{place}",
            "name": person.name,
            "language": person.language,
            "phone1": person.number,
            "fields": dict(person.fields),
            "created_at_ms": now_ms,
            "updated_at_ms": now_ms,
        }
        for place, person in enumerate(people)
    ]
    if rows:
        conn.execute(insert(contacts), rows)
        lists.grow_list(conn, list_id, len(rows))


def _standings(conn: Connection, campaign_id: CampaignId) -> dict[str, Standing]:
    found = select(campaign_contacts, contacts.c.phone1).join(contacts, contacts.c.id == campaign_contacts.c.contact_id)
    rows = conn.execute(found.where(campaign_contacts.c.campaign_id == campaign_id)).all()
    return {
        row.phone1: Standing(
            contact_id=ContactId(row.contact_id),
            number=Number(row.phone1),
            status=ContactStatus(row.status),
            due_at_ms=row.due_at_ms,
            attempts=row.attempts,
            faults=row.faults,
            last_outcome=None if row.last_outcome is None else Outcome(row.last_outcome),
        )
        for row in rows
    }
