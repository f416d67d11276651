"""REST: segments, saved conditions on contacts."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field

from app.panel import trail
from app.panel.problems import Problem
from app.panel.routing import Call, Routes
from app.panel.segment_sheet import answer_sheet
from app.panel.shapes import WORD_WORDS, Id, In, is_word
from app.segment_operations import SegmentOperations
from app.store import segments
from app.store.campaigns import get_campaign
from app.store.segments import SegmentEntry
from app.units import CampaignId, ListId

routes = Routes()


class SegmentBody(In):
    """A segment, as YAML text; see docs/segments.md."""

    source: str = Field(max_length=262_144)


class SegmentAnswer(BaseModel):
    """A segment. campaign: whose history counts; "": of the one asked about, or of all."""

    name: str
    title: str
    campaign: str
    source: str
    changed_at_ms: int

    @classmethod
    def of(cls, found: SegmentEntry) -> SegmentAnswer:
        """For the wire."""
        read = found.segment
        return cls(
            name=found.name, title=read.title, campaign=read.campaign, source=found.source,
            changed_at_ms=found.changed_at_ms,
        )  # fmt: skip


class AskedQuery(In):
    """Of whom; of all contacts where neither is given."""

    list: Id | None = None
    campaign: Id | None = None


class CountAnswer(BaseModel):
    """contacts: whom the segment means, of so many that were asked."""

    contacts: int
    asked: int


class MetQuery(AskedQuery):
    """Of whom, and which page."""

    after: int = Field(default=0, ge=0, le=2**53)
    limit: int = Field(default=500, ge=1, le=10_000)


class MetAnswer(BaseModel):
    """Ids of contacts. next_after: what to ask for the next page with; null: the last."""

    contacts: list[int]
    next_after: int | None


class ChosenQuery(In):
    """Of which list; of all where it is left out."""

    list: Id | None = None


class AddedAnswer(BaseModel):
    """added: contacts new to the campaign, or waiting again."""

    added: int


def _verbs(call: Call) -> SegmentOperations:
    return SegmentOperations(operations=call.operations, store=call.store)


def _list(found: int | None) -> ListId | None:
    return None if found is None else ListId(found)


def _campaign(found: int | None) -> CampaignId | None:
    return None if found is None else CampaignId(found)


@routes.add("GET", "/segments", answer=list[SegmentAnswer])
async def list_segments(call: Call) -> list[SegmentAnswer]:
    """All segments."""
    return [SegmentAnswer.of(found) for found in await call.store.read(segments.list_segments)]


@routes.add("GET", "/segments/{name}", answer=SegmentAnswer)
async def get_segment(call: Call) -> SegmentAnswer:
    """One segment."""
    return SegmentAnswer.of(await call.store.read(segments.get_segment, call.word("name")))


@routes.add("PUT", "/segments/{name}", body=SegmentBody, answer=SegmentAnswer)
async def put_segment(call: Call) -> SegmentAnswer:
    """Keep a segment, in place of what had its name."""
    name = call.text("name")
    if not is_word(name):
        raise Problem(422, "invalid", f"{name[:40]!r} is no segment's name: {WORD_WORDS}")
    return SegmentAnswer.of(await _verbs(call).save(name, call.body.source))


@routes.add("DELETE", "/segments/{name}")
async def delete_segment(call: Call) -> None:
    """Forget a segment; whom it brought into campaigns stays there."""
    await call.store.write(segments.remove_segment, call.word("name"))


@routes.add("GET", "/segments/{name}/count", query=AskedQuery, answer=CountAnswer)
async def count_segment(call: Call) -> CountAnswer:
    """How many contacts a segment means, of a list, a campaign, or all."""
    met, seen = await _verbs(call).count(
        call.word("name"), list_id=_list(call.query.list), campaign_id=_campaign(call.query.campaign)
    )
    return CountAnswer(contacts=met, asked=seen)


@routes.add("GET", "/segments/{name}/contacts", query=MetQuery, answer=MetAnswer)
async def list_met(call: Call) -> MetAnswer:
    """Contacts a segment means, by id."""
    met, next_after = await _verbs(call).page(
        call.word("name"), list_id=_list(call.query.list), campaign_id=_campaign(call.query.campaign),
        after_id=call.query.after, limit=call.query.limit,
    )  # fmt: skip
    return MetAnswer(contacts=list(met), next_after=next_after)


@routes.add("GET", "/segments/{name}/contacts.csv", query=AskedQuery, answer=Any, media="text/csv")
async def export_segment(call: Call) -> web.StreamResponse:
    """The contacts a segment means, with all of their columns; no cell of it is a formula for a spreadsheet."""
    found = await call.store.read(segments.get_segment, call.word("name"))
    note = trail.note(
        call.user, "exported segment", f"segment {found.name}"[:64], call.operations.now_ms, {"by": "REST"}
    )
    await trail.write(call.store, note)
    return await answer_sheet(
        call.request, _verbs(call), call.store, found.name,
        list_id=_list(call.query.list), campaign_id=_campaign(call.query.campaign),
    )  # fmt: skip


@routes.add("POST", "/campaigns/{campaign_id}/segments/{name}/attach", query=ChosenQuery, answer=AddedAnswer)
async def attach_segment(call: Call) -> AddedAnswer:
    """Attach whom a segment means now; contacts imported into those lists later do not join by themselves."""
    campaign_id = CampaignId(call.number("campaign_id"))
    await call.store.read(get_campaign, campaign_id)
    return AddedAnswer(added=await _verbs(call).attach(call.word("name"), campaign_id, _list(call.query.list)))


@routes.add("POST", "/campaigns/{campaign_id}/segments/{name}/requeue", answer=AddedAnswer)
async def requeue_segment(call: Call) -> AddedAnswer:
    """Have those of a campaign called again whom a segment means and who are done; do-not-call stays as it is."""
    campaign_id = CampaignId(call.number("campaign_id"))
    await call.store.read(get_campaign, campaign_id)
    return AddedAnswer(added=await _verbs(call).requeue(call.word("name"), campaign_id))
