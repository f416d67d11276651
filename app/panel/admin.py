"""What the admin's pages have in common: changes that are written into the audit trail, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from aiohttp import web
from sqlalchemy import Connection

from app.panel import trail
from app.panel.doorkeeper import VISITOR
from app.panel.gates import only
from app.panel.pages import PageSet
from app.store.audit import record
from app.store.people import Role

T = TypeVar("T")
ENDPOINT_WORDS = "the name of a PJSIP endpoint is expected: letters, digits, . _ and -"
MAX_NAME = 64


class AdminPages(PageSet):
    """Some of the admin's pages."""

    def routes(self) -> tuple[tuple[str, str, Any], ...]:
        """Method, path and what answers."""
        raise NotImplementedError

    def attach(self, app: web.Application) -> None:
        """Put the addresses into an aiohttp application."""
        gate = only(Role.ADMIN)
        for method, path, answer in self.routes():
            app.router.add_route(method, path, gate(answer))

    def _back(self, path: str) -> web.Response:
        return web.Response(status=303, headers={"Location": path})

    async def _audited(
        self, request: web.Request, what: str, subject: str, details: Mapping[str, str], work: Callable[[Connection], T]
    ) -> T:
        """Change the database and write down who did it, both or neither."""
        told = trail.note(request[VISITOR].user, what, subject, self._operations.now_ms, details)

        def both(conn: Connection) -> T:
            done = work(conn)
            record(conn, who=told.who, what=told.what, subject=told.subject, details=told.details, at_ms=told.at_ms)
            return done

        return await self._store.write(both)

    async def _note(
        self, request: web.Request, what: str, subject: str, details: Mapping[str, str] | None = None
    ) -> None:
        """Write down what was done elsewhere."""
        told = trail.note(request[VISITOR].user, what, subject, self._operations.now_ms, details)
        await trail.write(self._store, told)


def told(record: Any) -> dict[str, object]:
    """A record's fields by name, for the trail; nothing for a new one."""
    if record is None:
        return {}
    flat: dict[str, object] = {}
    for name in record.__dataclass_fields__:
        value = getattr(record, name)
        flat |= told(value) if hasattr(value, "__dataclass_fields__") else {name: getattr(value, "value", value)}
    return flat
