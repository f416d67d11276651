"""Each condition the doctor knows is produced for real on a PBX of its own, and found with its mend.

One laboratory for the module, broken and mended again by each test; most with the very command the mend names.
"""

import asyncio
import contextlib
import json
import re
import shutil
import sys
import textwrap
import time
import wave
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from app.asterisk.ari.rest import new_session
from app.doctor import Finding, Report, Step, examine, reported
from app.model import Trunk
from app.settings import Settings
from app.units import TrunkId
from asterisk.lab import Lab
from asterisk.lab.server import Server

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]

EXTENSIONS = Path(__file__).parents[2] / "asterisk" / "conf" / "extensions.conf"
RELOAD_HTTP = "module reload http"
RELOAD_PJSIP = "module reload res_pjsip.so"
RELOAD_ARI = "module reload res_ari.so"
WITHIN_S = 10.0
ONLY_WHERE_THERE_IS_ONE = {
    Step.FREEPBX, Step.PHONE_LOSS, Step.PHONE_CODECS, Step.COMPLIANCE, Step.DUTY, Step.DATABASE, Step.AUDIT,
}  # fmt: skip
"""FreePBX, phones set up in Outring, compliance profiles of one's own, a database: these tests have none."""
commands_told: set[str] = set()
"""Every console command that a mend of these tests named."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sick() -> AsyncIterator[Lab]:
    """A laboratory whose PBX may be broken."""
    async with Lab(lines=10) as lab:
        yield lab


def settings_of(lab: Lab, **changed: Any) -> Settings:
    pbx = lab.pbx
    known: dict[str, Any] = {
        "ari_url": pbx.ari_url,
        "ari_password": pbx.ari_password,
        "asterisk_recordings_dir": pbx.recordings_dir,
        "data_dir": lab.directory / "data",
    }
    return Settings(**(known | changed))


async def looked_at(
    lab: Lab,
    *,
    trunks: Sequence[Trunk] = (),
    phones: Sequence[str] = (),
    prompts_dir: Path | None = None,
    now_ms: Callable[[], int] | None = None,
    **changed: Any,
) -> Report:
    settings, conf = settings_of(lab, **changed), lab.pbx.config_dir
    looked = examine(settings, trunks=trunks, phones=phones, prompts_dir=prompts_dir, config_dir=conf, now_ms=now_ms)
    report = await reported(looked)
    for finding in report.findings:
        commands_told.update(re.findall(r"asterisk -rx '([^']+)'", finding.mend))
    return report


def of(report: Report, step: Step) -> Finding:
    """The only finding of a step."""
    (found,) = [finding for finding in report.findings if finding.step is step]
    return found


def failed(report: Report) -> set[Step]:
    return {finding.step for finding in report.failed}


def trunk(endpoint: str, *prefixes: str) -> Trunk:
    return Trunk(id=TrunkId("t-" + endpoint), endpoint=endpoint, prefixes=prefixes or ("+44",))


@contextlib.asynccontextmanager
async def changed(pbx: Server, *commands: str, replace: bool = False, **files: str) -> AsyncIterator[None]:
    """Lines added to configuration files (`http="prefix = x"` is http.conf), read by Asterisk; all undone at the end.

    Without commands the PBX is restarted.
    """
    paths = {pbx.config_dir / f"{name}.conf": text for name, text in files.items()}
    before = {path: path.read_text() for path in paths}
    try:
        for path, text in paths.items():
            path.write_text(text if replace else f"{before[path]}\n{textwrap.dedent(text)}\n")
        await _read_again(pbx, commands)
        yield
    finally:
        for path, text in before.items():
            path.write_text(text)
        await _read_again(pbx, commands)


async def _read_again(pbx: Server, commands: Sequence[str]) -> None:
    for command in commands:
        await pbx.cli(command)
    if not commands:
        await pbx.restart()


# --- health ----------------------------------------------------------------------------------------------------------


async def test_a_healthy_asterisk_is_found_healthy_and_left_as_it_was(sick: Lab) -> None:
    pbx = sick.pbx
    ami = f"ami://{pbx.ami_user}:{pbx.ami_password}@127.0.0.1:{pbx.ami_port}"
    report = await looked_at(sick, trunks=[trunk("network")], ami_url=ami)
    assert report.is_healthy, report.failed
    assert {finding.step for finding in report.findings} == set(Step) - ONLY_WHERE_THERE_IS_ONE
    # The lab's PBX does not ask the network whether it is there, so nobody can know.
    assert [finding.step for finding in report.findings if finding.ok is None] == [Step.TRUNK_ANSWERS]
    for listing in ("channels", "bridges", "applications", "recordings/stored"):
        await _until_empty(pbx, listing)
    assert not (sick.directory / "data").exists()
    assert not list(pbx.recordings_dir.iterdir())
    assert re.search(r"^0 calls processed", await sick.network.cli("core show calls"), re.MULTILINE)


async def _until_empty(pbx: Server, listing: str) -> None:
    """Asterisk lets go of an application a moment after its websocket has closed."""
    deadline = asyncio.get_running_loop().time() + WITHIN_S
    async with new_session(pbx.ari_user, pbx.ari_password, 1) as session:
        while True:
            async with session.get(f"{pbx.ari_url}/{listing}") as reply:
                if not (left := await reply.json()):
                    return
            assert asyncio.get_running_loop().time() < deadline, f"{listing} left behind: {left}"
            await asyncio.sleep(0.02)


async def test_the_report_is_json_with_stable_names(sick: Lab) -> None:
    document = json.loads(json.dumps((await looked_at(sick)).document()))
    assert document["healthy"] is True
    assert document["findings"][0] == {
        "step": "reached",
        "ok": True,
        "what": f"Something listens at 127.0.0.1, port {sick.pbx.http_port}.",
        "mend": "",
        "place": "",
    }


async def test_without_a_trunk_the_endpoints_to_choose_from_are_named(sick: Lab) -> None:
    found = of(await looked_at(sick), Step.TRUNK)
    assert found.ok is None
    assert "network" in found.what


# --- the way to ARI --------------------------------------------------------------------------------------------------


async def test_a_wrong_port_is_named_with_the_right_one(sick: Lab) -> None:
    report = await looked_at(sick, ari_url="http://127.0.0.1:9/ari")
    found = report.findings[0]
    assert (found.step, found.ok) == (Step.REACHED, False)
    assert f'ari_url = "{sick.pbx.ari_url}"' in found.mend
    assert "ari_url" in found.place
    # What does not need Asterisk is looked at all the same, the rest is told as not checked.
    assert of(report, Step.HOST_NAME).ok
    assert of(report, Step.MODULES).what.endswith("not checked, because ARI is not reached.")
    assert {finding.step for finding in report.findings} == set(Step) - ONLY_WHERE_THERE_IS_ONE - {Step.MANAGER}


async def test_a_web_server_switched_off_is_told_from_its_file(sick: Lab) -> None:
    async with changed(sick.pbx, RELOAD_HTTP, http="enabled = no"):
        found = of(await looked_at(sick), Step.REACHED)
        assert found.ok is False
        lines = len((sick.pbx.config_dir / "http.conf").read_text().splitlines())
        assert found.place.endswith(f"http.conf, line {lines}: enabled = no")
        assert "enabled = yes" in found.mend
        assert "asterisk -rx 'module reload http'" in found.mend


@pytest.mark.parametrize("url", ["http://no.such.host.invalid:8088/ari", "http:///ari", "http://127.0.0.1:port/ari"])
async def test_an_address_that_leads_nowhere_is_mended_in_our_settings(sick: Lab, url: str) -> None:
    found = of(await looked_at(sick, ari_url=url), Step.REACHED)
    assert found.ok is False
    assert "outring.toml, ari_url" in found.place


async def test_a_port_that_does_not_speak_http(sick: Lab) -> None:
    report = await looked_at(sick, ari_url=f"http://127.0.0.1:{sick.pbx.ami_port}/ari")
    assert of(report, Step.REACHED).ok
    assert of(report, Step.HTTP).ok is False
    assert "does not speak HTTP" in of(report, Step.HTTP).what


async def test_an_asterisk_that_hangs(sick: Lab) -> None:
    await sick.pbx.freeze()
    try:
        report = await looked_at(sick)
    finally:
        await sick.pbx.thaw()
    assert of(report, Step.REACHED).ok
    assert "says nothing" in of(report, Step.HTTP).what
    assert of(report, Step.HTTP).ok is False


async def test_ari_switched_off(sick: Lab) -> None:
    async with changed(sick.pbx, RELOAD_ARI, ari="[general](+)\nenabled = no"):
        found = of(await looked_at(sick), Step.ARI)
        assert found.ok is False
        assert found.place.endswith("enabled = no")
        assert "ari.conf, line " in found.place
        assert "asterisk -rx 'module reload res_ari.so'" in found.mend
    assert of(await looked_at(sick), Step.ARI).ok


async def test_ari_behind_a_prefix_is_found(sick: Lab) -> None:
    async with changed(sick.pbx, RELOAD_HTTP, http="prefix = pbx"):
        found = of(await looked_at(sick), Step.ARI)
        assert found.ok is False
        assert f'ari_url = "http://127.0.0.1:{sick.pbx.http_port}/pbx/ari"' in found.mend


async def test_a_wrong_password_names_the_line_and_not_the_password(sick: Lab) -> None:
    found = of(await looked_at(sick, ari_password="quite-wrong-but-long"), Step.PASSWORD)
    assert found.ok is False
    assert re.search(r"ari\.conf, line \d+: password = …$", found.place)
    assert "ari_password" in found.mend
    assert sick.pbx.ari_password not in str(found)


async def test_an_unknown_user_and_an_empty_password(sick: Lab) -> None:
    assert "no file it reads has a section [nobody]" in of(await looked_at(sick, ari_user="nobody"), Step.PASSWORD).what
    report = await looked_at(sick, ari_password="")
    assert "No ARI password is set" in of(report, Step.PASSWORD).what
    assert of(report, Step.SECRECY).ok is False


async def test_a_user_who_may_only_look_and_whose_password_is_the_example(sick: Lab) -> None:
    user = "[looker]\ntype = user\nread_only = yes\npassword = change-me"
    async with changed(sick.pbx, RELOAD_ARI, ari=user):
        report = await looked_at(sick, ari_user="looker", ari_password="change-me")
    assert of(report, Step.PASSWORD).ok
    assert of(report, Step.RIGHTS).ok is False
    assert "read_only = no" in of(report, Step.RIGHTS).mend
    assert of(report, Step.RIGHTS).place.endswith("read_only = yes")
    assert of(report, Step.RECORDINGS).what.endswith("because the ARI user may only look.")
    assert "openssl rand -hex 24" in of(report, Step.SECRECY).mend
    assert failed(report) == {Step.RIGHTS, Step.SECRECY}


# --- Asterisk itself -------------------------------------------------------------------------------------------------


async def test_missing_modules_are_told_one_by_one_with_what_breaks(sick: Lab) -> None:
    gone = ("format_wav.so", "func_talkdetect.so", "chan_rtp.so")
    lines = "[modules](+)\n" + "\n".join(f"noload = {name}" for name in gone)
    async with changed(sick.pbx, modules=lines):
        report = await looked_at(sick)
        told = [finding for finding in report.findings if finding.step is Step.MODULES]
    assert [finding.what.split()[2] for finding in told] == ["func_talkdetect.so", "format_wav.so"]
    assert "no prompt can be played" in told[1].what
    assert "asterisk -rx 'module load format_wav.so'" in told[1].mend
    assert re.search(r"modules\.conf, line \d+$", told[1].place)
    assert of(report, Step.PROMPTS).ok is False
    # chan_rtp is only what the dialplan is asked through: without it we say that we do not know.
    assert of(report, Step.DIALPLAN).ok is None
    assert "dialplan show doctor00@outring-answered" in of(report, Step.DIALPLAN).mend


async def test_no_events_means_no_websocket(sick: Lab) -> None:
    async with changed(sick.pbx, modules="[modules](+)\nnoload = res_ari_events.so"):
        report = await looked_at(sick)
    assert of(report, Step.WEBSOCKET).ok is False
    assert "module load res_ari_events.so" in of(report, Step.WEBSOCKET).mend
    assert of(report, Step.PROMPTS).what.endswith("because the events websocket does not open.")
    assert failed(report) == {Step.MODULES, Step.WEBSOCKET}


async def test_a_web_server_that_takes_few_connections_and_is_open_to_the_world(sick: Lab) -> None:
    # Loopback stays the only address anything is sent to: the table of listening sockets tells the rest.
    async with changed(sick.pbx, RELOAD_HTTP, http="sessionlimit = 100\nbindaddr = 0.0.0.0"):
        report = await looked_at(sick)
    few, open_to_all = of(report, Step.SESSIONS), of(report, Step.EXPOSURE)
    assert failed(report) == {Step.SESSIONS, Step.EXPOSURE}
    assert "sessionlimit = 1000" in few.mend
    assert re.search(r"http\.conf, line \d+: sessionlimit = 100$", few.place)
    assert "0.0.0.0" in open_to_all.what
    assert "bindaddr = 127.0.0.1" in open_to_all.mend
    assert re.search(r"http\.conf, line \d+: bindaddr = 0\.0\.0\.0$", open_to_all.place)
    # What the mend says mends it: the lines are gone again, and the command was the mend's.
    assert "asterisk -rx 'module reload http'" in few.mend
    assert (await looked_at(sick)).is_healthy


async def test_another_dialer_holds_the_name_and_keeps_it(sick: Lab) -> None:
    async with _holding(sick.pbx, "somebody", "else") as holder:
        found = of(await looked_at(sick), Step.APPLICATION)
    assert found.ok is False
    assert f"process {holder.pid} " in found.what
    assert "ari_app" in found.place


async def test_outring_itself_may_hold_the_name(sick: Lab) -> None:
    async with _holding(sick.pbx, "outring", "run") as holder:
        found = of(await looked_at(sick), Step.APPLICATION)
    assert found.ok
    assert f"process {holder.pid}" in found.what


@contextlib.asynccontextmanager
async def _holding(pbx: Server, *called: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process, called like this, that holds the application; at the end it must still have it."""
    program = (
        "import asyncio, sys\nfrom app.asterisk.ari import AriClient\n"
        "async def hold():\n"
        "    async with AriClient(sys.argv[3], 'outring', sys.argv[4], 'outring') as client:\n"
        "        print('held', flush=True)\n"
        "        await asyncio.to_thread(sys.stdin.read)\n"
        "        print(client.state.value)\n"
        "asyncio.run(hold())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, *called, pbx.ari_url, pbx.ari_password,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert await process.stdout.readline() == b"held\n"
    try:
        yield process
    finally:
        said, _ = await process.communicate(b"")
    assert said == b"connected\n", "the doctor took the application"


async def test_a_name_left_behind_by_a_program_that_ended_is_free(sick: Lab) -> None:
    """Asterisk keeps an application that left while something of its own was in the list."""
    pbx = sick.pbx
    async with new_session(pbx.ari_user, pbx.ari_password, 2) as session:
        async with session.ws_connect(f"{pbx.ari_url}/events?app=outring"):
            await session.post(f"{pbx.ari_url}/bridges", json={"type": "mixing", "bridgeId": "kept"})
            subscription = f"{pbx.ari_url}/applications/outring/subscription"
            await session.post(subscription, json={"eventSource": ["bridge:kept"]})
        async with session.get(f"{pbx.ari_url}/applications") as reply:
            assert [application["name"] for application in await reply.json()] == ["outring"]
    found = of(await looked_at(sick), Step.APPLICATION)
    async with new_session(pbx.ari_user, pbx.ari_password, 1) as session:
        await session.delete(f"{pbx.ari_url}/bridges/kept")
    assert found.ok
    assert "left behind" in found.what


async def test_clocks_that_disagree(sick: Lab) -> None:
    report = await looked_at(sick, now_ms=lambda: time.time_ns() // 1_000_000 + 300_000)
    found = of(report, Step.CLOCK)
    assert found.ok is False
    assert "300 s behind" in found.what
    assert "timedatectl set-ntp true" in found.mend


async def test_the_machines_own_name_does_not_resolve(sick: Lab) -> None:
    """In a process of its own, on a machine of another name (a namespace), beside the same Asterisk."""
    program = (
        "import asyncio, json, sys\n"
        "from app.doctor import examine, reported\nfrom app.settings import Settings\n"
        "settings = Settings(**json.loads(sys.argv[1]))\n"
        "print(json.dumps(asyncio.run(reported(examine(settings))).document()))\n"
    )
    command = ["unshare", "--uts", "sh", "-c", 'hostname no-such-name.invalid && exec "$0" "$@"']
    probe = await asyncio.create_subprocess_exec(*command, "true", stderr=asyncio.subprocess.DEVNULL)
    if await probe.wait() != 0:
        pytest.skip("this user may not give a process another host name")
    given = {"ari_url": sick.pbx.ari_url, "ari_password": sick.pbx.ari_password}
    process = await asyncio.create_subprocess_exec(
        *command, sys.executable, "-c", program, json.dumps(given), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    (found,) = [row for row in json.loads(output)["findings"] if row["step"] == "host_name"]
    assert found["ok"] is False
    assert found["mend"] == "Run: echo '127.0.1.1 no-such-name.invalid' >> /etc/hosts"


async def test_freepbx_is_noticed_and_its_screens_named(sick: Lab) -> None:
    globals_ = "[globals]\nAMPBIN = /var/lib/asterisk/bin"
    async with changed(sick.pbx, extensions=globals_, http="sessionlimit = 100"):
        report = await looked_at(sick, trunks=[trunk("network")])
    assert of(report, Step.FREEPBX).ok
    found = of(report, Step.SESSIONS)
    assert "Settings → Advanced Settings → Asterisk Builtin mini-HTTP server" in found.place
    assert "http_custom.conf" in found.place
    assert "“Session Limit” to 1000" in found.mend
    assert "fwconsole reload" in found.mend


async def test_the_manager_interface_refuses_or_is_not_there(sick: Lab) -> None:
    pbx = sick.pbx
    url = f"ami://{pbx.ami_user}:wrong@127.0.0.1:{pbx.ami_port}"
    found = of(await looked_at(sick, ami_url=url), Step.MANAGER)
    assert "refuses" in found.what
    assert re.search(r"manager\.conf, line \d+: secret = …$", found.place)
    async with changed(pbx, "module reload manager", manager="[lazy]\nsecret = change-me\nread = call"):
        url = f"ami://lazy:change-me@127.0.0.1:{pbx.ami_port}"
        assert "can be guessed" in of(await looked_at(sick, ami_url=url), Step.MANAGER).what
    found = of(await looked_at(sick, ami_url="ami://outring:x@127.0.0.1:9"), Step.MANAGER)
    assert found.ok is False
    assert "enabled = yes" in found.mend


# --- dialplan, recordings, prompts -----------------------------------------------------------------------------------


async def test_the_dialplan_lacks_the_context(sick: Lab) -> None:
    async with changed(sick.pbx, "dialplan reload", replace=True, extensions="[other]\nexten => s,1,Hangup()\n"):
        found = of(await looked_at(sick), Step.DIALPLAN)
    assert found.ok is False
    assert found.place == f"{sick.pbx.config_dir / 'extensions.conf'}, [outring-answered]"
    assert "#include outring/extensions.conf" in found.mend
    assert "asterisk -rx 'dialplan reload'" in found.mend


async def test_the_dialplan_of_before_there_were_agents_is_enough_for_campaigns_without(sick: Lab) -> None:
    known = EXTENSIONS.read_text()
    without = known[: known.index("[outring-phone]")]
    async with changed(sick.pbx, "dialplan reload", replace=True, extensions=without):
        report = await looked_at(sick)
    found = of(report, Step.PHONES)
    assert report.is_healthy
    assert found.ok is None
    assert found.place == f"{sick.pbx.config_dir / 'extensions.conf'}, [outring-phone]"


async def test_the_dialplan_names_another_application(sick: Lab) -> None:
    report = await looked_at(sick, ari_app="second")
    found = of(report, Step.DIALPLAN)
    assert found.ok is False
    assert "Stasis(second," in found.mend
    assert re.search(r"extensions\.conf, line \d+$", found.place)
    assert "logged off" in of(report, Step.PHONES).what


async def test_the_sounds_of_the_apology_are_missing(sick: Lab) -> None:
    links = [path for path in sick.pbx.sounds_dir.iterdir() if path.is_symlink()]
    targets = {link: link.readlink() for link in links}
    for link in links:
        link.unlink()
    try:
        await sick.pbx.restart()
        found = of(await looked_at(sick), Step.APOLOGY)
    finally:
        for link, target in targets.items():
            link.symlink_to(target, target_is_directory=True)
        await sick.pbx.restart()
    assert found.ok is False
    assert "im-sorry" in found.what
    assert "apt-get install asterisk-core-sounds-en-wav" in found.mend


async def test_the_recording_folder_is_missing(sick: Lab) -> None:
    folder = sick.pbx.recordings_dir
    shutil.rmtree(folder)
    try:
        report = await looked_at(sick)
    finally:
        folder.mkdir()
    found = of(report, Step.RECORDINGS)
    assert found.ok is False
    assert f"install -d -o asterisk -g asterisk {folder}" in found.mend
    assert found.place == str(folder)
    assert of(report, Step.PROMPTS).ok, "one failure does not hide the next step"


async def test_recordings_land_elsewhere(sick: Lab, tmp_path: Path) -> None:
    found = of(await looked_at(sick, asterisk_recordings_dir=tmp_path), Step.RECORDINGS)
    assert found.ok is False
    assert "asterisk_recordings_dir" in found.place
    assert not list(sick.pbx.recordings_dir.iterdir())


async def test_a_folder_for_prompts_that_cannot_be_made(sick: Lab, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = of(await looked_at(sick, prompts_dir=tmp_path / "file" / "prompts"), Step.PROMPTS)
    assert found.ok is False
    assert "data_dir" in found.place


async def test_prompts_in_a_folder_of_a_difficult_name_are_played(sick: Lab, tmp_path: Path) -> None:
    folder = tmp_path / "prompts, new & old é"
    assert of(await looked_at(sick, prompts_dir=folder), Step.PROMPTS).ok
    assert not folder.exists()


async def test_a_prompt_of_48_khz_is_silent_and_told_by_name(sick: Lab, tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "hello.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(bytes(9_600))
    report = await looked_at(sick, prompts_dir=tmp_path)
    found = of(report, Step.PROMPT_FORMAT)
    assert found.ok is False
    assert "48,000 Hz" in found.what
    assert "-ar 8000" in found.mend
    assert found.place == str(tmp_path / "hello.wav")
    assert of(report, Step.PROMPTS).ok


# --- trunks ----------------------------------------------------------------------------------------------------------


async def test_trunks_dead_missing_without_g711_and_well(sick: Lab) -> None:
    port = sick.network.sip_port
    lines = f"""
        [wideband](outring-trunk)
        disallow = all
        allow = g722
        aors = wideband
        [wideband](outring-trunk-aor)
        contact = sip:127.0.0.1:{port}
        qualify_frequency = 1
        """
    async with changed(sick.pbx, RELOAD_PJSIP, pjsip=lines):
        await _until_asked(sick.pbx, "wideband", "Avail")
        await _until_asked(sick.pbx, "unreachable", "Unavail")
        known = [trunk(name) for name in ("wideband", "unreachable", "netwrok")]
        report = await looked_at(sick, trunks=known)
    told = {(finding.step, name): finding for finding in report.findings for name in _named(finding)}
    assert told[Step.TRUNK_ANSWERS, "t-wideband"].ok
    assert told[Step.CODECS, "t-wideband"].ok is False
    assert "allow = alaw,ulaw" in told[Step.CODECS, "t-wideband"].mend
    assert told[Step.CODECS, "t-wideband"].place.endswith("allow = g722")
    dead = told[Step.TRUNK_ANSWERS, "t-unreachable"]
    assert dead.ok is False
    assert re.search(r"pjsip\.conf, line \d+: contact = sip:127\.0\.0\.1:\d+$", dead.place)
    assert "pjsip qualify unreachable" in dead.mend
    assert told[Step.CODECS, "t-unreachable"].ok
    assert told[Step.TRUNK, "t-netwrok"].ok is False
    assert "Did you mean 'network'?" in told[Step.TRUNK, "t-netwrok"].what
    assert failed(report) == {Step.CODECS, Step.TRUNK, Step.TRUNK_ANSWERS}


def _named(finding: Finding) -> list[str]:
    return re.findall(r"^Trunk (\S+):", finding.what)


async def _until_asked(pbx: Server, endpoint: str, status: str) -> None:
    deadline = asyncio.get_running_loop().time() + WITHIN_S
    while f" {status} " not in await pbx.cli(f"pjsip show aor {endpoint}"):
        assert asyncio.get_running_loop().time() < deadline, "never asked"
        await asyncio.sleep(0.05)


async def test_no_trunk_may_call_anybody(sick: Lab) -> None:
    report = await looked_at(sick, trunks=[Trunk(id=TrunkId("t"), endpoint="network")])
    found = of(report, Step.PREFIXES)
    assert found.ok is False
    assert "+44" in found.mend
    assert found.place == "trunk t, prefixes"
    assert failed(report) == {Step.PREFIXES}


async def test_every_command_that_was_told_is_one_that_asterisk_knows(sick: Lab) -> None:
    for command in sorted(commands_told):
        if command.startswith("core restart"):
            command = f"core show help {' '.join(command.split()[:3])}"
        assert "No such command" not in await sick.pbx.cli(command), command


# --- phones ----------------------------------------------------------------------------------------------------------


async def test_a_phone_whose_loss_would_be_noticed_late_is_found_and_mended(sick: Lab) -> None:
    slow = """
        [2901]
        type = endpoint
        aors = 2901
        disallow = all
        allow = alaw
        [2901]
        type = aor
        max_contacts = 1
        qualify_frequency = 60
        """
    async with changed(sick.pbx, RELOAD_PJSIP, pjsip=slow):
        found = of(await looked_at(sick, phones=["2901"]), Step.PHONE_LOSS)
        assert found.ok is False
        assert "never noticed" in found.what
        assert "after up to 63 s" in found.what
    mended = slow.replace("aors = 2901", "aors = 2901\n        rtp_timeout = 2")
    mended = mended.replace("qualify_frequency = 60", "qualify_frequency = 1\n        qualify_timeout = 1.5")
    async with changed(sick.pbx, RELOAD_PJSIP, pjsip=mended):
        found = of(await looked_at(sick, phones=["2901"]), Step.PHONE_LOSS)
        assert found.ok, found
    missing = of(await looked_at(sick, phones=["2999"]), Step.PHONE_LOSS)
    assert missing.ok is False
    assert "no PJSIP endpoint" in missing.what


@pytest.mark.parametrize("first", ["alaw", "ulaw"])
async def test_a_phone_that_may_speak_otherwise_than_the_trunk_is_found_and_mended(sick: Lab, first: str) -> None:
    """The format all trunks have in common, the preferred one first, alone."""
    port = sick.network.sip_port
    second = "ulaw" if first == "alaw" else "alaw"
    trunks = f"""
        [preferring](outring-trunk)
        disallow = all
        allow = {first},{second}
        aors = preferring
        [preferring](outring-trunk-aor)
        contact = sip:127.0.0.1:{port}
        """
    phones = f"""
        [2901](outring-phone)
        disallow = all
        allow = alaw,ulaw
        aors = 2901
        [2901](outring-phone-aor)
        [2902](outring-phone)
        disallow = all
        allow = {second}
        aors = 2902
        [2902](outring-phone-aor)
        """
    both, known = ["2901", "2902"], [trunk("preferring")]

    async def told() -> list[Finding]:
        report = await looked_at(sick, trunks=known, phones=both)
        return [finding for finding in report.findings if finding.step is Step.PHONE_CODECS]

    async with changed(sick.pbx, RELOAD_PJSIP, pjsip=trunks + phones):
        choosing, other = await told()
        assert (choosing.ok, other.ok) == (False, False)
        assert f"may choose {second} where the trunk speaks {first}" in choosing.what
        assert choosing.place.endswith("allow = alaw,ulaw")
        assert f"speaks {second}, and the trunk {first}" in other.what
        for found in (choosing, other):
            assert f"`allow = {first}`" in found.mend
    mended = phones.replace("allow = alaw,ulaw", f"allow = {first}").replace(f"allow = {second}", f"allow = {first}")
    async with changed(sick.pbx, RELOAD_PJSIP, pjsip=trunks + mended):
        assert [found.ok for found in await told()] == [True, True]
