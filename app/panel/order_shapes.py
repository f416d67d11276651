"""What goes in and out of the REST interface about the order in which a campaign calls."""

from __future__ import annotations

from pydantic import Field

from app.calling_order import OrderPlan
from app.panel.shapes import In, left_out


class OrderBody(In):
    """Who of those due is next. See docs/lists.md."""

    by_time_zone: bool = Field(
        default=False, description="the time zones that contacts live in take turns; else who waits longest is next"
    )

    best_hour: bool = Field(
        default=False,
        description="who was not reached is called again at the hour and on the phone people answer best, as the "
        "campaign's calls teach; not beside a call strategy",
    )

    def plan(self) -> OrderPlan:
        """As the store has it."""
        return OrderPlan(by_time_zone=self.by_time_zone, best_hour=self.best_hour)

    @classmethod
    def of(cls, plan: OrderPlan) -> OrderBody:
        """For the wire."""
        return cls(by_time_zone=plan.by_time_zone, best_hour=plan.best_hour)


class SteerOrderBody(In):
    """The order may be changed by itself while the campaign goes on."""

    order: OrderBody = Field(default_factory=OrderBody, json_schema_extra=left_out)
