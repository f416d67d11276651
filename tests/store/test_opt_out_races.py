"""Opt-outs against claims: thousands of rounds of several processes on one database, in no particular order.

Each round bars a number just as others claim it. Whoever bars is told when it is on disk; from then on no claim may
open an attempt to the number, and one opened before must be there to be seen by whoever bars, who then waits for it.
"""

from __future__ import annotations

import asyncio
import random
import time

from sqlalchemy import Connection, text

from app.commands import AddDnc, ClaimContacts, ConfirmAttempt
from app.compliance.library import Lawbook
from app.events import AttemptConfirmed, AttemptsOpened
from app.store import SqlStore
from app.store.dnc import add_dnc, open_attempts_to
from app.store.ids import new_attempt_id
from app.store.turn import carry_out
from app.units import AttemptId, CampaignId
from tests.store.world import T0, build, phone

CONTACTS = 600
BATCH = 6


class Race:
    """What each side saw, in the order it happened in this process; every side has connections of its own."""

    def __init__(self) -> None:
        self.is_known: set[str] = set()  # barred, and whoever barred was told
        self.seen_open: dict[str, set[AttemptId]] = {}
        self.opened: dict[str, AttemptId] = {}
        self.wrong: list[str] = []

    async def claim(self, store: SqlStore, campaign_id: CampaignId, rng: random.Random) -> None:
        for _ in range(4 * CONTACTS // BATCH):
            known = set(self.is_known)
            [event] = await store.commit([ClaimContacts(campaign_id=campaign_id, count=BATCH)], T0)
            assert isinstance(event, AttemptsOpened)
            for attempt in event.attempts:
                self.opened[attempt.number] = attempt.attempt_id
                if attempt.number in known:
                    self.wrong.append(f"{attempt.number} was claimed after its opt-out was on disk")
            if event.next_due_at_ms is None:
                return
            await asyncio.sleep(rng.random() * 0.002)

    async def bar(self, store: SqlStore, places: list[int], rng: random.Random) -> None:
        for place in places:
            await store.commit([AddDnc(number=phone(place), source="api")], T0)
            self.is_known.add(phone(place))
            self.seen_open[phone(place)] = set(await store.read(open_attempts_to, [phone(place)]))
            await asyncio.sleep(rng.random() * 0.002)


async def test_no_claim_slips_past_an_opt_out_unseen(url: str) -> None:
    rng = random.Random("opt-outs")
    async with await SqlStore.open(url) as one, await SqlStore.open(url) as two, await SqlStore.open(url) as three:
        campaigns = await one.write(build, [phone(place) for place in range(CONTACTS)], 2)
        places = list(range(CONTACTS))
        rng.shuffle(places)
        race = Race()
        async with asyncio.TaskGroup() as group:
            group.create_task(race.claim(one, campaigns[0], rng))
            group.create_task(race.claim(two, campaigns[1], rng))
            group.create_task(race.bar(three, places[: CONTACTS // 2], rng))
            group.create_task(race.bar(one, places[CONTACTS // 2 :], rng))
        assert race.wrong == []
        unseen = [
            number
            for number, attempt_id in race.opened.items()
            if number in race.seen_open and attempt_id not in race.seen_open[number]
        ]
        assert unseen == []
        assert len(race.seen_open) == CONTACTS
        asked = [
            ConfirmAttempt(attempt_id=attempt_id, number=phone(place))
            for place in range(CONTACTS)
            if (attempt_id := race.opened.get(phone(place))) is not None
        ]
        answers = await two.commit(asked, T0 + 1)
        assert all(isinstance(answer, AttemptConfirmed) and answer.reason for answer in answers)
        assert race.opened, "nobody was claimed at all: nothing raced"


async def test_barring_waits_for_a_claim_that_is_under_way_and_sees_it(url: str) -> None:
    """The claim looked before the number was barred, and is committed after: who bars must not miss it."""
    claimed = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slowly(conn: Connection, campaign_id: CampaignId) -> None:
        [event] = carry_out(conn, [ClaimContacts(campaign_id=campaign_id, count=1)], T0, new_attempt_id, Lawbook())
        assert isinstance(event, AttemptsOpened)
        assert len(event.attempts) == 1
        loop.call_soon_threadsafe(claimed.set)
        if conn.dialect.name == "postgresql":
            conn.execute(text("SELECT pg_sleep(0.4)"))
        else:
            time.sleep(0.4)

    async with await SqlStore.open(url) as one, await SqlStore.open(url) as other:
        [campaign_id] = await one.write(build, [phone(1)])
        async with asyncio.TaskGroup() as group:
            claiming = group.create_task(one.write(slowly, campaign_id))
            await claimed.wait()
            await other.commit([AddDnc(number=phone(1), source="api")], T0)
            assert len(await other.read(open_attempts_to, [phone(1)])) == 1
            await claiming


async def test_a_claim_waits_for_an_opt_out_that_is_under_way(url: str) -> None:
    barred = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slowly(conn: Connection) -> None:
        add_dnc(conn, [AddDnc(number=phone(1), source="api")], T0)
        loop.call_soon_threadsafe(barred.set)
        if conn.dialect.name == "postgresql":
            conn.execute(text("SELECT pg_sleep(0.4)"))
        else:
            time.sleep(0.4)

    async with await SqlStore.open(url) as one, await SqlStore.open(url) as other:
        [campaign_id] = await one.write(build, [phone(1)])
        async with asyncio.TaskGroup() as group:
            barring = group.create_task(one.write(slowly))
            await barred.wait()
            [event] = await other.commit([ClaimContacts(campaign_id=campaign_id, count=1)], T0)
            await barring
    assert isinstance(event, AttemptsOpened)
    assert event.attempts == ()
