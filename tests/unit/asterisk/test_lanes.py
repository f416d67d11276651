"""Lanes: in order within one, beside each other between them."""

import asyncio

from app.asterisk.lanes import Lanes


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_one_lane_goes_in_order_and_others_pass_by() -> None:
    done: list[str] = []
    gate = asyncio.Event()

    async def work(piece: str) -> None:
        if piece == "a1":
            await gate.wait()
        done.append(piece)

    lanes = Lanes(work)
    for piece in ("a1", "a2", "b1"):
        lanes.put(piece[0], piece)
    await settle()
    assert done == ["b1"]
    gate.set()
    await settle()
    lanes.put("a", "a3")
    await settle()
    assert done == ["b1", "a1", "a2", "a3"]


async def test_what_is_begun_beside_waits_for_nobody_and_stopping_drops_the_rest() -> None:
    done: list[str] = []

    async def work(piece: str) -> None:
        await asyncio.Event().wait()
        done.append(piece)

    async def beside() -> None:
        done.append("beside")

    lanes = Lanes(work)
    lanes.put("a", "a1")
    lanes.begin(beside())
    await settle()
    await lanes.stop()
    assert done == ["beside"]
