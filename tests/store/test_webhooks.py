"""Webhooks on disk: what is told is written with the fact, to whom it concerns, and nothing where nobody listens."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, select, update

from app.agents import Conversation
from app.commands import AddDnc, CloseAttempt, SetCampaignStatus
from app.contacts.national import import_opt_outs
from app.model import CampaignStatus, ContactNext, OpenedAttempt
from app.outcomes import ContactStatus, Outcome
from app.store import NotFound, SqlStore, outbox, webhooks
from app.store.amending import amend_conversation
from app.store.outbox import Tried
from app.store.results import results_page, settled_to
from app.store.schema import campaigns, users, webhook_outbox
from app.store.webhooks import NOBODY, EventKind, WebhookPlan
from app.units import DAY_MS, AgentId, AttemptId, CampaignId, SessionId, WebhookId
from tests.store.floor import ANN, hire, talk
from tests.store.floor import talked as talk_over
from tests.store.world import T0, build, claim, closing, phone

URL = "https://crm.example.com/hook"


def told(conn: Connection) -> list[dict[str, Any]]:
    return [
        json.loads(body) for body in conn.execute(select(webhook_outbox.c.body).order_by(webhook_outbox.c.id)).scalars()
    ]


async def listening(store: SqlStore, *kinds: EventKind, campaign_id: CampaignId | None = None) -> WebhookId:
    plan = WebhookPlan(url=URL, kinds=kinds, campaign_id=campaign_id)
    made = await store.write(webhooks.create_webhook, plan, secret="whsec_x", now_ms=T0)
    await store.know_listeners()
    return made.id


async def test_an_end_is_told_in_the_transaction_that_writes_it(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    await listening(store)
    [attempt] = (await claim(store, campaign_id, 1)).attempts
    await store.commit([closing(attempt, outcome=Outcome.BUSY, status=ContactStatus.NOT_CONNECTED)], T0 + 9)
    ended, settled = await store.read(told)
    assert (ended["id"], ended["kind"], ended["at_ms"]) == (
        f"attempt.ended-{attempt.attempt_id}",
        "attempt.ended",
        T0 + 9,
    )
    assert ended["data"]["id"] == attempt.attempt_id
    assert (ended["data"]["outcome_label"], ended["data"]["number"]) == ("busy", phone(1))
    assert (ended["data"]["contact_key"], ended["data"]["contact_fields"]) == ("1", {"City": "Łódź"})
    assert (ended["data"]["campaign"], ended["data"]["list_name"]) == ("campaign 0", "people")
    assert settled["kind"] == "contact.settled"
    assert (settled["data"]["status"], settled["data"]["contact_key"]) == ("not connected", "1")


async def test_closing_twice_is_told_once_and_a_retry_is_not_settled(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    await listening(store)
    [attempt] = (await claim(store, campaign_id, 1)).attempts
    again = closing(attempt, status=ContactStatus.PENDING, due_at_ms=T0 + DAY_MS)
    await store.commit([again, again], T0)
    await store.commit([again], T0 + 1)
    assert [one["kind"] for one in await store.read(told)] == ["attempt.ended"]


async def test_what_is_rolled_back_is_not_told(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    await listening(store)
    [attempt] = (await claim(store, campaign_id, 1)).attempts
    nowhere = SetCampaignStatus(campaign_id=CampaignId(99), status=CampaignStatus.PAUSED)
    with pytest.raises(NotFound):
        await store.commit([closing(attempt), nowhere], T0)
    assert await store.read(told) == []


async def test_without_listeners_nothing_is_asked(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    plan = WebhookPlan(url=URL, is_active=False)
    await store.write(webhooks.create_webhook, plan, secret="whsec_x", now_ms=T0)
    assert await store.know_listeners() == NOBODY
    [attempt] = (await claim(store, campaign_id, 1)).attempts
    seen: list[str] = []

    def spy(conn: Connection) -> None:
        event.listen(conn.engine, "before_cursor_execute", lambda *given: seen.append(given[2]))

    await store.write(spy)
    await store.commit([closing(attempt)], T0)
    assert seen
    assert not [one for one in seen if "webhook" in one]
    assert await store.read(told) == []


async def test_only_what_was_asked_for_is_told(store: SqlStore) -> None:
    first, second = await store.write(build, [phone(1), phone(2)], 2)
    await listening(store, EventKind.ATTEMPT_ENDED, campaign_id=second)
    for campaign_id in (first, second):
        [attempt] = (await claim(store, campaign_id, 1)).attempts
        await store.commit([closing(attempt)], T0)
    [only] = await store.read(told)
    assert (only["kind"], only["data"]["campaign_id"]) == ("attempt.ended", second)


async def test_opt_outs_are_told_once_with_whose_call_it_was(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    await listening(store, EventKind.DNC_ADDED)
    [attempt] = (await claim(store, campaign_id, 1)).attempts
    command = AddDnc(number=attempt.number, source="keypress", attempt_id=attempt.attempt_id)
    await store.commit([command], T0)
    await store.commit([command], T0 + 1)
    [only] = await store.read(told)
    assert only["data"] | {"contact_id": 0} == {
        "number": phone(1), "contact_id": 0, "contact_key": "1", "project_id": None, "campaign_id": None,
        "attempt_id": attempt.attempt_id, "source": "keypress", "who": "", "why": "",
    }  # fmt: skip
    assert phone(1) not in only["id"]


async def test_a_file_of_opt_outs_is_told_once_with_counts(store: SqlStore, tmp_path: Path) -> None:
    first, second = await store.write(build, [phone(1)], 2)
    await listening(store, EventKind.DNC_ADDED, campaign_id=first)
    path = tmp_path / "old.csv"
    path.write_text(f"{phone(1)}\n{phone(2)}\nnobody\n")
    for campaign_id in (first, second, first):  # of another campaign; nothing new
        like = AddDnc(number="", source="import", campaign_id=campaign_id, who="eve", why="the old list")
        await import_opt_outs(store, path, country="GB", like=like, now_ms=lambda: T0)
    [only] = await store.read(told)
    assert only["kind"] == "dnc.added"
    assert only["data"] == {
        "number": None, "contact_id": None, "contact_key": None, "project_id": None, "campaign_id": first,
        "attempt_id": None, "source": "import", "who": "eve", "why": "the old list", "file": "old.csv", "numbers": 2,
        "new": 2, "rejected": 1,
    }  # fmt: skip


def _said(then: ContactNext, _opened: OpenedAttempt) -> tuple[Outcome, ContactNext]:
    return Outcome.WRONG_NUMBER, then


async def test_another_end_by_another_result_is_told(store: SqlStore) -> None:
    await store.write(hire, "ann")
    [campaign_id] = await store.write(build, [phone(1)])
    [attempt] = (await claim(store, campaign_id, 1)).attempts
    await store.commit([talk_over(attempt, talk())], T0 + 5_000)
    await listening(store, EventKind.CONTACT_SETTLED)
    for at, status in enumerate((ContactStatus.CONNECTED, ContactStatus.INVALID_NUMBER, ContactStatus.PENDING)):
        then = ContactNext(status=status, due_at_ms=T0 if status is ContactStatus.PENDING else None, attempts=1)
        said = partial(_said, then)
        await store.write(
            amend_conversation, attempt.attempt_id, ANN, disposition=f"d{at}", words="", decide=said,
            now_ms=T0 + 9_000 + at, listeners=store.listeners,
        )  # fmt: skip
    [only] = await store.read(told)
    assert (only["data"]["status"], only["data"]["contact_id"], only["at_ms"]) == ("invalid number", 1, T0 + 9_001)


async def test_a_campaign_is_told_when_its_status_changes(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    await listening(store)
    for at, status in enumerate(
        (CampaignStatus.RUNNING, CampaignStatus.RUNNING, CampaignStatus.PAUSED, CampaignStatus.FINISHED)
    ):
        await store.commit([SetCampaignStatus(campaign_id=campaign_id, status=status)], T0 + at)
    found = await store.read(told)
    assert [one["kind"] for one in found] == ["campaign.started", "campaign.paused", "campaign.finished"]
    assert found[1]["data"]["status_before"] == "running"


async def test_a_contact_settled_without_a_call_is_told(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    await store.commit([AddDnc(number=phone(1), source="api")], T0)
    await listening(store, EventKind.CONTACT_SETTLED)
    assert (await claim(store, campaign_id, 1)).attempts == ()
    [only] = await store.read(told)
    assert (only["data"]["status"], only["data"]["outcome_label"]) == ("do-not-call", "do-not-call")


async def talked(store: SqlStore, campaign_id: CampaignId, disposition: str) -> AttemptId:
    """A conversation with this result, and what came of it."""
    [attempt] = (await claim(store, campaign_id, 1)).attempts
    ended = closing(attempt, outcome=Outcome.CONNECTED_TO_AGENT, status=ContactStatus.CONNECTED).result
    talk = Conversation(
        agent_id=AgentId(1), session_id=SessionId("s1"), connected_at_ms=T0, waited_ms=5, disposition=disposition
    )
    from dataclasses import replace

    await store.commit([CloseAttempt(result=replace(ended, conversation=talk))], T0 + 5)
    return attempt.attempt_id


async def test_dispositions_and_hot_leads_are_told(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1), phone(2)])

    def heat(conn: Connection) -> None:
        conn.execute(insert(users).values(id=1, name="ann", password_hash="x", role="agent", created_at_ms=T0))
        settings = dict(conn.execute(select(campaigns.c.settings)).scalar_one())
        dispositions = [{**one, "effect": "hot lead"} if one["code"] == "success" else one
                        for one in settings["agents"]["dispositions"]]  # fmt: skip
        settings["agents"] = {**settings["agents"], "dispositions": dispositions}
        conn.execute(update(campaigns).values(settings=settings))

    await store.write(heat)
    await listening(store, EventKind.DISPOSITION_SET, EventKind.LEAD_HOT)
    await talked(store, campaign_id, "other")
    await talked(store, campaign_id, "success")
    found = await store.read(told)
    assert [(one["kind"], one["data"]["conversation"]["disposition"]) for one in found] == [
        ("disposition.set", "other"),
        ("disposition.set", "success"),
        ("lead.hot", "success"),
    ]
    assert found[0]["data"]["agent"] == "ann"


async def test_given_up_deliveries_are_seen_and_tried_again(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1), phone(2), phone(3)])
    hook = await listening(store, EventKind.ATTEMPT_ENDED)
    await store.commit([closing(one) for one in (await claim(store, campaign_id, 3)).attempts], T0)
    first, second, third = await store.read(outbox.due, T0, busy=(), most=10)
    assert [one.delivery.id for one in await store.read(outbox.due, T0, busy=[first.delivery.id], most=2)] == [
        second.delivery.id
    ]
    tried = [
        Tried(delivery=first.delivery),
        Tried(delivery=second.delivery, problem="answered 500", again_at_ms=T0 + 5_000),
        Tried(delivery=third.delivery, problem="answered 500"),
    ]
    await store.write(outbox.settle, tried, T0 + 1)
    stands = await store.read(webhooks.get_webhook, hook)
    assert (stands.delivered, stands.waiting, stands.dead, stands.failures) == (1, 1, 1, 0)
    [dead] = await store.read(outbox.deliveries_page, hook, is_dead=True)
    assert (dead.id, dead.problem, dead.tries) == (third.delivery.id, "answered 500", 1)
    assert await store.write(outbox.redeliver, hook, T0 + 2) == 1
    [again] = await store.read(outbox.due, T0 + 2, busy=(), most=10)
    assert (again.delivery.id, again.delivery.body, again.delivery.tries) == (dead.id, dead.body, 0)


async def test_a_failing_webhook_is_tried_with_one_at_a_time_until_it_takes_something(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(place) for place in range(1, 6)])
    hook = await listening(store, EventKind.ATTEMPT_ENDED)
    await store.commit([closing(one) for one in (await claim(store, campaign_id, 5)).attempts], T0)
    found = await store.read(outbox.due, T0, busy=(), most=3)
    assert len(found) == 3
    bad = [Tried(delivery=one.delivery, problem="refused", again_at_ms=T0 + 9_000) for one in found]
    await store.write(outbox.settle, bad, T0 + 1)
    stands = await store.read(webhooks.get_webhook, hook)
    assert (stands.is_failing, stands.failing_since_ms, stands.problem) == (True, T0 + 1, "refused")
    [probe] = await store.read(outbox.due, T0 + 1, busy=(), most=3)
    await store.write(outbox.settle, [Tried(delivery=probe.delivery)], T0 + 2)
    stands = await store.read(webhooks.get_webhook, hook)
    assert (stands.is_failing, stands.failing_since_ms, stands.problem) == (False, None, "")


async def test_the_outbox_is_bounded(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(place) for place in range(1, 6)])
    hook = await listening(store, EventKind.ATTEMPT_ENDED)
    await store.commit([closing(one) for one in (await claim(store, campaign_id, 5)).attempts], T0)
    assert await store.write(outbox.trim, most=2, now_ms=T0) == {hook: 3}
    stands = await store.read(webhooks.get_webhook, hook)
    assert (stands.waiting, stands.dead) == (2, 2)
    kept = await store.read(outbox.deliveries_page, hook, is_dead=True)
    assert {one.problem for one in kept} == {outbox.TOO_MANY}
    await store.write(outbox.trim, most=2, now_ms=T0 + 31 * DAY_MS)
    assert (await store.read(webhooks.get_webhook, hook)).dead == 0


async def test_a_webhook_that_is_removed_leaves_nothing(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    hook = await listening(store)
    await store.commit([closing(one) for one in (await claim(store, campaign_id, 1)).attempts], T0)
    await store.write(webhooks.remove_webhook, hook)
    assert await store.read(told) == []
    with pytest.raises(NotFound):
        await store.read(webhooks.get_webhook, hook)


# --- results ---------------------------------------------------------------------------------------------------------


async def read_on(store: SqlStore, since: int, limit: int = 100) -> tuple[list[str], int]:
    page = await store.read(results_page, since=since, until=await store.read(settled_to), limit=limit)
    return [one["id"] for one in page.results], page.next_cursor


async def test_results_are_read_from_cursor_to_cursor_in_the_order_of_ending(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(place) for place in range(1, 8)])
    assert await read_on(store, 0) == ([], 0)
    attempts = list((await claim(store, campaign_id, 7)).attempts)
    order = [attempts[place] for place in (6, 0, 3, 5, 1)]
    await store.commit([closing(one) for one in order[:3]], T0 + 9)
    await store.commit([closing(one) for one in order[3:]], T0)  # the clock was set back: still in the order of ending
    first, cursor = await read_on(store, 0, limit=2)
    second, cursor = await read_on(store, cursor)
    assert first + second == [one.attempt_id for one in order]
    assert await read_on(store, cursor) == ([], cursor)
    await store.commit([closing(attempts[2])], T0)
    assert (await read_on(store, cursor))[0] == [attempts[2].attempt_id]


async def test_no_result_is_missed_while_several_processes_end_attempts(url: str) -> None:
    async with await SqlStore.open(url) as one, await SqlStore.open(url) as other, await SqlStore.open(url) as reader:
        [campaign_id] = await one.write(build, [phone(place) for place in range(1, 121)])
        attempts = (await claim(one, campaign_id, 120)).attempts
        seen: list[str] = []

        async def end(store: SqlStore, mine: int) -> None:
            for at in range(mine, len(attempts), 6):
                await store.commit([closing(attempts[at])], T0 + at)

        async def watch(ending: asyncio.Future[Any]) -> None:
            cursor = 0
            while True:
                was_over = ending.done()
                found, cursor = await read_on(reader, cursor, limit=7)
                seen.extend(found)
                if was_over and not found:
                    return

        ending = asyncio.gather(*(end(one if mine % 2 else other, mine) for mine in range(6)))
        await watch(ending)
        await ending
        assert sorted(seen) == sorted(attempt.attempt_id for attempt in attempts)
        assert len(seen) == 120
