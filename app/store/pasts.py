"""What came of contacts' earlier calls, for pacing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select

from app.model import ContactPast
from app.outcomes import LIVE_ANSWERS, Outcome
from app.store.schema import attempts, contacts
from app.units import ContactId


def pasts(conn: Connection, dialed: Mapping[ContactId, int]) -> dict[ContactId, ContactPast]:
    """Of each of these few contacts: charged tries in any campaign, and what the phone is that is dialed.

    dialed: by contact the place of that phone, 1 to 5.
    """
    ids = sorted(dialed)
    of = attempts.c
    found = select(of.contact_id, of.outcome).where(of.contact_id.in_(ids), of.is_charged).order_by(of.id)
    outcomes: dict[int, list[Outcome]] = {}
    for contact_id, outcome in conn.execute(found):
        outcomes.setdefault(contact_id, []).append(Outcome(outcome))
    kinds = select(contacts.c.id, contacts.c.phone_kinds).where(contacts.c.id.in_(ids))
    known = {row[0]: _kind(row[1], dialed[row[0]]) for row in conn.execute(kinds)}
    return {contact_id: _past(outcomes.get(contact_id, []), known.get(contact_id, "")) for contact_id in ids}


def _kind(kinds: str, place: int) -> str:
    """The kind at a place of `mobile,,work`; "" where none is said."""
    return dict(enumerate(kinds.split(","), 1)).get(place, "")


def _past(outcomes: Sequence[Outcome], phone_kind: str) -> ContactPast:
    return ContactPast(
        tries=len(outcomes),
        answers=sum(outcome in LIVE_ANSWERS for outcome in outcomes),
        last=outcomes[-1] if outcomes else None,
        phone_kind=phone_kind,
    )
