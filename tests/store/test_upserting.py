"""Contacts made, changed and taken out while campaigns run, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, select

from app.contacts.given import GivenContact, GivenPhone
from app.contacts.upserting import StaleEdit, UpsertResult, change_contact, upsert_contacts
from app.outcomes import ContactStatus
from app.store import NotFound, SqlStore
from app.store.attaching import attach_list
from app.store.audit import audit_page
from app.store.cards import contact_places, edit_contact
from app.store.lists import contacts_page, create_list, get_contact, get_list
from app.store.progress import get_progress
from app.store.removing import remove_contact
from app.store.schema import attempts, contacts
from app.units import ContactId, ListId
from tests.store.world import T0, build, claim, closing, phone

ONE = ListId(1)
CREATED, UPDATED, UNCHANGED, REJECTED = UpsertResult


def given(key: str | None, number: str = "", **others: object) -> GivenContact:
    phones = [GivenPhone(number=number, kind="mobile")] if number else None
    return GivenContact(key=key, phones=phones, **others)  # type: ignore[arg-type]


async def empty_list(store: SqlStore) -> None:
    await store.write(create_list, name="people", country="GB", now_ms=T0)


async def put(store: SqlStore, *rows: GivenContact, now_ms: int = T0, with_updates: bool = True) -> list[UpsertResult]:
    chunk = await store.write(upsert_contacts, ONE, rows, by="crm", now_ms=now_ms, with_updates=with_updates)
    return [row.result for row in chunk.rows]


async def test_each_row_has_its_result_and_only_what_is_given_changes(store: SqlStore) -> None:
    await empty_list(store)
    rows = [
        given("a", "07700 900001", name="Ann", facts={"region": "US-FL"}, fields={"city": "Bonn"}),
        given("b", "07700 900002"),
        given("c", "12-3"),
        given("a", name="Ann Lee"),
    ]
    assert await put(store, *rows) == [CREATED, CREATED, REJECTED, UPDATED]
    assert await put(store, given("b", "07700 900002"), now_ms=T0 + 1) == [UNCHANGED]
    one, two = await store.read(contacts_page, ONE)
    assert (one.name, one.region, one.phones, one.phone_kinds) == ("Ann Lee", "US-FL", ("+447700900001",), ("mobile",))
    assert (one.fields, two.updated_at_ms) == ({"city": "Bonn"}, T0)
    found = await store.read(get_list, ONE)
    assert (found.contacts, found.columns) == (2, ("city",))
    trail = await store.read(audit_page, subject=f"contact {one.id}")
    told = [(entry.who, entry.what, entry.details.get("field"), entry.details.get("after")) for entry in trail.entries]
    assert told == [("crm", "edited contact", "name", "Ann Lee"), ("crm", "added contact", None, None)]


async def test_a_list_keeps_to_one_way_of_telling_its_contacts_apart(store: SqlStore) -> None:
    await empty_list(store)
    assert await put(store, given(None, "07700 900001"), given(None), given("k", "07700 900002")) == [
        CREATED, REJECTED, REJECTED,
    ]  # fmt: skip
    assert await put(store, given(None, "+44 7700 900001", name="Ann")) == [UPDATED]
    assert await put(store, given(None, "07700 900001", name="Bob"), with_updates=False) == [UNCHANGED]


async def test_new_contacts_join_the_campaigns_of_their_list_and_mended_ones_are_called_again(store: SqlStore) -> None:
    [campaign] = await store.write(build, [])
    assert await put(store, given("a", "07700 900001"), given("b", name="Nobody")) == [CREATED, CREATED]
    progress = await store.read(get_progress, campaign)
    assert progress.statuses == {ContactStatus.PENDING: 1, ContactStatus.INVALID_NUMBER: 1}
    chunk = await store.write(upsert_contacts, ONE, [given("b", "07700 900002")], by="crm", now_ms=T0 + 5)
    assert chunk.campaigns == {campaign}
    assert (await store.read(get_progress, campaign)).statuses[ContactStatus.PENDING] == 2


async def test_a_change_of_what_somebody_else_changed_is_refused(store: SqlStore) -> None:
    await empty_list(store)
    await put(store, given("a", "07700 900001"))
    first = ContactId(1)
    await store.write(change_contact, first, given(None, name="Ann"), by="eve", now_ms=T0, seen_at_ms=T0)
    with pytest.raises(StaleEdit):
        await store.write(change_contact, first, given(None, name="Bob"), by="bob", now_ms=T0 + 9, seen_at_ms=T0)
    assert (await store.read(get_contact, first)).name == "Ann"


async def test_a_number_that_tells_somebody_else_apart_is_not_taken_over(store: SqlStore) -> None:
    await empty_list(store)
    await put(store, given(None, "07700 900001"), given(None, "07700 900002"))
    taken = await store.write(change_contact, ContactId(1), given(None, "07700 900002"), by="eve", now_ms=T0 + 1)
    moved = await store.write(change_contact, ContactId(1), given(None, "07700 900003"), by="eve", now_ms=T0 + 1)
    assert [taken.rows[0].result, moved.rows[0].result] == [REJECTED, UPDATED]
    assert (await store.read(get_contact, ContactId(1))).key == "+447700900003"


async def test_who_is_taken_out_is_in_no_line_and_may_come_again(store: SqlStore) -> None:
    [campaign] = await store.write(build, [phone(at) for at in range(1, 4)])
    removed = await store.write(remove_contact, ContactId(2), by="ann", now_ms=T0 + 1)
    assert (removed.campaigns, removed.is_kept) == ((campaign,), False)
    progress = await store.read(get_progress, campaign)
    assert (progress.statuses, progress.total) == ({ContactStatus.PENDING: 2}, 2)
    assert [contact.id for contact in await store.read(contacts_page, ONE)] == [1, 3]
    gone = await store.read(get_contact, ContactId(2))
    assert (gone.name, gone.phones) == ("", ())
    for again in (remove_contact, _rename):
        with pytest.raises(NotFound):
            await store.write(again, ContactId(2), by="ann", now_ms=T0 + 2)
    assert (await store.read(get_list, ONE)).contacts == 2
    assert await store.write(attach_list, campaign, ONE, T0 + 3) == 0


def _rename(conn: Connection, contact_id: ContactId, *, by: str, now_ms: int) -> None:
    edit_contact(conn, contact_id, "city", saw="", value="Bonn", by=by, now_ms=now_ms)


async def test_a_call_in_flight_of_who_is_taken_out_ends_like_any_other(store: SqlStore) -> None:
    [campaign] = await store.write(build, [phone(at) for at in range(1, 3)])
    opened = await claim(store, campaign, 1)
    contact_id = opened.attempts[0].contact_id
    removed = await store.write(remove_contact, contact_id, by="ann", now_ms=T0 + 1)
    assert removed.is_kept
    recovered = await store.recover()
    assert [attempt.contact_id for attempt in recovered.attempts] == [contact_id]
    await store.commit([closing(opened.attempts[0], status=ContactStatus.PENDING, due_at_ms=T0 + 5)], T0 + 2)
    assert await store.read(contact_places, contact_id) == []
    assert (await store.read(get_contact, contact_id)).phones == (phone(1),)
    outcome = await store.read(lambda conn: conn.execute(select(attempts.c.outcome)).scalar_one())
    assert outcome is not None
    progress = await store.read(get_progress, campaign)
    assert (progress.statuses, progress.total, progress.attempts) == ({ContactStatus.PENDING: 1}, 1, 1)


async def test_a_thousand_at_once_are_told_to_the_trail_in_one_line(store: SqlStore) -> None:
    await empty_list(store)
    rows = [given(f"k{at}", f"07700 9{at:05d}") for at in range(1_000)]
    assert set(await put(store, *rows)) == {CREATED}
    assert set(await put(store, *rows)) == {UNCHANGED}
    trail = await store.read(audit_page)
    assert [(entry.subject, entry.details) for entry in trail.entries] == [("list 1", {"contacts": "1000"})]
    count = await store.read(lambda conn: len(conn.execute(select(contacts.c.id)).all()))
    assert count == 1_000
