"""A real Chromium, driven through its DevTools protocol: as much of it as the tests need."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE_S = 30.0
GOES_WITHIN_S = 10.0
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "Space": 32}


class Page:
    """One tab. errors: what its console and the browser complained of."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._session: dict[str, str] = {}
        self._reading = asyncio.create_task(self._read())
        self.errors: list[str] = []

    async def open(self) -> Self:
        """Make the tab."""
        target = await self.send("Target.createTarget", url="about:blank")
        attached = await self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.send(f"{domain}.enable")
        return self

    async def close(self) -> None:
        """Stop listening."""
        self._reading.cancel()
        with suppress(asyncio.CancelledError):
            await self._reading

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        """One command and its result."""
        number = next(self._ids)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_str(json.dumps({"id": number, "method": method, "params": params, **self._session}))
        async with asyncio.timeout(PATIENCE_S):
            found = await answer
        assert "error" not in found, (method, found["error"])
        result: dict[str, Any] = found["result"]
        return result

    async def _read(self) -> None:
        async for message in self._socket:
            found = json.loads(message.data)
            if "id" in found:
                self._waiting.pop(found["id"]).set_result(found)
            elif found["method"] == "Runtime.exceptionThrown":
                self.errors.append(str(found["params"]["exceptionDetails"]))
            elif found["method"] == "Log.entryAdded" and found["params"]["entry"]["level"] == "error":
                self.errors.append(found["params"]["entry"]["text"])

    async def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression, awaited."""
        found = await self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    async def until(self, script: str) -> None:
        """Wait until a JavaScript expression is true."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            # While a page is being left there is nothing to ask.
            with suppress(AssertionError):
                if await self.evaluate(f"!!({script})"):
                    return
            if asyncio.get_running_loop().time() > deadline:
                text = await self.evaluate("document.body.innerText")
                raise AssertionError(f"never true: {script}\nerrors: {self.errors}\nthe page says:\n{text}")
            await asyncio.sleep(0.05)

    async def go(self, url: str) -> None:
        """Visit an address and wait until it is loaded."""
        await self.evaluate("window.leaving = true")
        await self.send("Page.navigate", url=url)
        await self.until("!window.leaving && document.readyState === 'complete'")

    async def size(self, width: int, height: int) -> None:
        """Be a screen of this size."""
        await self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    async def prefer(self, scheme: str) -> None:
        """Be a system that is light or dark."""
        wanted = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
        features = [{"name": name, "value": value} for name, value in wanted.items()]
        await self.send("Emulation.setEmulatedMedia", features=features)

    async def network(self, *, is_there: bool) -> None:
        """Cut the tab off, or let it go on."""
        speed = -1 if is_there else 0
        await self.send(
            "Network.emulateNetworkConditions",
            offline=not is_there, latency=0, downloadThroughput=speed, uploadThroughput=speed,
        )  # fmt: skip

    async def press(self, key: str) -> None:
        """A key down and up, as a keyboard sends it."""
        code = {"key": " " if key == "Space" else key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        text = {"Enter": "\r", "Space": " "}.get(key)
        await self.send("Input.dispatchKeyEvent", type="keyDown", **code, **({"text": text} if text else {}))
        await self.send("Input.dispatchKeyEvent", type="keyUp", **code)

    async def key(self, code: str, *, letter: str = "", ctrl: bool = False, shift: bool = False) -> None:
        """A key by its place on the keyboard; letter: what the layout makes of it (none: nothing is typed)."""
        plain = letter or code.removeprefix("Key").removeprefix("Digit").lower() if len(code) < 7 else code
        sent: dict[str, Any] = {"code": code, "key": plain, "modifiers": 2 * ctrl + 8 * shift}
        sent["windowsVirtualKeyCode"] = KEYS.get(code) or (ord(code[-1]) if code.startswith(("Key", "Digit")) else 0)
        text = {} if not letter or ctrl else {"text": letter}
        await self.send("Input.dispatchKeyEvent", type="keyDown", **sent, **text)
        await self.send("Input.dispatchKeyEvent", type="keyUp", **sent)

    async def type(self, text: str) -> None:
        """Text into what has the focus."""
        await self.send("Input.insertText", text=text)

    async def tab_to(self, script: str, most: int = 60) -> None:
        """Press Tab until the focused element `e` fits a JavaScript condition."""
        for _ in range(most):
            await self.press("Tab")
            if await self.evaluate(f"(e => {script})(document.activeElement)"):
                return
        raise AssertionError(f"the keyboard never reaches {script}")

    async def picture(self, path: Path) -> None:
        """A screenshot, for people who look at what failed."""
        found = await self.send("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(found["data"]))


@asynccontextmanager
async def chromium(folder: Path) -> AsyncIterator[Page]:
    """A browser of its own with one tab; nothing of it stays."""
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    assert program, "there is no Chromium on this machine: install the Debian package chromium (make test does)"
    profile = folder / "profile"
    process = await asyncio.create_subprocess_exec(
        program, "--headless=new", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage",
        "--no-first-run", "--no-default-browser-check", "--remote-debugging-port=0", "--lang=en-GB",
        f"--user-data-dir={profile}", *(["--no-sandbox"] if os.geteuid() == 0 else []), "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        address = await _address(profile / "DevToolsActivePort", process)
        async with aiohttp.ClientSession() as http, http.ws_connect(address, max_msg_size=0) as socket:
            page = await Page(socket).open()
            try:
                yield page
            finally:
                await page.close()
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask it to go; what does not, with all that it started, is killed."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(GOES_WITHIN_S):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _address(file: Path, process: asyncio.subprocess.Process) -> str:
    """Where the browser listens: it writes a port and a path once it does."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while asyncio.get_running_loop().time() < deadline:
        assert process.returncode is None, f"Chromium ended with {process.returncode}"
        if file.exists() and len(lines := file.read_text(encoding="ascii").split()) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        await asyncio.sleep(0.05)
    raise AssertionError("Chromium does not say where it listens")
