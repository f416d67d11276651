"""What goes out of the REST interface about why contacts are not called; see app.panel.shapes."""

from __future__ import annotations

from pydantic import BaseModel, Field

from app.panel.ownership_shapes import WaitingAnswer
from app.panel.shapes import Id, In
from app.store.waterfall import Waterfall
from app.store.why import CampaignWhy


class WhyQuery(In):
    """In which campaign."""

    campaign: Id | None = Field(default=None, description="only this campaign; all of the contact's when left out")


class ReasonAnswer(BaseModel):
    """One rule. from_ms: when it allows the call by time alone; null: not by time. change: what would change it."""

    rule: str
    is_allowed: bool
    why: str
    change: str
    source: str
    from_ms: int | None


class WhyAnswer(BaseModel):
    """A contact in a campaign: every rule in turn. is_ready: the next claim that reaches them takes them.

    from_ms: when time alone makes them ready, as far as each rule can tell by itself; null: not by time.
    """

    campaign_id: int
    campaign: str
    contact_id: int
    contact: str
    number: str
    status: str
    is_ready: bool
    from_ms: int | None
    reasons: list[ReasonAnswer]

    @classmethod
    def of(cls, found: CampaignWhy) -> WhyAnswer:
        """For the wire."""
        return cls(
            campaign_id=found.campaign_id,
            campaign=found.campaign_name,
            contact_id=found.contact_id,
            contact=found.contact_name,
            number=found.number,
            status=found.status.value,
            is_ready=found.is_ready,
            from_ms=found.from_ms,
            reasons=[
                ReasonAnswer(
                    rule=one.rule,
                    is_allowed=one.is_allowed,
                    why=one.why,
                    change=one.change,
                    source=one.source,
                    from_ms=one.from_ms,
                )
                for one in found.reasons
            ],
        )


class StepAnswer(BaseModel):
    """A rule of the waterfall. plus_minus: how far `left` may be off, 95 times in a hundred; 0: it is exact."""

    rule: str
    words: str
    lost: int
    left: int
    plus_minus: int


class WaterfallAnswer(BaseModel):
    """A campaign's contacts, rule by rule. asked: how many of the waiting were asked; fewer than waiting: a sample.

    owners: for whom how many wait who belong to an agent or a group.
    """

    campaign_id: int
    campaign: str
    total: int
    waiting: int
    asked: int
    is_sampled: bool
    ready: int
    problem: str
    steps: list[StepAnswer]
    owners: list[WaitingAnswer]

    @classmethod
    def of(cls, found: Waterfall) -> WaterfallAnswer:
        """For the wire."""
        return cls(
            campaign_id=found.campaign_id,
            campaign=found.campaign_name,
            total=found.total,
            waiting=found.waiting,
            asked=found.asked,
            is_sampled=found.is_sampled,
            ready=found.ready,
            problem=found.problem,
            steps=[
                StepAnswer(rule=s.rule, words=s.words, lost=s.lost, left=s.left, plus_minus=s.plus_minus)
                for s in found.steps
            ],
            owners=[WaitingAnswer.of(one, found.escalates_after_ms) for one in found.owners],
        )
