"""Contacts put back into the waiting line: dangling ones, once somebody decided to."""

from __future__ import annotations

import pytest

from app.outcomes import ContactStatus, Outcome
from app.store import NotFound, SqlStore
from app.store.dnc import add_dnc_numbers
from app.store.errors import InUse
from app.store.requeueing import requeue_contact, requeue_contacts, requeue_piece
from app.units import CampaignId, ContactId
from tests.store.world import T0, build, claim, closing, ids, kept_tallies, phone, places, recounted_tallies


async def world(store: SqlStore, *statuses: ContactStatus, campaigns: int = 1) -> CampaignId:
    """A campaign whose contacts ended so, after one charged try each."""
    [campaign_id, *_] = await store.write(build, [phone(place) for place, _ in enumerate(statuses, 1)], campaigns)
    opened = (await claim(store, campaign_id, len(statuses))).attempts
    ends = [
        closing(attempt, outcome=Outcome.CONTROLLER_LOST, status=status)
        for attempt, status in zip(opened, statuses, strict=True)
    ]
    await store.commit(ends, T0 + 1)
    return campaign_id


async def test_contacts_of_a_status_wait_again_with_their_counts(store: SqlStore) -> None:
    dangling, done = ContactStatus.DANGLING, ContactStatus.CONNECTED
    campaign_id = await world(store, dangling, done, dangling, campaigns=2)
    assert await store.write(requeue_contacts, campaign_id, dangling, T0 + 9) == 2
    assert await store.read(places) == {1: ("pending", T0 + 9), 2: ("connected", None), 3: ("pending", T0 + 9)}
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)
    assert await store.write(requeue_contacts, campaign_id, dangling, T0 + 9) == 0
    again = (await claim(store, campaign_id, 5, T0 + 9)).attempts
    assert [(attempt.contact_id, attempt.attempts) for attempt in again] == [(1, 1), (3, 1)]


async def test_a_large_campaign_is_gone_through_in_pieces_and_no_further_than_needed(store: SqlStore) -> None:
    dangling, done = ContactStatus.DANGLING, ContactStatus.NOT_CONNECTED
    campaign_id = await world(store, done, dangling, done, dangling, done, done)
    first = await store.write(requeue_piece, campaign_id, dangling, 0, T0, 2)
    assert (first.returned, first.last_contact_id, first.is_last) == (1, 2, False)
    second = await store.write(requeue_piece, campaign_id, dangling, 2, T0, 2)
    assert (second.returned, second.last_contact_id, second.is_last) == (1, 4, True)
    told: list[int] = []
    assert await store.requeue(campaign_id, done, T0, told.append) == 4
    assert told == [4]


async def test_who_has_no_number_or_may_not_be_called_stays(store: SqlStore) -> None:
    campaign_id = await world(store, ContactStatus.INVALID_NUMBER, ContactStatus.INVALID_NUMBER)
    await store.write(lambda conn: conn.exec_driver_sql("UPDATE contacts SET phone1 = '' WHERE id = 1"))
    assert await store.write(requeue_contacts, campaign_id, ContactStatus.INVALID_NUMBER, T0) == 1
    assert (await store.read(places))[1] == ("invalid number", None)
    for status in (ContactStatus.DO_NOT_CALL, ContactStatus.IN_PROGRESS, ContactStatus.PENDING):
        with pytest.raises(ValueError, match=f"contacts that are '{status.value}' are not put back"):
            await store.write(requeue_contacts, campaign_id, status, T0)
    with pytest.raises(NotFound, match="there is no campaign 9"):
        await store.write(requeue_contacts, CampaignId(9), ContactStatus.DANGLING, T0)


async def test_do_not_call_is_asked_again_when_they_are_claimed(store: SqlStore) -> None:
    campaign_id = await world(store, ContactStatus.DANGLING, ContactStatus.DANGLING)
    await store.write(add_dnc_numbers, [phone(1)], source="api", now_ms=T0)
    await store.write(requeue_contacts, campaign_id, ContactStatus.DANGLING, T0)
    assert ids((await claim(store, campaign_id, 2)).attempts) == [2]
    assert (await store.read(places))[1] == ("do-not-call", None)


async def test_a_single_contact_is_put_back(store: SqlStore) -> None:
    campaign_id = await world(
        store,
        ContactStatus.DANGLING,
        ContactStatus.DO_NOT_CALL,
        ContactStatus.RETRIES_COMPLETED,
        ContactStatus.DANGLING,
    )
    for _ in range(2):  # the second time it waits already
        await store.write(requeue_contact, campaign_id, ContactId(1), T0 + 9)
    assert (await store.read(places))[1] == ("pending", T0 + 9)
    assert (await store.read(places))[4] == ("dangling", None)
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)
    with pytest.raises(InUse, match="is do-not-call"):
        await store.write(requeue_contact, campaign_id, ContactId(2), T0)
    await store.write(lambda conn: conn.exec_driver_sql("UPDATE contacts SET phone1 = '' WHERE id = 3"))
    with pytest.raises(InUse, match="no valid number"):
        await store.write(requeue_contact, campaign_id, ContactId(3), T0)
    with pytest.raises(NotFound):
        await store.write(requeue_contact, campaign_id, ContactId(9), T0)
    await claim(store, campaign_id, 1, T0 + 9)
    with pytest.raises(InUse, match="in progress"):
        await store.write(requeue_contact, campaign_id, ContactId(1), T0)
