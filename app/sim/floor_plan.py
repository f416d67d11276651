"""What a simulated world with agents holds: campaigns of one mode, their people, and the robots who serve them."""

from __future__ import annotations

import random
from typing import Final

from app.agents import AgentPlan, DialingMode, PacingPlan, PreviewDefault, RecordingPolicy
from app.compliance.plan import AT_ANY_TIME
from app.ivr.builtin import CONNECT_SOURCE
from app.model import Campaign, RetryPolicy
from app.sim.numbers import numbers_of, trunk_of
from app.sim.plan import CampaignPlan, WorldPlan
from app.sim.shift import ShiftPlan
from app.sim.temper import Temper
from app.sim.trunks import TrunkKind
from app.units import HOUR_MS, MINUTE_MS, SECOND_MS, CampaignId, FlowId, Number, TrunkId

OFFER: Final = """\
name: Offer
language: en
start: offer
nodes:
  offer:
    type: menu
    text: "Good day. To talk to a person about our offer, press 1 or 2. For no more calls, press 9."
    keys: {1: person, 2: person, 9: no_more_calls}
    timeout_s: 4
    repeats: 1
    on_timeout: goodbye
    on_fail: goodbye
  person: {type: agents, text: "One moment, please.", next: goodbye, on_none: sorry}
  sorry: {type: hangup, text: "Everybody is talking. We will call again. Goodbye."}
  no_more_calls: {type: opt_out, text: "You will not be called again. Goodbye.", failed: "Please call us. Goodbye."}
  goodbye: {type: hangup, text: "Thank you. Goodbye."}
"""
"""A broadcast that sends people to the campaign's agents."""
SHOWN: Final = ("+99900001", "+99900002")
OUTSIDE: Final = ("00", "40", "41", "22", "43")
"""What becomes of third parties who are asked to join: last two digits (asterisk.lab.numbers)."""


def floor_plan_of(seed: int, calls: int, *, agents: int, mode: DialingMode, temper: Temper | None = None) -> WorldPlan:
    """The world of a seed: two campaigns of one mode, and `agents` robots who serve one or both."""
    rng = random.Random(f"floor plan {seed}")
    second = calls // 3
    first_numbers = numbers_of(rng, calls - second, 0)
    second_numbers = numbers_of(rng, second, len(first_numbers))
    by_hand = [(SHOWN[0], number) for number in first_numbers] + [(SHOWN[1], number) for number in second_numbers]
    typed = [(SHOWN[0], number) for number in numbers_of(rng, max(1, calls // 10), 10 * calls)]
    rng.shuffle(by_hand)
    return WorldPlan(
        trunks=(
            trunk_of("main", max(10, 2 * agents), rng.uniform(5, 40)),
            trunk_of("spare", rng.randint(2, 20), rng.uniform(2, 10)),
            trunk_of("rejecting", 10, 10),
        ),
        kinds={"main": TrunkKind.GOOD, "spare": TrunkKind.GOOD, "rejecting": TrunkKind.REJECTING},
        campaigns=(
            _campaign(rng, "sales", SHOWN[0], ("rejecting", "main", "spare"), mode, first_numbers),
            _campaign(rng, "renewals", SHOWN[1], ("main",), mode, second_numbers),
        ),
        shift=ShiftPlan(
            agents=agents,
            temper=temper or Temper(),
            numbers=tuple(by_hand + typed if mode is DialingMode.MANUAL else typed),
            outside=tuple(Number(f"+9998{place:06d}{ending}") for place, ending in enumerate(OUTSIDE)),
        ),
    )


def _campaign(
    rng: random.Random, name: str, shown: str, trunks: tuple[str, ...], mode: DialingMode, numbers: list[Number]
) -> CampaignPlan:
    recording = rng.choice(list(RecordingPolicy))
    campaign = Campaign(
        id=CampaignId(0),
        name=name,
        flow_id=FlowId(0),
        trunks=tuple(TrunkId(trunk) for trunk in trunks),
        compliance=AT_ANY_TIME,
        lines=rng.randint(5, 60),
        calls_per_second=round(rng.uniform(2, 30), 2),
        ring_timeout_ms=rng.randint(15, 40) * SECOND_MS,
        caller_id=shown,
        retry=RetryPolicy(max_attempts=rng.randint(1, 3), retry_ms=rng.choice((10 * MINUTE_MS, HOUR_MS))),
        mode=mode,
        agents=AgentPlan(
            lines_per_agent=rng.choice((1, 1, 2, 3)),
            hold_ms=rng.choice((2, 10, 30)) * SECOND_MS,
            wrap_up_ms=rng.choice((10, 30)) * SECOND_MS,
            preview_ms=rng.choice((10, 30)) * SECOND_MS,
            preview_default=rng.choice(list(PreviewDefault)),
            whispers_name=rng.random() < 0.5,
            recording=recording,
            consent_notice="" if recording is RecordingPolicy.NEVER else "This call is recorded.",
            priority=rng.choice((0, 1)),
            pacing=PacingPlan(abandonment_target=0.03, cool_down_ms=HOUR_MS),
        ),
    )
    flow = OFFER if mode is DialingMode.BROADCAST else CONNECT_SOURCE
    return CampaignPlan(campaign=campaign, flow=flow, numbers=tuple(numbers))
