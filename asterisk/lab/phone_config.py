"""Configuration of agents' phones: endpoints of the PBX made from its template, and the Asterisk that plays them."""

from collections.abc import Mapping
from pathlib import Path

from asterisk.lab.config import SOUND_ON_LOOPBACK, refuse_outside_addresses, transport, write, write_common
from asterisk.lab.server import Server

APP = "lab-phones"
"""The Stasis application of the phones' hands (see asterisk.lab.phones)."""
_RENEWED_EVERY_S = 60

_DIALPLAN = f"""\
[phones]
; A call for a phone. Nobody there to move its hands: it answers at once and is silent, as a phone on auto-answer is.
exten => _X!,1,Ringing()
 same => n,Stasis({APP},${{EXTEN}})
 same => n,GotoIf($["${{STASISSTATUS}}" = "FAILED"]?alone)
 same => n,Hangup(16)
 same => n(alone),Answer(0,i)
 same => n,Wait(86400)
"""


ECHO = "2001"
"""The phone SIPp plays (asterisk.lab.echo_phone)."""
BARESIP = ("2002", "2003")
"""The phones baresip plays (asterisk.lab.baresip)."""
BARESIP_HZ = 1_000
"""What they say, unless told otherwise."""


def phones_of_pbx(passwords: Mapping[str, str]) -> str:
    """The PBX's side of the phones: what an admin writes for each, from the template in asterisk/conf/pjsip.conf.

    The one that echoes is silent when nobody speaks to it.
    """
    return "".join(
        f"""\
[{name}](outring-phone)
transport = transport-udp
aors = {name}
auth = {name}
{"rtp_timeout = 0" if name == ECHO else ""}
{SOUND_ON_LOOPBACK}[{name}](outring-phone-aor)
[{name}]
type = auth
auth_type = userpass
username = {name}
password = {password}
"""
        for name, password in passwords.items()
    )


def write_phones(server: Server, pbx: Server, passwords: Mapping[str, str]) -> None:
    """Write the configuration of the phones' Asterisk: each registers at the PBX and waits for its calls."""
    write_common(server)
    peer = f"""\
[pbx]
type = endpoint
context = phones
disallow = all
allow = alaw,ulaw
direct_media = no
rtp_symmetric = yes
timers = no
; Its hold key tells the PBX.
moh_passthrough = yes
{SOUND_ON_LOOPBACK}[pbx]
type = identify
endpoint = pbx
match = 127.0.0.1
"""
    parts = [transport(server), peer, *(_phone(name, pbx, password) for name, password in passwords.items())]
    write(server, "pjsip.conf", "".join(parts))
    write(server, "extensions.conf", _DIALPLAN)
    refuse_outside_addresses(server.config_dir / "pjsip.conf")


def _phone(name: str, pbx: Server, password: str) -> str:
    return f"""\
[{name}]
type = endpoint
aors = {name}
outbound_auth = {name}
from_user = {name}
disallow = all
allow = alaw,ulaw
{SOUND_ON_LOOPBACK}[{name}]
type = aor
contact = sip:127.0.0.1:{pbx.sip_port}
[{name}]
type = registration
transport = transport-udp
outbound_auth = {name}
server_uri = sip:127.0.0.1:{pbx.sip_port}
client_uri = sip:{name}@127.0.0.1:{pbx.sip_port}
contact_user = {name}
expiration = {_RENEWED_EVERY_S}
max_random_initial_delay = 0
retry_interval = 1
max_retries = 1000000
[{name}]
type = auth
auth_type = userpass
username = {name}
password = {password}
"""


def baresip_account(name: str, password: str, pbx_port: int, auto_answer: bool) -> str:
    """The line of baresip's `accounts` that an agent writes for a phone of asterisk/conf/pjsip.conf."""
    answers = "answermode=auto" if auto_answer else "answermode=manual;sip_autoanswer=yes"
    return (
        f"<sip:{name}@127.0.0.1:{pbx_port}>;auth_user={name};auth_pass={password};regint={_RENEWED_EVERY_S};{answers}"
    )


def baresip_config(sip_port: int, control_port: int, sound: tuple[int, int], directory: Path, modules: Path) -> str:
    """Its `config`: no sound card, a tone for a voice, all that is heard kept in files below `directory`."""
    return f"""\
sip_listen 127.0.0.1:{sip_port}
net_interface 127.0.0.1
rtp_ports {sound[0]}-{sound[1]}
ctrl_tcp_listen 127.0.0.1:{control_port}
snd_path {directory}
call_max_calls 1
statmode_default off
audio_source ausine,{BARESIP_HZ}
ausrc_srate 48000
ausrc_channels 2
module_path {modules}
module g711.so
module ausine.so
module sndfile.so
module account.so
module_app menu.so
module_app ctrl_tcp.so
"""
