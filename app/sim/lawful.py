"""Worlds under the law: people in many time zones, some of whose hours end or begin soon, called often."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Final

from app.compliance.plan import CompliancePlan
from app.compliance.rules import Consent
from app.sim.plan import PLACE, CampaignPlan, WorldPlan
from app.units import Number

ZONES: Final = (
    "Australia/Adelaide",  # 19:30 when a world begins: half an hour is left
    "Australia/Lord_Howe",  # 20:00: over, but for those who collect debts
    "Asia/Tokyo",
    "Asia/Shanghai",
    "Europe/London",
    "America/Sao_Paulo",  # 06:00: two hours to go, three where one is careful
    "America/New_York",  # 04:00
)
TRIES: Final = {("careful",): 3, ("us_fl",): 5, ("ru_debt_230fz",): 3, ("us_fl", "ru_debt_230fz"): 2}
"""Laws, and how often a campaign under them tries a contact: more often than some allow in a day."""


def zone_of(number: Number) -> str:
    """Where who has this number lives; those who come while the world runs live in PLACE."""
    place = number[4:12]
    return PLACE if number.startswith("+9997") else ZONES[int(place) % len(ZONES)]


def under_law(plan: WorldPlan, seed: int) -> WorldPlan:
    """The same campaigns under laws drawn from the seed."""
    rng = random.Random(f"law {seed}")

    def lawful(one: CampaignPlan) -> CampaignPlan:
        profiles = rng.choice(list(TRIES))
        compliance = CompliancePlan(profiles=profiles, consent=Consent.PRIOR_EXPRESS_WRITTEN)
        retry = replace(one.campaign.retry, max_attempts=TRIES[profiles])
        return replace(one, campaign=replace(one.campaign, compliance=compliance, retry=retry))

    return replace(plan, campaigns=tuple(lawful(one) for one in plan.campaigns), zone_of=zone_of)
