"""Who calls is found by their number: in one list or several, called or not, along an index."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Connection, text

from app.outcomes import ContactStatus, Outcome
from app.store import SqlStore
from app.store.attaching import attach_list
from app.store.callers import Caller, contact_in_campaign, contacts_with, find_caller
from app.store.dnc import add_dnc_numbers
from app.store.flows import create_flow
from app.store.lists import create_list
from app.units import CampaignId, ContactId, Number
from tests.store.world import T0, add_contacts, build, claim, closing, new_campaign, phone

STRANGER = Number("+12025550123")


def second_list(conn: Connection, numbers: list[Number]) -> CampaignId:
    """Another list, with ids from 101 on, and a campaign of its own."""
    other = create_list(conn, name="others", country="GB", columns=["Сумма"], now_ms=T0)
    add_contacts(conn, other.id, numbers, first=101)
    campaign_id = new_campaign(conn, "another", create_flow(conn, name="two", source="say: two", now_ms=T0).id)
    attach_list(conn, campaign_id, other.id, T0)
    return campaign_id


async def test_a_contact_nobody_called_yet(store: SqlStore) -> None:
    await store.write(build, [phone(1), phone(2)])
    assert await store.read(find_caller, [phone(2)]) == Caller(
        contact_id=ContactId(2),
        number=phone(2),
        name="Person 2",
        language="",
        list_name="people",
        columns=("City",),
        fields={"City": "Łódź"},
        is_dnc=False,
    )


async def test_the_last_call_that_is_over_is_told(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    [first] = (await claim(store, campaign_id, 1)).attempts
    await store.commit([closing(first, status=ContactStatus.PENDING, due_at_ms=T0)], T0 + 5)
    [second] = (await claim(store, campaign_id, 1, T0 + 10)).attempts
    found = await store.read(find_caller, [phone(1)])
    assert found is not None
    assert (found.campaign_id, found.campaign_name, found.last_outcome) == (campaign_id, "campaign 0", Outcome.BUSY)
    assert found.last_called_at_ms == T0 + 1
    await store.commit([closing(second, outcome=Outcome.NO_ANSWER)], T0 + 20)
    again = await store.read(find_caller, [phone(1)])
    assert again == replace(found, last_outcome=Outcome.NO_ANSWER)


@pytest.mark.parametrize("numbers", [[], [STRANGER], [Number("")]])
async def test_a_stranger_is_nobody(store: SqlStore, numbers: list[Number]) -> None:
    await store.write(build, [phone(1), ""])
    assert await store.read(find_caller, numbers) is None


async def test_the_first_number_anybody_has_counts(store: SqlStore) -> None:
    await store.write(build, [phone(1), phone(2)])
    found = await store.read(find_caller, [STRANGER, phone(2), phone(1)])
    assert found is not None
    assert (found.contact_id, found.number) == (2, phone(2))


async def test_who_is_in_two_lists_is_the_one_called_last(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    await store.write(second_list, [phone(1)])
    newest = await store.read(find_caller, [phone(1)])
    assert newest is not None
    assert newest.contact_id == 101, "nobody was called: the one added last"
    [attempt] = (await claim(store, campaign_id, 1)).attempts
    await store.commit([closing(attempt)], T0 + 5)
    called = await store.read(find_caller, [phone(1)])
    assert called is not None
    assert (called.contact_id, called.list_name) == (1, "people")
    asked = await store.read(find_caller, [phone(1)], list_name="others")
    assert asked is not None
    assert (asked.contact_id, asked.columns) == (101, ("Сумма",))
    assert await store.read(find_caller, [phone(1)], list_name="nobody's") is None


@pytest.mark.parametrize("place", [2, 3, 4, 5])
async def test_whoever_calls_from_another_of_their_phones_is_found(store: SqlStore, place: int) -> None:
    [campaign_id] = await store.write(build, [phone(1), phone(2)])

    def change(conn: Connection) -> None:
        conn.execute(text(f"UPDATE contacts SET phone{place} = :number WHERE id = 2"), {"number": phone(77)})

    await store.write(change)
    found = await store.read(find_caller, [phone(77)])
    assert found is not None
    assert (found.contact_id, found.number) == (2, phone(77)), "told by the number that called"
    assert await store.read(contact_in_campaign, campaign_id, phone(77)) == 2
    await store.write(second_list, [phone(77)])
    both = await store.read(find_caller, [phone(77)])
    assert both is not None
    assert both.contact_id == 101, "nobody was called: the one added last"


async def test_who_was_taken_out_of_the_list_is_a_stranger(store: SqlStore) -> None:
    await store.write(build, [phone(1)])
    await store.write(lambda conn: conn.execute(text("UPDATE contacts SET deleted_at_ms = 1")) and None)
    assert await store.read(find_caller, [phone(1)]) is None


async def test_who_is_barred_is_told_so(store: SqlStore) -> None:
    await store.write(build, [phone(1)])
    await store.write(add_dnc_numbers, [phone(1)], source="api", now_ms=T0)
    found = await store.read(find_caller, [phone(1)])
    assert found is not None
    assert found.is_dnc


async def test_it_goes_along_an_index(store: SqlStore) -> None:
    await store.write(build, [phone(place) for place in range(3_000)])

    def steps(conn: Connection) -> str:
        conn.execute(text("ANALYZE"))
        asked = contacts_with(phone(5)).compile(dialect=conn.dialect, compile_kwargs={"literal_binds": True})
        explain = "EXPLAIN QUERY PLAN" if conn.dialect.name == "sqlite" else "EXPLAIN"
        return "\n".join(str(row[-1]) for row in conn.execute(text(f"{explain} {asked}")))

    plan = await store.write(steps)
    for place in range(1, 6):
        assert f"ix_contacts_phone{place}" in plan
    assert "Seq Scan on contacts" not in plan
    assert "SCAN contacts" not in plan
    assert "SCAN attempts" not in plan
