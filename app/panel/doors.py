"""What a browser asks for: addresses of the pages, signing in and out, buttons, preferences, the websocket."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from aiohttp import web

from app.operations import Operations
from app.panel import trail
from app.panel.answers import Answer
from app.panel.campaign_check import must_be_seen
from app.panel.doorkeeper import VISITOR, Doorkeeper, SignInRefused, Visitor, is_same_origin
from app.panel.gates import is_scripted
from app.panel.language import LANGUAGES, THEMES
from app.panel.live import LivePage
from app.panel.pages import Pages, campaign_id_of, local_path, may, wording
from app.panel.problems import Problem
from app.store import campaigns
from app.store.campaigns import CampaignEntry
from app.store.people import Role
from app.units import CampaignId

YEAR_S: Final = 365 * 24 * 3600


class Doors:
    """What answers behind the pages' addresses."""

    def __init__(
        self,
        operations: Operations,
        doorkeeper: Doorkeeper,
        pages: Pages,
        live: LivePage,
        cookie: Callable[[], str],
    ) -> None:
        self._operations = operations
        self._doorkeeper = doorkeeper
        self._pages = pages
        self._live = live
        self._cookie = cookie

    def attach(self, app: web.Application) -> None:
        """Put the addresses into an aiohttp application."""
        pages = self._pages
        supervisor = _for_supervisors
        app.router.add_get("/favicon.ico", _icon)
        app.router.add_get("/sign-in", self._sign_in_page)
        app.router.add_post("/sign-in", self._sign_in)
        app.router.add_post("/sign-out", self._sign_out)
        app.router.add_post("/preferences", self._prefer)
        app.router.add_get("/", self._home)
        app.router.add_get("/campaigns/{campaign_id}", supervisor(pages.campaign))
        app.router.add_post("/campaigns/{campaign_id}/{verb:start|pause|stop}", supervisor(self._order))
        app.router.add_get("/attempts/{attempt_id}", supervisor(pages.attempt))
        app.router.add_get("/live", supervisor(self._watch))
        app.router.add_get("/live/campaigns/{campaign_id}", supervisor(self._watch))

    # --- in and out --------------------------------------------------------------------------------------------------

    async def _sign_in_page(self, request: web.Request) -> web.StreamResponse:
        if VISITOR in request:
            raise web.HTTPSeeOther(local_path(request.query.get("next", "/")))
        return await self._pages.sign_in(request)

    async def _sign_in(self, request: web.Request) -> web.StreamResponse:
        if not is_same_origin(request):
            raise Problem(403, "wrong_origin", "this was sent from another site's page; open Outring itself")
        form = await request.post()
        name, password, then = (str(form.get(key, "")) for key in ("name", "password", "next"))
        then = local_path(then)
        try:
            token = await self._doorkeeper.sign_in(name, password, request.remote or "")
        except SignInRefused as refused:
            wait_s = math.ceil(refused.wait_s)
            status = 429 if wait_s else 401
            response = await self._pages.sign_in(
                request, message="wait" if wait_s else "wrong", wait_s=wait_s, name=name[:64], next=then, status=status
            )
            if wait_s:
                response.headers["Retry-After"] = str(wait_s)
            return response
        response = web.Response(status=303, headers={"Location": then})
        self._set_cookie(request, response, self._cookie(), token)
        return response

    async def _sign_out(self, request: web.Request) -> web.StreamResponse:
        await self._doorkeeper.sign_out(request[VISITOR].token)
        response = web.Response(status=303, headers={"Location": "/sign-in", "Clear-Site-Data": '"cache"'})
        response.del_cookie(self._cookie(), path="/")
        return response

    def _set_cookie(
        self, request: web.Request, response: web.Response, name: str, value: str, *, lasting: bool = False
    ) -> None:
        is_https = request.secure or request.headers.get("X-Forwarded-Proto", "").lower() == "https"
        response.set_cookie(
            name, value, max_age=YEAR_S if lasting else None, path="/", httponly=not lasting, secure=is_https,
            samesite="Strict",
        )  # fmt: skip

    async def _home(self, request: web.Request) -> web.StreamResponse:
        """Where everybody lands: agents at their desk, others at the live page."""
        if not may(request[VISITOR], Role.SUPERVISOR):
            raise web.HTTPSeeOther("/desk")
        return await self._pages.home(request)

    # --- preferences -------------------------------------------------------------------------------------------------

    async def _prefer(self, request: web.Request) -> web.StreamResponse:
        """Language and theme, kept in cookies of their own: they last longer than a session."""
        if not is_same_origin(request):
            raise Problem(403, "wrong_origin", "this was sent from another site's page; open Outring itself")
        form = await request.post()
        response = web.Response(status=303, headers={"Location": local_path(str(form.get("next", "/")))})
        for key, allowed in (("language", tuple(LANGUAGES)), ("theme", THEMES)):
            if form.get(key) in allowed:
                self._set_cookie(request, response, f"outring_{key}", str(form[key]), lasting=True)
        return response

    # --- orders ------------------------------------------------------------------------------------------------------

    async def _order(self, request: web.Request) -> web.StreamResponse:
        """Start, pause or stop a campaign; stopping is asked about first, and a start begins with the check."""
        campaign_id, verb = campaign_id_of(request), request.match_info["verb"]
        form = await request.post()
        if verb == "stop" and form.get("is_sure") != "yes":
            values = await self._pages.campaign_values(campaign_id)
            return self._pages.page(request, "confirm.html", **values)
        if verb == "start" and await must_be_seen(self._pages.store, await self._entry(campaign_id)):
            check_page = f"/campaigns/{campaign_id}/setup/start"
            if is_scripted(request):
                return web.json_response({"go": check_page})
            return web.Response(status=303, headers={"Location": check_page})
        orders: dict[str, Callable[..., Any]] = {
            "start": self._operations.start_campaign,
            "pause": self._operations.pause_campaign,
            "stop": self._operations.stop_campaign,
        }
        entry: CampaignEntry = await orders[verb](campaign_id)
        past = {"start": "started campaign", "pause": "paused campaign", "stop": "stopped campaign"}[verb]
        told = trail.note(request[VISITOR].user, past, f"campaign {campaign_id}", self._operations.now_ms)
        await trail.write(self._pages.store, told)
        await self._live.poke()
        if is_scripted(request):
            return web.Response(status=204)
        then = local_path(str(form.get("next", "") or f"/campaigns/{entry.campaign.id}"))
        return web.Response(status=303, headers={"Location": then})

    async def _entry(self, campaign_id: CampaignId) -> CampaignEntry:
        return await self._pages.store.read(campaigns.get_campaign, campaign_id)

    # --- the websocket -----------------------------------------------------------------------------------------------

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        if not is_same_origin(request):
            raise Problem(403, "wrong_origin", "the live page is for Outring's own pages")
        if request.headers.get("Upgrade", "").lower() != "websocket":
            raise Problem(426, "upgrade_required", "the live page is a websocket")
        is_home = "campaign_id" not in request.match_info
        words = wording(request)

        async def draw() -> tuple[str, str]:
            values: Mapping[str, Any]
            if is_home:
                values = await self._pages.home_values()
            else:
                values = await self._pages.campaign_values(campaign_id_of(request))
            html = self._pages.draw(request, "home_live.html" if is_home else "campaign_live.html", **values)
            return html, words.time(values["snapshot"].at_ms)

        async def is_welcome() -> bool:
            return await self._doorkeeper.visitor(request, self._cookie()) is not None

        return await self._live.serve(request, draw, is_welcome)


def _for_supervisors(answer: Answer) -> Answer:
    async def checked(request: web.Request) -> web.StreamResponse:
        visitor: Visitor = request[VISITOR]
        if not may(visitor, Role.SUPERVISOR):
            raise Problem(403, "forbidden", "this page is for supervisors; ask an admin to change your role")
        return await answer(request)

    return checked


async def _icon(_request: web.Request) -> web.Response:
    raise web.HTTPFound("/static/icon.svg")
