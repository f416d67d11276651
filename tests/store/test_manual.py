"""Dialing by hand: the same guards as claiming, and reasons people understand."""

from __future__ import annotations

import asyncio

import pytest

from app.agent_commands import OpenManual
from app.agent_events import ManualRefused
from app.commands import StoreCommand
from app.events import AttemptsOpened
from app.outcomes import ContactStatus
from app.store import SqlStore
from app.store.attempts import get_attempt
from app.store.campaigns import get_campaign
from app.store.dnc import add_dnc_numbers
from app.store.lists import contacts_page, list_by_name, list_lists
from app.store.progress import get_progress
from app.units import AgentId, CampaignId, ContactId, Number
from tests.store.floor import ANN, BOB, hire, talk, talked
from tests.store.world import T0, build, claim, closing, kept_tallies, phone, places, recounted_tallies


async def world(store: SqlStore, *phones: str) -> CampaignId:
    [campaign_id] = await store.write(build, phones)
    await store.write(hire, "ann", "bob")
    return campaign_id


async def dial(
    store: SqlStore, campaign_id: CampaignId, number: str, contact: int | None = None, agent_id: AgentId = ANN
) -> AttemptsOpened | ManualRefused:
    contact_id = None if contact is None else ContactId(contact)
    command = OpenManual(agent_id=agent_id, campaign_id=campaign_id, number=Number(number), contact_id=contact_id)
    [event] = await store.commit([command], T0 + 1)
    assert isinstance(event, AttemptsOpened | ManualRefused)
    return event


async def refusal(store: SqlStore, campaign_id: CampaignId, number: str, contact: int | None = None) -> str:
    before = (await store.read(places), await store.read(kept_tallies), await store.read(list_lists))
    event = await dial(store, campaign_id, number, contact)
    assert isinstance(event, ManualRefused)
    assert (event.agent_id, event.campaign_id) == (ANN, campaign_id)
    assert (await store.read(places), await store.read(kept_tallies), await store.read(list_lists)) == before
    return event.reason


async def test_a_contact_of_the_campaign_is_dialed_for_the_agent(store: SqlStore) -> None:
    campaign_id = await world(store, phone(1), phone(2))
    event = await dial(store, campaign_id, phone(2), 2)
    assert isinstance(event, AttemptsOpened)
    [attempt] = event.attempts
    assert (event.wanted, event.next_due_at_ms) == (1, T0)
    assert (attempt.contact_id, attempt.number, attempt.agent_id, attempt.is_manual) == (2, phone(2), ANN, True)
    assert attempt.fields == {"City": "Łódź", "name": "Person 2", "phone": phone(2)}
    assert (await store.read(places))[2][0] == "in progress"
    entry = await store.read(get_attempt, attempt.attempt_id)
    assert (entry.agent_id, entry.agent_name, entry.is_manual) == (ANN, "ann", True)
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)


async def test_whoever_is_done_may_be_dialed_by_hand_again(store: SqlStore) -> None:
    campaign_id = await world(store, phone(1))
    [attempt] = (await claim(store, campaign_id, 1)).attempts
    await store.commit([talked(attempt, talk())], T0)
    assert isinstance(await dial(store, campaign_id, phone(1), 1), AttemptsOpened)
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)


async def test_a_typed_number_gets_a_contact_of_its_own_once(store: SqlStore) -> None:
    campaign_id = await world(store, phone(1))
    first = await dial(store, campaign_id, "+12025550100")
    assert isinstance(first, AttemptsOpened)
    made = await store.read(list_by_name, "campaign 0 – dialed by hand")
    assert made is not None
    assert (made.country, made.contacts) == ("GB", 1)
    assert made.id in (await store.read(get_campaign, campaign_id)).list_ids
    [contact] = await store.read(contacts_page, made.id)
    assert (contact.key, contact.phones) == ("+12025550100", ("+12025550100",))
    await store.commit([talked(first.attempts[0], talk())], T0 + 5)
    second = await dial(store, campaign_id, "+12025550100", agent_id=BOB)
    assert isinstance(second, AttemptsOpened)
    assert second.attempts[0].contact_id == contact.id == first.attempts[0].contact_id
    assert (await store.read(get_progress, campaign_id)).total == 2
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)


async def test_each_guard_says_no_in_words_and_leaves_nothing(store: SqlStore) -> None:
    campaign_id = await world(store, phone(1), phone(2), phone(3), phone(4))
    await store.write(add_dnc_numbers, [phone(9)], source="api", now_ms=T0)
    one, two = (await claim(store, campaign_id, 2)).attempts
    await store.commit([closing(two, status=ContactStatus.DO_NOT_CALL)], T0)
    assert one.number == phone(1)
    assert "do-not-call list" in await refusal(store, campaign_id, phone(9))
    assert "in a call now" in await refusal(store, campaign_id, phone(1))
    assert "in a call now" in await refusal(store, campaign_id, phone(1), 1)
    assert "asked not to be called" in await refusal(store, campaign_id, phone(2), 2)
    assert "none of the contact's numbers" in await refusal(store, campaign_id, phone(8), 3)
    assert "no such contact" in await refusal(store, campaign_id, phone(8), 77)
    assert "no such campaign" in await refusal(store, CampaignId(77), phone(8))
    assert "not a number in E.164" in await refusal(store, campaign_id, "07700900123")


async def test_a_contact_of_another_campaign_is_refused(store: SqlStore) -> None:
    one, _other = await store.write(build, [phone(1)], campaigns=2)
    await store.write(lambda conn: conn.exec_driver_sql(f"DELETE FROM campaign_contacts WHERE campaign_id = {one}"))
    event = await dial(store, one, phone(1), 1)
    assert isinstance(event, ManualRefused)
    assert "not in the campaign" in event.reason


async def test_a_contact_that_is_being_called_on_another_number_is_refused(store: SqlStore) -> None:
    campaign_id = await world(store, phone(1))
    await store.write(lambda conn: conn.exec_driver_sql(f"UPDATE contacts SET phone2 = '{phone(5)}'"))
    await claim(store, campaign_id, 1)
    assert "being called already" in await refusal(store, campaign_id, phone(5), 1)


async def test_a_refusal_is_of_that_number_alone(store: SqlStore) -> None:
    """The other commands of its turn are carried out."""
    campaign_id = await world(store, phone(1))
    await store.write(add_dnc_numbers, [phone(9)], source="api", now_ms=T0)
    commands: list[StoreCommand] = [
        OpenManual(agent_id=ANN, campaign_id=campaign_id, number=phone(9)),
        OpenManual(agent_id=BOB, campaign_id=campaign_id, number=phone(1), contact_id=ContactId(1)),
    ]
    refused, opened = await store.commit(commands, T0)
    assert isinstance(refused, ManualRefused)
    assert isinstance(opened, AttemptsOpened)


@pytest.mark.parametrize("contact", [None, 1])
async def test_two_who_dial_the_same_number_at_once_get_one_call(url: str, contact: int | None) -> None:
    async with await SqlStore.open(url) as one, await SqlStore.open(url, with_migrations=False) as other:
        campaign_id = await world(one, phone(1))
        number = phone(1) if contact else "+12025550100"
        events = await asyncio.gather(
            *(dial(store, campaign_id, number, contact, agent_id) for store, agent_id in ((one, ANN), (other, BOB))),
            return_exceptions=True,
        )
        opened = [event for event in events if isinstance(event, AttemptsOpened)]
        assert len(opened) == 1, events
        assert len((await one.recover()).attempts) == 1
        assert await one.read(kept_tallies) == await one.read(recounted_tallies)


async def test_a_typed_number_is_known_as_such_and_a_lists_is_not(store: SqlStore) -> None:
    campaign_id = await world(store, phone(1), phone(2))
    typed = await dial(store, campaign_id, phone(50))
    listed = await dial(store, campaign_id, phone(2), 2)
    assert isinstance(typed, AttemptsOpened)
    assert isinstance(listed, AttemptsOpened)
    assert [one.is_typed for one in (*typed.attempts, *listed.attempts)] == [True, False]
    recovered = {one.number: one.is_typed for one in (await store.recover()).attempts}
    assert recovered == {phone(50): True, phone(2): False}
    back = closing(typed.attempts[0], status=ContactStatus.PENDING, due_at_ms=T0 + 5)
    await store.commit([back], T0 + 5)
    claimed = (await claim(store, campaign_id, 5, T0 + 10)).attempts
    assert {one.number: one.is_typed for one in claimed} == {phone(1): False, phone(50): True}
