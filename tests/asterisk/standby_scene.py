"""Two dialers on one database: one dials, the other takes over when it is killed or frozen. For tests and figures.

`python -m tests.asterisk.standby_scene 5` measures, five times each, how long nobody dials.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from app.panel.passwords import new_key, token_hash
from app.store import people
from app.store.duty import look_at_duty
from app.units import CampaignId
from asterisk.lab import Lab
from tests.asterisk.campaign import BYE, PATIENCE_S, Site, records_in
from tests.asterisk.far_side import FarSide
from tests.asterisk.ledger import assert_accounted
from tests.asterisk.outring_process import OutringProcess
from tests.asterisk.wire import Wire
from tests.postgres import PostgresCluster

PER_SECOND = 10
STANDBY = ("--standby",)
IN_FLIGHT_S = 0.1
"""What was asked for before a dialer stopped is on the wire by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A laboratory, a PostgreSQL, and records of what two dialers do with them."""

    lab: Lab
    records: Site
    wire: Wire
    far: FarSide
    folder: Path
    url: str

    async def dialer(self, name: str) -> OutringProcess:
        """Start a dialer that stands by if another is on duty."""
        return await OutringProcess.start(self.lab.pbx, self.folder / name, self.url, options=STANDBY)

    async def campaign(self, contacts: int) -> CampaignId:
        """A campaign that is not started yet."""
        trunk = await self.records.trunk("carrier", lines=60)
        numbers = [f"+4477{place:06}00" for place in range(contacts)]
        return await self.records.draft(BYE, [trunk], numbers, calls_per_second=PER_SECOND, lines=50)

    async def begin(self, campaign: CampaignId, dialer: OutringProcess) -> None:
        """Have the dialer on duty start it."""
        store, now_ms = self.records.store, self.records.operations.now_ms
        user = await store.write(people.add_user, name="anna", password_hash="", role=people.Role.ADMIN, now_ms=now_ms)
        key = new_key()
        await store.write(people.add_api_key, user_id=user.id, name="key", key_hash=token_hash(key), now_ms=now_ms)
        entry = await store.read(look_at_duty)
        assert entry is not None
        assert any(entry.url in line for line in dialer.said), "it tells where its panel is"
        headers = {"Authorization": f"Bearer {key}"}
        async with aiohttp.ClientSession(headers=headers) as http:
            answer = await http.post(f"{entry.url}/api/v1/campaigns/{campaign}/start")
            assert answer.status == 200, await answer.text()
            told = await (await http.get(f"{entry.url}/api/v1/duty")).json()
            assert (told["is_held"], told["epoch"]) == (True, entry.epoch)

    async def more_calls(self, after_s: float, why: str) -> float:
        """Wait for a call that began after a moment; answers when it came."""
        found: list[float] = []

        def has_come() -> bool:
            found[:] = [one.at_s for one in self.wire.invites[-200:] if one.at_s > after_s][:1]
            return bool(found)

        await self.records.until(has_come, why)
        return found[0]

    async def epoch(self) -> int:
        """How often duty was taken."""
        entry = await self.records.store.read(look_at_duty)
        return 0 if entry is None else entry.epoch

    async def accounted(self, campaign: CampaignId) -> None:
        """The campaign ends, and nobody was called twice."""
        await self.records.finished(campaign, 2 * PATIENCE_S)
        await assert_accounted(self.records, self.wire, self.far, campaign)
        assert set(self.wire.calls.values()) == {1}


@asynccontextmanager
async def stage(folder: Path, cluster: PostgresCluster) -> AsyncIterator[Stage]:
    """Set one up."""
    wire = await Wire.open()
    try:
        async with Lab(lines=60, extra_trunks={"carrier": wire.uri}) as lab:
            wire.lead_to(lab.network.sip_port)
            url = cluster.new_database()
            async with FarSide(lab) as far, records_in(folder, url) as records:
                yield Stage(lab=lab, records=records, wire=wire, far=far, folder=folder, url=url)
    finally:
        wire.close()


async def killed(on: Stage, holder: OutringProcess, *standing_by: OutringProcess) -> float:
    """Kill the dialer on duty in the midst of calls; answers for how many seconds nobody dialed."""
    loop = asyncio.get_running_loop()
    await on.more_calls(loop.time(), "the dialer on duty dials")
    gone_s = loop.time()
    await holder.kill()
    back_s = await on.more_calls(gone_s + IN_FLIGHT_S, "the standby dials")
    assert sum("On duty" in line for one in standing_by for line in one.said) == 1
    return back_s - gone_s


async def frozen(on: Stage, holder: OutringProcess, for_s: float) -> tuple[float, int]:
    """Freeze the dialer on duty, and wake it once another dials: it must do nothing.

    Answers for how many seconds nobody dialed, and how often duty changed hands: once.
    """
    loop = asyncio.get_running_loop()
    await on.more_calls(loop.time(), "the dialer on duty dials")
    before, stood_by = await on.epoch(), sum("Standing by" in line for line in holder.said)
    holder.freeze()
    gone_s = loop.time()
    back_s = await on.more_calls(gone_s + IN_FLIGHT_S, "the standby dials")
    await asyncio.sleep(max(0.0, gone_s + for_s - loop.time()))
    holder.thaw()
    await holder.says("Standing by", stood_by + 1)
    await on.more_calls(loop.time(), "calls go on")
    return back_s - gone_s, await on.epoch() - before


async def _measure(times: int) -> None:
    with tempfile.TemporaryDirectory(prefix="outring-standby-") as folder, PostgresCluster.start() as cluster:
        async with stage(Path(folder), cluster) as on:
            campaign = await on.campaign(times * 240)
            dialers = [await on.dialer("0")]
            await dialers[0].says("On duty")
            dialers.append(await on.dialer("1"))
            await dialers[1].says("Standing by")
            await on.begin(campaign, dialers[0])
            killed_s, frozen_s = [], []
            for place in range(times):
                killed_s.append(await killed(on, dialers[0], dialers[1]))
                dialers = [dialers[1], await on.dialer(f"{place + 2}")]
                await dialers[1].says("Standing by")
                away_s, changes = await frozen(on, dialers[0], 10.0)
                assert changes == 1, f"duty changed hands {changes} times"
                frozen_s.append(away_s)
                dialers.reverse()
            await on.accounted(campaign)
            print(f"{len(on.wire.invites)} calls, nobody twice")
            for name, found in (("killed", killed_s), ("frozen for 10 s", frozen_s)):
                each = ", ".join(f"{one:.2f}" for one in found)
                middle, most = statistics.median(found), max(found)
                print(f"{name}: nobody dialed for {middle:.2f} s, at the most {most:.2f} s ({each})")
            for dialer in dialers:
                await dialer.kill()


if __name__ == "__main__":
    asyncio.run(_measure(int(sys.argv[1])))
