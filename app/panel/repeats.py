"""The header Idempotency-Key: a program that does not know whether its request came through sends it again as it is."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web

from app.panel.problems import Problem, pattern
from app.store.door import SqlStore
from app.store.idempotency import KeptAnswer, keep_answer, kept_answer
from app.store.people import User

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
_KEY: Final = pattern(r"^[!-~]{1,128}$", "1 to 128 letters, digits and signs, such as a UUID")
KEY_SCHEMA: Final[dict[str, Any]] = {"type": "string", "pattern": _KEY, "maxLength": 128}
Do = Callable[[], Awaitable[web.StreamResponse]]


class Repeats:
    """Answers of requests with a key, kept for a day for who sent them. What failed is not kept: it may be mended."""

    def __init__(self, store: SqlStore, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._now_ms = now_ms
        self._under_way: set[tuple[int, str]] = set()

    async def once(self, request: web.Request, user: User, raw: bytes, do: Do) -> web.StreamResponse:
        """Do it, unless it was done under its key; then its answer again. Raises Problem for a key used otherwise."""
        key = request.headers.get(HEADER)
        if key is None or request.method != "POST":
            return await do()
        if not re.fullmatch(_KEY, key):
            raise Problem(422, "invalid", f"{HEADER}: 1 to 128 letters, digits and signs, such as a UUID")
        digest = hashlib.sha256(f"{request.method} {request.path_qs}\n".encode() + raw).hexdigest()
        place = (user.id, key)
        if place in self._under_way:
            raise Problem(409, "under_way", "a request with this key is being done just now; send it again in a moment")
        self._under_way.add(place)
        try:
            kept = await self._store.read(kept_answer, user.id, key, self._now_ms())
            if kept is not None:
                return _again(kept, digest)
            answer = await do()
            if isinstance(answer, web.Response) and answer.status < 300:
                new = KeptAnswer(request_sha256=digest, status=answer.status, answer=answer.text or "")
                await self._store.write(keep_answer, user.id, key, new, self._now_ms())
            return answer
        finally:
            self._under_way.discard(place)


def _again(kept: KeptAnswer, digest: str) -> web.Response:
    if kept.request_sha256 != digest:
        raise Problem(422, "key_used", f"this {HEADER} belongs to another request; choose a new one for each")
    headers = {REPLAYED: "true"}
    if kept.status == 204:
        return web.Response(status=204, headers=headers)
    return web.Response(status=kept.status, text=kept.answer, content_type="application/json", headers=headers)
