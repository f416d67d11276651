"""When a campaign's law lets somebody be called: what a promise is held against, at the desk and by REST."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection

from app.compliance.library import Lawbook
from app.compliance.rules import Mark, PastCall
from app.panel.calling_time import STEP_MS, nearest_allowed
from app.store import law
from app.store.law import Asked, CampaignLaw
from app.units import DAY_MS, CampaignId, ContactId, Number

FURTHEST_MS: Final = 60 * DAY_MS
"""A rest or a cap may move the nearest time so far ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallHours:
    """The law about one person, as far as their calls so far say it."""

    law: CampaignLaw
    asked: Asked

    def may(self, at_ms: int) -> bool:
        """Whether they may be called then."""
        return law.decide(self.law, self.asked, at_ms).is_allowed

    def nearest(self, at_ms: int, now_ms: int) -> int | None:
        """The allowed time nearest to the one asked for, on a quarter hour; None: waiting does not help."""
        decision = law.decide(self.law, self.asked, max(at_ms, now_ms))
        if decision.from_ms is None:
            return None
        near = nearest_allowed(at_ms, now_ms, self.may)
        if near is not None:
            return near
        later = decision.from_ms + -decision.from_ms % STEP_MS
        return later if later <= now_ms + FURTHEST_MS and self.may(later) else decision.from_ms

    def why(self, at_ms: int) -> str:
        """What forbids it then, in the words of the rule that does; "": nothing."""
        said = [one for one in law.verdicts(self.law, self.asked, at_ms) if not one.is_allowed]
        return max(said, key=lambda one: (one.from_ms is None, one.from_ms or 0)).why if said else ""


def hours_of(
    conn: Connection,
    lawbook: Lawbook,
    campaign_id: CampaignId,
    contact_id: ContactId,
    number: Number,
    now_ms: int,
    *,
    zone: str = "",
    talk: str = "",
) -> CallHours:
    """The hours of a contact at a number. zone: where they are, as they say themselves; "": as the list says.

    talk: the attempt in which they talk, or just did: a conversation, whatever else may become of a call that is open.
    Raises NotFound, ValueError for a profile that cannot be used.
    """
    found = law.campaign_law(conn, lawbook, campaign_id)
    asked = law.ask(conn, found, {contact_id: number}, now_ms, without=talk)[contact_id]
    callee = asked.callee
    if talk:
        said = PastCall(
            at_ms=now_ms,
            number=number,
            person=callee.person,
            debt=callee.debt,
            seller=callee.seller,
            subject=callee.subject,
            kind=callee.kind,
            marks=frozenset({Mark.CONVERSATION}),
        )
        asked = replace(asked, history=(*asked.history, said))
    if zone:
        asked = replace(asked, callee=replace(callee, time_zone=zone, region="", country=""))
    return CallHours(law=found, asked=asked)
