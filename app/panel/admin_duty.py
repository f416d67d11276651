"""The admin's page about the dialers on this database: which is on duty, and what a standby would do."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from app.panel.admin import AdminPages
from app.store.duty import look_at_duty


class DutyPages(AdminPages):
    """Who is on duty."""

    def routes(self) -> tuple[tuple[str, str, Any], ...]:
        """Method, path and what answers."""
        return (("GET", "/admin/duty", self._duty),)

    async def _duty(self, request: web.Request) -> web.StreamResponse:
        entry = await self._store.read(look_at_duty)
        heard_s = 0.0 if entry is None else max(0, entry.now_ms - entry.renewed_at_ms) / 1_000
        return self._pages.page(request, "admin_duty.html", entry=entry, heard_s=f"{heard_s:.1f}")
