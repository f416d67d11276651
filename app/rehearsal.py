"""A test call: a campaign calls you before it calls others, with the data of one of its contacts.

It is a real call by the real way: a campaign of its own (hidden from lists and figures) with the same flow, trunks,
number shown and words, and a list with you in it. Contacts of the rehearsed campaign are not touched.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.agents import DialingMode, RecordingPolicy
from app.compliance.plan import AT_ANY_TIME
from app.model import Campaign, CampaignStatus, RetryPolicy
from app.operations import Operations
from app.plan_checks import NotNow
from app.store import campaigns, rehearsing
from app.store.campaigns import CampaignEntry
from app.store.rehearsing import NAME_LENGTH
from app.units import CampaignId, ContactId, Number, number

SUFFIX: Final = " – test calls"
_NO_REGION: Final = "ZZ"
"""ISO 3166's code for no country: the number has its country in it."""


async def rehearse(
    operations: Operations, campaign_id: CampaignId, to: Number, contact_id: ContactId | None = None
) -> CampaignEntry:
    """Have a campaign call `to` (E.164) now; answers the campaign that makes the call.

    contact_id: whose data is said; None: of the first who waits. With a campaign for agents you hear what people hear
    until one takes them. Raises OperationError, NotFound; ValueError for what is no number.
    """
    number(to)
    store = operations.store
    entry = await store.read(campaigns.get_campaign, campaign_id)
    if entry.campaign.rehearses:
        raise NotNow("these are test calls themselves; make them from their campaign")
    if not entry.campaign.trunks:
        raise NotNow(f"campaign {entry.campaign.name!r} has no trunk to call over; give it one first")
    like = await store.read(rehearsing.sample_contact, campaign_id, contact_id)
    if contact_id is not None and like is None:
        raise NotNow("this contact is not in the campaign")
    made = await _campaign(operations, entry.campaign)
    list_id = made.list_ids[0]
    await store.write(rehearsing.add_own_contact, list_id, to, like, operations.now_ms)
    return await operations.start_campaign(made.campaign.id)


async def _campaign(operations: Operations, plan: Campaign) -> CampaignEntry:
    """The campaign of the test calls, brought up to the plan it rehearses. Raises NotNow while one is being made."""
    store, before = operations.store, await operations.store.read(rehearsing.rehearsal_of, plan.id)
    name = plan.name[: NAME_LENGTH - len(SUFFIX)] + SUFFIX
    mine = replace(
        plan,
        id=before.campaign.id if before else CampaignId(0),
        name=before.campaign.name if before else name,
        mode=DialingMode.BROADCAST,
        lines=1,
        calls_per_second=1.0,
        retry=RetryPolicy(max_attempts=1, max_faults=1),
        strategy=None,
        agents=replace(plan.agents, queue="", recording=RecordingPolicy.NEVER),
        pause_at=0,
        rehearses=plan.id,
        compliance=AT_ANY_TIME,  # whoever types a number of their own to hear it wants the call now
    )
    if before is None:
        list_id = await store.write(rehearsing.rehearsal_list, name, _NO_REGION, operations.now_ms)
        return await operations.create_campaign(mine, [list_id])
    if before.status is CampaignStatus.RUNNING:
        if before.progress.live:
            raise NotNow("the test call before this one is still going on")
        await operations.stop_campaign(before.campaign.id)  # it waits for a trunk: this one is in its place
    return await operations.change_campaign(mine)
