"""Strategies on disk, and the phone that a contact is called on next."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Connection, update

from app.model import ContactNext
from app.outcomes import ContactStatus, Outcome
from app.store import SqlStore, campaigns, strategies
from app.store.errors import InUse, NotFound
from app.store.schema import contacts
from app.store.strategies import StrategyVersion
from app.units import CampaignId
from tests.store.world import T0, build, claim, closing, phone

SOURCE = "title: Evenings\nafter: {busy: {wait: 5m, phone: next}, anything else: close}\n"


async def world(store: SqlStore, *more: str) -> CampaignId:
    """One contact with a first phone and some more, in a campaign."""

    def made(conn: Connection) -> CampaignId:
        [campaign_id] = build(conn, [phone(1)])
        given = {f"phone{place}": number for place, number in enumerate(more, 2)}
        if given:
            conn.execute(update(contacts).values(given))
        return campaign_id

    return await store.write(made)


async def saved(store: SqlStore, source: str = SOURCE, now_ms: int = T0) -> StrategyVersion:
    return await store.write(strategies.create_strategy, name="evenings", source=source, now_ms=now_ms)


async def following(store: SqlStore) -> CampaignId:
    """A campaign that follows the strategy."""
    campaign_id = await world(store)
    plan = (await store.read(campaigns.get_campaign, campaign_id)).campaign
    await store.write(campaigns.update_campaign, replace(plan, strategy=(await saved(store)).strategy))
    return campaign_id


async def test_a_campaign_follows_the_newest_version(store: SqlStore) -> None:
    campaign_id = await following(store)
    first = (await store.read(campaigns.get_campaign, campaign_id)).campaign.strategy
    again = await saved(store, now_ms=T0 + 1)
    assert again.strategy == first, "the same text is no new version"
    second = await saved(store, SOURCE.replace("5m", "7m"), T0 + 2)
    entry = await store.read(campaigns.get_campaign, campaign_id)
    assert (second.version, entry.campaign.strategy) == (2, second.strategy)
    assert second.strategy != first
    assert [one.version for one in await store.read(strategies.list_strategy_versions, "evenings")] == [2, 1]
    assert [one.version for one in await store.read(strategies.list_strategies)] == [2]


async def test_a_strategy_in_use_stays_and_an_unknown_one_is_refused(store: SqlStore) -> None:
    campaign_id = await following(store)
    with pytest.raises(InUse, match="followed by 1 campaign"):
        await store.write(strategies.remove_strategy, "evenings")
    plan = (await store.read(campaigns.get_campaign, campaign_id)).campaign
    assert plan.strategy is not None
    other = replace(plan, strategy=replace(plan.strategy, name="other"))
    with pytest.raises(NotFound, match="strategy"):
        await store.write(campaigns.update_campaign, other)
    await store.write(campaigns.update_campaign, replace(plan, strategy=None))
    await store.write(strategies.remove_strategy, "evenings")
    assert await store.read(strategies.list_strategies) == []
    with pytest.raises(NotFound):
        await store.write(strategies.remove_strategy, "evenings")


async def test_the_next_try_is_on_the_phone_that_was_chosen_and_knows_the_tries_before(store: SqlStore) -> None:
    campaign_id = await world(store, "", phone(3))
    [opened] = (await claim(store, campaign_id, 5)).attempts
    assert (opened.number, opened.phones.numbers[:3], opened.tries) == (phone(1), (phone(1), "", phone(3)), ())
    end = closing(opened, outcome=Outcome.WRONG_NUMBER)
    then = ContactNext(status=ContactStatus.PENDING, due_at_ms=T0, attempts=1, phone=3)
    await store.commit([replace(end, result=replace(end.result, next=then))], T0 + 1)
    [again] = (await claim(store, campaign_id, 5, T0 + 2)).attempts
    assert again.number == phone(3)
    assert [(one.number, one.outcome, one.is_charged) for one in again.tries] == [
        (phone(1), Outcome.WRONG_NUMBER, True)
    ]
    recovered = await store.recover()
    assert [(one.tries, one.phones) for one in recovered.attempts] == [(again.tries, again.phones)], "after a restart"


async def test_a_chosen_phone_that_is_empty_by_now_falls_back_to_the_first(store: SqlStore) -> None:
    campaign_id = await world(store, phone(2))
    [opened] = (await claim(store, campaign_id, 5)).attempts
    end = closing(opened, outcome=Outcome.NO_ANSWER)
    then = ContactNext(status=ContactStatus.PENDING, due_at_ms=T0, attempts=1, phone=5)
    await store.commit([replace(end, result=replace(end.result, next=then))], T0 + 1)
    [again] = (await claim(store, campaign_id, 5, T0 + 2)).attempts
    assert again.number == phone(1)


async def test_tries_of_another_campaign_are_not_told(store: SqlStore) -> None:
    first, second = await store.write(build, [phone(1)], 2)
    [opened] = (await claim(store, first, 5)).attempts
    await store.commit([closing(opened, status=ContactStatus.PENDING, due_at_ms=T0)], T0 + 1)
    [other] = (await claim(store, second, 5, T0 + 2)).attempts
    assert other.tries == ()
