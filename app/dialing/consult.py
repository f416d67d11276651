"""Talking with somebody about a person before giving the person to them: another agent, or a third party outside."""

from __future__ import annotations

from dataclasses import dataclass

from app.dialing.trunk import TrunkLine
from app.units import AgentId, AttemptId, LegId, Number


@dataclass(slots=True, kw_only=True)
class Consult:
    """Whom an agent consults. who: in words. is_up: they are there. is_conference: the person hears both."""

    who: str
    agent_id: AgentId | None = None
    leg_id: LegId | None = None
    is_up: bool = False
    is_conference: bool = False


@dataclass(slots=True, kw_only=True)
class Party:
    """A third party outside, on a line of one of our trunks. agent_id: who consults them; None: the person is theirs.

    line None: found after a restart, on a line nobody counts. is_notified: they heard the notice of a recording.
    """

    leg_id: LegId
    number: Number
    person_id: AttemptId
    line: TrunkLine | None
    stretch: int = 0
    agent_id: AgentId | None = None
    is_up: bool = False
    is_notified: bool = False
