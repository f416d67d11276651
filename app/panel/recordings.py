"""Recordings, as files that a browser plays: in pieces, only to supervisors, and each listening is written down."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from aiohttp import web

from app.panel import trail
from app.panel.doorkeeper import VISITOR
from app.panel.gates import only
from app.panel.problems import Problem
from app.store import attempts
from app.store.attempts import AttemptEntry
from app.store.door import SqlStore
from app.store.errors import NotFound
from app.store.people import Role, User
from app.units import ATTEMPT_ID, MINUTE_MS, AttemptId

_NAME: Final = re.compile(rf"({ATTEMPT_ID.pattern})(-[A-Za-z0-9_.-]{{1,120}})?")
AGAIN_MS: Final = 10 * MINUTE_MS
"""Playing on within this time is the same listening."""
SUFFIX: Final = ".wav"


def recordings_of(entry: AttemptEntry) -> list[str]:
    """The names of an attempt's recordings: of the conversation, then of the flow."""
    talked = list(entry.conversation.recordings) if entry.conversation else []
    flow = [one["name"] for one in entry.flow.get("recordings", []) if not one.get("has_failed")]
    return list(dict.fromkeys([*talked, *flow]))


class Recordings:
    """The way to the files: Asterisk's folder of recordings, as this machine sees it."""

    def __init__(self, store: SqlStore, folder: Path, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._folder = folder
        self._now_ms = now_ms
        self._heard: dict[tuple[int, str], int] = {}

    def attach(self, app: web.Application) -> None:
        """Put the address for pages into an aiohttp application."""
        app.router.add_get("/recordings/{name}", only(Role.SUPERVISOR)(self._play))

    async def _play(self, request: web.Request) -> web.StreamResponse:
        return await self.answer(request, request.match_info["name"], request[VISITOR].user)

    async def answer(self, request: web.Request, name: str, listener: User) -> web.StreamResponse:
        """A recording, or the piece of it that is asked for. Raises NotFound, Problem where the file is not here."""
        attempt_id = await self.attempt_of(name)
        path = self._folder / (name + SUFFIX)
        if not path.is_file():
            raise Problem(
                404,
                "recording_not_here",
                "the file of this recording is not on this machine; let OUTRING_ASTERISK_RECORDINGS_DIR name the "
                "folder Asterisk records into",
            )
        await self._write_down(listener, attempt_id, name)
        headers = {"Content-Type": "audio/wav", "Content-Disposition": f'inline; filename="{name}{SUFFIX}"'}
        return web.FileResponse(path, headers=headers)

    async def attempt_of(self, name: str) -> AttemptId:
        """The attempt a recording belongs to, which must know it. Raises NotFound."""
        found = _NAME.fullmatch(name)
        if found is None or ".." in name:
            raise NotFound("recording", name[:60])
        entry = await self._store.read(attempts.get_attempt, AttemptId(found[1]))
        if name not in recordings_of(entry):
            raise NotFound("recording", name[:60])
        return entry.attempt_id

    async def _write_down(self, listener: User, attempt_id: AttemptId, name: str) -> None:
        now_ms, key = self._now_ms(), (listener.id, name)
        self._heard = {one: at_ms for one, at_ms in self._heard.items() if now_ms - at_ms < AGAIN_MS}
        if key not in self._heard:
            told = trail.note(listener, "listened to recording", f"attempt {attempt_id}", now_ms, {"recording": name})
            await trail.write(self._store, told)
        self._heard[key] = now_ms
