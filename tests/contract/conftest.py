"""Two stages for one contract: the simulated network at ten times its speed, and a real Asterisk in a laboratory."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from app.asterisk.telephony import AsteriskTelephony
from app.events import TelephonyUp
from app.runtime import SystemClock
from app.sim.handsets import RINGS_ON
from app.sim.network import SimNetwork
from app.sim.telephony import ScaledClock, SimTelephony
from app.sim.trunks import TrunkKind
from asterisk.lab import Lab
from tests.contract.handsets import LabHandset, SimulatedHandset
from tests.contract.media import length_of
from tests.contract.stage import Played, Stage, contract

START_MS = 1_750_000_000_000
SPEED = 10.0
PHONES = 60
"""More than all scenarios together take."""
TRUNKS = {
    "network": TrunkKind.GOOD,
    "rejecting": TrunkKind.REJECTING,
    "dead": TrunkKind.SILENT,
    "silent": TrunkKind.SILENT,
}


class SimulatedHouse:
    """A simulated Asterisk that dialers come to and leave."""

    def __init__(self, speed: float, phones: int = 2) -> None:
        self._endpoints = [str(1001 + index) for index in range(phones)]
        self._network = SimNetwork(
            seed=1,
            start_ms=START_MS,
            trunks=TRUNKS,
            length_of=length_of,
            phones=dict.fromkeys(self._endpoints, RINGS_ON),
        )
        self._clock = ScaledClock(START_MS, speed)
        self._telephony: SimTelephony | None = None

    async def open(self, name: str) -> tuple[Stage, TelephonyUp]:
        """A dialer comes."""
        self._telephony = SimTelephony(self._network, self._clock)
        handsets = [SimulatedHandset(self._telephony, endpoint) for endpoint in self._endpoints]
        stage = Stage(self._telephony, self._clock, name=name, handsets=handsets)
        return stage, await stage.start()

    async def kill(self) -> None:
        """Asterisk dies."""
        assert self._telephony is not None
        self._telephony.disturb(lambda network: network.restart_asterisk(8_000))

    async def boot(self) -> None:
        """Asterisk comes back; here it does by itself."""


class RealHouse:
    """A laboratory of its own, whose PBX may be killed."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    async def open(self, name: str) -> tuple[Stage, TelephonyUp]:
        """A dialer comes."""
        pbx = self._lab.pbx
        telephony = AsteriskTelephony(url=pbx.ari_url, user=pbx.ari_user, password=pbx.ari_password)
        handsets = [LabHandset(phone) for phone in self._lab.phones.values()]
        stage = Stage(telephony, SystemClock(), name=name, handsets=handsets)
        return stage, await stage.start()

    async def kill(self) -> None:
        """Asterisk dies."""
        await self._lab.pbx.kill()

    async def boot(self) -> None:
        """Asterisk comes back."""
        await self._lab.pbx.start()


House = SimulatedHouse | RealHouse


@pytest_asyncio.fixture(params=["sim", pytest.param("asterisk", marks=pytest.mark.asterisk)])
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """An Asterisk of one's own, to be left, come back to, and killed."""
    if request.param == "sim":
        yield SimulatedHouse(SPEED / 3)
        return
    async with Lab(lines=20, phones=2) as lab:
        yield RealHouse(lab)


@pytest_asyncio.fixture(
    scope="session", loop_scope="session", params=["sim", pytest.param("asterisk", marks=pytest.mark.asterisk)]
)
async def played(request: pytest.FixtureRequest) -> AsyncIterator[Played]:
    """All scenarios that are asked for, played at once on one stage."""
    wanted = {
        item.name.replace(f"{request.param}-", "").replace(f"[{request.param}]", "") for item in request.session.items
    }
    scenarios = {key: scenario for key, scenario in contract.scenarios.items() if key in wanted}
    if request.param == "sim":
        stage, _ = await SimulatedHouse(SPEED, phones=PHONES).open("sim")
        yield await Played.on(stage, scenarios)
        await stage.telephony.stop()
        return
    async with Lab(lines=150, phones=PHONES) as lab:
        stage, _ = await RealHouse(lab).open("asterisk")
        yield await Played.on(stage, scenarios)
        await stage.telephony.stop()
