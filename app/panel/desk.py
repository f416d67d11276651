"""The agent's desk: its page, its websocket, and who has which desk open.

An agent has one desk at most: a second tab is told so and may take over. A desk whose page is gone is waited for; the
agent gets nobody new meanwhile, and is paused when it stays away, but never signed out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import structlog
from aiohttp import WSCloseCode, web

from app.agent_events import BrowserLost
from app.agents import DialingMode
from app.contact_operations import ContactNews, ContactOperations
from app.dialing.snapshot import AgentPicture
from app.model import Campaign, CampaignStatus
from app.operations import NotNow, Operations
from app.panel import desk_asks, desk_state
from app.panel.answers import problem_of
from app.panel.calling_time import zones_of
from app.panel.desk_books import DeskBooks, person_told
from app.panel.desk_floor import Floor
from app.panel.desk_line import ELSEWHERE, DeskLine
from app.panel.desk_work import DeskWork
from app.panel.doorkeeper import VISITOR, Doorkeeper, is_same_origin
from app.panel.language import Wording, zone
from app.panel.pages import Pages, wording
from app.panel.problems import Problem
from app.store import campaigns
from app.store.door import SqlStore
from app.store.errors import Conflict, StoreError
from app.store.people import User
from app.units import AgentId, CampaignId, ContactId

log = structlog.get_logger()

LOST_S: Final = 5.0
"""A page that is gone so long is lost: nobody new comes to its agent, and the floor pauses them in time."""


class Desk:
    """All desks of one panel."""

    def __init__(
        self,
        *,
        floor: Floor,
        operations: Operations,
        store: SqlStore,
        doorkeeper: Doorkeeper,
        pages: Pages,
        cookie: Callable[[], str],
        contacts: ContactOperations,
    ) -> None:
        self._contacts = contacts
        self._floor = floor
        self._operations = operations
        self._store = store
        self._doorkeeper = doorkeeper
        self._pages = pages
        self._cookie = cookie
        self.books = DeskBooks(store, lambda: operations.now_ms)
        self._open: dict[AgentId, Sitting] = {}
        self._missing: dict[AgentId, asyncio.Task[None]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self.plans: dict[CampaignId, Campaign] = {}
        self._unwatch: list[Callable[[], None]] = []

    def attach(self, app: web.Application) -> None:
        """Put the addresses into an aiohttp application."""
        app.router.add_get("/desk", self._page)
        app.router.add_get("/desk/live", self._live)
        self._unwatch = [
            self._floor.watch(self._changed),
            self._floor.watch_messages(self._message),
            self._floor.watch_refusals(self._refused),
            self._contacts.watch(self.contact_news),
        ]

    async def close(self) -> None:
        """Send every page away: they connect again by themselves."""
        for unwatch in self._unwatch:
            unwatch()
        self._unwatch = []
        for task in self._missing.values():
            task.cancel()
        self._missing.clear()
        leaving = (sitting.line.close(WSCloseCode.GOING_AWAY, "stopping") for sitting in list(self._open.values()))
        await asyncio.gather(*leaving)

    # --- addresses ---------------------------------------------------------------------------------------------------

    async def _page(self, request: web.Request) -> web.Response:
        return self._pages.page(request, "desk.html")

    async def _live(self, request: web.Request) -> web.StreamResponse:
        if not is_same_origin(request):
            raise Problem(403, "wrong_origin", "the desk is for Outring's own pages")
        if request.headers.get("Upgrade", "").lower() != "websocket":
            raise Problem(426, "upgrade_required", "the desk is a websocket")
        user = request[VISITOR].user
        agent_id, tab = AgentId(user.id), request.query.get("tab", "")[:64]

        async def is_welcome() -> bool:
            return await self._doorkeeper.visitor(request, self._cookie()) is not None

        sitting = Sitting(desk=self, user=user, words=wording(request), tab=tab, is_welcome=is_welcome)
        other = self._open.get(agent_id)
        if other is not None and other.tab != tab and "take" not in request.query:
            await sitting.line.socket.prepare(request)
            await sitting.line.close(ELSEWHERE, "open elsewhere")
            return sitting.line.socket
        self._open[agent_id] = sitting
        try:
            if other is not None:  # a page that vanished does not say goodbye: nobody waits for it
                self._send_away(other)
            await self._came_back(agent_id)
            if not self.plans:
                await self.look_up_plans()
            await sitting.serve(request)
        finally:
            if self._open.get(agent_id) is sitting:
                del self._open[agent_id]
                self._missing[agent_id] = asyncio.create_task(self._miss(agent_id), name="desk missed")
        return sitting.line.socket

    def _send_away(self, sitting: Sitting) -> None:
        leaving = asyncio.create_task(sitting.line.close(ELSEWHERE, "taken over"), name="desk taken over")
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    # --- pages that are gone -----------------------------------------------------------------------------------------

    async def _came_back(self, agent_id: AgentId) -> None:
        if (task := self._missing.pop(agent_id, None)) is not None:
            task.cancel()
        picture = self._floor.picture(agent_id)
        if picture is not None and picture.is_browser_lost:
            with suppress(NotNow):
                await self._floor.ask(BrowserLost(agent_id=agent_id, is_lost=False))

    async def _miss(self, agent_id: AgentId) -> None:
        await asyncio.sleep(LOST_S)
        if self._floor.picture(agent_id) is None:
            return
        with suppress(NotNow):
            await self._floor.ask(BrowserLost(agent_id=agent_id, is_lost=True))

    # --- news --------------------------------------------------------------------------------------------------------

    def _changed(self, agent_ids: frozenset[AgentId]) -> None:
        for agent_id in agent_ids & self._open.keys():
            self._open[agent_id].changed()

    def _message(self, agent_id: AgentId | None, text: str, sender: str) -> None:
        for sitting in self._open.values():
            if agent_id in (None, sitting.work.agent_id):
                sitting.line.tell(message={"text": text, "by": sender, "at": self.now_ms})

    def _refused(self, agent_id: AgentId, why: str) -> None:
        if (sitting := self._open.get(agent_id)) is not None:
            sitting.refused(why)

    def edited(self, contact_id: ContactId, field: str, value: str, by: User) -> None:
        """A contact's field was changed: whoever has the contact before them sees it at once."""
        for sitting in self._open.values():
            if sitting.user.id != by.id and sitting.shows(contact_id):
                sitting.line.tell(edited={"contact": contact_id, "field": field, "value": value, "by": by.name})

    def contact_news(self, news: ContactNews) -> None:
        """A contact was changed by a program or supervisor: whoever has it before them sees it at once."""
        for sitting in self._open.values():
            if sitting.shows(news.contact_id):
                for name, value in news.changed.items():
                    field = "fact:name" if name == "name" else f"column:{name}"
                    told = {"contact": news.contact_id, "field": field, "value": value, "by": news.by}
                    sitting.line.tell(edited=told)
                if news.is_deleted:
                    sitting.deleted(news.by)
                sitting.look_again_at_person()

    # --- what sittings need ------------------------------------------------------------------------------------------

    @property
    def floor(self) -> Floor:
        """The verbs."""
        return self._floor

    @property
    def now_ms(self) -> int:
        """The dialer's time."""
        return self._operations.now_ms

    def work_of(self, user: User, words: Wording) -> DeskWork:
        """The asks of an agent."""
        return DeskWork(
            floor=self._floor,
            books=self.books,
            store=self._store,
            operations=self._operations,
            user=user,
            words=words,
        )

    async def look_up_plans(self, only: CampaignId | None = None) -> None:
        """Read the campaigns that agents may serve (or one of them) anew."""
        if only is not None:
            self.plans[only] = (await self._store.read(campaigns.get_campaign, only)).campaign
            return
        entries = await self._store.read(campaigns.list_campaigns)
        kept = (CampaignStatus.RUNNING, CampaignStatus.PAUSED, CampaignStatus.DRAFT)
        self.plans = {
            one.campaign.id: one.campaign
            for one in entries
            if one.status in kept and (one.campaign.mode is not DialingMode.BROADCAST or one.status is kept[0])
        }


class Sitting:
    """An agent at an open desk. tab: the browser's tab, which may come back on a new connection."""

    def __init__(
        self, *, desk: Desk, user: User, words: Wording, tab: str, is_welcome: Callable[[], Awaitable[bool]]
    ) -> None:
        self._desk = desk
        self.user = user
        self.tab = tab
        self._words = words
        self.work = desk.work_of(user, words)
        self.line = DeskLine(draw=self._draw, answer=self._answer, is_welcome=is_welcome, now_ms=lambda: desk.now_ms)
        self._more: dict[str, Any] = {}  # by the names the page knows
        self._shown_attempt = ""
        self._contact_id: ContactId | None = None
        self._looking: set[asyncio.Task[None]] = set()

    async def serve(self, request: web.Request) -> None:
        """Work until the page leaves. Its first picture has what a person needs who is there already."""
        self._more["plans"] = desk_state.plans(self._desk.plans.values(), self._words)
        self._start(self._look_around())
        self.changed()
        try:
            await self.line.serve(request)
        finally:
            for task in list(self._looking):
                task.cancel()

    def changed(self) -> None:
        """The agent's picture is another: the page gets it now, and what is on disk of a new person in a moment."""
        picture = self._desk.floor.picture(self.work.agent_id)
        attempt = picture.card.attempt_id if picture and picture.card else ""
        if attempt != self._shown_attempt:
            self._shown_attempt = attempt
            self._contact_id = picture.card.contact_id if picture and picture.card else None
            self._more.pop("person", None)
            if picture is not None and picture.card is not None:
                self.work.remember(picture.card, zones_of(picture.card.number))
                self._start(self._look_up(picture))
            else:
                self._start(self._look_again())
        self.line.poke()

    def refused(self, why: str) -> None:
        """Something that was to be done could not be done after all."""
        self.line.tell(refused=self._words.say(why))

    def deleted(self, by: str) -> None:
        """Whoever is before the agent is in no list any more; a talk with them goes on."""
        text = self._words.say("this contact was taken out of its list; a talk goes on, and they are not called again")
        self.line.tell(message={"text": text, "by": by, "at": self._desk.now_ms})

    def look_again_at_person(self) -> None:
        """What is on disk of the person is another now."""
        picture = self._desk.floor.picture(self.work.agent_id)
        if picture is not None and picture.card is not None:
            self._start(self._look_up(picture))

    def shows(self, contact_id: ContactId) -> bool:
        """Whether this contact is before the agent."""
        return self._contact_id == contact_id

    # --- drawing -----------------------------------------------------------------------------------------------------

    def _draw(self) -> dict[str, Any]:
        picture = self._desk.floor.picture(self.work.agent_id)
        campaign_id = desk_state.campaign_of(picture)
        plan = self._desk.plans.get(campaign_id) if campaign_id is not None else None
        return {
            **desk_state.state(picture, plan, self._words, self._desk.floor.refusal),
            **self._more,
        }

    def _start(self, looking: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(looking, name="desk look-up")
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    async def _look_around(self) -> None:
        """What the page needs once: phones, reasons for a pause, campaigns; and what changes slowly."""
        with _told_to_the_log():
            await self._look_up_plans()
            reasons = await self._desk.books.pause_reasons()
            self._more["reasons"] = desk_state.pause_reasons(reasons, self._words)
            phones = await self._desk.books.phones(self.user)
            self._more["phones"] = [{"endpoint": one.endpoint, "label": one.label} for one in phones]
            self._more["put_on"] = sorted(await self._desk.books.campaigns_of(self.user))
            await self._look_again()

    async def _look_again(self) -> None:
        """Own figures and callbacks: after each call."""
        with _told_to_the_log():
            self._more["today"] = await self._desk.books.today(self.user, zone(self._words.zone_name))
            self._more["callbacks"] = await self.work.callbacks()
            self.line.poke()

    async def _look_up(self, picture: AgentPicture) -> None:
        """What is on disk of the person."""
        card = picture.card
        assert card is not None
        with _told_to_the_log():
            found = await self._desk.books.card(card.contact_id)
            if self._shown_attempt != card.attempt_id:
                return
            plans = self._desk.plans
            told = person_told(found, card.number, self._words, plans, now=card.attempt_id)
            self._more["person"] = told
            self.work.remember(card, tuple(told["zones"]))
            self.line.poke()
            await self._look_up_plans(card.campaign_id)
            self.line.poke()

    async def _look_up_plans(self, only: CampaignId | None = None) -> None:
        await self._desk.look_up_plans(only)
        self._more["plans"] = desk_state.plans(self._desk.plans.values(), self._words)

    # --- asks --------------------------------------------------------------------------------------------------------

    async def _answer(self, message: str) -> dict[str, Any]:
        try:
            ask = desk_asks.read(message)
        except ValueError as error:
            log.warning("desk asks what is no ask", agent=self.user.name, error=str(error))
            return {"re": -1, "no": self._words.say("the page is too old, or not ours; reload it and try again")}
        try:
            found = await self.work.do(ask, self._desk.now_ms)
        except Conflict as other:
            return {"re": ask.ref, "no": self._words.say(str(other)), "theirs": other.found, "by": other.by}
        except Exception as error:
            problem = problem_of(error)
            if problem is None:
                log.exception("desk ask failed", agent=self.user.name, ask=type(ask).__name__)
                problem = Problem(500, "internal", "something went wrong inside Outring; its log says what")
            return {"re": ask.ref, "no": self._words.say(problem.detail)}
        if isinstance(ask, desk_asks.Edit):
            self._desk.edited(ContactId(ask.contact), ask.field, ask.value, self.user)
        if isinstance(ask, desk_asks.Edit | desk_asks.Note) and self.shows(ContactId(ask.contact)):
            self.look_again_at_person()
        return {"re": ask.ref, **found}


@contextmanager
def _told_to_the_log() -> Iterator[None]:
    """What could not be looked up is missing on the page; the log says why."""
    try:
        yield
    except StoreError as error:
        log.warning("desk could not look up", error=str(error))
