"""Does the laboratory tell the truth? The same short shift on a real Asterisk, and simulated: side by side.

Real phones, real calls over loopback, robots who talk by chance; the same list, the same lengths, the same dialer. What
the real shift came to should lie within what simulated ones of several seeds came to.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from app import logs
from app.agent_events import AgentSignedIn, AgentWentReady, DispositionSet, HangUpAsked
from app.agents import AgentPlan, AgentState, DialingMode, PacingPlan, Seat
from app.asterisk.telephony import AsteriskTelephony
from app.bench import BenchRow
from app.bench.bridge import OneSound
from app.compliance.plan import AT_ANY_TIME
from app.dialing.dialer import Dialer
from app.dialing.snapshot import AgentPicture
from app.ivr.builtin import CONNECT_SOURCE
from app.model import Campaign, RetryPolicy, Trunk
from app.operations import Operations
from app.runtime import Runtime
from app.sim.laboratory import ShiftFigures, Untraced, figures_of
from app.sim.plan import START_MS, CampaignPlan, WorldPlan, add_contacts
from app.sim.shift import ShiftPlan
from app.sim.temper import GOOD
from app.sim.trunks import TrunkKind
from app.sim.world import World
from app.store import SqlStore, agents, lists, people
from app.units import MINUTE_MS, SECOND_MS, AgentId, AttemptId, CampaignId, FlowId, Number, SessionId, TrunkId
from asterisk.lab import Lab

AGENTS: Final = 6
TALK_MS, WRAP_UP_MS, SPREAD = 9 * SECOND_MS, 2 * SECOND_MS, 0.5
"""Medians, and the standard deviation of the logarithm."""
ENDINGS: Final = ("00", "41", "41", "40")
"""Somebody who stays, somebody who does not answer (twice as many), somebody who is busy."""
RING_MS: Final = 6 * SECOND_MS
MODES: Final = (DialingMode.PROGRESSIVE, DialingMode.PREDICTIVE)
SEEDS: Final = range(1, 10)
WARM_UP_S: Final = 30
"""Until everybody is at work, and the first calls have come to something."""
TRUNK: Final = Trunk(id=TrunkId("network"), endpoint="network", lines=100, calls_per_second=50.0, prefixes=("+",))


def _plan(mode: DialingMode) -> Campaign:
    return Campaign(
        id=CampaignId(0),
        name=f"reality {mode.value}",
        flow_id=FlowId(0),
        trunks=(TRUNK.id,),
        compliance=AT_ANY_TIME,
        lines=100,
        calls_per_second=50.0,
        ring_timeout_ms=RING_MS,
        caller_id="+442079460000",
        retry=RetryPolicy(max_attempts=1, max_faults=1),
        mode=mode,
        agents=AgentPlan(wrap_up_ms=MINUTE_MS, pacing=PacingPlan(abandonment_target=0.03)),
    )


def _numbers(count: int) -> list[Number]:
    """Numbers of the laboratory's network, all different, each of a behaviour by its last two digits."""
    rng = random.Random("reality")
    return [Number(f"+99{place:08d}{rng.choice(ENDINGS)}") for place in range(count)]


async def bench_reality(seconds: int, say: Callable[[str], None]) -> list[BenchRow]:
    """Rows for each mode: agents' time in work and calls answered, in the real shift beside the simulated ones."""
    logs.set_up("WARNING")
    rows: list[BenchRow] = []
    numbers = _numbers(seconds * 4)
    async with Lab(lines=150, phones=AGENTS) as lab:
        for mode in MODES:
            say(f"{mode.value}: {seconds} s on the real Asterisk")
            real = await _real(lab, mode, numbers, seconds)
            say(f"{mode.value}: {len(SEEDS)} simulated")
            simulated = [_simulated(mode, numbers, seconds, seed) for seed in SEEDS]
            rows += [
                _row(f"{mode.value}: agents' time in work", 100 * real.occupancy,
                     [100 * one.occupancy for one in simulated], "%"),
                _row(f"{mode.value}: people answered", real.answered, [one.answered for one in simulated], "people"),
            ]  # fmt: skip
            rows.append(_abandoned(mode, real))
    return rows


def _row(name: str, real: float, simulated: Sequence[float], unit: str) -> BenchRow:
    least, middle, most = min(simulated), sorted(simulated)[len(simulated) // 2], max(simulated)
    return BenchRow(
        name=f"real shift, {name}",
        value=round(real, 1),
        unit=unit,
        baseline=round(middle, 1),
        ratio=round(real / middle, 2) if middle else None,
        goal=f"within the simulated: {least:.1f} to {most:.1f} over {len(simulated)} seeds",
        holds=least <= real <= most,
    )


def _abandoned(mode: DialingMode, real: ShiftFigures) -> BenchRow:
    allowed = 0.03 * real.answered
    return BenchRow(
        name=f"real shift, {mode.value}: people abandoned of {real.answered}",
        value=float(real.abandoned),
        unit="people",
        baseline=None,
        ratio=None,
        goal="at most 3%, or one",
        holds=real.abandoned <= max(1.0, allowed),
    )


# --- real ------------------------------------------------------------------------------------------------------------


class _Robots:
    """The agents of the real shift: each talks for a while, finishes the card after another, and is free."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._chance = random.Random("reality's robots")
        self._seen: dict[AgentId, tuple[AgentState, bool, AttemptId | None]] = {}
        runtime.watch_agents(self._look)

    def _look(self, changed: frozenset[AgentId]) -> None:
        for agent_id in changed:
            picture = self._runtime.dialer.agent_picture(agent_id, self._runtime.clock.now_ms())
            if picture is None:
                continue
            now = (picture.state, picture.is_phone_up, None if picture.card is None else picture.card.attempt_id)
            if self._seen.get(agent_id) != now:
                self._seen[agent_id] = now
                self._do(picture)

    def _do(self, picture: AgentPicture) -> None:
        if picture.state is AgentState.PAUSED and picture.is_phone_up:
            self._later(0, AgentWentReady(agent_id=picture.agent_id))
        elif picture.state is AgentState.TALKING:
            self._later(self._some(TALK_MS), HangUpAsked(agent_id=picture.agent_id))
        elif picture.state is AgentState.WRAP_UP and picture.card is not None:
            done = DispositionSet(
                agent_id=picture.agent_id, attempt_id=picture.card.attempt_id, code="success", is_done=True
            )
            self._later(self._some(WRAP_UP_MS), done)

    def _later(self, wait_ms: float, request: AgentWentReady | HangUpAsked | DispositionSet) -> None:
        asyncio.get_running_loop().call_later(wait_ms / SECOND_MS, self._runtime.post, request)

    def _some(self, median_ms: int) -> float:
        return median_ms * self._chance.lognormvariate(0, SPREAD)


async def _real(lab: Lab, mode: DialingMode, numbers: Sequence[Number], seconds: int) -> ShiftFigures:
    pbx = lab.pbx
    with tempfile.TemporaryDirectory(prefix="outring-bench-") as folder:
        telephony = AsteriskTelephony(url=pbx.ari_url, user=pbx.ari_user, password=pbx.ari_password)
        async with await SqlStore.open(f"sqlite+aiosqlite:///{Path(folder) / 'bench.db'}") as store:
            runtime = Runtime(dialer=Dialer(), telephony=telephony, store=store, prompts=OneSound())
            operations = Operations(store=store, runtime=runtime)
            working = asyncio.create_task(runtime.run(await operations.first_events()))
            try:
                campaign_id = await _prepare(operations, store, mode, numbers)
                _Robots(runtime)
                await _sign_in(lab, runtime, store, campaign_id, operations.now_ms)
                await operations.start_campaign(campaign_id)
                await asyncio.sleep(WARM_UP_S)
                start_ms = operations.now_ms
                await asyncio.sleep(seconds)
                found = await store.read(figures_of, "reality", mode.value, 0, start_ms, operations.now_ms - start_ms)
                await runtime.wind_down(30)
            finally:
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)
                await telephony.stop()
        for server in (lab.pbx, lab.network, lab.phones.server):
            await server.cli("channel request hangup all")
        for phone in lab.phones.values():
            await phone.until_idle()
    return found


async def _prepare(operations: Operations, store: SqlStore, mode: DialingMode, numbers: Sequence[Number]) -> CampaignId:
    await operations.save_trunk(TRUNK)
    await operations.shown_numbers.keep(_plan(mode).caller_id)
    found = await store.write(lists.create_list, name="reality", country="GB", now_ms=operations.now_ms)
    await store.write(add_contacts, found.id, numbers, operations.now_ms)
    return (await operations.create_campaign(_plan(mode), [found.id])).campaign.id


async def _sign_in(lab: Lab, runtime: Runtime, store: SqlStore, campaign_id: CampaignId, now_ms: int) -> None:
    """Everybody is at their phone and ready."""
    for place, phone in enumerate(list(lab.phones.values())[:AGENTS]):
        user = await store.write(
            people.add_user, name=f"robot {place}", password_hash="", role=people.Role.AGENT, now_ms=now_ms
        )
        seat = Seat(
            agent_id=AgentId(user.id), session_id=SessionId(f"reality{place:04d}"), name=user.name, endpoint=phone.name
        )
        await store.write(agents.sign_in, seat, [campaign_id], now_ms=now_ms)
        runtime.post(AgentSignedIn(seat=seat, campaigns=(campaign_id,)))
    async with asyncio.timeout(60):
        while True:
            pictures = runtime.dialer.snapshot(runtime.clock.now_ms()).agents
            if len(pictures) == AGENTS and all(one.state is AgentState.AVAILABLE for one in pictures):
                return
            await asyncio.sleep(0.1)


# --- simulated -------------------------------------------------------------------------------------------------------


def _simulated(mode: DialingMode, numbers: Sequence[Number], seconds: int, seed: int) -> ShiftFigures:
    temper = replace(GOOD, talk_ms=TALK_MS, talk_spread=SPREAD, wrap_up_ms=WRAP_UP_MS, wrap_up_spread=SPREAD)
    plan = WorldPlan(
        trunks=(TRUNK,),
        kinds={TRUNK.endpoint: TrunkKind.GOOD},
        campaigns=(CampaignPlan(campaign=_plan(mode), flow=CONNECT_SOURCE, numbers=tuple(numbers)),),
        shift=ShiftPlan(agents=AGENTS, temper=temper, per_call=0.0, misses=0.0, has_supervisor=False, serves_all=True),
    )
    world = World(plan, seed=seed, trace=Untraced())
    warm_up_ms = WARM_UP_S * SECOND_MS
    world.run(warm_up_ms + seconds * SECOND_MS, is_whole=False)
    return world.store.read(figures_of, "reality", mode.value, seed, START_MS + warm_up_ms, seconds * SECOND_MS)
