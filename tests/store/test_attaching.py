"""Attaching lists: every contact once, in pieces, and newcomers too."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from app.outcomes import ContactStatus, Outcome
from app.store import NotFound, SqlStore
from app.store.attaching import attach_list, attach_new_contacts, attach_piece, link_list
from app.store.campaigns import get_campaign
from app.store.lists import create_list
from app.store.progress import get_progress
from app.units import CampaignId, FlowId, ListId
from tests.store.world import (
    T0,
    add_contacts,
    build,
    claim,
    closing,
    ids,
    kept_tallies,
    new_campaign,
    phone,
    places,
    recounted_tallies,
)


def two_lists(conn: Connection) -> CampaignId:
    """A campaign with nobody, and two lists whose contacts lie among each other's."""
    [campaign_id] = build(conn, [])
    for name in ("one", "two"):
        create_list(conn, name=name, country="GB", now_ms=T0)
    for contact_id in range(1, 24):
        number = "" if contact_id % 5 == 0 else phone(contact_id)
        add_contacts(conn, ListId(2 + contact_id % 2), [number], first=contact_id)
    return campaign_id


async def test_a_list_is_attached_once_and_invalid_numbers_are_settled_at_once(store: SqlStore) -> None:
    campaign_id = await store.write(two_lists)
    assert await store.write(attach_list, campaign_id, ListId(2), T0 + 5) == 11
    assert await store.write(attach_list, campaign_id, ListId(2), T0 + 9) == 0
    kept = await store.read(places)
    assert sorted(kept) == list(range(2, 24, 2))
    assert kept[10] == kept[20] == ("invalid number", None)
    assert kept[2] == ("pending", T0 + 5)
    progress = await store.read(get_progress, campaign_id)
    assert progress.statuses == {ContactStatus.PENDING: 9, ContactStatus.INVALID_NUMBER: 2}
    assert progress.outcomes == {Outcome.INVALID_NUMBER: 2}
    assert (await store.read(get_campaign, campaign_id)).list_ids == (1, 2)
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)


async def test_a_long_list_is_attached_piece_by_piece_with_progress(store: SqlStore) -> None:
    campaign_id = await store.write(two_lists)
    after, pieces = 0, []
    while True:
        piece = await store.write(attach_piece, campaign_id, ListId(3), after, T0, 5)
        pieces.append((piece.added, piece.seen))
        after = piece.last_contact_id
        if piece.is_last:
            break
    assert pieces == [(5, 5), (5, 5), (2, 2)]
    seen: list[int] = []
    assert await store.attach_list(campaign_id, ListId(2), T0, seen.append) == 11
    assert seen == [11]
    assert (await store.read(get_progress, campaign_id)).total == 23


async def test_attaching_again_leaves_contacts_that_were_called_as_they_are(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1), phone(2)])
    [attempt] = (await claim(store, campaign_id, 1)).attempts
    await store.commit([closing(attempt, status=ContactStatus.CONNECTED)], T0)
    assert await store.attach_list(campaign_id, ListId(1), T0 + 5) == 0
    assert await store.read(places) == {1: ("connected", None), 2: ("pending", T0)}


async def test_contacts_imported_later_join_the_campaigns_that_have_their_list(store: SqlStore) -> None:
    one, other = await store.write(build, [phone(1)], campaigns=2)

    def import_more(conn: Connection) -> dict[CampaignId, int]:
        new_campaign(conn, "elsewhere", FlowId(1))
        add_contacts(conn, ListId(1), [phone(2), "", phone(4)], first=2)
        return attach_new_contacts(conn, ListId(1), 2, 4)

    assert await store.write(import_more) == {one: 3, other: 3}
    assert await store.write(attach_new_contacts, ListId(1), 2, 4) == {}
    assert ids((await claim(store, one, 9)).attempts) == [1, 2, 4]
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)


async def test_a_list_that_was_linked_before_it_was_filled_is_attached_by_its_import(store: SqlStore) -> None:
    campaign_id = await store.write(two_lists)
    empty = await store.write(create_list, name="later", country="GB", now_ms=T0)
    assert await store.write(attach_list, campaign_id, empty.id, T0) == 0
    await store.write(add_contacts, empty.id, [phone(70)], 70)
    assert await store.write(attach_new_contacts, empty.id, 70, 70) == {campaign_id: 1}


async def test_what_is_not_there_is_not_attached(store: SqlStore) -> None:
    campaign_id = await store.write(two_lists)
    with pytest.raises(NotFound, match="there is no list 99"):
        await store.attach_list(campaign_id, ListId(99), T0)
    with pytest.raises(NotFound, match="there is no campaign 99"):
        await store.write(link_list, CampaignId(99), ListId(2))
