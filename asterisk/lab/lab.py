"""The laboratory: a PBX, a telephone network and agents' phones, up in about a second, gone without a trace."""

import asyncio
import secrets
import subprocess
import sys
from collections.abc import Coroutine, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from asterisk.lab import carriers, places
from asterisk.lab.baresip import Baresip, Ports
from asterisk.lab.config import Trunk, write_network, write_pbx
from asterisk.lab.echo_phone import EchoPhone
from asterisk.lab.errors import LabError
from asterisk.lab.numbers import BEHAVIOURS
from asterisk.lab.phone_config import BARESIP, ECHO, phones_of_pbx, write_phones
from asterisk.lab.phones import FIRST_NAME, Phones, until_online
from asterisk.lab.ports import PortRange, reserve_ports
from asterisk.lab.root import Installation, find_installation
from asterisk.lab.server import Server, end, spawn
from asterisk.lab.sipp import Sipp
from asterisk.lab.trunks import TRUNKS

_READY_WITHIN_S = 10.0
_RTP_PORTS_PER_CALL = 2
_BARESIP_SOUND_PORTS = 8
"""One call's, with room for the next one while the last is ending."""


class Lab:
    """Two Asterisks on loopback: `pbx`, set up as an admin's is, and `network`, which answers by number.

    With `phones`, a third one plays as many phones of agents, named 1001 and on, registered at the PBX (`lab.phones`).

    `directory`: where its files go (default: a folder of its own below the temporary folder).
    `keep`: leave the files there at the end. `lines`: calls at once that there is room for.
    `extra_trunks`: more endpoints of the PBX by name, each a SIP URI on 127.0.0.0/8.
    `sipp_phones`: endpoints phone-0, phone-1 … that lead to SIPp, as agents' phones for load (they send no sound).

    Several run side by side. It ends with the process that started it, whatever ends that.
    Raises LabError where it cannot start; the message names the mend.
    """

    def __init__(
        self,
        directory: Path | None = None,
        keep: bool = False,
        *,
        lines: int = 250,
        extra_trunks: Mapping[str, str] | None = None,
        sipp_phones: int = 0,
        phones: int = 0,
    ) -> None:
        self.lines = lines
        self.sipp_port = 0
        self._wanted_directory = directory
        self._keep = keep
        self._extra_trunks = dict(extra_trunks or {})
        self._sipp_phones = sipp_phones
        self._place: places.Place | None = None
        self._ports: PortRange | None = None
        self._phone_count = phones
        self._carriers: subprocess.Popen[bytes] | None = None
        self._sipps: list[Sipp] = []
        self._echoes: list[EchoPhone] = []
        self._baresips: list[Baresip] = []
        self.pbx: Server
        self.network: Server
        self.phones: Phones
        self.trunks: tuple[str, ...] = ()

    @property
    def directory(self) -> Path:
        """Where its files are. Raises LabError before it has started."""
        if self._place is None:
            raise LabError("The laboratory is not running.")
        return self._place.directory

    @property
    def run_dir(self) -> Path:
        """Where its control sockets are."""
        if self._place is None:
            raise LabError("The laboratory is not running.")
        return self._place.run_dir

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start everything; on any failure nothing stays behind."""
        installation = find_installation()
        if installation is None:
            raise LabError("There is no Asterisk to run. Mend: make lab (as root; about half a minute)")
        places.remove_stale()
        try:
            self._lay_out(installation)
            self._start_carriers()
            await _all(self._carriers_ready(), self.network.start(), self.pbx.start())
            if self._phone_count:
                await self.phones.start(self.pbx)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End all its processes and remove its files (unless they are to be kept). May be called again."""
        for sipp in self._sipps:
            await sipp.stop()
        self._sipps.clear()
        for echo in self._echoes:
            await echo.stop()
        self._echoes.clear()
        for baresip in self._baresips:
            await baresip.stop()
        self._baresips.clear()
        if self._phone_count and hasattr(self, "phones"):
            await self.phones.stop()
        servers = [server for name in ("pbx", "network") if (server := getattr(self, name, None))]
        await asyncio.gather(*(server.stop() for server in servers))
        if self._carriers is not None:
            await end(self._carriers)
            self._carriers = None
        if self._ports is not None:
            self._ports.release()
            self._ports = None
        if self._place is not None:
            self._place.remove()
            self._place = None

    async def start_sipp(self, *, answer_after_ms: int = 0, hang_up_after_ms: int | None = None) -> Sipp:
        """Start SIPp as the far end of the trunk "sipp": answers after a delay, then waits for BYE or hangs up itself.

        Raises LabError when there is no SIPp on this machine, or one runs already.
        """
        if any(sipp.is_running for sipp in self._sipps):
            raise LabError("SIPp is running on this laboratory's trunk already: stop it first.")
        sipp = Sipp(
            installation=self.pbx.installation,
            directory=self.directory / "sipp",
            port=self.sipp_port,
            answer_after_ms=answer_after_ms,
            hang_up_after_ms=hang_up_after_ms,
        )
        await sipp.start()
        self._sipps.append(sipp)
        return sipp

    async def start_echo_phone(self) -> EchoPhone:
        """Start one more phone, of another make: it answers every call and sends back what it hears. With `phones`.

        Raises LabError when there is no SIPp on this machine.
        """
        assert self._ports is not None
        echo = EchoPhone(
            name=ECHO,
            password=self._passwords[ECHO],
            port=self._ports.take(),
            sound_port=self._ports.take(),
            pbx_port=self.pbx.sip_port,
            directory=self.directory / "echo",
            installation=self.pbx.installation,
        )
        self._echoes.append(echo)
        await echo.start()
        return echo

    async def start_baresip(self, *, auto_answer: bool = True) -> Baresip:
        """Start one more phone, of a make people use: the softphone baresip, signed on at the PBX. With `phones`.

        auto_answer: it answers each call at once, else it rings. At most as many as names in BARESIP.
        Raises LabError when there is no baresip on this machine.
        """
        assert self._ports is not None
        name = BARESIP[len(self._baresips)]
        sip, _for_tls, control, *sound = (self._ports.take() for _ in range(3 + _BARESIP_SOUND_PORTS))
        phone = Baresip(
            name,
            self._passwords[name],
            Ports(sip=sip, control=control, sound=(sound[0], sound[-1])),
            self.pbx.sip_port,
            self.directory / f"baresip-{name}",
            auto_answer,
        )
        self._baresips.append(phone)
        await phone.start()
        await until_online(self.pbx, {name}, phone.log_path)
        return phone

    def _lay_out(self, installation: Installation) -> None:
        spoken = self._phone_count * _RTP_PORTS_PER_CALL
        rtp = (self.lines + self._phone_count) * _RTP_PORTS_PER_CALL + 20
        self._ports = ports = reserve_ports(2 * rtp + 2 * spoken + 100, places.locks_dir())
        self._place = places.claim(self._wanted_directory, self._keep)
        self.network = self._server("network", installation, ports.end - 2 * rtp, rtp)
        self.pbx = self._server("pbx", installation, ports.end - rtp, rtp)
        self._far_ends = {trunk.name: ports.take() for trunk in TRUNKS}
        self.sipp_port = self._far_ends["sipp"]
        trunks = [
            Trunk(name=trunk.name, uri=f"sip:127.0.0.1:{self._far_ends[trunk.name]}", is_qualified=trunk.is_qualified)
            for trunk in TRUNKS
        ]
        trunks += [Trunk(name=name, uri=uri) for name, uri in self._extra_trunks.items()]
        trunks += [
            Trunk(name=f"phone-{place}", uri=f"sip:phone-{place}@127.0.0.1:{self.sipp_port}")
            for place in range(self._sipp_phones)
        ]
        self.trunks = tuple(trunk.name for trunk in trunks)
        write_network(self.network, self.pbx)
        passwords = {str(FIRST_NAME + index): secrets.token_hex(8) for index in range(self._phone_count)}
        self._passwords = {name: secrets.token_hex(8) for name in (ECHO, *BARESIP)}
        write_pbx(self.pbx, tuple(trunks), phones_of_pbx(passwords | self._passwords if passwords else {}))
        self.phones = Phones(
            self._server("phones", installation, ports.end - 2 * rtp - 2 * spoken, 2 * spoken), tuple(passwords)
        )
        if passwords:
            write_phones(self.phones.server, self.pbx, passwords)

    def _server(self, name: str, installation: Installation, rtp_first: int, rtp_ports: int) -> Server:
        assert self._ports is not None
        return Server(
            name=name,
            directory=self.directory / name,
            run_dir=self.run_dir / name,
            installation=installation,
            sip_port=self._ports.take(),
            http_port=self._ports.take(),
            ami_port=self._ports.take(),
            rtp_first=rtp_first,
            rtp_last=rtp_first + rtp_ports - 1,
            ari_password=secrets.token_hex(16),
            ami_password=secrets.token_hex(16),
        )

    def _start_carriers(self) -> None:
        swallowed = [behaviour.suffix for behaviour in BEHAVIOURS if not behaviour.replies]
        far = self._far_ends
        ports = (far["network"], self.network.sip_port, far["rejecting"], far["silent"])
        command = [sys.executable, "-I", "-S", carriers.__file__, *map(str, ports), *swallowed]
        self._carriers = spawn(command, self._carriers_log)

    @property
    def _carriers_log(self) -> Path:
        return self.directory / "carriers.log"

    async def _carriers_ready(self) -> None:
        assert self._carriers is not None
        deadline = asyncio.get_running_loop().time() + _READY_WITHIN_S
        while "ready" not in self._carriers_log.read_text():
            if self._carriers.poll() is not None or asyncio.get_running_loop().time() > deadline:
                raise LabError(f"The pretend carriers did not start:\n{self._carriers_log.read_text()}")
            await asyncio.sleep(0.02)


async def _all(*steps: Coroutine[object, object, None]) -> None:
    """Take the steps at once; the first failure is raised as it is, after the others have been cancelled."""
    tasks = [asyncio.ensure_future(step) for step in steps]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
