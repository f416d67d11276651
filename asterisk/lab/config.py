"""Configuration of the laboratory's Asterisks: the files admins get, plus the lab's ports, passwords, trunks."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from asterisk.lab.dialplan import network_dialplan
from asterisk.lab.errors import LabError
from asterisk.lab.server import Server

CONF_DIR = Path(__file__).parent.parent / "conf"
_LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
_ADDRESS_KEYS = (
    "contact",
    "match",
    "outbound_proxy",
    "server_uri",
    "client_uri",
    "bind",
    "external_media_address",
    "external_signaling_address",
    "media_address",
    "registrar",
    "remote_hosts",
    "local_net",
)

# Without the second line RTP listens on every address of the machine.
SOUND_ON_LOOPBACK = "media_address = 127.0.0.1\nbind_rtp_to_media_address = yes\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """A way out of the PBX of the lab."""

    name: str
    uri: str
    is_qualified: bool = False
    """Whether the PBX asks the far end all the time if it is there."""


def write_pbx(server: Server, trunks: tuple[Trunk, ...], phones: str = "") -> None:
    """Write the configuration of the PBX; phones: sections of its own for agents' phones.

    Raises LabError for a trunk that leads off this machine.
    """
    write_common(server)
    parts = [transport(server), _include("pjsip.conf")]
    parts += [*map(_trunk, trunks), phones]
    write(server, "pjsip.conf", "\n".join(parts))
    write(server, "extensions.conf", _include("extensions.conf"))
    refuse_outside_addresses(server.config_dir / "pjsip.conf")


def write_network(server: Server, pbx: Server) -> None:
    """Write the configuration of the telephone network."""
    write_common(server)
    peer = f"""\
[pbx]
type = endpoint
context = network
disallow = all
allow = alaw,ulaw
direct_media = no
rtp_symmetric = yes
timers = no
aors = pbx
{SOUND_ON_LOOPBACK}[pbx]
type = aor
contact = sip:127.0.0.1:{pbx.sip_port}
[pbx]
type = identify
endpoint = pbx
match = 127.0.0.1
"""
    write(server, "pjsip.conf", transport(server) + peer)
    write(server, "extensions.conf", network_dialplan(str(server.recordings_dir)))
    refuse_outside_addresses(server.config_dir / "pjsip.conf")


def refuse_outside_addresses(path: Path) -> None:
    """Check that every address in a PJSIP configuration (with what it includes) is on this machine's loopback.

    Raises LabError naming file, line and address: the laboratory calls nobody.
    """
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        bare = line.split(";", 1)[0] if line.lstrip().startswith(";") else line.replace("\\;", "\0").split(" ;", 1)[0]
        if included := re.match(r'\s*#(?:try)?include\s+"?([^"]+)"?', bare):
            refuse_outside_addresses(path.parent / included[1].strip())
            continue
        key, _, value = bare.partition("=")
        if key.strip().lower() in _ADDRESS_KEYS:
            for address in _addresses(value.lstrip(">")):
                if not _is_loopback(address):
                    raise LabError(
                        f"{path}, line {number}: {key.strip()} leads to {address}, outside of this machine. "
                        "The laboratory calls only 127.0.0.0/8."
                    )


def _addresses(value: str) -> list[str]:
    """Hosts in "sip:user@host:port;lr", "host:port", "a,b/32"; what cannot be read is returned whole."""
    hosts = []
    for part in filter(None, (piece.strip().strip('"<>') for piece in value.split(","))):
        bare = re.sub(r"^sips?:", "", part)
        bare = bare.rsplit("@", 1)[-1].replace("\0", ";").split(";", 1)[0].split("\\", 1)[0]
        hosts.append(re.sub(r"(:\d+)?(/[\d.]+)?$", "", bare) or part)
    return hosts


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address) in _LOOPBACK
    except ValueError:
        return False


def write_common(server: Server) -> None:
    """Folders, links and the files that all the laboratory's Asterisks share."""
    for folder in ("etc", "log", "spool/recording", "var", "keys/keys", "agi", "share/sounds", "log/cdr-csv"):
        (server.directory / folder).mkdir(parents=True, exist_ok=True)
    server.run_dir.mkdir(parents=True, exist_ok=True)
    _link_data(server)
    for name, text in _common_files(server).items():
        write(server, name, text)


def _common_files(server: Server) -> Mapping[str, str]:
    return {
        "asterisk.conf": _asterisk_conf(server),
        "modules.conf": _include("modules.conf"),
        "ari.conf": f"[general]\n{_include('ari.conf')}[{server.ari_user}](+)\npassword = {server.ari_password}\n",
        "http.conf": f"[general]\n{_include('http.conf')}[general](+)\nbindport = {server.http_port}\n",
        "manager.conf": f"[general]\n{_include('manager.conf')}[general](+)\nport = {server.ami_port}\n"
        f"[{server.ami_user}](+)\nsecret = {server.ami_password}\n",
        "rtp.conf": f"[general]\nrtpstart = {server.rtp_first}\nrtpend = {server.rtp_last}\n{_include('rtp.conf')}",
        "logger.conf": "[general]\ndateformat = %F %T.%3q\n[logfiles]\nmessages.log => notice,warning,error\n",
        "indications.conf": "[general]\ncountry = us\n[us]\n"
        "description = United States\nringcadence = 2000,4000\ndial = 350+440\n"
        "busy = 480+620/500,0/500\nring = 440+480/2000,0/4000\ncongestion = 480+620/250,0/250\n",
        "musiconhold.conf": _include("musiconhold.conf"),
        "cdr.conf": "[general]\nenable = yes\nunanswered = yes\n[csv]\nusegmtime = yes\nloguniqueid = yes\n",
        **dict.fromkeys(("amd.conf", "queues.conf", "queuerules.conf", "features.conf"), "[general]\n"),
        **dict.fromkeys(("cel.conf", "ccss.conf", "udptl.conf", "stasis.conf", "pjproject.conf", "sorcery.conf"), ""),
        **dict.fromkeys(("acl.conf", "websocket_client.conf"), ""),
    }


def _asterisk_conf(server: Server) -> str:
    root = server.directory
    return f"""\
[directories]
astetcdir => {root}/etc
astmoddir => {server.installation.modules_dir}
astvarlibdir => {root}/var
astdbdir => {root}/var
astkeydir => {root}/keys
astdatadir => {root}/share
astagidir => {root}/agi
astspooldir => {root}/spool
astrundir => {server.run_dir}
astlogdir => {root}/log
astcachedir => {root}/var
[options]
; A phone sends sound all the time, silence too.
transmit_silence = yes
systemname = {server.name}
nocolor = yes
documentation_language = en_US
maxfiles = 65536
"""


def transport(server: Server) -> str:
    """The beginning of pjsip.conf: where SIP is listened for."""
    return f"""\
[global]
type = global
user_agent = {server.name}
max_initial_qualify_time = 1
[transport-udp]
type = transport
protocol = udp
bind = 127.0.0.1:{server.sip_port}
"""


def _trunk(trunk: Trunk) -> str:
    qualify = "" if trunk.is_qualified else "qualify_frequency = 0\n"
    return f"""\
[{trunk.name}](outring-trunk)
transport = transport-udp
aors = {trunk.name}
{SOUND_ON_LOOPBACK}[{trunk.name}](outring-trunk-aor)
contact = {trunk.uri}
{qualify}"""


def _include(name: str) -> str:
    return f'#include "{CONF_DIR / name}"\n'


def write(server: Server, name: str, text: str) -> None:
    """Write one configuration file."""
    (server.config_dir / name).write_text(text)


def _link_data(server: Server) -> None:
    """A data folder of its own: links into the installation, and place for prompts of the lab."""
    installation = server.installation
    links = {server.data_dir / name: installation.data_dir / name for name in ("documentation", "rest-api", "moh")}
    links |= {server.sounds_dir / language: sounds for language, sounds in installation.sounds.items()}
    for link, target in links.items():
        if not link.is_symlink() and target.is_dir():
            link.symlink_to(target, target_is_directory=True)
    (server.data_dir / "moh").mkdir(exist_ok=True)
