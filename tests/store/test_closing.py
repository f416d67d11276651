"""Closing: what an attempt's end writes, once."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import update

from app.agents import CallbackPlan
from app.commands import AddDnc, SetCampaignStatus
from app.events import AttemptClosed, CampaignStatusSaved, DncAdded
from app.model import CallFacts, CampaignStatus
from app.outcomes import ContactStatus, Outcome
from app.store import SqlStore
from app.store.attempts import attempts_page, get_attempt
from app.store.callbacks import book_callback
from app.store.campaigns import get_campaign
from app.store.dnc import add_dnc_numbers, dnc_page, is_dnc
from app.store.progress import get_progress
from app.store.schema import campaign_contacts, contacts
from app.units import ContactId
from tests.store.world import T0, build, claim, closing, kept_tallies, phone, places, recounted_tallies


async def test_an_end_is_written_with_all_that_was_learned(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    [attempt] = (await claim(store, campaign_id, 1)).attempts
    command = closing(attempt, outcome=Outcome.CONNECTED_TO_IVR, status=ContactStatus.CONNECTED)
    events = await store.commit([command], T0 + 9)
    assert events == [
        AttemptClosed(attempt_id=attempt.attempt_id, campaign_id=campaign_id, outcome=Outcome.CONNECTED_TO_IVR)
    ]
    entry = await store.read(get_attempt, attempt.attempt_id)
    assert entry.facts == command.result.facts
    assert (entry.outcome, entry.is_charged, entry.closed_at_ms) == (Outcome.CONNECTED_TO_IVR, True, T0 + 9)
    assert (entry.contact_name, entry.number, entry.flow) == ("Person 1", phone(1), {"keys": ["1"]})
    assert (await store.read(places))[1] == ("connected", None)
    assert (await store.recover()).attempts == ()


async def test_closing_twice_counts_once(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    [attempt] = (await claim(store, campaign_id, 1)).attempts
    first = closing(attempt, outcome=Outcome.NO_ANSWER, status=ContactStatus.NOT_CONNECTED)
    second = closing(attempt, outcome=Outcome.BUSY, status=ContactStatus.PENDING, due_at_ms=T0)
    assert len(await store.commit([first, second], T0 + 1)) == 2
    assert len(await store.commit([second], T0 + 2)) == 1
    progress = await store.read(get_progress, campaign_id)
    assert progress.outcomes == {Outcome.NO_ANSWER: 1}
    assert progress.statuses == {ContactStatus.NOT_CONNECTED: 1}
    assert (progress.total, progress.attempts, progress.settled) == (1, 1, 1)
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)


async def test_charged_and_uncharged_tries_are_counted_apart(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    seen = []
    for turn, is_charged in enumerate((True, False, False, True)):
        [attempt] = (await claim(store, campaign_id, 1, T0 + turn)).attempts
        seen.append((attempt.attempts, attempt.faults))
        again = closing(attempt, is_charged=is_charged, status=ContactStatus.PENDING, due_at_ms=T0 + turn + 1)
        await store.commit([again], T0 + turn)
    assert seen == [(0, 0), (1, 0), (1, 1), (1, 2)]


async def test_do_not_call_wins_over_a_retry_whoever_asked_for_it(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1), phone(2), phone(3)])
    one, two, three = (await claim(store, campaign_id, 3)).attempts
    await store.write(add_dnc_numbers, [phone(1)], source="api", now_ms=T0)
    again = [closing(attempt, status=ContactStatus.PENDING, due_at_ms=T0 + 5) for attempt in (one, two, three)]
    await store.commit([*again, AddDnc(number=phone(2), source="keypress", attempt_id=two.attempt_id)], T0 + 1)
    assert await store.read(places) == {
        1: ("do-not-call", None),
        2: ("do-not-call", None),
        3: ("pending", T0 + 5),
    }
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)


async def phones_of(store: SqlStore, contact: int, *numbers: str) -> None:
    values = {f"phone{place}": number for place, number in enumerate(numbers, 1)}
    await store.write(lambda conn: conn.execute(update(contacts).where(contacts.c.id == contact).values(values)))


async def test_a_number_barred_in_its_call_leaves_the_contact_to_another_phone(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(place) for place in range(1, 6)])
    for contact in range(1, 5):
        await phones_of(store, contact, phone(contact), phone(10 + contact), phone(20 + contact))
    opened = (await claim(store, campaign_id, 5)).attempts
    await store.write(add_dnc_numbers, [phone(place) for place in (1, 2, 12, 3, 13, 23, 5)], source="api", now_ms=T0)
    optout = AddDnc(number=phone(4), source="agent", attempt_id=opened[3].attempt_id)  # a person, not a number
    again = [closing(attempt, status=ContactStatus.PENDING, due_at_ms=T0 + 5) for attempt in opened]
    await store.commit([*again, optout], T0 + 1)
    assert await store.read(places) == {
        1: ("pending", T0 + 5),
        2: ("pending", T0 + 5),
        3: ("do-not-call", None),
        4: ("do-not-call", None),
        5: ("do-not-call", None),
    }
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)
    now = (await claim(store, campaign_id, 5, T0 + 6)).attempts
    assert [(one.contact_id, one.number) for one in now] == [(1, phone(11)), (2, phone(22))]


async def test_a_phone_that_was_planned_next_is_kept_when_the_one_before_it_is_barred(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    await phones_of(store, 1, phone(1), phone(11), phone(21))
    [attempt] = (await claim(store, campaign_id, 1)).attempts
    await store.write(add_dnc_numbers, [phone(1)], source="api", now_ms=T0)
    again = closing(attempt, status=ContactStatus.PENDING, due_at_ms=T0 + 5)
    then = replace(again.result.next, phone=3)
    await store.commit([replace(again, result=replace(again.result, next=then))], T0 + 1)
    assert [one.number for one in (await claim(store, campaign_id, 1, T0 + 6)).attempts] == [phone(21)]


async def test_a_number_barred_before_its_call_leaves_promise_and_contact_to_another_phone(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1), phone(2)])
    await phones_of(store, 1, phone(1), phone(11))
    await store.write(book_callback, campaign_id, ContactId(1), CallbackPlan(at_ms=T0))
    opened = (await claim(store, campaign_id, 2)).attempts
    assert [one.contact_id for one in opened] == [1, 2]
    await store.write(add_dnc_numbers, [phone(1), phone(2)], source="api", now_ms=T0)
    refused = [
        closing(one, outcome=Outcome.DO_NOT_CALL, is_charged=False, status=ContactStatus.DO_NOT_CALL) for one in opened
    ]
    undialed = [replace(one, result=replace(one.result, facts=CallFacts())) for one in refused]
    await store.commit(undialed, T0 + 1)
    assert await store.read(places) == {1: ("pending", T0 + 1), 2: ("do-not-call", None)}
    [attempt] = (await claim(store, campaign_id, 2, T0 + 2)).attempts
    assert (attempt.number, attempt.is_callback) == (phone(11), True)
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)


async def test_who_asked_in_the_talk_is_not_called_on_another_phone(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    await phones_of(store, 1, phone(1), phone(11))
    [attempt] = (await claim(store, campaign_id, 1)).attempts
    said = closing(attempt, outcome=Outcome.CONNECTED_TO_AGENT, status=ContactStatus.DO_NOT_CALL)
    await store.commit([AddDnc(number=phone(1), source="agent", attempt_id=attempt.attempt_id), said], T0 + 1)
    assert (await store.read(places))[1] == ("do-not-call", None)
    assert (await claim(store, campaign_id, 1, T0 + 10**9)).attempts == ()


async def test_a_result_other_than_a_retry_stays_though_the_number_is_on_the_list(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    [attempt] = (await claim(store, campaign_id, 1)).attempts
    optout = AddDnc(number=phone(1), source="keypress", attempt_id=attempt.attempt_id)
    await store.commit([optout, closing(attempt, status=ContactStatus.CONNECTED)], T0 + 1)
    assert (await store.read(places))[1] == ("connected", None)


async def test_a_contact_taken_out_by_hand_is_not_brought_back_by_the_end_of_its_call(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    [attempt] = (await claim(store, campaign_id, 1)).attempts
    taken_out = campaign_contacts.update().values(status=ContactStatus.DO_NOT_CALL.value, due_at_ms=None)
    await store.write(lambda conn: conn.execute(taken_out))
    await store.commit([closing(attempt, status=ContactStatus.PENDING, due_at_ms=T0)], T0 + 1)
    assert (await store.read(places))[1] == ("do-not-call", None)
    assert (await store.recover()).attempts == ()


async def test_a_number_is_put_on_the_do_not_call_list_once(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    [attempt] = (await claim(store, campaign_id, 1)).attempts
    optout = AddDnc(number=phone(1), source="keypress", attempt_id=attempt.attempt_id)
    added = DncAdded(number=phone(1), attempt_id=attempt.attempt_id)
    assert await store.commit([optout, optout], T0 + 1) == [added, added]
    assert await store.write(add_dnc_numbers, [phone(1), phone(2)], source="import", now_ms=T0 + 2) == 1
    entries = await store.read(dnc_page)
    assert [(entry.number, entry.source, entry.attempt_id, entry.created_at_ms) for entry in entries] == [
        (phone(1), "keypress", attempt.attempt_id, T0 + 1),
        (phone(2), "import", None, T0 + 2),
    ]
    assert await store.read(is_dnc, phone(2))
    assert not await store.read(is_dnc, phone(3))


async def test_a_campaign_is_dated_at_its_first_start_and_at_its_end(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [])
    times = []
    for turn, status in enumerate(
        [CampaignStatus.RUNNING, CampaignStatus.PAUSED, CampaignStatus.RUNNING, CampaignStatus.FINISHED]
    ):
        events = await store.commit([SetCampaignStatus(campaign_id=campaign_id, status=status)], T0 + turn)
        assert events == [CampaignStatusSaved(campaign_id=campaign_id)]
        entry = await store.read(get_campaign, campaign_id)
        times.append((entry.status, entry.started_at_ms, entry.ended_at_ms))
    assert times == [
        (CampaignStatus.RUNNING, T0, None),
        (CampaignStatus.PAUSED, T0, None),
        (CampaignStatus.RUNNING, T0, None),
        (CampaignStatus.FINISHED, T0, T0 + 3),
    ]


async def test_attempts_are_read_newest_first_page_by_page(store: SqlStore) -> None:
    one, other = await store.write(build, [phone(place) for place in range(1, 8)], campaigns=2)
    for turn in range(7):
        await claim(store, one, 1, T0 + turn)
    first = await store.read(attempts_page, campaign_id=one, limit=3)
    second = await store.read(attempts_page, campaign_id=one, limit=3, before=first.next_before)
    third = await store.read(attempts_page, campaign_id=one, limit=3, before=second.next_before)
    assert [[entry.contact_id for entry in page.attempts] for page in (first, second, third)] == [
        [7, 6, 5],
        [4, 3, 2],
        [1],
    ]
    assert third.next_before is None
    assert (await store.read(attempts_page, campaign_id=other)).attempts == ()
    assert [
        entry.contact_id
        for entry in (await store.read(attempts_page, contact_id=first.attempts[0].contact_id)).attempts
    ] == [7]
