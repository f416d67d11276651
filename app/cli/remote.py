"""The commands' way to the running dialer: its REST interface, with a key from the environment or one made for the run.

On the machine that has the database a command opens a session for the first admin and ends it afterwards; elsewhere
OUTRING_URL says where `outring run` is and OUTRING_API_KEY who asks.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote

import aiohttp

from app.cli.shell import fail, run_async, settings
from app.panel.passwords import new_token, token_hash
from app.settings import Settings
from app.store import SqlStore, StoreError, people
from app.units import HOUR_MS

T = TypeVar("T")
PREFIX: Final = "/api/v1"
TIMEOUT_S: Final = 60.0
SESSION_MS: Final = HOUR_MS


class Refused(Exception):
    """The dialer said no; the message is its own."""


class Remote:
    """A running dialer's REST interface."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url = url
        self._http = http

    async def get(self, path: str, **query: str | int) -> Any:
        """Read. Raises Refused."""
        return await self._ask("GET", path, params={name: str(value) for name, value in query.items()})

    async def post(self, path: str, body: object = None) -> Any:
        """Add, or give an order. Raises Refused."""
        return await self._ask("POST", path, **({} if body is None else {"json": body}))

    async def put(self, path: str, body: object) -> Any:
        """Add or change. Raises Refused."""
        return await self._ask("PUT", path, json=body)

    async def patch(self, path: str, body: object) -> Any:
        """Change some of it. Raises Refused."""
        return await self._ask("PATCH", path, json=body)

    async def delete(self, path: str) -> None:
        """Remove. Raises Refused."""
        await self._ask("DELETE", path)

    async def save(self, path: str, file: Path, **query: str | int) -> int:
        """Read into a file, which appears when it is complete; answers its bytes. Raises Refused, OSError."""
        part = file.with_name(f".{file.name}.part")
        params = {name: str(value) for name, value in query.items()}
        try:
            async with self._http.get(self.url + PREFIX + path, params=params) as answer:
                if answer.status >= 400:
                    raise Refused(str((await answer.json(content_type=None)).get("detail", answer.status)))
                with part.open("wb") as stream:
                    async for piece in answer.content.iter_chunked(1 << 16):
                        stream.write(piece)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            part.unlink(missing_ok=True)
            raise Refused(f"{self.url}{PREFIX}{path}: {error or 'no answer in time'}") from error
        part.replace(file)
        return file.stat().st_size

    async def _ask(self, method: str, path: str, **rest: Any) -> Any:
        try:
            async with self._http.request(method, self.url + PREFIX + path, **rest) as answer:
                if answer.status == 204:
                    return None
                if answer.content_type not in ("application/json", "application/problem+json"):
                    raise Refused(f"{self.url} answers {answer.status}, but is no Outring; see OUTRING_URL")
                value = await answer.json(content_type=None)
                if answer.status >= 400:
                    raise Refused(str(value.get("detail", answer.status)))
                return value
        except aiohttp.ClientConnectorError as error:
            raise Refused(
                f"no dialer answers at {self.url}; start it with `outring run`, or set OUTRING_URL ({error})"
            ) from error
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Refused(f"{self.url}{PREFIX}{path}: {error or 'no answer in time'}") from error


def ask(work: Callable[[Remote], Awaitable[T]]) -> T:
    """Run `work` against the running dialer; what goes wrong ends the command with one sentence and exit code 1."""

    async def connected() -> T:
        async with _remote(settings()) as remote:
            return await work(remote)

    try:
        return run_async(connected())
    except (Refused, StoreError) as error:
        fail(str(error))


async def by_name(remote: Remote, noun: str, name: str) -> dict[str, Any]:
    """A list, flow or campaign by its name. Raises Refused naming those there are."""
    found: list[dict[str, Any]] = await remote.get(f"/{noun}s")
    for one in found:
        if one["name"] == name:
            return one
    names = ", ".join(repr(one["name"]) for one in found[:20])
    raise Refused(f"there is no {noun} {name!r}; " + (f"there are: {names}" if found else f"there is no {noun} at all"))


def path_part(text: str) -> str:
    """A word as a part of a path."""
    return quote(text, safe="")


@asynccontextmanager
async def _remote(chosen: Settings) -> AsyncIterator[Remote]:
    host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(chosen.http_host, chosen.http_host)
    here = f"http://{f'[{host}]' if ':' in host else host}:{chosen.http_port}"
    url = os.environ.get("OUTRING_URL", here).rstrip("/")
    async with _key(chosen) as key:
        headers = {"Authorization": f"Bearer {key}"}
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as http:
            yield Remote(url, http)


@asynccontextmanager
async def _key(chosen: Settings) -> AsyncIterator[str]:
    """A key: the environment's, or a session of an hour that is ended at the end of the command."""
    key = os.environ.get("OUTRING_API_KEY", "")
    if key:
        yield key
        return
    async with await SqlStore.open(chosen.database_url) as store:
        admins = [one for one in await store.read(people.list_users) if one.role is people.Role.ADMIN]
        owner = next((one for one in sorted(admins, key=lambda one: one.id) if not one.is_disabled), None)
        if owner is None:
            raise Refused(
                "there is no admin yet to act for: `outring user add NAME --role admin`, or set OUTRING_API_KEY"
            )
        token, now_ms = new_token(), time.time_ns() // 1_000_000
        hashed = token_hash(token)
        await store.write(
            people.open_session, user_id=owner.id, token_hash=hashed, now_ms=now_ms, expires_at_ms=now_ms + SESSION_MS
        )
        try:
            yield token
        finally:
            await store.write(people.end_session, hashed)
