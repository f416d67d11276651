"""The courier against a real receiver: signed, tried again, given up, and never in the way of a call."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.store import SqlStore, outbox, webhooks
from app.store.outbox import Delivery
from app.store.webhooks import EventKind, Webhook, WebhookPlan
from app.units import DAY_MS, HOUR_MS, WebhookId
from app.webhooks.courier import AT_ONCE, again_at_ms
from app.webhooks.signing import signature
from tests.store.world import T0, build, claim, closing, phone
from tests.unit.webhooks.receiver import delivering, receiving, until

SECRET = "whsec_of_a_test"


class Clock:
    """The time, moved by hand."""

    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> int:
        return self.now


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with await SqlStore.open(f"sqlite+aiosqlite:///{tmp_path / 'outring.db'}") as opened:
        yield opened


async def hooked(store: SqlStore, url: str) -> WebhookId:
    plan = WebhookPlan(url=url, kinds=(EventKind.ATTEMPT_ENDED,))
    made = await store.write(webhooks.create_webhook, plan, secret=SECRET, now_ms=T0)
    await store.know_listeners()
    return made.id


async def ended(store: SqlStore, count: int, first: int = 1) -> None:
    """So many calls that ended."""
    campaign_ids = await store.write(build, [phone(place) for place in range(first, first + count)])
    await store.commit([closing(one) for one in (await claim(store, campaign_ids[0], count)).attempts], T0)


async def stands(store: SqlStore, hook: WebhookId) -> Webhook:
    return await store.read(webhooks.get_webhook, hook)


async def test_a_delivery_is_signed_as_documented(store: SqlStore) -> None:
    async with receiving() as receiver:
        hook = await hooked(store, receiver.url + "?key=1")
        async with delivering(store, Clock()):
            await ended(store, 1)

            async def is_counted() -> bool:
                return (await stands(store, hook)).delivered == 1

            await until(is_counted)
    [headers], [body] = receiver.headers, receiver.bodies
    parts = dict(part.split("=", 1) for part in headers["Outring-Signature"].split(","))
    expected = hmac.new(SECRET.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(parts["v1"], expected)
    assert headers["Outring-Timestamp"] == parts["t"]
    assert abs(int(parts["t"]) - time.time()) < 120
    told = json.loads(body)
    assert (headers["Outring-Event"], headers["Outring-Event-Id"]) == (told["kind"], told["id"])
    assert set(told) == {"id", "kind", "at_ms", "data"}
    assert SECRET.encode() not in body
    assert (await stands(store, hook)).waiting == 0


async def test_a_refusal_and_a_silence_are_tried_again_with_the_same_body(store: SqlStore) -> None:
    clock = Clock()
    async with receiving() as receiver:

        async def behave(place: int) -> int:
            if place == 1:
                await asyncio.sleep(60)
            return (500, 200, 204)[place]

        receiver.behave = behave
        hook = await hooked(store, receiver.url)
        async with delivering(store, clock, timeout_s=0.3):
            await ended(store, 1)

            async def failed(times: int) -> bool:
                return (await stands(store, hook)).failures == times

            await until(lambda: failed(1))
            assert (await stands(store, hook)).problem == "answered 500: words"
            clock.now += 5_000
            await until(lambda: failed(2))
            assert (await stands(store, hook)).problem == "did not answer in 0.3 s"
            clock.now += 15_000

            async def is_delivered() -> bool:
                return (await stands(store, hook)).delivered == 1

            await until(is_delivered)
    assert len(receiver.bodies) == 3
    assert len(set(receiver.bodies)) == 1


async def test_what_was_not_delivered_is_delivered_after_a_restart(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'outring.db'}"
    async with receiving() as receiver:
        held = asyncio.Event()

        async def hold(_place: int) -> int:
            await held.wait()
            return 204

        receiver.behave = hold
        async with await SqlStore.open(url) as store:
            hook = await hooked(store, receiver.url)
            async with delivering(store, Clock()):
                await ended(store, 2)
                await until(lambda: len(receiver.bodies) == 2)  # on their way when the dialer goes down
        held.set()
        async with await SqlStore.open(url) as store, delivering(store, Clock()):

            async def is_empty() -> bool:
                return (await stands(store, hook)).waiting == 0

            await until(is_empty)
    assert len(receiver.bodies) == 4
    assert len(set(receiver.ids)) == 2  # at least once, under the same id


async def test_after_a_day_it_is_given_up_and_can_be_sent_again(store: SqlStore) -> None:
    clock = Clock()
    async with receiving() as receiver:

        async def refuse(_place: int) -> int:
            return 503

        receiver.behave = refuse
        hook = await hooked(store, receiver.url)
        await ended(store, 1)
        clock.now += DAY_MS
        async with delivering(store, clock) as courier:

            async def is_dead() -> bool:
                return (await stands(store, hook)).dead == 1

            await until(is_dead)
            [dead] = await store.read(outbox.deliveries_page, hook, is_dead=True)
            assert dead.problem == "answered 503: words"

            async def take(_place: int) -> int:
                return 200

            receiver.behave = take
            await store.write(outbox.redeliver, hook, clock.now)
            await courier.changed()

            async def is_delivered() -> bool:
                return (await stands(store, hook)).delivered == 1

            await until(is_delivered)


async def test_who_is_gone_is_told_no_more(store: SqlStore) -> None:
    async with receiving() as receiver:

        async def gone(_place: int) -> int:
            return 410

        receiver.behave = gone
        hook = await hooked(store, receiver.url)
        async with delivering(store, Clock()):
            await ended(store, 1)

            async def is_off() -> bool:
                return not (await stands(store, hook)).is_active

            await until(is_off)
            await until(lambda: not store.listeners)
        assert (await stands(store, hook)).dead == 1
    assert len(receiver.bodies) == 1


async def test_a_redirect_is_not_followed(store: SqlStore) -> None:
    async with receiving() as receiver:

        async def elsewhere(_place: int) -> int:
            return 302

        receiver.behave = elsewhere
        hook = await hooked(store, receiver.url)
        async with delivering(store, Clock()):
            await ended(store, 1)

            async def failed() -> bool:
                return (await stands(store, hook)).failures == 1

            await until(failed)
    assert len(receiver.bodies) == 1


async def test_many_are_under_way_at_once_but_not_more_than_allowed(store: SqlStore) -> None:
    async with receiving() as receiver:
        held = asyncio.Event()

        async def hold(_place: int) -> int:
            await held.wait()
            return 204

        receiver.behave = hold
        hook = await hooked(store, receiver.url)
        async with delivering(store, Clock()):
            await ended(store, 40)
            await until(lambda: receiver.at_once == AT_ONCE)
            held.set()

            async def is_delivered() -> bool:
                return (await stands(store, hook)).delivered == 40

            await until(is_delivered)
    assert receiver.most_at_once <= AT_ONCE
    assert sorted(receiver.ids) == sorted(set(receiver.ids))


async def test_a_receiver_that_never_answers_delays_no_call(store: SqlStore) -> None:
    """While it hangs, attempts are claimed and ended, and what is to be told waits its turn."""
    async with receiving() as receiver:

        async def hang(_place: int) -> int:
            await asyncio.sleep(600)
            return 204

        receiver.behave = hang
        hook = await hooked(store, receiver.url)
        async with delivering(store, Clock()):
            [campaign_id] = await store.write(build, [phone(place) for place in range(1, 61)])
            for _ in range(60):
                [attempt] = (await claim(store, campaign_id, 1)).attempts
                await store.commit([closing(attempt)], T0)
            await until(lambda: receiver.at_once == AT_ONCE)
            assert (await stands(store, hook)).waiting == 60


async def test_a_test_event_is_answered_at_once_and_leaves_nothing(store: SqlStore) -> None:
    async with receiving() as receiver:
        hook = await hooked(store, receiver.url)
        async with delivering(store, Clock()) as courier:
            answer = await courier.test(hook)
    assert (answer.status, answer.problem) == (204, "")
    assert receiver.headers[0]["Outring-Event"] == "webhook.test"
    assert (await stands(store, hook)).waiting == 0


async def test_a_webhook_of_another_process_is_found(store: SqlStore, tmp_path: Path) -> None:
    async with receiving() as receiver, delivering(store, Clock()):
        async with await SqlStore.open(f"sqlite+aiosqlite:///{tmp_path / 'outring.db'}") as other:
            await hooked(other, receiver.url)
        await until(lambda: store.listeners)
        await ended(store, 1)
        await until(lambda: receiver.bodies)


def waiting(tries: int, queued_at_ms: int = T0) -> Delivery:
    return Delivery(
        id=1, webhook_id=WebhookId(1), event_id="e", kind=EventKind.ATTEMPT_ENDED, at_ms=T0, body="{}",
        queued_at_ms=queued_at_ms, next_at_ms=T0, tries=tries, problem="",
    )  # fmt: skip


@pytest.mark.parametrize("spread", [-1.0, 0.0, 1.0])
def test_tries_grow_apart_over_about_a_day_and_end(spread: float) -> None:
    now_ms, waits = T0, []
    for tries in range(100):
        again = again_at_ms(waiting(tries), now_ms, spread)
        if again is None:
            break
        waits.append(again - now_ms)
        now_ms = again
    assert waits == sorted(waits)
    assert waits[0] <= 6_000
    assert max(waits) <= 4.8 * HOUR_MS
    assert 19 * HOUR_MS <= now_ms - T0 <= DAY_MS
    assert 10 <= len(waits) <= 15


def test_what_the_page_says_about_signatures_is_right() -> None:
    """The example for Python takes what is sent, and nothing that was touched or is old."""
    page = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text(encoding="utf-8")
    code = page.split("```python\n", 1)[1].split("```", 1)[0]
    space: dict[str, Any] = {}
    exec(code, space)
    genuine, header = space["is_genuine"], signature(SECRET, 1_800_000_000, b'{"a":1}')
    assert genuine(SECRET, header, b'{"a":1}', 1_800_000_100)
    assert not genuine(SECRET, header, b'{"a":2}', 1_800_000_100)
    assert not genuine("other", header, b'{"a":1}', 1_800_000_100)
    assert not genuine(SECRET, header, b'{"a":1}', 1_800_000_301)
    assert not genuine(SECRET, "nonsense", b'{"a":1}', 1_800_000_100)
