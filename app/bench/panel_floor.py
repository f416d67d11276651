"""The whole program with agents at their desks, for app.bench.panel: agents pause and go ready, and it says when.

Run as a process of its own (`python -m app.bench.panel_floor`). It prints one line when it is ready for browsers, and
after the work another with every change and the CPU time it took.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from app import logs
from app.agent_events import AgentPaused, AgentWentReady
from app.agents import AgentState, PauseReason, PhoneMode
from app.panel.passwords import new_token, token_hash
from app.service import Service, service
from app.settings import load
from app.store import people
from app.units import HOUR_MS, AgentId

REASON = PauseReason(code="break", label="Break")
SETTLE_S = 3.0


async def panel_floor(spec: dict[str, Any]) -> None:
    """Seat spec["agents"] agents, wait for a line on standard input, then change one every spec["every_s"] seconds."""
    with tempfile.TemporaryDirectory(prefix="outring-bench-") as folder:
        settings = load(
            ari_url=spec["url"],
            ari_user=spec["user"],
            ari_password=spec["password"],
            database_url=f"sqlite+aiosqlite:///{Path(folder) / 'outring.db'}",
            data_dir=Path(folder) / "data",
            http_host="127.0.0.1",
            http_port=0,
        )
        async with service(settings) as running:
            supervisor, _ = await _person(running, "supervisor", people.Role.SUPERVISOR)
            tokens: list[str] = []
            ids: list[AgentId] = []
            for number in range(spec["agents"]):
                token, user = await _person(running, f"agent {number:03d}", people.Role.AGENT)
                tokens.append(token)
                ids.append(AgentId(user.id))
                await running.agents.sign_in(
                    user, endpoint=f"phone-{number}", phone_mode=PhoneMode.NAILED_UP, campaigns_served=[]
                )
            await _phones_up(running, len(ids))
            _say({"url": running.url, "supervisor": supervisor, "agents": tokens})
            await asyncio.to_thread(sys.stdin.readline)
            await asyncio.sleep(SETTLE_S)
            before, began = _cpu_s(), time.monotonic()
            changes = await _change(running, ids, spec["changes"], spec["every_s"])
            cpu_s, seconds = _cpu_s() - before, time.monotonic() - began
            await asyncio.sleep(SETTLE_S)
            _say({"changes": changes, "cpu_s": cpu_s, "seconds": seconds})
            await asyncio.to_thread(sys.stdin.readline)  # until the browsers have left


async def _person(running: Service, name: str, role: people.Role) -> tuple[str, people.User]:
    """Somebody who is signed in to the panel already."""
    now_ms, token = running.operations.now_ms, new_token()
    user = await running.store.write(people.add_user, name=name, password_hash="", role=role, now_ms=now_ms)
    await running.store.write(
        people.open_session,
        user_id=user.id,
        token_hash=token_hash(token),
        now_ms=now_ms,
        expires_at_ms=now_ms + HOUR_MS,
    )
    return token, user


async def _phones_up(running: Service, count: int) -> None:
    deadline = time.monotonic() + 60
    while sum(picture.is_phone_up for picture in running.operations.snapshot().agents) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"not all of {count} phones are up after a minute")
        await asyncio.sleep(0.2)


async def _change(running: Service, ids: list[AgentId], count: int, every_s: float) -> list[tuple[int, str, float]]:
    """Agent, new state and moment (CLOCK_MONOTONIC, seconds) of each change, as it was asked for."""
    chance, changes = random.Random(1), []
    began = time.monotonic()
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number * every_s - time.monotonic()))
        agent_id = chance.choice(ids)
        picture = running.agents.picture(agent_id)
        assert picture is not None, f"agent {agent_id} has gone"
        is_paused = picture.state is AgentState.PAUSED
        asked_at = time.monotonic()
        if is_paused:
            await running.agents.ask(AgentWentReady(agent_id=agent_id))
        else:
            await running.agents.ask(AgentPaused(agent_id=agent_id, reason=REASON))
        changes.append((int(agent_id), "available" if is_paused else "paused", asked_at))
    return changes


def _say(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    logs.set_up("WARNING")
    asyncio.run(panel_floor(json.loads(sys.argv[1])))
