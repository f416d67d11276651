"""The disk is full, or the database away: nobody is called, opt-outs are kept, and all goes on by itself afterwards."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.commands import AddDnc
from app.dialing.dialer import Dialer
from app.duty import Duty
from app.events import CampaignStarted, DncAdded, Event, StoreBack, StoreFailed, TrunkSet
from app.journal import Journal
from app.model import CampaignStatus, Trunk
from app.runtime import Runtime
from app.service import service
from app.settings import Settings
from app.store import SqlStore, dnc
from app.store.campaigns import get_campaign
from app.units import TrunkId
from tests.postgres import PostgresCluster
from tests.store.test_lost_claims import BusyNetwork, LaterClock, Silence, until
from tests.store.world import build, phone
from tests.unit.dialing.build import FLOW

CONTACTS = 200
OPTED_OUT = "+447700955555"


class Scene:
    """A dialer at work, with a trunk that takes thirty calls a second."""

    def __init__(self, store: SqlStore, journal: Journal) -> None:
        self.store = store
        self.network = BusyNetwork()
        self.journal = journal
        self.seen: list[Event] = []
        self.runtime = Runtime(
            dialer=Dialer(),
            telephony=self.network,
            store=store,
            prompts=Silence(),
            clock=LaterClock(),
            opt_outs=journal,
        )
        self.runtime.watch(self.seen.append)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Dial a list."""
        [campaign_id] = await self.store.write(build, [phone(place) for place in range(CONTACTS)])
        entry = await self.store.read(get_campaign, campaign_id)
        plan = replace(entry.campaign, calls_per_second=30.0, lines=30)
        self.campaign_id = campaign_id
        trunk = Trunk(id=TrunkId(plan.trunks[0]), endpoint="way", prefixes=("+",), calls_per_second=30.0, lines=30)
        first: list[Event] = [TrunkSet(trunk=trunk), CampaignStarted(campaign=plan, flow=FLOW)]
        working = asyncio.create_task(self.runtime.run(first))
        try:
            yield
        finally:
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working

    async def calls(self, more_than: int) -> int:
        """Wait until more calls were placed; answers how many."""

        async def are_placed() -> bool:
            return len(self.network.attempts) > more_than

        await until(are_placed)
        return len(self.network.attempts)

    async def trouble(self) -> None:
        """Wait until the dialer knows."""

        async def is_known() -> bool:
            return bool(self.runtime.dialer.snapshot(self.runtime.clock.now_ms()).disk_trouble)

        await until(is_known)

    async def well(self) -> None:
        """Wait until it dials again."""

        async def is_known() -> bool:
            return not self.runtime.dialer.snapshot(self.runtime.clock.now_ms()).disk_trouble

        await until(is_known)

    async def opt_out_is_kept(self) -> None:
        """Somebody opts out just now: it counts at once, and is on disk."""
        told = self.runtime.expect(lambda event: isinstance(event, DncAdded) and event.number == OPTED_OUT, 20)
        self.runtime.write(AddDnc(number=OPTED_OUT, source="api"))
        await told
        assert [one.number for one in Journal(self.journal._path.parent).kept] == [OPTED_OUT]

    async def opt_out_has_landed(self) -> None:
        """The database has it, and the journal is empty."""

        async def is_there() -> bool:
            return await self.store.read(dnc.is_dnc, OPTED_OUT) and not self.journal.kept

        await until(is_there)
        assert Journal(self.journal._path.parent).kept == ()

    async def nobody_is_called(self) -> None:
        """For a while longer than a claim is good for."""
        before = len(self.network.attempts)
        await asyncio.sleep(2.5)
        assert len(self.network.attempts) == before

    async def finished(self) -> None:
        """Everybody was called once."""

        async def is_finished() -> bool:
            entry = await self.store.read(get_campaign, self.campaign_id)
            return entry.status is CampaignStatus.FINISHED or len(self.network.placed) == CONTACTS

        await until(is_finished)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of six megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "outring-test", str(folder)]
    if (
        os.getuid()
        or shutil.which("mount") is None
        or subprocess.run(mount, check=False, capture_output=True).returncode
    ):
        pytest.skip("a small file system can be mounted by root alone")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


async def test_the_disk_is_full_and_is_given_room_again(small_disk: Path) -> None:
    """Database and journal on the same small disk, filled by somebody else."""
    async with await SqlStore.open(f"sqlite+aiosqlite:///{small_disk / 'outring.db'}") as store:
        scene = Scene(store, Journal(small_disk))
        async with scene.at_work():
            await scene.calls(20)
            filler = small_disk / "filler"
            with filler.open("wb", buffering=0) as file, suppress(OSError):
                while True:
                    file.write(bytes(4_096))
            await scene.trouble()
            await scene.nobody_is_called()
            await scene.opt_out_is_kept()
            placed = len(scene.network.attempts)
            filler.unlink()
            await scene.well()
            await scene.opt_out_has_landed()
            await scene.calls(placed)
            await scene.finished()
        assert max(scene.network.placed.values()) == 1
        assert any(isinstance(event, StoreFailed) for event in scene.seen)
        assert any(isinstance(event, StoreBack) for event in scene.seen)


@pytest.mark.postgres
async def test_the_database_is_away_and_comes_back(tmp_path: Path) -> None:
    with PostgresCluster.start() as cluster:
        async with await SqlStore.open(cluster.new_database()) as store:
            scene = Scene(store, Journal(tmp_path))
            async with scene.at_work():
                await scene.calls(20)
                cluster.halt(signal.SIGINT)  # in a crash this cluster forgets: it does not sync, for speed
                await scene.trouble()
                await scene.nobody_is_called()
                await scene.opt_out_is_kept()
                placed = len(scene.network.attempts)
                cluster.go_on()
                await scene.well()
                await scene.opt_out_has_landed()
                await scene.calls(placed)
                await scene.finished()
            assert max(scene.network.placed.values()) == 1


async def test_what_was_kept_when_the_program_died_lands_before_the_first_call(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.keep([AddDnc(number=phone(0), source="keypress")])
    async with await SqlStore.open(f"sqlite+aiosqlite:///{tmp_path / 'outring.db'}") as store:
        scene = Scene(store, Journal(tmp_path))
        async with scene.at_work():
            await scene.calls(CONTACTS - 2)
        assert phone(0) not in scene.network.placed
        assert Journal(tmp_path).kept == ()


async def test_what_was_kept_when_the_program_died_lands_also_while_another_dialer_is_on_duty(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'outring.db'}"
    Journal(tmp_path).keep([AddDnc(number=phone(0), source="keypress")])
    chosen: dict[str, Any] = {"database_url": url, "data_dir": tmp_path, "standby": True}
    settings = Settings(**chosen)
    shown = asyncio.Event()

    async def stand_by() -> None:
        async with service(settings, on_standby=lambda entry: shown.set(), with_panel=False):
            raise AssertionError("the other dialer is on duty all the time")

    async with await SqlStore.open(url) as store:
        other = Duty(store, lease_ms=60_000)
        await other.obtain(stands_by=False)
        standing = asyncio.create_task(stand_by())
        try:
            async with asyncio.timeout(30):
                await asyncio.wait({standing, asyncio.create_task(shown.wait())}, return_when=asyncio.FIRST_COMPLETED)
            assert shown.is_set(), standing
            assert await store.read(dnc.is_dnc, phone(0))
            assert Journal(tmp_path).kept == ()
        finally:
            standing.cancel()
            await asyncio.gather(standing, return_exceptions=True)
            await other.leave()
