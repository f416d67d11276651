"""Conversations that outlive the dialer which made them, and what can be seen of them from outside."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp

from app.agents import AgentPlan, AgentState, DialingMode
from app.panel.passwords import new_key, token_hash
from app.store import people
from app.store.duty import look_at_duty
from app.units import MINUTE_MS
from asterisk.lab import Lab
from tests.asterisk.campaign import Site
from tests.asterisk.shift import one_life

WITHIN_S = 120.0
Desks = dict[int, tuple[str, str | None]]


async def conversations(lab: Lab, folder: Path, count: int) -> str:
    """Agents sign in on a dialer of this process, which then goes and leaves their conversations up.

    Answers a key for the REST interface.
    """
    async with one_life(lab, folder) as first:
        numbers = [f"+4477{place:06}00" for place in range(4 * count)]
        campaign = await first.campaign(
            DialingMode.PROGRESSIVE, numbers, AgentPlan(wrap_up_ms=MINUTE_MS), lines=2 * count
        )
        workers = [await first.worker(place) for place in range(count)]
        for worker in workers:
            await worker.sign_in(campaign)
            await worker.ready()
        for worker in workers:
            await worker.until_state(AgentState.TALKING, WITHIN_S)
        for phone in lab.phones.values():
            await phone.play_tone(440)
        store, now_ms = first.site.store, first.site.operations.now_ms
        admin = await store.write(people.add_user, name="anna", password_hash="", role=people.Role.ADMIN, now_ms=now_ms)
        key = new_key()
        await store.write(people.add_api_key, user_id=admin.id, name="key", key_hash=token_hash(key), now_ms=now_ms)
        return key


class Rest:
    """The REST interface of whichever dialer is on duty."""

    def __init__(self, records: Site, http: aiohttp.ClientSession) -> None:
        self._records = records
        self._http = http
        self._url = ""

    async def look(self) -> None:
        """Find out where it is; waits until it is somewhere else than before."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                entry = await self._records.store.read(look_at_duty)
                if entry is not None and entry.is_held and entry.url not in ("", self._url):
                    self._url = entry.url
                    return
                await asyncio.sleep(0.01)

    async def get(self, path: str) -> Any:
        async with self._http.get(f"{self._url}/api/v1{path}") as answer:
            return await answer.json()

    async def desks(self) -> Desks:
        """Each agent's state and card."""
        return {one["id"]: (one["state"], one["attempt_id"]) for one in await self.get("/agents") if one["phone"]}


async def held(lab: Lab) -> tuple[set[str], dict[str, frozenset[str]]]:
    """The PBX's channels, and its bridges with who is in them."""
    async with aiohttp.ClientSession(headers=lab.pbx.ari_headers) as http:
        channels = await (await http.get(f"{lab.pbx.ari_url}/channels")).json()
        bridges = await (await http.get(f"{lab.pbx.ari_url}/bridges")).json()
    return {one["id"] for one in channels}, {one["id"]: frozenset(one["channels"]) for one in bridges}
