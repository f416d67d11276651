"""The courier: empties the outbox beside the calls, and never makes one wait.

It reads on connections that only read, posts in tasks of its own, and writes what came of it in a few statements for
many. What it has not written down when the program ends is sent again by the next one, under the same id.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Final

import structlog

from app.store import outbox, webhooks
from app.store.door import SqlStore
from app.store.errors import StoreError
from app.store.outbox import Delivery, Due, Tried
from app.store.sql import to_json
from app.units import DAY_MS, HOUR_MS, SECOND_MS, WebhookId
from app.webhooks.posting import Answer, Poster

log = structlog.get_logger()

AT_ONCE: Final = 8
"""Posts under way to one webhook."""
AT_ONCE_IN_ALL: Final = 32
BATCH: Final = 50
"""Deliveries of one webhook that are taken out of the outbox together, in order."""
GATHER_S: Final = 0.25
"""What came of tries gathers so long, to be written together: calls share the disk."""
LOOK_S: Final = 2.0
"""How often webhooks that another program changed, and deliveries whose time has come, are looked for."""
TRIM_S: Final = 30.0
FIRST_WAIT_MS: Final = 5 * SECOND_MS
LONGEST_WAIT_MS: Final = 4 * HOUR_MS
JITTER: Final = 0.2
MAX_WAITING: Final = 100_000


def again_at_ms(delivery: Delivery, now_ms: int, spread: float) -> int | None:
    """When a delivery that failed just now is tried again; None: it is given up, a day after it was queued.

    5 s, 15 s, 45 s … up to 4 hours apart, each a fifth more or less. spread: -1 … 1.
    """
    wait_ms = min(FIRST_WAIT_MS * 3 ** min(delivery.tries, 20), LONGEST_WAIT_MS)
    at_ms = now_ms + round(wait_ms * (1 + JITTER * spread))
    return None if at_ms > delivery.queued_at_ms + DAY_MS else at_ms


class Courier:
    """Delivers what the outbox holds."""

    def __init__(
        self,
        *,
        store: SqlStore,
        poster: Poster,
        now_ms: Callable[[], int],
        most_waiting: int = MAX_WAITING,
        spread: Callable[[], float] = lambda: random.uniform(-1.0, 1.0),
        look_s: float = LOOK_S,
    ) -> None:
        self.poster = poster
        self._store = store
        self._now_ms = now_ms
        self._most_waiting = most_waiting
        self._spread = spread
        self._look_s = look_s
        self._busy: dict[int, asyncio.Task[None]] = {}
        self._tried: list[Tried] = []
        self._gates: dict[WebhookId, asyncio.Semaphore] = {}
        self._gate = asyncio.Semaphore(AT_ONCE_IN_ALL)
        self._trimmed_at_s = -TRIM_S

    async def run(self) -> None:
        """Deliver, until cancelled; what is under way then is sent again later."""
        async with self.poster:
            try:
                while True:
                    try:
                        await self._round()
                    except StoreError as error:
                        log.warning("webhooks", error=str(error))
                        await asyncio.sleep(self._look_s)
                    await self._until_needed()
            finally:
                await self._leave()

    async def changed(self) -> None:
        """Webhooks were changed by this program: those who listen are known from now on. Raises StoreError."""
        await self._store.know_listeners()
        self._store.has_to_tell.set()

    async def test(self, webhook_id: WebhookId) -> Answer:
        """Send a test event now, once. Raises NotFound, StoreError."""
        hook = await self._store.read(webhooks.get_webhook, webhook_id)
        secret = await self._store.read(webhooks.secret_of, webhook_id)
        now_ms = self._now_ms()
        event_id = f"webhook.test-{webhook_id}-{now_ms}"
        told = {"webhook_id": webhook_id}
        body = to_json({"id": event_id, "kind": "webhook.test", "at_ms": now_ms, "data": told})
        return await self.poster.post(hook.url, secret, event_id=event_id, kind="webhook.test", body=body)

    # --- rounds ------------------------------------------------------------------------------------------------------

    async def _until_needed(self) -> None:
        """Wait for something to tell; let more of it gather."""
        try:
            async with asyncio.timeout(self._look_s):
                await self._store.has_to_tell.wait()
        except TimeoutError:
            pass
        await asyncio.sleep(GATHER_S)

    async def _round(self) -> None:
        self._store.has_to_tell.clear()
        await self._write_down()
        listeners = await self._store.know_listeners()
        if not listeners:
            return
        await self._trim()
        now_ms = self._now_ms()
        for one in await self._store.read(outbox.due, now_ms, busy=frozenset(self._busy), most=BATCH):
            self._busy[one.delivery.id] = asyncio.create_task(self._deliver(one), name="webhook")

    async def _write_down(self) -> None:
        """What came of tries. As long as that is not on disk they count as under way, and are not tried again."""
        tried, self._tried = self._tried, []
        if not tried:
            return
        try:
            await self._store.write(outbox.settle, tried, self._now_ms())
        except StoreError:
            self._tried = tried + self._tried
            raise
        for one in tried:
            self._busy.pop(one.delivery.id, None)

    async def _trim(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if now_s < self._trimmed_at_s + TRIM_S:
            return
        self._trimmed_at_s = now_s
        given_up = await self._store.write(outbox.trim, most=self._most_waiting, now_ms=self._now_ms())
        for webhook_id, count in given_up.items():
            log.error("webhook deliveries given up: too many wait", webhook=webhook_id, deliveries=count)

    async def _deliver(self, one: Due) -> None:
        delivery = one.delivery
        gate = self._gates.setdefault(delivery.webhook_id, asyncio.Semaphore(AT_ONCE))
        async with gate, self._gate:
            answer = await self.poster.post(
                one.url, one.secret, event_id=delivery.event_id, kind=delivery.kind.value, body=delivery.body
            )
        self._tried.append(self._came_of(delivery, answer))
        self._store.has_to_tell.set()

    def _came_of(self, delivery: Delivery, answer: Answer) -> Tried:
        if not answer.problem:
            return Tried(delivery=delivery)
        told = {"webhook": delivery.webhook_id, "kind": delivery.kind.value, "problem": answer.problem}
        if answer.is_gone:
            log.warning("webhook switched off: its receiver answered 410", **told)
            return Tried(delivery=delivery, problem=answer.problem, is_gone=True)
        again = again_at_ms(delivery, self._now_ms(), self._spread())
        if again is None:
            log.error("webhook delivery given up", tries=delivery.tries + 1, **told)
        else:
            log.info("webhook delivery failed", tries=delivery.tries + 1, **told)
        return Tried(delivery=delivery, problem=answer.problem, again_at_ms=again)

    async def _leave(self) -> None:
        """What was delivered is written down; what is under way is left."""
        for task in self._busy.values():
            task.cancel()
        await asyncio.gather(*self._busy.values(), return_exceptions=True)
        try:
            await self._write_down()
        except StoreError as error:
            log.warning("webhooks", error=str(error))
