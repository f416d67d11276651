"""The judgements that need no Asterisk: versions, passwords, addresses, wav files, ways into folders, reports."""

import asyncio
import wave
from pathlib import Path
from typing import Any

import pytest

from app.doctor import Finding, Report, Step, handsets, trunks
from app.doctor.conf import Conf
from app.doctor.finding import TITLES, bad, good, unknown
from app.doctor.listening import is_of_this_machine, is_open_to_others, listeners
from app.doctor.media import first_closed, write_tone, wrong_with
from app.doctor.modules import NEEDED
from app.doctor.safety import exposure, host_name, secrecy
from app.doctor.server import is_recent
from app.doctor.subject import Subject
from app.model import Trunk
from app.settings import Settings
from app.units import TrunkId


def subject(*, is_local: bool = True, **settings: Any) -> Subject:
    known: dict[str, Any] = {"ari_password": "3f9a0c58d1e27b64"} | settings
    conf = Conf(directory=Path("/nowhere"), is_readable_here=False)
    return Subject(
        settings=Settings(**known), trunks=(), prompts_dir=Path("/nowhere"), conf=conf, is_local=is_local,
        now_ms=lambda: 0,
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["22.4.0", "22.10.1+dfsg+~cs6.17", "20.14.0", "20.20.1", "23.0.0", "certified/22.8-cert1", "GIT-master-1a2b"],
)
def test_versions_that_will_do(text: str) -> None:
    assert is_recent(text)


@pytest.mark.parametrize("text", ["22.3.0", "20.13.9", "20.6.0~dfsg+~cs6", "21.12.0", "18.26.4", "16.2.1", "", "?"])
def test_versions_that_will_not_do(text: str) -> None:
    assert not is_recent(text)


@pytest.mark.parametrize(
    "password", ["", "change-me", "Asterisk", "outring", "short1", "aaaaaaaaaaaaaaaa", "1212121212121"]
)
def test_passwords_that_are_guessed(password: str) -> None:
    found = secrecy(subject(ari_password=password))
    assert found.ok is False
    assert "openssl rand -hex 24" in found.mend


def test_the_users_name_is_no_password_and_a_random_one_is() -> None:
    assert secrecy(subject(ari_user="Long-User-Name-7", ari_password="long-user-name-7")).ok is False
    assert secrecy(subject()).ok


@pytest.mark.parametrize(
    ("far", "source", "external", "ok"),
    [
        ("127.0.0.1", "127.0.0.1", "", True),
        ("10.1.2.3", "10.1.2.4", "", True),
        ("8.8.8.8", "10.1.2.4", "", False),
        ("8.8.8.8", "10.1.2.4", "9.9.9.9", True),
        ("8.8.8.8", "9.9.9.9", "", True),
        ("8.8.8.8", "", "", None),
    ],
)
def test_behind_nat_the_public_address_must_be_given_out(far: str, source: str, external: str, ok: bool | None) -> None:
    found = trunks.judged_nat(subject(), Trunk(id=TrunkId("t"), endpoint="t"), far, source, external)
    assert found.ok is ok
    assert ("external_media_address" in found.mend) is (ok is False)


async def test_an_address_of_a_trunk_is_read_from_its_uri() -> None:
    examined = Trunk(id=TrunkId("t"), endpoint="t")
    for contact in ("sip:127.0.0.1:5060", "sip:user@127.0.0.1;transport=udp", "sips:[::1]:5061"):
        assert (await trunks.nat(subject(), examined, contact, {})).ok
    assert (await trunks.nat(subject(), examined, "", {})).ok is None
    assert (await trunks.nat(subject(), examined, "sip:no.such.host.invalid", {})).ok is False


@pytest.mark.parametrize(
    ("allow", "ok"), [("(alaw|ulaw)", True), ("(g722|ulaw)", True), ("(g722)", False), ("()", False)]
)
def test_a_trunk_must_speak_g711(allow: str, ok: bool) -> None:
    assert trunks.codecs(subject(), Trunk(id=TrunkId("t"), endpoint="t"), allow).ok is ok


def test_a_trunk_that_may_call_the_world_is_told_so() -> None:
    def trunk(*prefixes: str, is_enabled: bool = True) -> Trunk:
        return Trunk(id=TrunkId("t"), endpoint="t", prefixes=prefixes, is_enabled=is_enabled)

    assert "all over the world" in trunks.prefixes([trunk("+")]).what
    assert trunks.prefixes([trunk(), trunk("+44")]).ok
    assert trunks.prefixes([trunk(), trunk("+44", is_enabled=False)]).ok is False
    assert trunks.prefixes([]).ok is None


def test_asterisk_on_another_machine_is_spoken_to_by_tls() -> None:
    assert exposure(subject(is_local=False, ari_url="http://192.0.2.1:8088/ari")).ok is False
    assert exposure(subject(is_local=False, ari_url="https://192.0.2.1:8089/ari")).ok


async def test_a_name_that_does_not_resolve_and_one_that_does() -> None:
    def unresolved(name: str) -> str:
        raise OSError(name)

    assert (await host_name(subject(), unresolved)).ok is False
    assert (await host_name(subject(), lambda name: "127.0.1.1")).ok
    assert (await host_name(subject(is_local=False))).ok is None


def wav(path: Path, *, rate: int = 8_000, channels: int = 1, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(bytes(channels * width * 10))
    return path


def test_wav_files_asterisk_does_not_play(tmp_path: Path) -> None:
    write_tone(tmp_path / "good.wav")
    (tmp_path / "png.wav").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "empty.wav").touch()
    assert wrong_with(tmp_path / "good.wav") == ""
    assert wrong_with(wav(tmp_path / "a.wav", rate=44_100, channels=2)) == "44,100 Hz, stereo"
    assert wrong_with(wav(tmp_path / "b.wav", width=1)) == "8 bit"
    assert wrong_with(tmp_path / "png.wav") == wrong_with(tmp_path / "empty.wav") == "not a plain wav file"


def test_the_folder_that_keeps_others_out_is_named(tmp_path: Path) -> None:
    for parent in (tmp_path, *tmp_path.parents):
        if not parent.stat().st_mode & 0o001:
            parent.chmod(0o711)  # pytest makes its folders for one user
    closed = tmp_path / "closed"
    closed.mkdir()
    write_tone(closed / "x.wav")
    assert first_closed(closed / "x.wav") is None
    closed.chmod(0o700)
    assert first_closed(closed / "x.wav") == closed
    closed.chmod(0o755)
    (closed / "x.wav").chmod(0o600)
    assert first_closed(closed / "x.wav") == closed / "x.wav"


async def test_who_listens_is_read_from_the_kernels_table() -> None:
    for host, shown in (("127.0.0.1", "127.0.0.1"), ("::1", "::1")):
        try:
            server = await asyncio.start_server(lambda reader, writer: None, host, 0)
        except OSError:
            continue  # a machine without IPv6
        async with server:
            assert listeners(server.sockets[0].getsockname()[1]) == [shown]
    assert not is_open_to_others("127.0.0.53")
    assert not is_open_to_others("::1")
    assert all(map(is_open_to_others, ("0.0.0.0", "::", "192.0.2.7")))


def test_which_addresses_are_this_machines() -> None:
    assert is_of_this_machine("127.0.0.1")
    assert is_of_this_machine("localhost")
    assert not is_of_this_machine("198.51.100.9")
    assert not is_of_this_machine("no.such.host.invalid")


def test_a_report_fails_by_what_is_wrong_not_by_what_is_unknown() -> None:
    well, dunno = good(Step.HTTP, "It speaks."), unknown(Step.CLOCK, "Who knows.")
    ill = bad(Step.ARI, "No ARI.", mend="Load it.", place="/etc/asterisk/ari.conf, line 3")
    assert Report(findings=(well, dunno)).is_healthy
    assert Report(findings=(well, ill)).failed == (ill,)
    assert Report(findings=(well, ill)).document()["healthy"] is False
    assert str(ill).splitlines() == ["✗ No ARI.", "    where: /etc/asterisk/ari.conf, line 3", "    mend:  Load it."]
    assert str(well) == "✓ It speaks."
    assert str(dunno) == "? Who knows."


def test_every_step_has_a_title_and_every_module_a_loss() -> None:
    assert set(TITLES) == set(Step)
    assert len({needed.name for needed in NEEDED}) == len(NEEDED)
    assert all(needed.purpose and needed.loss for needed in NEEDED)


def test_the_modules_needed_are_in_the_list_admins_get() -> None:
    given = (Path(__file__).parents[3] / "asterisk" / "conf" / "modules.conf").read_text()
    assert [needed.name for needed in NEEDED if f"load = {needed.name}\n" not in given] == []


def test_findings_are_data() -> None:
    assert Finding(step=Step.ARI, ok=None, what="x") == unknown(Step.ARI, "x")


@pytest.mark.parametrize(
    ("rtp", "frequency", "timeout", "words"),
    [
        ("2", "1", "1.500000", ""),
        ("1", "1", "2.0", ""),
        ("0", "1", "1.5", "never noticed"),
        ("30", "1", "1.5", "after up to 31 s"),
        ("2", "0", "1.5", "when its registration runs out"),
        ("2", "10", "2.0", "after up to 12 s"),
        ("2", "60", "", "after up to 60 s"),
    ],
)
def test_a_phone_whose_loss_would_be_noticed_late_is_told_so(
    rtp: str, frequency: str, timeout: str, words: str
) -> None:
    options, aor = {"rtp_timeout": rtp}, {"qualify_frequency": frequency, "qualify_timeout": timeout}
    found = handsets.judged(subject(), "1001", options, aor)
    assert found.ok is (words == "")
    assert words in found.what
    assert ("rtp_timeout = 2" in found.mend) is (rtp in ("0", "30"))
    assert ("qualify_frequency = 1" in found.mend) is (frequency != "1")
