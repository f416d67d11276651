"""A phone of another make than the rest: SIPp registers at the PBX, answers every call and sends back what it hears."""

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path

from asterisk.lab.errors import LabError
from asterisk.lab.root import Installation
from asterisk.lab.server import end, spawn
from asterisk.lab.sipp import is_taken, scenario

_WITHIN_S = 10.0
_REGISTERS = """\
<?xml version="1.0" encoding="UTF-8"?>
<scenario name="registers">
  <send retrans="500"><![CDATA[
      REGISTER sip:[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: <sip:{name}@[remote_ip]>;tag=[call_number]
      To: <sip:{name}@[remote_ip]>
      Call-ID: [call_id]
      CSeq: 1 REGISTER
      Contact: <sip:{name}@[local_ip]:[local_port]>
      Expires: 300
      Max-Forwards: 70
      Content-Length: 0

  ]]></send>
  <recv response="100" optional="true"/>
  <recv response="401" auth="true"/>
  <send retrans="500"><![CDATA[
      REGISTER sip:[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: <sip:{name}@[remote_ip]>;tag=[call_number]
      To: <sip:{name}@[remote_ip]>
      Call-ID: [call_id]
      CSeq: 2 REGISTER
      Contact: <sip:{name}@[local_ip]:[local_port]>
      [authentication username={name} password={password}]
      Expires: 300
      Max-Forwards: 70
      Content-Length: 0

  ]]></send>
  <recv response="100" optional="true"/>
  <recv response="200"/>
</scenario>
"""


class EchoPhone:
    """The phone `name`. Ports: its own, and that of its sound; both on 127.0.0.1."""

    def __init__(
        self, *, name: str, password: str, port: int, sound_port: int, pbx_port: int, directory: Path,
        installation: Installation,
    ) -> None:  # fmt: skip
        self.name = name
        self._password = password
        self._port, self._sound_port, self._pbx_port = port, sound_port, pbx_port
        self._directory = directory
        self._installation = installation
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Register, then answer. Raises LabError when there is no SIPp, or the PBX does not take it."""
        if self._installation.sipp is None:
            raise LabError("There is no SIPp on this machine. Mend: apt-get install sip-tester")
        self._directory.mkdir(exist_ok=True)
        registers = _REGISTERS.format(name=self.name, password=self._password)
        first = self._run("registers", registers, "-m", "1", f"127.0.0.1:{self._pbx_port}")
        if not await self._until(lambda: first.poll() is not None) or first.returncode != 0:
            await end(first)
            raise LabError(f"Phone {self.name} could not register; see {self._directory}.")
        self._process = self._run("answers", scenario(0, None), "-rtp_echo")
        if not await self._until(lambda: is_taken(self._port)):
            await self.stop()
            raise LabError(f"Phone {self.name} does not answer; see {self._directory}.")

    async def stop(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            await end(process)

    def _run(self, name: str, text: str, *options: str) -> subprocess.Popen[bytes]:
        assert self._installation.sipp is not None
        path = self._directory / f"{name}.xml"
        path.write_text(text)
        command = [*self._installation.sipp, "-sf", str(path), "-i", "127.0.0.1", "-p", str(self._port)]
        command += ["-mi", "127.0.0.1", "-mp", str(self._sound_port), "-nostdin", "-nd", "-aa"]
        command += ["-trace_err", "-error_file", str(self._directory / f"{name}-errors.log"), *options]
        return spawn(command, self._directory / f"{name}.log")

    async def _until(self, is_so: Callable[[], bool]) -> bool:
        deadline = asyncio.get_running_loop().time() + _WITHIN_S
        while not is_so():
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(0.02)
        return True
