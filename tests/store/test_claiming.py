"""Claiming: who is dialed next, in which order, who is not, and what that costs."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import func, insert, select, update

from app.agents import CallbackPlan
from app.commands import AddDnc, ClaimContacts, StoreCommand
from app.events import AttemptsOpened
from app.model import OpenedAttempt
from app.outcomes import ContactStatus, Outcome
from app.store import SqlStore, StoreError
from app.store.callbacks import book_callback
from app.store.claiming import PUSH_BACK_MS
from app.store.dnc import add_dnc_numbers
from app.store.progress import get_progress
from app.store.schema import attempts, campaign_contacts, contacts
from app.units import ATTEMPT_ID, CampaignId, ContactId, Number
from tests.store.world import T0, as_found, build, claim, closing, ids, kept_tallies, phone, places, recounted_tallies


async def test_contacts_are_claimed_in_the_order_of_the_line(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(place) for place in range(1, 8)])
    first = await claim(store, campaign_id, 3)
    second = await claim(store, campaign_id, 3)
    third = await claim(store, campaign_id, 3)
    assert [ids(event.attempts) for event in (first, second, third)] == [[1, 2, 3], [4, 5, 6], [7]]
    assert [event.next_due_at_ms for event in (first, second, third)] == [T0, T0, None]
    assert all(ATTEMPT_ID.fullmatch(attempt.attempt_id) for attempt in first.attempts)
    attempt = first.attempts[0]
    assert (attempt.number, attempt.language, attempt.attempts, attempt.faults) == (phone(1), "ru", 0, 0)
    assert attempt.fields == {"City": "Łódź", "name": "Person 1", "phone": phone(1)}


async def test_retries_due_earlier_go_first_and_those_not_due_are_left(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1), phone(2), phone(3)])
    opened = (await claim(store, campaign_id, 3)).attempts
    dues = [T0 + 900, T0 + 300, T0 + 5_000]
    again = [
        closing(attempt, status=ContactStatus.PENDING, due_at_ms=due, is_charged=place != 1)
        for place, (attempt, due) in enumerate(zip(opened, dues, strict=True))
    ]
    await store.commit(again, T0 + 10)
    events = [await claim(store, campaign_id, 1, T0 + 1_000) for _ in range(3)]
    claimed = [attempt for event in events for attempt in event.attempts]
    assert ids(claimed) == [2, 1]
    assert [event.next_due_at_ms for event in events] == [T0 + 900, T0 + 5_000, T0 + 5_000]
    assert [(attempt.attempts, attempt.faults) for attempt in claimed] == [(0, 1), (1, 0)]


async def test_a_claim_of_nobody_changes_nothing(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    for count, now_ms in ((0, T0), (5, T0 - 1)):
        event = await claim(store, campaign_id, count, now_ms)
        assert (event.wanted, event.attempts, event.next_due_at_ms) == (count, (), T0)
    assert (await claim(store, CampaignId(99), 5)).next_due_at_ms is None


async def test_a_head_full_of_do_not_call_numbers_is_settled_without_a_call(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(place) for place in range(1, 301)])
    await store.write(add_dnc_numbers, [phone(place) for place in range(1, 291)], source="import", now_ms=T0)
    event = await claim(store, campaign_id, 4)
    assert ids(event.attempts) == [291, 292, 293, 294]
    assert event.next_due_at_ms == T0
    progress = await store.read(get_progress, campaign_id)
    assert progress.statuses == {
        ContactStatus.DO_NOT_CALL: 290,
        ContactStatus.IN_PROGRESS: 4,
        ContactStatus.PENDING: 6,
    }
    assert progress.outcomes == {Outcome.DO_NOT_CALL: 290}
    assert (await store.read(places))[1] == ("do-not-call", None)


async def test_contacts_whose_number_was_emptied_are_settled_as_invalid(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1), ""])
    line = campaign_contacts.update().where(campaign_contacts.c.contact_id == 2)
    await store.write(lambda conn: conn.execute(line.values(status="pending", due_at_ms=T0)))
    assert ids((await claim(store, campaign_id, 2)).attempts) == [1]
    assert (await store.read(places))[2] == ("invalid number", None)


async def test_a_number_in_a_call_is_not_dialed_by_another_campaign_or_contact(store: SqlStore) -> None:
    one, other = await store.write(build, [phone(1), phone(1), phone(2)], campaigns=2)
    first = await claim(store, one, 3)
    assert ids(first.attempts) == [1, 3], "the second contact has the first one's number"
    later = T0 + 5
    second = await claim(store, other, 3, later)
    assert (second.attempts, second.next_due_at_ms) == ((), later + PUSH_BACK_MS)
    await store.commit([closing(attempt) for attempt in first.attempts], T0 + 6)
    third = await claim(store, other, 1, later + PUSH_BACK_MS)
    assert ids(third.attempts) == [1]


async def test_who_opts_out_in_a_turn_is_not_claimed_in_it(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1), phone(2)])
    optout = AddDnc(number=phone(1), source="keypress")
    commands: list[StoreCommand] = [ClaimContacts(campaign_id=campaign_id, count=2), optout]
    opened, _added = await store.commit(commands, T0)
    assert isinstance(opened, AttemptsOpened)
    assert ids(opened.attempts) == [2]


async def test_a_number_freed_in_a_turn_may_be_claimed_in_it(store: SqlStore) -> None:
    one, other = await store.write(build, [phone(1)], campaigns=2)
    [attempt] = (await claim(store, one, 1)).attempts
    opened, _closed = await store.commit([ClaimContacts(campaign_id=other, count=1), closing(attempt)], T0 + 1)
    assert isinstance(opened, AttemptsOpened)
    assert len(opened.attempts) == 1


async def test_a_failed_commit_leaves_nothing(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(place) for place in range(1, 5)])
    before = (await store.read(places), await store.read(kept_tallies))
    huge = CampaignId(2**70)
    with pytest.raises(StoreError):
        await store.commit(
            [
                AddDnc(number=phone(3), source="keypress"),
                ClaimContacts(campaign_id=campaign_id, count=2),
                ClaimContacts(campaign_id=huge, count=1),
            ],
            T0,
        )
    assert (await store.read(places), await store.read(kept_tallies)) == before
    assert (await store.recover()).attempts == ()
    assert ids((await claim(store, campaign_id, 9)).attempts) == [1, 2, 3, 4]


async def test_an_attempt_that_loses_its_number_to_another_process_goes_back_to_the_line(store: SqlStore) -> None:
    """Between two PostgreSQL transactions the claim cannot see the other's attempt: the unique index decides."""
    [campaign_id] = await store.write(build, [phone(1), phone(2)])
    taken = {"id": "elsewhere1", "campaign_id": campaign_id, "contact_id": 2, "number": phone(2), "opened_at_ms": T0}

    class Twin:
        """An id that is taken: the insert loses as it does when the number is."""

        def __init__(self) -> None:
            self.made = iter(["elsewhere1", "freshid001"])

        def __call__(self, now_ms: int) -> str:
            return next(self.made)

    await store.write(lambda conn: conn.execute(insert(attempts).values(taken | {"closed_at_ms": T0})))
    store._new_id = Twin()  # type: ignore[assignment]
    event = await claim(store, campaign_id, 2)
    assert ids(event.attempts) == [2]
    assert (await store.read(places))[1] == ("pending", T0 + PUSH_BACK_MS)
    assert event.next_due_at_ms == T0 + PUSH_BACK_MS
    progress = await store.read(get_progress, campaign_id)
    assert progress.statuses == {ContactStatus.PENDING: 1, ContactStatus.IN_PROGRESS: 1}


async def test_processes_that_claim_at_once_never_share_a_contact_or_number(url: str) -> None:
    numbers = [phone(place % 150) for place in range(200)]
    async with await SqlStore.open(url) as one, await SqlStore.open(url, with_migrations=False) as other:
        both = await one.write(build, numbers, campaigns=2)

        opened: list[OpenedAttempt] = []
        for minute in range(4):  # who met a number in a call is pushed back, and looked at again
            now_ms = T0 + minute * (PUSH_BACK_MS + 1)
            turns = [(store, both[turn % 2]) for turn in range(16) for store in (one, other)]
            events = await asyncio.gather(*(claim(store, campaign_id, 7, now_ms) for store, campaign_id in turns))
            opened += [attempt for event in events for attempt in event.attempts]
        dialed = [attempt.number for attempt in opened]
        assert sorted(dialed) == sorted(set(numbers)), "each number is in one live attempt"
        assert len({(attempt.campaign_id, attempt.contact_id) for attempt in opened}) == len(opened)
        live = await one.read(lambda conn: conn.execute(select(func.count()).select_from(attempts)).scalar_one())
        assert live == len(opened)
        assert await one.read(kept_tallies) == await one.read(recounted_tallies)


async def test_recovery_tells_of_open_attempts_as_they_were_claimed(url: str) -> None:
    async with await SqlStore.open(url) as store:
        [campaign_id] = await store.write(build, [phone(place) for place in range(1, 6)])
        first = await claim(store, campaign_id, 3)
        await store.commit([closing(first.attempts[1])], T0 + 1)
    async with await SqlStore.open(url) as store:
        recovered = (await store.recover()).attempts
    assert sorted(recovered, key=lambda attempt: attempt.contact_id) == [
        as_found(first.attempts[0]),
        as_found(first.attempts[2]),
    ]


async def test_the_database_itself_refuses_a_second_live_attempt_to_a_number(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1), phone(2)])
    await claim(store, campaign_id, 1)
    second = {"id": "byhand0001", "campaign_id": campaign_id, "contact_id": 2, "number": phone(1), "opened_at_ms": T0}
    with pytest.raises(StoreError):
        await store.write(lambda conn: conn.execute(insert(attempts).values(second)))


async def test_numbers_whose_trunks_are_shut_are_passed_over_and_hold_up_nobody(store: SqlStore) -> None:
    """A thousand of them before those who can be called; they keep their place in time and cost no attempt."""
    shut = [f"+1310555{place:04}" for place in range(1_000)]
    reachable = ["+12025550100", phone(1), "+12025550101", phone(2)]
    [campaign_id] = await store.write(build, [*shut, *reachable])
    command = ClaimContacts(
        campaign_id=campaign_id,
        count=3,
        shut_prefixes=("+1", "+7"),
        open_prefixes=("+44", "+1202"),
        shut_until_ms=T0 + 15_000,
    )
    taken: list[str] = []
    for _ in range(4):
        [event] = await store.commit([command], T0)
        assert isinstance(event, AttemptsOpened)
        taken += [attempt.number for attempt in event.attempts]
    assert taken == reachable
    assert (await claim(store, campaign_id, 1)).next_due_at_ms == T0 + 15_000
    where = await store.read(places)
    assert {where[contact_id] for contact_id in range(1, 1_001)} == {("pending", T0 + 15_000)}
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)
    event = await claim(store, campaign_id, 2, T0 + 15_000)
    assert ids(event.attempts) == [1, 2], "once a trunk is open they are called in the old order"


async def test_a_shut_number_on_the_do_not_call_list_or_without_digits_is_settled_all_the_same(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1), "+12025550100"])
    await store.write(add_dnc_numbers, [Number("+12025550100")], source="api", now_ms=T0)
    command = ClaimContacts(campaign_id=campaign_id, count=2, shut_prefixes=("+",), shut_until_ms=T0 + 1_000)
    [event] = await store.commit([command], T0)
    assert isinstance(event, AttemptsOpened)
    assert not event.attempts
    assert await store.read(places) == {1: ("pending", T0 + 1_000), 2: ("do-not-call", None)}


async def phones(store: SqlStore, contact: int, *numbers: str) -> None:
    """All phones of a contact."""
    values = {f"phone{place}": number for place, number in enumerate(numbers, 1)}
    await store.write(lambda conn: conn.execute(update(contacts).where(contacts.c.id == contact).values(values)))


async def test_a_barred_phone_gives_way_to_the_next_that_is_free(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1), phone(2), phone(3), phone(4)])
    await phones(store, 1, phone(1), "", phone(11), phone(12))
    await phones(store, 2, phone(2), phone(21))
    await store.write(add_dnc_numbers, [phone(1), phone(11), phone(2), phone(21), phone(3)], source="api", now_ms=T0)
    before = await store.read(places)
    dialed: list[tuple[int, str]] = []
    for _ in range(3):
        dialed += [(one.contact_id, one.number) for one in (await claim(store, campaign_id, 3)).attempts]
    assert sorted(dialed) == [(1, phone(12)), (4, phone(4))]
    now = await store.read(places)
    assert now[1] == ("in progress", before[1][1]), "its place in the line is kept"
    assert (now[2], now[3]) == (("do-not-call", None), ("do-not-call", None))
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)


async def test_a_phone_that_was_no_good_is_not_turned_to_and_a_person_is_barred_on_all(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1), phone(2)])
    [attempt] = (await claim(store, campaign_id, 1)).attempts
    wrong = closing(attempt, outcome=Outcome.INVALID_NUMBER, status=ContactStatus.PENDING, due_at_ms=T0)
    await phones(store, 1, phone(1), phone(11))
    await phones(store, 2, phone(2), phone(21))
    await store.commit([replace(wrong, result=replace(wrong.result, next=replace(wrong.result.next, phone=2)))], T0)
    await store.write(add_dnc_numbers, [phone(11)], source="api", now_ms=T0)
    await store.commit([AddDnc(number=phone(2), source="api", contact_id=ContactId(2))], T0)
    assert (await claim(store, campaign_id, 5)).attempts == ()
    assert {status for status, _ in (await store.read(places)).values()} == {"do-not-call"}
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)


async def test_a_promise_and_an_owner_are_kept_when_a_claim_turns_to_another_phone(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    await phones(store, 1, phone(1), phone(11))
    await store.write(book_callback, campaign_id, ContactId(1), CallbackPlan(at_ms=T0 + 5, agent_id=None))
    await store.write(add_dnc_numbers, [phone(1)], source="api", now_ms=T0)
    assert (await claim(store, campaign_id, 1, T0 + 4)).attempts == ()
    found: list[OpenedAttempt] = []
    for _ in range(2):
        found += (await claim(store, campaign_id, 1, T0 + 5)).attempts
    assert [(one.number, one.is_callback) for one in found] == [(phone(11), True)]
