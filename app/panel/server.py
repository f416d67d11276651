"""The panel: one HTTP server for the pages, the live page's websocket and the REST interface.

Nothing is answered without sign-in but the sign-in page, the static files and the health probes.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
from typing import Final

from aiohttp import web

from app.agent_operations import AgentOperations
from app.contact_operations import ContactOperations
from app.operations import Operations
from app.panel import rest
from app.panel.admin_duty import DutyPages
from app.panel.admin_floor import FloorSettingsPages
from app.panel.admin_numbers import NumberPages
from app.panel.admin_people import PeoplePages
from app.panel.admin_trunks import TrunkPages
from app.panel.admin_webhooks import WebhookPages
from app.panel.answers import Answer, add_headers, catching
from app.panel.campaign_setup import CampaignSetup
from app.panel.contact_pages import ContactPages
from app.panel.desk import Desk
from app.panel.doorkeeper import VISITOR, Doorkeeper, check_is_ours
from app.panel.doors import Doors
from app.panel.drill import DrillPages
from app.panel.fix_pages import FixPages
from app.panel.floor_doors import FloorDoors
from app.panel.group_pages import GroupPages
from app.panel.import_desk import ImportDesk
from app.panel.import_pages import ImportPages
from app.panel.live import LivePage
from app.panel.pages import STATIC, Pages
from app.panel.phone_pages import PhonePages
from app.panel.probes import PROBES, Probes
from app.panel.problems import Problem
from app.panel.recordings import Recordings
from app.panel.repeats import Repeats
from app.panel.routing import MAX_BODY, PREFIX, Call
from app.panel.segment_pages import SegmentPages
from app.panel.source_pages import SourcePages
from app.panel.strategy_pages import StrategyPages
from app.panel.why_pages import WhyPages
from app.settings import Settings
from app.sources.keeper import Sources
from app.store.door import SqlStore
from app.webhooks.courier import Courier
from app.webhooks.posting import Poster
from app.webhooks.receivers import networks

quiet = logging.getLogger("app.panel.http")  # whoever sends what is no HTTP gets a 400, not a page of our log
quiet.setLevel(logging.CRITICAL)

OPEN: Final = ("/sign-in", "/favicon.ico", "/preferences")
SAFE: Final = ("GET", "HEAD", "OPTIONS")
CLOSE_S: Final = 2.0


class Panel:
    """The doors to one running dialer."""

    def __init__(self, *, operations: Operations, agents: AgentOperations, store: SqlStore, settings: Settings) -> None:
        self._operations = operations
        self._agents = agents
        self._store = store
        self._settings = settings
        self._cookie = "outring_session"
        self._doorkeeper = Doorkeeper(store, lambda: operations.now_ms)
        self._live = LivePage(operations.snapshot)
        self._pages = Pages(operations, store, self._live)
        self._floor = FloorDoors(
            operations=operations,
            agents=agents,
            store=store,
            doorkeeper=self._doorkeeper,
            pages=self._pages,
            cookie=lambda: self._cookie,
        )
        self._contacts = ContactOperations(operations=operations, store=store)
        self.sources = Sources(
            store=store,
            databases=settings.databases,
            now_ms=lambda: operations.now_ms,
            contacts_added=operations.contacts_added,
        )
        self.courier = Courier(
            store=store,
            poster=Poster(networks(settings.webhook_networks)),
            now_ms=lambda: operations.now_ms,
            most_waiting=settings.webhook_max_waiting,
        )
        self._repeats = Repeats(store, lambda: operations.now_ms)
        self._recordings = Recordings(store, settings.asterisk_recordings_dir, lambda: operations.now_ms)
        self.desk = Desk(
            floor=agents,
            operations=operations,
            store=store,
            doorkeeper=self._doorkeeper,
            pages=self._pages,
            cookie=lambda: self._cookie,
            contacts=self._contacts,
        )
        self._imports = ImportDesk(
            store,
            settings.data_dir / "uploads",
            lambda: operations.now_ms,
            lambda campaign_id, _count: operations.contacts_added([campaign_id]),
        )
        self._probes = Probes(operations, store, settings)
        self._runner: web.AppRunner | None = None
        self._ticking: tuple[asyncio.Task[None], ...] = ()

    async def start(self, host: str, port: int) -> str:
        """Listen; answers the panel's address. Port 0: any free one. Raises OSError when it cannot be had."""
        runner = web.AppRunner(
            self._application(), handle_signals=False, access_log=None, shutdown_timeout=CLOSE_S, logger=quiet
        )
        await runner.setup()
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            await runner.cleanup()
            raise OSError(error.errno, _refusal(host, port, error)) from error
        self._runner = runner
        real_port = int(runner.addresses[0][1])
        self._cookie = f"outring_session_{real_port}"  # cookies do not tell ports apart: two dialers on one machine
        self._ticking = (
            asyncio.create_task(self._live.run(), name="live page"),
            asyncio.create_task(self._floor.run(), name="wallboard"),
        )
        return f"http://{_reachable(host)}:{real_port}"

    async def stop(self) -> None:
        """Close every door; harmless when none is open."""
        for task in self._ticking:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._ticking = ()
        await asyncio.gather(self._live.close(), self._floor.floor.close(), self.desk.close(), self._imports.close())
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _application(self) -> web.Application:
        app = web.Application(middlewares=[catching(self._pages.error), self._guard], client_max_size=MAX_BODY)
        app.on_response_prepare.append(add_headers)
        Doors(self._operations, self._doorkeeper, self._pages, self._live, lambda: self._cookie).attach(app)
        self._probes.attach(app)
        self._floor.attach(app)
        self._recordings.attach(app)
        ImportPages(operations=self._operations, store=self._store, pages=self._pages, desk=self._imports).attach(app)
        for pages in (
            PeoplePages,
            FloorSettingsPages,
            TrunkPages,
            NumberPages,
            CampaignSetup,
            DrillPages,
            DutyPages,
            StrategyPages,
            GroupPages,
            SegmentPages,
            WhyPages,
        ):
            pages(operations=self._operations, store=self._store, pages=self._pages).attach(app)
        PhonePages(operations=self._operations, store=self._store, pages=self._pages, agents=self._agents).attach(app)
        WebhookPages(operations=self._operations, store=self._store, pages=self._pages, courier=self.courier).attach(
            app
        )
        to_mend = FixPages(operations=self._operations, store=self._store, pages=self._pages)
        to_mend.contacts = self._contacts
        to_mend.attach(app)
        of_contacts = ContactPages(operations=self._operations, store=self._store, pages=self._pages)
        of_contacts.contacts = self._contacts
        of_contacts.attach(app)
        from_tables = SourcePages(operations=self._operations, store=self._store, pages=self._pages)
        from_tables.keeper = self.sources
        from_tables.attach(app)
        self.desk.attach(app)
        rest.routes.attach(app, self._call)
        app.router.add_get(f"{PREFIX}/openapi.json", _openapi)
        app.router.add_static("/static", STATIC)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Answer) -> web.StreamResponse:
        """Let nobody pass who is not signed in, and no change that another site's page sends in their name."""
        if request.path.startswith("/static/") or request.path in PROBES or self._probes.is_reader(request):
            return await handler(request)
        visitor = await self._doorkeeper.visitor(request, self._cookie)
        if visitor is not None:
            request[VISITOR] = visitor
        elif request.path not in OPEN:
            raise Problem(401, "not_signed_in", "sign in, or send an API key as Authorization: Bearer KEY")
        if visitor is not None and visitor.token and request.method not in SAFE and request.path != "/sign-in":
            await check_is_ours(request, visitor)
        return await handler(request)

    def _call(self, request: web.Request) -> Call:
        return Call(
            request=request,
            user=request[VISITOR].user,
            operations=self._operations,
            agents=self._agents,
            store=self._store,
            play=self._recordings.answer,
            contacts=self._contacts,
            sources=self.sources,
            courier=self.courier,
            repeats=self._repeats,
        )


async def _openapi(_request: web.Request) -> web.Response:
    return web.json_response(rest.document())


def _reachable(host: str) -> str:
    """A host to put into an address: wildcards become loopback, IPv6 gets its brackets."""
    if host in ("0.0.0.0", ""):
        return "127.0.0.1"
    if host == "::":
        return "[::1]"
    return f"[{host}]" if ":" in host else host


def _refusal(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} at {host} is taken by another program; end it, or choose another port with "
            "OUTRING_HTTP_PORT (0: any free one)"
        )
    if error.errno == errno.EACCES:
        return f"port {port} at {host} is for root alone; choose one above 1023 with OUTRING_HTTP_PORT"
    return f"cannot listen at {host}, port {port} ({error}); see OUTRING_HTTP_HOST and OUTRING_HTTP_PORT"
