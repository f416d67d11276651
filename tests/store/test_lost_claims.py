"""The line to the database breaks just while a claim commits: nobody is called twice for it, and nobody forgotten."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from app import runtime as module
from app.agent_commands import OpenManual
from app.agent_events import ManualRefused
from app.commands import ClaimContacts, PlaceCall, RenderPrompts, StoreCommand, TelephonyCommand
from app.dialing import campaign as campaign_module
from app.dialing.dialer import Dialer
from app.events import (
    AttemptsFound,
    CallEnded,
    CallPlaced,
    CampaignStarted,
    Event,
    PromptsRendered,
    TelephonyUp,
    TrunkSet,
)
from app.model import Audio, CampaignStatus, RetryPolicy, Trunk
from app.outcomes import ContactStatus, Outcome
from app.ports import Inbox
from app.runtime import Runtime
from app.store import SqlStore, StoreError
from app.store.campaigns import get_campaign, update_campaign
from app.store.door import LOOKS
from app.store.lanes import Lane
from app.store.progress import get_progress
from app.units import AttemptId, CampaignId, TrunkId
from tests.store.floor import ANN
from tests.store.world import T0, build, claim, ids, kept_tallies, phone, places, recounted_tallies
from tests.unit.dialing.build import FLOW

DEADLINE_S = 30.0


class BrokenLane:
    """A way to the database that breaks after the commit went through: `breaks` says for which operation."""

    def __init__(self, lane: Lane, breaks: Callable[[tuple[Any, ...]], bool]) -> None:
        self._lane = lane
        self._breaks = breaks
        self.broke = 0

    async def run(self, operation: Any, *args: Any, **kwargs: Any) -> Any:
        done = await self._lane.run(operation, *args, **kwargs)
        if self._breaks(args):
            self.broke += 1
            raise StoreError("the line broke")
        return done

    async def close(self) -> None:
        await self._lane.close()


def break_once(store: SqlStore, *kinds: type[StoreCommand]) -> BrokenLane:
    """The first commit with such a command goes through, and looks as if it had not."""
    lane: BrokenLane

    def breaks(args: tuple[Any, ...]) -> bool:
        is_one = bool(args) and isinstance(args[0], list) and any(isinstance(one, kinds) for one in args[0])
        return is_one and not lane.broke

    lane = BrokenLane(store._writing, breaks)
    store._writing = lane
    return lane


async def test_attempts_of_a_commit_that_seemed_to_fail_are_found_once(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1), phone(2), phone(3)])
    known = (await claim(store, campaign_id, 1)).attempts
    assert (await store.find_lost()).attempts == ()
    break_once(store, ClaimContacts)
    with pytest.raises(StoreError):
        await claim(store, campaign_id, 1)
    found = (await store.find_lost()).attempts
    assert ids(found) == [2]
    assert found[0] not in known
    assert (await store.find_lost()).attempts == (), "they are told once"
    assert len((await store.recover()).attempts) == 2


async def test_a_commit_that_did_fail_is_looked_for_a_few_times_and_forgotten(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    huge = ClaimContacts(campaign_id=CampaignId(2**70), count=1)
    with pytest.raises(StoreError):
        await store.commit([ClaimContacts(campaign_id=campaign_id, count=1), huge], T0)
    for _ in range(LOOKS):
        assert store._in_doubt
        assert (await store.find_lost()).attempts == ()
    assert not store._in_doubt


# --- the whole dialer ------------------------------------------------------------------------------------------------


class BusyNetwork:
    """Every call is busy at once."""

    def __init__(self) -> None:
        self.placed: Counter[str] = Counter()
        self.attempts: set[AttemptId] = set()
        self._says: Inbox = lambda event: None

    async def start(self, inbox: Inbox) -> None:
        self._says = inbox
        inbox(TelephonyUp(is_new_life=False))

    def perform(self, command: TelephonyCommand) -> None:
        if isinstance(command, PlaceCall):
            self.placed[command.number] += 1
            self.attempts.add(command.attempt_id)
            self._says(CallPlaced(attempt_id=command.attempt_id))
            self._says(CallEnded(attempt_id=command.attempt_id, sip_code=486, cause=17))

    async def stop(self) -> None:
        pass


class LaterClock:
    """A clock that goes on from the time of these worlds."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def now_ms(self) -> int:
        return T0 + round((time.monotonic() - self._since) * 1_000)


class Silence:
    async def render(self, command: RenderPrompts) -> PromptsRendered:
        audio = {prompt: Audio(media="sound:silence/1", length_ms=1_000) for prompt in command.prompts}
        return PromptsRendered(attempt_id=command.attempt_id, audio=audio, failed={})


async def until(is_so: Callable[[], Any]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not await is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_claim_lost_in_its_commit_calls_everybody_once(store: SqlStore, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "LOOK_AGAIN_S", 0.05)
    monkeypatch.setattr(module, "RETRY_S", (0.01,))
    monkeypatch.setattr(campaign_module, "STORE_REST_MS", 10)
    numbers = [phone(place) for place in range(1, 8)]
    [campaign_id] = await store.write(build, numbers)
    plan = (await store.read(get_campaign, campaign_id)).campaign
    plan = replace(plan, lines=50, calls_per_second=500.0, retry=RetryPolicy(max_attempts=1))
    await store.write(update_campaign, plan)
    network = BusyNetwork()
    runtime = Runtime(dialer=Dialer(), telephony=network, store=store, prompts=Silence(), clock=LaterClock())
    seen: list[Event] = []
    runtime.watch(seen.append)
    lane = break_once(store, ClaimContacts)
    first: list[Event] = [
        TrunkSet(trunk=Trunk(id=TrunkId("sip"), endpoint="sip", lines=50, calls_per_second=500.0, prefixes=("+44",))),
        CampaignStarted(campaign=plan, flow=FLOW),
    ]
    working = asyncio.create_task(runtime.run(first))
    try:

        async def is_finished() -> bool:
            return (await store.read(get_campaign, campaign_id)).status is CampaignStatus.FINISHED

        await until(is_finished)
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    assert lane.broke == 1
    [found] = [event for event in seen if isinstance(event, AttemptsFound)]
    assert found.attempts
    assert not network.attempts & {attempt.attempt_id for attempt in found.attempts}, "nobody is dialed for them"
    assert network.placed == Counter(numbers), "everybody is called once"
    assert (await store.recover()).attempts == ()
    progress = await store.read(get_progress, campaign_id)
    assert progress.statuses == {ContactStatus.RETRIES_COMPLETED: 7}
    assert progress.outcomes == {Outcome.BUSY: 7, Outcome.RETURNED_UNDIALED: len(found.attempts)}
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)


async def test_an_agent_whose_dialing_by_hand_was_lost_is_told_and_can_dial_again(
    store: SqlStore, monkeypatch: Any
) -> None:
    monkeypatch.setattr(module, "LOOK_AGAIN_S", 0.05)
    monkeypatch.setattr(module, "RETRY_S", (0.01,))
    [campaign_id] = await store.write(build, [phone(1)])
    network = BusyNetwork()
    runtime = Runtime(dialer=Dialer(), telephony=network, store=store, prompts=Silence(), clock=LaterClock())
    seen: list[Event] = []
    runtime.watch(seen.append)
    break_once(store, OpenManual)
    working = asyncio.create_task(runtime.run())
    try:
        runtime.write(OpenManual(agent_id=ANN, campaign_id=campaign_id, number=phone(1)))

        async def is_returned() -> bool:
            told = any(isinstance(event, ManualRefused) for event in seen)
            return told and (await store.recover()).attempts == () and len(await store.read(places)) == 2

        await until(is_returned)
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    [refused] = [event for event in seen if isinstance(event, ManualRefused)]
    assert "dial again" in refused.reason
    assert not network.placed
