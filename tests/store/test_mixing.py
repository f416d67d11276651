"""Lists share a campaign's calls by weight and priority; who is switched off is not called, and nobody is forgotten."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from sqlalchemy import Connection, select

from app.agents import CallbackPlan
from app.commands import ClaimContacts
from app.compliance.library import Lawbook
from app.events import AttemptsOpened
from app.model import CampaignStatus
from app.outcomes import ContactStatus
from app.store import NotFound, SqlStore
from app.store.attaching import attach_list
from app.store.callbacks import book_callback
from app.store.lists import create_list
from app.store.mixing import ListShare, lanes, list_shares, set_shares
from app.store.owners import set_owner
from app.store.schema import campaign_contacts, campaigns
from app.store.waterfall import waterfall
from app.store.why import why_not
from app.units import AgentId, CampaignId, ContactId, ListId
from tests.store.world import T0, add_contacts, build, claim, closing, phone

BOOK = Lawbook()


async def world(store: SqlStore, *sizes: int) -> CampaignId:
    """A campaign with lists of these sizes: 1, 2, …; contacts of list n have the ids 1000 n + 1, …"""

    def make(conn: Connection) -> CampaignId:
        [campaign_id] = build(conn, [])
        for place, size in enumerate(sizes, 1):
            list_id = ListId(1)
            if place > 1:
                list_id = create_list(conn, name=f"list {place}", country="GB", now_ms=T0).id
            add_contacts(conn, list_id, [phone(1_000 * place + n) for n in range(size)], first=1_000 * place + 1)
            attach_list(conn, campaign_id, list_id, T0)
        conn.execute(campaigns.update().values(status=CampaignStatus.RUNNING.value))
        return campaign_id

    return await store.write(make)


async def share(store: SqlStore, campaign_id: CampaignId, *shares: ListShare) -> None:
    await store.write(set_shares, campaign_id, shares)


def weighed(*weights: int) -> list[ListShare]:
    return [ListShare(list_id=ListId(place), weight=weight) for place, weight in enumerate(weights, 1)]


async def dial(store: SqlStore, campaign_id: CampaignId, counts: list[int], now_ms: int = T0) -> Counter[int]:
    """How many of each list were dialed in claims of these sizes."""
    found = Counter[int]()
    for count in counts:
        event = await claim(store, campaign_id, count, now_ms)
        found.update(one.contact_id // 1_000 for one in event.attempts)
        await store.commit([closing(one, status=ContactStatus.CONNECTED) for one in event.attempts], now_ms)
    return found


@pytest.mark.parametrize("counts", [[1] * 60, [20] * 3, [7, 3] * 6])
async def test_lists_are_taken_by_their_weights(store: SqlStore, counts: list[int]) -> None:
    campaign_id = await world(store, 100, 100)
    await share(store, campaign_id, *weighed(70, 30))
    found = await dial(store, campaign_id, counts)
    assert abs(found[1] - 42) <= 2, found
    assert found.total() == 60


def test_any_stretch_of_calls_keeps_to_the_weights() -> None:
    """The law of the mix: whatever the weights, the sizes of claims and where it begins, no list is off by much."""
    for seed in range(60):
        dice = random.Random(seed)
        weights = [dice.randrange(1, 100) for _ in range(dice.randrange(2, 7))]
        shares, made, taken = weighed(*weights), dice.randrange(10**9), Counter[int]()
        for _ in range(200):
            wanted = dice.randrange(1, 30)
            found = lanes(shares, made, wanted)
            assert sum(one.quota for one in found) == wanted
            made += wanted
            taken.update({one.list_id: one.quota for one in found})
        for share_ in shares:
            meant = taken.total() * share_.weight / sum(weights)
            assert abs(taken[share_.list_id] - meant) < 12, (seed, weights, taken)


async def test_a_list_that_has_nobody_due_leaves_its_share_to_the_others(store: SqlStore) -> None:
    campaign_id = await world(store, 3, 50)
    await share(store, campaign_id, *weighed(99, 1))
    assert await dial(store, campaign_id, [5, 5, 5]) == {1: 3, 2: 12}


async def test_lists_of_higher_priority_come_before_all_others(store: SqlStore) -> None:
    campaign_id = await world(store, 5, 5, 5)
    await share(store, campaign_id, ListShare(list_id=ListId(3), priority=5), ListShare(list_id=ListId(1), priority=-1))
    found = [await dial(store, campaign_id, [5]) for _ in range(3)]
    assert found == [{3: 5}, {2: 5}, {1: 5}]


async def test_a_list_without_a_weight_gets_what_the_weighed_ones_leave(store: SqlStore) -> None:
    campaign_id = await world(store, 4, 4, 4)
    await share(store, campaign_id, *weighed(1, 1, 0))
    assert await dial(store, campaign_id, [4, 4]) == {1: 4, 2: 4}
    assert await dial(store, campaign_id, [4]) == {3: 4}


async def test_without_weights_who_waits_longest_is_next(store: SqlStore) -> None:
    campaign_id = await world(store, 2, 2)
    earlier = campaign_contacts.update().where(campaign_contacts.c.contact_id == 2_002).values(due_at_ms=T0 - 5)
    await store.write(lambda conn: conn.execute(earlier) and None)
    event = await claim(store, campaign_id, 3)
    assert [one.contact_id for one in event.attempts] == [2_002, 1_001, 1_002]


async def test_a_list_that_is_off_is_not_called_and_the_campaign_waits_for_it(store: SqlStore) -> None:
    campaign_id = await world(store, 3, 2)
    await share(store, campaign_id, ListShare(list_id=ListId(1), is_active=False))
    assert await dial(store, campaign_id, [9]) == {2: 2}
    left = await claim(store, campaign_id, 9)
    assert left.attempts == ()
    assert left.next_due_at_ms is not None, "or the campaign would end"
    [found] = await store.read(why_not, BOOK, ContactId(1_001), T0)
    assert [one.why for one in found.reasons if one.rule == "list"] == [
        "its list people is switched off in this campaign"
    ]
    told = await store.read(waterfall, BOOK, campaign_id, T0)
    assert [(one.rule, one.lost) for one in told.steps[-1:]] == [("list", 3)]
    await share(store, campaign_id, ListShare(list_id=ListId(1)))
    assert await dial(store, campaign_id, [9]) == {1: 3}


async def test_owned_contacts_of_a_list_that_is_off_wait_and_promises_are_kept(store: SqlStore) -> None:
    campaign_id = await world(store, 3, 1)
    await store.write(set_owner, campaign_id, [ContactId(1_001)], AgentId(7))
    await store.write(book_callback, campaign_id, ContactId(1_002), CallbackPlan(at_ms=T0))
    await share(store, campaign_id, *(ListShare(list_id=ListId(one), is_active=False) for one in (1, 2)))
    [event] = await store.commit([ClaimContacts(campaign_id=campaign_id, count=9, agents=(AgentId(7),))], T0)
    assert isinstance(event, AttemptsOpened)
    assert [one.contact_id for one in event.attempts] == [1_002]


async def test_all_of_an_agents_contacts_of_a_list_that_is_off_make_way_at_once(store: SqlStore) -> None:
    """However many of them are first in the line, the next claim already takes those behind them."""
    campaign_id = await world(store, 30, 2)
    agent = AgentId(7)
    await store.write(set_owner, campaign_id, [ContactId(1_001 + n) for n in range(30)], agent)
    await store.write(set_owner, campaign_id, [ContactId(2_001), ContactId(2_002)], agent)
    await share(store, campaign_id, ListShare(list_id=ListId(1), is_active=False))
    ask = ClaimContacts(campaign_id=campaign_id, count=1, agents=(agent,))
    await store.commit([ask], T0)
    of = campaign_contacts.c
    left = select(of.contact_id).where(of.list_id == 1, of.due_at_ms <= T0)
    assert (await store.read(lambda conn: conn.execute(left).all())) == []
    other = select(of.contact_id).where(of.list_id == 2, of.due_at_ms > T0)
    assert (await store.read(lambda conn: conn.execute(other).all())) == [], "those of other lists stay where they are"


async def test_a_share_of_a_list_that_is_not_there_or_makes_no_sense_is_refused(store: SqlStore) -> None:
    campaign_id = await world(store, 1)
    with pytest.raises(NotFound):
        await share(store, campaign_id, ListShare(list_id=ListId(9)))
    for wrong in (ListShare(list_id=ListId(1), weight=-1), ListShare(list_id=ListId(1), priority=101)):
        with pytest.raises(ValueError, match="a weight is"):
            await share(store, campaign_id, wrong)
    assert await store.read(list_shares, campaign_id) == [ListShare(list_id=ListId(1), name="people")]


async def test_every_place_knows_the_list_of_its_contact(store: SqlStore) -> None:
    await world(store, 2, 2)
    found = await store.read(lambda conn: conn.execute(select(campaign_contacts)).all())
    assert {row.contact_id: row.list_id for row in found} == {1_001: 1, 1_002: 1, 2_001: 2, 2_002: 2}
