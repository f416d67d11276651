"""What wakes the turns."""

from __future__ import annotations

import asyncio

import pytest

from app.bell import Bell


@pytest.fixture
async def bell() -> Bell:
    return Bell()


def in_s(wait_s: float) -> float:
    return asyncio.get_running_loop().time() + wait_s


async def test_who_brings_work_ends_the_wait(bell: Bell) -> None:
    waiting = asyncio.create_task(bell.wait(None))
    await asyncio.sleep(0)
    bell.ring()
    bell.ring()
    async with asyncio.timeout(5):
        await waiting


@pytest.mark.parametrize("earlier_s", [60.0, 0.01, None])
async def test_it_rings_by_itself_when_it_is_time_whatever_time_was_asked_for_before(
    bell: Bell, earlier_s: float | None
) -> None:
    at_s = None if earlier_s is None else in_s(earlier_s)
    before = asyncio.create_task(bell.wait(at_s))
    await asyncio.sleep(0)
    bell.ring()
    await before
    until_s = in_s(0.02)
    async with asyncio.timeout(5):
        await bell.wait(until_s)
    assert in_s(0.001) >= until_s


async def test_the_same_time_is_good_for_many_waits(bell: Bell) -> None:
    until_s = in_s(0.05)
    for _ in range(3):
        waiting = asyncio.create_task(bell.wait(until_s))
        await asyncio.sleep(0)
        bell.ring()
        await waiting
    async with asyncio.timeout(5):
        await bell.wait(until_s)
    assert in_s(0.001) >= until_s


async def test_a_time_that_is_over_lets_others_run_and_returns(bell: Bell) -> None:
    ran = asyncio.create_task(asyncio.sleep(0))
    await bell.wait(in_s(-1))
    await bell.wait(in_s(-1))
    assert ran.done()


async def test_who_gave_up_waiting_is_not_missed(bell: Bell) -> None:
    waiting = asyncio.create_task(bell.wait(None))
    await asyncio.sleep(0)
    waiting.cancel()
    bell.ring()
    await asyncio.gather(waiting, return_exceptions=True)
    again = asyncio.create_task(bell.wait(None))
    await asyncio.sleep(0)
    bell.ring()
    async with asyncio.timeout(5):
        await again
