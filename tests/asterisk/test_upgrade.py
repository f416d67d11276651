"""An upgrade at noon: the dialer starts anew as what is on disk, people talk on, and who cannot start does not end."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import aiohttp
import pytest

from asterisk.lab import Lab
from tests.asterisk.campaign import records_in
from tests.asterisk.long_talks import Rest, conversations, held
from tests.asterisk.outring_process import OutringProcess

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio]

COUNT = 2


async def upgrade(url: str, *options: str) -> tuple[int, str]:
    """`outring upgrade`: its exit code, and what it said."""
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "upgrade", *options),
        env=os.environ | {"OUTRING_DATABASE_URL": url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await command.communicate()
    assert command.returncode is not None
    return command.returncode, said.decode()


async def test_people_talk_on_while_the_dialer_starts_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "outring.toml"
    settings.write_text("")
    monkeypatch.setenv("OUTRING_CONFIG", str(settings))
    url = f"sqlite+aiosqlite:///{tmp_path / 'outring.db'}"
    async with Lab(lines=2 * COUNT, phones=COUNT) as lab:
        key = await conversations(lab, tmp_path, COUNT)
        dialer = await OutringProcess.start(lab.pbx, tmp_path, url)
        async with (
            records_in(tmp_path) as records,
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as http,
        ):
            rest = Rest(records, http)
            await rest.look()
            async with asyncio.timeout(60):
                while sorted(state for state, _ in (await rest.desks()).values()) != ["talking"] * COUNT:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            before, up = await rest.desks(), await held(lab)

            settings.write_text("lease_s = 'for ever'\n")
            assert (await upgrade(url))[0] == 2, "the command reads the same settings, and says what is wrong"
            dialer.renew()
            await dialer.logs("cannot start: this one goes on")
            assert await rest.desks() == before, "whoever was on duty still is"

            settings.write_text("")
            code, said = await upgrade(url)
            assert code == 0, said
            assert "on duty again" in said
            await rest.look()
            async with asyncio.timeout(30):
                while await rest.desks() != before:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            assert await held(lab) == up, "the same channels in the same rooms"
            assert dialer.process.returncode is None, "it is the same process"
        await dialer.kill()


async def test_who_stands_by_starts_anew_and_stands_by(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'outring.db'}"
    async with Lab(lines=2) as lab:
        first = await OutringProcess.start(lab.pbx, tmp_path / "first", url)
        await first.says("On duty")
        second = await OutringProcess.start(lab.pbx, tmp_path / "second", url, options=("--standby",))
        await second.says("Standing by")
        second.renew()
        await second.says("Standing by", times=2)
        await first.kill()
        await second.says("On duty")
        await second.kill()


async def test_nobody_on_duty(tmp_path: Path) -> None:
    code, said = await upgrade(f"sqlite+aiosqlite:///{tmp_path / 'none.db'}")
    assert code == 1
    assert "there is no database" in said
