"""The door of a dialer that stands by: no panel, but a word on who is on duty, for people and for probes."""

from __future__ import annotations

import html

from aiohttp import web

from app.metrics.collector import scraped, standby_registry
from app.panel.probes import METRICS, may_scrape
from app.panel.server import quiet
from app.settings import Settings
from app.store.duty import DutyEntry

CLOSE_S = 1.0


class StandbyDoor:
    """Answers 503 to everything but `/health`, `/health/live` and `/metrics`: this program is well, and stands by."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._entry: DutyEntry | None = None
        self._runner: web.AppRunner | None = None

    async def show(self, entry: DutyEntry) -> bool:
        """Say from now on that this one is on duty; False: the port is taken, perhaps by that one."""
        self._entry = entry
        if self._runner is not None:
            return True
        app = web.Application()
        app.router.add_get("/health", self._health)
        app.router.add_get("/health/live", self._health)
        app.router.add_get("/health/ready", self._not_ready)
        app.router.add_get(METRICS, self._figures)
        app.router.add_route("*", "/{path:.*}", self._elsewhere)
        runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=CLOSE_S, logger=quiet)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._settings.http_host, self._settings.http_port).start()
        except OSError:
            await runner.cleanup()
            return False
        self._runner = runner
        return True

    async def close(self) -> None:
        """Make room for the panel."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _health(self, _request: web.Request) -> web.Response:
        assert self._entry is not None
        return web.json_response({"status": "standby", "on_duty": self._entry.place, "url": self._entry.url})

    async def _not_ready(self, _request: web.Request) -> web.Response:
        problems = [{"part": "outring", "reason": "stands by"}]
        return web.json_response({"status": "not ready", "problems": problems}, status=503)

    async def _figures(self, request: web.Request) -> web.StreamResponse:
        """That it stands by, for whom the settings let; accounts are the other dialer's to know."""
        if not may_scrape(request, self._settings):
            return await self._elsewhere(request)
        body, content_type = scraped(standby_registry(), request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def _elsewhere(self, request: web.Request) -> web.Response:
        assert self._entry is not None
        said = f"This dialer stands by. On duty: {self._entry.place}"
        if request.path.startswith("/api/"):
            problem = {"status": 503, "code": "standby", "detail": said, "url": self._entry.url}
            return web.json_response(problem, status=503, content_type="application/problem+json")
        url = html.escape(self._entry.url)
        link = f'<p><a href="{url}">{url}</a></p>' if url.startswith(("http://", "https://")) else ""
        page = f"<!doctype html><title>Outring</title><h1>Outring</h1><p>{html.escape(said)}.</p>{link}"
        return web.Response(text=page, content_type="text/html", status=503, headers={"Retry-After": "5"})
