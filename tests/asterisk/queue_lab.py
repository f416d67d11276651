"""A laboratory whose PBX has queues of its own, with the laboratory's phones as their members."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from app.asterisk.ami_address import AmiAddress
from app.asterisk.telephony import AsteriskTelephony
from app.runtime import SystemClock
from asterisk.lab import Lab
from asterisk.lab.server import Server
from tests.asterisk.gate import Gate
from tests.contract.stage import Stage

QUEUES = """\
[general]
[sales]
strategy = ringall
timeout = 30
member => PJSIP/1001,0,Ann
[support]
strategy = ringall
timeout = 30
member => PJSIP/1002,0,Bob
[both]
strategy = ringall
timeout = 30
member => PJSIP/1003
[nobody]
joinempty = no
"""


def ami_of(pbx: Server, *, port: int | None = None, secret: str | None = None) -> AmiAddress:
    """The manager interface of the laboratory's PBX."""
    return AmiAddress(host="127.0.0.1", port=port or pbx.ami_port, user=pbx.ami_user, secret=secret or pbx.ami_password)


@asynccontextmanager
async def queue_lab() -> AsyncIterator[Lab]:
    """A running laboratory with three phones and four queues: Ann's, Bob's, one whose member has no name, an empty."""
    async with Lab(phones=3, lines=60) as lab:
        (lab.pbx.config_dir / "queues.conf").write_text(QUEUES)
        async with (
            aiohttp.ClientSession(headers=lab.pbx.ari_headers) as client,
            client.put(f"{lab.pbx.ari_url}/asterisk/modules/app_queue.so") as reply,
        ):
            assert reply.status == 204, await reply.text()
        yield lab


@asynccontextmanager
async def queue_stage(lab: Lab, name: str, *, gate: Gate | None = None) -> AsyncIterator[Stage]:
    """A dialer's telephony on it; gate: the manager interface is reached through it."""
    pbx = lab.pbx
    telephony = AsteriskTelephony(
        url=pbx.ari_url,
        user=pbx.ari_user,
        password=pbx.ari_password,
        ami=ami_of(pbx, port=gate.port if gate else None),
    )
    stage = Stage(telephony, SystemClock(), name=name)
    try:
        await stage.start()
        yield stage
    finally:
        await telephony.stop()
