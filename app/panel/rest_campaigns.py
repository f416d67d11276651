"""REST: campaigns and attempts."""

from __future__ import annotations

from dataclasses import replace

from app.outcomes import ContactStatus
from app.panel import campaign_shapes, mix_shapes
from app.panel.routing import Call, Routes
from app.store import agents, attempts, campaigns, mixing
from app.store.agents import CampaignAgent
from app.store.errors import NotFound
from app.units import ATTEMPT_ID, AgentId, AttemptId, CampaignId, ContactId, ListId

routes = Routes()

# --- campaigns -------------------------------------------------------------------------------------------------------


@routes.add("GET", "/campaigns", answer=list[campaign_shapes.CampaignAnswer])
async def list_campaigns(call: Call) -> list[campaign_shapes.CampaignAnswer]:
    """All campaigns with their progress, newest first."""
    snapshot = call.operations.snapshot()
    return [
        campaign_shapes.CampaignAnswer.of(entry, snapshot) for entry in await call.store.read(campaigns.list_campaigns)
    ]


@routes.add("POST", "/campaigns", body=campaign_shapes.CampaignBody, answer=campaign_shapes.CampaignAnswer, status=201)
async def create_campaign(call: Call) -> campaign_shapes.CampaignAnswer:
    """Make a campaign, as a draft."""
    list_ids = [ListId(list_id) for list_id in call.body.lists]
    plan = call.body.campaign(0, await call.operations.strategy(call.body.strategy))
    entry = await call.operations.create_campaign(plan, list_ids)
    return campaign_shapes.CampaignAnswer.of(entry, call.operations.snapshot())


@routes.add("GET", "/campaigns/{campaign_id}", answer=campaign_shapes.CampaignAnswer)
async def get_campaign(call: Call) -> campaign_shapes.CampaignAnswer:
    """One campaign with its progress and its calls."""
    entry = await call.store.read(campaigns.get_campaign, CampaignId(call.number("campaign_id")))
    return campaign_shapes.CampaignAnswer.of(entry, call.operations.snapshot())


@routes.add("PUT", "/campaigns/{campaign_id}", body=campaign_shapes.CampaignBody, answer=campaign_shapes.CampaignAnswer)
async def put_campaign(call: Call) -> campaign_shapes.CampaignAnswer:
    """Change a campaign; a running one follows at once. Lists named are added, none is taken away."""
    campaign_id = CampaignId(call.number("campaign_id"))
    before = await call.store.read(campaigns.get_campaign, campaign_id)
    strategy = await call.operations.strategy(call.body.strategy)
    kept = {"pause_at": before.campaign.pause_at, "rehearses": before.campaign.rehearses}
    plan = replace(call.body.campaign(campaign_id, strategy), **kept)
    await call.operations.change_campaign(plan)
    for list_id in call.body.lists:
        await call.operations.attach_list(campaign_id, ListId(list_id))
    entry = await call.store.read(campaigns.get_campaign, campaign_id)
    return campaign_shapes.CampaignAnswer.of(entry, call.operations.snapshot())


@routes.add("PATCH", "/campaigns/{campaign_id}", body=campaign_shapes.SteerBody, answer=campaign_shapes.CampaignAnswer)
async def steer_campaign(call: Call) -> campaign_shapes.CampaignAnswer:
    """Change lines, pace, mode, lines an agent or priority, and nothing else; a running campaign follows at once."""
    campaign_id = CampaignId(call.number("campaign_id"))
    before = await call.store.read(campaigns.get_campaign, campaign_id)
    entry = await call.operations.change_campaign(call.body.steered(before.campaign))
    return campaign_shapes.CampaignAnswer.of(entry, call.operations.snapshot())


@routes.add("GET", "/campaigns/{campaign_id}/agents", answer=campaign_shapes.CampaignAgentsBody)
async def list_campaign_agents(call: Call) -> campaign_shapes.CampaignAgentsBody:
    """Who may serve a campaign; nobody named: everybody may."""
    campaign_id = CampaignId(call.number("campaign_id"))
    await call.store.read(campaigns.get_campaign, campaign_id)
    found = await call.store.read(agents.list_campaign_agents, campaign_id)
    named = [campaign_shapes.CampaignAgentBody(agent_id=one.agent_id, skill=one.skill) for one in found]
    return campaign_shapes.CampaignAgentsBody(agents=named)


@routes.add(
    "PUT",
    "/campaigns/{campaign_id}/agents",
    body=campaign_shapes.CampaignAgentsBody,
    answer=campaign_shapes.CampaignAgentsBody,
)
async def put_campaign_agents(call: Call) -> campaign_shapes.CampaignAgentsBody:
    """Say who may serve a campaign, and nobody else."""
    named = [CampaignAgent(agent_id=AgentId(one.agent_id), skill=one.skill) for one in call.body.agents]
    await call.operations.serve_campaign(CampaignId(call.number("campaign_id")), named)
    found: campaign_shapes.CampaignAgentsBody = await list_campaign_agents(call)
    return found


@routes.add("GET", "/campaigns/{campaign_id}/lists", answer=mix_shapes.SharesAnswer)
async def list_shares(call: Call) -> mix_shapes.SharesAnswer:
    """The lists of a campaign and how they share its calls, in the order they are called."""
    campaign_id = CampaignId(call.number("campaign_id"))
    await call.store.read(campaigns.get_campaign, campaign_id)
    return mix_shapes.SharesAnswer.of(await call.store.read(mixing.list_shares, campaign_id))


@routes.add("PUT", "/campaigns/{campaign_id}/lists", body=mix_shapes.SharesBody, answer=mix_shapes.SharesAnswer)
async def put_shares(call: Call) -> mix_shapes.SharesAnswer:
    """Say how lists that a campaign has share its calls; those not named stay. It counts from the next call."""
    await call.operations.share_lists(CampaignId(call.number("campaign_id")), call.body.shares())
    found: mix_shapes.SharesAnswer = await list_shares(call)
    return found


@routes.add(
    "POST",
    "/campaigns/{campaign_id}/start",
    query=campaign_shapes.StartQuery,
    answer=campaign_shapes.CampaignAnswer,
)
async def start_campaign(call: Call) -> campaign_shapes.CampaignAnswer:
    """Start or resume; with `first`, it makes so many calls and pauses by itself."""
    campaign_id = CampaignId(call.number("campaign_id"))
    if call.query.first:
        entry = await call.operations.try_campaign(campaign_id, call.query.first)
    else:
        entry = await call.operations.start_campaign(campaign_id)
    return campaign_shapes.CampaignAnswer.of(entry, call.operations.snapshot())


@routes.add("POST", "/campaigns/{campaign_id}/pause", answer=campaign_shapes.CampaignAnswer)
async def pause_campaign(call: Call) -> campaign_shapes.CampaignAnswer:
    """No new calls; those up go on."""
    entry = await call.operations.pause_campaign(CampaignId(call.number("campaign_id")))
    return campaign_shapes.CampaignAnswer.of(entry, call.operations.snapshot())


@routes.add("POST", "/campaigns/{campaign_id}/stop", answer=campaign_shapes.CampaignAnswer)
async def stop_campaign(call: Call) -> campaign_shapes.CampaignAnswer:
    """No new calls; ringing ones are taken back, answered people are heard out."""
    entry = await call.operations.stop_campaign(CampaignId(call.number("campaign_id")))
    return campaign_shapes.CampaignAnswer.of(entry, call.operations.snapshot())


@routes.add(
    "POST",
    "/campaigns/{campaign_id}/requeue",
    body=campaign_shapes.RequeueBody,
    answer=campaign_shapes.RequeueAnswer,
)
async def requeue_contacts(call: Call) -> campaign_shapes.RequeueAnswer:
    """Have contacts that are done called again: those of a status (the dangling ones, say), or one of them."""
    campaign_id = CampaignId(call.number("campaign_id"))
    if call.body.contact is not None:
        await call.operations.requeue_contact(campaign_id, ContactId(call.body.contact))
        return campaign_shapes.RequeueAnswer(returned=1)
    returned = await call.operations.requeue(campaign_id, ContactStatus(call.body.status))
    return campaign_shapes.RequeueAnswer(returned=returned)


# --- attempts --------------------------------------------------------------------------------------------------------


@routes.add("GET", "/attempts", query=campaign_shapes.AttemptsQuery, answer=campaign_shapes.AttemptsAnswer)
async def list_attempts(call: Call) -> campaign_shapes.AttemptsAnswer:
    """Attempts, newest first, of a campaign, a contact or all."""
    query = call.query
    page = await call.store.read(
        attempts.attempts_page,
        campaign_id=query.campaign,
        contact_id=query.contact,
        agent_id=query.agent,
        disposition=query.disposition,
        before=query.before,
        limit=query.limit,
    )
    return campaign_shapes.AttemptsAnswer.of(page)


@routes.add("GET", "/attempts/{attempt_id}", answer=campaign_shapes.AttemptAnswer)
async def get_attempt(call: Call) -> campaign_shapes.AttemptAnswer:
    """One attempt with what the flow learned."""
    attempt_id = call.text("attempt_id")
    if not ATTEMPT_ID.fullmatch(attempt_id):
        raise NotFound("attempt", attempt_id[:40])
    return campaign_shapes.AttemptAnswer.of(await call.store.read(attempts.get_attempt, AttemptId(attempt_id)))
