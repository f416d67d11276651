"""The pages: sign-in, the live page, a campaign, its attempts, one attempt. Everything also works without scripts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from typing import Any, Final
from urllib.parse import unquote, urlencode

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.operations import Operations
from app.panel import view
from app.panel.budget_view import budget_row
from app.panel.doorkeeper import TOKEN_FIELD, VISITOR, Visitor
from app.panel.language import LANGUAGES, THEMES, WEB, Wording, preferred_language, translations
from app.panel.live import LivePage
from app.panel.problems import Problem
from app.panel.recordings import recordings_of
from app.panel.routing import RANK
from app.store import attempts, campaigns, flows, lists, people, trunks
from app.store.attempts import AttemptEntry
from app.store.claiming import next_due
from app.store.door import SqlStore
from app.store.errors import NotFound
from app.store.people import Role
from app.units import ATTEMPT_ID, AttemptId, CampaignId

LAST_ATTEMPTS: Final = 10
LOOKED_AT: Final = 150
"""The newest attempts, among which are the last ones that ended."""
STATIC: Final = WEB / "static"


@cache
def environment(language: str) -> Environment:
    """Templates in a language; everything put into them is escaped."""
    made = Environment(
        loader=FileSystemLoader(WEB / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    made.globals.update(static=static_url, languages=LANGUAGES, themes=THEMES, view=view, token_field=TOKEN_FIELD)
    return made


@cache
def static_url(path: str) -> str:
    """The address of a static file, with its content's hash, so that browsers may keep it for good."""
    return f"/static/{path}?v={hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]}"


def wording(request: web.Request) -> Wording:
    """How this visitor reads, from their cookies."""
    language = request.cookies.get("outring_language", "")
    theme = request.cookies.get("outring_theme", "")
    return Wording(
        language=language if language in LANGUAGES else preferred_language(request.headers.get("Accept-Language", "")),
        zone_name=unquote(request.cookies.get("outring_zone", "")),
        theme=theme if theme in THEMES else "auto",
    )


class Pages:
    """Draws pages for signed-in visitors."""

    def __init__(self, operations: Operations, store: SqlStore, live: LivePage) -> None:
        self._operations = operations
        self.store = self._store = store
        self._live = live

    # --- drawing -----------------------------------------------------------------------------------------------------

    def draw(self, request: web.Request, template: str, **values: Any) -> str:
        """A template with what every page needs."""
        words = wording(request)
        visitor: Visitor | None = request.get(VISITOR)
        page = environment(words.language).get_template(template)
        return page.render(
            w=words, visitor=visitor, here=request.path, here_all=request.path_qs,
            token=visitor.csrf_token if visitor else "", **values,
        )  # fmt: skip

    def page(self, request: web.Request, template: str, *, status: int = 200, **values: Any) -> web.Response:
        """A whole page."""
        return web.Response(
            text=self.draw(request, template, **values), status=status, content_type="text/html",
            headers={"Content-Language": wording(request).language, "Vary": "Cookie, Accept-Language"},
        )  # fmt: skip

    def error(self, request: web.Request, problem: Problem) -> web.Response:
        """A page for what went wrong; whoever is not signed in is sent to the sign-in."""
        if problem.status == 401:
            then = request.path_qs if request.method == "GET" else "/"
            address = "/sign-in" if then == "/" else "/sign-in?" + urlencode({"next": then})
            return web.Response(status=303, headers={"Location": address})
        return self.page(request, "error.html", status=problem.status, problem=problem)

    # --- the pages ---------------------------------------------------------------------------------------------------

    async def home(self, request: web.Request) -> web.Response:
        """The live page."""
        return self.page(request, "home.html", **await self.home_values())

    async def home_values(self) -> Mapping[str, Any]:
        """What the live page shows now."""
        snapshot = self._operations.snapshot()
        entries = await self._store.read(campaigns.list_campaigns)
        subject = view.subject(entries)
        page = await self._store.read(attempts.attempts_page, limit=LOOKED_AT)
        return {
            "snapshot": snapshot,
            "calls": view.calls_of(snapshot),
            "rate": self._live.rate,
            "cards": [view.card(entry, snapshot) for entry in entries],
            "subject": subject,
            "bars": view.bars(view.summed(subject)),
            "trunks": view.trunk_rows(await self._store.read(trunks.list_trunks), snapshot),
            "attempts": view.last_ended(page.attempts)[:LAST_ATTEMPTS],
        }

    async def campaign(self, request: web.Request) -> web.Response:
        """One campaign."""
        return self.page(request, "campaign.html", **await self.campaign_values(campaign_id_of(request)))

    async def campaign_values(self, campaign_id: CampaignId) -> Mapping[str, Any]:
        """What a campaign's page shows now. Raises NotFound."""
        snapshot = self._operations.snapshot()
        entry = await self._store.read(campaigns.get_campaign, campaign_id)
        page = await self._store.read(attempts.attempts_page, campaign_id=campaign_id, limit=LOOKED_AT)
        now_ms = self._operations.now_ms
        next_due_ms = await self._store.read(next_due, campaign_id, now_ms)
        return {
            "snapshot": snapshot,
            "halted": view.halted(entry, snapshot),
            "next_due_ms": next_due_ms if next_due_ms is not None and next_due_ms > now_ms else None,
            "calls": view.calls_of(snapshot, campaign_id),
            "card": (card := view.card(entry, snapshot)),
            "budget": budget_row(card.picture.pacing) if card.picture else None,
            "bars": view.bars(entry.progress.outcomes),
            "results": view.results(entry),
            "flow": await self._store.read(flows.get_flow, entry.campaign.flow_id),
            "lists": [await self._store.read(lists.get_list, list_id) for list_id in entry.list_ids],
            "attempts": view.last_ended(page.attempts)[:LAST_ATTEMPTS],
        }

    async def attempt(self, request: web.Request) -> web.Response:
        """One attempt, from its opening to its end."""
        attempt_id = request.match_info["attempt_id"]
        if not ATTEMPT_ID.fullmatch(attempt_id):
            raise NotFound("attempt", attempt_id[:40])
        found: AttemptEntry = await self._store.read(attempts.get_attempt, AttemptId(attempt_id))
        entry = await self._store.read(campaigns.get_campaign, found.campaign_id)
        labels = {one.code: one.label for one in entry.campaign.agents.dispositions}
        return self.page(
            request, "attempt.html", attempt=found, entry=entry, labels=labels, recordings=recordings_of(found)
        )

    async def sign_in(self, request: web.Request, **values: Any) -> web.Response:
        """The sign-in page; before the first user is made it says how to make one."""
        then = local_path(request.query.get("next", "/"))
        shown: dict[str, Any] = {"message": "", "name": "", "next": then, "status": 200} | values
        nobody = await self._store.read(people.count_users) == 0
        return self.page(request, "sign_in.html", nobody=nobody, **shown)


class PageSet:
    """Some pages of the panel that belong together: what they all are made from."""

    def __init__(self, *, operations: Operations, store: SqlStore, pages: Pages) -> None:
        self._operations = operations
        self._store = store
        self._pages = pages

    def attach(self, app: web.Application) -> None:
        """Put their addresses into an aiohttp application."""
        raise NotImplementedError


def campaign_id_of(request: web.Request) -> CampaignId:
    """The campaign an address names. Raises NotFound."""
    text = request.match_info["campaign_id"]
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise NotFound("campaign", text[:40])
    return CampaignId(int(text))


def local_path(text: str) -> str:
    """Where to go after signing in: a path of ours, never another site."""
    is_ours = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable() and len(text) <= 500
    return text if is_ours and "\\" not in text else "/"


def may(visitor: Visitor, role: Role) -> bool:
    """Whether a visitor's role is enough."""
    return RANK[visitor.user.role] >= RANK[role]
