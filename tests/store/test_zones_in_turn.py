"""Time zones take turns in the calls of a campaign: no zone starves, whatever the others hold, and nobody is lost."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import Connection, select, update

from app.calling_order import OrderPlan
from app.commands import ClaimContacts
from app.compliance.zone_lines import NOWHERE
from app.events import AttemptsOpened
from app.model import CampaignStatus
from app.outcomes import ContactStatus
from app.ownership import OwnershipPlan
from app.store import SqlStore
from app.store.attaching import attach_list
from app.store.campaigns import get_campaign, update_campaign
from app.store.cards import ContactFact, edit_contact
from app.store.lists import create_list
from app.store.mixing import Lane, ListShare, in_zones, lanes, set_shares
from app.store.owners import give_piece
from app.store.schema import campaign_contacts, campaign_zones, campaigns, contacts
from app.units import CampaignId, ContactId, ListId
from tests.store.world import T0, add_contacts, build, claim, closing, phone

ZONES = ("Europe/London", "Europe/Berlin", "Europe/Moscow", "Asia/Tokyo", "America/New_York")
EAST = {"Europe/London": 1_000, "Europe/Berlin": 1_060, "Europe/Moscow": 1_180, "Asia/Tokyo": 1_540}


async def world(store: SqlStore, *sizes: Sequence[int], is_on: bool = True) -> CampaignId:
    """A campaign with a list for each row of sizes; a list has so many contacts of each zone, one after the other.

    The zone of a contact is its id's hundreds: 1 203 is of list 1 and of the zone 2.
    """

    def make(conn: Connection) -> CampaignId:
        [campaign_id] = build(conn, [])
        conn.execute(campaigns.update().values(status=CampaignStatus.RUNNING.value))
        if is_on:
            turn(conn, campaign_id, is_on=True)
        for at, counts in enumerate(sizes, 1):
            list_id = ListId(1)
            if at > 1:
                list_id = create_list(conn, name=f"list {at}", country="GB", now_ms=T0).id
            for zone, count in enumerate(counts):
                first = 1_000 * at + 100 * zone
                add_contacts(conn, list_id, [phone(first + n) for n in range(count)], first=first)
                among = contacts.c.id.between(first, first + 99)
                conn.execute(update(contacts).where(among).values(time_zone=ZONES[zone]))
            attach_list(conn, campaign_id, list_id, T0)
        return campaign_id

    return await store.write(make)


def turn(conn: Connection, campaign_id: CampaignId, *, is_on: bool) -> None:
    plan = get_campaign(conn, campaign_id).campaign
    update_campaign(conn, replace(plan, order=OrderPlan(by_time_zone=is_on)))
    while give_piece(conn, campaign_id):
        pass


def zone_of(contact_id: int) -> int:
    return contact_id % 1_000 // 100


async def call(store: SqlStore, campaign_id: CampaignId, counts: Sequence[int]) -> list[int]:
    """Who is called in claims of these sizes, and is done then."""
    found: list[int] = []
    for count in counts:
        event = await claim(store, campaign_id, count)
        found += [one.contact_id for one in event.attempts]
        await store.commit([closing(one, status=ContactStatus.CONNECTED) for one in event.attempts], T0)
    return found


async def test_zones_take_turns_whatever_their_size(store: SqlStore) -> None:
    campaign_id = await world(store, [60, 3, 20])
    found = await call(store, campaign_id, [1] * 9)
    assert Counter(map(zone_of, found)) == {0: 3, 1: 3, 2: 3}
    assert Counter(map(zone_of, await call(store, campaign_id, [6, 4]))) == {0: 5, 2: 5}, "the small one is done"


async def test_without_turns_who_waits_longest_is_next(store: SqlStore) -> None:
    campaign_id = await world(store, [10, 10], is_on=False)
    assert set(map(zone_of, await call(store, campaign_id, [5, 5]))) == {0}


@pytest.mark.parametrize("seed", range(6))
async def test_no_zone_starves(store: SqlStore, seed: int) -> None:
    """Whatever the sizes of zones, lists and claims: between two calls of a zone that has somebody due every other zone
    of the pool is called once at the most, and everybody is called once."""
    dice = random.Random(seed)
    sizes = [[dice.choice([0, 1, 3, 12]) for _ in ZONES] for _ in range(dice.choice([1, 2]))]
    campaign_id = await world(store, *sizes)
    total = sum(map(sum, sizes))
    found: list[int] = []
    while len(found) < total:
        more = await call(store, campaign_id, [dice.randrange(1, 6)])
        assert more, (seed, sizes, found)
        found += more
    assert len(set(found)) == total
    left = Counter(zone for row in sizes for zone, count in enumerate(row) for _ in range(count))
    waited = Counter[int]()
    for one in map(zone_of, found):
        left[one] -= 1
        waited[one] = 0
        for other in range(len(ZONES)):
            if other != one and left[other]:
                waited[other] += 1
                assert waited[other] < len(ZONES), (seed, sizes, other, list(map(zone_of, found)))


def test_the_turn_goes_on_after_the_zone_that_was_called() -> None:
    shares = [ListShare(list_id=ListId(1)), ListShare(list_id=ListId(2))]
    zones = [(ListId(1), 1_000), (ListId(1), 1_060), (ListId(2), 1_060)]
    found = in_zones(lanes(shares, 0, 3), shares, zones, {-1_000: 7})
    assert {(one.list_id, one.zone): one.place for one in found} == {
        (1, 0): 2, (2, 0): 2, (1, 1_000): 0, (1, 1_060): 1, (2, 1_060): 1,
    }  # fmt: skip
    assert {one.turns for one in found} == {3}
    assert in_zones(lanes(shares[:1], 0, 3), shares, [], {}) == [
        Lane(list_id=ListId(1), rank=0, quota=1_000_000, pool=-1_000, place=0, turns=1)
    ]


async def test_lists_keep_their_shares_and_their_zones_take_turns_within(store: SqlStore) -> None:
    campaign_id = await world(store, [40, 40], [40, 40, 40])
    await store.write(set_shares, campaign_id, [ListShare(list_id=ListId(n), weight=1) for n in (1, 2)])
    found = await call(store, campaign_id, [1, 3, 2] * 8)
    by_both = Counter((one // 1_000, zone_of(one)) for one in found)
    assert abs(by_both[1, 0] - by_both[1, 1]) <= 1, by_both
    assert max(by_both[2, zone] for zone in range(3)) - min(by_both[2, zone] for zone in range(3)) <= 1, by_both
    assert abs(sum(count for (which, _), count in by_both.items() if which == 1) - 24) <= 2, by_both


async def test_switched_on_and_off_while_calls_go_on_nobody_is_lost(store: SqlStore) -> None:
    campaign_id = await world(store, [8, 8], is_on=False)
    found = await call(store, campaign_id, [2])
    await store.write(lambda conn: turn(conn, campaign_id, is_on=True))
    found += await call(store, campaign_id, [2])
    assert sorted(map(zone_of, found)) == [0, 0, 0, 1]
    await store.write(lambda conn: turn(conn, campaign_id, is_on=False))
    assert not await store.read(lambda conn: conn.execute(select(campaign_zones)).all())
    found += await call(store, campaign_id, [5])
    assert sorted(map(zone_of, found))[:8] == [0] * 8
    found += await call(store, campaign_id, [20])
    assert len(set(found)) == 16


async def test_half_sorted_contacts_are_called_too(store: SqlStore) -> None:
    """Switching it on sorts nobody by itself: claims do, a piece at a time, and meanwhile all are in reach."""
    campaign_id = await world(store, [4, 4], is_on=False)

    def begin(conn: Connection) -> None:
        plan = get_campaign(conn, campaign_id).campaign
        update_campaign(conn, replace(plan, order=OrderPlan(by_time_zone=True)))
        give_piece(conn, campaign_id, 3)

    await store.write(begin)
    [event] = await store.commit([ClaimContacts(campaign_id=campaign_id, count=8)], T0)
    assert isinstance(event, AttemptsOpened)
    assert len(event.attempts) == 8


async def test_each_contact_waits_in_the_line_of_its_zone_and_an_edit_moves_it(store: SqlStore) -> None:
    campaign_id = await world(store, [1, 1, 1, 1])

    def zone(conn: Connection, contact_id: int) -> int:
        found = select(campaign_contacts.c.zone).where(campaign_contacts.c.contact_id == contact_id)
        return int(conn.execute(found).scalar_one())

    for at, name in enumerate(ZONES[:4]):
        assert await store.read(zone, 1_000 + 100 * at) == EAST[name]
    for value, line in (("Nowhere/Atall", NOWHERE), ("Europe/Paris", 1_060)):
        before = await store.read(
            lambda conn: conn.execute(select(contacts.c.time_zone).where(contacts.c.id == 1_000)).scalar_one()
        )
        await store.write(
            edit_contact, ContactId(1_000), ContactFact.TIME_ZONE, value=value, saw=before, by="ann", now_ms=T0
        )
        assert await store.read(zone, 1_000) == line
    assert (await claim(store, campaign_id, 9)).next_due_at_ms is None


async def test_the_owner_of_a_contact_goes_before_the_turn_and_stays_when_it_is_sorted(store: SqlStore) -> None:
    campaign_id = await world(store, [2, 2])

    def own(conn: Connection) -> None:
        plan = get_campaign(conn, campaign_id).campaign
        update_campaign(conn, replace(plan, ownership=OwnershipPlan()))
        conn.execute(update(campaign_contacts).where(campaign_contacts.c.contact_id == 1_101).values(owner_id=7))

    await store.write(own)
    assert sorted(await call(store, campaign_id, [9])) == [1_000, 1_001, 1_100]
