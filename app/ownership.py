"""Whose a contact is: the agent, or the group of agents, that alone is to call it. A setting of a campaign.

Rules give contacts to owners when they come to a campaign, or when somebody first talked with them. Whose owner does
not come waits, or becomes anyone's after a while, as the campaign says. A promise to call back goes before all of it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.units import AgentId


class OwnershipRule(enum.Enum):
    """How a campaign's contacts come to their owners."""

    NONE = "none"
    """Nobody's: whoever is free calls them."""
    CREATOR = "creator"
    """Whoever added the contact: at the desk, as a typed number, or by REST."""
    PREDETERMINED = "predetermined"
    """The agent that the list's owner column names."""
    FIRST_COME = "first come"
    """The first agent to talk with them keeps them."""
    GROUP = "group"
    """The group of agents that the list's owner column names: any of its agents."""
    ESCALATION = "escalation"
    """The first agent to talk with them; who was not called again in time is anyone's, and then that agent's."""
    FLAG = "flag"
    """The agent of the owner column, of contacts whose column of that name says yes; the others are nobody's."""


KEEPERS: Final = frozenset({OwnershipRule.FIRST_COME, OwnershipRule.ESCALATION})
"""Rules by which a conversation makes an owner."""
BY_COLUMN: Final = frozenset({OwnershipRule.PREDETERMINED, OwnershipRule.GROUP, OwnershipRule.FLAG})
"""Rules that read the list's owner column."""
YES: Final = frozenset({"yes", "y", "true", "t", "1", "on", "x", "+", "да", "д", "истина", "есть"})
"""What a flag's column holds for yes, in small letters; anything else is no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnershipPlan:
    """Whose the contacts of a campaign are.

    escalates_after_ms: who fell due so long ago and was not called by their owner is anyone's; 0: they wait for ever.
    flag_column: with FLAG, the column that says of which contacts.
    """

    rule: OwnershipRule = OwnershipRule.NONE
    escalates_after_ms: int = 0
    flag_column: str = ""

    @property
    def has_owners(self) -> bool:
        """Whether any contact may be somebody's."""
        return self.rule is not OwnershipRule.NONE

    @property
    def keeps(self) -> bool:
        """Whether who talks with somebody becomes their owner, where they have none."""
        return self.rule in KEEPERS

    def gives_alike(self, other: OwnershipPlan) -> bool:
        """Whether another plan gives every contact to the same owner: how long they wait is asked when they are due."""
        return self.rule is other.rule and (
            self.rule is not OwnershipRule.FLAG or self.flag_column == other.flag_column
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedFacts:
    """What of a contact decides whose it is. talked: the agents who talked with them in the campaign, oldest first."""

    owner: str = ""
    creator: str = ""
    fields: Mapping[str, str] | None = None
    talked: tuple[AgentId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners:
    """Who may own contacts of a campaign, by name: agents, and groups with agents in them. See `line_of_group`."""

    agents: Mapping[str, int]
    groups: Mapping[str, int]

    def agent(self, name: str) -> int | None:
        """The agent of a name as lists write it; None for nobody who may serve the campaign."""
        return _named(self.agents, name)

    def group(self, name: str) -> int | None:
        """The line of the group of a name."""
        found = _named(self.groups, name)
        return None if found is None else line_of_group(found)


def line_of_group(group_id: int) -> int:
    """Where a group's contacts wait: agents' ids are above zero, groups' below."""
    return -group_id


def group_of_line(owner_id: int) -> int | None:
    """The group whose contacts wait there; None: an agent's own do."""
    return -owner_id if owner_id < 0 else None


def owner_of(plan: OwnershipPlan, facts: OwnedFacts, owners: Owners) -> int | None:
    """The line a contact waits in: an agent's id, a group's below zero, None: anyone's.

    A name that nobody has who may serve the campaign is nobody's: no contact waits for somebody who never comes.
    """
    match plan.rule:
        case OwnershipRule.NONE:
            return None
        case OwnershipRule.CREATOR:
            return owners.agent(facts.creator)
        case OwnershipRule.PREDETERMINED:
            return owners.agent(facts.owner)
        case OwnershipRule.GROUP:
            return owners.group(facts.owner)
        case OwnershipRule.FLAG:
            cell = (facts.fields or {}).get(plan.flag_column, "")
            return owners.agent(facts.owner) if cell.strip().casefold() in YES else None
        case OwnershipRule.FIRST_COME:
            return _known(facts.talked[:1], owners)
        case OwnershipRule.ESCALATION:
            return _known(facts.talked[-1:], owners)


def _known(talked: tuple[AgentId, ...], owners: Owners) -> int | None:
    return next((one for one in talked if one in owners.agents.values()), None)


def _named(known: Mapping[str, int], name: str) -> int | None:
    """Found as written, else whatever its capitals and spaces around it."""
    if not name:
        return None
    if name in known:
        return known[name]
    plain = name.strip().casefold()
    return next((found for one, found in known.items() if one.strip().casefold() == plain), None) if plain else None
