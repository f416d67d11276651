"""The dialer is killed with many conversations up: does the sound go on, and when has the next one everything again?

`python -m tests.asterisk.takeover_figures 50 5`: so many conversations, so many kills in a row. Needs root, for looking
at the packets.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import aiohttp

from app.agents import AgentPlan, AgentState, DialingMode
from app.panel.passwords import new_key, token_hash
from app.store import people
from app.store.duty import look_at_duty
from app.units import MINUTE_MS
from asterisk.lab import Lab
from tests.asterisk.campaign import Site, records_in
from tests.asterisk.outring_process import OutringProcess
from tests.asterisk.rtp_gaps import RtpTimes
from tests.asterisk.shift import one_life

SETTLE_S = 2.0
UNDISTURBED_S = 15.0
WITHIN_S = 120.0
Desks = dict[int, tuple[str, str | None]]


async def _conversations(lab: Lab, folder: Path, count: int) -> str:
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


async def _held(lab: Lab) -> tuple[set[str], dict[str, frozenset[str]]]:
    """The PBX's channels, and its bridges with who is in them."""
    async with aiohttp.ClientSession(headers=lab.pbx.ari_headers) as http:
        channels = await (await http.get(f"{lab.pbx.ari_url}/channels")).json()
        bridges = await (await http.get(f"{lab.pbx.ari_url}/bridges")).json()
    return {one["id"] for one in channels}, {one["id"]: frozenset(one["channels"]) for one in bridges}


async def _until(is_so: Any, what: str) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not await is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    print(what, file=sys.stderr)


async def _measure(count: int, kills: int) -> None:
    with tempfile.TemporaryDirectory(prefix="outring-takeover-") as name:
        folder = Path(name)
        url = f"sqlite+aiosqlite:///{folder / 'outring.db'}"
        async with Lab(lines=2 * count, phones=count) as lab:
            key = await _conversations(lab, folder, count)
            dialer = await OutringProcess.start(lab.pbx, folder, url)
            async with (
                records_in(folder) as records,
                aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as http,
            ):
                rest = Rest(records, http)
                await rest.look()

                async def are_talking() -> bool:
                    return [state for state, _ in (await rest.desks()).values()].count("talking") == count

                await _until(are_talking, f"{count} conversations")
                await _kill_again_and_again(dialer, lab, rest, kills, folder, url)


async def _kill_again_and_again(
    dialer: OutringProcess, lab: Lab, rest: Rest, kills: int, folder: Path, url: str
) -> None:
    loop = asyncio.get_running_loop()
    before, held = await rest.desks(), await _held(lab)
    from_start_s: list[float] = []
    from_duty_s: list[float] = []
    times = RtpTimes()
    await asyncio.sleep(UNDISTURBED_S)
    undisturbed = times.gaps()
    times.close()
    times = RtpTimes()
    for _ in range(kills):
        await asyncio.sleep(SETTLE_S)
        await dialer.kill()
        began_s = loop.time()
        dialer = await OutringProcess.start(lab.pbx, folder, url)
        await rest.look()
        on_duty_s = loop.time()

        async def has_everything() -> bool:
            return await rest.desks() == before

        await _until(has_everything, "taken over")
        from_start_s.append(loop.time() - began_s)
        from_duty_s.append(loop.time() - on_duty_s)
        assert await _held(lab) == held, "channels and bridges are as they were"
    await asyncio.sleep(SETTLE_S)
    gaps = times.gaps()
    times.close()
    print(f"{len(before)} conversations, {kills} kills: the same channels, bridges, states and cards after each")
    for what, seen in ((f"{UNDISTURBED_S:g} s undisturbed", undisturbed), ("with the kills", gaps)):
        middle = statistics.median(seen.per_flow_ms)
        print(
            f"{what}: {seen.flows} streams of sound, {seen.packets} packets; largest gap {seen.largest_ms:.1f} ms, "
            f"of half the streams under {middle:.1f} ms"
        )
    for what, found in (("from its panel's opening", from_duty_s), ("from the start of the process", from_start_s)):
        print(f"everything again, {what}: median {statistics.median(found):.2f} s, at the most {max(found):.2f} s")
    await dialer.kill()


if __name__ == "__main__":
    asyncio.run(_measure(int(sys.argv[1]), int(sys.argv[2])))
