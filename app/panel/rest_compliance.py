"""REST: the compliance profiles there are, why a contact is not called, and how many of a campaign may be."""

from __future__ import annotations

import asyncio
from collections import Counter

from app.dialing.trunk import TrunkState
from app.operations import Operations
from app.panel import compliance_shapes, why_shapes
from app.panel.routing import Call, Routes
from app.store import waterfall, why
from app.store.door import SqlStore
from app.store.waterfall import Waterfall
from app.units import CampaignId, ContactId

routes = Routes()


@routes.add("GET", "/compliance/profiles", answer=compliance_shapes.ProfilesAnswer)
async def list_profiles(call: Call) -> compliance_shapes.ProfilesAnswer:
    """The compliance profiles there are, with their rules, and what is wrong with own files that are none."""
    return compliance_shapes.ProfilesAnswer.of(call.store.lawbook)


@routes.add("GET", "/contacts/{contact_id}/why", query=why_shapes.WhyQuery, answer=list[why_shapes.WhyAnswer])
async def why_not(call: Call) -> list[why_shapes.WhyAnswer]:
    """Why a contact is not called now, in each of its campaigns: every rule, what would change it, and when."""
    campaign = call.query.campaign
    found = await call.store.read(
        why.why_not,
        call.store.lawbook,
        ContactId(call.number("contact_id")),
        call.operations.now_ms,
        campaign_id=None if campaign is None else CampaignId(campaign),
        out_of_service=out_of_service(call.operations),
    )
    return [why_shapes.WhyAnswer.of(one) for one in found]


@routes.add("GET", "/campaigns/{campaign_id}/waterfall", answer=why_shapes.WaterfallAnswer)
async def show_waterfall(call: Call) -> why_shapes.WaterfallAnswer:
    """How many of a campaign's contacts are left after each rule, down to those that may be called now."""
    campaign_id = CampaignId(call.number("campaign_id"))
    return why_shapes.WaterfallAnswer.of(await measured(call.store, campaign_id, call.operations.now_ms))


async def measured(store: SqlStore, campaign_id: CampaignId, now_ms: int) -> Waterfall:
    """A campaign's waterfall, asked some contacts at a time: calls go on between them. Raises NotFound."""
    draft = await store.read(waterfall.begin, store.lawbook, campaign_id)
    failed = Counter[str]()
    for at in range(0, len(draft.rows), waterfall.CHUNK):
        failed.update(await store.read(waterfall.ask_some, draft, at, now_ms))
        await asyncio.sleep(0)
    return waterfall.finish(draft, failed)


def out_of_service(operations: Operations) -> tuple[str, ...]:
    """The trunks that take no calls now."""
    return tuple(one.id for one in operations.snapshot().trunks if one.state is TrunkState.OUT)
