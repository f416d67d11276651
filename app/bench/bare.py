"""The bare API loop, for comparison: originate, wait for the answer, hang up, count the ends. No product around it.

aiohttp and the standard library's json, one websocket, one pool of connections: what anybody writes in an afternoon.
Run as a process of its own (`python -m app.bench.bare`), so that its CPU time is its own.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from typing import Any

import aiohttp

from app.bench import run_measured


async def bare_loop(spec: dict[str, Any]) -> dict[str, float]:
    """Place spec["calls"] calls at spec["rate"] a second; answer done, seconds and CPU seconds (user and system).

    spec: url, user, password, endpoint, rate, calls.
    """
    headers = {"Authorization": aiohttp.encode_basic_auth(spec["user"], spec["password"])}
    url, calls, rate = spec["url"], int(spec["calls"]), float(spec["rate"])
    ended = asyncio.Event()
    done = 0
    async with (
        aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=16)) as session,
        session.ws_connect(f"{url}/events", params={"app": "bare"}, max_msg_size=0) as events,
    ):
        hang_ups: set[asyncio.Task[None]] = set()

        async def hang_up(channel: str) -> None:
            async with session.delete(f"{url}/channels/{channel}") as reply:
                await reply.read()

        async def read() -> None:
            nonlocal done
            async for message in events:
                event = json.loads(message.data)
                if event["type"] == "StasisStart":
                    task = asyncio.create_task(hang_up(event["channel"]["id"]))
                    hang_ups.add(task)
                    task.add_done_callback(hang_ups.discard)
                elif event["type"] == "ChannelDestroyed":
                    done += 1
                    if done == calls:
                        ended.set()

        async def place(number: int) -> None:
            body = {
                "endpoint": f"PJSIP/4477009{number:05d}@{spec['endpoint']}",
                "app": "bare",
                "channelId": f"bare-{spec['run']}-{number}",
                "timeout": 20,
            }
            async with session.post(f"{url}/channels", json=body) as reply:
                await reply.read()

        reader = asyncio.create_task(read())
        before, began = _cpu_s(), time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(calls):
                await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
                group.create_task(place(number))
        try:
            async with asyncio.timeout(20):
                await ended.wait()
        except TimeoutError:
            print(f"bare loop: only {done} of {calls} calls ended", file=sys.stderr)
        seconds, cpu_s = time.monotonic() - began, _cpu_s() - before
        reader.cancel()
    return {"done": done, "seconds": seconds, "cpu_s": cpu_s}


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    print(json.dumps(run_measured(bare_loop(json.loads(sys.argv[1])))))
