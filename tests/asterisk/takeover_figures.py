"""The dialer is killed, or upgraded, with many conversations up: does sound go on, and when is everything there again?

`python -m tests.asterisk.takeover_figures 50 5`: so many conversations, so many kills in a row; with `--upgrade` it is
told to start anew instead. `--settle S`: seconds between two of them. Needs root, for looking at the packets.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp

from asterisk.lab import Lab
from tests.asterisk.campaign import records_in
from tests.asterisk.long_talks import WITHIN_S, Rest, conversations, held
from tests.asterisk.outring_process import OutringProcess
from tests.asterisk.rtp_gaps import RtpTimes

SETTLE_S = 2.0
UNDISTURBED_S = 15.0


async def _until(is_so: Any, what: str) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not await is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    print(what, file=sys.stderr)


async def _measure(count: int, kills: int, *, is_upgrade: bool, settle_s: float) -> None:
    with tempfile.TemporaryDirectory(prefix="outring-takeover-") as name:
        folder = Path(name)
        url = f"sqlite+aiosqlite:///{folder / 'outring.db'}"
        async with Lab(lines=2 * count, phones=count) as lab:
            key = await conversations(lab, folder, count)
            dialer = await OutringProcess.start(lab.pbx, folder, url)
            async with (
                records_in(folder) as records,
                aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as http,
            ):
                rest = Rest(records, http)
                await rest.look()

                async def are_talking() -> bool:
                    return [state for state, _ in (await rest.desks()).values()].count("talking") == count

                await _until(are_talking, f"{count} conversations")

                async def next_life(last: OutringProcess) -> OutringProcess:
                    if is_upgrade:
                        last.renew()
                        return last
                    await last.kill()
                    return await OutringProcess.start(lab.pbx, folder, url)

                await _again_and_again(dialer, lab, rest, kills, next_life, settle_s)


async def _again_and_again(
    dialer: OutringProcess,
    lab: Lab,
    rest: Rest,
    times_in_all: int,
    next_life: Callable[[OutringProcess], Awaitable[OutringProcess]],
    settle_s: float,
) -> None:
    loop = asyncio.get_running_loop()
    before, up = await rest.desks(), await held(lab)
    from_start_s: list[float] = []
    from_duty_s: list[float] = []
    times = RtpTimes()
    await asyncio.sleep(UNDISTURBED_S)
    undisturbed = times.gaps()
    times.close()
    times = RtpTimes()
    for _ in range(times_in_all):
        await asyncio.sleep(settle_s)
        began_s = loop.time()
        dialer = await next_life(dialer)
        await rest.look()
        on_duty_s = loop.time()

        async def has_everything() -> bool:
            return await rest.desks() == before

        await _until(has_everything, "taken over")
        from_start_s.append(loop.time() - began_s)
        from_duty_s.append(loop.time() - on_duty_s)
        assert await held(lab) == up, "channels and bridges are as they were"
        times.read()
    await asyncio.sleep(settle_s)
    gaps = times.gaps()
    times.close()
    print(f"{len(before)} conversations, {times_in_all} times: the same channels, bridges, states and cards after each")
    for what, seen in ((f"{UNDISTURBED_S:g} s undisturbed", undisturbed), ("all the time", gaps)):
        middle = statistics.median(seen.per_flow_ms)
        print(
            f"{what}: {seen.flows} streams of sound, {seen.packets} packets; largest gap {seen.largest_ms:.1f} ms, "
            f"of half the streams under {middle:.1f} ms"
        )
    for what, found in (("from its panel's opening", from_duty_s), ("from the word or the kill", from_start_s)):
        print(f"everything again, {what}: median {statistics.median(found):.2f} s, at the most {max(found):.2f} s")
    await dialer.kill()


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("conversations", type=int)
    asked.add_argument("times", type=int)
    asked.add_argument("--upgrade", action="store_true")
    asked.add_argument("--settle", type=float, default=SETTLE_S)
    given = asked.parse_args()
    asyncio.run(_measure(given.conversations, given.times, is_upgrade=given.upgrade, settle_s=given.settle))
