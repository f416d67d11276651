"""Who is asking: sessions of people, keys of programs, and that a request really comes from our own pages."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from app.panel.passwords import is_password, new_token, token_hash
from app.panel.problems import Problem
from app.panel.throttle import Throttle
from app.store import people
from app.store.door import SqlStore
from app.store.people import User
from app.units import HOUR_MS, MINUTE_MS

SESSION_MS: Final = 12 * HOUR_MS
"""A session ends so long after its last use."""
TOUCH_MS: Final = 5 * MINUTE_MS
"""A session's use is written down so often, not with every request."""
TOKEN_FIELD: Final = "csrf_token"
TOKEN_HEADER: Final = "X-CSRF-Token"
MAX_PASSWORD: Final = 1_000
_CHECKS_AT_ONCE: Final = 2  # each takes 64 MB for a tenth of a second


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Somebody who is signed in. token: of the session's cookie; empty for a program with a key in its header."""

    user: User
    token: str = ""

    @property
    def csrf_token(self) -> str:
        """What a form of ours carries and a page of somebody else cannot know."""
        return hashlib.sha256(b"form:" + self.token.encode()).hexdigest() if self.token else ""


VISITOR: Final = web.RequestKey("visitor", Visitor)


class SignInRefused(Exception):
    """Name or password is wrong, or it was tried too often. wait_s: seconds until the next try, 0.0 for at once."""

    def __init__(self, wait_s: float = 0.0) -> None:
        super().__init__("wait" if wait_s else "wrong name or password")
        self.wait_s = wait_s


class Doorkeeper:
    """Signs people in and out, and knows them again."""

    def __init__(self, store: SqlStore, now_ms: Callable[[], int], throttle: Throttle | None = None) -> None:
        self._store = store
        self._now_ms = now_ms
        self._throttle = throttle or Throttle()
        self._checks = asyncio.Semaphore(_CHECKS_AT_ONCE)
        self._touched_at_ms: dict[str, int] = {}

    async def sign_in(self, name: str, password: str, address: str) -> str:
        """Open a session; answers its token. Raises SignInRefused, the same for a wrong name and a wrong password."""
        wait_s = self._throttle.begin(name, address)
        if wait_s:
            raise SignInRefused(wait_s)
        user = None
        if is_text(name):
            user = await self._store.read(people.user_by_name, name)
        password_hash = user.password_hash if user else None
        async with self._checks:
            is_right = await asyncio.to_thread(is_password, password[:MAX_PASSWORD], password_hash)
        if user is None or not is_right or user.is_disabled:
            raise SignInRefused
        self._throttle.passed(name, address)
        token, now_ms = new_token(), self._now_ms()
        await self._store.write(people.drop_expired_sessions, now_ms)
        await self._store.write(
            people.open_session,
            user_id=user.id,
            token_hash=token_hash(token),
            now_ms=now_ms,
            expires_at_ms=now_ms + SESSION_MS,
        )
        return token

    async def sign_out(self, token: str) -> None:
        """End a session: its cookie is worth nothing from now on."""
        self._touched_at_ms.pop(token_hash(token), None)
        await self._store.write(people.end_session, token_hash(token))

    async def visitor(self, request: web.Request, cookie: str) -> Visitor | None:
        """Who sent this request: by its Authorization header when it has one, else by its cookie."""
        header = request.headers.get("Authorization")
        if header is not None:
            scheme, _, key = header.partition(" ")
            return await self._by_key(key.strip()) if scheme.lower() == "bearer" else None
        token = request.cookies.get(cookie, "")
        user = await self._by_session(token) if token else None
        return Visitor(user=user, token=token) if user else None

    async def _by_key(self, key: str) -> Visitor | None:
        """A program's key, or the session that a command on this machine opened for itself."""
        user = await self._store.read(people.api_key_user, hash_of(key)) or await self._by_session(key)
        return Visitor(user=user) if user else None

    async def _by_session(self, token: str) -> User | None:
        hashed, now_ms = hash_of(token), self._now_ms()
        user = await self._store.read(people.session_user, hashed, now_ms)
        if user is None:
            self._touched_at_ms.pop(hashed, None)
        elif now_ms - self._touched_at_ms.get(hashed, 0) > TOUCH_MS:
            self._touched_at_ms[hashed] = now_ms
            await self._store.write(people.extend_session, hashed, expires_at_ms=now_ms + SESSION_MS)
        return user


def hash_of(token: str) -> str:
    """The hash of whatever a stranger sent as a token."""
    return token_hash(token) if is_text(token) else token_hash("")


def is_text(text: str) -> bool:
    """Whether a database can hold it: no NUL, no half of a surrogate pair."""
    return "\0" not in text and not any(0xD800 <= ord(letter) <= 0xDFFF for letter in text)


def is_same_origin(request: web.BaseRequest) -> bool:
    """Whether a browser says that a page of ours sends this."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None and site != "same-origin":
        return False
    if origin is None:
        return site == "same-origin"
    return urlsplit(origin).netloc.lower() == request.host.lower()


async def check_is_ours(request: web.Request, visitor: Visitor) -> None:
    """Let a change through only from our own page. Raises Problem 403."""
    if not is_same_origin(request):
        raise Problem(403, "wrong_origin", "this was sent from another site's page; open Outring itself and try again")
    given = request.headers.get(TOKEN_HEADER, "")
    if not given and request.content_type == "application/x-www-form-urlencoded":
        given = str((await request.post()).get(TOKEN_FIELD, ""))
    if not hmac.compare_digest(given.encode("utf-8", "replace"), visitor.csrf_token.encode()):
        raise Problem(403, "no_form_token", "the page is too old, or not ours; reload it and try again")
