"""Pages that say why nobody is called: a contact's rules in turn, a campaign's waterfall, and the search to them."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Final

from aiohttp import web

from app.panel import why_view
from app.panel.doorkeeper import is_text
from app.panel.gates import only
from app.panel.pages import PageSet, campaign_id_of, wording
from app.panel.rest_compliance import out_of_service
from app.store import campaigns, lists, places, waterfall, why
from app.store.errors import NotFound
from app.store.people import Role
from app.store.waterfall import Waterfall
from app.units import CampaignId, ContactId, ListId

PAGE: Final = 50
"""Contacts on one page of the search."""
EXAMPLES: Final = 20
"""Contacts shown of those whom one rule holds back."""
READY: Final = "ready"
"""What the address calls those whom no rule holds back."""


class WhyPages(PageSet):
    """What answers the question "why is nobody called?"."""

    def attach(self, app: web.Application) -> None:
        """Put the addresses into an aiohttp application."""
        gate = only(Role.SUPERVISOR)
        app.router.add_get("/contacts", gate(self._search))
        app.router.add_get("/contacts/{contact_id}/why", gate(self._contact))
        app.router.add_get("/campaigns/{campaign_id}/why", gate(self._campaign))

    async def _search(self, request: web.Request) -> web.StreamResponse:
        """Contacts of all lists or one, by name or number; of one list also all."""
        search = request.query.get("search", "")[:100].strip()
        search = search if is_text(search) else ""
        after = _number(request.query.get("after", ""))
        found: list[places.FoundContact] = []
        following: ContactId | None = None
        list_id = _number(request.query.get("list", ""))
        of_list = None if list_id is None else await self._store.read(lists.get_list, ListId(list_id))
        if search or of_list is not None:
            found, following = await self._store.read(
                places.find_contacts, search, list_id=None if of_list is None else of_list.id,
                after=None if after is None else ContactId(after), limit=PAGE,
            )  # fmt: skip
        return self._pages.page(
            request, "contacts_found.html", search=search, found=found, following=following, is_first=after is None,
            of_list=of_list,
        )  # fmt: skip

    async def _contact(self, request: web.Request) -> web.StreamResponse:
        """One contact: every rule in turn, in each of its campaigns or in one."""
        text = request.match_info["contact_id"]
        contact_id = _number(text)
        if contact_id is None:
            raise NotFound("contact", text[:40])
        chosen = _number(request.query.get("campaign", ""))
        now_ms = self._operations.now_ms
        contact = await self._store.read(lists.get_contact, ContactId(contact_id))
        of_list = await self._store.read(lists.get_list, contact.list_id)
        found = await self._store.read(
            why.why_not,
            self._store.lawbook,
            contact.id,
            now_ms,
            campaign_id=None if chosen is None else CampaignId(chosen),
            out_of_service=out_of_service(self._operations),
        )
        words = wording(request)
        zones = why_view.zones_of(contact, found[0].number if found else next(iter(contact.phones), ""))
        return self._pages.page(
            request, "why_contact.html", contact=contact, of_list=of_list, chosen=chosen, now_ms=now_ms,
            here_now=words.minute(now_ms), there_now=why_view.there(now_ms, zones, words),
            sheets=[why_view.sheet(one, contact, self._store.lawbook, words, now_ms) for one in found],
        )  # fmt: skip

    async def _campaign(self, request: web.Request) -> web.StreamResponse:
        """A campaign's contacts, rule by rule, down to those ready now; with examples of whom one rule holds back."""
        entry = await self._store.read(campaigns.get_campaign, campaign_id_of(request))
        rule = request.query.get("rule", "")
        rule = rule if rule in waterfall.RULES or rule == READY else ""
        found, ids = await self._measured(entry.campaign.id, "" if rule == READY else rule)
        examples = [await self._store.read(lists.get_contact, one) for one in (ids if rule else [])]
        return self._pages.page(
            request, "why_campaign.html", entry=entry, fall=found, rule=rule, examples=examples,
            rows=why_view.fall_rows(found, rule), held_words=waterfall.RULES.get(rule, ""),
            now_ms=self._operations.now_ms,
        )  # fmt: skip

    async def _measured(self, campaign_id: CampaignId, rule: str) -> tuple[Waterfall, list[ContactId]]:
        """The waterfall, and the first contacts whom the rule holds back; calls go on between the pieces."""
        now_ms = self._operations.now_ms
        draft = await self._store.read(waterfall.begin, self._store.lawbook, campaign_id)
        failed, ids = Counter[str](), list[ContactId]()
        for at in range(0, len(draft.rows), waterfall.CHUNK):
            asked = await self._store.read(waterfall.ask_each, draft, at, now_ms)
            failed.update(held_by for _, held_by in asked)
            ids += [contact_id for contact_id, held_by in asked if held_by == rule and len(ids) < EXAMPLES]
            await asyncio.sleep(0)
        return waterfall.finish(draft, failed), ids[:EXAMPLES]


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else None
