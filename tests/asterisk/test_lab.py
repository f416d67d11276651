"""The laboratory itself: several side by side, nothing left behind, nobody outside is called."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import psutil
import pytest

from asterisk.lab import Lab, LabError, places
from asterisk.lab.__main__ import main
from asterisk.lab.numbers import named
from asterisk.lab.server import Server

pytestmark = pytest.mark.asterisk

HOLDER = """
import asyncio, json, sys
from asterisk.lab import Lab
async def hold():
    async with Lab() as lab:
        pids = [lab.pbx.pid, lab.network.pid, lab._carriers.pid]
        print(json.dumps({"pids": pids, "directory": str(lab.directory)}), flush=True)
        await asyncio.sleep(600)
asyncio.run(hold())
"""


async def eventually(is_so: Callable[[], bool], what: str) -> None:
    deadline = asyncio.get_running_loop().time() + 10
    while not is_so():
        assert asyncio.get_running_loop().time() < deadline, what
        await asyncio.sleep(0.02)


async def place(server: Server, channel: str, endpoint: str, timeout_s: int = 5) -> int:
    query: dict[str, str | int] = {"endpoint": endpoint, "channelId": channel, "timeout": timeout_s}
    query |= {"context": "outring-answered", "extension": channel, "priority": 1}
    async with (
        aiohttp.ClientSession(headers=server.ari_headers) as client,
        client.post(f"{server.ari_url}/channels", params=query) as reply,
    ):
        return reply.status


async def channels(server: Server) -> list[str]:
    async with (
        aiohttp.ClientSession(headers=server.ari_headers) as client,
        client.get(f"{server.ari_url}/channels") as reply,
    ):
        return [channel["state"] for channel in await reply.json()]


async def hang_up_all(server: Server) -> None:
    await server.cli("channel request hangup all")
    await until_states(server, [])


async def until_states(server: Server, states: list[str]) -> None:
    deadline = asyncio.get_running_loop().time() + 10
    while await channels(server) != states:
        assert asyncio.get_running_loop().time() < deadline, await channels(server)
        await asyncio.sleep(0.05)


async def test_two_side_by_side_do_not_hear_of_each_other(lab: Lab) -> None:
    async with Lab() as other:
        ranges = [range(s.rtp_first, s.rtp_last + 1) for one in (lab, other) for s in (one.pbx, one.network)]
        assert len({port for ports in ranges for port in ports}) == sum(map(len, ranges))
        assert await place(other.pbx, "only-here", "PJSIP/+12025550141@network") == 200
        await until_states(other.network, ["Ring"])
        assert await channels(lab.network) == []
        assert other.pbx.ari_password != lab.pbx.ari_password


async def test_nothing_is_left_after_stop() -> None:
    async with Lab() as lab:
        pids = [lab.pbx.pid, lab.network.pid]
        directory = lab.directory
        assert directory.is_dir()
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert not directory.exists()


async def test_files_stay_where_they_are_wanted(tmp_path: Path) -> None:
    async with Lab(tmp_path / ("deep" * 40), keep=True) as lab:
        run_dir = lab.run_dir
    assert lab.pbx.log_path.is_file()
    assert not run_dir.exists()


async def test_nothing_is_left_after_its_process_is_killed() -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", HOLDER, stdout=subprocess.PIPE)
    assert process.stdout is not None
    held = json.loads(await process.stdout.readline())
    assert all(is_alive(pid) for pid in held["pids"])
    process.kill()
    await process.wait()
    await eventually(lambda: not any(map(is_alive, held["pids"])), "processes outlive the one that started them")
    places.remove_stale()
    assert not Path(held["directory"]).exists()


async def test_nothing_is_left_when_it_is_interrupted_while_starting() -> None:
    before = set(places.base_dir().glob("lab-*"))
    children = psutil.Process().children(recursive=True)
    starting = asyncio.create_task(Lab().start())
    await eventually(lambda: set(places.base_dir().glob("lab-*/pbx")) - before != set(), "it does not start")
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert set(places.base_dir().glob("lab-*")) <= before
    assert set(psutil.Process().children(recursive=True)) <= set(children)


async def test_labs_of_living_processes_are_not_taken_for_stale(lab: Lab) -> None:
    places.remove_stale()
    assert lab.directory.is_dir()


@pytest.mark.parametrize("uri", ["sip:192.0.2.1:5060", "sip:provider.example", "sip:x@10.0.0.1;transport=udp"])
async def test_a_trunk_that_leads_outside_is_refused(uri: str) -> None:
    before = set(places.base_dir().glob("lab-*"))
    with pytest.raises(LabError, match="outside of this machine"):
        await Lab(extra_trunks={"outside": uri}).start()
    assert set(places.base_dir().glob("lab-*")) == before


async def test_a_further_trunk_on_this_machine_is_taken() -> None:
    async with Lab(extra_trunks={"mine": "sip:127.0.0.1:5999"}) as lab:
        assert "mine" in lab.trunks
        assert await place(lab.pbx, "by-mine", "PJSIP/+12025550100@mine") == 200


async def test_asterisk_starts_without_a_complaint() -> None:
    async with Lab() as fresh:
        for server in (fresh.pbx, fresh.network):
            log = server.log_path.read_text()
            assert "NOTICE" in log
            assert not [line for line in log.splitlines() if "ERROR[" in line or "WARNING[" in line]


async def test_everything_listens_on_loopback_alone(lab: Lab) -> None:
    assert await place(lab.pbx, "with-sound", "PJSIP/+12025550100@network") == 200
    await until_states(lab.network, ["Up"])
    for server in (lab.pbx, lab.network):
        taken = [c for c in psutil.Process(server.pid).net_connections() if c.laddr]
        # Two more are PJSIP's own: it would ask name servers from there, and the laboratory gives it no names.
        ours = {c.laddr for c in taken if c.status == psutil.CONN_LISTEN or c.laddr.port < 32_000}
        assert {address.ip for address in ours} == {"127.0.0.1"}
        assert any(server.rtp_first <= address.port <= server.rtp_last for address in ours)
    await hang_up_all(lab.pbx)


async def test_a_trunk_that_is_asked_and_does_not_reply_refuses_calls_at_once(lab: Lab) -> None:
    deadline = asyncio.get_running_loop().time() + 15
    while "Unavail" not in (state := await lab.pbx.cli("pjsip show aor unreachable")):
        assert asyncio.get_running_loop().time() < deadline, state
        await asyncio.sleep(0.1)
    assert await place(lab.pbx, "unreachable-1", "PJSIP/+12025550100@unreachable") == 500


async def test_restart_is_a_new_life_on_the_same_ports() -> None:
    async with Lab() as lab:
        url, pid = lab.pbx.ari_url, lab.pbx.pid
        assert await place(lab.pbx, "lost", "PJSIP/+12025550141@network", 60) == 200
        await lab.pbx.restart(kill=True)
        assert (lab.pbx.ari_url, await channels(lab.pbx)) == (url, [])
        assert lab.pbx.pid != pid
        assert await place(lab.pbx, "again", "PJSIP/+12025550100@network") == 200
        await lab.pbx.restart()
        assert await channels(lab.pbx) == []


async def test_frozen_answers_nothing_and_thawed_goes_on() -> None:
    async with Lab() as lab, aiohttp.ClientSession(headers=lab.pbx.ari_headers) as client:
        await lab.pbx.freeze()
        with pytest.raises(TimeoutError):
            await client.get(f"{lab.pbx.ari_url}/channels", timeout=aiohttp.ClientTimeout(total=0.5))
        await lab.pbx.thaw()
        async with client.get(f"{lab.pbx.ari_url}/channels") as reply:
            assert reply.status == 200
        await lab.network.freeze()


async def test_sipp_answers_the_trunk_for_load_and_hangs_up(lab: Lab) -> None:
    sipp = await lab.start_sipp(answer_after_ms=100)
    with pytest.raises(LabError, match="already"):
        await lab.start_sipp()
    async with aiohttp.ClientSession(headers=lab.pbx.ari_headers) as client:
        query = {"endpoint": "PJSIP/+12025550100@sipp", "app": "load", "channelId": "by-sipp"}
        async with client.ws_connect(f"{lab.pbx.ari_url}/events?app=load") as events:
            await client.post(f"{lab.pbx.ari_url}/channels", params=query)
            await received(events, "StasisStart")
            await client.delete(f"{lab.pbx.ari_url}/channels/by-sipp")
            await received(events, "ChannelDestroyed")
            await sipp.stop()
            await lab.start_sipp(hang_up_after_ms=200)
            await client.post(f"{lab.pbx.ari_url}/channels", params=query | {"channelId": "by-sipp-2"})
            assert (await received(events, "ChannelDestroyed"))["cause"] in (0, 16)


async def received(events: aiohttp.ClientWebSocketResponse, kind: str) -> dict[str, object]:
    async with asyncio.timeout(10):
        while True:
            event: dict[str, object] = await events.receive_json()
            if event["type"] == kind:
                return event


async def test_a_machine_records_what_is_said_after_its_beep(lab: Lab) -> None:
    machine = named("answering-machine")
    async with aiohttp.ClientSession(headers=lab.pbx.ari_headers) as client:
        url = f"{lab.pbx.ari_url}/channels"
        query = {"endpoint": f"PJSIP/+447700900{machine.suffix}@network", "app": "drop", "channelId": "message"}
        async with client.ws_connect(f"{lab.pbx.ari_url}/events?app=drop") as events:
            await client.post(url, params=query)
            await received(events, "StasisStart")
            await eventually(lambda: bool(recorded(lab)), "the machine does not record")
            await client.post(f"{url}/message/play", params={"media": "sound:im-sorry"})
            await received(events, "PlaybackFinished")
            await client.delete(f"{url}/message")
            await received(events, "ChannelDestroyed")
    await eventually(lambda: recorded(lab)[0].stat().st_size > 16_000, "nothing was recorded")


def recorded(lab: Lab) -> list[Path]:
    return list(lab.network.recordings_dir.glob("44770090030-*.wav"))


def test_up_status_and_down_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "--lines", "20"]) == 0
    up = json.loads(capsys.readouterr().out)
    assert is_alive(up["pbx"]["pid"])
    assert main(["status"]) == 0
    assert up["environment"]["OUTRING_ARI_URL"] in capsys.readouterr().out
    os.kill(up["pid"], signal.SIGTERM)
    deadline = time.monotonic() + 10
    while is_alive(up["pbx"]["pid"]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(up["pbx"]["pid"])


def is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
