"""What a campaign's plan may be, in the predictive mode above all: limits, and sentences that say the mend."""

from __future__ import annotations

import math
from typing import Any

import pytest

from app.agents import AgentPlan, DialingMode, PacingPlan
from app.model import Campaign
from app.plan_checks import OperationError, check_campaign
from app.units import DAY_MS, HOUR_MS, CampaignId, FlowId, TrunkId


def plan(mode: DialingMode = DialingMode.PREDICTIVE, **agents: Any) -> Campaign:
    """A campaign with these settings for its agents."""
    return Campaign(
        id=CampaignId(1), name="Renewals", flow_id=FlowId(1), trunks=(TrunkId("way"),), mode=mode,
        agents=AgentPlan(**agents),
    )  # fmt: skip


@pytest.mark.parametrize(
    "pacing",
    [
        {},
        {"abandonment_target": 0.0}, {"abandonment_target": 0.03},
        {"window_ms": HOUR_MS}, {"window_ms": 30 * DAY_MS},
        {"fixed_ratio": 0.0}, {"fixed_ratio": 1.0}, {"fixed_ratio": 10.0},
        {"min_ring_ms": 0}, {"min_ring_ms": 10_000}, {"min_ring_ms": 60_000},
        {"calls_per_agent": 1.0}, {"calls_per_agent": 50.0},
        {"cool_down_ms": 0}, {"cool_down_ms": 30 * DAY_MS},
    ],
)  # fmt: skip
def test_what_is_within_the_limits_is_taken(pacing: dict[str, Any]) -> None:
    check_campaign(plan(pacing=PacingPlan(**pacing)))


@pytest.mark.parametrize("mode", [DialingMode.PREDICTIVE, DialingMode.PROGRESSIVE])
@pytest.mark.parametrize(
    ("pacing", "words"),
    [
        ({"abandonment_target": 0.031}, "the law caps it at 3% of the people who answer, not 3.1%"),
        ({"abandonment_target": -0.01}, "0 to 0.03"),
        ({"abandonment_target": math.nan}, "3%"),
        ({"window_ms": HOUR_MS - 1}, "1 hour to 30 days"),
        ({"window_ms": 31 * DAY_MS}, "1 hour to 30 days, not 744 hours"),
        ({"fixed_ratio": 0.5}, "0 (learned from the list) or 1 to 10, not 0.5"),
        ({"fixed_ratio": 10.5}, "1 to 10, not 10.5"),
        ({"fixed_ratio": -1.0}, "not -1"),
        ({"fixed_ratio": math.inf}, "not inf"),
        ({"min_ring_ms": 9_999}, "10 to 60 seconds of ringing, or never (0), not after 9.999"),
        ({"min_ring_ms": 61_000}, "not after 61"),
        ({"min_ring_ms": -1}, "never (0)"),
        ({"calls_per_agent": 0.5}, "1 to 50, not 0.5"),
        ({"calls_per_agent": 51.0}, "1 to 50, not 51"),
        ({"cool_down_ms": -1}, "0 to 30 days"),
        ({"cool_down_ms": 31 * DAY_MS}, "0 to 30 days, not 31"),
    ],
)
def test_what_is_beyond_them_is_refused_with_what_would_be_right(
    mode: DialingMode, pacing: dict[str, Any], words: str
) -> None:
    with pytest.raises(OperationError) as refused:
        check_campaign(plan(mode, pacing=PacingPlan(**pacing)))
    assert str(refused.value).startswith("campaign 'Renewals': ")
    assert words in str(refused.value)


def test_a_predictive_campaign_has_agents_of_ours() -> None:
    with pytest.raises(OperationError, match="leave the queue empty, or use the progressive mode"):
        check_campaign(plan(queue="support"))
    check_campaign(plan(DialingMode.PROGRESSIVE, queue="support"))


def test_too_late_is_what_the_law_says_where_calls_go_ahead_of_agents() -> None:
    check_campaign(plan(connect_within_ms=2_000))
    with pytest.raises(OperationError, match=r"to at most that, not 2\.1, or use the progressive mode"):
        check_campaign(plan(connect_within_ms=2_100))
    check_campaign(plan(DialingMode.PROGRESSIVE, connect_within_ms=2_100))
