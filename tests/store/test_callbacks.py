"""Owners and callbacks: whom a claim gives to whom, in which order, and what becomes of a promise."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.agents import CALLBACK_WINDOW_MS, CallbackPlan
from app.commands import AddDnc
from app.model import OpenedAttempt
from app.outcomes import ContactStatus, Outcome
from app.store import NotFound, SqlStore
from app.store.callbacks import (
    book_callback,
    callbacks_page,
    cancel_callback,
    due_callbacks,
    get_callback,
)
from app.store.claiming import PUSH_BACK_MS
from app.store.dnc import add_dnc_numbers
from app.store.errors import InUse
from app.store.owners import set_owner
from app.store.schema import campaign_contacts
from app.units import HOUR_MS, AgentId, CampaignId, ContactId
from tests.store.floor import ANN, BOB, claim_for, hire, talk, talked
from tests.store.world import T0, build, claim, closing, ids, kept_tallies, phone, places, recounted_tallies

DUE = T0 + HOUR_MS
MISSED = DUE + CALLBACK_WINDOW_MS


async def promise(store: SqlStore, attempt: OpenedAttempt, plan: CallbackPlan, now_ms: int = T0 + 9) -> None:
    ended = talked(attempt, talk(disposition="callback"), status=ContactStatus.PENDING, callback=plan)
    await store.commit([ended], now_ms)


def for_whom(attempts: tuple[OpenedAttempt, ...]) -> list[tuple[int, AgentId | None, bool]]:
    return [(attempt.contact_id, attempt.agent_id, attempt.is_callback) for attempt in attempts]


async def world(store: SqlStore, contacts: int = 6) -> CampaignId:
    [campaign_id] = await store.write(build, [phone(place) for place in range(1, contacts + 1)])
    await store.write(hire, "ann", "bob")
    return campaign_id


async def test_a_personal_callback_waits_for_its_agent_and_comes_before_everybody(store: SqlStore) -> None:
    campaign_id = await world(store)
    [one] = (await claim(store, campaign_id, 1)).attempts
    await promise(store, one, CallbackPlan(at_ms=DUE, agent_id=ANN))
    assert for_whom((await claim_for(store, campaign_id, 1, ANN, now_ms=DUE - 1)).attempts) == [(2, None, False)]
    assert for_whom((await claim_for(store, campaign_id, 1, BOB, now_ms=DUE)).attempts) == [(3, None, False)]
    assert for_whom((await claim_for(store, campaign_id, 2, BOB, ANN, now_ms=DUE)).attempts) == [
        (1, ANN, True),
        (4, None, False),
    ]


async def test_a_missed_personal_callback_is_anyones(store: SqlStore) -> None:
    campaign_id = await world(store)
    [one] = (await claim(store, campaign_id, 1)).attempts
    await promise(store, one, CallbackPlan(at_ms=DUE, agent_id=ANN, until_ms=DUE + 5))
    assert for_whom((await claim_for(store, campaign_id, 1, BOB, now_ms=DUE + 4)).attempts) == [(2, None, False)]
    assert for_whom((await claim_for(store, campaign_id, 1, BOB, now_ms=DUE + 5)).attempts) == [(1, None, True)]


async def test_a_callback_without_a_window_has_the_usual_one(store: SqlStore) -> None:
    campaign_id = await world(store, 1)
    [one] = (await claim(store, campaign_id, 1)).attempts
    await promise(store, one, CallbackPlan(at_ms=DUE, agent_id=ANN))
    assert (await claim(store, campaign_id, 1, MISSED - 1)).attempts == ()
    assert for_whom((await claim(store, campaign_id, 1, MISSED)).attempts) == [(1, None, True)]


async def test_a_callback_of_anyone_comes_before_those_who_wait_longer(store: SqlStore) -> None:
    campaign_id = await world(store)
    [one] = (await claim(store, campaign_id, 1)).attempts
    await promise(store, one, CallbackPlan(at_ms=DUE))
    assert for_whom((await claim(store, campaign_id, 2, DUE)).attempts) == [(1, None, True), (2, None, False)]


async def test_an_agent_gets_one_promise_at_a_time(store: SqlStore) -> None:
    """Two people called at once for one agent: one of them would be hung up on."""
    campaign_id = await world(store)
    opened = (await claim(store, campaign_id, 4)).attempts
    for attempt, agent_id in zip(opened, (ANN, ANN, ANN, BOB), strict=True):
        await promise(store, attempt, CallbackPlan(at_ms=DUE, agent_id=agent_id))
    first = await claim_for(store, campaign_id, 3, ANN, BOB, now_ms=DUE)
    assert for_whom(first.attempts) == [(1, ANN, True), (4, BOB, True), (5, None, False)]
    where = await store.read(places)
    assert (where[2], where[3]) == (("pending", DUE), ("pending", DUE)), "the other promises wait where they were"
    assert for_whom((await claim_for(store, campaign_id, 3, ANN, now_ms=DUE)).attempts) == [
        (2, ANN, True),
        (6, None, False),
    ]


async def test_owned_contacts_are_dialed_for_their_owner_alone(store: SqlStore) -> None:
    campaign_id = await world(store)
    assert await store.write(set_owner, campaign_id, [ContactId(1), ContactId(2)], ANN) == 2
    assert await store.write(set_owner, campaign_id, [ContactId(3)], BOB) == 1
    assert for_whom((await claim(store, campaign_id, 9)).attempts) == [
        (4, None, False),
        (5, None, False),
        (6, None, False),
    ]
    nobody = await claim(store, campaign_id, 9, T0 + 5)
    assert (nobody.attempts, nobody.next_due_at_ms) == ((), T0 + 5 + PUSH_BACK_MS), "they wait, and nobody spins"
    mine = await claim_for(store, campaign_id, 9, ANN)
    assert (for_whom(mine.attempts), mine.next_due_at_ms) == ([(1, ANN, False)], T0)
    assert (await store.read(places))[3] == ("pending", T0), "who is not looked at keeps their place"
    await store.write(set_owner, campaign_id, [ContactId(2), ContactId(3)], None)
    assert ids((await claim(store, campaign_id, 9)).attempts) == [2, 3]


async def test_many_owned_contacts_at_the_head_hold_up_nobody(store: SqlStore) -> None:
    campaign_id = await world(store, 1_200)
    await store.write(set_owner, campaign_id, [ContactId(one) for one in range(1, 1_101)], ANN)
    assert ids((await claim_for(store, campaign_id, 3, BOB)).attempts) == [1_101, 1_102, 1_103]
    assert ids((await claim_for(store, campaign_id, 3, ANN)).attempts) == [1, 1_104, 1_105]


async def test_do_not_call_counts_for_promises_and_owned_contacts_too(store: SqlStore) -> None:
    campaign_id = await world(store)
    one, two = (await claim(store, campaign_id, 2)).attempts
    await promise(store, one, CallbackPlan(at_ms=DUE, agent_id=ANN))
    await promise(store, two, CallbackPlan(at_ms=DUE))
    await store.write(set_owner, campaign_id, [ContactId(3), ContactId(4)], ANN)
    await store.write(add_dnc_numbers, [phone(1), phone(2), phone(3)], source="api", now_ms=DUE)
    event = await claim_for(store, campaign_id, 2, ANN, now_ms=DUE)
    assert for_whom(event.attempts) == [(4, ANN, False), (5, None, False)]
    where = await store.read(places)
    assert [where[contact][0] for contact in (1, 2, 3)] == ["do-not-call"] * 3
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)


async def test_a_promise_is_kept_until_somebody_talked_with_them(store: SqlStore) -> None:
    campaign_id = await world(store, 1)
    [one] = (await claim(store, campaign_id, 1)).attempts
    await promise(store, one, CallbackPlan(at_ms=DUE, agent_id=ANN))
    [again] = (await claim_for(store, campaign_id, 1, ANN, now_ms=DUE)).attempts
    await store.commit([closing(again, status=ContactStatus.PENDING, due_at_ms=DUE + 60)], DUE + 1)
    busy = await store.read(get_callback, campaign_id, ContactId(1))
    assert (busy.at_ms, busy.due_at_ms, busy.agent_id) == (DUE, DUE + 60, ANN)
    assert (await claim_for(store, campaign_id, 1, ANN, now_ms=DUE + 59)).attempts == ()
    [third] = (await claim_for(store, campaign_id, 1, ANN, now_ms=DUE + 60)).attempts
    assert (third.agent_id, third.is_callback) == (ANN, True)
    retry = talked(third, talk(disposition="no-decision"), status=ContactStatus.PENDING, due_at_ms=DUE + 99)
    await store.commit([retry], DUE + 70)
    with pytest.raises(NotFound):
        await store.read(get_callback, campaign_id, ContactId(1))
    assert for_whom((await claim(store, campaign_id, 1, DUE + 99)).attempts) == [(1, None, False)]


async def test_an_opt_out_ends_a_promise(store: SqlStore) -> None:
    campaign_id = await world(store, 1)
    [one] = (await claim(store, campaign_id, 1)).attempts
    later = talked(one, talk(), status=ContactStatus.PENDING, callback=CallbackPlan(at_ms=DUE))
    await store.commit([later, AddDnc(number=phone(1), source="agent")], T0 + 5)
    assert await store.read(places) == {1: ("do-not-call", None)}
    place = await store.read(lambda conn: conn.execute(select(campaign_contacts)).one())
    assert (place.callback_at_ms, place.callback_until_ms) == (None, None)


async def test_a_contact_that_is_done_has_no_promise_left(store: SqlStore) -> None:
    campaign_id = await world(store, 1)
    [one] = (await claim(store, campaign_id, 1)).attempts
    await promise(store, one, CallbackPlan(at_ms=DUE))
    [again] = (await claim(store, campaign_id, 1, DUE)).attempts
    gone = closing(again, outcome=Outcome.NO_ANSWER, status=ContactStatus.RETRIES_COMPLETED)
    await store.commit([gone], DUE + 1)
    place = await store.read(lambda conn: conn.execute(select(campaign_contacts)).one())
    assert (place.status, place.callback_at_ms) == ("retries completed", None)


async def test_callbacks_are_listed_by_time_and_told_to_who_is_to_keep_them(store: SqlStore) -> None:
    campaign_id = await world(store)
    opened = (await claim(store, campaign_id, 5)).attempts
    plans = [
        CallbackPlan(at_ms=DUE + 30, agent_id=ANN),
        CallbackPlan(at_ms=DUE + 10),
        CallbackPlan(at_ms=DUE + 20, agent_id=BOB),
        CallbackPlan(at_ms=DUE + 20, agent_id=ANN),
        CallbackPlan(at_ms=DUE + 40),
    ]
    for attempt, plan in zip(opened, plans, strict=True):
        await promise(store, attempt, plan)
    first = await store.read(callbacks_page, limit=2)
    second = await store.read(callbacks_page, limit=2, after=first.next_after)
    third = await store.read(callbacks_page, limit=2, after=second.next_after)
    listed = [[one.contact_id for one in page.callbacks] for page in (first, second, third)]
    assert (listed, third.next_after) == ([[2, 3], [4, 1], [5]], None)
    entry = first.callbacks[1]
    assert (entry.agent_name, entry.contact_name, entry.number, entry.campaign_name) == (
        "bob",
        "Person 3",
        phone(3),
        "campaign 0",
    )
    assert [one.contact_id for one in (await store.read(callbacks_page, agent_id=ANN)).callbacks] == [4, 1]
    assert (await store.read(callbacks_page, campaign_id=CampaignId(9))).callbacks == ()
    mine = await store.read(due_callbacks, ANN, [campaign_id], DUE + 30)
    assert [one.contact_id for one in mine] == [2, 4, 1]
    assert [one.contact_id for one in await store.read(due_callbacks, ANN, [], DUE + 30)] == [4, 1]


async def test_a_callback_is_booked_moved_and_cancelled(store: SqlStore) -> None:
    campaign_id = await world(store, 3)
    one, _two, three = (await claim(store, campaign_id, 3)).attempts
    await store.commit([talked(one, talk()), closing(three, status=ContactStatus.DO_NOT_CALL)], T0 + 5)
    booked = await store.write(book_callback, campaign_id, ContactId(1), CallbackPlan(at_ms=DUE, agent_id=ANN))
    assert (booked.at_ms, booked.until_ms, booked.agent_name) == (DUE, MISSED, "ann")
    moved = await store.write(book_callback, campaign_id, ContactId(1), CallbackPlan(at_ms=DUE + 7))
    assert (moved.at_ms, moved.due_at_ms, moved.agent_id) == (DUE + 7, DUE + 7, None)
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)
    await store.write(cancel_callback, campaign_id, ContactId(1))
    assert (await store.read(places))[1] == ("connected", None)
    await store.write(book_callback, campaign_id, ContactId(1), CallbackPlan(at_ms=DUE))
    await store.write(cancel_callback, campaign_id, ContactId(1), is_done=False)
    assert (await store.read(places))[1] == ("pending", DUE)
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)
    with pytest.raises(NotFound):
        await store.write(cancel_callback, campaign_id, ContactId(1))
    with pytest.raises(InUse, match="being called now"):
        await store.write(book_callback, campaign_id, ContactId(2), CallbackPlan(at_ms=DUE))
    with pytest.raises(InUse, match="do-not-call"):
        await store.write(book_callback, campaign_id, ContactId(3), CallbackPlan(at_ms=DUE))
    with pytest.raises(NotFound):
        await store.write(book_callback, campaign_id, ContactId(77), CallbackPlan(at_ms=DUE))


async def test_the_line_says_when_to_look_again_for_a_promise(store: SqlStore) -> None:
    campaign_id = await world(store, 1)
    [one] = (await claim(store, campaign_id, 1)).attempts
    await promise(store, one, CallbackPlan(at_ms=DUE, agent_id=ANN))
    assert (await claim(store, campaign_id, 1)).next_due_at_ms == MISSED, "for whoever it is not"
    assert (await claim_for(store, campaign_id, 1, ANN)).next_due_at_ms == DUE
