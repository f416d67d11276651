"""The whole dialer bridging answered people to nailed-up agents, under load, for comparison with app.bench.bare_bridge.

Run as a process of its own (`python -m app.bench.bridge`). Agents are the far end's phones; each ends a conversation
after `talk_s` and is free at once.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from app import logs
from app.agent_events import AgentSignedIn, AgentSignedOut, AgentWentReady, DispositionSet, PersonJoined
from app.agents import AgentPlan, AgentState, DialingMode, Seat
from app.asterisk.ari import models as ari
from app.asterisk.telephony import AsteriskTelephony
from app.bench import run_measured
from app.bench.dialer import fill
from app.commands import RenderPrompts
from app.compliance.plan import AT_ANY_TIME
from app.dialing.dialer import Dialer
from app.dialing.snapshot import AgentPicture
from app.events import Event, PromptsRendered
from app.model import Audio, Campaign, RetryPolicy, Trunk
from app.operations import Operations
from app.runtime import Runtime
from app.store import SqlStore, agents, lists, people, progress
from app.units import AgentId, AttemptId, CampaignId, FlowId, SessionId, TrunkId

READY_S = 60.0


class OneSound:
    """Whatever is to be said is this sound: nobody listens in the bench."""

    async def render(self, command: RenderPrompts) -> PromptsRendered:
        """The same for every prompt."""
        audio = dict.fromkeys(command.prompts, Audio(media="sound:beep", length_ms=425))
        return PromptsRendered(attempt_id=command.attempt_id, audio=audio, failed={})


class TimedTelephony(AsteriskTelephony):
    """Notes, by Asterisk's own clock, how long each person was in our hands before they were in an agent's room."""

    answered: dict[str, datetime]
    waits_ms: list[float]

    def _hear(self, message: Any) -> None:
        if isinstance(message, ari.StasisStart):
            self.answered[message.channel.id] = datetime.fromisoformat(str(message.timestamp))
        elif isinstance(message, ari.ChannelEnteredBridge) and message.channel is not None:
            began = self.answered.pop(message.channel.id, None)
            if began is not None and not _is_phone(message.channel.id):
                entered = datetime.fromisoformat(str(message.timestamp))
                self.waits_ms.append((entered - began).total_seconds() * 1_000)
        super()._hear(message)


class Floor:
    """The agents of the bench: they talk for a fixed time, and are free again."""

    def __init__(self, runtime: Runtime, talk_s: float) -> None:
        self._runtime = runtime
        self._talk_s = talk_s
        runtime.watch(self._hear)

    def _hear(self, event: Event) -> None:
        if isinstance(event, PersonJoined):
            asyncio.get_running_loop().call_later(self._talk_s, self._end, event.attempt_id, event.room_id)

    def _end(self, attempt_id: AttemptId, room_id: str) -> None:
        agent_id = AgentId(int(room_id.removesuffix("-room").removeprefix("benchagent"), 10))
        self._runtime.post(DispositionSet(agent_id=agent_id, attempt_id=attempt_id, code="success", is_done=True))

    async def sign_in(self, count: int, campaign_id: CampaignId, store: SqlStore, now_ms: int) -> None:
        """Seat all agents and wait until their phones are up and they are available."""
        ids = []
        for number in range(count):
            user = await store.write(
                people.add_user, name=f"agent {number}", password_hash="", role=people.Role.AGENT, now_ms=now_ms
            )
            ids.append(AgentId(user.id))
            session_id = SessionId(f"benchagent{user.id:05d}")
            seat = Seat(agent_id=AgentId(user.id), session_id=session_id, name=user.name, endpoint=f"phone-{number}")
            await store.write(agents.sign_in, seat, [campaign_id], now_ms=now_ms)
            self._runtime.post(AgentSignedIn(seat=seat, campaigns=(campaign_id,)))
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            pictures = self._agents()
            for picture in pictures:
                if picture.is_phone_up and picture.state is AgentState.PAUSED:
                    self._runtime.post(AgentWentReady(agent_id=picture.agent_id))
            if len(pictures) == count and all(p.state is not AgentState.PAUSED and p.is_phone_up for p in pictures):
                return
            await asyncio.sleep(0.1)
        raise TimeoutError(f"not all of {count} agents are ready after {READY_S:g} s")

    async def sign_out(self) -> None:
        """Let all phones go: the next run finds none of them up."""
        for picture in self._agents():
            self._runtime.post(AgentSignedOut(agent_id=picture.agent_id))
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            if not self._agents():
                return
            await asyncio.sleep(0.1)

    def _agents(self) -> tuple[AgentPicture, ...]:
        return self._runtime.dialer.snapshot(self._runtime.clock.now_ms()).agents


async def bridge_run(spec: dict[str, Any]) -> dict[str, Any]:
    """As app.bench.bare_bridge, and `unaccounted`: contacts without an outcome on disk.

    With spec["calls"] 0 nobody is called: the agents are idle for spec["idle_s"] seconds, whose CPU time is told.
    """
    with tempfile.TemporaryDirectory(prefix="outring-bench-") as folder:
        telephony = TimedTelephony(url=spec["url"], user=spec["user"], password=spec["password"])
        telephony.answered, telephony.waits_ms = {}, []
        async with await SqlStore.open(f"sqlite+aiosqlite:///{Path(folder) / 'bench.db'}") as store:
            runtime = Runtime(dialer=Dialer(), telephony=telephony, store=store, prompts=OneSound())
            operations = Operations(store=store, runtime=runtime)
            working = asyncio.create_task(runtime.run(await operations.first_events()))
            campaign_id = await _prepare(operations, store, spec)
            floor = Floor(runtime, spec["talk_s"])
            await floor.sign_in(spec["agents"], campaign_id, store, operations.now_ms)
            before, began = _cpu_s(), time.monotonic()
            await operations.start_campaign(campaign_id)
            if not spec["calls"]:
                await asyncio.sleep(1)  # what signing in still set going
                before, began = _cpu_s(), time.monotonic()
                await asyncio.sleep(spec["idle_s"])
            deadline = began + spec["calls"] / spec["rate"] * 2 + 60
            counts = await store.read(progress.get_progress, campaign_id)
            while counts.settled < counts.total and time.monotonic() < deadline and not working.done():
                await asyncio.sleep(0.5)
                counts = await store.read(progress.get_progress, campaign_id)
            if working.done():
                working.result()
            seconds, cpu_s = time.monotonic() - began, _cpu_s() - before
            await floor.sign_out()
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            await telephony.stop()
    return {
        "done": counts.settled,
        "seconds": seconds,
        "cpu_s": cpu_s,
        "waits_ms": telephony.waits_ms,
        "connected": counts.outcomes.get(10, 0),  # type: ignore[call-overload]
        "unaccounted": counts.total - counts.settled,
    }


async def _prepare(operations: Operations, store: SqlStore, spec: dict[str, Any]) -> CampaignId:
    rate = float(spec["rate"])
    trunk = Trunk(id=TrunkId("bench"), endpoint=spec["endpoint"], lines=2_000, calls_per_second=rate, prefixes=("+",))
    await operations.save_trunk(trunk)
    found = await store.write(lists.create_list, name="bench", country="GB", now_ms=operations.now_ms)
    await store.write(fill, found.id, int(spec["calls"]))
    plan = Campaign(
        id=CampaignId(0),
        name="bench",
        flow_id=FlowId(0),
        trunks=(trunk.id,),
        compliance=AT_ANY_TIME,
        lines=2_000,
        calls_per_second=rate,
        ring_timeout_ms=20_000,
        retry=RetryPolicy(max_attempts=1, max_faults=1),
        mode=DialingMode.PROGRESSIVE,
        agents=AgentPlan(wrap_up_ms=1_000),
    )
    return (await operations.create_campaign(plan, [found.id])).campaign.id


def _is_phone(channel: str) -> bool:
    return channel.removeprefix("outring-").startswith("benchagent")


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    logs.set_up("WARNING")
    print(json.dumps(run_measured(bridge_run(json.loads(sys.argv[1])))))
