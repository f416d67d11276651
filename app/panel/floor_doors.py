"""The wallboard's addresses: the page, its websocket, an agent's and a campaign's sheet, and a supervisor's orders."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import structlog
from aiohttp import web

from app.agent_operations import AgentOperations
from app.agents import DialingMode, PauseReason, SpyMode
from app.dialing.snapshot import AgentPicture, Snapshot
from app.events import AttemptClosed, Event
from app.model import Campaign, Trunk
from app.operations import NotNow, OperationError, Operations
from app.panel import floor_view, trail
from app.panel.campaign_forms import pacing_fields
from app.panel.doorkeeper import VISITOR, Doorkeeper, is_same_origin
from app.panel.floor import Floor, board_part
from app.panel.floor_meter import WINDOW_MS, FloorMeter
from app.panel.gates import done, is_scripted, only, refused
from app.panel.pages import Pages, campaign_id_of, environment, wording
from app.panel.problems import Problem
from app.panel.shapes import is_word
from app.store import campaigns, ended_calls, pauses, phones, trunks
from app.store.campaigns import CampaignEntry
from app.store.door import SqlStore
from app.store.errors import NotFound, StoreError
from app.store.people import Role, User
from app.units import AgentId, AttemptId

log = structlog.get_logger()

PHONE_COOKIE: Final = "outring_phone"
YEAR_S: Final = 365 * 24 * 3600
LOOK_S: Final = 2.0
"""How often calls that ended are looked up for the figures."""
MODES: Final = (DialingMode.PREVIEW, DialingMode.PROGRESSIVE, DialingMode.PREDICTIVE, DialingMode.MANUAL)


class FloorWorld:
    """The dialer and the disk, as the wallboard looks at them."""

    def __init__(self, operations: Operations, agents: AgentOperations, store: SqlStore) -> None:
        self._operations = operations
        self._agents = agents
        self._store = store

    @property
    def now_ms(self) -> int:
        """The dialer's time."""
        return self._operations.now_ms

    def snapshot(self) -> Snapshot:
        """The dialer now."""
        return self._operations.snapshot()

    def picture(self, agent_id: AgentId) -> AgentPicture | None:
        """One agent now."""
        return self._agents.picture(agent_id)

    def watch(self, changed: Callable[[frozenset[AgentId]], None]) -> Callable[[], None]:
        """Be told whose picture changed."""
        return self._agents.watch(changed)

    async def on_disk(self) -> tuple[list[CampaignEntry], list[Trunk]]:
        """The campaigns with their progress, and the trunks."""
        return await self._store.read(campaigns.list_campaigns), await self._store.read(trunks.list_trunks)


class FloorDoors:
    """What answers behind the wallboard's addresses."""

    def __init__(
        self,
        *,
        operations: Operations,
        agents: AgentOperations,
        store: SqlStore,
        doorkeeper: Doorkeeper,
        pages: Pages,
        cookie: Callable[[], str],
    ) -> None:
        self._operations = operations
        self._agents = agents
        self._store = store
        self._doorkeeper = doorkeeper
        self._pages = pages
        self._cookie = cookie
        self.floor = Floor(FloorWorld(operations, agents, store), FloorMeter(operations.now_ms), parts)

    def attach(self, app: web.Application) -> None:
        """Put the addresses into an aiohttp application."""
        router, gate = app.router, only(Role.SUPERVISOR)
        router.add_get("/floor", gate(self._page))
        router.add_get("/live/floor", gate(self._watch))
        router.add_post("/floor/phone", gate(self._choose_phone))
        router.add_get("/floor/message", gate(self._message_sheet))
        router.add_post("/floor/message", gate(self._ordered(self._message_all)))
        router.add_post("/floor/leave", gate(self._ordered(self._leave)))
        router.add_get("/floor/agents/{agent_id}", gate(self._agent_sheet))
        for verb, order in self._orders().items():
            router.add_post(f"/floor/agents/{{agent_id}}/{verb}", gate(self._ordered(order)))
        router.add_get("/floor/campaigns/{campaign_id}", gate(self._campaign_sheet))
        router.add_post("/floor/campaigns/{campaign_id}", gate(self._ordered(self._steer)))

    # --- life --------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep the board until cancelled."""
        ended: list[AttemptId] = []

        def look(event: Event) -> None:
            if isinstance(event, AttemptClosed):
                ended.append(event.attempt_id)

        forget = self._operations.watch(look)
        keeping = asyncio.create_task(self.floor.run(), name="wallboard")
        try:
            with suppress(StoreError):
                for call in await self._store.read(ended_calls.ended_since, self._operations.now_ms - WINDOW_MS):
                    self.floor.meter.ended(call)
            while True:
                await asyncio.sleep(LOOK_S)
                taken, ended[:] = list(ended), []
                await self._count(taken)
        finally:
            forget()
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping

    async def _count(self, attempt_ids: list[AttemptId]) -> None:
        if not attempt_ids:
            return
        try:
            for call in await self._store.read(ended_calls.ended_of, attempt_ids):
                self.floor.meter.ended(call)
        except StoreError as error:
            log.warning("the wallboard's figures lack some calls", calls=len(attempt_ids), error=str(error))

    # --- the page ----------------------------------------------------------------------------------------------------

    async def _page(self, request: web.Request) -> web.StreamResponse:
        board = await self.floor.board()
        name = request[VISITOR].user.name
        return self._pages.page(
            request,
            "floor.html",
            board=board,
            counts=board_part(board, "states"),
            mine=[row for row in board.agents if any(spy == name for spy, _ in row.spies)],
            phones=await self._store.read(phones.list_phones),
            my_phone=request.cookies.get(PHONE_COOKIE, ""),
        )

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        if not is_same_origin(request):
            raise Problem(403, "wrong_origin", "the live page is for Outring's own pages")
        if request.headers.get("Upgrade", "").lower() != "websocket":
            raise Problem(426, "upgrade_required", "the live page is a websocket")

        async def is_welcome() -> bool:
            found = await self._doorkeeper.visitor(request, self._cookie())
            return found is not None and found.user.role is not Role.AGENT

        return await self.floor.serve(request, wording(request), request[VISITOR].user.name, is_welcome)

    async def _choose_phone(self, request: web.Request) -> web.StreamResponse:
        """The phone that rings when this browser listens in; kept in a cookie."""
        chosen = str((await request.post()).get("phone", ""))
        if chosen and not is_word(chosen):
            raise Problem(422, "invalid", f"{chosen[:40]!r} is not the name of a phone")
        response = done(request, "/floor")
        response.set_cookie(
            PHONE_COOKIE, chosen, max_age=YEAR_S, path="/", httponly=True, samesite="Strict", secure=request.secure
        )
        return response

    # --- sheets ------------------------------------------------------------------------------------------------------

    def _sheet(self, request: web.Request, template: str, **values: Any) -> web.Response:
        """A piece for the wallboard's dialog, or a page of its own without scripts."""
        if not is_scripted(request):
            return self._pages.page(request, "sheet.html", piece=template, **values)
        return web.Response(text=self._pages.draw(request, template, **values), content_type="text/html")

    async def _agent_sheet(self, request: web.Request) -> web.StreamResponse:
        agent_id = agent_id_of(request)
        picture = self._agents.picture(agent_id)
        if picture is None:
            raise Problem(404, "not_found", "this agent is not signed in")
        entries = await self._store.read(campaigns.list_campaigns)
        names = {entry.campaign.id: entry.campaign.name for entry in entries}
        return self._sheet(
            request,
            "floor_agent.html",
            row=floor_view.agent_row(picture, names, self._operations.now_ms),
            campaigns=[names[one] for one in picture.campaigns if one in names],
            reasons=await self._store.read(pauses.list_pause_reasons),
            me=request[VISITOR].user.name,
            my_phone=request.cookies.get(PHONE_COOKIE, ""),
        )

    async def _campaign_sheet(self, request: web.Request) -> web.StreamResponse:
        entry = await self._store.read(campaigns.get_campaign, campaign_id_of(request))
        return self._sheet(
            request, "floor_campaign.html", entry=entry, plan=entry.campaign, modes=MODES,
            pacing=pacing_fields(entry.campaign.agents.pacing),
        )  # fmt: skip

    async def _message_sheet(self, request: web.Request) -> web.StreamResponse:
        signed_in = len(self._operations.snapshot().agents)
        return self._sheet(request, "floor_message.html", signed_in=signed_in)

    # --- orders ------------------------------------------------------------------------------------------------------

    def _ordered(
        self, order: Callable[[web.Request, User], Awaitable[str]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Carry an order out and say in words what came of it."""

        async def answer(request: web.Request) -> web.StreamResponse:
            words = wording(request)
            try:
                said = await order(request, request[VISITOR].user)
            except Exception as error:  # noqa: BLE001 - known ones are told, others raised again
                return refused(request, words, error)
            with suppress(StoreError):
                await self.floor.refresh()
            return done(request, "/floor", words.say(said))

        return answer

    def _orders(self) -> dict[str, Callable[[web.Request, User], Awaitable[str]]]:
        return {
            **{mode.value: self._supervise(mode) for mode in SpyMode},
            "pause": self._pause,
            "ready": self._ready,
            "sign-out": self._sign_out,
            "hang-up": self._hang_up,
            "message": self._message_one,
        }

    def _supervise(self, mode: SpyMode) -> Callable[[web.Request, User], Awaitable[str]]:
        async def order(request: web.Request, user: User) -> str:
            phone = request.cookies.get(PHONE_COOKIE, "")
            if not phone:
                raise NotNow("choose the phone that is to ring for you first: My phone, at the top of the agents")
            await self._agents.supervise(user, agent_id_of(request), phone, mode)
            return "your phone rings; keys 4, 5 and 6 switch between listening, whispering and barging in"

        return order

    async def _leave(self, _request: web.Request, user: User) -> str:
        await self._agents.end_supervision(user)
        return ""

    async def _pause(self, request: web.Request, user: User) -> str:
        code = str((await request.post()).get("reason", ""))
        reasons: list[PauseReason] = await self._store.read(pauses.list_pause_reasons)
        reason = next((one for one in reasons if one.code == code), None)
        if reason is None:
            raise OperationError("choose a reason for the pause")
        await self._agents.force_pause(user, agent_id_of(request), reason)
        return "paused, or will be after this call"

    async def _ready(self, request: web.Request, user: User) -> str:
        await self._agents.force_ready(user, agent_id_of(request))
        return "made available"

    async def _sign_out(self, request: web.Request, user: User) -> str:
        await self._agents.force_sign_out(user, agent_id_of(request))
        return "signed out, or will be after this call"

    async def _hang_up(self, request: web.Request, user: User) -> str:
        reason = str((await request.post()).get("reason", ""))
        await self._agents.force_hang_up(user, agent_id_of(request), reason)
        return "the call is being ended"

    async def _message_one(self, request: web.Request, user: User) -> str:
        await self._agents.message(user, agent_id_of(request), str((await request.post()).get("text", "")))
        return "the message is on their screen"

    async def _message_all(self, request: web.Request, user: User) -> str:
        await self._agents.message(user, None, str((await request.post()).get("text", "")))
        return "the message is on everybody's screen"

    async def _steer(self, request: web.Request, user: User) -> str:
        """Change how much and how a campaign dials, while it runs."""
        entry = await self._store.read(campaigns.get_campaign, campaign_id_of(request))
        plan = entry.campaign
        wanted = steer(plan, await request.post())
        await self._operations.change_campaign(wanted)
        changed = trail.differences(steered(plan), steered(wanted))
        if changed:
            told = trail.note(user, "steered campaign", f"campaign {plan.id}", self._operations.now_ms, changed)
            await trail.write(self._store, told)
        return "changed; it counts from the next call"


def steer(plan: Campaign, form: Mapping[str, Any]) -> Campaign:
    """A campaign with what a form changes of it; fields of one mode count in that mode alone. Raises OperationError."""
    mode = DialingMode(form["mode"]) if form.get("mode") in {one.value for one in DialingMode} else plan.mode
    agents = replace(plan.agents, priority=whole(form.get("priority"), plan.agents.priority, "priority"))
    if mode is DialingMode.PROGRESSIVE:
        lines = whole(form.get("lines_per_agent"), agents.lines_per_agent, "lines an agent")
        agents = replace(agents, lines_per_agent=lines)
    if mode is DialingMode.PREDICTIVE:
        now = agents.pacing
        percent = fraction(form.get("target_percent"), 100 * now.abandonment_target, "abandoned at most, percent")
        pacing = replace(
            now,
            abandonment_target=round(percent / 100, 8),
            fixed_ratio=fraction(form.get("fixed_ratio"), now.fixed_ratio, "calls for each idle agent"),
            calls_per_agent=fraction(form.get("calls_per_agent"), now.calls_per_agent, "calls for each agent, at most"),
        )
        agents = replace(agents, pacing=pacing)
    return replace(
        plan,
        lines=whole(form.get("lines"), plan.lines, "calls at once"),
        calls_per_second=fraction(form.get("calls_per_second"), plan.calls_per_second, "new calls per second"),
        mode=mode,
        agents=agents,
    )


def steered(plan: Campaign) -> dict[str, object]:
    """What of a campaign is steered while it runs, by name."""
    pacing = plan.agents.pacing
    return {
        "calls at once": plan.lines,
        "new calls per second": f"{plan.calls_per_second:g}",
        "mode": plan.mode.value,
        "lines an agent": plan.agents.lines_per_agent,
        "priority": plan.agents.priority,
        "abandoned at most, percent": f"{100 * pacing.abandonment_target:g}",
        "calls for each idle agent": f"{pacing.fixed_ratio:g}",
        "calls for each agent, at most": f"{pacing.calls_per_agent:g}",
    }


def parts(language: str) -> Any:
    """The macros the wallboard is drawn from, in a language."""
    return environment(language).get_template("floor_parts.html").module


def agent_id_of(request: web.Request) -> AgentId:
    """The agent an address names. Raises NotFound."""
    text = request.match_info["agent_id"]
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise NotFound("agent", text[:40])
    return AgentId(int(text))


def whole(given: Any, now: int, what: str) -> int:
    """A whole number from a form; left out: as it is. Raises OperationError."""
    if given is None:
        return now
    try:
        return int(str(given).strip())
    except ValueError:
        raise OperationError(f"{what}: a whole number is expected, not {str(given)[:20]!r}") from None


def fraction(given: Any, now: float, what: str) -> float:
    """A number from a form, with a point or a comma; left out: as it is. Raises OperationError."""
    if given is None:
        return now
    try:
        return float(str(given).strip().replace(",", "."))
    except ValueError:
        raise OperationError(f"{what}: a number is expected, not {str(given)[:20]!r}") from None
