"""What goes in and out of the REST interface about whose contacts are, and groups of agents."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, Field

from app.ownership import OwnershipPlan, OwnershipRule
from app.panel.problems import pattern
from app.panel.shapes import Id, In, ShortName, left_out
from app.plan_checks import MAX_ESCALATION_MS
from app.store.groups import AgentGroup
from app.store.owners import Waiting
from app.units import AgentId

_LINE: Final = pattern(r"^[^\x00-\x1f\x7f]*$", "one line of text")
RuleName = Literal["none", "creator", "predetermined", "first come", "group", "escalation", "flag"]


class OwnershipBody(In):
    """Whose the contacts of a campaign are. See docs/ownership.md."""

    rule: RuleName = Field(
        default="none",
        description="none: anyone's; creator: who added them; predetermined: the list's owner column; first come: the "
        "first agent to talk with them; group: the group of agents the owner column names; escalation: as first come, "
        "for a while; flag: the owner column, where flag_column says yes",
    )
    escalates_after_ms: int = Field(
        default=0,
        ge=0,
        le=MAX_ESCALATION_MS,
        description="who fell due so long ago and was not called by their owner is anyone's; 0: they wait",
    )
    flag_column: str = Field(default="", max_length=128, pattern=_LINE, description="with flag: a column of the list")

    def plan(self) -> OwnershipPlan:
        """As the store has it."""
        rule = OwnershipRule(self.rule)
        return OwnershipPlan(rule=rule, escalates_after_ms=self.escalates_after_ms, flag_column=self.flag_column)

    @classmethod
    def of(cls, plan: OwnershipPlan) -> OwnershipBody:
        """For the wire."""
        given = {"escalates_after_ms": plan.escalates_after_ms, "flag_column": plan.flag_column}
        return cls.model_validate({"rule": plan.rule.value, **given})


class SteerOwnershipBody(In):
    """Whose contacts are may be changed by itself while the campaign goes on."""

    ownership: OwnershipBody = Field(default_factory=OwnershipBody, json_schema_extra=left_out)


class GroupBody(In):
    """A group of agents, by the name that lists write into their owner column."""

    name: ShortName
    agents: list[Id] = Field(default_factory=list, max_length=2_000)

    def members(self) -> list[AgentId]:
        """As the store has them."""
        return [AgentId(one) for one in self.agents]


class GroupAnswer(BaseModel):
    """A group of agents."""

    id: int
    name: str
    agents: list[int]

    @classmethod
    def of(cls, found: AgentGroup) -> GroupAnswer:
        """For the wire."""
        return cls(id=found.id, name=found.name, agents=list(found.agents))


class WaitingAnswer(BaseModel):
    """Who wait for one owner. owner_id: an agent's, of a group below zero. is_here: signed in, somebody of a group.

    goes_to_anyone_ms: when the first of them becomes anyone's unless called before; null: nobody does.
    """

    owner_id: int
    owner: str
    is_group: bool
    is_here: bool
    contacts: int
    goes_to_anyone_ms: int | None

    @classmethod
    def of(cls, found: Waiting, escalates_after_ms: int) -> WaitingAnswer:
        """For the wire."""
        return cls(
            owner_id=found.owner.owner_id,
            owner=found.owner.name,
            is_group=found.owner.is_group,
            is_here=found.owner.is_here,
            contacts=found.contacts,
            goes_to_anyone_ms=found.from_ms + escalates_after_ms if escalates_after_ms else None,
        )
