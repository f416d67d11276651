"""Duty: one dialer at a time may write, whatever the others believe; who is gone is replaced, who is there is not."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, update

from app.commands import SetCampaignStatus
from app.duty import Duty, OnDutyElsewhere, is_gone, our_name
from app.model import CampaignStatus
from app.store import SqlStore
from app.store.duty import Relieved, leave_duty, look_at_duty, renew_duty, take_duty
from app.store.errors import StoreError
from app.store.schema import duty
from app.units import DAY_MS, CampaignId

LEASE_MS = 60_000


def _was_renewed_before(conn: Connection, ms: int) -> None:
    """As if the last renewal were so long ago."""
    conn.execute(update(duty).values(renewed_at_ms=duty.c.renewed_at_ms - ms))


async def _take(store: SqlStore, holder: str = "a", lease_ms: int = LEASE_MS) -> int | None:
    return await store.write(take_duty, holder=holder, place=f"the {holder}", lease_ms=lease_ms)


async def test_one_at_a_time(store: SqlStore) -> None:
    assert await store.read(look_at_duty) is None
    assert await _take(store, "a") == 1
    assert await _take(store, "b") is None
    entry = await store.read(look_at_duty)
    assert entry is not None
    assert entry.is_held
    assert (entry.epoch, entry.holder, entry.place, entry.lease_ms) == (1, "a", "the a", LEASE_MS)
    assert entry.renewed_at_ms <= entry.now_ms <= entry.renewed_at_ms + 10_000


async def test_of_many_at_once_one_wins(store: SqlStore) -> None:
    won = await asyncio.gather(*(_take(store, f"dialer {place}") for place in range(8)))
    assert sorted(epoch for epoch in won if epoch) == [1]


@pytest.mark.parametrize("ago_ms", [LEASE_MS + 1_000, -LEASE_MS - 60_000])
async def test_a_lease_runs_out(store: SqlStore, ago_ms: int) -> None:
    """By time, and when the database's clock was stepped back by more than a lease."""
    assert await _take(store, "a") == 1
    await store.write(_was_renewed_before, ago_ms)
    entry = await store.read(look_at_duty)
    assert entry is not None
    assert not entry.is_held
    assert await _take(store, "b") == 2
    with pytest.raises(Relieved):
        await store.write(renew_duty, 1)
    await store.write(renew_duty, 2)


async def test_renewing_makes_it_last(store: SqlStore) -> None:
    await _take(store, "a")
    await store.write(_was_renewed_before, LEASE_MS + 1_000)
    await store.write(renew_duty, 1)  # late, but nobody came
    assert await _take(store, "b") is None


async def test_who_leaves_is_followed_at_once(store: SqlStore) -> None:
    await _take(store, "a")
    await store.write(leave_duty, 1)
    with pytest.raises(Relieved):
        await store.write(renew_duty, 1)
    assert await _take(store, "b") == 2
    await store.write(leave_duty, 1)  # too late to matter
    entry = await store.read(look_at_duty)
    assert entry is not None
    assert entry.holder == "b"


async def test_who_is_known_to_be_gone_is_replaced_unless_they_are_heard_of(store: SqlStore) -> None:
    await _take(store, "a")
    seen = await store.read(look_at_duty)
    await asyncio.sleep(0.01)
    await store.write(renew_duty, 1)
    replaced = await store.write(take_duty, holder="b", place="", lease_ms=LEASE_MS, silent=seen)
    assert replaced is None, "it has renewed meanwhile"
    seen = await store.read(look_at_duty)
    assert await store.write(take_duty, holder="b", place="", lease_ms=LEASE_MS, silent=seen) == 2


async def test_a_dialer_that_was_relieved_writes_nothing(store: SqlStore) -> None:
    await _take(store, "a")
    store.write_as(1)
    status = SetCampaignStatus(campaign_id=CampaignId(7), status=CampaignStatus.PAUSED)
    with pytest.raises(Exception, match="no campaign 7"):
        await store.commit([status], 1)
    await store.write(leave_duty, 1)
    await _take(store, "b")
    with pytest.raises(Relieved):
        await store.commit([status], 1)
    store.write_as(2)
    with pytest.raises(Exception, match="no campaign 7"):
        await store.commit([status], 1)


# --- the process's side ----------------------------------------------------------------------------------------------


class Steady:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now_ms = 1_000_000

    def __call__(self) -> int:
        return self.now_ms


async def test_a_second_dialer_is_told_who_is_on_duty(store: SqlStore) -> None:
    first, second = Duty(store, lease_ms=400), Duty(store, lease_ms=400)
    await first.obtain(stands_by=False)
    keeping = asyncio.create_task(first.keep())
    try:
        with pytest.raises(OnDutyElsewhere, match="outring run --standby"):
            await second.obtain(stands_by=False)
        waits: list[str] = []
        standing_by = asyncio.create_task(
            second.obtain(stands_by=True, waiting=lambda entry: waits.append(entry.place))
        )
        await asyncio.sleep(0.6)
        assert waits
        assert not standing_by.done()
        await first.leave()
        async with asyncio.timeout(10):
            await standing_by
        assert second.may_dial()
        assert not first.may_act()
        assert not await first.admitted()
    finally:
        keeping.cancel()


async def test_who_renews_nothing_is_relieved_and_does_nothing(store: SqlStore) -> None:
    first, second = Duty(store, lease_ms=400), Duty(store, lease_ms=400)
    await first.obtain(stands_by=False)
    async with asyncio.timeout(10):
        await second.obtain(stands_by=True)
    assert second.epoch == 2
    assert not first.may_dial(), "its lease is over"
    keeping = asyncio.create_task(first.keep())
    async with asyncio.timeout(10):
        await first.relieved
    assert not first.may_act()
    await keeping


async def test_a_stepped_clock_of_the_database_relieves_nobody(store: SqlStore) -> None:
    """By the database's clock the lease has run out, but who holds it is there, and dials."""
    clock = Steady()
    first, second = Duty(store, lease_ms=400, clock=clock), Duty(store, lease_ms=400, clock=clock)
    await first.obtain(stands_by=False)
    for ago_ms in (DAY_MS, -DAY_MS):
        await store.write(_was_renewed_before, ago_ms)
        standing_by = asyncio.create_task(second.obtain(stands_by=True))
        await asyncio.sleep(0.3)
        assert not standing_by.done()
        assert first.may_dial()
        standing_by.cancel()
    standing_by = asyncio.create_task(second.obtain(stands_by=True))
    while not standing_by.done():
        clock.now_ms += 20
        assert standing_by.done() or clock.now_ms < 1_002_000, "nobody was heard of for a lease"
        await asyncio.sleep(0.05)
    assert second.epoch == 2
    assert not first.may_dial()


async def test_who_could_not_renew_while_the_database_was_away_has_a_lease_from_its_return_on(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It kept opt-outs beside the database, and brings them before anybody else dials."""
    clock = Steady()
    first, second = Duty(store, lease_ms=400, clock=clock), Duty(store, lease_ms=400, clock=clock)
    await first.obtain(stands_by=False)
    epoch = first.epoch
    assert epoch is not None
    write = store.write

    async def refuse(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(store, "write", refuse)
    monkeypatch.setattr(store, "try_writing", refuse)
    standing_by = asyncio.create_task(second.obtain(stands_by=True))
    await asyncio.sleep(0.6)
    clock.now_ms += 60_000
    await asyncio.sleep(0.2)
    monkeypatch.undo()
    await asyncio.sleep(0.1)
    assert not standing_by.done(), "the database is back, and whoever was on duty may be too"
    await write(renew_duty, epoch)
    await asyncio.sleep(0.1)
    assert not standing_by.done()
    async with asyncio.timeout(10):
        while not standing_by.done():
            clock.now_ms += 50
            await asyncio.sleep(0.05)
    assert second.epoch == epoch + 1, "who is not heard of after that is gone"


async def test_a_frozen_process_asks_before_it_acts(store: SqlStore) -> None:
    clock = Steady()
    duty = Duty(store, lease_ms=4_000, clock=clock)
    await duty.obtain(stands_by=False)
    assert duty.may_dial()
    clock.now_ms += 1_900
    assert duty.may_dial()
    clock.now_ms += 1_900
    assert duty.may_act(), "too near the lease's end to place a call"
    assert not duty.may_dial(), "too near the lease's end to place a call"
    clock.now_ms += 60_000
    assert not duty.may_act(), "it stood still, and asking twice changes nothing"
    assert not duty.may_act(), "it stood still, and asking twice changes nothing"
    keeping = asyncio.create_task(duty.keep())
    try:
        async with asyncio.timeout(10):
            assert await duty.admitted()
        assert duty.may_dial()
    finally:
        keeping.cancel()


async def test_while_the_database_is_away_conversations_go_on(store: SqlStore) -> None:
    clock = Steady()
    duty = Duty(store, lease_ms=400, clock=clock)
    await duty.obtain(stands_by=False)
    await store.close()
    keeping = asyncio.create_task(duty.keep())
    for _ in range(10):
        clock.now_ms += 100
        assert duty.may_act()
        await asyncio.sleep(0.05)
    assert not duty.may_dial()
    assert not duty.relieved.done()
    keeping.cancel()


def test_a_process_of_this_machine_is_known_to_be_dead() -> None:
    machine, pid, began, chance = our_name().split(" ")
    assert not is_gone(our_name())
    assert is_gone(f"{machine} {pid} {int(began) - 1} {chance}"), "another process had this id before"
    assert is_gone(f"{machine} 4194303 {began} {chance}")
    assert not is_gone(f"elsewhere {pid} {began} {chance}")
    assert not is_gone("")


def test_a_process_that_is_hidden_from_us_is_not_taken_for_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with ProtectProc=invisible: /proc shows nothing of others, and a signal is not permitted."""
    machine, pid, _, token = our_name().split(" ")
    holder = f"{machine} {pid} 12345 {token}"
    assert is_gone(holder), "this process began at another time"

    def forbidden(pid: int, signal: int) -> None:
        raise PermissionError

    real = Path.read_text

    def hidden(path: Path, *args: Any, **kwargs: Any) -> str:
        if path.name == "stat":
            raise FileNotFoundError
        return real(path, *args, **kwargs)

    monkeypatch.setattr(Path, "read_text", hidden)
    assert not is_gone(holder)
    monkeypatch.setattr(os, "kill", forbidden)
    assert not is_gone(holder)
