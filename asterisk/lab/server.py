"""One Asterisk of the laboratory: its places and doors, and starting, stopping, freezing it."""

import asyncio
import base64
import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from asterisk.lab.errors import LabError
from asterisk.lab.root import Installation

STARTS_WITHIN_S = 30.0
STOPS_WITHIN_S = 5.0
ANSWERS_WITHIN_S = 30.0
_POLL_S = 0.03


@dataclass(slots=True, kw_only=True)
class Server:
    """A private Asterisk, all of it on 127.0.0.1 and below one folder."""

    name: str
    directory: Path
    run_dir: Path
    """Its control socket, in a folder of a short name."""
    installation: Installation
    sip_port: int
    http_port: int
    ami_port: int
    rtp_first: int
    rtp_last: int
    ari_user: str = "outring"
    ari_password: str
    ami_user: str = "outring"
    ami_password: str
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def ari_url(self) -> str:
        """Where ARI is: "http://127.0.0.1:PORT/ari"."""
        return f"http://127.0.0.1:{self.http_port}/ari"

    @property
    def ari_headers(self) -> dict[str, str]:
        """HTTP headers that sign in to ARI."""
        token = base64.b64encode(f"{self.ari_user}:{self.ari_password}".encode()).decode()
        return {"Authorization": f"Basic {token}"}

    @property
    def config_dir(self) -> Path:
        """Its configuration files."""
        return self.directory / "etc"

    @property
    def log_path(self) -> Path:
        """Its log: notices, warnings, errors."""
        return self.directory / "log" / "messages.log"

    @property
    def data_dir(self) -> Path:
        """Its data folder; sounds, documentation and interface descriptions are links into the installation."""
        return self.directory / "share"

    @property
    def sounds_dir(self) -> Path:
        """Sounds by language; prompts can be added here (or be named by their full path)."""
        return self.data_dir / "sounds"

    @property
    def recordings_dir(self) -> Path:
        """Where recordings made over ARI land."""
        return self.directory / "spool" / "recording"

    @property
    def output_path(self) -> Path:
        """What the program itself prints."""
        return self.directory / "log" / "output.log"

    @property
    def pid(self) -> int:
        """Process id. Raises LabError when it is not running."""
        if self._process is None:
            raise LabError(f"The {self.name} Asterisk is not running.")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    async def start(self) -> None:
        """Start and wait until ARI gives real answers. Raises LabError with the end of its log if it does not."""
        command = [*self.installation.asterisk, "-f", "-n", "-C", str(self.config_dir / "asterisk.conf")]
        self._process = spawn(command, self.output_path)
        try:
            async with asyncio.timeout(STARTS_WITHIN_S):
                await self._answers()
        except TimeoutError:
            await self.stop()
            raise LabError(
                f"The {self.name} Asterisk did not come up in {STARTS_WITHIN_S:g} s.\n{self._last_words()}"
            ) from None

    async def stop(self) -> None:
        """End it, politely first. Calls that are up end; nothing is left running."""
        process, self._process = self._process, None
        if process is not None:
            await end(process)

    async def kill(self) -> None:
        """End it as a crash does: no BYE is sent, no event."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            await ended(process, STOPS_WITHIN_S)

    async def restart(self, kill: bool = False) -> None:
        """A new life of the same Asterisk, on the same ports; with `kill` as after a crash."""
        await (self.kill() if kill else self.stop())
        await self.start()

    async def freeze(self) -> None:
        """Stop it in its tracks: connections stay open and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    async def thaw(self) -> None:
        """Let it go on after `freeze`."""
        os.kill(self.pid, signal.SIGCONT)

    async def cli(self, command: str) -> str:
        """Run a command of Asterisk's console and return what it prints. Raises LabError when it does not answer."""
        arguments = [*self.installation.asterisk, "-C", str(self.config_dir / "asterisk.conf"), "-rx", command]
        process = await asyncio.create_subprocess_exec(
            *arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                output, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            raise LabError(
                f"The {self.name} Asterisk did not answer {command!r} in {ANSWERS_WITHIN_S:g} s.\n{self._last_words()}"
            ) from None
        return output.decode(errors="replace")

    async def _answers(self) -> None:
        async with aiohttp.ClientSession(headers=self.ari_headers, timeout=aiohttp.ClientTimeout(total=2)) as client:
            while not await self._is_ready(client):
                if not self.is_running:
                    raise LabError(f"The {self.name} Asterisk ended at once.\n{self._last_words()}")
                await asyncio.sleep(_POLL_S)

    async def _is_ready(self, client: aiohttp.ClientSession) -> bool:
        # While it boots it answers: connection refused, then an HTML 404, then a JSON 503.
        try:
            async with client.get(f"{self.ari_url}/asterisk/info", params={"only": "status"}) as reply:
                if reply.status == 401:
                    raise LabError(
                        f"The {self.name} Asterisk does not take its own ARI password; see {self.config_dir}."
                    )
                return reply.status == 200 and "status" in await reply.json()
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False

    def _last_words(self) -> str:
        lines: list[str] = []
        for path in (self.output_path, self.log_path):
            with contextlib.suppress(OSError):
                lines += path.read_text(errors="replace").splitlines()[-8:]
        return "\n".join(lines)


def spawn(command: list[str], output_path: Path) -> subprocess.Popen[bytes]:
    """Start a program that dies with this process, whatever kills it, and that Ctrl-C in the terminal does not reach.

    The kernel ties it to the thread that starts it: start laboratories from a thread that stays.
    """
    output_path.parent.mkdir(parents=True, exist_ok=True)
    with output_path.open("ab") as output:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


async def end(process: subprocess.Popen[bytes]) -> None:
    """End a program we started: asked first, killed after a few seconds."""
    if process.poll() is None:
        process.terminate()
        process.send_signal(signal.SIGCONT)
        if not await ended(process, STOPS_WITHIN_S):
            process.kill()
            await ended(process, STOPS_WITHIN_S)


async def ended(process: subprocess.Popen[bytes], within_s: float) -> bool:
    """Wait until it has ended; False when it has not after `within_s`."""
    deadline = asyncio.get_running_loop().time() + within_s
    while process.poll() is None:
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(_POLL_S)
    return True
