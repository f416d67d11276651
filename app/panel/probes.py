"""What machines ask of a running Outring: is it alive, is it ready to call, and its figures for Prometheus.

Probes answer without sign-in, and so tell no more than a word; figures are for whoever may see the wallboard, or has
the token of the settings.
"""

from __future__ import annotations

import asyncio
import hmac
from typing import Final

from aiohttp import web
from sqlalchemy import Connection, text

from app.metrics.collector import registry_of, scraped
from app.operations import Operations
from app.panel.doorkeeper import VISITOR
from app.panel.problems import Problem
from app.panel.routing import RANK
from app.settings import Settings
from app.store.door import SqlStore
from app.store.errors import StoreError
from app.store.people import Role

PROBES: Final = ("/health", "/health/live", "/health/ready")
METRICS: Final = "/metrics"
ANSWERS_WITHIN_S: Final = 2.0
"""A database that takes longer for one row is away."""
FRESH_S: Final = 1.0
"""However often it is asked, the database is looked at once a second."""


class Probes:
    """Health, readiness and figures of one dialer."""

    def __init__(self, operations: Operations, store: SqlStore, settings: Settings) -> None:
        self._operations = operations
        self._store = store
        self._settings = settings
        self._registry = registry_of(operations.runtime, operations.snapshot)
        self._looking = asyncio.Lock()
        self._problems: dict[str, str] = {}
        self._looked_at_s = float("-inf")

    def attach(self, app: web.Application) -> None:
        """Put the addresses into an aiohttp application."""
        app.router.add_get("/health", _alive)
        app.router.add_get("/health/live", _alive)
        app.router.add_get("/health/ready", self._ready)
        app.router.add_get(METRICS, self._figures)

    # --- ready -------------------------------------------------------------------------------------------------------

    async def _ready(self, _request: web.Request) -> web.Response:
        """Whether calls could be placed now; 503 with the part that is away, and why, otherwise."""
        problems = await self.problems()
        if not problems:
            return web.json_response({"status": "ready"})
        told = [{"part": part, "reason": reason} for part, reason in problems.items()]
        return web.json_response({"status": "not ready", "problems": told}, status=503)

    async def problems(self) -> dict[str, str]:
        """What is in the way of calls, by its part: outring, asterisk, database; empty: nothing."""
        async with self._looking:
            loop = asyncio.get_running_loop()
            if loop.time() - self._looked_at_s > FRESH_S:
                self._problems = await self._look()
                self._looked_at_s = loop.time()
            return self._problems

    async def _look(self) -> dict[str, str]:
        problems: dict[str, str] = {}
        if self._operations.runtime.is_ending:
            problems["outring"] = "is being stopped"
        picture = self._operations.snapshot()
        if not picture.is_telephony_up:  # what follows the colon may name hosts and users
            problems["asterisk"] = picture.telephony_reason.partition(":")[0] or "away"
        if reason := await self._database():
            problems["database"] = reason
        return problems

    async def _database(self) -> str:
        """What is wrong with the database, in a few words; empty: nothing. The shell itself tries again to write."""
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                await self._store.read(_look_at)
        except (StoreError, TimeoutError):
            return "does not answer"
        return "refuses to write" if self._operations.runtime.meter.database_problem else ""

    # --- figures -----------------------------------------------------------------------------------------------------

    def is_reader(self, request: web.Request) -> bool:
        """Whether the figures are for this request whoever sends it, by the settings: no database is asked."""
        return request.path == METRICS and may_scrape(request, self._settings)

    async def _figures(self, request: web.Request) -> web.Response:
        if not self.is_reader(request) and RANK[request[VISITOR].user.role] < RANK[Role.SUPERVISOR]:
            raise Problem(403, "forbidden", "the figures are for supervisors and admins, or the token of metrics_token")
        body, content_type = scraped(self._registry, request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})


def may_scrape(request: web.Request, settings: Settings) -> bool:
    """Whether the settings alone let this request have figures: they are open, or it has the token."""
    token = settings.metrics_token.get_secret_value()
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    is_token = scheme.lower() == "bearer" and hmac.compare_digest(
        given.strip().encode("utf-8", "replace"), token.encode()
    )
    return settings.metrics_access == "open" or (bool(token) and is_token)


async def _alive(_request: web.Request) -> web.Response:
    """For probes: the program is alive and its event loop turns."""
    await asyncio.sleep(0)
    return web.json_response({"status": "ok"})


def _look_at(conn: Connection) -> None:
    conn.execute(text("SELECT version_num FROM alembic_version")).all()
