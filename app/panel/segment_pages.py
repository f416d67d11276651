"""The page of segments: whom each means, counted, its text to be changed, and the contacts as a file."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from app.operations import OperationError
from app.panel import trail
from app.panel.doorkeeper import VISITOR
from app.panel.forms import Form
from app.panel.gates import only
from app.panel.pages import PageSet
from app.panel.segment_sheet import answer_sheet
from app.panel.shapes import WORD_WORDS, is_word
from app.segment_operations import SegmentOperations
from app.store import campaigns, lists, segments
from app.store.errors import NotFound
from app.store.people import Role
from app.store.segments import SegmentEntry
from app.units import CampaignId, ListId

SAMPLE: Final = """\
title: Not reached yet
all:
  - tries < 3
  - last outcome in no answer, busy
"""
"""What a new segment begins with."""
COUNTED_AT_ONCE: Final = 20_000
"""Up to so many contacts all segments are counted when the page is drawn: tenths of a second; else when asked."""
_PATH: Final = "/segments"


class SegmentPages(PageSet):
    """The list of segments, and one of them."""

    def attach(self, app: web.Application) -> None:
        """Put the addresses into an aiohttp application."""
        gate = only(Role.SUPERVISOR)
        app.router.add_get(_PATH, gate(self._new))
        app.router.add_post(_PATH, gate(self._create))
        app.router.add_get(f"{_PATH}/{{name}}", gate(self._one))
        app.router.add_post(f"{_PATH}/{{name}}", gate(self._change))
        app.router.add_get(f"{_PATH}/{{name}}/contacts.csv", gate(self._sheet))
        app.router.add_post(f"{_PATH}/{{name}}/remove", gate(self._remove))

    @property
    def _verbs(self) -> SegmentOperations:
        return SegmentOperations(operations=self._operations, store=self._store)

    async def _new(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request, Form({"source": SAMPLE}))

    async def _one(self, request: web.Request) -> web.StreamResponse:
        found = await self._store.read(segments.get_segment, _name(request))
        return await self._page(request, Form({"source": found.source}), found)

    async def _page(
        self, request: web.Request, form: Form, found: SegmentEntry | None = None, status: int = 200
    ) -> web.Response:
        known = await self._store.read(segments.list_segments)
        groups = await self._store.read(lists.list_lists)
        counts: dict[str, int] = {}
        problems: dict[str, str] = {}
        is_counted = sum(one.contacts for one in groups) <= COUNTED_AT_ONCE
        for one in known if is_counted else ():
            try:
                counts[one.name], _ = await self._verbs.count(one.name)
            except NotFound as error:  # its campaign is gone
                problems[one.name] = str(error)
        met = await self._met(request, found, problems) if found is not None else None
        return self._pages.page(
            request, "segments.html", status=status, known=known, counts=counts, problems=problems, form=form,
            found=found, lists=groups, campaigns=await self._campaigns(), met=met, asked=dict(request.query),
        )  # fmt: skip

    async def _campaigns(self) -> list[tuple[int, str]]:
        return [(int(one.campaign.id), one.campaign.name) for one in await self._store.read(campaigns.list_campaigns)]

    async def _met(self, request: web.Request, found: SegmentEntry, problems: dict[str, str]) -> tuple[int, int] | None:
        """How many it means, of whom was asked about; None: nobody asked."""
        if "list" not in request.query and "campaign" not in request.query:
            return None
        list_id, campaign_id = _asked(request)
        try:
            return await self._verbs.count(found.name, list_id=list_id, campaign_id=campaign_id)
        except NotFound as error:
            problems[found.name] = str(error)
            return None

    async def _sheet(self, request: web.Request) -> web.StreamResponse:
        name = _name(request)
        list_id, campaign_id = _asked(request)
        found = await self._store.read(segments.get_segment, name)
        await self._note(request, "exported segment", name)
        return await answer_sheet(
            request, self._verbs, self._store, found.name, list_id=list_id, campaign_id=campaign_id
        )

    async def _create(self, request: web.Request) -> web.StreamResponse:
        form = await Form.of(request)
        name = form["name"].strip()
        if not is_word(name):
            form.wrong("name", WORD_WORDS)
        elif name in [one.name for one in await self._store.read(segments.list_segments)]:
            form.wrong("name", "a segment of this name is there already; choose it in the list to change it")
        return await self._keep(request, form, name, None)

    async def _change(self, request: web.Request) -> web.StreamResponse:
        found = await self._store.read(segments.get_segment, _name(request))
        return await self._keep(request, await Form.of(request), found.name, found)

    async def _keep(
        self, request: web.Request, form: Form, name: str, before: SegmentEntry | None
    ) -> web.StreamResponse:
        if form.is_good:
            try:
                await self._verbs.save(name, form["source"])
            except (OperationError, NotFound) as error:
                form.wrong("source", str(error))
            else:
                await self._note(request, "saved segment", name)
                return web.Response(status=303, headers={"Location": f"{_PATH}/{name}"})
        return await self._page(request, form, before, 422)

    async def _remove(self, request: web.Request) -> web.StreamResponse:
        name = _name(request)
        await self._store.write(segments.remove_segment, name)
        await self._note(request, "removed segment", name)
        return web.Response(status=303, headers={"Location": _PATH})

    async def _note(self, request: web.Request, what: str, name: str) -> None:
        told = trail.note(request[VISITOR].user, what, f"segment {name}"[:64], self._operations.now_ms, {})
        await trail.write(self._store, told)


def _name(request: web.Request) -> str:
    return request.match_info["name"][:64]


def _asked(request: web.Request) -> tuple[ListId | None, CampaignId | None]:
    """The list and the campaign that are asked about; None: all."""
    texts = [request.query.get(name, "") for name in ("list", "campaign")]
    found = [int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None for text in texts]
    return (
        None if found[0] is None else ListId(found[0]),
        None if found[1] is None else CampaignId(found[1]),
    )
