"""Drawing the machines for people: how many calls, which trunks, and why nothing is dialed."""

from __future__ import annotations

from collections.abc import Sequence

from app.agents import DialingMode
from app.dialing.call import Call, CallState
from app.dialing.campaign import CampaignRun
from app.dialing.floor_picture import CampaignFloor
from app.dialing.snapshot import CampaignPicture, TrunkPicture
from app.dialing.trunk import TrunkLine, TrunkState
from app.model import CampaignStatus


def trunk_picture(line: TrunkLine) -> TrunkPicture:
    """A trunk as it stands."""
    return TrunkPicture(
        id=line.trunk.id,
        state=line.state,
        lines_used=line.lines_used,
        lines=line.trunk.lines,
        reason=line.reason,
        out_until_ms=line.out_until_ms,
    )


def campaign_picture(
    run: CampaignRun, calls: Sequence[Call], floor: CampaignFloor, waiting_for: str
) -> CampaignPicture:
    """A campaign as it stands, with its calls that are up."""
    states = [call.state for call in calls]
    ringing = states.count(CallState.RINGING)
    answered = states.count(CallState.ANSWERED) + states.count(CallState.LEFT)
    return CampaignPicture(
        id=run.campaign.id,
        status=run.status,
        preparing=len(run.preparing) + len(run.held),
        ready=len(run.ready),
        dialing=len(states) - ringing - answered,
        ringing=ringing,
        answered=answered,
        closing=len(run.closing),
        placed=run.placed,
        waiting_for=waiting_for,
        with_agents=floor.with_agents,
        seeking=floor.seeking,
        longest_wait_ms=floor.longest_wait_ms,
        agents=floor.agents,
        available=floor.available,
        pacing=floor.pacing,
        name=run.campaign.name,
    )


def why_idle(
    run: CampaignRun,
    lines: Sequence[TrunkLine],
    floor: CampaignFloor,
    unreachable: str,
    now_ms: int,
    *,
    is_resting: bool = False,
    is_spent: bool = False,
) -> str:
    """Why a running campaign places no call now; empty when it does, or is not running.

    lines: its trunks. unreachable: what keeps all campaigns from dialing; is_resting: Asterisk refuses calls.
    is_spent: no number is free to be shown.
    """
    if run.status is not CampaignStatus.RUNNING:
        return ""
    if unreachable:
        return unreachable
    if is_resting:
        return "Asterisk refuses calls; it is tried again in a moment"
    if not lines:
        return "none of its trunks exists"
    if all(not line.trunk.is_enabled for line in lines):
        return "all of its trunks are switched off"
    out = [line for line in lines if line.state is TrunkState.OUT]
    if len(out) == len(lines):
        return f"trunk {out[0].trunk.id} is out of service: {out[0].reason}"
    if run.hindrance and run.next_due_ms is not None:
        return run.hindrance
    if len(run.on_the_line) >= run.campaign.lines:
        return "all of its lines are in use"
    if run.first_calls == 0 and not run.stock:
        return "its first calls are made: it pauses when the last of them is over"
    if is_spent:
        return "each number it may show rests, or has had its calls for now"
    if run.next_due_ms is None and not run.stock:
        return "nobody is left to call"
    if run.next_due_ms is not None and run.next_due_ms > now_ms and not run.stock:
        return "everybody left waits for a later try"
    return _why_no_agent(run, floor)


def _why_no_agent(run: CampaignRun, floor: CampaignFloor) -> str:
    """Why a campaign that dials for its agents places no call though it could."""
    if not run.is_for_agents or floor.available or run.on_the_line or run.stock:
        return ""
    if floor.trouble:
        return floor.trouble
    if not floor.agents:
        return "no agent serves it"
    return "it is dialed by hand" if run.campaign.mode is DialingMode.MANUAL else "no agent is available"
