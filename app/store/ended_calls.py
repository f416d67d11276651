"""Calls that ended with a live person who was meant for an agent: what abandonment and waits are counted from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, or_, select

from app.agents import AgentPlan
from app.outcomes import ABANDONED, MACHINES, MEANT_FOR_AGENTS, Outcome
from app.store.ids import earliest_id
from app.store.schema import attempts, campaigns
from app.units import AttemptId, CampaignId

_MANY: Final = 500
"""Ids in one statement: databases have a limit for parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedCall:
    """A call of a live person who was meant for an agent, at its end.

    waited_ms: from the answer to the agent; None: no agent came. limit_ms: by when one had to be there.
    """

    attempt_id: AttemptId
    campaign_id: CampaignId
    at_ms: int
    outcome: Outcome
    waited_ms: int | None = None
    limit_ms: int = AgentPlan().connect_within_ms

    @property
    def is_abandoned(self) -> bool:
        """Whether they were not with an agent in time, by no doing of their own."""
        if self.waited_ms is not None:
            return self.waited_ms > self.limit_ms
        return self.outcome in ABANDONED


def ended_since(conn: Connection, since_ms: int) -> list[EndedCall]:
    """All of the attempts opened since then. Ids sort by time, so this reads those and no others."""
    return _calls(conn, _found().where(attempts.c.id >= earliest_id(since_ms)).order_by(attempts.c.id))


def ended_of(conn: Connection, attempt_ids: Sequence[AttemptId]) -> list[EndedCall]:
    """Those among these attempts."""
    found: list[EndedCall] = []
    for at in range(0, len(attempt_ids), _MANY):
        found += _calls(conn, _found().where(attempts.c.id.in_(attempt_ids[at : at + _MANY])))
    return found


def is_live() -> ColumnElement[bool]:
    """A closed attempt's `app.outcomes.is_live_for_agent`, if it was answered."""
    outcome = attempts.c.outcome
    is_meant = outcome.in_([int(one) for one in MEANT_FOR_AGENTS])
    is_machine = outcome.in_([int(one) for one in MACHINES])
    return or_(is_meant, attempts.c.waited_ms.is_not(None) & ~is_machine)


def _found() -> Select[Any]:
    wanted = select(
        attempts.c.id, attempts.c.campaign_id, attempts.c.closed_at_ms, attempts.c.outcome, attempts.c.waited_ms
    )
    return wanted.where(attempts.c.closed_at_ms.is_not(None), attempts.c.answered_at_ms.is_not(None), is_live())


def _calls(conn: Connection, found: Select[Any]) -> list[EndedCall]:
    rows = conn.execute(found).all()
    limits = _limits(conn) if rows else {}
    return [_call(row, limits) for row in rows if row.campaign_id in limits]


def _call(row: Row[Any], limits: dict[int, int]) -> EndedCall:
    return EndedCall(
        attempt_id=AttemptId(row.id),
        campaign_id=CampaignId(row.campaign_id),
        at_ms=row.closed_at_ms,
        outcome=Outcome(row.outcome),
        waited_ms=row.waited_ms,
        limit_ms=limits[row.campaign_id],
    )


def _limits(conn: Connection) -> dict[int, int]:
    """By campaign; those of test calls are left out: nobody is abandoned in them."""
    default = AgentPlan().connect_within_ms
    return {
        row.id: (row.settings.get("agents") or {}).get("connect_within_ms", default)
        for row in conn.execute(select(campaigns.c.id, campaigns.c.settings))
        if not row.settings.get("rehearses")
    }
