"""Two programs on one PostgreSQL and one Asterisk: killed or frozen, the other dials; nobody is called twice."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.asterisk.outring_process import OutringProcess
from tests.asterisk.standby_scene import frozen, killed, stage
from tests.postgres import PostgresCluster

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture(scope="module")
def cluster() -> Iterator[PostgresCluster]:
    with PostgresCluster.start() as running:
        yield running


async def test_killed_and_frozen(tmp_path: Path, cluster: PostgresCluster) -> None:
    async with stage(tmp_path, cluster) as on:
        campaign = await on.campaign(160)
        first = await on.dialer("first")
        await first.says("On duty")
        second = await on.dialer("second")
        third = await on.dialer("third")
        await second.says("Standing by")
        await third.says("Standing by")
        refused = await OutringProcess.start(on.lab.pbx, tmp_path / "fourth", on.url)
        async with asyncio.timeout(60):
            assert await refused.process.wait() == 1
        assert "another dialer is on duty" in refused.log.read_text()
        await on.begin(campaign, first)
        await killed(on, first, second, third)
        holder = second if any("On duty" in line for line in second.said) else third
        _, changes = await frozen(on, holder, 6.0)
        assert changes == 1, "the one that woke took nothing back"
        await on.accounted(campaign)
        for dialer in (second, third):
            await dialer.kill()
