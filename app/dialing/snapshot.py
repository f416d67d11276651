"""What the dialer looks like from outside, for pages and the terminal: a picture, never a handle."""

from __future__ import annotations

from dataclasses import dataclass

from app.dialing.trunk import TrunkState
from app.model import CampaignStatus
from app.units import CampaignId, TrunkId


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPicture:
    """A campaign's calls now. waiting_for: why nothing is dialed, in words, or empty. placed: calls since the start."""

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
class Snapshot:
    """The whole dialer at one moment. late_events: events that came too late and were ignored."""

    at_ms: int
    is_telephony_up: bool
    telephony_reason: str
    campaigns: tuple[CampaignPicture, ...]
    trunks: tuple[TrunkPicture, ...]
    late_events: int
