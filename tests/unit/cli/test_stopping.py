"""`outring run` ends: people finish talking, a second signal ends at once, systemd is told."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from app import systemd
from app.cli import running
from app.commands import HangUp, PlaceCall
from app.events import CallAnswered, CallEnded, CallPlaced, TelephonyUp
from app.settings import load
from app.units import AttemptId
from tests.unit.panel.site import Site, open_site

DEADLINE_S = 20


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """Signals mean again what they meant before."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, before in kept.items():
        signal.signal(number, before)


async def until(is_so: Any, what: str) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert is_so(), what


@asynccontextmanager
async def at_work(folder: Path) -> AsyncIterator[tuple[Site, Any, AttemptId]]:
    """A dialer with one person on the line."""
    async with open_site(folder) as site:
        entry = await site.add_campaign(contacts=3)
        site.post(TelephonyUp(is_new_life=False))
        await site.operations.start_campaign(entry.campaign.id)
        await until(lambda: placed(site), "a call")
        attempt_id = placed(site)[0].attempt_id
        site.post(CallPlaced(attempt_id=attempt_id), CallAnswered(attempt_id=attempt_id))
        await until(lambda: site.operations.snapshot().campaigns[0].answered, "an answer")
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        yield site, SimpleNamespace(runtime=site.runtime, operations=site.operations, ended=ended), attempt_id


def placed(site: Site) -> list[PlaceCall]:
    return [one for one in site.telephony.commands if isinstance(one, PlaceCall)]


async def test_whoever_is_on_the_line_is_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with at_work(tmp_path) as (site, service, attempt_id):
        stopping = asyncio.create_task(running._let_finish(service, 60))
        await until(lambda: any(isinstance(one, HangUp) for one in site.telephony.commands), "ringing ones let go")
        assert not stopping.done()
        for call in placed(site):
            site.post(CallEnded(attempt_id=call.attempt_id, cause=16))
        async with asyncio.timeout(DEADLINE_S):
            await stopping
        assert site.runtime.dialer.is_at_rest
        assert "waiting for their end, 60 s at the most" in capsys.readouterr().out
        assert attempt_id


async def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    async with at_work(tmp_path) as (site, service, _attempt_id):
        stopping = asyncio.create_task(running._let_finish(service, 3_600))
        await until(lambda: any(isinstance(one, HangUp) for one in site.telephony.commands), "stopping")
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(DEADLINE_S):
            await stopping
        assert site.operations.snapshot().campaigns[0].answered == 1, "nobody was cut off"


async def test_patience_runs_out(tmp_path: Path) -> None:
    async with at_work(tmp_path) as (_site, service, _attempt_id):
        async with asyncio.timeout(DEADLINE_S):
            await running._let_finish(service, 0.1)


def test_secrets_of_the_settings_are_known_to_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTRING_ARI_PASSWORD", "of-ari")
    monkeypatch.setenv("OUTRING_AMI_URL", "ami://me:of-ami@127.0.0.1:5038")
    monkeypatch.setenv("OUTRING_DATABASE_URL", "postgresql+asyncpg://me:of%40pg@db/outring")
    monkeypatch.setenv("OUTRING_METRICS_TOKEN", "of-metrics")
    monkeypatch.setenv("OUTRING_DATABASES", '{"crm": "mysql+pymysql://u:of-crm@db/x"}')
    found = set(running.secrets_of(load()))
    assert {"of-ari", "of-ami", "of%40pg", "of@pg", "of-metrics", "of-crm"} <= found


async def test_a_process_tells_systemd_and_its_probes_and_ends_on_a_signal(tmp_path: Path) -> None:
    """The program itself, with no Asterisk to be found."""
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    heard.bind(str(tmp_path / "notify"))
    heard.setblocking(False)
    log = tmp_path / "outring.log"
    env = {name: value for name, value in os.environ.items() if not name.startswith("OUTRING_")} | {
        "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000", "OUTRING_HTTP_PORT": "0",
        "OUTRING_ARI_URL": "http://127.0.0.1:9/ari", "OUTRING_ARI_PASSWORD": "unheard-of", "OUTRING_LOG_FILE": str(log),
        "OUTRING_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/outring.db", "OUTRING_DATA_DIR": str(tmp_path / "d"),
        "OUTRING_LOG_LEVEL": "DEBUG", "PYTHONPATH": str(Path(running.__file__).parents[2]),
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app", "run", env=env, cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    loop = asyncio.get_running_loop()
    told = ""
    try:
        async with asyncio.timeout(60):
            while "STATUS=Panel at " not in told or told.count("WATCHDOG=1") < 2:
                told += (await loop.sock_recv(heard, 4_096)).decode() + "\n"
            assert "READY=1" in told
            url = told.split("STATUS=Panel at ")[1].split("\n")[0]
            async with aiohttp.ClientSession(url) as http:
                assert (await http.get("/health/live")).status == 200
                ready = await http.get("/health/ready")
                assert (ready.status, (await ready.json())["problems"][0]["part"]) == (503, "asterisk")
            process.send_signal(signal.SIGTERM)
            while "STOPPING=1" not in told:
                told += (await loop.sock_recv(heard, 4_096)).decode() + "\n"
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        heard.close()
    assert process.returncode == 130
    written = log.read_text()
    assert "winding down" in written
    assert "unheard-of" not in written


def test_outside_of_systemd_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not systemd.tell("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", "/nobody/is/here")
    assert not systemd.tell("READY=1")


@pytest.mark.parametrize(
    ("usec", "pid", "every"), [("", "", None), ("x", "", None), ("3000000", "", 3.0), ("3000000", "1", None)]
)
def test_the_watchdog_is_asked_of_us(monkeypatch: pytest.MonkeyPatch, usec: str, pid: str, every: float | None) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.setenv("WATCHDOG_PID", pid)
    assert systemd.watchdog_s() == every


def test_the_unit_waits_longer_than_a_start_may_take_and_names_what_there_is() -> None:
    unit = (Path(running.__file__).parents[2] / "deploy" / "outring.service").read_text()
    for line in (
        "Type=notify",
        "WatchdogSec=",
        "SuccessExitStatus=130",
        "ExecStart=/opt/outring/.venv/bin/outring run",
    ):
        assert line in unit
