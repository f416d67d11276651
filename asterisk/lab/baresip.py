"""A softphone people really use, as a phone of the laboratory: baresip, told what to do over its own control port."""

import asyncio
import itertools
import json
import os
import shlex
import shutil
import signal
import subprocess
import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asterisk.lab.errors import LabError
from asterisk.lab.phone_config import baresip_account, baresip_config
from asterisk.lab.server import end, spawn

_WITHIN_S = 10.0
_HEADER_BYTES = 44
"""Of a wav file as libsndfile begins one; its lengths are filled in when the call is over."""
_RATE = 8_000
MISSING = "There is no baresip on this machine. Mend: apt-get install baresip-core"


def find_baresip() -> tuple[str, ...] | None:
    """The command that starts it, or None. ``OUTRING_LAB_BARESIP`` names another one than the machine's."""
    if named := os.environ.get("OUTRING_LAB_BARESIP"):
        return tuple(shlex.split(named))
    found = shutil.which("baresip")
    return (found,) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Its ports on 127.0.0.1; sound: first and last, for one call and its RTCP."""

    sip: int
    control: int
    sound: tuple[int, int]


@dataclass(slots=True, eq=False)
class Baresip:
    """The phone `name`, one process. It speaks a tone of its own all the time it is not muted, and keeps what it hears.

    `auto_answer`: it answers every call at once. Else it rings until `answer`, except where a newer one (1.1 and later)
    is asked to answer by header. pbx_port: where it registers.
    """

    name: str
    password: str
    ports: Ports
    pbx_port: int
    directory: Path
    auto_answer: bool = True
    calls: int = 0
    """Those it has answered."""
    is_ringing: bool = False
    is_up: bool = False
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _writer: asyncio.StreamWriter | None = field(default=None, repr=False)
    _reading: asyncio.Task[None] | None = field(default=None, repr=False)
    _answers: dict[str, asyncio.Future[dict[str, Any]]] = field(default_factory=dict, repr=False)
    _news: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    _tokens: "itertools.count[int]" = field(default_factory=itertools.count, repr=False)

    @property
    def pid(self) -> int:
        """Process id. Raises LabError when it is not running."""
        if self._process is None:
            raise LabError(f"Phone {self.name} is not running.")
        return self._process.pid

    @property
    def log_path(self) -> Path:
        """What it prints."""
        return self.directory / "baresip.log"

    # --- its life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start it; it registers by itself. Raises LabError when there is no baresip, or it does not start."""
        command = find_baresip()
        if command is None:
            raise LabError(MISSING)
        self.directory.mkdir(parents=True, exist_ok=True)
        config = baresip_config(
            self.ports.sip, self.ports.control, self.ports.sound, self.directory, modules_dir(command)
        )
        (self.directory / "config").write_text(config)
        account = baresip_account(self.name, self.password, self.pbx_port, self.auto_answer)
        (self.directory / "accounts").write_text(account + "\n")
        self._process = spawn([*command, "-f", str(self.directory)], self.log_path)
        try:
            async with asyncio.timeout(_WITHIN_S):
                await self._connect()
        except TimeoutError:
            await self.stop()
            raise LabError(f"Phone {self.name} did not start; see {self.log_path}.") from None

    async def stop(self) -> None:
        """End it as its user does: calls end, it signs off."""
        process, self._process = self._process, None
        if process is not None:
            await end(process)
        await self._forget()

    async def kill(self) -> None:
        """End it as a crash or a power cut does: not a packet more."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None
        await self._forget()

    async def unregister(self) -> None:
        """Sign off from the PBX; it runs on."""
        await self.ask("uadel", self._aor)

    async def register(self) -> None:
        """Sign on again."""
        await self.ask("uanew", baresip_account(self.name, self.password, self.pbx_port, self.auto_answer))

    # --- calls -------------------------------------------------------------------------------------------------------

    async def until(self, is_so: Callable[["Baresip"], bool], what: str) -> None:
        """Wait until something is so of this phone. Raises LabError with `what` when it does not become so."""
        try:
            async with asyncio.timeout(_WITHIN_S):
                while not is_so(self):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise LabError(f"Phone {self.name}: {what}; see {self.log_path}.") from None

    async def until_ringing(self) -> None:
        """Wait for a call."""
        await self.until(lambda phone: phone.is_ringing, "it does not ring")

    async def until_up(self) -> None:
        """Wait until it is in a call."""
        await self.until(lambda phone: phone.is_up, "it is in no call")

    async def until_idle(self) -> None:
        """Wait until its call is over."""
        await self.until(lambda phone: not (phone.is_up or phone.is_ringing), "its call does not end")

    async def answer(self) -> None:
        """Pick up."""
        await self.ask("accept")

    async def hang_up(self) -> None:
        """Put it down, or decline the call that rings."""
        await self.ask("hangup")

    async def press(self, digits: str) -> None:
        """Press keys (RFC 4733)."""
        await self.ask("sndcode", digits)

    async def hold(self, is_on: bool) -> None:
        """Put the other side on hold by the phone's own key (a re-INVITE), or take it back.

        What 1.0 hears afterwards, it does not keep in its file any more (`listen` has nothing); its user hears it.
        """
        await self.ask("hold" if is_on else "resume")

    # --- sound -------------------------------------------------------------------------------------------------------

    async def play_tone(self, frequency_hz: int) -> None:
        """Speak at another frequency, in this call and the next ones."""
        await self.ask("ausrc", f"ausine,{frequency_hz}")

    async def mute(self) -> None:
        """Its own mute key: it sends silence, or its tone again."""
        await self.ask("mute")

    async def listen(self) -> "Heard":
        """Keep what the phone hears from now on."""
        return Heard(self.directory)

    # --- its control port --------------------------------------------------------------------------------------------

    async def ask(self, command: str, parameters: str = "") -> str:
        """Give a command of its menu (https://github.com/baresip/baresip/wiki); returns what it says to it.

        Raises LabError when it refuses, or says nothing.
        """
        if self._writer is None:
            raise LabError(f"Phone {self.name} is not running.")
        token = f"{next(self._tokens)}"
        answer = self._answers[token] = asyncio.get_running_loop().create_future()
        text = json.dumps({"command": command, "params": parameters, "token": token}).encode()
        self._writer.write(b"%d:%s," % (len(text), text))
        try:
            async with asyncio.timeout(_WITHIN_S):
                said = await answer
        except TimeoutError:
            raise LabError(f"Phone {self.name} says nothing to {command!r}; see {self.log_path}.") from None
        finally:
            self._answers.pop(token, None)
        if not said["ok"]:
            raise LabError(f"Phone {self.name} refuses {command!r}: {said['data']}")
        return str(said["data"])

    @property
    def _aor(self) -> str:
        return f"sip:{self.name}@127.0.0.1:{self.pbx_port}"

    async def _connect(self) -> None:
        while self._writer is None:
            try:
                reader, self._writer = await asyncio.open_connection("127.0.0.1", self.ports.control)
            except OSError:
                if self._process is None or self._process.poll() is not None:
                    raise LabError(f"Phone {self.name} ended at once; see {self.log_path}.") from None
                await asyncio.sleep(0.02)
        self._reading = asyncio.create_task(self._read(reader))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Messages are netstrings of JSON: `12:{"ok": true},`."""
        while True:
            try:
                length = await reader.readuntil(b":")
                message = json.loads(await reader.readexactly(int(length[:-1])))
                await reader.readexactly(1)
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            if message.get("event"):
                self._take(message["type"])
            elif answer := self._answers.get(message.get("token", "")):
                answer.set_result(message)

    def _take(self, kind: str) -> None:
        match kind:
            case "CALL_INCOMING":
                self.is_ringing = True
            case "CALL_ESTABLISHED":
                self.is_ringing, self.is_up = False, True
                self.calls += 1
            case "CALL_CLOSED":
                self.is_ringing = self.is_up = False
        self._news.set()

    async def _forget(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()
        self._reading = self._writer = None
        self.is_ringing = self.is_up = False
        self._news.set()


class Heard:
    """What a phone heard from a moment on: its file of the call grows while it hears."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._before = {path: path.stat().st_size for path in self._files()}

    async def stop(self) -> Path:
        """The wav file (8 kHz, 16 bits, mono) of what came since; empty where not a packet came."""
        files = self._files()
        newest = max(files, key=lambda path: path.stat().st_mtime_ns, default=None)
        content = newest.read_bytes() if newest is not None else b""
        since = self._before.get(newest, 0) if newest is not None else 0
        sound = content[_HEADER_BYTES if since > len(content) else max(since, _HEADER_BYTES) :]
        path = self._directory / f"since-{len(files)}-{since}.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, _RATE, 0, "NONE", ""))
            file.writeframes(sound[: len(sound) // 2 * 2])
        return path

    def _files(self) -> list[Path]:
        return list(self._directory.glob("dump-*-dec.wav"))


def modules_dir(command: tuple[str, ...]) -> Path:
    """Where the modules of this baresip are. Raises LabError when they are nowhere."""
    root = Path(command[-1]).parent.parent
    found = [path for pattern in ("lib/baresip/modules", "lib/*/baresip/modules") for path in root.glob(pattern)]
    if not found:
        raise LabError(f"The modules of {command[-1]} are not below {root / 'lib'}.")
    return found[0]
