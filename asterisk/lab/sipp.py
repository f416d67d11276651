"""SIPp as a far end for load: answers the calls of the trunk "sipp" with next to no work."""

import asyncio
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from asterisk.lab.errors import LabError
from asterisk.lab.root import Installation
from asterisk.lab.server import end, spawn

_READY_WITHIN_S = 10.0

_SCENARIO = """\
<?xml version="1.0" encoding="UTF-8"?>
<scenario name="answers">
  <recv request="INVITE">
    <action>
      <ereg regexp=".*" search_in="hdr" header="From:" assign_to="caller"/>
      <ereg regexp=".*" search_in="hdr" header="To:" assign_to="called"/>
      <ereg regexp="sip:[^>]*" search_in="hdr" header="Contact:" assign_to="contact"/>
    </action>
  </recv>
  <send><![CDATA[
      SIP/2.0 180 Ringing
      [last_Via:]
      [last_From:]
      [last_To:];tag=[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      Contact: <sip:[local_ip]:[local_port]>
      Content-Length: 0

  ]]></send>
  <pause milliseconds="{answer_after_ms}"/>
  <send retrans="500"><![CDATA[
      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:];tag=[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      Contact: <sip:[local_ip]:[local_port]>
      Content-Type: application/sdp
      Content-Length: [len]

      v=0
      o=far 1 1 IN IP[local_ip_type] [local_ip]
      s=-
      c=IN IP[media_ip_type] [media_ip]
      t=0 0
      m=audio [media_port] RTP/AVP 8 101
      a=rtpmap:8 PCMA/8000
      a=rtpmap:101 telephone-event/8000

  ]]></send>
  <recv request="ACK"/>
{ending}
</scenario>
"""

_WAITS_FOR_BYE = """\
  <recv request="BYE"/>
  <send><![CDATA[
      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:]
      [last_Call-ID:]
      [last_CSeq:]
      Content-Length: 0

  ]]></send>
  <Reference variables="caller,called,contact"/>"""

_HANGS_UP = """\
  <pause milliseconds="{after_ms}"/>
  <send retrans="500"><![CDATA[
      BYE [$contact] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From:[$called];tag=[call_number]
      To:[$caller]
      [last_Call-ID:]
      CSeq: 1 BYE
      Max-Forwards: 70
      Content-Length: 0

  ]]></send>
  <recv response="200"/>"""


def scenario(answer_after_ms: int, hang_up_after_ms: int | None) -> str:
    """The far end's part of a call: rings, answers, then waits for BYE or hangs up by itself. Milliseconds."""
    ending = _WAITS_FOR_BYE if hang_up_after_ms is None else _HANGS_UP.format(after_ms=hang_up_after_ms)
    return _SCENARIO.format(answer_after_ms=answer_after_ms, ending=ending)


@dataclass(slots=True, kw_only=True)
class Sipp:
    """A running SIPp."""

    installation: Installation
    directory: Path
    port: int
    answer_after_ms: int
    hang_up_after_ms: int | None
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def is_running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    async def start(self) -> None:
        """Start and wait until its port is open. Raises LabError when it does not start."""
        if self.installation.sipp is None:
            raise LabError("There is no SIPp on this machine. Mend: apt-get install sip-tester")
        self.directory.mkdir(exist_ok=True)
        path = self.directory / "answers.xml"
        path.write_text(scenario(self.answer_after_ms, self.hang_up_after_ms))
        output = self.directory / "output.log"
        command = [*self.installation.sipp, "-sf", str(path), "-i", "127.0.0.1", "-p", str(self.port)]
        # -nd: no default reactions that would end the run; -nostdin, -bg apart: it stays our child.
        command += [
            "-nostdin",
            "-nd",
            "-aa",
            "-l",
            "5000",
            "-trace_err",
            "-error_file",
            str(self.directory / "errors.log"),
        ]
        self._process = spawn(command, output)
        deadline = asyncio.get_running_loop().time() + _READY_WITHIN_S
        while not is_taken(self.port):
            if not self.is_running or asyncio.get_running_loop().time() > deadline:
                await self.stop()
                raise LabError(f"SIPp did not start:\n{output.read_text(errors='replace')[-800:]}")
            await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            await end(process)


def is_taken(port: int) -> bool:
    """Whether somebody listens on a UDP port of loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
