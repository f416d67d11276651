"""REST: which dialer is on duty."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field

from app.panel.routing import Call, Routes
from app.store.duty import DutyEntry, look_at_duty

routes = Routes()


class DutyAnswer(BaseModel):
    """Who is on duty on this database, or was last."""

    is_held: bool = Field(description="Whether a dialer is on duty now; false: it left, or is not heard of any more")
    epoch: int = Field(description="How often duty was taken on this database")
    place: str = Field(description="The machine and process")
    url: str = Field(description="Where its panel is; empty when it has none")
    since_ms: int = Field(description="When it went on duty, by the database's clock")
    renewed_at_ms: int = Field(description="When it was last heard of, by the database's clock")
    lease_ms: int = Field(description="After so long without a sign of life another takes over")

    @classmethod
    def of(cls, entry: DutyEntry | None) -> Self:
        """The answer for an entry; None: nobody was ever on duty."""
        if entry is None:
            return cls(is_held=False, epoch=0, place="", url="", since_ms=0, renewed_at_ms=0, lease_ms=0)
        return cls(
            is_held=entry.is_held,
            epoch=entry.epoch,
            place=entry.place,
            url=entry.url,
            since_ms=entry.taken_at_ms,
            renewed_at_ms=entry.renewed_at_ms,
            lease_ms=entry.lease_ms,
        )


@routes.add("GET", "/duty", answer=DutyAnswer)
async def show_duty(call: Call) -> DutyAnswer:
    """Which dialer is on duty on this database."""
    return DutyAnswer.of(await call.store.read(look_at_duty))
