"""Numbers to be mended, and results that open a contact in another campaign."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from app.commands import CloseAttempt
from app.events import AttemptClosed
from app.model import ContactNext, OpenedAttempt
from app.outcomes import ContactStatus, Outcome
from app.store import SqlStore
from app.store.amending import amend_conversation
from app.store.campaigns import get_campaign
from app.store.errors import InUse, NotFound
from app.store.fixing import (
    close_fix_task,
    count_fix_tasks,
    finish_fix_task,
    fix_tasks_page,
    get_fix_task,
    settled_for_number,
)
from app.store.requeueing import requeue_contact
from app.store.schema import campaign_contacts, contacts
from app.units import CampaignId, ContactId, FixTaskId
from tests.store.floor import ANN, hire, talk, talked
from tests.store.world import T0, build, claim, closing, kept_tallies, new_campaign, phone, places, recounted_tallies

INVALID = ContactStatus.INVALID_NUMBER


async def bad(store: SqlStore, status: ContactStatus = INVALID) -> OpenedAttempt:
    """A talk of Ann's of the contact 1, whose number she found to be none."""
    await store.write(hire, "ann", "bob")
    [campaign_id] = await store.write(build, [phone(1), phone(2), phone(3)])
    [attempt, _, _] = (await claim(store, campaign_id, 3)).attempts
    due_at_ms = T0 + 9 if status is ContactStatus.PENDING else None
    said = talk(disposition="bad-number", note="a fax machine's shop")
    await store.commit(
        [talked(attempt, said, outcome=Outcome.INVALID_NUMBER, status=status, due_at_ms=due_at_ms)], T0 + 5
    )
    return attempt


async def test_an_agents_word_raises_a_task_once(store: SqlStore) -> None:
    attempt = await bad(store, ContactStatus.PENDING)
    [task] = await store.read(fix_tasks_page)
    assert (task.number, task.who, task.disposition, task.note) == (
        phone(1),
        "ann",
        "bad-number",
        "a fax machine's shop",
    )
    assert (task.outcome, task.contact_name, task.is_there, task.done) == (
        Outcome.INVALID_NUMBER, "Person 1", True, "",
    )  # fmt: skip
    [again] = (await claim(store, attempt.campaign_id, 1, T0 + 10)).attempts
    await store.commit([closing(again, outcome=Outcome.NOT_IN_SERVICE, status=INVALID)], T0 + 11)
    assert [one.id for one in await store.read(fix_tasks_page)] == [task.id]


async def test_the_network_raises_one_only_when_no_number_is_left(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1), phone(2), phone(3)])
    one, two, three = (await claim(store, campaign_id, 3)).attempts
    ends = [
        closing(one, outcome=Outcome.NOT_IN_SERVICE, status=ContactStatus.PENDING, due_at_ms=T0 + 9),
        closing(two, outcome=Outcome.NOT_IN_SERVICE, status=INVALID),
        closing(three, outcome=Outcome.BUSY, status=ContactStatus.RETRIES_COMPLETED),
    ]
    await store.commit(ends, T0 + 5)
    [task] = await store.read(fix_tasks_page)
    assert (task.contact_id, task.who, task.outcome) == (2, "", Outcome.NOT_IN_SERVICE)
    assert await store.read(count_fix_tasks) == 1


async def test_mended_the_contact_is_called_on_the_right_number(store: SqlStore) -> None:
    attempt = await bad(store)
    [task] = await store.read(fix_tasks_page)
    settled = await store.read(settled_for_number, ContactId(1))
    assert settled == [attempt.campaign_id]
    mended = update(contacts).where(contacts.c.id == 1).values(phone2=phone(11))
    await store.write(lambda conn: conn.execute(mended))
    await store.write(finish_fix_task, task.id, phone(11), settled, by="eve", now_ms=T0 + 20)
    assert (await store.read(places))[1] == ("pending", T0 + 20)
    assert [one.number for one in (await claim(store, attempt.campaign_id, 1, T0 + 20)).attempts] == [phone(11)]
    assert await store.read(fix_tasks_page) == []
    [done] = await store.read(fix_tasks_page, is_done=True)
    assert (done.done, done.done_by, done.done_at_ms) == ("mended", "eve", T0 + 20)
    with pytest.raises(InUse, match="mended already, by eve"):
        await store.write(close_fix_task, task.id, by="bob", now_ms=T0 + 21)
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)


async def test_mended_while_somebody_calls_it_already_the_task_is_done_all_the_same(store: SqlStore) -> None:
    """Changing the number puts the contact back into the line, and a running campaign calls it within a moment."""
    attempt = await bad(store)
    [task] = await store.read(fix_tasks_page)
    settled = await store.read(settled_for_number, ContactId(1))
    mended = update(contacts).where(contacts.c.id == 1).values(phone1=phone(11))
    await store.write(lambda conn: conn.execute(mended))
    await store.write(requeue_contact, attempt.campaign_id, ContactId(1), T0 + 19)
    assert len((await claim(store, attempt.campaign_id, 1, T0 + 19)).attempts) == 1
    await store.write(finish_fix_task, task.id, phone(11), settled, by="eve", now_ms=T0 + 20)
    assert (await store.read(get_fix_task, task.id)).done == "mended"
    assert (await store.read(places))[1][0] == "in progress"
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)


async def test_closed_the_contact_stays_and_the_next_bad_call_raises_another(store: SqlStore) -> None:
    await bad(store)
    [task] = await store.read(fix_tasks_page)
    await store.write(close_fix_task, task.id, by="eve", now_ms=T0 + 20)
    assert (await store.read(places))[1] == ("invalid number", None)
    assert (await store.read(get_fix_task, task.id)).done == "closed"
    with pytest.raises(NotFound):
        await store.write(close_fix_task, FixTaskId(99), by="eve", now_ms=T0 + 21)


async def test_another_result_takes_the_task_back(store: SqlStore) -> None:
    attempt = await bad(store)

    async def say(code: str, outcome: Outcome, status: ContactStatus, at: int) -> None:
        def decide(opened: OpenedAttempt) -> tuple[Outcome, ContactNext]:
            return outcome, ContactNext(status=status, attempts=opened.attempts + 1)

        await store.write(
            amend_conversation, attempt.attempt_id, ANN, disposition=code, words="", decide=decide, now_ms=T0 + at
        )

    await say("success", Outcome.CONNECTED_TO_AGENT, ContactStatus.CONNECTED, 20_000)
    assert await store.read(fix_tasks_page) == []
    await say("bad-number", Outcome.INVALID_NUMBER, INVALID, 21_000)
    assert [(one.number, one.who) for one in await store.read(fix_tasks_page)] == [(phone(1), "ann")]


# --- another campaign ------------------------------------------------------------------------------------------------


def opening(attempt: OpenedAttempt, campaign_id: int) -> CloseAttempt:
    ended = talked(attempt, talk(disposition="to-sales")).result
    return CloseAttempt(result=replace(ended, next=replace(ended.next, opens=CampaignId(campaign_id))))


async def test_a_result_opens_the_contact_in_another_campaign_once(store: SqlStore) -> None:
    await store.write(hire, "ann")
    [campaign_id] = await store.write(build, [phone(1), phone(2)])
    flow_id = (await store.read(get_campaign, campaign_id)).campaign.flow_id
    other = await store.write(new_campaign, "sales", flow_id)
    one, two = (await claim(store, campaign_id, 2)).attempts
    events = await store.commit([opening(one, other), opening(two, 99)], T0 + 5)
    assert [event.opens for event in events if isinstance(event, AttemptClosed)] == [other, 99]
    await store.commit([opening(one, other)], T0 + 6)
    found = await store.read(
        lambda conn: conn.execute(
            select(campaign_contacts.c.contact_id, campaign_contacts.c.due_at_ms).where(
                campaign_contacts.c.campaign_id == other
            )
        ).all()
    )
    assert [tuple(row) for row in found] == [(1, T0 + 5)], "once, and in no campaign that is gone"
    assert {status for status, _ in (await store.read(places)).values()} == {"connected"}
    [called] = (await claim(store, other, 5, T0 + 7)).attempts
    assert (called.contact_id, called.number) == (1, phone(1))
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (ContactStatus.RETRIES_COMPLETED, "pending"),
        (ContactStatus.DO_NOT_CALL, "do-not-call"),
        (ContactStatus.CONNECTED, "pending"),
    ],
)
async def test_who_is_done_there_is_called_again_but_not_who_asked_for_no_calls(
    store: SqlStore, before: ContactStatus, after: str
) -> None:
    await store.write(hire, "ann")
    one, other = await store.write(build, [phone(1)], campaigns=2)
    [there] = (await claim(store, other, 1)).attempts
    await store.commit([closing(there, status=before)], T0 + 3)
    [attempt] = (await claim(store, one, 1, T0 + 4)).attempts
    await store.commit([opening(attempt, other)], T0 + 5)
    where = campaign_contacts.c.campaign_id == other
    assert await store.read(lambda conn: conn.scalar(select(campaign_contacts.c.status).where(where))) == after
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)
