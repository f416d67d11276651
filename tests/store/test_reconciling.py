"""Dangling attempts and what is learned of them: written once, with all that follows, and nothing that came since."""

from __future__ import annotations

from sqlalchemy import update

from app.model import ContactNext, OpenedAttempt
from app.outcomes import ContactStatus, Outcome
from app.store import SqlStore
from app.store.amending import Learned, dangling_attempts, reconcile_attempt
from app.store.attempts import get_attempt
from app.store.requeueing import requeue_contact
from app.store.schema import campaign_contacts
from app.units import AttemptId
from tests.store.world import T0, build, claim, closing, kept_tallies, phone, places, recounted_tallies

ANSWERED = Learned(is_answered=True, lasted_ms=9_000, talked_ms=5_000, source="learned")


def decide(opened: OpenedAttempt) -> tuple[Outcome, ContactNext]:
    then = ContactNext(status=ContactStatus.PENDING, due_at_ms=T0 + 99, attempts=opened.attempts + 1)
    return Outcome.ABANDONED_BY_DIALER, then


async def lost(store: SqlStore, count: int) -> list[OpenedAttempt]:
    [campaign_id] = await store.write(build, [phone(place) for place in range(1, count + 1)])
    opened = list((await claim(store, campaign_id, count)).attempts)
    ends = [closing(one, outcome=Outcome.CONTROLLER_LOST, status=ContactStatus.DANGLING) for one in opened]
    await store.commit(ends, T0 + 5)
    return opened


async def learn(store: SqlStore, attempt_id: AttemptId) -> bool:
    return await store.write(reconcile_attempt, attempt_id, decide, ANSWERED, T0 + 20)


async def test_what_is_learned_is_written_once_with_what_follows(store: SqlStore) -> None:
    one, two = await lost(store, 2)
    assert sorted(await store.read(dangling_attempts)) == sorted([one.attempt_id, two.attempt_id])
    assert await learn(store, one.attempt_id)
    assert not await learn(store, one.attempt_id)
    entry = await store.read(get_attempt, one.attempt_id)
    assert (entry.outcome, entry.facts.cause_text) == (Outcome.ABANDONED_BY_DIALER, "learned")
    facts = entry.facts
    assert (facts.answered_at_ms, facts.ended_at_ms) == (T0 + 1 + 4_000, T0 + 1 + 9_000)
    assert await store.read(places) == {1: ("pending", T0 + 99), 2: ("dangling", None)}
    assert await store.read(dangling_attempts) == [two.attempt_id]
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)
    [again] = (await claim(store, one.campaign_id, 2, T0 + 100)).attempts
    assert (again.contact_id, again.attempts) == (1, 1), "it is charged once"


async def test_who_was_put_back_or_called_since_is_left(store: SqlStore) -> None:
    one, two, three = await lost(store, 3)
    await store.write(requeue_contact, one.campaign_id, one.contact_id, T0 + 6)
    await claim(store, one.campaign_id, 1, T0 + 7)
    await store.write(requeue_contact, one.campaign_id, two.contact_id, T0 + 8)
    closed = update(campaign_contacts).where(campaign_contacts.c.contact_id == 3).values(status="connected")
    await store.write(lambda conn: conn.execute(closed))
    assert [await learn(store, each.attempt_id) for each in (one, two, three)] == [False, False, False]
    assert not await learn(store, AttemptId("nobody"))
