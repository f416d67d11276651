"""docker-compose.asterisk.yml: sound as a file, and what its Asterisk writes at its start is taken by a real one."""

import asyncio
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.doctor import examine, reported
from app.settings import Settings
from asterisk.lab import Lab

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.asterisk.yml"
#: The words of the Compose Specification that the file uses; a slip of the pen is none of them.
SERVICE_WORDS = {
    "build", "command", "depends_on", "environment", "healthcheck", "network_mode", "restart", "stop_grace_period",
    "volumes", "working_dir",
}  # fmt: skip
BUILD_WORDS = {"context", "dockerfile_inline"}
HEALTH_WORDS = {"test", "interval", "timeout", "retries"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return loaded


def test_docker_compose_takes_the_file() -> None:
    known = shutil.which("docker") and subprocess.run(
        ["docker", "compose", "version"], capture_output=True, check=False
    )
    if not known or known.returncode != 0:
        pytest.skip("no docker compose on this machine; the test of its words stands in")
    command = ["docker", "compose", "-f", str(FILE), "config", "--quiet"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_every_word_is_one_of_the_specification(compose: dict[str, Any]) -> None:
    assert set(compose) == {"name", "services", "volumes"}
    for service in compose["services"].values():
        assert set(service) <= SERVICE_WORDS
        assert set(service["build"]) <= BUILD_WORDS
        assert set(service.get("healthcheck", {})) <= HEALTH_WORDS
        assert all(isinstance(value, str) for value in service["environment"].values())
        assert set(service.get("depends_on", {})) <= set(compose["services"])
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert source in compose["volumes"] or (ROOT / source).is_dir(), volume


def test_a_dollar_is_doubled_wherever_the_shell_is_meant(compose: dict[str, Any]) -> None:
    # A single one would be filled in by compose, with nothing.
    assert not re.search(r"(?<!\$)\$(?:\$\$)*(?!\$)", compose["services"]["asterisk"]["command"][2])


def test_both_services_see_prompts_under_one_path_and_share_the_password(compose: dict[str, Any]) -> None:
    asterisk, outring = compose["services"]["asterisk"], compose["services"]["outring"]
    mounts = {volume.split(":")[0]: volume.split(":")[1] for volume in asterisk["volumes"]}
    for volume in outring["volumes"]:
        assert mounts[volume.split(":")[0]] == volume.split(":")[1]
    assert outring["environment"]["OUTRING_DATA_DIR"].startswith(mounts["data"])
    for service in (asterisk, outring):
        assert service["environment"]["OUTRING_ARI_PASSWORD"] == "${OUTRING_ARI_PASSWORD:-}", "no default"


def test_without_a_password_it_says_so_and_does_not_start(compose: dict[str, Any], tmp_path: Path) -> None:
    result = _start(compose, tmp_path, password="")
    assert result.returncode == 1
    assert "openssl rand -hex 24" in result.stderr
    assert not list(tmp_path.iterdir())


def _start(compose: dict[str, Any], folder: Path, *, password: str) -> subprocess.CompletedProcess[str]:
    """What the Asterisk service does at its start, into a folder, up to starting it."""
    script = compose["services"]["asterisk"]["command"][2].replace("$$", "$")
    script = script.replace("etc=/etc/asterisk", f"etc={folder}")
    script = re.sub(r"^(chgrp|install|exec) .*$", "true", script, flags=re.MULTILINE)
    environment = os.environ | {"OUTRING_ARI_PASSWORD": password}
    return subprocess.run(["sh", "-euc", script], env=environment, capture_output=True, text=True, check=False)


def test_every_variable_given_to_outring_is_a_setting(compose: dict[str, Any]) -> None:
    names = {name.removeprefix("OUTRING_").lower() for name in compose["services"]["outring"]["environment"]}
    assert names <= set(Settings.model_fields)


@pytest.mark.asterisk
async def test_a_real_asterisk_takes_what_is_written_and_the_doctor_finds_it_healthy(
    compose: dict[str, Any], tmp_path: Path
) -> None:
    password = "c0ffee5eedf00dfeed"
    assert (await asyncio.to_thread(_start, compose, tmp_path, password=password)).returncode == 0
    async with Lab(lines=5) as lab:
        pbx = lab.pbx
        (pbx.config_dir / "outring").symlink_to(ROOT / "asterisk" / "conf", target_is_directory=True)
        for path in tmp_path.glob("*.conf"):  # as they are, but for the ports, which others may hold here
            text = path.read_text().replace("0.0.0.0:5060", f"127.0.0.1:{pbx.sip_port}")
            text += f"bindport = {pbx.http_port}\n" if path.name == "http.conf" else ""
            text = text.replace("[general]\n#include outring/rtp", f"[general]\nrtpstart = {pbx.rtp_first}\n"
                                f"rtpend = {pbx.rtp_last}\n#include outring/rtp")  # fmt: skip
            (pbx.config_dir / path.name).write_text(text)
        pbx.ari_password = password
        await pbx.restart()
        known: dict[str, Any] = {"ari_url": pbx.ari_url, "ari_password": password}
        known |= {"asterisk_recordings_dir": pbx.recordings_dir, "data_dir": tmp_path / "data"}
        report = await reported(examine(Settings(**known), config_dir=pbx.config_dir))
        assert "transport-udp" in await pbx.cli("pjsip show transports")
    # No provider is in it yet, and nothing else is amiss.
    assert [finding.what for finding in report.failed] == [
        "Asterisk has no PJSIP endpoint: there is nothing to call with."
    ]
