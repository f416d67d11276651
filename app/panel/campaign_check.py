"""The check before a campaign starts: what stands in its way, what is odd, and the step where each is mended.

The campaign's own page shows it, and the buttons that start one elsewhere lead there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.agents import DialingMode
from app.compliance.library import Lawbook
from app.compliance.plan import ANYTIME
from app.compliance.rules import CallKind, ConsentRule
from app.model import Campaign, CampaignStatus
from app.store import agents, trunks
from app.store.campaigns import CampaignEntry
from app.store.door import SqlStore

_FEW_LINES: Final = 2
"""Calls at once a new campaign begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something the check found. step: where it is mended; is_in_the_way: the campaign cannot start."""

    words: str
    step: str
    is_in_the_way: bool = True


async def check(store: SqlStore, entry: CampaignEntry) -> list[Finding]:
    """What the check of a campaign finds; nothing: it can start as it is."""
    plan, found = entry.campaign, list[Finding]()
    if not entry.list_ids and plan.mode is not DialingMode.MANUAL:
        found.append(Finding(words="it has no contact list", step="contacts"))
    elif not entry.progress.total and plan.mode is not DialingMode.MANUAL:
        found.append(Finding(words="its lists are empty", step="contacts"))
    ways = {trunk.id: trunk for trunk in await store.read(trunks.list_trunks)}
    mine = [ways[one] for one in plan.trunks if one in ways]
    if not mine:
        found.append(Finding(words="it has no trunk to call over", step="how"))
    elif not any(trunk.is_enabled and trunk.prefixes for trunk in mine):
        found.append(Finding(words="none of its trunks is in use and allowed to call any country", step="how"))
    if not plan.caller_id and mine and not any(trunk.caller_id for trunk in mine):
        words = "no number is shown to the people who are called; many do not answer, some networks refuse"
        found.append(Finding(words=words, step="how", is_in_the_way=False))
    is_ours = plan.mode is not DialingMode.BROADCAST and not plan.agents.queue
    serving = await store.read(agents.list_campaign_agents, plan.id) if is_ours else []
    if is_ours and not serving:
        words = "no agent is named for it: everybody may serve it"
        found.append(Finding(words=words, step="when", is_in_the_way=False))
    if plan.mode is DialingMode.PREDICTIVE:
        found += _of_predictive(plan, len(serving))
    return found + _of_compliance(plan, store.lawbook)


async def must_be_seen(store: SqlStore, entry: CampaignEntry) -> bool:
    """Whether a button elsewhere leads to the check instead of starting the campaign.

    A paused one was looked at when it began and goes on at once, unless something has come in its way since. A test
    call has no settings of its own.
    """
    if entry.campaign.rehearses:
        return False
    if entry.status is not CampaignStatus.PAUSED:
        return entry.status is not CampaignStatus.RUNNING
    return any(one.is_in_the_way for one in await check(store, entry))


def _of_predictive(plan: Campaign, agent_count: int) -> list[Finding]:
    """What is odd about a predictive campaign, though nothing stands in its way."""
    found: list[Finding] = []
    if not plan.agents.safe_harbor.strip():
        words = "whoever finds no agent hears our own sentence, which has no number to call back: write yours"
        found.append(Finding(words=words, step="hear", is_in_the_way=False))
    if plan.lines <= max(agent_count, _FEW_LINES):
        words = "there are too few calls at once to dial ahead: agents talk in some, the next ring in others"
        found.append(Finding(words=words, step="how", is_in_the_way=False))
    return found


def _of_compliance(plan: Campaign, lawbook: Lawbook) -> list[Finding]:
    """Laws that cannot be read stand in the way; laws that forbid everybody are told before anybody is settled."""
    try:
        law = lawbook.law(plan.compliance.profiles)
    except ValueError as error:
        return [Finding(words=f"its compliance profiles cannot be used: {error}", step="when")]
    found: list[Finding] = []
    if ANYTIME in plan.compliance.profiles:
        words = "it calls at any hour of day and night: that is for laboratories and tests"
        found.append(Finding(words=words, step="when", is_in_the_way=False))
    needed = [rule for rule in law.rules if isinstance(rule, ConsentRule) and _is_for(rule, plan)]
    if any(rule.needs is None for rule in needed):
        words = "its compliance profiles forbid such calls, whoever agreed: choose another mode or another profile"
        found.append(Finding(words=words, step="when", is_in_the_way=False))
    elif any(rule.needs is not None and plan.compliance.consent < rule.needs for rule in needed):
        words = "its compliance profiles ask for consent: only contacts whose own column says so will be called"
        found.append(Finding(words=words, step="when", is_in_the_way=False))
    return found


def _is_for(rule: ConsentRule, plan: Campaign) -> bool:
    kind = CallKind.PRERECORDED if plan.mode is DialingMode.BROADCAST else CallKind.LIVE
    is_by_hand = plan.mode in (DialingMode.PREVIEW, DialingMode.MANUAL)
    return kind in rule.kinds and not (rule.only_autodialed and is_by_hand)
