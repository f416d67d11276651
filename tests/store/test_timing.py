"""Contacts are called again at the hour and on the phone at which people answer, once the campaign's calls teach it."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, select, update

from app.agents import CallbackPlan
from app.commands import CloseAttempt
from app.compliance.library import Lawbook
from app.model import CampaignStatus, OpenedAttempt
from app.outcomes import ContactStatus, Outcome
from app.store import SqlStore
from app.store.callbacks import book_callback
from app.store.schema import campaign_contacts, campaigns, contacts
from app.store.sql import execute, to_json
from app.store.timing import learned
from app.store.why import why_not
from app.strategy.best_hour import Heard
from app.units import HOUR_MS, CampaignId, ContactId
from tests.store.world import T0, build, claim, closing, phone

DUE = T0 + 4 * HOUR_MS
"""T0 is 08:00 in London, so 12:00 there: the planned time of the next try."""


async def world(store: SqlStore, *rows: tuple[str, int, str, int]) -> CampaignId:
    """A contact with a work phone and a mobile in London; rows: what was counted: kind, hour, phone kind, count."""

    def make(conn: Connection) -> CampaignId:
        [campaign_id] = build(conn, [phone(1), phone(2)])
        conn.execute(campaigns.update().values(status=CampaignStatus.RUNNING.value))
        there = {"time_zone": "Europe/London", "phone2": phone(7), "phone_kinds": "work,mobile"}
        conn.execute(update(contacts).where(contacts.c.id == 1).values(there))
        counted = [[campaign_id, what, f"{hour:02}.{kind}", count] for what, hour, kind, count in rows]
        execute(conn, "add_tallies", {"rows_json": to_json(counted)})
        return campaign_id

    return await store.write(make)


def unreached(attempt: OpenedAttempt, *, learns: bool = True) -> CloseAttempt:
    """The end of a call that nobody answered, to be tried again at DUE."""
    found = closing(attempt, outcome=Outcome.NO_ANSWER, status=ContactStatus.PENDING, due_at_ms=DUE)
    return CloseAttempt(result=replace(found.result, learns_hour=learns))


async def place(store: SqlStore, contact_id: int = 1) -> tuple[int, int]:
    """When, and on which phone, a contact is called next."""
    of = campaign_contacts.c
    found = select(of.due_at_ms, of.phone).where(of.contact_id == contact_id)
    row = await store.read(lambda conn: conn.execute(found).one())
    return row.due_at_ms, row.phone


GOOD = (("heard", 12, "work", 300), ("answered", 12, "work", 30), ("heard", 18, "mobile", 300),
        ("answered", 18, "mobile", 150))  # fmt: skip


async def test_the_better_hour_and_phone_are_taken_and_told(store: SqlStore) -> None:
    campaign_id = await world(store, *GOOD)
    event = await claim(store, campaign_id, 1)
    await store.commit([unreached(event.attempts[0])], T0)
    assert await place(store) == (T0 + 10 * HOUR_MS, 2)
    [found] = await store.read(why_not, Lawbook(), ContactId(1), T0)
    told = {one.rule: one for one in found.reasons}
    assert told["best hour"].why.startswith("phone 2 from 18:00 of their clock: ")
    assert "(300 calls known)" in told["best hour"].why
    assert told["due"].from_ms == T0 + 10 * HOUR_MS


async def test_what_is_learned_is_counted_by_their_clock_and_phone(store: SqlStore) -> None:
    campaign_id = await world(store)
    event = await claim(store, campaign_id, 2)
    await store.commit([unreached(one) for one in event.attempts], T0)
    found = await store.read(learned, campaign_id)
    assert found.heard == {("work", 8): Heard(calls=1), ("", 8): Heard(calls=1)}
    assert await place(store) == (DUE, 1), "too little is known: as planned"


async def test_off_nothing_is_learned_and_nobody_is_moved(store: SqlStore) -> None:
    campaign_id = await world(store, *GOOD)
    event = await claim(store, campaign_id, 1)
    await store.commit([unreached(event.attempts[0], learns=False)], T0)
    assert await place(store) == (DUE, 1)
    assert (await store.read(learned, campaign_id)).at("work", 8) == Heard()


async def test_the_reason_goes_when_something_else_changes_the_time(store: SqlStore) -> None:
    campaign_id = await world(store, *GOOD)
    event = await claim(store, campaign_id, 1)
    await store.commit([unreached(event.attempts[0])], T0)
    moved = update(campaign_contacts).where(campaign_contacts.c.contact_id == 1).values(due_at_ms=T0)
    await store.write(lambda conn: conn.execute(moved) and None)
    [found] = await store.read(why_not, Lawbook(), ContactId(1), T0)
    assert "best hour" not in {one.rule for one in found.reasons}


async def test_a_promise_is_never_moved(store: SqlStore) -> None:
    campaign_id = await world(store, *GOOD)
    await store.write(book_callback, campaign_id, ContactId(1), CallbackPlan(at_ms=T0))
    event = await claim(store, campaign_id, 1)
    await store.commit([unreached(event.attempts[0])], T0)
    assert (await place(store))[0] == DUE
