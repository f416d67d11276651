"""A store that is closed while somebody reads: whoever was at it comes to an end, cancelled or not."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Connection, text

from app.store import SqlStore
from app.store.errors import StoreError


def look_around(conn: Connection) -> int:
    """Many small statements, as a page's look-up makes."""
    return sum(conn.execute(text("SELECT 1")).scalar_one() for _ in range(20))


@pytest.mark.parametrize("turns", range(8))
@pytest.mark.parametrize("is_cancelled", [True, False], ids=["cancelled", "at work"])
async def test_whoever_reads_while_the_store_is_closed_comes_to_an_end(
    url: str, turns: int, is_cancelled: bool
) -> None:
    """And leaves nothing behind that waits for ever: a program with such a task does not end."""
    before = asyncio.all_tasks()
    store = await SqlStore.open(url)
    await store.read(look_around)
    readers = [asyncio.create_task(store.read(look_around)) for _ in range(4)]
    for _ in range(turns):
        await asyncio.sleep(0.0007)
    for _ in range(2 if is_cancelled else 0):  # by the page that is left, and again by the program that ends
        for reader in readers:
            reader.cancel()
        await asyncio.sleep(0)
    await store.close()
    await asyncio.wait(readers, timeout=5)
    assert not asyncio.all_tasks() - before
    for reader in readers:
        failure = None if reader.cancelled() else reader.exception()
        assert failure is None or isinstance(failure, StoreError), failure
