"""What the dialer looks like from outside, for pages and the terminal: a picture, never a handle."""

from __future__ import annotations

from dataclasses import dataclass

from app.agents import AgentState, Card, PhoneMode, SpyMode
from app.dialing.trunk import TrunkState
from app.model import CampaignStatus
from app.units import AgentId, CampaignId, SessionId, TrunkId


@dataclass(frozen=True, slots=True, kw_only=True)
class PacingPicture:
    """How a campaign is paced, for people. why: the last decision, in a sentence.

    answered, abandoned: people of the window; budget_left: who could still be abandoned without passing the target.
    is_spent: nothing is risked any more: one call for each idle agent. mistaken: people who, as is estimated, were
    taken for machines; they count as abandoned too.
    """

    why: str
    answered: int
    abandoned: int
    target: float
    window_ms: int
    budget_left: float
    is_spent: bool
    mistaken: float = 0.0

    @property
    def share(self) -> float:
        """Abandoned of answered, those taken for machines by mistake among both."""
        answered = self.answered + self.mistaken
        return (self.abandoned + self.mistaken) / answered if answered else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPicture:
    """A campaign's calls now. waiting_for: why nothing is dialed, in words, or empty. placed: calls since the start.

    with_agents: answered people who talk with an agent; seeking: those who wait for one, longest_wait_ms the longest.
    agents, available: agents who serve the campaign, and those of them who could take a person now.
    pacing: of a predictive campaign.
    """

    id: CampaignId
    status: CampaignStatus
    preparing: int
    ready: int
    dialing: int
    ringing: int
    answered: int
    closing: int
    placed: int
    waiting_for: str
    with_agents: int = 0
    seeking: int = 0
    longest_wait_ms: int = 0
    agents: int = 0
    available: int = 0
    pacing: PacingPicture | None = None
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkPicture:
    """A trunk now. reason and out_until_ms: why it is out of service, and until when."""

    id: TrunkId
    state: TrunkState
    lines_used: int
    lines: int
    reason: str
    out_until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPicture:
    """An agent now: what the wallboard's row and their own desk are drawn from.

    since_ms: when the state began; deadline_ms: when it ends by itself (wrap-up, preview), None: never.
    reason: of a pause. pause_next: the reason of the pause asked for after this call; signs_out_next likewise.
    campaigns: those served. campaign_id: of the present card. card: the person before the agent, None: nobody.
    phone_note: why the phone is not connected; empty when it is, or is rung per call.
    calls: people talked with in this session; talked_ms: for how long.
    extensions: how often wrap-up was extended. consult: who is consulted, in words, or empty; is_consult_up: they
    answered. is_conference: all three talk. spies: who listens in, and how.
    waiting_for: why an available agent has nobody, in words.
    """

    agent_id: AgentId
    session_id: SessionId
    name: str
    endpoint: str
    phone_mode: PhoneMode
    state: AgentState
    since_ms: int
    deadline_ms: int | None = None
    reason: str = ""
    reason_label: str = ""
    pause_limit_ms: int = 0
    pause_next: str = ""
    signs_out_next: bool = False
    campaigns: tuple[CampaignId, ...] = ()
    campaign_id: CampaignId | None = None
    card: Card | None = None
    is_phone_up: bool = False
    phone_note: str = ""
    is_browser_lost: bool = False
    is_muted: bool = False
    is_recording: bool = False
    disposition: str = ""
    extensions: int = 0
    consult: str = ""
    is_consult_up: bool = False
    is_conference: bool = False
    spies: tuple[tuple[str, SpyMode], ...] = ()
    calls: int = 0
    talked_ms: int = 0
    waiting_for: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The whole dialer at one moment. late_events: events that came too late and were ignored.

    disk_trouble: why the database takes no writes, so that nobody is called; empty when it does.
    """

    at_ms: int
    is_telephony_up: bool
    telephony_reason: str
    campaigns: tuple[CampaignPicture, ...]
    trunks: tuple[TrunkPicture, ...]
    late_events: int
    agents: tuple[AgentPicture, ...] = ()
    disk_trouble: str = ""
