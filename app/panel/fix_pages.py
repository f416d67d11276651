"""The page of numbers to be mended: whose, which, who said so; the right one is written, or the task is closed."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from app.contact_operations import ContactOperations
from app.fix_operations import FixOperations
from app.operations import OperationError
from app.panel import trail
from app.panel.doorkeeper import VISITOR
from app.panel.forms import Form
from app.panel.gates import only
from app.panel.pages import PageSet
from app.store.errors import InUse
from app.store.fixing import FixTask, count_fix_tasks, fix_tasks_page
from app.store.people import Role
from app.units import FixTaskId

PAGE: Final = 50
_PATH: Final = "/lists/fixes"


class FixPages(PageSet):
    """Open tasks, a page at a time, and the last ones that were done."""

    contacts: ContactOperations
    """Given by the panel."""

    def attach(self, app: web.Application) -> None:
        """Put the addresses into an aiohttp application."""
        gate = only(Role.SUPERVISOR)
        one = _PATH + "/{task_id:[0-9]{1,15}}"
        app.router.add_get(_PATH, gate(self._all))
        app.router.add_post(f"{one}/mend", gate(self._mend))
        app.router.add_post(f"{one}/close", gate(self._close))

    async def _all(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request)

    async def _page(
        self, request: web.Request, told: str = "", at: int = 0, typed: str = "", status: int = 200
    ) -> web.Response:
        asked = request.query.get("before", "")
        before = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 16 else None
        found = await self._store.read(fix_tasks_page, before=before, limit=PAGE + 1)
        done = await self._store.read(fix_tasks_page, limit=10, is_done=True)
        return self._pages.page(
            request, "fixes.html", status=status, tasks=found[:PAGE], done=done, told=told, at=at, typed=typed,
            count=await self._store.read(count_fix_tasks), is_first=before is None,
            next_before=found[PAGE - 1].id if len(found) > PAGE else None,
        )  # fmt: skip

    def _verbs(self) -> FixOperations:
        return FixOperations(operations=self._operations, contacts=self.contacts, store=self._store)

    async def _mend(self, request: web.Request) -> web.StreamResponse:
        number = (await Form.of(request))["number"][:64]
        task_id, by = _id(request), request[VISITOR].user.name
        try:
            task = await self._verbs().mend(task_id, number, by=by)
        except (OperationError, InUse) as error:
            return await self._page(request, str(error), task_id, number, 422)
        return await self._done(request, "mended number", task)

    async def _close(self, request: web.Request) -> web.StreamResponse:
        task_id = _id(request)
        try:
            task = await self._verbs().close(task_id, by=request[VISITOR].user.name)
        except InUse as error:
            return await self._page(request, str(error), task_id, status=409)
        return await self._done(request, "closed fix-it task", task)

    async def _done(self, request: web.Request, what: str, task: FixTask) -> web.StreamResponse:
        subject = f"contact {task.contact_id}"
        details = {"number": f"…{task.number[-4:]}", "task": str(task.id)}
        told = trail.note(request[VISITOR].user, what, subject, self._operations.now_ms, details)
        await trail.write(self._store, told)
        return web.Response(status=303, headers={"Location": _PATH})


def _id(request: web.Request) -> FixTaskId:
    return FixTaskId(int(request.match_info["task_id"]))
