"""From a campaign's figures to what is in them: its contacts by status, its attempts by what came of them."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from app.agents import NOT_SET
from app.outcomes import ContactStatus, Outcome
from app.panel import view
from app.panel.doorkeeper import is_text
from app.panel.gates import only
from app.panel.pages import PageSet, campaign_id_of
from app.store import attempts, campaigns, lists, people, places
from app.store.campaigns import CampaignEntry
from app.store.errors import NotFound
from app.store.people import Role
from app.units import ATTEMPT_ID, AgentId, AttemptId, ContactId

PAGE: Final = 50
"""Contacts or attempts on one page."""


class DrillPages(PageSet):
    """What answers behind the numbers that can be opened."""

    def attach(self, app: web.Application) -> None:
        """Put the addresses into an aiohttp application."""
        gate = only(Role.SUPERVISOR)
        app.router.add_get("/campaigns/{campaign_id}/attempts", gate(self._attempts))
        app.router.add_get("/campaigns/{campaign_id}/contacts", gate(self._contacts))

    async def _contacts(self, request: web.Request) -> web.StreamResponse:
        """A campaign's contacts: all, of a status, or found by name or number."""
        entry = await self._store.read(campaigns.get_campaign, campaign_id_of(request))
        status = next((one for one in ContactStatus if one.value == request.query.get("status")), None)
        search = request.query.get("search", "")[:100]
        search = search if is_text(search) else ""
        after = _number(request, "after")
        page = await self._store.read(
            places.places_page,
            entry.campaign.id,
            status=status,
            search=search,
            after=None if after is None else ContactId(after),
            limit=PAGE,
        )
        asked = {"status": status.value if status else "", "search": search}
        return self._pages.page(
            request, "contacts.html", entry=entry, page=page, asked=asked, is_first=after is None,
            statuses=[one for one in view.STATUS_ORDER if entry.progress.statuses.get(one)],
            query=_query(asked), now_ms=self._operations.now_ms,
        )  # fmt: skip

    async def _attempts(self, request: web.Request) -> web.StreamResponse:
        """A campaign's attempts, newest first, page by page: all, or those with what was asked for."""
        entry = await self._store.read(campaigns.get_campaign, campaign_id_of(request))
        before = request.query.get("before")
        if before is not None and not ATTEMPT_ID.fullmatch(before):
            raise NotFound("attempt", before[:40])
        outcome = next((one for one in Outcome if str(one.value) == request.query.get("outcome")), None)
        disposition = _code(request, entry)
        agent, contact = _number(request, "agent"), _number(request, "contact")
        is_recorded = request.query.get("recorded") == "yes"
        page = await self._store.read(
            attempts.attempts_page,
            campaign_id=entry.campaign.id,
            contact_id=None if contact is None else ContactId(contact),
            agent_id=None if agent is None else AgentId(agent),
            disposition=disposition or None,
            outcome=outcome,
            is_recorded=is_recorded,
            before=AttemptId(before) if before else None,
            limit=PAGE,
        )
        asked = {
            "outcome": str(outcome.value) if outcome else "", "disposition": disposition,
            "agent": str(agent or ""), "contact": str(contact or ""), "recorded": "yes" if is_recorded else "",
        }  # fmt: skip
        return self._pages.page(
            request, "attempts.html", entry=entry, page=page, is_first=before is None, asked=asked, query=_query(asked),
            outcomes=sorted(entry.progress.outcomes), results=view.results(entry),
            agents=await self._agents(entry), who=await self._who(contact),
        )  # fmt: skip

    async def _agents(self, entry: CampaignEntry) -> list[tuple[str, str]]:
        """Who may have talked in it, to choose from; nobody for a broadcast."""
        if not entry.progress.dispositions:
            return []
        return [(str(user.id), user.name) for user in await self._store.read(people.list_users)]

    async def _who(self, contact: int | None) -> str:
        """The name of the contact whose attempts are shown. Raises NotFound."""
        if contact is None:
            return ""
        found = await self._store.read(lists.get_contact, ContactId(contact))
        return found.name or (found.phones[0] if found.phones else f"{contact}")


def _number(request: web.Request, name: str) -> int | None:
    text = request.query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else None


def _code(request: web.Request, entry: CampaignEntry) -> str:
    """A disposition that is counted or can be chosen; others are nobody's."""
    code = request.query.get("disposition", "")
    known: Any = {*entry.progress.dispositions, *(one.code for one in entry.campaign.agents.dispositions), NOT_SET}
    return code if code in known else ""


def _query(asked: dict[str, str]) -> str:
    return urlencode({name: value for name, value in asked.items() if value})
