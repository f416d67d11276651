"""Posting: one try to deliver one event, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Self

import aiohttp

from app.webhooks.receivers import CarefulResolver, Network, ReceiverRefused, check_url
from app.webhooks.signing import signature

TIMEOUT_S: Final = 10.0
READ_BYTES: Final = 2_048
"""Of an answer no more is read: the first words of it are kept when it is a refusal."""
TOLD: Final = 120
GONE: Final = 410


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a receiver answered. status: None when it did not; problem: in words, empty when it took the event."""

    status: int | None
    problem: str
    took_ms: int

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants no more, ever."""
        return self.status == GONE


class Poster:
    """Sends events. It follows no redirect, uses no proxy, keeps no cookie, and waits ten seconds at the most."""

    def __init__(
        self,
        allowed: Sequence[Network] = (),
        *,
        now_s: Callable[[], float] = time.time,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._allowed = tuple(allowed)
        self._now_s = now_s
        self._timeout_s = timeout_s
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    def check(self, url: str) -> None:
        """Whether it would send there. Raises ReceiverRefused."""
        check_url(url, self._allowed)

    async def post(self, url: str, secret: str, *, event_id: str, kind: str, body: str) -> Answer:
        """Send an event once. Nothing is raised: what went wrong is in the answer."""
        began = time.monotonic()
        status, problem = await self._post(url, secret, event_id, kind, body.encode())
        return Answer(status=status, problem=problem, took_ms=round(1_000 * (time.monotonic() - began)))

    async def _post(self, url: str, secret: str, event_id: str, kind: str, body: bytes) -> tuple[int | None, str]:
        try:
            self.check(url)
            timestamp_s = int(self._now_s())
            headers = {
                "Content-Type": "application/json",
                "User-Agent": "Outring",
                "Outring-Event": kind,
                "Outring-Event-Id": event_id,
                "Outring-Timestamp": str(timestamp_s),
                "Outring-Signature": signature(secret, timestamp_s, body),
            }
            session = self._session("http" if url[:5].lower() == "http:" else "https")
            async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                if 200 <= response.status < 300:
                    return response.status, ""
                said = await response.content.read(READ_BYTES)
                return response.status, f"answered {response.status}{_words(said)}"
        except ReceiverRefused as error:
            return None, str(error)
        except TimeoutError:
            return None, f"did not answer in {self._timeout_s:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            refused = error.__cause__ if isinstance(error.__cause__, ReceiverRefused) else None
            return None, str(refused) if refused else f"could not be reached: {_without_url(error)}"

    def _session(self, scheme: str) -> aiohttp.ClientSession:
        """Over http only to networks of one's own; over https to the internet too."""
        if scheme not in self._sessions:
            resolver = CarefulResolver(self._allowed, is_private=scheme == "http")
            self._sessions[scheme] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=resolver, limit=0, ttl_dns_cache=30),
                timeout=aiohttp.ClientTimeout(total=self._timeout_s),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._sessions[scheme]


def _words(said: bytes) -> str:
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in said.decode(errors="replace")).split())
    return f": {text[:TOLD]}" if text else ""


def _without_url(error: Exception) -> str:
    """What went wrong, without the address: it may hold a key."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return str(error.os_error.strerror or error.os_error)[:TOLD]
    return type(error).__name__ if isinstance(error, aiohttp.InvalidURL) else str(error)[:TOLD]
