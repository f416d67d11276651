"""Pages of sources: the tables and views that are lists here, how each stands, and edits that met another one."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from app.panel import trail
from app.panel.doorkeeper import VISITOR
from app.panel.forms import Form
from app.panel.gates import only
from app.panel.pages import PageSet
from app.panel.source_phrases import COUNTS
from app.sources.database import SourceProblem
from app.sources.keeper import Sources
from app.store import lists, sources
from app.store.errors import InUse, NotFound
from app.store.people import Role
from app.store.sources import Source

CONFLICTS: Final = 50
"""Conflicts shown at once, the oldest first."""
_PATH: Final = "/lists/sources"


class SourcePages(PageSet):
    """All sources on one page, with the conflicts of each."""

    keeper: Sources
    """Runs them; given by the panel."""

    def attach(self, app: web.Application) -> None:
        """Put the addresses into an aiohttp application."""
        gate = only(Role.SUPERVISOR)
        app.router.add_get(_PATH, gate(self._all))
        app.router.add_post(f"{_PATH}/{{source_id}}/run", gate(self._run))
        app.router.add_post(f"{_PATH}/{{source_id}}/conflicts/{{conflict_id}}", gate(self._settle))

    async def _all(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request)

    async def _page(self, request: web.Request, told: str = "", status: int = 200) -> web.Response:
        known = await self._store.read(sources.list_sources)
        names: dict[int, str] = {}
        conflicts: dict[int, Any] = {}
        for one in known:
            names[one.id] = (await self._store.read(lists.get_list, one.list_id)).name
            conflicts[one.id] = await self._store.read(sources.conflicts_page, one.id, limit=CONFLICTS)
        return self._pages.page(
            request, "sources.html", status=status, known=known, names=names, conflicts=conflicts, told=told,
            now_ms=self._operations.now_ms, counted=COUNTS,
        )  # fmt: skip

    async def _run(self, request: web.Request) -> web.StreamResponse:
        """Read it now; how that went is on the page."""
        source = await self.keeper.sync(_id(request, "source_id"))
        await self._note(request, "ran source", source, {})
        return web.Response(status=303, headers={"Location": f"{_PATH}#source-{source.id}"})

    async def _settle(self, request: web.Request) -> web.StreamResponse:
        """Take one side of a conflict."""
        taken = (await Form.of(request))["take"]
        source = await self._store.read(sources.get_source, _id(request, "source_id"))
        if taken not in ("ours", "theirs"):
            return await self._page(request, "choose one of the two values", 422)
        try:
            settled = await self.keeper.settle(source.id, _id(request, "conflict_id"), taken)
        except (SourceProblem, InUse) as error:
            return await self._page(request, str(error), 409)
        await self._note(request, "settled conflict", source, {"field": settled.field, "taken": taken})
        return web.Response(status=303, headers={"Location": f"{_PATH}#source-{source.id}"})

    async def _note(self, request: web.Request, what: str, source: Source, details: dict[str, str]) -> None:
        told = trail.note(request[VISITOR].user, what, f"source {source.name}"[:64], self._operations.now_ms, details)
        await trail.write(self._store, told)


def _id(request: web.Request, name: str) -> int:
    text = request.match_info[name]
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise NotFound(name.removesuffix("_id"), text[:40])
    return int(text)
