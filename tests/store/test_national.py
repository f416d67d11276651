"""National lists: editions that replace each other whole, who honours them, and what their age does."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, func, select

from app.agent_commands import OpenManual
from app.agent_events import ManualRefused
from app.store import Duplicate, InUse, NotFound, SqlStore
from app.store.dnc import is_dnc
from app.store.national import (
    Honoured,
    add_national_numbers,
    all_national_lists,
    begin_edition,
    clear_piece,
    create_national_list,
    fail_edition,
    honoured_by,
    national_list_named,
    publish_edition,
    remove_national_list,
    set_honoured,
    stale_list,
)
from app.store.schema import national_numbers
from app.units import DAY_MS, AgentId, CampaignId
from tests.store.world import T0, build, claim, ids, phone


def edition(conn: Connection, name: str, numbers: list[str], *, as_of_ms: int = T0, is_published: bool = True) -> int:
    """A new edition of a list, which is made where there is none."""
    if name not in {one.name for one in all_national_lists(conn)}:
        create_national_list(conn, name=name, country="GB", now_ms=T0)
    found = national_list_named(conn, name)
    made = begin_edition(conn, found.id, as_of_ms=as_of_ms, file_name="tps.txt", who="ann", now_ms=T0)
    added = add_national_numbers(conn, made, [int(number[1:]) for number in numbers])
    if is_published:
        publish_edition(conn, made, numbers=added, rejected=0, now_ms=T0)
    return made


def rows(conn: Connection) -> int:
    return int(conn.execute(select(func.count()).select_from(national_numbers)).scalar_one())


async def test_only_campaigns_that_honour_a_list_leave_its_numbers_alone(store: SqlStore) -> None:
    one, other = await store.write(build, [phone(1), phone(2)], 2)
    await store.write(edition, "TPS", [phone(1)])
    await store.write(set_honoured, one, [Honoured(name="TPS", max_age_days=28)])
    assert ids((await claim(store, one, 5)).attempts) == [2]
    assert ids((await claim(store, other, 5)).attempts) == [1]
    assert await store.read(is_dnc, phone(1), campaign_id=one)
    assert not await store.read(is_dnc, phone(1))


async def test_an_edition_counts_only_once_it_is_whole(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1), phone(2), phone(3)])
    await store.write(edition, "TPS", [phone(1)])
    await store.write(set_honoured, campaign_id, [Honoured(name="TPS", max_age_days=28)])
    half = await store.write(edition, "TPS", [phone(2)], is_published=False)
    assert await store.read(is_dnc, phone(1), campaign_id=campaign_id)
    assert not await store.read(is_dnc, phone(2), campaign_id=campaign_id)
    await store.write(publish_edition, half, numbers=1, rejected=0, now_ms=T0)
    assert not await store.read(is_dnc, phone(1), campaign_id=campaign_id)
    assert await store.read(is_dnc, phone(2), campaign_id=campaign_id)


async def test_what_is_replaced_or_failed_is_cleared_away_and_the_rest_stays(store: SqlStore) -> None:
    await store.write(edition, "TPS", [phone(place) for place in range(10)])
    present = await store.write(edition, "TPS", [phone(place) for place in range(3)])
    failed = await store.write(edition, "CTPS", [phone(place) for place in range(5)], is_published=False)
    await store.write(fail_edition, failed, rejected=1, now_ms=T0)
    loading = await store.write(edition, "TPS", [phone(place) for place in range(2)], is_published=False)
    assert await store.read(rows) == 20
    while await store.write(clear_piece, T0 + 5):
        pass
    assert await store.read(rows) == 5
    assert present < loading
    while await store.write(clear_piece, T0 + 2 * DAY_MS):  # its program died
        pass
    assert await store.read(rows) == 3


@pytest.mark.parametrize(("age_ms", "called"), [(28 * DAY_MS - 1, [2]), (28 * DAY_MS, []), (400 * DAY_MS, [])])
async def test_nobody_is_called_on_a_list_that_is_too_old_and_it_says_so(
    store: SqlStore, age_ms: int, called: list[int]
) -> None:
    [campaign_id] = await store.write(build, [phone(1), phone(2)])
    await store.write(edition, "TPS", [phone(1)], as_of_ms=T0 + 9 - age_ms)
    await store.write(set_honoured, campaign_id, [Honoured(name="TPS", max_age_days=28)])
    event = await claim(store, campaign_id, 5, T0 + 9)
    assert ids(event.attempts) == called
    assert bool(event.hindrance) is not bool(called)
    if event.hindrance:
        days = age_ms // DAY_MS
        assert event.hindrance == (f"the national list TPS is {days} days old, not under 28: import a newer one")
        asked = OpenManual(agent_id=AgentId(1), campaign_id=campaign_id, number=phone(2), contact_id=None)
        [refused] = await store.commit([asked], T0 + 9)
        assert isinstance(refused, ManualRefused)
        assert refused.reason == event.hindrance


async def test_a_list_without_an_edition_keeps_its_campaigns_from_calling(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    await store.write(create_national_list, name="Robinson", country="DE", now_ms=T0)
    await store.write(set_honoured, campaign_id, [Honoured(name="Robinson", max_age_days=30)])
    assert "Robinson has no numbers yet" in (await claim(store, campaign_id, 1)).hindrance
    await store.write(edition, "Robinson", [])
    assert await store.read(stale_list, campaign_id, T0) == ""
    await store.write(set_honoured, campaign_id, [])
    assert await store.read(honoured_by, campaign_id) == []


async def test_lists_are_told_with_age_and_size_and_are_not_removed_while_honoured(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    await store.write(edition, "TPS", [phone(1), phone(2)], as_of_ms=T0 - 5)
    with pytest.raises(Duplicate):
        await store.write(create_national_list, name="TPS", country="GB", now_ms=T0)
    await store.write(set_honoured, campaign_id, [Honoured(name="TPS", max_age_days=28)])
    [told] = await store.read(all_national_lists)
    assert (told.name, told.country, told.numbers, told.as_of_ms, told.campaigns) == ("TPS", "GB", 2, T0 - 5, 1)
    assert await store.read(honoured_by, campaign_id) == [Honoured(name="TPS", max_age_days=28, as_of_ms=T0 - 5)]
    with pytest.raises(InUse, match="1 campaigns honour"):
        await store.write(remove_national_list, "TPS")
    await store.write(set_honoured, campaign_id, [])
    await store.write(remove_national_list, "TPS")
    while await store.write(clear_piece, T0):
        pass
    assert await store.read(rows) == 0
    for unknown in (
        store.write(remove_national_list, "TPS"),
        store.write(set_honoured, campaign_id, [Honoured(name="TPS", max_age_days=1)]),
        store.write(set_honoured, CampaignId(77), []),
    ):
        with pytest.raises(NotFound):
            await unknown


async def test_the_longest_number_there_is_does_not_run_into_the_next_edition(store: SqlStore) -> None:
    longest = "+999999999999999"
    [campaign_id] = await store.write(build, [longest, "+10000"])
    await store.write(edition, "A", [longest])
    await store.write(edition, "B", [])
    await store.write(set_honoured, campaign_id, [Honoured(name="A", max_age_days=9)])
    assert ids((await claim(store, campaign_id, 5)).attempts) == [2]
