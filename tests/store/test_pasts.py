"""What pacing is told of a contact: the calls before this one, in any campaign, and the kind of phone."""

from __future__ import annotations

from sqlalchemy import update

from app.commands import ClaimContacts
from app.model import ContactPast
from app.outcomes import Outcome
from app.store import SqlStore
from app.store.schema import campaign_contacts, contacts
from tests.store.test_ended_calls import answered
from tests.store.world import T0, build, claim, closing, phone


async def test_earlier_calls_are_told_where_they_are_asked_for(store: SqlStore) -> None:
    [campaign_id, other] = await store.write(build, [phone(1), phone(2)], 2)
    await store.write(lambda conn: conn.execute(update(contacts).values(phone_kinds="mobile,work")))
    first, _ = (await claim(store, campaign_id, 2)).attempts
    await store.commit([answered(closing(first, outcome=Outcome.CONNECTED_TO_AGENT))], T0 + 5)
    [event] = await store.commit([ClaimContacts(campaign_id=other, count=2, with_past=True)], T0 + 10)
    found = {one.contact_id: one.past for one in event.attempts}  # type: ignore[union-attr]
    assert found[first.contact_id] == ContactPast(
        tries=1, answers=1, last=Outcome.CONNECTED_TO_AGENT, phone_kind="mobile"
    )
    assert list(found.values()).count(ContactPast(phone_kind="mobile")) <= 1


async def test_the_kind_is_that_of_the_phone_that_is_dialed(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    await store.write(lambda conn: conn.execute(update(contacts).values(phone2=phone(2), phone_kinds="mobile,work")))
    await store.write(lambda conn: conn.execute(update(campaign_contacts).values(phone=2)))
    [event] = await store.commit([ClaimContacts(campaign_id=campaign_id, count=1, with_past=True)], T0)
    assert [one.past for one in event.attempts] == [ContactPast(phone_kind="work")]  # type: ignore[union-attr]


async def test_they_are_not_looked_up_for_nothing(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    [one] = (await claim(store, campaign_id, 1)).attempts
    assert one.past is None
