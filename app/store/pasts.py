"""What came of contacts' earlier calls, for pacing."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from app.model import ContactPast
from app.outcomes import LIVE_ANSWERS, Outcome
from app.store.schema import attempts, contacts
from app.units import ContactId


def pasts(conn: Connection, contact_ids: Sequence[ContactId]) -> dict[ContactId, ContactPast]:
    """Of each of these few contacts: charged tries in any campaign, by index, and what their first phone is."""
    ids = sorted(set(contact_ids))
    of = attempts.c
    found = select(of.contact_id, of.outcome).where(of.contact_id.in_(ids), of.is_charged).order_by(of.id)
    outcomes: dict[int, list[Outcome]] = {}
    for contact_id, outcome in conn.execute(found):
        outcomes.setdefault(contact_id, []).append(Outcome(outcome))
    kinds = select(contacts.c.id, contacts.c.phone_kinds).where(contacts.c.id.in_(ids))
    known = {row[0]: row[1].partition(",")[0] for row in conn.execute(kinds)}
    return {contact_id: _past(outcomes.get(contact_id, []), known.get(contact_id, "")) for contact_id in ids}


def _past(outcomes: Sequence[Outcome], phone_kind: str) -> ContactPast:
    return ContactPast(
        tries=len(outcomes),
        answers=sum(outcome in LIVE_ANSWERS for outcome in outcomes),
        last=outcomes[-1] if outcomes else None,
        phone_kind=phone_kind,
    )
