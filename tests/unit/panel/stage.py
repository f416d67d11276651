"""A floor made up for tests and pictures: agents in any state, campaigns with figures, without a telephone call."""

from __future__ import annotations

from typing import Any

from app.agents import AgentPlan, AgentState, Card, DialingMode, PhoneMode
from app.dialing.snapshot import AgentPicture, CampaignPicture, Snapshot, TrunkPicture
from app.dialing.trunk import TrunkState
from app.model import Campaign, CampaignStatus, Trunk
from app.outcomes import ContactStatus, Outcome
from app.store.campaigns import CampaignEntry
from app.store.ended_calls import EndedCall
from app.store.progress import Progress
from app.units import AgentId, AttemptId, CampaignId, ContactId, FlowId, ListId, SessionId, TrunkId

NOW_MS = 1_790_000_000_000


def agent(key: int, name: str, state: AgentState = AgentState.AVAILABLE, for_s: float = 5, **more: Any) -> AgentPicture:
    """An agent who has been in a state for so many seconds."""
    values: dict[str, Any] = {
        "endpoint": f"agent-{100 + key}", "phone_mode": PhoneMode.NAILED_UP, "campaigns": (CampaignId(1),),
        "is_phone_up": True,
    } | more  # fmt: skip
    return AgentPicture(
        agent_id=AgentId(key),
        session_id=SessionId(f"session{key:05d}"),
        name=name,
        state=state,
        since_ms=NOW_MS - int(for_s * 1_000),
        **values,
    )


def card(number: str = "+447700900123", name: str = "Grace Hopper", campaign: int = 1) -> Card:
    """A person on the line."""
    return Card(
        attempt_id=AttemptId("attempt0000001"),
        campaign_id=CampaignId(campaign),
        contact_id=ContactId(1),
        number=number,
        fields={"Name": name},
        language="en",
        mode=DialingMode.PROGRESSIVE,
        answered_at_ms=NOW_MS - 40_000,
        connected_at_ms=NOW_MS - 39_800,
    )


def picture(key: int = 1, **more: Any) -> CampaignPicture:
    """A running campaign as the dialer sees it."""
    values: dict[str, Any] = {
        "preparing": 0, "ready": 0, "dialing": 0, "ringing": 0, "answered": 0, "closing": 0, "placed": 0,
        "waiting_for": "", "agents": 3, "available": 1,
    } | more  # fmt: skip
    return CampaignPicture(id=CampaignId(key), status=CampaignStatus.RUNNING, **values)


def entry(
    key: int = 1,
    name: str = "Renewals",
    status: CampaignStatus = CampaignStatus.RUNNING,
    waiting: int = 500,
    dangling: int = 0,
    mode: DialingMode = DialingMode.PROGRESSIVE,
    plan: AgentPlan | None = None,
) -> CampaignEntry:
    """A campaign on disk."""
    statuses = {ContactStatus.PENDING: waiting, ContactStatus.CONNECTED: 40}
    if dangling:
        statuses[ContactStatus.DANGLING] = dangling
    campaign = Campaign(
        id=CampaignId(key), name=name, flow_id=FlowId(1), trunks=(TrunkId("way"),), lines=10, mode=mode,
        agents=plan or AgentPlan(),
    )  # fmt: skip
    return CampaignEntry(
        campaign=campaign,
        status=status,
        list_ids=(ListId(1),),
        progress=Progress(total=sum(statuses.values()), attempts=60, statuses=statuses),
        created_at_ms=1,
        started_at_ms=1,
        ended_at_ms=None,
    )


def trunk(name: str = "way", lines: int = 10) -> Trunk:
    """A way out."""
    return Trunk(id=TrunkId(name), endpoint=name, lines=lines, prefixes=("+",))


def trunk_picture(name: str = "way", used: int = 2, lines: int = 10, **more: Any) -> TrunkPicture:
    """A trunk as the dialer sees it."""
    values: dict[str, Any] = {"state": TrunkState.IN_SERVICE, "reason": "", "out_until_ms": 0} | more
    return TrunkPicture(id=TrunkId(name), lines_used=used, lines=lines, **values)


def snapshot(*agents: AgentPicture, at_ms: int = NOW_MS, **more: Any) -> Snapshot:
    """The dialer at one moment."""
    values: dict[str, Any] = {
        "is_telephony_up": True, "telephony_reason": "", "campaigns": (picture(),), "trunks": (trunk_picture(),),
        "late_events": 0,
    } | more  # fmt: skip
    return Snapshot(at_ms=at_ms, agents=agents, **values)


def ended(
    outcome: Outcome = Outcome.CONNECTED_TO_AGENT, waited_ms: int | None = 300, at_ms: int = NOW_MS, campaign: int = 1
) -> EndedCall:
    """A call that ended."""
    return EndedCall(
        attempt_id=AttemptId("attempt0000001"), campaign_id=CampaignId(campaign), at_ms=at_ms, outcome=outcome,
        waited_ms=waited_ms,
    )  # fmt: skip
